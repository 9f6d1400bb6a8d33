"""Fusing: a simplified graph as fewer, larger ops of torch's. It computes the same with the same weights, and serves
speed and memory only: identity and costs do not depend on it.
"""

from __future__ import annotations

from dataclasses import replace

from einspec.compiler.fusion import attention, convolutions, replicas, stacks, wide
from einspec.compiler.fusion.in_place import in_place
from einspec.compiler.graph.graph import Graph
from einspec.compiler.simplify.rewriting import Fired, Rule
from einspec.compiler.simplify.simplify import simplify


def fuse(graph: Graph, *, is_free: bool = False, trace: list[Fired] | None = None) -> Graph:
    """The fused graph, of any size where axes are free. ``trace`` is given every rule that fired."""
    rules = attention.RULES if is_free else rules_for(graph)
    return _in_place_everywhere(simplify(graph, rules=rules, trace=trace, tied=graph.tied))


def rules_for(graph: Graph) -> tuple[Rule, ...]:
    """The rules of fusing a graph, but for activations in place."""
    return (
        *convolutions.RULES, *attention.RULES, *attention.OF_NUMBERS, replicas.copies_rule(graph), *wide.RULES,
        *stacks.RULES,
    )  # fmt: skip


def _in_place_everywhere(graph: Graph) -> Graph:
    parts = [part for part, _ in graph.graphs()]
    tied = graph.tied
    done: dict[int, Graph] = {}
    for part in reversed(parts):  # bodies before what holds them
        nodes = tuple(replace(node, body=done[id(node.body)]) if node.body is not None else node for node in part.nodes)
        done[id(part)] = in_place(replace(part, nodes=nodes), tied)
    return done[id(graph)]
