"""How large blocks are, and where wires leave and enter them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from einspec.compiler.drawing.diagram import Block, Line
from einspec.compiler.drawing.text import SIZE, SMALL, shown, width

LINE = 16.0
"""Height of a line of text."""

PAD = 8.0
"""Between text and the sides of its box."""

PAD_Y = 4.0

LABEL = 15.0
"""Height kept free for the label below an exit."""

BESIDE = 5.0
"""From a wire to its label."""

COLUMN = 14.0
"""From the longest op to the types of a block."""

STACK = 6.0
"""What the sheets behind a replica's frame take."""

FRAME_PAD = 10.0

ARROW = 11.0
"""Between arrows that enter a box side by side."""

WIDEST_ROW_OF_ARROWS = 300.0


@dataclass(slots=True)
class Size:
    """Width, height, and exits and entries as distances from the middle."""

    width: float
    height: float
    exits: list[float]
    entries: list[float]
    left: float = 0.0
    """Kept free to the left of the middle, for the box and its labels."""
    right: float = 0.0

    def reserve(self, block: Block) -> Size:
        """Keeps the room of box and labels free."""
        ends = [x + BESIDE + label_width(text) for x, text in zip(self.exits, block.exits, strict=True)]
        self.left = max(self.width / 2, 5.0)
        self.right = max(self.width / 2, 5.0, *ends) if ends else max(self.width / 2, 5.0)
        return self


def label_width(text: str) -> float:
    """The width of a label, 0 where there is none."""
    return width(shown(text), SMALL) if text else 0.0


def line_widths(lines: tuple[Line, ...]) -> tuple[float, float]:
    """The widths of the names and of the types of a block."""
    names = max(width(shown(line.text), SIZE) for line in lines)
    types = max((label_width(line.type) for line in lines[:-1]), default=0.0)
    return names, types


def box_size(block: Block) -> Size:
    """The size of any block but a frame. A dot, the end of a wire at a frame, has none."""
    if block.lines:
        names, types = line_widths(block.lines)
        wide = names + (COLUMN + types if types else 0.0) + 2 * PAD
        tall = len(block.lines) * LINE + 2 * PAD_Y
    elif block.text:
        wide, tall = width(shown(block.text), SIZE) + 3 * PAD, LINE + 2 * PAD_Y
    else:
        wide = tall = 0.0
    if block.entries > 1:
        wide = max(wide, 2 * PAD + min(block.entries * ARROW, WIDEST_ROW_OF_ARROWS))
    exits = [0.0]
    if len(block.exits) > 1:
        needed, exits = _slots(block)
        wide = max(wide, needed)
    entries = spread(block.entries, wide)
    return Size(wide, tall, exits[: len(block.exits)], entries).reserve(block)


def spread(count: int, wide: float, middle: int | None = None) -> list[float]:
    """Places for wires along a side; the one numbered ``middle`` in its middle, where there is room for that."""
    centre = (count - 1) / 2 if middle is None else float(middle)
    farthest = max(centre, count - 1 - centre)
    step = min(26.0, (wide / 2 - 6) / farthest) if farthest else 0.0
    if middle is not None and 0 < step < ARROW:
        return spread(count, wide)
    return [(i - centre) * step for i in range(count)]


def frame_size(
    block: Block, inner: tuple[float, float], inputs: list[float], outputs: list[float]
) -> tuple[Size, float]:
    """The size of a frame around a drawing of size ``inner``, and where in it that drawing begins.

    ``inputs`` and ``outputs`` are the places of the dots in the drawing.
    """
    title = width(shown(block.text), SMALL)
    before = max(FRAME_PAD, title + 2 * PAD - min(inputs, default=title + PAD))
    sheets = STACK if block.side_by_side else 0.0
    wide = max(before + inner[0] + FRAME_PAD, title + 2 * PAD) + sheets
    tall = max(inner[1], 2 * LINE) + sheets
    exits: list[float] = []
    if len(set(block.dots)) < len(block.dots):  # one output goes to several places, part by part
        needed, exits = _slots(block)
        before += max(0.0, needed - wide) / 2
        wide = max(wide, needed)
    size = Size(wide, tall, exits or [before + outputs[dot] - wide / 2 for dot in block.dots], [])
    size.entries = [before + x - wide / 2 for x in inputs]
    return size.reserve(block), before


def _slots(block: Block) -> tuple[float, list[float]]:
    """The width that exits side by side need with their labels, and their places."""
    starts = [0.0, *accumulate(label_width(text) + 3 * BESIDE for text in block.exits)]
    return starts[-1], [start - starts[-1] / 2 + BESIDE for start in starts[:-1]]
