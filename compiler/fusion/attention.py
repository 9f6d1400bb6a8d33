"""The rule of attention: a softmax between two matrix products is one op, which keeps no matrix of scores."""

from __future__ import annotations

import math

from einspec.compiler.fusion import ops
from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import called, made_by
from einspec.ops.library import merge, tensor


def attend(rewriter: Rewriter, node: Node) -> Ports | None:
    found = _scores(rewriter, node)
    if found is None:
        return None
    scores, factor = found
    if factor != 1.0 or any(_scaled(rewriter, port)[1] != 1.0 for port in scores.inputs):
        return None
    return _attended(rewriter, node, scores.inputs, is_scaled=scores.op is merge.scaled_dot)


def attend_by_number(rewriter: Rewriter, node: Node) -> Ports | None:
    found = _scores(rewriter, node)
    if found is None or found[0].op is not merge.dot:
        return None
    scores, factor = found
    (queries, of_queries), (keys, of_keys) = (_scaled(rewriter, port) for port in scores.inputs)
    factor *= of_queries * of_keys
    if factor == 1.0 or not math.isclose(factor, rewriter.type_of(queries).sizes[-1] ** -0.5):
        return None
    return _attended(rewriter, node, (queries, keys), is_scaled=True)


def _scores(rewriter: Rewriter, node: Node) -> tuple[Node, float] | None:
    """The product that a softmax before a product is of, and the number that it is scaled by; None where anything else
    reads what is between.
    """
    weights = made_by(rewriter, node.inputs[0], tensor.softmax)
    if weights is None or rewriter.readers(node.inputs[0]) > 1 or rewriter.readers(weights.inputs[0]) > 1:
        return None
    port, factor = _scaled(rewriter, weights.inputs[0])
    scores = made_by(rewriter, port, merge.dot, merge.scaled_dot)
    return None if scores is None or rewriter.readers(port) > 1 else (scores, factor)


def _scaled(rewriter: Rewriter, port: Port) -> tuple[Port, float]:
    """What is scaled at a port, and by how much."""
    maker = made_by(rewriter, port, tensor.scale_by)
    return (port, 1.0) if maker is None else (maker.inputs[0], maker.args[0])


def _attended(rewriter: Rewriter, node: Node, inputs: Ports, *, is_scaled: bool) -> Ports:
    queries, keys = inputs
    return rewriter.apply(ops.attention, (is_scaled,), (queries, _transposed(rewriter, keys), node.inputs[1]))


def _transposed(rewriter: Rewriter, port: Port) -> Port:
    """The port with its last two axes swapped, which may undo what has swapped them."""
    rank = rewriter.type_of(port).rank
    order = "".join(map(str, [*range(1, rank - 1), rank, rank - 1]))
    maker = made_by(rewriter, port, tensor.permute)
    if maker is not None and maker.args == (order,):
        return maker.inputs[0]
    return rewriter.apply(tensor.permute, (order,), (port,))[0]


RULES = (
    Rule(
        "attention",
        "dot(softmax(dot(q, T(k))), v) = attention(q, k, v)",
        "T swaps the last two axes; dot scaled or not; nothing else reads the scores",
        called("dot"),
        attend,
    ),
)

OF_NUMBERS = (
    Rule(
        "attention by a number",
        "dot(softmax(a dot(b q, T(c k))), v) = attention(q, k, v)",
        "a b c = 1 / sqrt(e), which is of one size alone",
        called("dot"),
        attend_by_number,
    ),
)
