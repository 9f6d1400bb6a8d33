"""What rules ask about a node, and the library's ops that they write."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from einspec.compiler.graph.graph import Node, Port
from einspec.compiler.simplify.rewriting import Rewriter
from einspec.ops.declare import Primitive
from einspec.ops.opset import library_ops


def keeping(law: str, value: object = True) -> Callable[[Primitive | None], bool]:
    """Says whether an op declares a law."""
    return lambda op: op is not None and getattr(op.laws, law) == value


def called(name: str) -> Callable[[Primitive | None], bool]:
    """Says whether an op is a primitive of the library."""
    return lambda op: op is library(name)


def of(op: Primitive) -> Callable[[Primitive | None], bool]:
    """Says whether an op is a certain one."""
    return lambda other: other is op


@cache
def library(name: str) -> Primitive:
    """A primitive of the library, by its name."""
    op = library_ops()[name]
    assert isinstance(op, Primitive)
    return op


POINTWISE = tuple(op for op in library_ops().values() if isinstance(op, Primitive) and op.laws.pointwise)
"""The library's pointwise ops: none of them looks at its types, which an op of one's own may."""


def made_by(rewriter: Rewriter, port: Port, *ops: Primitive) -> Node | None:
    """The node that made a port, if it is one of some ops."""
    maker = rewriter.maker(port)
    return maker if maker is not None and maker.op in ops else None


def is_zeros(rewriter: Rewriter, port: Port) -> bool:
    """Whether a port is known to hold nothing but zeros."""
    maker = rewriter.maker(port)
    return maker is not None and maker.op is library("zeros")


def is_pointwise(node: Node) -> bool:
    """Whether a node looks at one place at a time, without weights or chance."""
    return node.op is not None and node.op.laws.pointwise and node.slot is None and not node.op.laws.random


def is_function(node: Node) -> bool:
    """Whether two runs of a node on one input agree: no weights, no state, no chance."""
    if node.body is not None:
        return all(is_function(inner) for part, _ in node.body.graphs() for inner in part.nodes if inner.body is None)
    return node.op is not None and node.slot is None and not node.op.laws.random
