"""Primitives that make one tensor of several. They compare axes by size.

A composition that all inputs share is kept; where they differ the axis becomes a plain size.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import primitive
from einspec.ops.library.tensor import check_axis, require_float
from einspec.types import Axis, Type

torch: Any = LazyModule("torch")


def shared(axes: tuple[Axis, ...]) -> Axis:
    """The axis itself where all are the same, its plain size where only the sizes agree.

    Raises ``ShapeError`` when the sizes differ.
    """
    first = axes[0]
    if all(axis is first for axis in axes):
        return first
    if any(axis.size != first.size for axis in axes):
        raise ShapeError(f"sizes {', '.join(str(axis) for axis in axes)} differ")
    return Axis(first.size)


def check_alike(xs: tuple[Type, ...]) -> None:
    """Raises ``ShapeError`` unless rank, dtype and layout agree."""
    first = xs[0]
    if any(x.rank != first.rank or x.dtype != first.dtype or x.layout != first.layout for x in xs):
        raise ShapeError("the inputs differ in rank, dtype or layout")


@primitive(
    torch=lambda *xs: lambda *ts: functools.reduce(operator.add, ts),
    pointwise=True,
    commutative=True,
    associative=True,
    identity="zeros",
    multiple="times",
)
def add(*xs: Type) -> Type:
    """The sum of tensors of one shape."""
    check_alike(xs)
    axes = [shared(column) for column in zip(*(x.axes for x in xs), strict=True)]
    return Type(axes, xs[0].dtype, xs[0].layout)


@primitive(torch=lambda *xs, axis: lambda *ts: torch.cat(ts, dim=axis), associative=True, concatenates=True)
def cat(*xs: Type, axis: int) -> Type:
    """Concatenation along axis 1, 2, ..., in order: sizes there are added, the others must agree."""
    check_alike(xs)
    check_axis(xs[0], axis)
    axes = []
    for index, column in enumerate(zip(*(x.axes for x in xs), strict=True), start=1):
        axes.append(Axis(sum(a.size for a in column)) if index == axis else shared(column))
    return Type(axes, xs[0].dtype, xs[0].layout)


def _product(x: Type, y: Type) -> Type:
    require_float(x)
    check_alike((x, y))
    if x.rank < 2:
        raise ShapeError("a matrix product needs two axes or more")
    leading = [shared(pair) for pair in zip(x.axes[:-2], y.axes[:-2], strict=True)]
    if x.axes[-1].size != y.axes[-2].size:
        raise ShapeError(f"the last axis of the first, {x.axes[-1].size}, is not the last but one of the second")
    return Type([*leading, x.axes[-2], y.axes[-1]], x.dtype, x.layout)


def _product_macs(x: Type, y: Type) -> int:
    return math.prod(x.sizes) * y.axes[-1].size


@primitive(torch=lambda x, y: torch.matmul, macs=_product_macs, zero="zeros")
def dot(x: Type, y: Type) -> Type:
    """The matrix product: (..., a, b), (..., b, c) -> (..., a, c)."""
    return _product(x, y)


@primitive(
    torch=lambda x, y: lambda a, b: torch.matmul(a, b) / math.sqrt(x.axes[-1].size),
    macs=_product_macs,
    zero="zeros",
)
def scaled_dot(x: Type, y: Type) -> Type:
    """The matrix product divided by sqrt(b): (..., a, b), (..., b, c) -> (..., a, c)."""
    return _product(x, y)
