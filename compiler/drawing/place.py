"""Where the items of each row stand: as straight below what they are joined to as their widths allow."""

from __future__ import annotations

from collections.abc import Sequence

from einspec.compiler.drawing.rows import Rows

BETWEEN = 18.0
"""Between neighbours in a row."""

SWEEPS = 10

_BLOCKS, _MIXED, _DUMMIES = 1.0, 0.001, 4.0
"""How much a segment pulls: between two blocks, a block and a dummy, two dummies."""

Pulls = list[list[tuple[int, float, float]]]
"""For each item what it is joined to: (item, offset, weight)."""


def place(rows: Rows) -> None:
    """Sets the x of all items; each column begins at 0 by itself."""
    above, below = _pulls(rows)
    for row in rows.rows:
        _spread(rows, row, [0.0] * len(row), [1.0] * len(row))
    for sweep in range(SWEEPS):
        for row in reversed(rows.rows):
            _settle(rows, row, [below] if sweep < SWEEPS - 2 else [above, below])
        for row in rows.rows:
            _settle(rows, row, [above] if sweep < SWEEPS - 2 else [above, below])
    main = [[pull for pull in pulls if pull[2] == _BLOCKS] or pulls for pulls in above]
    for row in rows.rows:
        _settle(rows, row, [main])
    _straighten(rows, above, below)
    _start_at_zero(rows)


def _pulls(rows: Rows) -> tuple[Pulls, Pulls]:
    above: Pulls = [[] for _ in rows.items]
    below: Pulls = [[] for _ in rows.items]
    for segment in rows.segments:
        if rows.is_turn(segment):
            continue
        ends = rows.items[segment.upper], rows.items[segment.lower]
        dummies = sum(end.block is None and not end.turn for end in ends)
        weight = (_BLOCKS, _MIXED, _DUMMIES)[dummies]
        offset = segment.leaves - segment.arrives
        above[segment.lower].append((segment.upper, offset, weight))
        below[segment.upper].append((segment.lower, -offset, weight))
    return above, below


def _settle(rows: Rows, row: Sequence[int], sides: Sequence[Pulls]) -> None:
    """Moves a row to where it is pulled."""
    wanted, weights = [], []
    for item in row:
        pulls = [pull for side in sides for pull in side[item]]
        total = sum(weight for _, _, weight in pulls)
        if total:
            wanted.append(sum((rows.items[other].x + offset) * weight for other, offset, weight in pulls) / total)
            weights.append(total)
        else:
            wanted.append(rows.items[item].x)
            weights.append(0.01)
    _spread(rows, row, wanted, weights)


def _spread(rows: Rows, row: Sequence[int], wanted: Sequence[float], weights: Sequence[float]) -> None:
    """The places nearest to the wanted ones, by weighted squares, that keep order and distance.

    Without the distances, which are subtracted first, this is isotonic regression: neighbours out of order
    are pooled at their mean.
    """
    shifts, shift = [], 0.0
    for place, item in enumerate(row):
        if place:
            shift += rows.items[row[place - 1]].right + BETWEEN + rows.items[item].left
        shifts.append(shift)
    pools: list[list[float]] = []  # mean, weight, count
    for goal, weight, offset in zip(wanted, weights, shifts, strict=True):
        pools.append([goal - offset, weight, 1])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            mean, mass, count = pools.pop()
            last = pools[-1]
            last[0] = (last[0] * last[1] + mean * mass) / (last[1] + mass)
            last[1] += mass
            last[2] += count
    means = [mean for mean, _, count in pools for _ in range(int(count))]
    for item, mean, offset in zip(row, means, shifts, strict=True):
        rows.items[item].x = mean + offset


def _straighten(rows: Rows, above: Pulls, below: Pulls) -> None:
    """Puts the dummies of one exit in one column at one x, where there is room."""
    chains: dict[tuple[object, int], list[int]] = {}
    for row in rows.rows:
        for item in row:
            dummy = rows.items[item]
            if dummy.block is None and not dummy.turn:
                chains.setdefault((dummy.key, rows.columns[dummy.row]), []).append(item)
    for chain in chains.values():
        low, high = float("-inf"), float("inf")
        for item in chain:
            left, right = _room(rows, item)
            low, high = max(low, left), min(high, right)
        if low <= high:
            ends = [rows.items[other].x + offset for other, offset, _ in above[chain[0]] + below[chain[-1]]]
            middle = sum(rows.items[item].x for item in chain) / len(chain)
            free = [end for end in ends if low <= end <= high]
            goal = min(free, key=lambda end: abs(end - middle)) if free else middle
            for item in chain:
                rows.items[item].x = min(max(goal, low), high)


def _room(rows: Rows, index: int) -> tuple[float, float]:
    """How far an item can go to the left and right."""
    item = rows.items[index]
    row = rows.rows[item.row]
    low, high = float("-inf"), float("inf")
    if item.place:
        before = rows.items[row[item.place - 1]]
        low = before.x + before.right + BETWEEN + item.left
    if item.place + 1 < len(row):
        after = rows.items[row[item.place + 1]]
        high = after.x - after.left - BETWEEN - item.right
    return low, high


def _start_at_zero(rows: Rows) -> None:
    for column in dict.fromkeys(rows.columns):
        members = [item for row, at in zip(rows.rows, rows.columns, strict=True) if at == column for item in row]
        start = min((rows.items[item].x - rows.items[item].left for item in members), default=0.0)
        for item in members:
            rows.items[item].x -= start
