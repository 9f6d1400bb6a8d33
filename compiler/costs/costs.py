"""Parameters and multiply-accumulates of a graph, exact and without torch; copies are counted, not written out."""

from __future__ import annotations

import math

from einspec.compiler.graph.graph import Graph, Node, Slot


def costs(graph: Graph) -> tuple[int, int]:
    """Number of parameters, and multiply-accumulates for one example."""
    slots: dict[Slot, int] = {}
    macs = 0
    for part, times in graph.graphs():
        for node in part.nodes:
            if node.op is None:
                continue
            macs += times * node_macs(node)
            if node.slot is not None:
                slots[node.slot] = node_params(node)
    return sum(count * slot.copies for slot, count in slots.items()), macs


def node_macs(node: Node) -> int:
    """Multiply-accumulates of one node for one example, its copies not counted."""
    return node.op.macs(node.input_types, node.args, dict(node.attributes)) if node.op is not None else 0


def node_params(node: Node) -> int:
    """Number of parameters of one node, its copies not counted."""
    if node.op is None:
        return 0
    shapes = node.op.shapes(node.input_types, node.args, dict(node.attributes))
    return shapes if isinstance(shapes, int) else sum(math.prod(shape) for shape in shapes.values())
