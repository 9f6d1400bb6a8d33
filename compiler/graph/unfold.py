"""Unfolding: a graph with every copy of every body written out."""

from __future__ import annotations

from dataclasses import replace

from einspec.compiler.graph.graph import Context, Graph, Node, Port, Ports

MOST_NODES = 4_096
"""Nodes up to which all copies may be written out; above it graphs stay folded."""


def written_out(graph: Graph, most: int | None = None) -> Graph:
    """The graph with every copy of every body written out, slots named by their copies. Copies that come to more than
    ``most`` nodes stay folded, with what is in their bodies written out as far.
    """
    flat: dict[int, Graph] = {}
    for part in reversed([part for part, _ in graph.graphs()]):  # bodies before what holds them
        flat[id(part)] = _Unfolding(part, flat, most).graph() if any(node.body for node in part.nodes) else part
    return flat[id(graph)]


def written_within(graph: Graph, most: int) -> Graph:
    """The graph with the smallest of its copies written out, as many as fit into so many nodes."""
    sizes = sorted(
        {node.copies * node.body.written_out for part, _ in graph.graphs() for node in part.nodes if node.body}
    )
    for size in reversed(sizes):
        if _size(graph, size) <= most:
            return written_out(graph, size)
    return graph


def _size(graph: Graph, most: int) -> int:
    """Nodes where copies that come to at most so many nodes are written out."""
    total = 0
    for node in graph.nodes:
        if node.body is None:
            total += 1
        else:
            size = node.copies * node.body.written_out
            total += size if size <= most else 1 + _size(node.body, most)
    return total


class _Unfolding:
    """One graph, the bodies of whose copies are written out already, as far as they are to be."""

    def __init__(self, whole: Graph, flat: dict[int, Graph], most: int | None):
        self.whole = whole
        self.flat = flat
        self.most = most
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
            elif self.most is not None and node.copies * node.body.written_out > self.most:
                made.append(self.add(replace(node, inputs=inputs, body=self.flat[id(node.body)])))
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
