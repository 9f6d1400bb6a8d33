"""The layout of a diagram: rows from top to bottom, wrapped into columns, with all coordinates."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from einspec.compiler.drawing.columns import Screen, breaks
from einspec.compiler.drawing.diagram import Diagram, Wire
from einspec.compiler.drawing.order import arrange
from einspec.compiler.drawing.place import BETWEEN, place
from einspec.compiler.drawing.rows import Item, Key, Rows, Segment, ranks, reaches
from einspec.compiler.drawing.sizes import BESIDE, LABEL, Size, box_size, frame_size, label_width, spread

PAGE = Screen(1570.0, 850.0)
"""What a whole drawing should fit in: a screen, less margins and legend."""

FRAMES = (Screen(inf, inf), Screen(1300.0, 900.0), Screen(900.0, 620.0))
"""What a frame should fit in: the first is tried first, those after it where the page is too large then."""

WORTH = 0.9
"""How much smaller the page must become for columns in frames: a single one reads better."""

NARROW = 10.0
"""A wire's own width."""

GAP = 16.0
"""Between rows, labels aside."""

TITLE = 8.0
"""Below the upper side of a frame, beside the gap, for its title."""

MOST_SWING = 40.0
"""What is added for wires that go far to the side."""

TRACK = 8.0
"""Between wires that turn into the next column side by side."""


@dataclass(frozen=True, slots=True)
class Box:
    """A block with its place."""

    block: int
    x: float
    y: float
    width: float
    height: float
    inner: Picture | None = None
    shift: float = 0.0
    """Where the picture inside begins."""


@dataclass(frozen=True, slots=True)
class Label:
    """Text beside an exit; ``y`` is its base line."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Route:
    """A wire's points. A *curve* goes straight down to its second point and swings to the last."""

    points: tuple[tuple[float, float], ...]
    shape: Literal["curve", "corners"]
    wire: Wire | None
    """The wire that ends here, unless another segment follows."""
    key: Key
    arrow: bool


@dataclass(slots=True)
class Picture:
    """A diagram with coordinates; those of pictures in frames are their own."""

    diagram: Diagram
    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    inputs: list[float] = field(default_factory=list)
    """Where the dots of a frame's inputs are, along its upper side."""
    outputs: list[float] = field(default_factory=list)


def lay_out(diagram: Diagram) -> Picture:
    """The picture of a diagram; frames have columns of their own only where the page would be too large."""
    best, least = None, inf
    for frame in FRAMES:
        if best is not None and (least <= 1 or not any(block.inner for block in diagram.blocks)):
            break
        picture = _Layout(diagram, PAGE, frame, []).picture()
        scale = PAGE.scale(picture.width, picture.height)
        if scale < least * WORTH:
            best, least = picture, scale
    assert best is not None, "the first picture is smaller than an infinite one"
    return best


class _Layout:
    """One level, from sizes to coordinates."""

    def __init__(self, diagram: Diagram, screen: Screen, frame: Screen, room: list[float]):
        self.diagram = diagram
        self.screen = screen
        self.frame = frame
        self.inner: dict[int, tuple[Picture, float]] = {}
        self.sizes = [self._size(index) for index in range(len(diagram.blocks))]
        outputs = [size for size, block in zip(self.sizes, diagram.blocks, strict=True) if block.role == "output"]
        for size, wide in zip(outputs, room, strict=False):  # room for the labels below the frame
            size.right = max(size.right, wide)
        self.rank = ranks(diagram)
        self.reach = reaches(diagram, self.rank)

    def _size(self, index: int) -> Size:
        block = self.diagram.blocks[index]
        if block.inner is None:
            return box_size(block)
        count = sum(inner.role == "output" for inner in block.inner.blocks)
        room = [0.0] * count
        for dot, text in zip(block.dots, block.exits, strict=True):
            room[dot] = max(room[dot], BESIDE + label_width(text))
        picture = _Layout(block.inner, self.frame, self.frame, room).picture()
        size, shift = frame_size(block, (picture.width, picture.height), picture.inputs, picture.outputs)
        self.inner[index] = picture, shift
        return size

    def picture(self) -> Picture:
        """All coordinates."""
        self.starts = self._breaks()
        self.rows = self._make_rows()
        arrange(self.rows)
        self._sort_entries()
        place(self.rows)
        self.heights = [self._row_height(row) for row in self.rows.rows]
        self._set_columns()
        return self._draw()

    def _breaks(self) -> tuple[int, ...]:
        """The ranks that begin another column."""
        count = max(self.rank, default=0) + 1
        heights, widths, crossing = [0.0] * count, [0.0] * count, [0] * count
        for rank, size in zip(self.rank, self.sizes, strict=True):
            heights[rank] = max(heights[rank], size.height + LABEL + GAP + 6)
            widths[rank] += size.left + size.right + BETWEEN
        for (block, _), reach in self.reach.items():
            for rank in range(self.rank[block] + 1, reach + 1):
                crossing[rank] += 1
                if rank < reach:
                    widths[rank] += NARROW + BETWEEN
        return breaks(heights, widths, crossing, self.screen)

    def _row_of(self, rank: int) -> int:
        """Two rows are added where a column begins: the ends of the wires in one and the next column."""
        return rank + 2 * sum(start <= rank for start in self.starts)

    def _make_rows(self) -> Rows:
        count = self._row_of(max(self.rank, default=0)) + 1
        rows = Rows(rows=[[] for _ in range(count)], columns=[0] * count)
        tops = [start + 2 * i + 1 for i, start in enumerate(self.starts)]
        for row in range(count):
            rows.columns[row] = sum(top <= row for top in tops)
        at: dict[tuple[Key, int], int] = {}
        for index, size in enumerate(self.sizes):
            self._add(rows, Item(self._row_of(self.rank[index]), index, None, size.left, size.right))
        for key, reach in sorted(self.reach.items()):
            first, last = self._row_of(self.rank[key[0]]), self._row_of(reach)
            leaves = self.sizes[key[0]].exits[key[1]]
            at[key, first] = key[0]
            for row in range(first + 1, last):
                text = self.diagram.blocks[key[0]].exits[key[1]] if row in tops else ""
                right = BESIDE + label_width(text) if text else NARROW / 2
                at[key, row] = self._add(rows, Item(row, None, key, NARROW / 2, right, row in tops))
                offset = leaves if row == first + 1 else 0.0
                rows.segments.append(Segment(at[key, row - 1], at[key, row], offset, 0.0, None))
        for wire in self.diagram.wires:
            key = (wire.source, wire.exit)
            row = self._row_of(self.rank[wire.target])
            direct = row == self._row_of(self.rank[wire.source]) + 1
            offset = self.sizes[wire.source].exits[wire.exit] if direct else 0.0
            any_order = self.diagram.blocks[wire.target].any_order  # then it is found when the rows are arranged
            arrives = 0.0 if any_order else self.sizes[wire.target].entries[wire.entry]
            rows.segments.append(Segment(at[key, row - 1], wire.target, offset, arrives, wire))
        return rows

    def _add(self, rows: Rows, item: Item) -> int:
        rows.items.append(item)
        rows.rows[item.row].append(len(rows.items) - 1)
        return len(rows.items) - 1

    def _sort_entries(self) -> None:
        """Where wires enter the blocks that take several.

        Where the order of the inputs is free, they enter in the order in which they come. If one of them
        comes from the block above and the others from afar, that one enters in the middle.
        """
        rows = self.rows
        groups: dict[int, list[int]] = defaultdict(list)
        for index, segment in enumerate(rows.segments):
            if segment.wire is not None and self.diagram.blocks[segment.lower].role == "ops":
                groups[segment.lower].append(index)
        for target, indices in groups.items():
            if self.diagram.blocks[target].any_order:
                indices.sort(key=lambda i: (rows.items[rows.segments[i].upper].place, rows.segments[i].leaves, i))
            near = [i for i, index in enumerate(indices) if self._is_near(rows.segments[index])]
            middle = near[0] if len(near) == 1 else None
            places = spread(len(indices), self.sizes[target].width, middle)
            for index, arrives in zip(indices, places, strict=True):
                old = rows.segments[index]
                rows.segments[index] = Segment(old.upper, old.lower, old.leaves, arrives, old.wire)

    def _is_near(self, segment: Segment) -> bool:
        upper = self.rows.items[segment.upper]
        return upper.block is not None and self.diagram.blocks[upper.block].role != "input"

    def _row_height(self, row: list[int]) -> float:
        """The tallest block with its labels."""
        return max((self._depth_of(item) for item in row), default=0.0)

    def _depth_of(self, index: int) -> float:
        item = self.rows.items[index]
        if item.block is None:
            return LABEL if item.right > NARROW else 0.0
        block = self.diagram.blocks[item.block]
        title = TITLE if block.role == "input" and not block.text else 0.0
        return max(self.sizes[item.block].height + (LABEL if any(block.exits) else 0.0), title)

    def _set_columns(self) -> None:
        """The y of each row, the bottom of each column; items are moved to their column."""
        rows = self.rows
        swing = [0.0] * len(rows.rows)
        self.turns: dict[int, list[Segment]] = defaultdict(list)
        for segment in rows.segments:
            upper, lower = rows.items[segment.upper], rows.items[segment.lower]
            if rows.is_turn(segment):
                self.turns[rows.columns[upper.row]].append(segment)
            else:
                across = abs(upper.x + segment.leaves - lower.x - segment.arrives)
                swing[upper.row] = max(swing[upper.row], across)
        self.tops, self.bottoms, self.rights = [0.0] * len(rows.rows), [0.0], [0.0]
        y, column, left = 0.0, 0, 0.0
        for row, members in enumerate(rows.rows):
            if rows.columns[row] != column:
                left = self.rights[column] + self._gutter(column)
                y = TRACK * len(self.turns[column]) + TRACK / 2
                column += 1
                self.bottoms.append(0.0)
                self.rights.append(left)
            self.tops[row] = y
            for item in members:
                rows.items[item].x += left
                self.rights[column] = max(self.rights[column], rows.items[item].x + rows.items[item].right)
            self.bottoms[column] = y + self.heights[row]
            y += self.heights[row] + GAP + min(MOST_SWING, 0.11 * swing[row])

    def _gutter(self, column: int) -> float:
        return 2 * TRACK + TRACK * max(len(self.turns[column]), 1) + 4

    def _draw(self) -> Picture:
        rows = self.rows
        picture = Picture(self.diagram, max(self.rights))
        for item in rows.items:
            if item.block is not None:
                self._draw_block(picture, item, item.block)
            elif item.right > NARROW and item.key is not None:
                self._draw_label(picture, item.key, item.x, self.tops[item.row])
        for segment in rows.segments:
            if not rows.is_turn(segment):
                picture.routes.append(self._route(segment))
        tails = [TRACK * (len(self.turns[column]) + 1) for column in range(len(self.bottoms) - 1)]
        for column, segments in self.turns.items():
            picture.routes += self._turn(column, segments)
        picture.height = max(bottom + tail for bottom, tail in zip(self.bottoms, [*tails, 0.0], strict=True))
        return self._with_dots_on_the_frame(picture)

    def _draw_block(self, picture: Picture, item: Item, index: int) -> None:
        size, block = self.sizes[index], self.diagram.blocks[index]
        inner, shift = self.inner.get(index, (None, 0.0))
        x, y = item.x - size.width / 2, self.tops[item.row]
        picture.boxes.append(Box(index, x, y, size.width, size.height, inner, shift))
        if block.role == "input":
            picture.inputs.append(item.x)
        if block.role == "output":
            picture.outputs.append(item.x)
        for exit, offset in enumerate(size.exits):
            self._draw_label(picture, (index, exit), item.x + offset, y + size.height)

    def _draw_label(self, picture: Picture, key: Key, x: float, y: float) -> None:
        text = self.diagram.blocks[key[0]].exits[key[1]]
        if text:
            picture.labels.append(Label(text, x + BESIDE, y + LABEL - 3))

    def _route(self, segment: Segment) -> Route:
        upper, lower = self.rows.items[segment.upper], self.rows.items[segment.lower]
        y = self.tops[upper.row] + (self.sizes[upper.block].height if upper.block is not None else 0.0)
        start = upper.x + segment.leaves
        end = lower.x + segment.arrives
        turn = self.tops[upper.row] + self.heights[upper.row]
        points = ((start, y), (start, turn), (end, self.tops[lower.row]))
        return Route(points, "curve", segment.wire, self._key(segment), self._has_arrow(segment))

    def _key(self, segment: Segment) -> Key:
        if segment.wire is not None:
            return segment.wire.source, segment.wire.exit
        key = self.rows.items[segment.lower].key
        assert key is not None, "a segment without a wire ends at a dummy"
        return key

    def _has_arrow(self, segment: Segment) -> bool:
        """Wires go on into frames, and out of them."""
        if segment.wire is None:
            return False
        block = self.diagram.blocks[segment.wire.target]
        return block.role != "frame" and self.sizes[segment.wire.target].height > 0

    def _turn(self, column: int, segments: list[Segment]) -> list[Route]:
        """Wires that go on at the top of the next column; nested, so that they do not cross."""
        items = self.rows.items
        routes = []
        segments = sorted(segments, key=lambda segment: items[segment.upper].x)
        for i, segment in enumerate(segments):
            upper, lower = items[segment.upper], items[segment.lower]
            start, end = upper.x, lower.x
            outer = len(segments) - 1 - i
            bottom = self.bottoms[column] + TRACK * (outer + 1)
            gutter = self.rights[column] + TRACK * (outer + 1) + 4
            top = self.tops[lower.row] - TRACK * i - TRACK / 2
            points = (
                (start, self.tops[upper.row]),
                (start, bottom),
                (gutter, bottom),
                (gutter, top),
                (end, top),
                (end, self.tops[lower.row]),
            )
            routes.append(Route(points, "corners", None, self._key(segment), False))
        return routes

    def _with_dots_on_the_frame(self, picture: Picture) -> Picture:
        """The wires to the outputs of a frame go on to its lower side, also from a column that ends above."""
        for box in picture.boxes:
            block = self.diagram.blocks[box.block]
            if block.role == "output" and not block.text and box.y < picture.height:
                points = ((box.x, box.y), (box.x, picture.height), (box.x, picture.height))
                key = next(((w.source, w.exit) for w in self.diagram.wires if w.target == box.block), (0, 0))
                picture.routes.append(Route(points, "curve", None, key, False))
        return picture
