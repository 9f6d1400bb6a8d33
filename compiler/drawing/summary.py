"""Summaries: one block that counts the ops of what is too large to draw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from einspec.compiler.drawing.diagram import Block, Line
from einspec.compiler.drawing.text import TIMES, count
from einspec.compiler.graph.graph import Graph

COUNTED = 12
"""Ops that a summary names."""


def summary_of(graph: Graph, nodes: Sequence[int], reason: str, inside: bool = False) -> Block:
    """The block that stands for nodes of a graph, their bodies included.

    It accounts for the edges that end at these nodes; ``inside`` leaves out those at the nodes themselves.
    """
    counts: Counter[str] = Counter()
    edges = 0
    for index in nodes:
        node = graph.nodes[index]
        edges += 0 if inside else len(node.inputs)
        if node.op is not None:
            counts[node.op.name] += 1
        for part, times in node.body.graphs() if node.body is not None else ():
            written = times * node.copies
            edges += written * (sum(len(inner.inputs) for inner in part.nodes) + len(part.outputs))
            for inner in part.nodes:
                if inner.op is not None:
                    counts[inner.op.name] += written
    title = Line(f"{count(counts.total())} nodes, {reason}")
    return Block("summary", (title, *_lines(counts)), nodes=counts.total(), edges=edges)


def _lines(counts: Counter[str]) -> list[Line]:
    """The most frequent ops, and how many others there are."""
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [Line(f"{name} {TIMES} {count(number)}") for name, number in common[:COUNTED]]
    if len(common) > COUNTED:
        rest = sum(number for _, number in common[COUNTED:])
        lines.append(Line(f"{len(common) - COUNTED:,} other ops {TIMES} {count(rest)}"))
    return lines
