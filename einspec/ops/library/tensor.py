"""Primitives on one tensor of any rank: linear layers, activations, norms, positions, rearrangements."""

from __future__ import annotations

import functools
from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import combinator, primitive
from einspec.ops.twins import WithTwin
from einspec.types import Axis, Type, interned, parse_type

torch: Any = LazyModule("torch")
functional: Any = LazyModule("torch.nn.functional")
nn: Any = LazyModule("torch.nn")
modules: Any = LazyModule("einspec.compiler.emit.modules")


MOST_PARTS = 4_096
"""Outputs of one op: each is a value that something must take."""


def require_float(x: Type) -> None:
    """Raises ``ShapeError`` for whole numbers, which have no gradient."""
    if x.dtype != "float":
        raise ShapeError("it computes with floats, not with whole numbers")


@primitive(
    torch=lambda x, width: nn.Linear(x.axes[-1].size, width, bias=False),
    params=lambda x, width: {"weight": (width, x.axes[-1].size)},
    macs=lambda x, width: x.elements * width,
    owns_parameters=True,
    zero="zeros",
    along="last",
)
def linear_without_bias(x: Type, width: int) -> Type:
    """A linear layer over the last axis, which ``linear(x, width, bias=False)`` means: (..., n) -> (..., width)."""
    require_float(x)
    return x.with_axis(-1, width)


@primitive(
    kind=WithTwin,
    torch=lambda x, width: nn.Linear(x.axes[-1].size, width),
    params=lambda x, width: {"weight": (width, x.axes[-1].size), "bias": (width,)},
    macs=lambda x, width: x.elements * width,
    owns_parameters=True,
    along="last",
)
def linear(x: Type, width: int) -> Type:
    """A linear layer over the last axis: (..., n) -> (..., width). Called with ``bias=False``, it has none."""
    require_float(x)
    return x.with_axis(-1, width)


linear.set_twin(linear_without_bias, "bias", True)


@combinator
def linear_x(x, factor: int):
    """A linear layer to ``factor`` times the last axis: (..., n) -> (..., factor n)."""
    return linear(x, factor * x.axes[-1].size)


@combinator
def linear_div(x, divisor: int):
    """A linear layer to a part of the last axis, which ``divisor`` must divide: (..., n) -> (..., n / divisor)."""
    if divisor < 1 or x.axes[-1].size % divisor:
        raise ShapeError(f"{divisor} does not divide the last axis")
    return linear(x, x.axes[-1].size // divisor)


@primitive(
    torch=lambda x, slope: nn.LeakyReLU(slope) if slope else nn.ReLU(),
    pointwise=True,
    zero="zeros",
    nonnegative_unless="slope",
    keeps_at_nonnegative=True,
    homogeneous=True,
)
def leaky_relu(x: Type, slope: float) -> Type:
    """max(x, slope x), for a slope below 1."""
    require_float(x)
    return x


@combinator
def relu(x):
    """max(x, 0)."""
    return leaky_relu(x, 0.0)


@primitive(torch=lambda x, axis: nn.Softmax(dim=axis), nonnegative=True)
def softmax_along(x: Type, axis: int) -> Type:
    """Softmax over axis 1, 2, ..., as ``softmax(x, axis)`` means it."""
    require_float(x)
    check_axis(x, axis)
    return x


@primitive(kind=WithTwin, torch=lambda x: nn.Softmax(dim=-1), nonnegative=True, along="last", blind_on_one=True)
def softmax(x: Type) -> Type:
    """Softmax over the last axis; called with ``axis=1``, 2, ..., over that one."""
    require_float(x)
    return x


softmax.set_twin(softmax_along, "axis", -1)


def _batch_norm(x: Type) -> Any:
    if x.rank == 3:
        return (modules.LineBatchNorm if 1 in x.sizes[1:] else nn.BatchNorm2d)(x.channels)
    return nn.BatchNorm1d(x.channels)


@primitive(
    torch=_batch_norm,
    params=lambda x: {"weight": (x.channels,), "bias": (x.channels,)},
    owns_parameters=True,
    has_buffers=True,
    along="first",
)
def batch_norm(x: Type) -> Type:
    """Batch norm over the channels of an image, a sequence or a vector."""
    require_float(x)
    if x.layout not in ("image", "sequence", "vector"):
        raise ShapeError("batch norm has its channels first: an image, a sequence or a vector")
    return x


@primitive(torch=lambda x: nn.LayerNorm(x.axes[-1].size, elementwise_affine=False), along="last")
def layer_norm_without_weights(x: Type) -> Type:
    """Layer norm over the last axis, as ``layer_norm(x, affine=False)`` means it."""
    require_float(x)
    return x


@primitive(
    kind=WithTwin,
    torch=lambda x: nn.LayerNorm(x.axes[-1].size),
    params=lambda x: {"weight": (x.axes[-1].size,), "bias": (x.axes[-1].size,)},
    owns_parameters=True,
    along="last",
)
def layer_norm(x: Type) -> Type:
    """Layer norm over the last axis (Ba et al. 2016). Called with ``affine=False``, it has no weights."""
    require_float(x)
    return x


layer_norm.set_twin(layer_norm_without_weights, "affine", True)


@combinator
def layer_norm2d(x):
    """Layer norm over the channels of each pixel of an image, as ConvNeXt has it: (c, h, w) -> (c, h, w)."""
    if x.layout != "image":
        raise ShapeError("only an image has pixels (c, h, w)")
    return permute(layer_norm(permute(x, "231")), "312")


@combinator
def norm(x):
    """einspace's norm: batch norm of an image or a sequence, layer norm of anything else."""
    return batch_norm(x) if x.layout in ("image", "sequence") else layer_norm(x)


@primitive(
    torch=lambda x: modules.Position(x.sizes),
    params=lambda x: {"position": x.sizes},
    owns_parameters=True,
)
def pos(x: Type) -> Type:
    """Adds a learnable tensor of the input's shape, drawn from N(0, 1) at first."""
    require_float(x)
    return x


def _zeros(x: Type, kind: str) -> Any:
    target = parse_type(kind)
    # Numbers of x's own kind have its precision; others torch's default.
    if target.dtype == x.dtype:
        return lambda t: t.new_zeros((t.shape[0], *target.sizes))
    if target.dtype == "int":
        return lambda t: t.new_zeros((t.shape[0], *target.sizes), dtype=torch.int64)
    like = torch.empty(0)  # a constant of the network: it is of the precision that the network is brought to
    return lambda t: like.new_zeros((t.shape[0], *target.sizes))


@primitive(torch=_zeros, nonnegative=True)
def zeros(x: Type, kind: str) -> Type:
    """Zeros of a type that is given as text; x lends its batch alone."""
    return parse_type(kind)


@combinator
def zeros_like(x):
    """Zeros of x's type."""
    return zeros(x, str(Type(x.axes, x.dtype, x.layout)))


@primitive(torch=lambda x, n: lambda t: t * n, pointwise=True, zero="zeros", keeps_nonnegative=True, homogeneous=True)
def times(x: Type, n: int) -> Type:
    """n x: the sum of n times the same tensor."""
    return x


@primitive(torch=lambda x, factor: lambda t: t * factor, pointwise=True, zero="zeros", homogeneous=True)
def scale_by(x: Type, factor: float) -> Type:
    """x times a number that is not learned."""
    require_float(x)
    return x


@primitive(torch=lambda x: lambda t: t.flatten(1), zero="zeros", keeps_nonnegative=True)
def flatten(x: Type) -> Type:
    """All axes as one: a vector."""
    return Type((x.elements,), x.dtype)


@functools.cache
def _order(order: str) -> tuple[int, ...] | None:
    """The axes that an order names, from 0; None for what is no order. Few are ever written."""
    axes = tuple(int(digit) - 1 for digit in order if digit.isdecimal())
    return axes if sorted(axes) == list(range(len(order))) else None


@primitive(
    torch=lambda x, order: lambda t: t.permute(0, *map(int, order)),
    permutes=True,
    zero="zeros",
    keeps_nonnegative=True,
)
def permute(x: Type, order: str) -> Type:
    """The axes in another order: ``213`` swaps the first two of three. The layout stays."""
    places = _order(order)
    if places is None or len(places) != x.rank:
        raise ShapeError("{} is not an order of {} axes", order, x.rank)
    return interned(tuple([x.axes[place] for place in places]), x.dtype, x.layout)


@primitive(
    torch=lambda x, n, axis: lambda t: t.chunk(n, dim=axis),
    splits=True,
    zero="zeros",
    keeps_nonnegative=True,
)
def group(x: Type, n: int, axis: int) -> tuple[Type, ...]:
    """Splits axis 1, 2, ... into n equal parts, in order: (n a, ...) -> n times (a, ...)."""
    check_axis(x, axis)
    if n > MOST_PARTS:
        raise ShapeError("{} parts: expected at most {:,}", n, MOST_PARTS)
    if n < 1 or x.axes[axis - 1].size % n:
        raise ShapeError("{} does not divide axis {}", n, axis)
    return (x.with_axis(axis - 1, x.axes[axis - 1].size // n),) * n


@primitive(
    torch=lambda x, axis, start, stop: lambda t: t.narrow(axis, start, stop - start),
    zero="zeros",
    keeps_nonnegative=True,
)
def narrow(x: Type, axis: int, start: int, stop: int) -> Type:
    """Places start to stop, from 0, of axis 1, 2, ...: (n, ...) -> (stop - start, ...)."""
    check_axis(x, axis)
    if not 0 <= start < stop <= x.axes[axis - 1].size:
        raise ShapeError("{} to {} is no range of an axis of {}", start, stop, x.axes[axis - 1])
    return x.with_axis(axis - 1, stop - start)


@primitive(torch=lambda x, axis: lambda t: t.unbind(axis), zero="zeros", keeps_nonnegative=True)
def unbind(x: Type, axis: int) -> tuple[Type, ...]:
    """The places of axis 1, 2, ..., one by one, without that axis: (n, ...) -> n times (...)."""
    kind = _without(x, axis)
    if x.axes[axis - 1].size > MOST_PARTS:
        raise ShapeError("{} parts: expected at most {:,}", x.axes[axis - 1], MOST_PARTS)
    return (kind,) * x.axes[axis - 1].size


@primitive(torch=lambda x, axis, index: lambda t: t.select(axis, index), zero="zeros", keeps_nonnegative=True)
def select(x: Type, axis: int, index: int) -> Type:
    """One place, from 0, of axis 1, 2, ..., without that axis: (n, ...) -> (...)."""
    check_axis(x, axis)
    if not 0 <= index < x.axes[axis - 1].size:
        raise ShapeError("{} is no place of an axis of {}", index, x.axes[axis - 1])
    return _without(x, axis)


def _without(x: Type, axis: int) -> Type:
    check_axis(x, axis)
    if x.rank < 2:
        raise ShapeError("a type has an axis at least")
    axes = (*x.axes[: axis - 1], *x.axes[axis:])
    return Type(axes, x.dtype, "tensor" if len(axes) > 2 else None)


@primitive(torch=lambda x, n, axis: lambda t: torch.cat((t,) * n, dim=axis), zero="zeros", keeps_nonnegative=True)
def repeat(x: Type, n: int, axis: int) -> Type:
    """Axis 1, 2, ... n times over, one copy after the other: (a, ...) -> (n a, ...)."""
    check_axis(x, axis)
    if not 1 <= n <= MOST_PARTS:
        raise ShapeError("{} copies: expected 1 to {:,}", n, MOST_PARTS)
    return x.with_axis(axis - 1, n * x.axes[axis - 1].size)


@primitive(torch=lambda x: lambda t: t.detach(), zero="zeros", keeps_nonnegative=True)
def detach(x: Type) -> Type:
    """x, and no gradient goes back through it."""
    return x


@primitive(torch=lambda x, axis, shift: lambda t: t.roll(shift, axis), zero="zeros", keeps_nonnegative=True)
def roll(x: Type, axis: int, shift: int) -> Type:
    """The places of axis 1, 2, ... moved on in a circle."""
    check_axis(x, axis)
    return x


def check_axis(x: Type, axis: int) -> None:
    """Raises ``ShapeError`` unless the axis, counted from 1, is one of x."""
    if not 1 <= axis <= x.rank:
        raise ShapeError("there is no axis {}" + (": they are counted from 1" if axis == 0 else ""), axis)


@primitive(
    torch=lambda x, kernel, stride, padding: (
        lambda t: functional.unfold(t, kernel, padding=padding, stride=stride).transpose(1, 2)
    ),
    zero="zeros",
    keeps_nonnegative=True,
)
def im2col(x: Type, kernel: int, stride: int, padding: int) -> Type:
    """Patches of an image as rows: (c, h, w) -> ((h', w'), c k k), with h' = (h + 2p - k) // s + 1.

    The padded image must hold a window: ResNet-18 slides 3x3 windows over 2x2 images.
    """
    if x.layout != "image":
        raise ShapeError("only an image has patches")
    require_float(x)
    channels, height, width = x.sizes
    grid = Axis(window(height, kernel, stride, padding), window(width, kernel, stride, padding))
    return Type((grid, channels * kernel * kernel), x.dtype)


def window(size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    """How many windows fit: (size + 2 padding - dilation (kernel - 1) - 1) // stride + 1.

    Raises ``ShapeError`` when none does, or when the numbers make no window.
    """
    if kernel < 1 or stride < 1 or padding < 0 or dilation < 1:
        raise ShapeError(
            f"a window of {kernel} with stride {stride}, padding {padding} and dilation {dilation} is impossible"
        )
    reach = dilation * (kernel - 1) + 1
    if size + 2 * padding < reach:
        raise ShapeError("a size of {} with padding {} is smaller than the window of {}", size, padding, reach)
    return (size + 2 * padding - reach) // stride + 1


@primitive(
    torch=lambda x, height, width: lambda t: t.transpose(1, 2).unflatten(2, (height, width)),
    zero="zeros",
    keeps_nonnegative=True,
)
def to_image(x: Type, height: int, width: int) -> Type:
    """Rows become the pixels of a grid: (height width, d) -> (d, height, width)."""
    if x.rank != 2 or x.axes[0].size != height * width:
        raise ShapeError(f"its first axis must have {height} times {width} rows")
    return Type((x.axes[1].size, height, width), x.dtype)


@combinator
def col2im(x):
    """Rows of a grid become pixels again: ((h, w), d) -> (d, h, w)."""
    if len(x.axes) != 2 or len(x.axes[0].parts) != 2:
        raise ShapeError("its first axis must be a composite of two, as im2col makes it: ((h, w), d)")
    return to_image(x, *x.axes[0].parts)
