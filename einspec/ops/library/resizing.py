"""Other sizes: more pixels, borders around images and sequences, parts of them, and shifts."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import combinator, primitive
from einspec.ops.library.merge import cat
from einspec.ops.library.tensor import check_axis, narrow, require_float, zeros_like
from einspec.types import Type

functional: Any = LazyModule("torch.nn.functional")
nn: Any = LazyModule("torch.nn")


@primitive(
    torch=lambda x, factor, mode: nn.Upsample(scale_factor=factor, mode=mode), zero="zeros", keeps_nonnegative=True
)
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


@primitive(
    torch=lambda x, size, mode: lambda t: functional.pad(t, (size, size) * (x.rank - 1), mode),
    zero="zeros",
    keeps_nonnegative=True,
)
def pad(x: Type, size: int, mode: str = "constant") -> Type:
    """Zeros around an image or a sequence, or its own numbers (reflect, replicate): (c, l) -> (c, l + 2 size)."""
    places = _spatial(x)
    if mode not in _MODES:
        raise ShapeError("{} is no way to pad: constant, reflect or replicate", mode)
    if size < 0 or (mode == "reflect" and any(size >= x.sizes[place] for place in places)):
        raise ShapeError("a border of {} around {}", size, x)
    return Type([a.size + 2 * size if i in places else a for i, a in enumerate(x.axes)], x.dtype, x.layout)


@primitive(torch=lambda x, size: lambda t: functional.pad(t, (size, 0)), zero="zeros", keeps_nonnegative=True)
def pad_before(x: Type, size: int) -> Type:
    """Zeros before a sequence: (c, l) -> (c, size + l)."""
    require_float(x)
    if x.layout != "sequence" or size < 0:
        raise ShapeError("{} zeros before a sequence (c, l)", size)
    return x.with_axis(1, x.sizes[1] + size)


@primitive(
    torch=lambda x, top=1, left=1, bottom=0, right=0: (
        lambda t: t[:, :, top : -bottom if bottom else None, left : -right if right else None]
    ),
    zero="zeros",
    keeps_nonnegative=True,
)
def crop(x: Type, top: int = 1, left: int = 1, bottom: int = 0, right: int = 0) -> Type:
    """An image without so many rows and columns of each border: (c, h, w) -> (c, h', w')."""
    if x.layout != "image":
        raise ShapeError("only an image has rows and columns to lose")
    channels, height, width = x.sizes
    if min(top, left, bottom, right) < 0 or top + bottom >= height or left + right >= width:
        raise ShapeError("{} rows and {} columns of an image of {} and {}", top + bottom, left + right, height, width)
    return Type((channels, height - top - bottom, width - left - right), x.dtype)


@combinator
def shift(x, axis: int, n: int):
    """The places of axis 1, 2, ... moved on by n, back where n is negative; zeros come in, and what leaves is lost."""
    check_axis(x, axis)
    size = x.axes[axis - 1].size
    if n == 0:
        return x
    if abs(n) >= size:
        return zeros_like(x)
    kept = narrow(x, axis, max(-n, 0), min(size - n, size))
    empty = zeros_like(narrow(x, axis, 0, abs(n)))
    return cat(empty, kept, axis=axis) if n > 0 else cat(kept, empty, axis=axis)
