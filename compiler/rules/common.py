"""What rules ask about a node, and the library's ops that they write."""

from __future__ import annotations

from functools import cache

from einspec.compiler.graph import Node, Port
from einspec.compiler.rewriting import Rewriter
from einspec.ops.declare import Laws, Primitive
from einspec.ops.opset import library_ops


def laws_of(node: Node | None) -> Laws | None:
    """The laws of a node's op; None for copies, and for the graph's inputs."""
    return node.op.laws if node is not None and node.op is not None else None


@cache
def library(name: str) -> Primitive:
    """A primitive of the library, by its name."""
    op = library_ops()[name]
    assert isinstance(op, Primitive)
    return op


def is_zeros(rewriter: Rewriter, port: Port) -> bool:
    """Whether a port is known to hold nothing but zeros."""
    maker = rewriter.maker(port)
    return maker is not None and maker.op is library("zeros")


def is_function(node: Node) -> bool:
    """Whether two runs of a node on one input agree: no weights, no state, no chance."""
    if node.body is not None:
        return all(is_function(inner) for part, _ in node.body.graphs() for inner in part.nodes if inner.body is None)
    return node.op is not None and node.slot is None and not node.op.laws.random
