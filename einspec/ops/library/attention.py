"""Attention, and what tokens need around it."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.control import Misuse
from einspec.ops.declare import Primitive, primitive
from einspec.ops.library.merge import merged
from einspec.ops.library.tensor import MOST_PARTS, require_float
from einspec.types import Type, interned, parse_type

torch: Any = LazyModule("torch")
functional: Any = LazyModule("torch.nn.functional")
nn: Any = LazyModule("torch.nn")
modules: Any = LazyModule("einspec.compiler.emit.modules")


def _scores(q: Type, k: Type, v: Type, causal: bool) -> tuple[int, ...]:
    """The sizes of the scores. Raises ``ShapeError`` where there are none."""
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
    return (*q.sizes[:-1], k.sizes[-2])


def _attended(q: Type, k: Type, v: Type) -> Type:
    return interned((*merged((q, k, v), 0, -2), q.axes[-2], v.axes[-1]), q.dtype, q.layout)


def _products(q: Type, k: Type, v: Type) -> int:
    """The multiply-accumulates of the scores and of the sums."""
    return math.prod(q.sizes[:-1]) * k.sizes[-2] * (q.sizes[-1] + v.sizes[-1])


def _biased(*xs: Type, causal: bool) -> Any:
    missing = [xs[0].rank - x.rank for x in xs[3:]]

    def attended(q: Any, k: Any, v: Any, *biases: Any) -> Any:
        stretched = [b[(slice(None), *[None] * n)] if n else b for b, n in zip(biases, missing, strict=True)]
        bias = functools.reduce(operator.add, stretched)
        if causal:
            later = q.new_ones((q.shape[-2], k.shape[-2]), dtype=torch.bool).triu(1)
            bias = bias.masked_fill(later, -math.inf)
        return functional.scaled_dot_product_attention(q, k, v, bias)

    return attended


@primitive(torch=_biased, macs=lambda *xs, causal: _products(*xs[:3]))
def biased_attention(*xs: Type, causal: bool) -> Type:
    """Attention with biases, which ``attention(q, k, v, bias)`` means: what is added before the softmax, each (..., l,
    m), stretched along axes of size 1 and those in front that it lacks.
    """
    if len(xs) < 4:
        raise ShapeError("of queries, keys, values and a bias or several")
    q, k, v, *biases = xs
    scores = _scores(q, k, v, causal)
    for bias in biases:
        require_float(bias)
        own = scores[len(scores) - bias.rank :]
        if bias.rank > len(scores) or any(size not in (1, n) for size, n in zip(bias.sizes, own, strict=True)):
            raise ShapeError("a bias {} for scores ({})", bias, ", ".join(map(str, scores)))
    return _attended(q, k, v)


class AttentionOp(Primitive):
    """A primitive that is called with biases too, which another one takes."""

    def __call__(self, *values: Any, **keywords: Any) -> Any:
        """Applies the op, or the one with biases."""
        if len(values) < 4 or isinstance(values[3], bool):
            return super().__call__(*values, **keywords)
        causal = keywords.pop("causal", values[-1] if isinstance(values[-1], bool) else False)
        biases = values[:-1] if isinstance(values[-1], bool) else values
        return biased_attention(*biases, causal=causal, **keywords)

    def misfit(self, positional: int | None, keywords: Sequence[str]) -> str:
        """As of other primitives, with any number of biases."""
        return super().misfit(min(positional, 3) if positional is not None else None, keywords)


@primitive(
    kind=AttentionOp,
    torch=lambda q, k, v, causal: lambda a, b, c: functional.scaled_dot_product_attention(a, b, c, is_causal=causal),
    macs=lambda q, k, v, causal: _products(q, k, v),
    inputs=3,
)
def attention(q: Type, k: Type, v: Type, causal: bool = False) -> Type:
    """softmax(q k^T / sqrt(e)) v (Vaswani et al. 2017): (..., l, e), (..., m, e), (..., m, f) -> (..., l, f).

    ``causal`` lets a place see itself and those before it alone. What more is given after v, (..., l, m), is added
    before the softmax, as tables of relative positions are.
    """
    _scores(q, k, v, causal)
    return _attended(q, k, v)


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


class ParameterOp(Primitive):
    """A primitive that is called with sizes one by one; in graphs they are one text, a type."""

    def __call__(self, *values: Any, **keywords: Any) -> Any:
        """Applies the op to what lends its place."""
        x, *sizes = values
        layout = keywords.pop("layout", "")
        if sizes and not isinstance(sizes[0], str):
            if not all(type(size) is int for size in sizes):
                raise Misuse(f"parameter takes sizes, whole numbers, and is given {', '.join(map(repr, sizes))}")
            return super().__call__(x, str(Type(sizes, "float", layout or None)), **keywords)
        if layout:
            raise Misuse("parameter takes layout= beside sizes", "write it into the text, as in   (4, 9) sequence")
        return super().__call__(*values, **keywords)

    def misfit(self, positional: int | None, keywords: Sequence[str]) -> str:
        """As of other primitives, with any number of sizes."""
        given = min(positional, 2) if positional is not None else None
        return super().misfit(given, [name for name in keywords if name != "layout"])


_INITS = ("normal", "zeros", "ones")


@primitive(
    kind=ParameterOp,
    torch=lambda x, kind, init: modules.Table(parse_type(kind).sizes, init),
    params=lambda x, kind, init: {"weight": parse_type(kind).sizes},
    owns_parameters=True,
    same_for_all=True,
)
def parameter(x: Type, kind: str, init: str = "normal") -> Type:
    """A learned tensor, the same for all examples: ``parameter(x, 50257, 768)``, or of a type as text. x lends its
    place alone.

    ``init`` is ``normal`` for N(0, 0.02), ``zeros`` or ``ones``. What reads it twice has tied weights.
    """
    found = parse_type(kind)
    if found.dtype != "float":
        raise ShapeError("weights are floats, and {} is none", kind)
    if init not in _INITS:
        raise ShapeError("{} is no way to begin: normal, zeros or ones", init)
    return found


@primitive(
    torch=lambda x, heads, height, width: modules.RelativePositions(heads, height, width),
    params=lambda x, heads, height, width: {"weight": ((2 * height - 1) * (2 * width - 1), heads)},
    owns_parameters=True,
    same_for_all=True,
)
def relative_positions(x: Type, heads: int, height: int, width: int = 1) -> Type:
    """A learned number for each difference of two places of a grid: the bias (heads, n, n) of an attention over n =
    height width places (Liu et al. 2021). x lends its place alone.
    """
    if min(heads, height, width) < 1 or height * width > MOST_PARTS:
        raise ShapeError("{} heads on a grid of {} times {}: at most {:,} places", heads, height, width, MOST_PARTS)
    return Type((heads, height * width, height * width), "float", "tensor")


@primitive(
    torch=lambda x, height, width, window, n: modules.WindowMask(height, width, window, n),
    same_for_all=True,
)
def window_mask(x: Type, height: int, width: int, window: int, n: int) -> Type:
    """-100 where two places of a window were not neighbours before the grid was rolled by n, else 0: the bias (windows,
    1, w w, w w) of an attention in shifted windows (Liu et al. 2021). x lends its place alone.
    """
    if (
        min(window, height, width) < 1
        or height % window
        or width % window
        or not 0 <= n < window
        or window * window > MOST_PARTS
    ):
        raise ShapeError("windows of {} rolled by {} do not fill a grid of {} times {}", window, n, height, width)
    places = window * window
    return Type((height * width // places, 1, places, places), "float", "tensor")


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
