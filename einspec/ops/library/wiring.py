"""Combinators that any space can use: sequences, branches, replicas, bindings."""

from __future__ import annotations

from einspec.errors import ShapeError
from einspec.ops import control
from einspec.ops.control import each
from einspec.ops.declare import combinator
from einspec.ops.library.merge import add
from einspec.ops.library.tensor import MOST_PARTS, group


@combinator
def identity(x):
    """x: nothing at all, and no node in the graph."""
    return x


@combinator
def seq(x, first, second):
    """second(first(x))."""
    return second(first(x))


@combinator
def route(x, before, inner, after):
    """after(inner(before(x))): inner works on a rearranged x."""
    return after(inner(before(x)))


@combinator
def residual(x, body):
    """x + body(x)."""
    return add(x, body(x))


@combinator
def branch(x, split, left, right, merge):
    """Splits x in two, runs two different branches, merges them."""
    a, b = split(x)
    return merge(left(a), right(b))


@combinator
def replicate(x, split, body, merge):
    """Splits x, runs one body with weights of its own on each part, merges them."""
    return merge(*each(body, split(x)))


@combinator
def clone(x, n: int):
    """n times x, up to 4,096 times."""
    if not 1 <= n <= MOST_PARTS:
        raise ShapeError(f"{n} copies: expected 1 to {MOST_PARTS:,}")
    return (x,) * n


@combinator
def split(x, n: int, axis: int):
    """Axis 1, 2, ... in n equal parts, in order, ``group`` by torch's name: (n a, ...) -> n times (a, ...)."""
    return group(x, n, axis)


@combinator(name="let")
def let_op(x, cell, body):
    """Binds cell: every ``use`` below body calls it."""
    return control.let(cell, body)(x)


@combinator
def use(x, *, use):
    """Calls what the nearest ``let`` above has bound, with weights of its own."""
    return use(x)
