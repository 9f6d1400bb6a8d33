"""Deep evaluation: the one place that lifts Python's recursion limit.

Combinators are ordinary Python functions that call their children, so evaluating a derivation
recurses as deep as it is nested. Everything else walks iteratively.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from einspec.errors import CompileError

T = TypeVar("T")

MAX_DEPTH = 20_000
"""Deepest nesting of a derivation that is evaluated; beyond it comes a clear error."""

_FRAMES_PER_LEVEL = 64
"""Python frames per level: about ten through ``each``; a combinator may call its child through helpers."""
_STACK_PER_LEVEL = 32 * 1024
"""Bytes of C stack per level: two to eight C calls per nested combinator, measured below 1 KiB each on CPython 3.11,
and given four times that."""
_SHALLOW = 250
"""Up to here the calling thread's own stack is surely large enough."""

_lock = threading.Lock()
_lifted: list[int] = []
_plain_limit = 0


def deep(depth: int, function: Callable[[], T]) -> T:
    """Calls ``function`` with room for ``depth`` nested combinators.

    Raises ``CompileError`` past ``MAX_DEPTH``.
    """
    if depth > MAX_DEPTH:
        raise CompileError(
            f"a derivation nested {depth:,} deep cannot be evaluated: the limit is {MAX_DEPTH:,}; "
            "write it flatter, or lower Limits(max_depth=...)"
        )
    with _lifted_limit(depth):
        try:
            return function() if depth <= _SHALLOW else _on_a_large_stack(depth, function)
        except RecursionError:
            raise CompileError(
                f"a derivation nested up to {depth:,} deep needs over {_FRAMES_PER_LEVEL} Python frames per level: "
                "a combinator calls itself, or its children through many helpers"
            ) from None


class _lifted_limit:  # noqa: N801 - used as a statement, not as a type
    """Raises the interpreter's recursion limit; the last one out restores it, whatever the thread."""

    def __init__(self, depth: int):
        self.frames = _FRAMES_PER_LEVEL * depth

    def __enter__(self) -> None:
        global _plain_limit
        with _lock:
            if not _lifted:
                _plain_limit = sys.getrecursionlimit()
            _lifted.append(self.frames)
            sys.setrecursionlimit(_plain_limit + sum(_lifted))

    def __exit__(self, *exc: object) -> None:
        with _lock:
            _lifted.remove(self.frames)
            if not _lifted:
                sys.setrecursionlimit(_plain_limit)


def _on_a_large_stack(depth: int, function: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    with _lock:
        usual = threading.stack_size(depth * _STACK_PER_LEVEL + (1 << 20))
        try:
            thread = threading.Thread(target=work, name="einspec-deep")
            thread.start()
        finally:
            threading.stack_size(usual)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
