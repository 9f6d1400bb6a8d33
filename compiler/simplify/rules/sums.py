"""Rules of associative ops and of sums: nested ones are one, equal terms are counted."""

from __future__ import annotations

from collections import Counter

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import called, keeping, library

MOST_TERMS = 4_096
"""Inputs of one node that nested ones are joined into; concatenations of themselves would double without end."""


def single_input(rewriter: Rewriter, node: Node) -> Ports | None:
    return node.inputs if len(node.inputs) == 1 else None


def flatten(rewriter: Rewriter, node: Node) -> Ports | None:
    assert node.op is not None
    terms = _terms(rewriter, node)
    if len(terms) == len(node.inputs) or len(terms) > MOST_TERMS:
        return None
    return rewriter.apply(node.op, node.args, tuple(terms), node.attributes)


def _terms(rewriter: Rewriter, node: Node) -> list[Port]:
    """The inputs of a node with nested ones of its op in their place, as far as ``MOST_TERMS`` allows."""
    terms: list[Port] = []
    for port in node.inputs:
        maker = rewriter.maker(port)
        is_nested = (
            maker is not None and maker.op is node.op and (maker.args, maker.attributes) == (node.args, node.attributes)
        )
        terms += maker.inputs if is_nested and maker is not None else [port]
    return terms


def collect(rewriter: Rewriter, node: Node) -> Ports | None:
    assert node.op is not None
    assert node.op.laws.multiple is not None
    multiple = library(node.op.laws.multiple)
    counts: Counter[Port] = Counter()
    for port in node.inputs:
        maker = rewriter.maker(port)
        if maker is not None and maker.op is multiple:
            counts[maker.inputs[0]] += maker.args[0]
        else:
            counts[port] += 1
    if len(counts) == len(node.inputs):
        return None
    terms = tuple(
        port if count == 1 else rewriter.apply(multiple, (count,), (port,))[0] for port, count in counts.items()
    )
    return rewriter.apply(node.op, node.args, terms, node.attributes)


def multiply_out(rewriter: Rewriter, node: Node) -> Ports | None:
    """A multiple of a multiple is one; a multiple of a sum is the sum of multiples."""
    assert node.op is not None
    (port,), (count,) = node.inputs, node.args
    if count == 1:
        return (port,)
    maker = rewriter.maker(port)
    if maker is None or maker.op is None:
        return None
    if maker.op is node.op:
        return rewriter.apply(node.op, (count * maker.args[0],), maker.inputs)
    if maker.op.laws.multiple == node.op.name:
        terms = tuple(rewriter.apply(node.op, (count,), (term,))[0] for term in maker.inputs)
        return rewriter.apply(maker.op, maker.args, terms, maker.attributes)
    return None


RULES = (
    Rule("single input", "f(x) = x", "f is associative", keeping("associative"), single_input),
    Rule(
        "flatten",
        "f(.., f(a, b), ..) = f(.., a, b, ..)",
        "f is associative, the arguments agree",
        keeping("associative"),
        flatten,
    ),
    Rule(
        "collect",
        "f(x, x, y) = f(2 x, y)",
        "f is commutative and associative, and has a multiple",
        lambda op: op is not None and op.laws.multiple is not None and op.laws.commutative and op.laws.associative,
        collect,
    ),
    Rule(
        "multiply out",
        "n (m x) = nm x,  n f(a, b) = f(n a, n b)",
        "n is the multiple of f",
        called("times"),
        multiply_out,
    ),
)
