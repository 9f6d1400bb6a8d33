"""Regularisers: chance in training, nothing in evaluation."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import primitive
from einspec.ops.library.tensor import require_float
from einspec.types import Type

nn: Any = LazyModule("torch.nn")
modules: Any = LazyModule("einspec.compiler.emit.modules")


def _check(x: Type, p: float) -> None:
    require_float(x)
    if not 0.0 <= p < 1.0:
        raise ShapeError("{} is no probability below 1", p)


@primitive(torch=lambda x, p: nn.Dropout(p), random=True, zero="zeros", keeps_nonnegative=True)
def dropout(x: Type, p: float = 0.5) -> Type:
    """Numbers are zero with probability p, the others are scaled up (Srivastava et al. 2014)."""
    _check(x, p)
    return x


@primitive(torch=lambda x, p: modules.DropPath(p), random=True, zero="zeros", keeps_nonnegative=True)
def drop_path(x: Type, p: float = 0.1) -> Type:
    """All of an example is zero with probability p, the others are scaled up (stochastic depth, Huang et al. 2016)."""
    _check(x, p)
    return x
