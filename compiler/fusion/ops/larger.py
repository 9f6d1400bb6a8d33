"""Larger primitives than the library's, as torch has them."""

from __future__ import annotations

import math
from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import primitive
from einspec.ops.library.merge import merged
from einspec.ops.library.tensor import require_float, window
from einspec.types import Axis, Type, interned

functional: Any = LazyModule("torch.nn.functional")
modules: Any = LazyModule("einspec.compiler.emit.modules")


def slide(x: Type, channels: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Type:
    """An image after windows have slid over it; a stack of images as such."""
    *before, _, height, width = x.sizes
    rows = window(height, kernel, stride, padding, dilation)
    columns = window(width, kernel, stride, padding, dilation)
    return Type((*before, channels, rows, columns), x.dtype, x.layout)


def patch_macs(x: Type, width: int, kernel: int, stride: int, padding: int) -> int:
    return slide(x, width, kernel, stride, padding).elements * x.sizes[-3] * kernel * kernel


@primitive(
    torch=lambda x, width, kernel, stride, padding: modules.PatchConv2d(x.channels, width, kernel, stride, padding),
    params=lambda x, width, kernel, stride, padding: {
        "weight": (width, x.channels * kernel * kernel),
        "bias": (width,),
    },
    macs=patch_macs,
    owns_parameters=True,
)
def patch_conv(x: Type, width: int, kernel: int, stride: int, padding: int) -> Type:
    """A convolution with the weights of a linear layer over patches: (c, h, w) -> (width, h', w')."""
    require_float(x)
    if x.layout != "image":
        raise ShapeError("a window slides over an image (c, h, w)")
    return slide(x, width, kernel, stride, padding)


@primitive(torch=lambda x: lambda t: t.flatten(-2).transpose(-2, -1).contiguous())
def rows(x: Type) -> Type:
    """The pixels of images as rows: (..., d, h, w) -> (..., (h w), d)."""
    *before, channels, height, width = x.axes
    layout = "matrix" if x.rank == 3 else x.layout
    return interned((*before, Axis(height.size, width.size), Axis(channels.size)), x.dtype, layout)


@primitive(torch=lambda x, height, width: lambda t: t.transpose(-2, -1).unflatten(-1, (height, width)))
def pixels(x: Type, height: int, width: int) -> Type:
    """Rows of a stack as the pixels of images: (..., height width, d) -> (..., d, height, width)."""
    *before, grid, channels = x.axes
    if grid.size != height * width:
        raise ShapeError(f"{height} times {width} rows are not {grid}")
    return interned((*before, Axis(channels.size), Axis(height), Axis(width)), x.dtype, x.layout)


def _attention(q: Type, k: Type, v: Type, is_scaled: bool) -> Any:
    scale = None if is_scaled else 1.0
    attend = functional.scaled_dot_product_attention
    if q.rank == 2:  # one head: torch's fast kernels want an axis of heads
        return lambda q, k, v: attend(q.unsqueeze(1), k.unsqueeze(1), v.unsqueeze(1), scale=scale).squeeze(1)
    if q.rank == 3:
        return lambda q, k, v: attend(q, k, v, scale=scale)
    heads = q.sizes[:-2]
    return lambda q, k, v: attend(q.flatten(1, -3), k.flatten(1, -3), v.flatten(1, -3), scale=scale).unflatten(1, heads)


@primitive(
    torch=_attention,
    macs=lambda q, k, v, is_scaled: (
        math.prod(q.sizes) * k.sizes[-2] + math.prod(q.sizes[:-1]) * math.prod(v.sizes[-2:])
    ),
)
def attention(q: Type, k: Type, v: Type, is_scaled: bool) -> Type:
    """softmax(q k^T) v, the product divided by sqrt(d) if scaled: (..., n, d), (..., m, d), (..., m, e) -> (..., n, e).

    Source: Vaswani et al., NeurIPS 2017 (arXiv:1706.03762), section 3.2.1.
    """
    if q.rank < 2 or len({q.rank, k.rank, v.rank}) > 1:
        raise ShapeError("queries, keys and values have one rank, of two axes or more")
    if q.sizes[-1] != k.sizes[-1] or k.sizes[-2] != v.sizes[-2]:
        raise ShapeError("queries have the size of keys, and there are as many keys as values")
    return interned((*merged((q, k, v), 0, -2), q.axes[-2], v.axes[-1]), q.dtype, q.layout)


def linear_shapes(x: Type, groups: int, width: int) -> dict[str, tuple[int, ...]]:
    return {"weight": (groups * width, x.sizes[-1]), "bias": (groups * width,)}


@primitive(
    torch=lambda x, width, slope: modules.LinearRelu(x.sizes[-1], width, slope),
    params=lambda x, width, slope: linear_shapes(x, 1, width),
    macs=lambda x, width, slope: x.elements * width,
    owns_parameters=True,
)
def linear_relu(x: Type, width: int, slope: float) -> Type:
    """A linear layer and max(y, slope y) of what it makes: (..., n) -> (..., width)."""
    return x.with_axis(-1, width)


@primitive(
    torch=lambda x, slope: lambda t: functional.leaky_relu(t, slope, inplace=True) if slope else t.relu_(),
    zero="zeros",
)
def leaky_relu_in_place(x: Type, slope: float) -> Type:
    """max(x, slope x), written over x, which nothing else reads."""
    return x
