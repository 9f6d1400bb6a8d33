"""Diagrams: what a drawing shows, before it has coordinates. Blocks, and wires from block to block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["weights", "merging", "shape", "other"]

KINDS: dict[Kind, str] = {
    "weights": "has weights",
    "merging": "merges",
    "shape": "changes the shape",
    "other": "other",
}
"""Kinds of ops, with the words of the legend."""

Role = Literal["ops", "input", "output", "frame", "summary"]


@dataclass(frozen=True, slots=True)
class Line:
    """One op of a block, the type that it gives where that is new, and all that there is to say of it."""

    text: str
    kind: Kind = "other"
    type: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A chain of ops, an input or output, a frame with a diagram inside, or the summary of what is too large."""

    role: Role
    lines: tuple[Line, ...] = ()
    text: str = ""
    exits: tuple[str, ...] = ()
    """The label of each exit: types, and which outputs where that is not plain."""
    dots: tuple[int, ...] = ()
    """For each exit of a frame the output of the diagram inside."""
    entries: int = 0
    """Places where wires come in, left to right; those of a frame are the inputs of the diagram inside."""
    any_order: bool = False
    """The order of the entries does not matter."""
    inner: Diagram | None = None
    times: int = 1
    side_by_side: bool = False
    nodes: int = 0
    """Nodes that the block itself stands for."""
    edges: int = 0
    """Edges of the graph inside the block itself."""


@dataclass(frozen=True, slots=True)
class Wire:
    """From an exit of a block to an entry of another; ``edges`` of the graph are drawn by it."""

    source: int
    exit: int
    target: int
    entry: int
    edges: int


@dataclass(frozen=True, slots=True, eq=False)
class Diagram:
    """Blocks in topological order: inputs first, outputs last. Wires go from earlier to later blocks."""

    blocks: tuple[Block, ...]
    wires: tuple[Wire, ...]

    @property
    def nodes(self) -> int:
        """Nodes of the graph, written out, that the diagram accounts for."""
        return sum(
            block.nodes + (block.times * block.inner.nodes if block.inner is not None else 0) for block in self.blocks
        )

    @property
    def edges(self) -> int:
        """Edges of the graph, written out, that the diagram accounts for."""
        inside = sum(
            block.edges + (block.times * block.inner.edges if block.inner is not None else 0) for block in self.blocks
        )
        return inside + sum(wire.edges for wire in self.wires)

    @property
    def boxes(self) -> int:
        """Blocks at all levels."""
        return sum(1 + (block.inner.boxes if block.inner is not None else 0) for block in self.blocks)

    @property
    def links(self) -> int:
        """Wires at all levels."""
        return len(self.wires) + sum(block.inner.links for block in self.blocks if block.inner is not None)
