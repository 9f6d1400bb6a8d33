"""The ops of the tutorial's first space: one width and one block for all layers."""

from __future__ import annotations

from einspec.ops.control import let
from einspec.ops.declare import combinator
from einspec.ops.library.merge import add
from einspec.ops.library.tensor import flatten, linear


@combinator
def mlp(x, width: int, block, layers):
    """Runs the layers on x as a vector; each ``layer`` among them is the block, every ``dense`` has the width."""
    return let(block, layers)(x if x.layout == "vector" else flatten(x), width=width)


@combinator
def dense(x, *, width):
    """A linear layer of the width that is set above."""
    return linear(x, width)


@combinator
def residual(x, body):
    """x + body(x)."""
    return add(x, body(x))
