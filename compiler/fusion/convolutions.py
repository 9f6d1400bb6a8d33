"""Rules of convolutions: a linear layer over patches is a convolution, and its rows are an image again."""

from __future__ import annotations

from dataclasses import replace

from einspec.compiler.fusion import ops
from einspec.compiler.graph import Node, Ports
from einspec.compiler.rewriting import Rewriter, Rule
from einspec.compiler.rules.common import called
from einspec.ops.library import tensor
from einspec.types import Type


def convolve(rewriter: Rewriter, node: Node) -> Ports | None:
    maker = rewriter.maker(node.inputs[0])
    if maker is None or maker.op is not tensor.im2col:
        return None
    args = (*node.args, *maker.args)
    (image,) = maker.input_types
    output = ops.patch_conv.infer((image,), args, {})
    assert isinstance(output, Type)
    convolution = replace(
        node, op=ops.patch_conv, args=args, inputs=maker.inputs, input_types=(image,), outputs=(output,)
    )
    return rewriter.apply(ops.rows, (), rewriter.make(convolution))


def unrow(rewriter: Rewriter, node: Node) -> Ports | None:
    maker = rewriter.maker(node.inputs[0])
    if maker is None or maker.op is not ops.rows or maker.input_types[0].sizes != node.outputs[0].sizes:
        return None
    return maker.inputs


def lift_rows(rewriter: Rewriter, node: Node) -> Ports | None:
    assert node.op is not None
    if not node.op.laws.pointwise or node.op.laws.random or node.slot is not None:
        return None
    makers = [rewriter.maker(port) for port in node.inputs]
    if not all(maker is not None and maker.op is ops.rows for maker in makers):
        return None
    images = tuple(maker.inputs[0] for maker in makers if maker is not None)
    kinds = tuple(rewriter.type_of(port) for port in images)
    if any(kind.sizes != kinds[0].sizes for kind in kinds) or not isinstance(
        node.op.accept(kinds, node.args, dict(node.attributes)), Type
    ):
        return None
    return rewriter.apply(ops.rows, (), rewriter.apply(node.op, node.args, images, node.attributes))


RULES = (
    Rule(
        "convolution",
        "linear(im2col(x)) = rows(conv(x))",
        "",
        called("linear"),
        convolve,
    ),
    Rule("image of rows", "image(rows(x)) = x", "of the same height and width", called("to_image"), unrow),
    Rule(
        "lift rows",
        "f(rows(x), rows(y)) = rows(f(x, y))",
        "f is pointwise and has no weights",
        lambda op: op is not None and op.laws.pointwise,
        lift_rows,
    ),
)
