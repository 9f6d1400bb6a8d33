"""Ops of the tests' own, and a small space to write architectures of them by hand."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn

import einspec
from einspec import Type
from einspec.errors import ShapeError
from einspec.ops import combinator, each, let, primitive, tie
from einspec.ops.library.merge import add, cat
from einspec.ops.library.regularisers import dropout as dropout
from einspec.ops.library.tensor import flatten, group, permute


@primitive(torch=lambda x, n, axis: lambda t: t.chunk(n, dim=axis), splits=True)
def halves(x: Type, n: int, axis: int) -> tuple[Type, ...]:
    """The library's group under another name."""
    return group(x, n, axis)


@primitive(torch=lambda x, n, axis: lambda t: t.chunk(n, dim=axis), splits=True)
def thirds(x: Type, n: int, axis: int) -> tuple[Type, ...]:
    """A split whose parts are tensors without a layout: the library's have the layout of the whole."""
    return tuple(Type(kind.axes, kind.dtype, "tensor") for kind in group(x, n, axis))


@primitive(torch=lambda *xs, axis: lambda *ts: torch.cat(ts, dim=axis), associative=True, concatenates=True)
def beside(*xs: Type, axis: int) -> Type:
    """The library's cat under another name."""
    return cat(*xs, axis=axis)


@primitive(torch=lambda x, order: lambda t: t.permute(0, *map(int, order)), permutes=True)
def turn(x: Type, order: str) -> Type:
    """The library's permute, for matrices alone."""
    if x.rank != 2:
        raise ShapeError("only a matrix turns")
    return permute(x, order)


@primitive(torch=lambda x: torch.sin, pointwise=True)
def two_by_eight(x: Type) -> Type:
    """Pointwise, and accepts no other shape."""
    if x.sizes != (2, 8):
        raise ShapeError("only (2, 8)")
    return x


@combinator
def twice(x, body):
    return body(body(x))


@combinator
def tied_twice(x, body):
    body = tie(body)
    return body(body(x))


@combinator
def tied_apart(x, body):
    """Tied through two handles: still one set of weights."""
    return tie(body)(tie(body)(x))


@combinator
def copies(x, body):
    return add(*each(body, (x, x, x)))


@combinator
def tied_copies(x, body):
    return add(*each(tie(body), (x, x, x)))


@combinator
def tied_copies_twice(x, body):
    """Two and three copies of one tied child: five calls, one set of weights."""
    body = tie(body)
    return add(*each(body, (x, x)), *each(body, (x, x, x)))


@combinator
def tied_at_two_sizes(x, body):
    """One set of weights over all rows and over the first half of them."""
    body = tie(body)
    half, _ = group(x, 2, 1)
    return cat(body(x), body(half), axis=1)


@combinator
def copies_at_two_sizes(x, body):
    """``each`` over values of different types is written out."""
    half, _ = group(x, 2, 1)
    return cat(*each(body, (x, half)), axis=1)


@combinator
def bind(x, cell, body):
    """Binds cell with weights of its own at each use."""
    return let(cell, body)(x)


@combinator
def bind_tied(x, cell, body):
    """Binds cell with one set of weights for all uses."""
    return let(tie(cell), body)(x)


@combinator
def tie_and_not(x, body):
    """Two tied calls and one that is not."""
    tied = tie(body)
    return add(tied(x), body(x), tied(x))


class Scale(nn.Module):
    """Multiplies by a learnable number per channel, and by one for all."""

    def __init__(self, channels: int):
        super().__init__()
        self.each = nn.Parameter(torch.rand(channels))
        self.all = nn.Parameter(torch.rand(()))

    def forward(self, x):
        return x * self.each * self.all


@primitive(torch=lambda x: Scale(x.sizes[-1]), params=lambda x: x.sizes[-1] + 1, owns_parameters=True)
def scale(x: Type) -> Type:
    """Declares the number of its parameters only."""
    return x


@primitive(
    torch=lambda x: Scale(x.sizes[-1]), params=lambda x: {"each": (x.sizes[-1],), "all": ()}, owns_parameters=True
)
def shaped_scale(x: Type) -> Type:
    """Declares the shapes of its parameters."""
    return x


@primitive(torch=lambda x: lambda t: (t.amin(-1), t.amax(-1)))
def extremes(x: Type) -> tuple[Type, Type]:
    """Two outputs: the least and the largest of the last axis."""
    if x.rank < 2:
        raise ShapeError("there must be an axis left")
    kind = Type(x.axes[:-1], x.dtype)
    return kind, kind


@combinator
def mean_extremes(x, body):
    low, high = extremes(x)
    return add(body(low), body(high))


@combinator(inputs=2)
def two_towers(image, vector, left, right):
    return cat(flatten(left(image)), right(vector), axis=1)


@combinator(inputs=2)
def two_outputs(image, vector, left, right):
    return left(image), right(vector)


@primitive
def unrealised(x: Type) -> Type:
    return x


@primitive(torch=lambda x: None)
def realised_as_nothing(x: Type) -> Type:
    return x


@primitive(torch=lambda x: lambda t: t if t.sum() > 0 else -t)
def untraceable(x: Type) -> Type:
    return x


@primitive(torch=lambda x: nn.Linear(10**9, 10**9), params=lambda x: 10**18 + 10**9, owns_parameters=True)
def enormous(x: Type) -> Type:
    return x


OWN = [
    twice, tied_twice, tied_apart, copies, tied_copies, tied_copies_twice, tied_at_two_sizes, copies_at_two_sizes,
    bind, bind_tied, tie_and_not, dropout, scale, shaped_scale, extremes, mean_extremes, two_towers, two_outputs,
    unrealised, realised_as_nothing, untraceable, enormous,
]  # fmt: skip

GRAMMAR = r"""
//% @override
//% def relu(x): return leaky_relu(x, 0.01)
start: m

m: "seq" "(" m "," m ")"                  -> seq
 | "branch" "(" s "," m "," m "," j ")"   -> branch
 | "replicate" "(" s "," m "," j ")"      -> replicate
 | "twice" "(" m ")"                      -> twice
 | "tied_twice" "(" m ")"                 -> tied_twice
 | "tied_apart" "(" m ")"                 -> tied_apart
 | "copies" "(" m ")"                     -> copies
 | "tied_copies" "(" m ")"                -> tied_copies
 | "tied_copies_twice" "(" m ")"          -> tied_copies_twice
 | "tied_at_two_sizes" "(" m ")"          -> tied_at_two_sizes
 | "copies_at_two_sizes" "(" m ")"        -> copies_at_two_sizes
 | "bind" "(" m "," m ")"                 -> bind
 | "bind_tied" "(" m "," m ")"            -> bind_tied
 | "tie_and_not" "(" m ")"                -> tie_and_not
 | "mean_extremes" "(" m ")"              -> mean_extremes
 | "two_towers" "(" m "," m ")"           -> two_towers
 | "two_outputs" "(" m "," m ")"          -> two_outputs
 | "use"                                  -> use
 | "identity"                             -> identity
 | "linear" "(" N ")"                     -> linear
 | "conv" "(" CONV ")"                    -> conv2d
 | "norm"                                 -> norm
 | "relu"                                 -> relu
 | "softmax"                              -> softmax
 | "pos"                                  -> pos
 | "permute" "(" O ")"                    -> permute
 | "flatten"                              -> flatten
 | "dropout" "(" R ")"                    -> dropout
 | "scale"                                -> scale
 | "shaped_scale"                         -> shaped_scale
 | "extremes"                             -> extremes
 | "unrealised"                           -> unrealised
 | "realised_as_nothing"                  -> realised_as_nothing
 | "untraceable"                          -> untraceable
 | "enormous"                             -> enormous

s: "clone" "(" N ")" -> clone | "group" "(" N "," N ")" -> group
j: "add" -> add | "cat" "(" N ")" -> cat | "dot" -> dot
N: "0" | "1" | "2" | "3" | "4" | "8" | "16" | "32"
O: "21" | "213"
CONV: "4,3,1,1,1,1" | "4,1,2,0,1,4"
R: "0.5"

%ignore /\s+/
"""


def parse(text: str, input=(4, 16)) -> einspec.Architecture:
    """An architecture of the tests' space."""
    return own_space(tuple(input.items()) if isinstance(input, dict) else input).parse(text)


@cache
def own_space(input: tuple) -> einspec.Space:
    named = isinstance(input[0], tuple) and isinstance(input[0][0], str)  # the items of a dict
    return einspec.loads(GRAMMAR, input=dict(input) if named else input, ops=OWN, name="own")
