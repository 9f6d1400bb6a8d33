"""Rules of layers of all copies: on one input they are one wide layer, and a sum of linear ones is one too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from einspec.compiler.fusion import ops
from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import made_by, of
from einspec.ops.declare import Primitive
from einspec.types import Type


def widen(wide: Primitive, count: int, axis: Callable[[Type], int]) -> Callable[[Rewriter, Node], Ports | None]:
    """The rule that layers of all copies on one input are one layer; ``count`` of their arguments are its own."""

    def apply(rewriter: Rewriter, node: Node) -> Ports | None:
        maker = made_by(rewriter, node.inputs[0], ops.spread)
        if maker is None or maker.args[1] or node.args[count:] not in ((), (1,)):
            return None
        (kind,), copies = maker.input_types, maker.args[0]
        args = (node.args[0] * copies, *node.args[1:count])
        output = wide.infer((kind,), args, {})
        assert isinstance(output, Type)
        (port,) = rewriter.make(
            replace(node, op=wide, args=args, inputs=maker.inputs, input_types=(kind,), outputs=(output,))
        )
        return rewriter.apply(ops.split_stack, (axis(output), copies, 0), (port,))

    return apply


def sum_linear(rewriter: Rewriter, node: Node) -> Ports | None:
    """The sum of linear layers is one layer, where their inputs lie side by side already."""
    layers = made_by(rewriter, node.inputs[0], ops.linear_stack, ops.linear_sum_stack)
    inputs = made_by(rewriter, layers.inputs[0], ops.split_stack) if layers is not None else None
    if layers is None or inputs is None or node.args[0]:
        return None
    if (inputs.args[0], inputs.args[2]) != (inputs.input_types[0].rank - 1, 0) or _is_read(rewriter, node.inputs[0]):
        return None
    (kind,) = inputs.input_types
    args = (inputs.args[1] * (layers.args[0] if layers.op is ops.linear_sum_stack else 1), node.args[1])
    output = ops.linear_sum.infer((kind,), args, {})
    assert isinstance(output, Type)
    return rewriter.make(
        replace(layers, op=ops.linear_sum, args=args, inputs=inputs.inputs, input_types=(kind,), outputs=(output,))
    )


def _is_read(rewriter: Rewriter, port: Port) -> bool:
    """Whether something besides one sum reads a stack, which then has to be computed anyway."""
    for index, node in enumerate(rewriter.nodes):
        if port in node.inputs:
            is_once = all(rewriter.readers((index, copy)) < 2 for copy in range(len(node.outputs)))
            if node.op is not ops.unstack or not is_once:
                return True
    return False


RULES = (
    Rule(
        "sum of linears",
        "sum_stack(linear_stack(split_stack(x))) = linear_sum(x)",
        "split along the last axis, and nothing else reads the stack",
        of(ops.sum_stack),
        sum_linear,
    ),
    Rule(
        "wide linear",
        "linear_stack(spread(x)) = split_stack(linear_wide(x))",
        "",
        of(ops.linear_stack),
        widen(ops.linear_wide, 1, lambda output: output.rank - 1),
    ),
    Rule(
        "wide conv2d",
        "conv2d_stack(spread(x)) = split_stack(conv2d_wide(x))",
        "one group",
        of(ops.conv2d_stack),
        widen(ops.conv2d_wide, 5, lambda output: 0),
    ),
)
