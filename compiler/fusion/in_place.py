"""Activations in place: the last pass, since it is about who else reads a value and not about what it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from einspec.compiler.fusion import ops
from einspec.compiler.graph import Graph, Node, Port
from einspec.ops.library import image, merge, tensor

_FRESH = frozenset(
    {
        tensor.linear, tensor.batch_norm, tensor.layer_norm, tensor.pos, image.conv2d, ops.patch_conv, ops.linear_wide,
        ops.conv2d_wide, ops.patch_conv_wide,
    }
)  # fmt: skip
"""Ops that make a tensor of their own, and need it no more when gradients flow back."""


def in_place(graph: Graph) -> Graph:
    """The graph with activations written over their inputs, where nothing else reads those."""
    readers: Counter[Port] = Counter(port for node in graph.nodes for port in node.inputs)
    readers.update(graph.outputs)
    nodes = []
    for node in graph.nodes:
        is_read_once = node.op is tensor.leaky_relu and readers[node.inputs[0]] == 1
        if is_read_once and node.args[0] >= 0 and _is_fresh(graph, node.inputs[0]):
            node = replace(node, op=ops.leaky_relu_in_place)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _is_fresh(graph: Graph, port: Port) -> bool:
    """Whether a port holds a tensor that nothing shares memory with."""
    if port[0] < 0:
        return False
    node: Node = graph.nodes[port[0]]
    if node.op is merge.add:
        return len(node.inputs) > 1
    return node.op in _FRESH
