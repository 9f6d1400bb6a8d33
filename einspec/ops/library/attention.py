"""Attention, and what tokens need around it."""

from __future__ import annotations

import math
from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import primitive
from einspec.ops.library.merge import merged
from einspec.ops.library.tensor import require_float
from einspec.types import Type, interned

functional: Any = LazyModule("torch.nn.functional")
nn: Any = LazyModule("torch.nn")
modules: Any = LazyModule("einspec.compiler.emit.modules")


@primitive(
    torch=lambda q, k, v, causal: lambda a, b, c: functional.scaled_dot_product_attention(a, b, c, is_causal=causal),
    macs=lambda q, k, v, causal: math.prod(q.sizes[:-1]) * k.sizes[-2] * (q.sizes[-1] + v.sizes[-1]),
    inputs=3,
)
def attention(q: Type, k: Type, v: Type, causal: bool = False) -> Type:
    """softmax(q k^T / sqrt(e)) v (Vaswani et al. 2017): (..., l, e), (..., m, e), (..., m, f) -> (..., l, f).

    ``causal`` lets a place see itself and those before it alone.
    """
    for x in (q, k, v):
        require_float(x)
    if q.rank < 2 or not q.rank == k.rank == v.rank:
        raise ShapeError("queries, keys and values have one rank, of two axes or more")
    if q.sizes[-1] != k.sizes[-1]:
        raise ShapeError("queries of {} numbers and keys of {}", q.sizes[-1], k.sizes[-1])
    if k.sizes[-2] != v.sizes[-2]:
        raise ShapeError("{} keys and {} values", k.sizes[-2], v.sizes[-2])
    if causal and q.sizes[-2] != k.sizes[-2]:
        raise ShapeError("causal attention has a key for each query, not {} and {}", q.sizes[-2], k.sizes[-2])
    return interned((*merged((q, k, v), 0, -2), q.axes[-2], v.axes[-1]), q.dtype, q.layout)


@primitive(
    torch=lambda x, vocabulary, width: nn.Embedding(vocabulary, width),
    params=lambda x, vocabulary, width: {"weight": (vocabulary, width)},
    owns_parameters=True,
)
def embedding(x: Type, vocabulary: int, width: int) -> Type:
    """A learned row for each token: (l) of whole numbers -> (l, width)."""
    _check_tokens(x)
    return _rows(x, vocabulary, width)


def _check_tokens(x: Type) -> None:
    if x.dtype != "int" or x.rank != 1:
        raise ShapeError("tokens are one axis of whole numbers, as in 77 int")


def _rows(x: Type, vocabulary: int, width: int) -> Type:
    if vocabulary < 1:
        raise ShapeError("a vocabulary of {}", vocabulary)
    return Type((x.axes[0], width))


@primitive(
    torch=lambda x, rows, columns: modules.Table(rows, columns),
    params=lambda x, rows, columns: {"weight": (rows, columns)},
    owns_parameters=True,
    same_for_all=True,
)
def parameter(x: Type, rows: int, columns: int) -> Type:
    """A learned matrix, drawn from N(0, 0.02); x lends its place alone. What reads it twice has tied weights.

    It is the same for all examples, so that its batch axis is 1.
    """
    return Type((rows, columns))


@primitive(torch=lambda table, x: lambda weights, tokens: functional.embedding(tokens, weights[0]), inputs=2)
def take(table: Type, x: Type) -> Type:
    """The rows of a table that tokens name: (rows, width) and (l) of whole numbers -> (l, width)."""
    _check_tokens(x)
    if table.rank != 2 or table.dtype != "float":
        raise ShapeError("a table is a matrix, as parameter makes it")
    return Type((x.axes[0], table.axes[1]))


@primitive(
    torch=lambda x, table: lambda rows, weights: functional.linear(rows, weights[0]),
    macs=lambda x, table: x.elements * table.sizes[0],
    inputs=2,
)
def unembed(x: Type, table: Type) -> Type:
    """The product with each row of a table: (l, width) and (rows, width) -> (l, rows)."""
    require_float(x)
    if table.rank != 2 or table.dtype != "float" or x.sizes[-1] != table.sizes[1]:
        raise ShapeError("rows of {} numbers and a table of {}", x.sizes[-1], table)
    return x.with_axis(-1, table.axes[0])


@primitive(
    torch=lambda x, length: modules.LearnedPositions(length or x.sizes[0], x.sizes[1]),
    params=lambda x, length: {"weight": (length or x.sizes[0], x.sizes[1])},
    owns_parameters=True,
)
def learned_positions(x: Type, length: int = 0) -> Type:
    """Adds a learned row to each row, drawn from N(0, 0.02): (l, d) -> (l, d). There are ``length`` rows, 0 for l."""
    require_float(x)
    if x.layout != "matrix":
        raise ShapeError("positions are of the rows of a matrix (s, d)")
    if length and length < x.sizes[0]:
        raise ShapeError("{} positions are fewer than {} rows", length, x.sizes[0])
    return x


@primitive(
    torch=lambda x: modules.ClassToken(x.sizes[1]),
    params=lambda x: {"token": (x.sizes[1],)},
    owns_parameters=True,
)
def class_token(x: Type) -> Type:
    """A learned row before all others, 0 at first: (l, d) -> (l + 1, d) (Dosovitskiy et al. 2021)."""
    require_float(x)
    if x.layout != "matrix":
        raise ShapeError("a token is a row of a matrix (s, d)")
    return x.with_axis(0, x.sizes[0] + 1)


def _rows_of(x: Type) -> None:
    require_float(x)
    if x.rank < 2 or x.layout not in ("matrix", "tensor"):
        raise ShapeError("its last axes are rows and what is in them: (..., l, d)")


@primitive(torch=lambda x: modules.SinusoidalPositions())
def sinusoidal_positions(x: Type) -> Type:
    """Adds sines and cosines of each row's place: (..., l, d) -> (..., l, d) (Vaswani et al. 2017)."""
    _rows_of(x)
    if x.sizes[-1] % 2:
        raise ShapeError("rows of {} numbers: expected an even number, a sine and a cosine each", x.sizes[-1])
    return x


@primitive(torch=lambda x: modules.RotaryPositions(), zero="zeros")
def rotary(x: Type) -> Type:
    """Turns pairs of numbers by an angle of their row's place: (..., l, e) -> (..., l, e) (Su et al. 2021)."""
    _rows_of(x)
    if x.sizes[-1] % 2:
        raise ShapeError("rows of {} numbers: expected an even number, of pairs", x.sizes[-1])
    return x
