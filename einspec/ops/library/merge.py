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
from einspec.ops.declare import combinator, primitive
from einspec.ops.library.tensor import check_axis, require_float
from einspec.types import Axis, Type, interned

torch: Any = LazyModule("torch")


def merged(xs: tuple[Type, ...], start: int, stop: int | None) -> tuple[Axis, ...]:
    """The axes from ``start`` to ``stop`` of inputs of one rank: each as it is where all have the same, its plain size
    where only the sizes agree.

    Raises ``ShapeError`` when sizes differ.
    """
    first = xs[0]
    sizes, axes = first.sizes[start:stop], first.axes[start:stop]
    is_same = True
    for x in xs:
        if x.sizes[start:stop] != sizes:
            raise ShapeError("sizes {} differ", _Differing(xs, start, stop))
        is_same = is_same and x.axes[start:stop] == axes
    if is_same:
        return axes
    columns = zip(*[x.axes[start:stop] for x in xs], strict=True)
    return tuple([column[0] if column.count(column[0]) == len(xs) else Axis(column[0].size) for column in columns])


class _Differing:
    """The first sizes that differ, separated by commas; found when a message is written."""

    __slots__ = ("start", "stop", "xs")

    def __init__(self, xs: tuple[Type, ...], start: int, stop: int | None):
        self.xs, self.start, self.stop = xs, start, stop

    def __format__(self, spec: str) -> str:
        columns = zip(*[x.sizes[self.start : self.stop] for x in self.xs], strict=True)
        return ", ".join(map(str, next(column for column in columns if len(set(column)) > 1)))


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
    keeps_nonnegative=True,
)
def add(*xs: Type) -> Type:
    """The sum of tensors of one shape."""
    first = xs[0]
    if xs.count(first) == len(xs):
        return first
    check_alike(xs)
    return interned(merged(xs, 0, None), first.dtype, first.layout)


@primitive(
    torch=lambda *xs, axis: lambda *ts: torch.cat(ts, dim=axis),
    associative=True,
    concatenates=True,
    keeps_nonnegative=True,
)
def cat(*xs: Type, axis: int) -> Type:
    """Concatenation along axis 1, 2, ..., in order: sizes there are added, the others must agree."""
    first = xs[0]
    check_alike(xs)
    check_axis(first, axis)
    if xs.count(first) == len(xs):
        return first.with_axis(axis - 1, first.axes[axis - 1].size * len(xs))
    before, after = merged(xs, 0, axis - 1), merged(xs, axis, None)
    return interned((*before, Axis(sum([x.sizes[axis - 1] for x in xs])), *after), first.dtype, first.layout)


def _product(x: Type, y: Type) -> Type:
    require_float(x)
    check_alike((x, y))
    if x.rank < 2:
        raise ShapeError("a matrix product needs two axes or more")
    if x.axes[-1].size != y.axes[-2].size:
        size = x.axes[-1].size
        raise ShapeError("the last axis of the first, {}, is not the last but one of the second", size)
    return interned((*merged((x, y), 0, -2), x.axes[-2], y.axes[-1]), x.dtype, x.layout)


def _product_macs(x: Type, y: Type) -> int:
    return math.prod(x.sizes) * y.axes[-1].size


@primitive(torch=lambda x, y: torch.matmul, macs=_product_macs, zero="zeros", keeps_nonnegative=True)
def dot(x: Type, y: Type) -> Type:
    """The matrix product: (..., a, b), (..., b, c) -> (..., a, c)."""
    return _product(x, y)


@primitive(
    torch=lambda x, y: lambda a, b: torch.matmul(a, b) / a.shape[-1] ** 0.5,
    macs=_product_macs,
    zero="zeros",
    keeps_nonnegative=True,
)
def scaled_dot(x: Type, y: Type) -> Type:
    """The matrix product divided by sqrt(b): (..., a, b), (..., b, c) -> (..., a, c)."""
    return _product(x, y)


@combinator(inputs=2)
def matmul(x, y):
    """The matrix product, ``dot`` by torch's name: (..., a, b), (..., b, c) -> (..., a, c)."""
    return dot(x, y)


@primitive(torch=lambda *xs, axis: lambda *ts: torch.stack(ts, dim=axis), keeps_nonnegative=True)
def stack(*xs: Type, axis: int) -> Type:
    """Tensors of one shape along a new axis 1, 2, ...: n times (a, ...) -> (n, a, ...) for axis 1."""
    first = xs[0]
    check_alike(xs)
    axes = list(merged(xs, 0, None))
    if not 1 <= axis <= first.rank + 1:
        raise ShapeError("there is no axis {}", axis)
    axes.insert(axis - 1, Axis(len(xs)))
    layout = "tensor" if len(axes) > 2 else "matrix" if first.dtype == "float" else first.layout
    return interned(tuple(axes), first.dtype, layout)
