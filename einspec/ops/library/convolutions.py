"""Convolutions in one, two and three dimensions: along a sequence (c, l), over an image (c, h, w), through a volume
(c, t, h, w), which is a tensor of four axes. Arguments and defaults are torch's.
"""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import combinator, primitive
from einspec.ops.library.resizing import pad_before
from einspec.ops.library.tensor import require_float, window
from einspec.types import Type

nn: Any = LazyModule("torch.nn")

_PLACES = {
    1: ("sequence", "a window slides along a sequence (c, l)"),
    2: ("image", "a window slides over an image (c, h, w)"),
    3: ("tensor", "a window slides through a volume (c, t, h, w)"),
}
"""The layout that a window of so many dimensions slides over, and what is said of any other."""


def check_places(x: Type, places: int) -> None:
    """Raises ``ShapeError`` unless a window of so many dimensions slides over x."""
    require_float(x)
    layout, message = _PLACES[places]
    if x.layout != layout or x.rank != places + 1:
        raise ShapeError(message)


def slide(x: Type, places: int, channels: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Type:
    """What a window makes of x. Raises ``ShapeError`` where it fits nowhere."""
    check_places(x, places)
    sizes = [window(size, kernel, stride, padding, dilation) for size in x.sizes[1:]]
    return Type((channels, *sizes), x.dtype, x.layout)


def _check_groups(x: Type, width: int, groups: int) -> None:
    if groups < 1 or x.channels % groups or width % groups:
        raise ShapeError("{} groups do not divide {} and {} channels", groups, x.channels, width)


def _weights(shape: tuple[int, ...], bias: bool, width: int) -> dict[str, tuple[int, ...]]:
    return {"weight": shape, "bias": (width,)} if bias else {"weight": shape}


_SHOWN = {1: ("(c, l)", "(width, l')"), 2: ("(c, h, w)", "(width, h', w')"), 3: ("(c, t, h, w)", "(width, t', h', w')")}


def _convolution(places: int) -> Any:
    def rule(
        x: Type,
        width: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> Type:
        made = slide(x, places, width, kernel, stride, padding, dilation)
        _check_groups(x, width, groups)
        return made

    def weights(
        x: Type, width: int, kernel: int, stride: int, padding: int, dilation: int, groups: int, bias: bool
    ) -> Any:
        return _weights((width, x.channels // groups, *[kernel] * places), bias, width)

    def macs(x: Type, width: int, kernel: int, *rest: Any) -> Any:
        return rule(x, width, kernel, *rest).elements * (x.channels // rest[-2]) * kernel**places

    def module(x: Type, *arguments: Any) -> Any:
        return getattr(nn, f"Conv{places}d")(x.channels, *arguments)

    given, made = _SHOWN[places]
    rule.__name__ = rule.__qualname__ = f"conv{places}d"
    rule.__doc__ = f"A convolution: {given} -> {made}; ``groups`` divides c and width."
    return primitive(
        rule, torch=module, params=weights, macs=macs, owns_parameters=True, zero="zeros", zero_unless="bias"
    )


conv1d, conv2d, conv3d = _convolution(1), _convolution(2), _convolution(3)


@combinator
def depthwise(x, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, bias: bool = True):
    """A convolution of each channel by itself: (c, h, w) -> (c, h', w'), or of a sequence or a volume."""
    convolution = conv2d if x.layout == "image" else conv1d if x.layout == "sequence" else conv3d
    channels = x.axes[0].size
    return convolution(x, channels, kernel, stride, padding, dilation, channels, bias)


@combinator
def causal_conv1d(x, width: int, kernel: int, dilation: int = 1, groups: int = 1, bias: bool = True):
    """A convolution that sees no later place: (c, l) -> (width, l)."""
    return conv1d(pad_before(x, dilation * (kernel - 1)), width, kernel, 1, 0, dilation, groups, bias)


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


def _transposed(places: int) -> Any:
    def rule(
        x: Type,
        width: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
        groups: int = 1,
        bias: bool = True,
    ) -> Type:
        check_places(x, places)
        _check_groups(x, width, groups)
        sizes = [_grown(size, kernel, stride, padding, output_padding) for size in x.sizes[1:]]
        return Type((width, *sizes), x.dtype, x.layout)

    def weights(
        x: Type, width: int, kernel: int, stride: int, padding: int, output: int, groups: int, bias: bool
    ) -> Any:
        return _weights((x.channels, width // groups, *[kernel] * places), bias, width)

    def macs(x: Type, width: int, kernel: int, stride: int, padding: int, output: int, groups: int, bias: bool) -> Any:
        return x.elements * (width // groups) * kernel**places

    def module(x: Type, *arguments: Any) -> Any:
        return getattr(nn, f"ConvTranspose{places}d")(x.channels, *arguments)

    given, made = _SHOWN[places]
    rule.__name__ = rule.__qualname__ = f"conv_transpose{places}d"
    rule.__doc__ = f"A transposed convolution: {given} -> {made}, each size n to (n - 1) s - 2 p + k + o."
    return primitive(
        rule, torch=module, params=weights, macs=macs, owns_parameters=True, zero="zeros", zero_unless="bias"
    )


conv_transpose1d, conv_transpose2d, conv_transpose3d = _transposed(1), _transposed(2), _transposed(3)
