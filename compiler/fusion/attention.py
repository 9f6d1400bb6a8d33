"""The rule of attention: a softmax between two matrix products is one op, which keeps no matrix of scores."""

from __future__ import annotations

import math

from einspec.compiler.fusion import ops
from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import called, made_by
from einspec.ops.library import merge, tensor


def attend(rewriter: Rewriter, node: Node) -> Ports | None:
    weights = made_by(rewriter, node.inputs[0], tensor.softmax)
    if weights is None or rewriter.readers(node.inputs[0]) > 1 or rewriter.readers(weights.inputs[0]) > 1:
        return None
    port, factor = _scaled(rewriter, weights.inputs[0])
    scores = made_by(rewriter, port, merge.dot, merge.scaled_dot)
    if scores is None or rewriter.readers(port) > 1:
        return None
    queries, of_queries = _scaled(rewriter, scores.inputs[0])
    keys, of_keys = _scaled(rewriter, scores.inputs[1])
    factor *= of_queries * of_keys
    usual = rewriter.type_of(queries).sizes[-1] ** -0.5
    if scores.op is merge.scaled_dot:
        factor *= usual
    is_scaled = math.isclose(factor, usual)
    if not is_scaled and factor != 1.0:
        return None
    return rewriter.apply(ops.attention, (is_scaled,), (queries, _transposed(rewriter, keys), node.inputs[1]))


def _scaled(rewriter: Rewriter, port: Port) -> tuple[Port, float]:
    """What is scaled at a port, and by how much."""
    maker = made_by(rewriter, port, tensor.scale_by)
    return (port, 1.0) if maker is None else (maker.inputs[0], maker.args[0])


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
        "T swaps the last two axes; scaled by 1 / sqrt(e) or not at all; nothing else reads the scores",
        called("dot"),
        attend,
    ),
)
