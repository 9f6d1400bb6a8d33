"""Primitives on images (c, h, w): convolutions and pools, as cell spaces use them."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import combinator, primitive
from einspec.ops.library.tensor import require_float, window
from einspec.types import Type

functional: Any = LazyModule("torch.nn.functional")
nn: Any = LazyModule("torch.nn")


def _slide(x: Type, channels: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Type:
    require_float(x)
    if x.layout != "image":
        raise ShapeError("a window slides over an image (c, h, w)")
    _, height, width = x.sizes
    rows = window(height, kernel, stride, padding, dilation)
    columns = window(width, kernel, stride, padding, dilation)
    return Type((channels, rows, columns), x.dtype)


def _check_groups(x: Type, width: int, groups: int) -> None:
    if groups < 1 or x.channels % groups or width % groups:
        raise ShapeError("{} groups do not divide {} and {} channels", groups, x.channels, width)


def _weights(shape: tuple[int, ...], bias: bool, width: int) -> dict[str, tuple[int, ...]]:
    return {"weight": shape, "bias": (width,)} if bias else {"weight": shape}


@primitive(
    torch=lambda x, width, kernel, stride, padding, dilation, groups, bias: nn.Conv2d(
        x.channels, width, kernel, stride, padding, dilation, groups, bias=bias
    ),
    params=lambda x, width, kernel, stride, padding, dilation, groups, bias: _weights(
        (width, x.channels // groups, kernel, kernel), bias, width
    ),
    macs=lambda x, width, kernel, stride, padding, dilation, groups, bias: (
        _slide(x, width, kernel, stride, padding, dilation).elements * (x.channels // groups) * kernel * kernel
    ),
    owns_parameters=True,
    zero="zeros",
    zero_unless="bias",
)
def conv2d(
    x: Type,
    width: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
) -> Type:
    """A convolution: (c, h, w) -> (width, h', w'); ``groups`` divides c and width."""
    _check_groups(x, width, groups)
    return _slide(x, width, kernel, stride, padding, dilation)


@combinator
def depthwise(x, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, bias: bool = True):
    """A convolution of each channel by itself: (c, h, w) -> (c, h', w')."""
    return conv2d(x, x.c, kernel, stride, padding, dilation, x.c, bias)


def _line(x: Type, width: int, kernel: int, stride: int, padding: int, dilation: int) -> Type:
    require_float(x)
    if x.layout != "sequence":
        raise ShapeError("a window slides along a sequence (c, l)")
    return Type((width, window(x.sizes[1], kernel, stride, padding, dilation)), x.dtype, "sequence")


@primitive(
    torch=lambda x, width, kernel, stride, padding, dilation, groups, bias: nn.Conv1d(
        x.channels, width, kernel, stride, padding, dilation, groups, bias=bias
    ),
    params=lambda x, width, kernel, stride, padding, dilation, groups, bias: _weights(
        (width, x.channels // groups, kernel), bias, width
    ),
    macs=lambda x, width, kernel, stride, padding, dilation, groups, bias: (
        _line(x, width, kernel, stride, padding, dilation).elements * (x.channels // groups) * kernel
    ),
    owns_parameters=True,
    zero="zeros",
    zero_unless="bias",
)
def conv1d(
    x: Type,
    width: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
) -> Type:
    """A convolution along a sequence: (c, l) -> (width, l'); ``groups`` divides c and width."""
    if x.rank == 2:
        _check_groups(x, width, groups)
    return _line(x, width, kernel, stride, padding, dilation)


def _grown(size: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    """The size that a transposed window makes. Raises ``ShapeError`` where it makes none."""
    if kernel < 1 or stride < 1 or padding < 0 or not 0 <= output_padding < stride:
        raise ShapeError(
            "a transposed window of {}, stride {}, padding {} and {} is impossible",
            kernel,
            stride,
            padding,
            output_padding,
        )
    found = (size - 1) * stride - 2 * padding + kernel + output_padding
    if found < 1:
        raise ShapeError("a size of {} becomes {}", size, found)
    return found


@primitive(
    torch=lambda x, width, kernel, stride, padding, output_padding, groups, bias: nn.ConvTranspose2d(
        x.channels, width, kernel, stride, padding, output_padding, groups, bias=bias
    ),
    params=lambda x, width, kernel, stride, padding, output_padding, groups, bias: _weights(
        (x.channels, width // groups, kernel, kernel), bias, width
    ),
    macs=lambda x, width, kernel, stride, padding, output_padding, groups, bias: (
        x.elements * (width // groups) * kernel * kernel
    ),
    owns_parameters=True,
    zero="zeros",
    zero_unless="bias",
)
def conv_transpose2d(
    x: Type,
    width: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    groups: int = 1,
    bias: bool = True,
) -> Type:
    """A transposed convolution: (c, h, w) -> (width, h', w'), with h' = (h - 1) s - 2 p + k + o."""
    require_float(x)
    if x.layout != "image":
        raise ShapeError("a window slides over an image (c, h, w)")
    _check_groups(x, width, groups)
    rows, columns = (_grown(size, kernel, stride, padding, output_padding) for size in x.sizes[1:])
    return Type((width, rows, columns), x.dtype)


def _pooled(x: Type, kernel: int, stride: int | None, padding: int, dilation: int, ceil_mode: bool) -> Type:
    if 2 * padding > kernel:
        raise ShapeError("a padding of {} is more than half of the window of {}", padding, kernel)
    step = kernel if stride is None else stride
    floor = _slide(x, x.channels, kernel, step, padding, dilation)
    if not ceil_mode:
        return floor
    reach = dilation * (kernel - 1) + 1
    sizes = []
    for size in x.sizes[1:]:
        found = -((size + 2 * padding - reach) // -step) + 1
        sizes.append(found - 1 if (found - 1) * step >= size + padding else found)  # the last window begins within
    return Type((x.channels, *sizes), x.dtype)


@primitive(
    torch=lambda x, kernel, stride, padding, dilation, ceil_mode: nn.MaxPool2d(
        kernel, stride, padding, dilation, ceil_mode=ceil_mode
    ),
    zero="zeros",
)
def max_pool2d(
    x: Type, kernel: int, stride: int | None = None, padding: int = 0, dilation: int = 1, ceil_mode: bool = False
) -> Type:
    """The maximum over windows: (c, h, w) -> (c, h', w'); the stride is that of the window where it is left out."""
    return _pooled(x, kernel, stride, padding, dilation, ceil_mode)


@primitive(
    torch=lambda x, kernel, stride, padding, ceil_mode, count_include_pad: nn.AvgPool2d(
        kernel, stride, padding, ceil_mode, count_include_pad
    ),
    zero="zeros",
)
def avg_pool2d(
    x: Type,
    kernel: int,
    stride: int | None = None,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Type:
    """The mean over windows: (c, h, w) -> (c, h', w'); the stride is that of the window where it is left out."""
    return _pooled(x, kernel, stride, padding, 1, ceil_mode)


@primitive(torch=lambda x, height, width: nn.AdaptiveAvgPool2d((height, width)), zero="zeros")
def adaptive_avg_pool2d(x: Type, height: int, width: int) -> Type:
    """The mean over windows of any size, so that so many come out: (c, h, w) -> (c, height, width)."""
    require_float(x)
    if x.layout != "image":
        raise ShapeError("a window slides over an image (c, h, w)")
    return Type((x.channels, height, width), x.dtype)


@combinator
def global_avg_pool(x):
    """The mean of each channel: (c, h, w) -> (c, 1, 1)."""
    return adaptive_avg_pool2d(x, 1, 1)


@primitive(torch=lambda x, factor, mode: nn.Upsample(scale_factor=factor, mode=mode), zero="zeros")
def upsample(x: Type, factor: int, mode: str = "nearest") -> Type:
    """An image of more pixels, ``nearest`` or ``bilinear``: (c, h, w) -> (c, factor h, factor w)."""
    require_float(x)
    if x.layout != "image":
        raise ShapeError("only an image has pixels")
    if mode not in ("nearest", "bilinear"):
        raise ShapeError("{} is no way to make pixels: nearest or bilinear", mode)
    if factor < 1:
        raise ShapeError("{} times as large", factor)
    return Type((x.channels, *[factor * size for size in x.sizes[1:]]), x.dtype)


def _spatial(x: Type) -> tuple[int, ...]:
    """The axes of an image or a sequence that are no channels. Raises ``ShapeError`` for anything else."""
    require_float(x)
    if x.layout not in ("image", "sequence"):
        raise ShapeError("only an image (c, h, w) or a sequence (c, l) has borders")
    return tuple(range(1, x.rank))


_MODES = ("constant", "reflect", "replicate")


@primitive(torch=lambda x, size, mode: lambda t: functional.pad(t, (size, size) * (x.rank - 1), mode), zero="zeros")
def pad(x: Type, size: int, mode: str = "constant") -> Type:
    """Zeros around an image or a sequence, or its own numbers (reflect, replicate): (c, l) -> (c, l + 2 size)."""
    places = _spatial(x)
    if mode not in _MODES:
        raise ShapeError("{} is no way to pad: constant, reflect or replicate", mode)
    if size < 0 or (mode == "reflect" and any(size >= x.sizes[place] for place in places)):
        raise ShapeError("a border of {} around {}", size, x)
    return Type([a.size + 2 * size if i in places else a for i, a in enumerate(x.axes)], x.dtype, x.layout)


@primitive(torch=lambda x, size: lambda t: functional.pad(t, (size, 0)), zero="zeros")
def pad_before(x: Type, size: int) -> Type:
    """Zeros before a sequence: (c, l) -> (c, size + l)."""
    require_float(x)
    if x.layout != "sequence" or size < 0:
        raise ShapeError("{} zeros before a sequence (c, l)", size)
    return x.with_axis(1, x.sizes[1] + size)


@combinator
def causal_conv1d(x, width: int, kernel: int, dilation: int = 1, groups: int = 1, bias: bool = True):
    """A convolution that sees no later place: (c, l) -> (width, l)."""
    return conv1d(pad_before(x, dilation * (kernel - 1)), width, kernel, 1, 0, dilation, groups, bias)


@primitive(torch=lambda x: lambda t: t[:, :, 1:, 1:], zero="zeros")
def crop(x: Type) -> Type:
    """An image without its first row and column: (c, h, w) -> (c, h - 1, w - 1)."""
    if x.layout != "image" or min(x.sizes[1:]) < 2:
        raise ShapeError("only an image of two rows and columns or more can lose one of each")
    channels, height, width = x.sizes
    return Type((channels, height - 1, width - 1), x.dtype)
