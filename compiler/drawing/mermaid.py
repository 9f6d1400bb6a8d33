"""Diagrams as mermaid flowcharts, for pages that render them."""

from __future__ import annotations

from collections.abc import Iterator

from einspec.compiler.drawing.build import diagram_of
from einspec.compiler.drawing.colours import FILLS, INK, RIM
from einspec.compiler.drawing.diagram import Block
from einspec.compiler.drawing.names import Named, main_kind, named, op_lines
from einspec.compiler.drawing.text import printable
from einspec.compiler.graph.graph import Graph

MARKUP = frozenset("#&<>\"'`\\|{};%$*~")
"""Characters that mean something in a quoted text: to mermaid, to its markdown or to HTML."""


def to_mermaid(graph: Graph) -> str:
    """A flowchart of the graph; replicas and repeats are subgraphs."""
    lines = ["flowchart TD"]
    lines += [f"  classDef {kind} fill:{fill},stroke:{RIM},color:{INK}" for kind, fill in FILLS.items()]
    lines += _level(named(diagram_of(graph)), "  ")
    return "\n".join(lines) + "\n"


def _level(level: Named, indent: str) -> Iterator[str]:
    for index, block in enumerate(level.diagram.blocks):
        name = level.names[index]
        if block.inner is None:
            yield f"{indent}{name}{_shape(block)}{_class(block)}"
            continue
        yield f'{indent}subgraph {name} ["{_escape(block.text)}"]'
        yield from _level(level.inner[index], indent + "  ")
        yield f"{indent}end"
    for source, target, label in level.wires():
        text = f'|"{_escape(label)}"|' if label else ""
        yield f"{indent}{source} -->{text} {target}"


def _shape(block: Block) -> str:
    if block.lines:
        text = "<br/>".join(_escape(line) for line in op_lines(block))
        return f'["{text}"]'
    return f'(["{_escape(block.text)}"])' if block.text else '((" "))'


def _class(block: Block) -> str:
    return f":::{main_kind(block)}" if block.role == "ops" else ""


def _escape(text: str) -> str:
    """Entities in mermaid's own way, by number, for all that could be markup."""
    return "".join(f"#{ord(c)};" if c in MARKUP else c for c in printable(text).replace("\n", " "))
