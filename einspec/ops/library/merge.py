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
from einspec.types import Axis, Type, interned

torch: Any = LazyModule("torch")


def shared(axes: tuple[Axis, ...]) -> Axis:
    """The axis itself where all are the same, its plain size where only the sizes agree.

    Raises ``ShapeError`` when the sizes differ.
    """
    first = axes[0]
    is_same = True
    for axis in axes:
        if axis is not first:
            is_same = False
            if axis.size != first.size:
                raise ShapeError("sizes {} differ", _Listed(axes))
    return first if is_same else Axis(first.size)


class _Listed:
    """Values that a message names, separated by commas; written when the message is."""

    def __init__(self, values: tuple[object, ...]):
        self.values = values

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))

    def __format__(self, spec: str) -> str:
        return str(self)


def check_alike(xs: tuple[Type, ...]) -> None:
    """Raises ``ShapeError`` unless rank, dtype and layout agree."""
    first = xs[0]
    for x in xs:
        if x is not first and (x.rank != first.rank or x.dtype != first.dtype or x.layout != first.layout):
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
    first = xs[0]
    if xs.count(first) == len(xs):
        return first
    check_alike(xs)
    axes = [shared(column) for column in zip(*[x.axes for x in xs], strict=True)]
    return interned(tuple(axes), first.dtype, first.layout)


@primitive(torch=lambda *xs, axis: lambda *ts: torch.cat(ts, dim=axis), associative=True, concatenates=True)
def cat(*xs: Type, axis: int) -> Type:
    """Concatenation along axis 1, 2, ..., in order: sizes there are added, the others must agree."""
    first = xs[0]
    check_alike(xs)
    check_axis(first, axis)
    if xs.count(first) == len(xs):
        return first.with_axis(axis - 1, first.axes[axis - 1].size * len(xs))
    axes = [
        Axis(sum([part.size for part in column])) if index == axis else shared(column)
        for index, column in enumerate(zip(*[x.axes for x in xs], strict=True), start=1)
    ]
    return interned(tuple(axes), first.dtype, first.layout)


def _product(x: Type, y: Type) -> Type:
    require_float(x)
    check_alike((x, y))
    if x.rank < 2:
        raise ShapeError("a matrix product needs two axes or more")
    if x.axes[-1].size != y.axes[-2].size:
        size = x.axes[-1].size
        raise ShapeError("the last axis of the first, {}, is not the last but one of the second", size)
    leading = [shared(pair) for pair in zip(x.axes[:-2], y.axes[:-2], strict=True)]
    return interned((*leading, x.axes[-2], y.axes[-1]), x.dtype, x.layout)


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
