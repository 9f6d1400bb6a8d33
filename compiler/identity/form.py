"""The form in which graphs are compared: what is built of them, in one of all spellings that come to the same."""

from __future__ import annotations

import random

from einspec.compiler.graph.graph import Graph
from einspec.compiler.graph.unfold import written_out, written_within
from einspec.compiler.simplify.rewriting import Fired
from einspec.compiler.simplify.rules import IDENTITY_RULES
from einspec.compiler.simplify.rules.wholes import ACTED_ON
from einspec.compiler.simplify.simplify import simplify

MOST_NODES = 64
"""Nodes up to which copies are written out to be compared: the time of a key grows with them, copies within copies
multiply, and few architectures come near. Above it the largest copies stay folded, so that what differs from them in
spelling alone, across the border of a body, may have another key."""


def identity_form(
    graph: Graph, *, most: int | None = MOST_NODES, rng: random.Random | None = None, trace: list[Fired] | None = None
) -> Graph:
    """A simplified graph with copies written out, as far as ``most`` nodes allow (None: all of them), by all rules.

    With ``rng`` the rules are tried in another order. ``trace`` is given every rule that fired.
    """
    if all(node.body is None for node in graph.nodes):
        flat = graph
    else:
        flat = written_out(graph) if most is None else written_within(graph, most)
    if flat is graph and not any(node.op is None or node.op in ACTED_ON for node in graph.nodes):
        return graph
    return simplify(flat, rules=IDENTITY_RULES, rng=rng, trace=trace)
