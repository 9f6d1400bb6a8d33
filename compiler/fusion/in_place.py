"""Activations in place: the last pass, since it is about who else reads a value and not about what it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from einspec.compiler.fusion import ops
from einspec.compiler.graph.graph import Graph, Node, Port, Slot, pruned
from einspec.ops.library import convolutions, merge, tensor

_FRESH = frozenset(
    {
        tensor.linear, tensor.batch_norm, tensor.layer_norm, tensor.pos, convolutions.conv2d, ops.patch_conv,
        ops.linear_wide, ops.conv2d_wide, ops.patch_conv_wide,
    }
)  # fmt: skip
"""Ops that make a tensor of their own, and need it no more when gradients flow back."""


_WITH_RELU = {tensor.linear: ops.linear_relu, ops.linear_wide: ops.linear_wide_relu}
"""Layers over rows, and what they are with an activation: what they make is a view of a matrix."""


def in_place(graph: Graph, tied: frozenset[Slot]) -> Graph:
    """The graph with activations written over their inputs, where nothing else reads those."""
    readers: Counter[Port] = Counter(port for node in graph.nodes for port in node.inputs)
    readers.update(graph.outputs)
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op is tensor.leaky_relu and node.args[0] >= 0 and readers[node.inputs[0]] == 1:
            node = _in_place(graph, node, tied)
        nodes.append(node)
    return pruned(replace(graph, nodes=tuple(nodes)))


def _in_place(graph: Graph, node: Node, tied: frozenset[Slot]) -> Node:
    """An activation that alone reads its input, in place if it can be."""
    index, _ = node.inputs[0]
    maker = graph.nodes[index] if index >= 0 else None
    if maker is None or maker.op is None:
        return node
    over_rows = _WITH_RELU.get(maker.op) if maker.input_types[0].rank > 1 else None
    if over_rows is not None:
        is_in_body = maker.op is tensor.linear and maker.slot is not None and maker.slot.copies > 1
        if is_in_body or maker.slot in tied:
            return node
        return replace(maker, op=over_rows, args=(*maker.args, *node.args), outputs=node.outputs)
    is_fresh = len(maker.inputs) > 1 if maker.op is merge.add else maker.op in _FRESH
    return replace(node, op=ops.leaky_relu_in_place) if is_fresh else node
