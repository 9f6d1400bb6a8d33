"""The rule of attention: a softmax between two matrix products is one op, which keeps no matrix of scores."""

from __future__ import annotations

from einspec.compiler.fusion import ops
from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import called, made_by
from einspec.ops.library import merge, tensor


def attend(rewriter: Rewriter, node: Node) -> Ports | None:
    weights = made_by(rewriter, node.inputs[0], tensor.softmax)
    scores = made_by(rewriter, weights.inputs[0], merge.dot, merge.scaled_dot) if weights is not None else None
    if weights is None or scores is None or rewriter.readers(node.inputs[0]) > 1:
        return None
    if rewriter.readers(weights.inputs[0]) > 1:
        return None
    queries, keys = scores.inputs
    is_scaled = scores.op is merge.scaled_dot
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
