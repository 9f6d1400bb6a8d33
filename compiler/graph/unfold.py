"""Unfolding: a graph with every copy of every body written out."""

from __future__ import annotations

from einspec.compiler.graph.graph import Context, Graph, Node, Port, Ports

MOST_NODES = 4_096
"""Up to here copies are written out before graphs are compared; above it they are compared folded."""


def written_out(graph: Graph) -> Graph:
    """The graph with every copy of every body written out, slots named by their copies."""
    flat: dict[int, Graph] = {}
    for part in reversed([part for part, _ in graph.graphs()]):  # bodies before what holds them
        flat[id(part)] = _Unfolding(part, flat).graph() if any(node.body for node in part.nodes) else part
    return flat[id(graph)]


class _Unfolding:
    """One graph, the bodies of whose copies are flat."""

    def __init__(self, whole: Graph, flat: dict[int, Graph]):
        self.whole = whole
        self.flat = flat
        self.nodes: list[Node] = []

    def graph(self) -> Graph:
        """The graph with its copies written out."""
        whole = self.whole
        given = tuple([(-1, index) for index in range(len(whole.inputs))])
        made: list[Ports] = []
        for node in whole.nodes:
            inputs = _resolved(node.inputs, made, given)
            if node.body is None:
                made.append(self.add(node.with_inputs(inputs)))
            else:
                made.append(self.copies(node, self.flat[id(node.body)], inputs))
        return Graph(whole.inputs, tuple(self.nodes), _resolved(whole.outputs, made, given), whole.scope)

    def copies(self, node: Node, body: Graph, inputs: Ports) -> Ports:
        """The outputs of all copies of a body."""
        outputs: list[Port] = []
        width = len(body.inputs)
        for copy in range(node.copies):
            given = inputs[copy * width : (copy + 1) * width]
            made: list[Ports] = []
            for inner in body.nodes:
                made.append(self.add(_in_copy(inner, _resolved(inner.inputs, made, given), body.scope, copy)))
            outputs += _resolved(body.outputs, made, given)
        return tuple(outputs)

    def add(self, node: Node) -> Ports:
        """The outputs of a node."""
        index = len(self.nodes)
        self.nodes.append(node)
        return ((index, 0),) if len(node.outputs) == 1 else tuple([(index, i) for i in range(len(node.outputs))])


def _resolved(ports: Ports, made: list[Ports], given: Ports) -> Ports:
    return tuple([given[output] if index < 0 else made[index][output] for index, output in ports])


def _in_copy(node: Node, inputs: Ports, scope: Context, copy: int) -> Node:
    """A node of a body in one of its copies."""
    slot = node.slot.in_copy(scope, copy) if node.slot is not None else None
    return Node(node.op, node.args, node.attributes, inputs, node.input_types, node.outputs, slot)
