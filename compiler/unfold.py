"""Unfolding: a graph with every copy of every body written out."""

from __future__ import annotations

from einspec.compiler.graph import Context, Graph, Node, Port, Ports, Slot, in_copy

MOST_NODES = 4_096
"""Up to here copies are written out before graphs are compared; above it they are compared folded."""


def written_out(graph: Graph) -> Graph:
    """The graph with every copy of every body written out, slots named by their copies."""
    while any(node.body is not None for node in graph.nodes):
        graph = _one_level(graph)
    return graph


def _one_level(graph: Graph) -> Graph:
    nodes: list[Node] = []
    ports: list[Ports] = []

    def resolve(port: Port, made: list[Ports], inputs: Ports) -> Port:
        return inputs[port[1]] if port[0] < 0 else made[port[0]][port[1]]

    own_inputs = tuple((-1, index) for index in range(len(graph.inputs)))
    for node in graph.nodes:
        inputs = tuple(resolve(port, ports, own_inputs) for port in node.inputs)
        if node.body is None:
            ports.append(tuple((len(nodes), output) for output in range(len(node.outputs))))
            nodes.append(node.with_inputs(inputs))
            continue
        outputs: list[Port] = []
        width = len(node.body.inputs)
        for copy in range(node.copies):
            given = inputs[copy * width : (copy + 1) * width]
            made: list[Ports] = []
            for inner in node.body.nodes:
                made.append(tuple((len(nodes), output) for output in range(len(inner.outputs))))
                below = tuple(resolve(port, made, given) for port in inner.inputs)
                nodes.append(_in_copy(inner, below, node.body.scope, copy))
            outputs += [resolve(port, made, given) for port in node.body.outputs]
        ports.append(tuple(outputs))
    outputs_of = tuple(resolve(port, ports, own_inputs) for port in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs_of, graph.scope)


def _in_copy(node: Node, inputs: Ports, scope: Context, copy: int) -> Node:
    """A node of a body in one of its copies; what it holds is renamed with it."""
    slot: Slot | None = node.slot.in_copy(scope, copy) if node.slot is not None else None
    body = _body_in_copy(node.body, scope, copy) if node.body is not None else None
    return Node(node.op, node.args, node.attributes, inputs, node.input_types, node.outputs, slot, body, node.copies)


def _body_in_copy(body: Graph, scope: Context, copy: int) -> Graph:
    nodes = tuple(_in_copy(node, node.inputs, scope, copy) for node in body.nodes)
    return Graph(body.inputs, nodes, body.outputs, in_copy(body.scope, scope, copy))
