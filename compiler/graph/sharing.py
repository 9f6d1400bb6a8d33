"""Sums of sums, for modules and drawings: the normal form of a residual stream x, x + f, x + f + g, ... has ever
longer sums, and each is meant to go on from the one before. The same holds for concatenations."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from einspec.compiler.graph.graph import Graph, Node, Port

REMEMBERED = 16
"""Merges of one op before that a merge may go on from."""


def shared(graph: Graph) -> Graph:
    """An equal graph, with the same nodes, in which associative merges take from earlier ones what those hold."""
    parts = [part for part, _ in graph.graphs()]
    done: dict[int, Graph] = {}
    for part in reversed(parts):  # bodies before what holds them
        nodes = tuple(replace(node, body=done[id(node.body)]) if node.body is not None else node for node in part.nodes)
        done[id(part)] = _shared_level(replace(part, nodes=nodes))
    return done[id(graph)]


def _shared_level(graph: Graph) -> Graph:
    recent: dict[object, list[int]] = {}
    nodes = []
    for index, node in enumerate(graph.nodes):
        laws = node.op.laws if node.op is not None else None
        if laws is not None and laws.associative and len(node.inputs) > 1:
            known = recent.setdefault((node.op, repr(node.args)), [])
            before = [(other, graph.nodes[other]) for other in reversed(known)]
            known.append(index)
            del known[:-REMEMBERED]
            node = _from_the_largest(graph, node, before, laws.commutative)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _from_the_largest(graph: Graph, node: Node, before: list[tuple[int, Node]], free: bool) -> Node:
    """The node, taking from the earlier merge that holds most of its inputs."""
    held = [item for item in before if len(item[1].inputs) < len(node.inputs)]
    for index, other in sorted(held, key=lambda item: -len(item[1].inputs)):
        rest = _rest(node.inputs, other.inputs, free)
        if rest is not None:
            inputs = ((index, 0), *rest)
            return replace(node, inputs=inputs, input_types=tuple(graph.type_of(port) for port in inputs))
    return node


def _rest(whole: tuple[Port, ...], part: tuple[Port, ...], free: bool) -> tuple[Port, ...] | None:
    """What remains of the inputs; None where they do not hold the part, as a start or in any order."""
    if not free:
        return whole[len(part) :] if whole[: len(part)] == part else None
    counts = Counter(part)
    if counts - Counter(whole):
        return None
    rest = []
    for port in whole:
        if counts[port]:
            counts[port] -= 1
        else:
            rest.append(port)
    return tuple(rest)
