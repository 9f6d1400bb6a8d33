"""Primitives on images (c, h, w): convolutions and pools, as cell spaces use them."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import primitive
from einspec.ops.library.tensor import require_float, window
from einspec.types import Type

nn: Any = LazyModule("torch.nn")


def _slide(x: Type, channels: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Type:
    require_float(x)
    if x.layout != "image":
        raise ShapeError("a window slides over an image (c, h, w)")
    _, height, width = x.sizes
    rows = window(height, kernel, stride, padding, dilation)
    columns = window(width, kernel, stride, padding, dilation)
    return Type((channels, rows, columns), x.dtype)


def _conv_weight(x: Type, width: int, kernel: int, groups: int) -> tuple[int, ...]:
    return (width, x.channels // groups, kernel, kernel)


@primitive(
    torch=lambda x, width, kernel, stride, padding, dilation, groups: nn.Conv2d(
        x.channels, width, kernel, stride, padding, dilation, groups, bias=False
    ),
    params=lambda x, width, kernel, stride, padding, dilation, groups: {
        "weight": _conv_weight(x, width, kernel, groups)
    },
    macs=lambda x, width, kernel, stride, padding, dilation, groups: (
        _slide(x, width, kernel, stride, padding, dilation).elements * (x.channels // groups) * kernel * kernel
    ),
    owns_parameters=True,
    zero="zeros",
)
def conv2d(
    x: Type, width: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Type:
    """A convolution without bias: (c, h, w) -> (width, h', w'); ``groups`` divides c and width."""
    if groups < 1 or x.channels % groups or width % groups:
        raise ShapeError(f"{groups} groups do not divide {x.channels} and {width} channels")
    return _slide(x, width, kernel, stride, padding, dilation)


@primitive(torch=lambda x, kernel, stride, padding: nn.MaxPool2d(kernel, stride, padding), zero="zeros")
def maxpool(x: Type, kernel: int, stride: int, padding: int) -> Type:
    """The maximum over windows: (c, h, w) -> (c, h', w')."""
    _check_pool(kernel, padding)
    return _slide(x, x.channels, kernel, stride, padding)


@primitive(
    torch=lambda x, kernel, stride, padding: nn.AvgPool2d(kernel, stride, padding, count_include_pad=False),
    zero="zeros",
)
def avgpool(x: Type, kernel: int, stride: int, padding: int) -> Type:
    """The mean over windows, padding not counted: (c, h, w) -> (c, h', w')."""
    _check_pool(kernel, padding)
    return _slide(x, x.channels, kernel, stride, padding)


def _check_pool(kernel: int, padding: int) -> None:
    if 2 * padding > kernel:
        raise ShapeError(f"a padding of {padding} is more than half of the window of {kernel}")


@primitive(torch=lambda x: lambda t: t[:, :, 1:, 1:], zero="zeros")
def crop(x: Type) -> Type:
    """An image without its first row and column: (c, h, w) -> (c, h - 1, w - 1)."""
    if x.layout != "image" or min(x.sizes[1:]) < 2:
        raise ShapeError("only an image of two rows and columns or more can lose one of each")
    channels, height, width = x.sizes
    return Type((channels, height - 1, width - 1), x.dtype)
