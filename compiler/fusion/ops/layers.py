"""Layers of all copies of a body, each copy with weights of its own, which ``einspec.compiler.emit.stacked`` holds."""

from __future__ import annotations

from typing import Any

from einspec.compiler.fusion.ops.larger import linear_shapes, patch_macs, slide
from einspec.compiler.fusion.ops.stacks import stack_of
from einspec.errors import ShapeError
from einspec.ops.declare import primitive
from einspec.types import Type, parse_type


def _stack_only(x: Type, *args: Any) -> Any:
    raise AssertionError("its weights are a stack's, which is made with them")


@primitive(
    torch=_stack_only,
    params=lambda x, width: linear_shapes(x, x.sizes[0], width),
    macs=lambda x, width: x.elements * width,
    owns_parameters=True,
)
def linear_stack(x: Type, width: int) -> Type:
    """A linear layer for each copy: (copies, ..., n) -> (copies, ..., width)."""
    return x.with_axis(-1, width)


@primitive(
    torch=_stack_only,
    params=lambda x, width: linear_shapes(x, 1, width),
    macs=lambda x, width: x.elements * width,
    owns_parameters=True,
)
def linear_wide(x: Type, width: int) -> Type:
    """The linear layers of all copies on one input, their outputs side by side: (..., n) -> (..., width)."""
    return x.with_axis(-1, width)


def _sum_shapes(x: Type, groups: int, copies: int, kind: str) -> dict[str, tuple[int, ...]]:
    width = parse_type(kind).sizes[-1]
    return {"weight": (groups * width, x.sizes[-1]), "bias": (groups * copies * width,)}


def _summed(sizes: tuple[int, ...], kind: str) -> Type:
    one = parse_type(kind)
    if one.sizes[:-1] != sizes[:-1]:
        raise ShapeError(f"linear layers over {sizes} cannot sum to {one.sizes}")
    return one


@primitive(
    torch=_stack_only,
    params=lambda x, copies, kind: _sum_shapes(x, 1, copies, kind),
    macs=lambda x, copies, kind: x.elements * parse_type(kind).sizes[-1],
    owns_parameters=True,
)
def linear_sum(x: Type, copies: int, kind: str) -> Type:
    """The sum of linear layers on inputs side by side, as a type that is given as text: (..., copies n) -> (..., m)."""
    return _summed(x.sizes, kind)


@primitive(
    torch=_stack_only,
    params=lambda x, copies, kind: _sum_shapes(x, x.sizes[0], copies, kind),
    macs=lambda x, copies, kind: x.elements * parse_type(kind).sizes[-1],
    owns_parameters=True,
)
def linear_sum_stack(x: Type, copies: int, kind: str) -> Type:
    """Sums of linear layers, one for each copy, whose type is given as text: (m, ..., copies n) -> (m, ...)."""
    return stack_of(_summed(x.sizes[1:], kind), x.sizes[0])


def _conv_macs(x: Type, width: int, kernel: int, stride: int, padding: int, dilation: int, groups: int) -> int:
    return slide(x, width, kernel, stride, padding, dilation).elements * (x.sizes[-3] // groups) * kernel * kernel


@primitive(
    torch=_stack_only,
    params=lambda x, width, kernel, stride, padding, dilation, groups: {
        "weight": (x.sizes[0] * width, x.sizes[1] // groups, kernel, kernel)
    },
    macs=_conv_macs,
    owns_parameters=True,
)
def conv2d_stack(x: Type, width: int, kernel: int, stride: int, padding: int, dilation: int, groups: int) -> Type:
    """A convolution for each copy, as one grouped convolution: (copies, c, h, w) -> (copies, width, h', w')."""
    return slide(x, width, kernel, stride, padding, dilation)


@primitive(
    torch=_stack_only,
    params=lambda x, width, kernel, stride, padding, dilation: {"weight": (width, x.sizes[0], kernel, kernel)},
    macs=lambda x, width, kernel, stride, padding, dilation: _conv_macs(x, width, kernel, stride, padding, dilation, 1),
    owns_parameters=True,
)
def conv2d_wide(x: Type, width: int, kernel: int, stride: int, padding: int, dilation: int) -> Type:
    """The convolutions of all copies on one input, their outputs side by side: (c, h, w) -> (width, h', w')."""
    return slide(x, width, kernel, stride, padding, dilation)


@primitive(
    torch=_stack_only,
    params=lambda x, width, kernel, stride, padding: {
        "weight": (x.sizes[0] * width, x.sizes[1] * kernel * kernel),
        "bias": (x.sizes[0] * width,),
    },
    macs=patch_macs,
    owns_parameters=True,
)
def patch_conv_stack(x: Type, width: int, kernel: int, stride: int, padding: int) -> Type:
    """A convolution over patches for each copy, as one grouped one: (copies, c, h, w) -> (copies, width, h', w')."""
    return slide(x, width, kernel, stride, padding)


@primitive(
    torch=_stack_only,
    params=lambda x, width, kernel, stride, padding: {
        "weight": (width, x.sizes[0] * kernel * kernel),
        "bias": (width,),
    },
    macs=patch_macs,
    owns_parameters=True,
)
def patch_conv_wide(x: Type, width: int, kernel: int, stride: int, padding: int) -> Type:
    """The convolutions over patches of all copies on one input: (c, h, w) -> (width, h', w')."""
    return slide(x, width, kernel, stride, padding)


@primitive(
    torch=_stack_only,
    params=lambda x: {"weight": x.sizes[:2], "bias": x.sizes[:2]},
    owns_parameters=True,
    has_buffers=True,
)
def batch_norm_stack(x: Type) -> Type:
    """A batch norm for each copy, as one over all their channels: (copies, c, ...) -> (copies, c, ...)."""
    return x


@primitive(
    torch=_stack_only,
    params=lambda x: {"weight": (x.sizes[0], x.sizes[-1]), "bias": (x.sizes[0], x.sizes[-1])},
    owns_parameters=True,
)
def layer_norm_stack(x: Type) -> Type:
    """A layer norm for each copy: (copies, ..., d) -> (copies, ..., d)."""
    return x


@primitive(torch=_stack_only, params=lambda x: {"position": x.sizes}, owns_parameters=True)
def pos_stack(x: Type) -> Type:
    """Adds learnable tensors, one for each copy: (copies, ...) -> (copies, ...)."""
    return x


@primitive(
    torch=_stack_only,
    params=lambda x, width, slope: linear_shapes(x, 1, width),
    macs=lambda x, width, slope: x.elements * width,
    owns_parameters=True,
)
def linear_wide_relu(x: Type, width: int, slope: float) -> Type:
    """The linear layers of all copies on one input, and max(y, slope y) of what they make: (..., n) -> (..., width)."""
    return x.with_axis(-1, width)


STACKED = frozenset(
    {linear_stack, linear_sum_stack, conv2d_stack, patch_conv_stack, batch_norm_stack, layer_norm_stack, pos_stack}
)
"""Layers whose input has a first axis of copies, each with weights of its own."""

OF_COPIES = STACKED | {linear_wide, linear_wide_relu, linear_sum, conv2d_wide, patch_conv_wide}
"""Layers of all copies of a body, outside of it."""
