"""Columns: where a tall drawing is broken, so that it fits a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_COLUMNS = 12

MOST_TURNING = 3
"""Wires that may go on from one column to the next."""

TURN_COST, COLUMN_COST = 0.1, 0.06
"""What a second wire in a turn and one more column may cost, as shares of the size."""

GUTTER = 26.0
"""Between columns, for the wires that go on."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The room that a drawing should fit in."""

    width: float
    height: float

    def scale(self, width: float, height: float) -> float:
        """How many times too large a drawing is."""
        return max(width / self.width, height / self.height)


def breaks(
    heights: Sequence[float], widths: Sequence[float], crossing: Sequence[int], screen: Screen
) -> tuple[int, ...]:
    """The rows that begin a column, the first aside. ``crossing[i]`` wires go from above row i to it or below.

    Few columns, and few wires that go on from one to the next, as long as the drawing fits the screen.
    """
    best: tuple[int, ...] = ()
    least = max(1.0, screen.scale(max(widths, default=0), sum(heights)))
    for turning in range(1, MOST_TURNING + 1):
        allowed = [row for row in range(2, len(heights) - 1) if crossing[row] <= turning]
        for count in range(2, min(MOST_COLUMNS, len(allowed) + 1) + 1):
            found = _balanced(heights, allowed, count)
            scale = max(1.0, screen.scale(*_extent(heights, widths, found)))
            cost = scale * (1 + TURN_COST * (turning - 1)) + COLUMN_COST * len(found)
            if cost < least:
                best, least = found, cost
    return best


def _extent(heights: Sequence[float], widths: Sequence[float], starts: tuple[int, ...]) -> tuple[float, float]:
    bounds = [0, *starts, len(heights)]
    spans = list(pairwise(bounds))
    width = sum(max(widths[start:end]) + GUTTER for start, end in spans)
    return width, max(sum(heights[start:end]) for start, end in spans)


def _balanced(heights: Sequence[float], allowed: Sequence[int], count: int) -> tuple[int, ...]:
    """At most ``count`` columns with the tallest as short as it can be, by bisection on its height."""
    low, high = max(heights), sum(heights)
    best: tuple[int, ...] = ()
    for _ in range(24):
        limit = (low + high) / 2
        found = _filled(heights, allowed, limit)
        if found is not None and len(found) < count:
            best, high = found, limit
        else:
            low = limit
    return best


def _filled(heights: Sequence[float], allowed: Sequence[int], limit: float) -> tuple[int, ...] | None:
    """Columns filled up to a height one after the other; None where a stretch without a break is taller."""
    starts: list[int] = []
    begin, candidate = 0, None
    places = set(allowed)
    total = since = 0.0
    for row, height in enumerate(heights):
        if row in places and row > begin:
            candidate, since = row, 0.0
        total += height
        since += height
        if total > limit:
            if candidate is None:
                return None
            starts.append(candidate)
            begin, candidate, total = candidate, None, since
            if total > limit:
                return None
    return tuple(starts)
