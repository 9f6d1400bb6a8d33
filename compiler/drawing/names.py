"""What mermaid and DOT share: names for the blocks of a diagram, and boxes of one colour.

Wires are between names there. A wire cannot end at a frame: it goes to the dot inside, which has a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from einspec.compiler.drawing.diagram import Block, Diagram, Kind, Wire


@dataclass(frozen=True, slots=True)
class Named:
    """A diagram with a name for each block, and so those in its frames."""

    diagram: Diagram
    names: list[str]
    inner: dict[int, Named]

    def ends(self, role: str) -> list[str]:
        """The names of the inputs or of the outputs."""
        return [name for name, block in zip(self.names, self.diagram.blocks, strict=True) if block.role == role]

    def wires(self) -> Iterator[tuple[str, str, str]]:
        """Each wire as the names of its ends and its label."""
        for wire in self.diagram.wires:
            block = self.diagram.blocks[wire.source]
            source, target = self.names[wire.source], self.names[wire.target]
            if wire.source in self.inner:
                source = self.inner[wire.source].ends("output")[block.dots[wire.exit]]
            if wire.target in self.inner:
                target = self.inner[wire.target].ends("input")[wire.entry]
            yield source, target, self._order(wire) + block.exits[wire.exit]

    def _order(self, wire: Wire) -> str:
        """Which input a wire is, where that matters: these formats keep no order."""
        target = self.diagram.blocks[wire.target]
        return f"{wire.entry + 1}: " if target.role == "ops" and target.entries > 1 and not target.any_order else ""


def named(diagram: Diagram, prefix: str = "n") -> Named:
    """Names that say where a block is: ``n3_1`` is in the frame ``n3``."""
    names = [f"{prefix}{i}" for i in range(len(diagram.blocks))]
    inner = {i: named(block.inner, names[i] + "_") for i, block in enumerate(diagram.blocks) if block.inner is not None}
    return Named(diagram, names, inner)


def op_lines(block: Block) -> list[str]:
    """The ops of a block with the types that they give; that of the last stands at the wire."""
    last = len(block.lines) - 1
    return [f"{line.text}  {line.type}" if line.type and i < last else line.text for i, line in enumerate(block.lines)]


def main_kind(block: Block) -> Kind:
    """The kind that colours a block of one colour: weights if any op has some, else that of its first op."""
    return next((line.kind for line in block.lines if line.kind == "weights"), block.lines[0].kind)
