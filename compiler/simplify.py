"""Simplification: the rules over a graph and the bodies in it, to the fixed point."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from einspec.compiler.costs import costs, node_macs
from einspec.compiler.graph import Graph
from einspec.compiler.rewriting import Fired, Rewriter, Rule
from einspec.compiler.rules import RULES
from einspec.compiler.rules.common import is_function, library
from einspec.compiler.unfold import MOST_NODES, written_out


def normal_form(graph: Graph) -> Graph:
    """What gets built: the simplified graph, with its copies folded unless writing them out saves weights or products.

    Copies can share work with each other or with what is around them that no body can say, where some of them
    get equal inputs, or none use an output; up to ``MOST_NODES`` nodes they are written out then. So graphs of
    equal keys cost the same.
    """
    folded = simplify(graph)
    if not _may_share(folded) or folded.written_out > MOST_NODES:
        return folded
    flat = simplify(written_out(folded))
    return folded if costs(flat) == costs(folded) else flat


def _may_share(graph: Graph) -> bool:
    """Whether writing the copies out may save anything: cheap to say, and seldom so.

    Nodes with weights never merge, and no rule changes their types. They go where zeros reach them or nothing reads
    what they make. Products merge where they read nothing that a copy's own weights have made.
    """
    parts = [part for part, _ in graph.graphs()]
    if len(parts) == 1:
        return False
    return any(_has_unread(part) or _has_zeros(part) for part in parts) or any(map(_has_free_products, parts[1:]))


def _has_unread(graph: Graph) -> bool:
    read = {port for node in graph.nodes for port in node.inputs} | set(graph.outputs)
    return any((i, output) not in read for i, node in enumerate(graph.nodes) for output in range(len(node.outputs)))


def _has_zeros(graph: Graph) -> bool:
    return any(node.op is library("zeros") for node in graph.nodes)


def _has_free_products(body: Graph) -> bool:
    is_free: list[bool] = []
    for node in body.nodes:
        is_free.append(is_function(node) and all(source < 0 or is_free[source] for source, _ in node.inputs))
        if is_free[-1] and node_macs(node):
            return True
    return False


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
