"""The order of the items in each row: barycentres, up and down, keeping the order with the fewest crossings."""

from __future__ import annotations

from bisect import bisect_right, insort

from einspec.compiler.drawing.rows import Rows

SWEEPS = 12

MOST_COMPARED = 60_000
"""Segments times sweeps: large drawings get fewer sweeps."""


def arrange(rows: Rows) -> None:
    """Orders the rows in place."""
    above: list[list[tuple[int, float]]] = [[] for _ in rows.items]
    below: list[list[tuple[int, float]]] = [[] for _ in rows.items]
    by_row: list[list[int]] = [[] for _ in rows.rows]
    for index, segment in enumerate(rows.segments):
        above[segment.lower].append((segment.upper, segment.leaves - segment.arrives))
        below[segment.upper].append((segment.lower, segment.arrives - segment.leaves))
        by_row[rows.items[segment.upper].row].append(index)
    _number(rows)
    best, least = [list(row) for row in rows.rows], _crossings(rows, by_row)
    sweeps = max(2, min(SWEEPS, MOST_COMPARED // (len(rows.segments) + 1)))
    for sweep in range(sweeps):
        if not least:
            break
        down = sweep % 2 == 0
        for row in rows.rows if down else reversed(rows.rows):
            _sort(rows, row, above if down else below)
        found = _crossings(rows, by_row)
        if found < least:
            best, least = [list(row) for row in rows.rows], found
    rows.rows = best
    _number(rows)


def _number(rows: Rows) -> None:
    for row in rows.rows:
        for place, item in enumerate(row):
            rows.items[item].place = place


def _sort(rows: Rows, row: list[int], near: list[list[tuple[int, float]]]) -> None:
    """Orders a row by the mean place of what each item is joined to; offsets within a block decide ties."""

    def barycentre(item: int) -> float:
        joined = near[item]
        if not joined:
            return float(rows.items[item].place)
        return sum(rows.items[other].place + offset * 1e-3 for other, offset in joined) / len(joined)

    row.sort(key=barycentre)
    for place, item in enumerate(row):
        rows.items[item].place = place


def _crossings(rows: Rows, by_row: list[list[int]]) -> int:
    """Pairs of segments that cross."""
    total = 0
    for indices in by_row:
        ends = []
        for index in indices:
            segment = rows.segments[index]
            upper, lower = rows.items[segment.upper], rows.items[segment.lower]
            ends.append((upper.place, segment.leaves, lower.place, segment.arrives))
        passed: list[tuple[int, float]] = []
        for _, _, place, offset in sorted(ends):
            total += len(passed) - bisect_right(passed, (place, offset))
            insort(passed, (place, offset))
    return total
