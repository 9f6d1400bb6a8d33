"""Ops: what productions mean. Declare your own with :func:`primitive` and :func:`combinator`."""

from __future__ import annotations

from einspec.ops.control import Child, Value, each, let, refuse, scan, tie
from einspec.ops.declare import Combinator, Laws, Op, Primitive, combinator, primitive
from einspec.ops.opset import collect_ops, library_ops

__all__ = [
    "Child",
    "Combinator",
    "Laws",
    "Op",
    "Primitive",
    "Value",
    "collect_ops",
    "combinator",
    "each",
    "let",
    "library_ops",
    "primitive",
    "refuse",
    "scan",
    "tie",
]


def __dir__() -> list[str]:
    return sorted(__all__)
