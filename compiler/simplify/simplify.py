"""Simplification: the rules over a graph and the bodies in it, to the fixed point."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from einspec.compiler.costs.costs import costs, node_macs
from einspec.compiler.graph.graph import Graph, Node, Slot
from einspec.compiler.graph.unfold import MOST_NODES, written_out
from einspec.compiler.simplify.rewriting import Fired, Rewriter, Rule
from einspec.compiler.simplify.rules import RULES
from einspec.compiler.simplify.rules.common import is_function, library


def normal_form(graph: Graph, rules: Sequence[Rule] = RULES) -> Graph:
    """What gets built: the simplified graph, with its copies folded unless writing them out saves weights or products.

    Copies can share work with each other or with what is around them that no body can say, where some of them
    get equal inputs, or none use an output; up to ``MOST_NODES`` nodes they are written out then. So graphs of
    equal keys cost the same.
    """
    folded = simplify(graph, rules=rules)
    if not _may_share(folded) or folded.written_out > MOST_NODES:
        return folded
    flat = simplify(written_out(folded), rules=rules)
    return folded if costs(flat) == costs(folded) else flat


def _may_share(graph: Graph) -> bool:
    """Whether writing the copies out may save anything: cheap to say, and seldom so.

    Nodes with weights never merge, and no rule changes their types. They go where zeros reach them, or nothing reads
    what they make, or only a range of it. Products merge where they read nothing that a copy's own weights have made,
    and an associative op may cost less where more of it is seen at once.
    """
    parts = [part for part, _ in graph.graphs()]
    if len(parts) == 1:
        return False
    return any(_has_unread(part) or any(map(_may_go, part.nodes)) for part in parts) or _has_free_products(parts)


def _has_unread(graph: Graph) -> bool:
    read = {port for node in graph.nodes for port in node.inputs} | set(graph.outputs)
    return any((i, output) not in read for i, node in enumerate(graph.nodes) for output in range(len(node.outputs)))


def _may_go(node: Node) -> bool:
    """Whether a node may make others unneeded, or cost less when it is joined with others."""
    op = node.op
    return op in (library("zeros"), library("narrow")) or (
        op is not None and op.laws.associative and node_macs(node) > 0
    )


def _has_free_products(parts: list[Graph]) -> bool:
    """Whether a product may be the same in several copies, or read what may be.

    A port is *free* in a body if no weights of a copy's own have a part in it, and *common* if it is a free output of
    copies or made from one.
    """
    free_outputs: dict[int, list[bool]] = {}
    for part in reversed(parts):  # bodies before what holds them
        free: list[list[bool]] = []
        common: list[list[bool]] = []
        in_body = part is not parts[0]
        for node in part.nodes:
            is_free = all(in_body if source < 0 else free[source][output] for source, output in node.inputs)
            is_common = any(source >= 0 and common[source][output] for source, output in node.inputs)
            if node.body is not None:
                outputs = free_outputs[id(node.body)] * node.copies
                free.append(outputs)
                common.append(outputs)
                continue
            if not is_function(node):
                is_free = is_common = False
            if (is_free or is_common) and node_macs(node):
                return True
            free.append([is_free] * len(node.outputs))
            common.append([is_common] * len(node.outputs))
        free_outputs[id(part)] = [in_body if source < 0 else free[source][output] for source, output in part.outputs]
    return False


def simplify(
    graph: Graph,
    *,
    rules: Sequence[Rule] = RULES,
    rng: random.Random | None = None,
    trace: list[Fired] | None = None,
    tied: frozenset[Slot] = frozenset(),
) -> Graph:
    """The graph in normal form: it computes the same, with the same weights, by fewer nodes.

    Bodies of replicas are simplified first, and stay folded. ``trace`` is given every rule that fired. With
    ``rng`` the rules are tried in another order at each node; the normal form is the same up to isomorphism. Rules that
    give layers other ops are told which slots are ``tied``.
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
        done[id(part)] = Rewriter(replace(part, nodes=nodes), rules, order, tied, trace).run()
    return done[id(graph)]
