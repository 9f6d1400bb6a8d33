"""Rules of convolutions: a linear layer over patches is a convolution, and its rows are an image again."""

from __future__ import annotations

from dataclasses import replace

from einspec.compiler.fusion import ops
from einspec.compiler.graph.graph import Node, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import POINTWISE, made_by, of
from einspec.ops.library import tensor
from einspec.types import Type


def convolve(rewriter: Rewriter, node: Node) -> Ports | None:
    maker = made_by(rewriter, node.inputs[0], tensor.im2col)
    if maker is None or node.slot in rewriter.tied:
        return None
    op = ops.patch_conv if node.op is tensor.linear else ops.patch_conv_wide
    args = (*node.args, *maker.args)
    (image,) = maker.input_types
    output = op.infer((image,), args, {})
    assert isinstance(output, Type)
    convolution = replace(node, op=op, args=args, inputs=maker.inputs, input_types=(image,), outputs=(output,))
    return rewriter.apply(ops.rows, (), rewriter.make(convolution))


def unrow(rewriter: Rewriter, node: Node) -> Ports | None:
    maker = made_by(rewriter, node.inputs[0], ops.rows)
    return maker.inputs if maker is not None and maker.input_types[0].sizes == node.outputs[0].sizes else None


def split_rows(rewriter: Rewriter, node: Node) -> Ports | None:
    """Channels are split before they become the last axis."""
    maker = made_by(rewriter, node.inputs[0], ops.rows)
    axis, copies, at = node.args
    if maker is None or axis != maker.outputs[0].rank - 1 or at == axis:
        return None
    images = rewriter.apply(ops.split_stack, (axis - 1, copies, at), maker.inputs)
    return rewriter.apply(ops.rows, (), images)


def lift_rows(rewriter: Rewriter, node: Node) -> Ports | None:
    assert node.op is not None
    images = tuple(maker.inputs[0] for port in node.inputs if (maker := made_by(rewriter, port, ops.rows)))
    if len(images) < len(node.inputs):
        return None
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
        "one layer or those of all copies, whose weights no other has",
        lambda op: op in (tensor.linear, ops.linear_wide),
        convolve,
    ),
    Rule(
        "image of rows",
        "image(rows(x)) = x",
        "of the same height and width",
        lambda op: op in (tensor.to_image, ops.pixels),
        unrow,
    ),
    Rule(
        "split rows",
        "split_stack(rows(x)) = rows(split_stack(x))",
        "split along the channels",
        of(ops.split_stack),
        split_rows,
    ),
    Rule(
        "lift rows",
        "f(rows(x), rows(y)) = rows(f(x, y))",
        "f is pointwise and one of the library: it does not look at its types",
        lambda op: op in POINTWISE,
        lift_rows,
    ),
)
