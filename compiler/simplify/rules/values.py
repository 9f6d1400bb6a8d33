"""Rules of values: what is known of the numbers that an op makes, and what changes nothing where it is known."""

from __future__ import annotations

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import keeping
from einspec.ops.declare import has_negative


def is_nonnegative(rewriter: Rewriter, port: Port) -> bool:
    """Whether no number at a port can be below 0, by the laws of the ops that make it."""
    known = rewriter.nonnegative
    for node in rewriter.nodes[len(known) : port[0] + 1]:  # inputs stand before what reads them
        known.append(_is_nonnegative(node, known))
    return port[0] >= 0 and known[port[0]]


def _is_nonnegative(node: Node, known: list[bool]) -> bool:
    op = node.op
    if op is None:
        return False
    laws = op.laws
    if laws.nonnegative:
        return True
    if laws.nonnegative_unless is not None and not op.argument(laws.nonnegative_unless, node.args):
        return True
    keeps = laws.keeps_at_nonnegative or (laws.keeps_nonnegative and not has_negative(node.args))
    return keeps and all(index >= 0 and known[index] for index, _ in node.inputs)


def keep_nonnegative(rewriter: Rewriter, node: Node) -> Ports | None:
    return node.inputs if is_nonnegative(rewriter, node.inputs[0]) else None


RULES = (
    Rule(
        "keep nonnegative",
        "f(x) = x",
        "f changes nothing that is at least 0, and x is",
        keeping("keeps_at_nonnegative"),
        keep_nonnegative,
    ),
)
