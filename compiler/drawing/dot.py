"""Diagrams in the DOT language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from einspec.compiler.drawing.build import diagram_of
from einspec.compiler.drawing.colours import FILLS, QUIET, RIM, WIRE
from einspec.compiler.drawing.diagram import Block
from einspec.compiler.drawing.names import Named, main_kind, named, op_lines
from einspec.compiler.drawing.text import printable
from einspec.compiler.graph.graph import Graph

HEAD = f"""digraph architecture {{
  graph [rankdir=TB, fontname="monospace", fontsize=11, style=rounded, color="{RIM}"]
  node [shape=box, style="rounded,filled", fillcolor="#ffffff", color="{RIM}", fontname="monospace", fontsize=12]
  edge [color="{WIRE}", fontname="monospace", fontsize=11, fontcolor="{QUIET}"]"""


def to_dot(graph: Graph) -> str:
    """The graph in DOT; replicas and repeats are clusters."""
    return "\n".join([HEAD, *_level(named(diagram_of(graph)), "  "), "}"]) + "\n"


def _level(level: Named, indent: str) -> Iterator[str]:
    for index, block in enumerate(level.diagram.blocks):
        name = level.names[index]
        if block.inner is None:
            yield f"{indent}{name} [{_attributes(block)}]"
            continue
        yield f"{indent}subgraph cluster_{name} {{"
        yield f"{indent}  label={_quote(block.text)}"
        yield from _level(level.inner[index], indent + "  ")
        yield f"{indent}}}"
    for source, target, label in level.wires():
        yield f"{indent}{source} -> {target}" + (f" [label={_quote(label)}]" if label else "")


def _attributes(block: Block) -> str:
    if block.role == "ops":
        return f'label={_quote(*op_lines(block))}, fillcolor="{FILLS[main_kind(block)]}"'
    if block.lines:
        return f"label={_quote(*op_lines(block))}, style=dashed"
    return f"label={_quote(block.text)}, shape=oval" if block.text else 'shape=point, label=""'


def _quote(*lines: str) -> str:
    """A quoted string; several lines are flush left."""
    texts = [printable(line).replace("\n", " ").replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + (texts[0] if len(texts) == 1 else "".join(text + "\\l" for text in texts)) + '"'
