"""What an untrusted file may ask for: how large its texts, numbers and tuples are, and how much it may compute."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TypeVar

from einspec.ops.control import Misuse

LONGEST_DEF = 8 << 10
"""Characters of one ``def``."""
LONGEST_DEFS = 256 << 10
"""Characters of all of one file."""
DEEPEST = 50
"""Levels of an expression, and of statements within statements."""
MOST_PARTS = 5_000
"""Nodes of the syntax tree of one ``def``."""
LARGEST = 2**62
"""The largest whole number."""
MOST_LEAVES = 4_096
"""Numbers and values in one tuple, with those of the tuples in it."""
DEEPEST_TUPLE = 4
LONGEST_RANGE = 4_096
LARGEST_EXPONENT = 64
MOST_STEPS = 100_000
"""Rounds of loops and calls of ``def``s in one evaluation of an architecture."""
TRIED = 1_000
"""Alternatives without children that may each take that many, where several are tried for one architecture."""

T = TypeVar("T")


class _Meter(threading.local):
    left: float = math.inf


_METER = _Meter()


def spend(steps: int) -> None:
    """Counts work. Raises ``Misuse`` when it is too much."""
    _METER.left -= steps
    if _METER.left < 0:
        raise Misuse(
            f"more than {MOST_STEPS:,} rounds of loops and calls of defs in one architecture",
            "loop over fewer, or call a child once and use what it gives",
        )


def step() -> None:
    """Counts the call of a ``def``."""
    _METER.left -= 1
    if _METER.left < 0:
        spend(0)


def is_counting() -> bool:
    """Whether an evaluation is under way that has steps of its own."""
    return _METER.left != math.inf


def tried_within_bounds(evaluate: Callable[[], T]) -> T:
    """Runs one of the alternatives that are tried, with steps of its own; a part of them count for who tries it."""
    before = _METER.left
    _METER.left = MOST_STEPS
    try:
        return evaluate()
    finally:
        _METER.left = before - (MOST_STEPS - _METER.left) / TRIED


def within_bounds(evaluate: Callable[[], T]) -> T:
    """Runs one evaluation of an architecture, with steps of its own."""
    before = _METER.left
    _METER.left = MOST_STEPS
    try:
        return evaluate()
    finally:
        _METER.left = before
