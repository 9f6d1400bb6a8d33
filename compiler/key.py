"""The key: a canonical identity of a graph with ordered ports.

Following the inputs in order from the outputs visits such a graph in one way only, so that two graphs
have equal visits iff they are isomorphic. Which nodes share weights is part of it; where a derivation's
nodes stand is not.
"""

from __future__ import annotations

import hashlib

from einspec.compiler.graph import Graph, Port, Slot

FORMAT = 1


def graph_key(graph: Graph) -> str:
    """``1:<hex>``: equal for two graphs of one input type iff they are isomorphic, slots and ports respected.

    Stable across processes, machines and versions; copies are compared folded.
    """
    digests: dict[int, tuple[str, tuple[Slot, ...]]] = {}
    order = [part for part, _ in graph.graphs()]
    for part in reversed(order):  # bodies before what holds them
        digests[id(part)] = _digest(part, digests)
    return f"{FORMAT}:{digests[id(graph)][0][:32]}"


def _digest(graph: Graph, digests: dict[int, tuple[str, tuple[Slot, ...]]]) -> tuple[str, tuple[Slot, ...]]:
    """The digest of a graph, and its slots in canonical order: bodies around it may share them."""
    hasher = hashlib.sha256()
    hasher.update(repr([str(kind) for kind in graph.inputs]).encode())
    slots: dict[Slot, int] = {}
    position: dict[int, int] = {-1: -1}

    def port(source: Port) -> tuple[int, int]:
        return position[source[0]], source[1]

    for index in _visit(graph):
        node = graph.nodes[index]
        position[index] = len(position) - 1
        if node.op is not None:
            what: tuple[object, ...] = (node.op.name, node.args, node.attributes)
            owned = [node.slot] if node.slot is not None else []
        else:
            body, inner = digests[id(node.body)]
            what, owned = ("copies", node.copies, body), list(inner)
        numbers = [slots.setdefault(slot, len(slots)) for slot in owned]
        hasher.update(repr((what, [port(source) for source in node.inputs], numbers)).encode())
    hasher.update(repr([port(source) for source in graph.outputs]).encode())
    depth = len(graph.scope)
    hasher.update(repr([slot.context[:depth] == graph.scope for slot in slots]).encode())  # one per copy, or for all
    return hasher.hexdigest(), tuple(slots)


def _visit(graph: Graph) -> list[int]:
    """Nodes in postorder from the outputs, inputs in order."""
    order: list[int] = []
    done = [False] * len(graph.nodes)
    stack = [(index, False) for index, _ in reversed(graph.outputs) if index >= 0]
    while stack:
        index, is_ready = stack.pop()
        if done[index]:
            continue
        if is_ready:
            done[index] = True
            order.append(index)
            continue
        stack.append((index, True))
        stack += [(source, False) for source, _ in reversed(graph.nodes[index].inputs) if source >= 0]
    return order
