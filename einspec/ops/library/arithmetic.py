"""Arithmetic on several tensors, an axis of size 1 stretched to fit, and learned numbers per channel."""

from __future__ import annotations

import functools
import operator
from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import combinator, primitive
from einspec.ops.library.merge import add, check_alike
from einspec.ops.library.tensor import require_float, scale_by
from einspec.types import Axis, Type, interned

torch: Any = LazyModule("torch")
modules: Any = LazyModule("einspec.compiler.emit.modules")


def broadcast(*xs: Type) -> Type:
    """The type that inputs of one rank come to when axes of size 1 are stretched. Raises ``ShapeError``."""
    first = xs[0]
    if xs.count(first) == len(xs):
        return first
    check_alike(xs)
    axes = []
    for column in zip(*[x.axes for x in xs], strict=True):
        larger = [axis for axis in column if axis.size > 1] or list(column)
        if len({axis.size for axis in larger}) > 1:
            raise ShapeError("sizes {} differ, and neither is 1", ", ".join(str(axis) for axis in column))
        axes.append(larger[0] if larger.count(larger[0]) == len(larger) else Axis(larger[0].size))
    return interned(tuple(axes), first.dtype, first.layout)


@primitive(
    torch=lambda *xs: lambda *ts: functools.reduce(operator.mul, ts),
    commutative=True,
    zero="zeros",
    keeps_nonnegative=True,
)
def mul(*xs: Type) -> Type:
    """The product, number by number; axes of size 1 are stretched."""
    return broadcast(*xs)


@primitive(torch=lambda x, y: torch.sub)
def sub(x: Type, y: Type) -> Type:
    """x - y; axes of size 1 are stretched."""
    return broadcast(x, y)


@primitive(torch=lambda *xs: lambda *ts: functools.reduce(torch.maximum, ts), commutative=True, keeps_nonnegative=True)
def maximum(*xs: Type) -> Type:
    """The larger number, place by place; axes of size 1 are stretched."""
    return broadcast(*xs)


@combinator
def mean(*xs):
    """The mean of tensors of one shape, place by place."""
    return scale_by(add(*xs), 1.0 / len(xs))


@primitive(
    torch=lambda x, init: modules.ChannelScale(x.channels, x.channel_axis, x.rank, init),
    params=lambda x, init: {"weight": (x.channels,)},
    owns_parameters=True,
    zero="zeros",
)
def channel_scale(x: Type, init: float = 1.0) -> Type:
    """Each channel times a learned number, ``init`` at first (layer scale, Touvron et al. 2021)."""
    require_float(x)
    return x


@primitive(
    torch=lambda x: modules.ChannelBias(x.channels, x.channel_axis, x.rank),
    params=lambda x: {"bias": (x.channels,)},
    owns_parameters=True,
)
def channel_bias(x: Type) -> Type:
    """Each channel plus a learned number, 0 at first."""
    require_float(x)
    return x
