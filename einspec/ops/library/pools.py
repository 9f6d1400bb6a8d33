"""Pools in one, two and three dimensions, of windows and of everything. Arguments and defaults are torch's."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import combinator, primitive
from einspec.ops.library.convolutions import check_places, slide
from einspec.types import Type

nn: Any = LazyModule("torch.nn")

_SHOWN = {1: "(c, l) -> (c, l')", 2: "(c, h, w) -> (c, h', w')", 3: "(c, t, h, w) -> (c, t', h', w')"}


def _pooled(
    x: Type, places: int, kernel: int, stride: int | None, padding: int, dilation: int, ceil_mode: bool
) -> Type:
    if 2 * padding > kernel:
        raise ShapeError("a padding of {} is more than half of the window of {}", padding, kernel)
    step = kernel if stride is None else stride
    if dilation > 1 and padding and any(_misses(size, kernel, step, padding, dilation) for size in x.sizes[1:]):
        raise ShapeError("a window of {} with dilation {} lies in the padding alone", kernel, dilation)
    floor = slide(x, places, x.channels, kernel, step, padding, dilation)
    if not ceil_mode:
        return floor
    reach = dilation * (kernel - 1) + 1
    sizes = []
    for size in x.sizes[1:]:
        found = -((size + 2 * padding - reach) // -step) + 1
        sizes.append(found - 1 if (found - 1) * step >= size + padding else found)  # the last window begins within
    return Type((x.channels, *sizes), x.dtype, x.layout)


def _misses(size: int, kernel: int, stride: int, padding: int, dilation: int) -> bool:
    """Whether a window of a pool holds nothing but padding."""
    reach = dilation * (kernel - 1) + 1
    starts = range(-padding, size + padding - reach + 1, stride)
    return any(all(not 0 <= start + dilation * i < size for i in range(kernel)) for start in starts)


def _named(rule: Any, name: str, what: str, places: int) -> Any:
    rule.__name__ = rule.__qualname__ = f"{name}{places}d"
    rule.__doc__ = f"The {what} over windows: {_SHOWN[places]}; the stride is that of the window where it is left out."
    return rule


def _maximum(places: int) -> Any:
    def rule(
        x: Type, kernel: int, stride: int | None = None, padding: int = 0, dilation: int = 1, ceil_mode: bool = False
    ) -> Type:
        return _pooled(x, places, kernel, stride, padding, dilation, ceil_mode)

    def module(x: Type, kernel: int, stride: int | None, padding: int, dilation: int, ceil_mode: bool) -> Any:
        return getattr(nn, f"MaxPool{places}d")(kernel, stride, padding, dilation, ceil_mode=ceil_mode)

    return primitive(_named(rule, "max_pool", "maximum", places), torch=module, zero="zeros", keeps_nonnegative=True)


max_pool1d, max_pool2d, max_pool3d = _maximum(1), _maximum(2), _maximum(3)


def _average(places: int) -> Any:
    def rule(
        x: Type,
        kernel: int,
        stride: int | None = None,
        padding: int = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> Type:
        made = _pooled(x, places, kernel, stride, padding, 1, ceil_mode)
        if places == 3 and min(x.sizes[1:]) < kernel:
            raise ShapeError("a volume {} is smaller than the window of {}, which torch does not average", x, kernel)
        return made

    def module(x: Type, *arguments: Any) -> Any:
        return getattr(nn, f"AvgPool{places}d")(*arguments)

    return primitive(_named(rule, "avg_pool", "mean", places), torch=module, zero="zeros", keeps_nonnegative=True)


avg_pool1d, avg_pool2d, avg_pool3d = _average(1), _average(2), _average(3)


@primitive(torch=lambda x, length: nn.AdaptiveAvgPool1d(length), zero="zeros", keeps_nonnegative=True)
def adaptive_avg_pool1d(x: Type, length: int) -> Type:
    """The mean over windows of any size, so that so many come out: (c, l) -> (c, length)."""
    check_places(x, 1)
    return x.with_axis(1, length)


@primitive(torch=lambda x, height, width: nn.AdaptiveAvgPool2d((height, width)), zero="zeros", keeps_nonnegative=True)
def adaptive_avg_pool2d(x: Type, height: int, width: int) -> Type:
    """The mean over windows of any size, so that so many come out: (c, h, w) -> (c, height, width)."""
    check_places(x, 2)
    return Type((x.channels, height, width), x.dtype)


@primitive(
    torch=lambda x, length, height, width: nn.AdaptiveAvgPool3d((length, height, width)),
    zero="zeros",
    keeps_nonnegative=True,
)
def adaptive_avg_pool3d(x: Type, length: int, height: int, width: int) -> Type:
    """The mean over windows of any size, so that so many come out: (c, t, h, w) -> (c, length, height, width)."""
    check_places(x, 3)
    return Type((x.channels, length, height, width), x.dtype, x.layout)


@primitive(torch=lambda x, height, width: nn.AdaptiveMaxPool2d((height, width)), zero="zeros", keeps_nonnegative=True)
def adaptive_max_pool2d(x: Type, height: int, width: int) -> Type:
    """The maximum over windows of any size, so that so many come out: (c, h, w) -> (c, height, width)."""
    check_places(x, 2)
    return Type((x.channels, height, width), x.dtype)


@combinator
def global_avg_pool(x):
    """The mean of each channel, of an image, a sequence or a volume: (c, h, w) -> (c, 1, 1)."""
    if x.layout == "sequence":
        return adaptive_avg_pool1d(x, 1)
    return adaptive_avg_pool3d(x, 1, 1, 1) if x.layout == "tensor" else adaptive_avg_pool2d(x, 1, 1)


@combinator
def global_max_pool(x):
    """The maximum of each channel: (c, h, w) -> (c, 1, 1)."""
    return adaptive_max_pool2d(x, 1, 1)
