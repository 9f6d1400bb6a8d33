"""Ops that move no number: how their outputs lie in the memory of their input."""

from __future__ import annotations

from collections.abc import Callable

from einspec.compiler.costs.strided import Strided
from einspec.compiler.fusion import ops as fused
from einspec.compiler.graph.graph import Node
from einspec.ops.declare import Primitive
from einspec.ops.library import resizing, tensor


def _permute(node: Node, x: Strided) -> Strided:
    return x.permuted((0, *map(int, node.args[0])))


def _to_image(node: Node, x: Strided) -> Strided:
    return x.permuted((0, 2, 1)).unflattened(2, node.args[0])


def _flatten(node: Node, x: Strided) -> Strided | None:
    return x.flattened(1, len(x.sizes))


def _narrowed(node: Node, x: Strided) -> Strided:
    """Ranges of axes."""
    for axis, size in enumerate(node.outputs[0].sizes, start=1):
        x = x.resized(axis, size)
    return x


def _split_stack(node: Node, x: Strided) -> Strided:
    axis, copies, at = node.args
    return x.unflattened(axis + 1, copies).moved(axis + 1, at + 1)


def _join_stack(node: Node, x: Strided) -> Strided | None:
    at, axis, _ = node.args
    return x.moved(at + 1, axis + 1).flattened(axis + 1, axis + 3)


VIEWS: dict[Primitive, Callable[[Node, Strided], Strided | None]] = {
    tensor.permute: _permute,
    tensor.group: _narrowed,
    tensor.narrow: _narrowed,
    tensor.to_image: _to_image,
    fused.pixels: lambda node, x: x.moved(len(x.sizes) - 2, len(x.sizes) - 1).unflattened(
        len(x.sizes) - 1, node.args[0]
    ),
    tensor.flatten: _flatten,
    resizing.crop: _narrowed,
    fused.spread: lambda node, x: x.spread(node.args[1] + 1, node.args[0]),
    fused.unstack: lambda node, x: x.without(node.args[0] + 1),
    fused.split_stack: _split_stack,
    fused.join_stack: _join_stack,
    fused.join_copies: lambda node, x: x.flattened(node.args[0] + 1, node.args[0] + 3),
    fused.part_copies: lambda node, x: x.unflattened(node.args[1] + 1, node.args[0]),
    fused.leaky_relu_in_place: lambda node, x: x,
}
"""How the first output of each lies, or None where its input must be copied after all."""


def view(node: Node, x: Strided) -> Strided | None:
    """How the outputs of a node lie in the memory of its input; None for those that have memory of their own."""
    see = VIEWS.get(node.op) if node.op is not None else None
    return see(node, x) if see is not None else None
