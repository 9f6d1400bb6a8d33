"""The key: a canonical identity of a simplified graph."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cache

from einspec.compiler.graph.graph import Graph, Node, Port, Slot
from einspec.compiler.identity.canonical import Labelled, canonical_order
from einspec.compiler.identity.form import identity_form
from einspec.ops.declare import Primitive

FORMAT = 2

Shared = tuple[Slot, ...]


def graph_key(graph: Graph) -> str:
    """``2:<hex>``, equal for two simplified graphs of one input type iff the forms they are compared in are isomorphic.

    Ops with their arguments, ports and which nodes share weights are respected; where in a derivation a node
    stands is not. The digest also covers the laws of the ops, so that a changed law changes the keys that
    may depend on it. Stable across processes, machines and library versions.
    """
    return f"{FORMAT}:{canonical_digest(identity_form(graph))[:32]}"


def canonical_digest(graph: Graph) -> str:
    """SHA-256 of the graph written down in canonical order, in hex."""
    digests: dict[int, tuple[str, Shared]] = {}
    for part in reversed([part for part, _ in graph.graphs()]):  # bodies before what holds them
        digests[id(part)] = _digest(part, digests)
    return digests[id(graph)][0]


@dataclass(frozen=True, slots=True)
class _Vertices:
    """A graph as vertices: its inputs, the slots that several nodes or the outside share, then its nodes."""

    graph: Graph
    texts: tuple[str, ...]
    """What each node is, but for its edges."""
    slots: tuple[Slot, ...]
    first: int
    """The vertex of the first node."""

    def of(self, port: Port) -> int:
        """The vertex that a port belongs to."""
        return port[1] if port[0] < 0 else self.first + port[0]


def numbering(graph: Graph) -> list[int]:
    """The nodes of a graph without bodies in canonical order, by their index."""
    vertices = _vertices(graph, {})
    order = canonical_order(_labelled(vertices, {}))
    return [vertex - vertices.first for vertex in order if vertex >= vertices.first]


def _digest(graph: Graph, digests: dict[int, tuple[str, Shared]]) -> tuple[str, Shared]:
    """The digest of a graph, and the slots that it shares with what is around it, in canonical order."""
    vertices = _vertices(graph, digests)
    order = canonical_order(_labelled(vertices, digests))
    position = {vertex: index for index, vertex in enumerate(order)}
    slots: dict[Slot, int] = {}
    rows: list[object] = [[str(kind) for kind in graph.inputs]]
    first = vertices.first
    for vertex in order:
        if vertex < first:
            rows.append(("input", vertex) if vertex < len(graph.inputs) else "slot")
            continue
        node = graph.nodes[vertex - first]
        edges = [(position[vertices.of(port)], port[1]) for port in node.inputs]
        if _is_unordered(node):
            edges.sort()
        owned = [slots.setdefault(slot, len(slots)) for slot in _slots(node, digests)]
        rows.append((vertices.texts[vertex - first], edges, owned))
    rows.append([(position[vertices.of(port)], port[1]) for port in graph.outputs])
    shared = [(slot, number) for slot, number in slots.items() if _is_outside(slot, graph)]
    rows.append([number for _, number in shared])
    rows.append(sorted({(node.op.name, _law_text(node.op)) for node in graph.nodes if node.op is not None}))
    return hashlib.sha256(repr(rows).encode()).hexdigest(), tuple(slot for slot, _ in shared)


def _vertices(graph: Graph, digests: dict[int, tuple[str, Shared]]) -> _Vertices:
    uses = Counter(slot for node in graph.nodes for slot in _slots(node, digests))
    slots = tuple(slot for slot, count in uses.items() if count > 1 or _is_outside(slot, graph))
    texts = tuple([_text(node, digests) for node in graph.nodes])
    return _Vertices(graph, texts, slots, len(graph.inputs) + len(slots))


def _labelled(vertices: _Vertices, digests: dict[int, tuple[str, Shared]]) -> Labelled:
    """Labels and edges. An output marks the vertex that it comes from; a shared slot has an edge to its owners."""
    graph = vertices.graph
    marks: dict[int, list[tuple[int, int]]] = {}
    for place, port in enumerate(graph.outputs):
        marks.setdefault(vertices.of(port), []).append((place, port[1]))
    labels: list[str] = [f"input {index} {marks.get(index)}" for index in range(len(graph.inputs))]
    labels += [f"slot {_is_outside(slot, graph)}" for slot in vertices.slots]
    edges: list[list[tuple[int, object]]] = [[] for _ in labels]
    numbers = {slot: number for number, slot in enumerate(vertices.slots, start=len(graph.inputs))}
    for index, node in enumerate(graph.nodes, start=vertices.first):
        text = vertices.texts[index - vertices.first]
        labels.append(f"{text} {marks[index]}" if index in marks else text)
        is_unordered = _is_unordered(node)
        into: list[tuple[int, object]] = [
            (vertices.of(port), port[1] if is_unordered else (place, port[1])) for place, port in enumerate(node.inputs)
        ]
        into += [
            (numbers[slot], ("slot", place)) for place, slot in enumerate(_slots(node, digests)) if slot in numbers
        ]
        edges.append(into)
    return Labelled(labels, edges)


def _slots(node: Node, digests: dict[int, tuple[str, Shared]]) -> Shared:
    """The slots that a node names: its own, or those that its body shares with what is around it."""
    if node.body is not None:
        return digests[id(node.body)][1]
    return (node.slot,) if node.slot is not None else ()


def _is_outside(slot: Slot, graph: Graph) -> bool:
    return slot.context[: len(graph.scope)] != graph.scope


def _is_unordered(node: Node) -> bool:
    return node.op is not None and node.op.laws.commutative


def _text(node: Node, digests: dict[int, tuple[str, Shared]]) -> str:
    if node.op is None:
        assert node.body is not None
        return f"{node.copies} copies of {digests[id(node.body)][0]}"
    # As texts: 1, 1.0 and True are equal, and not the same argument.
    args = repr(node.args) if node.args else ""
    return f"{node.op.name}{args} {node.attributes!r}" if node.attributes else f"{node.op.name}{args}"


@cache
def _law_text(op: Primitive) -> str:
    """The laws that an op declares, without those that it does not."""
    return ",".join(f"{name}={value}" for name, value in sorted(op.laws.declared().items()))
