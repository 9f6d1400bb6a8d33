"""Simplification: the rules over a graph and the bodies in it, to the fixed point."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from einspec.compiler.graph import Graph
from einspec.compiler.rewriting import Fired, Rewriter, Rule
from einspec.compiler.rules import RULES


def simplify(
    graph: Graph, *, rules: Sequence[Rule] = RULES, rng: random.Random | None = None, trace: list[Fired] | None = None
) -> Graph:
    """The graph in normal form: it computes the same, with the same weights, by fewer nodes.

    Bodies of replicas are simplified first, and stay folded. ``trace`` is given every rule that fired. With
    ``rng`` the rules are tried in another order at each node; the normal form is the same up to isomorphism.
    """
    order: Callable[[Sequence[Rule]], Sequence[Rule]] | None = None
    if rng is not None:
        generator = rng

        def order(rules: Sequence[Rule]) -> Sequence[Rule]:
            return sorted(rules, key=lambda rule: generator.random())

    parts = [part for part, _ in graph.graphs()]
    done: dict[int, Graph] = {}
    for part in reversed(parts):  # bodies before what holds them
        nodes = tuple(replace(node, body=done[id(node.body)]) if node.body is not None else node for node in part.nodes)
        rewriter = Rewriter(replace(part, nodes=nodes), rules, order)
        done[id(part)] = rewriter.run()
        if trace is not None:
            trace += rewriter.trace
    return done[id(graph)]
