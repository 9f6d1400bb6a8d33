"""Rules of multiples: a number is multiplied with at the end."""

from __future__ import annotations

import math
from collections import Counter

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import called, is_pointwise, is_zeros, keeping, library, made_by
from einspec.compiler.simplify.rules.wholes.common import (
    multiple,
    multiple_part,
    times,
)


def common_multiple(rewriter: Rewriter, node: Node) -> Ports | None:
    """A number that all inputs of a concatenation are multiplied by is multiplied with after it."""
    found: list[tuple[int, Port]] = []
    for port in node.inputs:
        term = (0, port) if is_zeros(rewriter, port) else _factored(rewriter, port)
        if term is None:
            return None
        found.append(term)
    factor = math.gcd(*(count for count, _ in found))
    if node.op is None or factor < 2:
        return None
    ports = tuple(times(rewriter, count // factor, port) if count else port for count, port in found)
    return (times(rewriter, factor, rewriter.apply(node.op, node.args, ports)[0]),)


def _factored(rewriter: Rewriter, port: Port) -> tuple[int, Port] | None:
    """How many times what a port is, where it is a multiple, or a sum of multiples of a number."""
    found = multiple(rewriter, port)
    maker = rewriter.maker(port)
    if found is not None or maker is None or maker.op is None or maker.op.laws.multiple != "times":
        return found
    terms = [multiple(rewriter, term) or (1, term) for term in maker.inputs]
    count = math.gcd(*(number for number, _ in terms))
    if count < 2:
        return None
    inputs = tuple(times(rewriter, number // count, term) for number, term in terms)
    return count, rewriter.apply(maker.op, maker.args, inputs, maker.attributes)[0]


def collect_parts(rewriter: Rewriter, node: Node) -> Ports | None:
    """A part of a multiple is as many times the part, where parts are added up."""
    assert node.op is not None
    found = [multiple_part(rewriter, port) for port in node.inputs]
    if not any(found):
        return None
    counts: Counter[Port] = Counter()
    for item, port in zip(found, node.inputs, strict=True):
        count, term = item or multiple(rewriter, port) or (1, port)
        counts[term] += count
    if len(counts) == len(node.inputs):
        return None
    terms = tuple(times(rewriter, count, term) if count > 1 else term for term, count in counts.items())
    return rewriter.apply(node.op, node.args, terms, node.attributes)


def multiply_after(rewriter: Rewriter, node: Node) -> Ports | None:
    assert node.op is not None
    if len(node.inputs) != 1 or node.op is library("times") or not is_pointwise(node):
        return None
    found = _factored(rewriter, node.inputs[0])
    if found is None or made_by(rewriter, node.inputs[0], library("group"), library("narrow")) is not None:
        return None  # a part of a multiple: the part is taken last
    count, port = found
    return (times(rewriter, count, rewriter.apply(node.op, node.args, (port,), node.attributes)[0]),)


RULES = (
    Rule(
        "common multiple",
        "cat(n a x, n b y) = n cat(a x, b y)",
        "n is the greatest common divisor of the multiples",
        called("cat"),
        common_multiple,
    ),
    Rule(
        "collect parts",
        "f(part(n x), part(m x), y) = f(n + m part(x), y)",
        "n is the multiple of f",
        lambda op: op is not None and op.laws.multiple == "times",
        collect_parts,
    ),
    Rule(
        "multiply after",
        "f(n x) = n f(x)",
        "f is pointwise, has no weights, and is homogeneous",
        keeping("homogeneous"),
        multiply_after,
    ),
)
