"""Rows: the layered form of a diagram. Each block stands in a row below all that it takes from, and a wire
that is longer than one row passes through *dummies*, one per exit and row, however many wires share it."""

from __future__ import annotations

from dataclasses import dataclass, field

from einspec.compiler.drawing.diagram import Diagram, Wire

Key = tuple[int, int]
"""An exit: (block, exit)."""


@dataclass(slots=True)
class Item:
    """A block in its row, or a dummy of an exit; ``left`` and ``right`` of its anchor are kept free for it."""

    row: int
    block: int | None
    key: Key | None
    left: float
    right: float
    turn: bool = False
    """A dummy where a wire begins its way down a column."""
    x: float = 0.0
    place: int = 0
    """Its place in the row."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A wire, or several of one exit, between two rows that follow each other."""

    upper: int
    lower: int
    leaves: float
    """Where it leaves, from the anchor of the upper item."""
    arrives: float
    wire: Wire | None
    """The wire that ends here."""


@dataclass(slots=True)
class Rows:
    """Items by row; segments; the column of each row."""

    items: list[Item] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    def is_turn(self, segment: Segment) -> bool:
        """Whether a segment goes on in the next column."""
        rows = self.items[segment.upper].row, self.items[segment.lower].row
        return self.columns[rows[0]] != self.columns[rows[1]]


def ranks(diagram: Diagram) -> list[int]:
    """The row of each block: one below the lowest that it takes from; outputs share the last."""
    found = [0] * len(diagram.blocks)
    incoming: list[list[int]] = [[] for _ in diagram.blocks]
    for wire in diagram.wires:
        incoming[wire.target].append(wire.source)
    has_inputs = any(block.role == "input" for block in diagram.blocks)
    for index, block in enumerate(diagram.blocks):
        if block.role != "input":
            found[index] = 1 + max((found[source] for source in incoming[index]), default=0 if has_inputs else -1)
    last = max(found, default=0)
    for index, block in enumerate(diagram.blocks):
        if block.role == "output":
            found[index] = last
    return found


def reaches(diagram: Diagram, rank: list[int]) -> dict[Key, int]:
    """For each exit the lowest row that a wire from it goes to."""
    found: dict[Key, int] = {}
    for wire in diagram.wires:
        key = (wire.source, wire.exit)
        found[key] = max(found.get(key, 0), rank[wire.target])
    return found
