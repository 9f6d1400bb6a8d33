"""What is finite is tried once each: draws without replacement."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from einspec.space.deriving.choosers import below

T = TypeVar("T", bound=Hashable)

_MISSES = 16
"""Draws in a row that find nothing new, before what is left is gone through."""
_MOST_LEFT = 100_000
"""How many that are left are held at once."""


def once_each(
    draw: Callable[[random.Random], T | None], every: Callable[[], Iterable[T]], rng: random.Random
) -> Iterator[T]:
    """All of ``every()``, each once: as they are drawn while that finds new ones, then those left in a random order.

    ``draw`` gives one of them, or None where it finds none.
    """
    tried: set[T] = set()
    misses = 0
    while misses < _MISSES:
        found = draw(rng)
        if found is None or found in tried:
            misses += 1
            continue
        misses = 0
        tried.add(found)
        yield found
    untried = (found for found in every() if found not in tried)
    while left := list(islice(untried, _MOST_LEFT)):
        while left:
            index = below(rng, len(left))
            left[index], left[-1] = left[-1], left[index]
            yield left.pop()
