"""Rules of zeros: what they make zero, and where they change nothing."""

from __future__ import annotations

from einspec.compiler.graph.graph import Node, Port, Ports, is_blind
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import called, is_zeros, keeping, library
from einspec.types import Type


def zeros(rewriter: Rewriter, kind: Type) -> Port:
    """Zeros of a type, hanging on an input of the graph, which only lends its batch and the precision of its numbers.

    How their axes are composed does not matter to a tensor, and rewriting may change it: the sizes are written plainly.
    """
    return rewriter.apply(library("zeros"), (_plain(kind),), (_hook(rewriter, kind),))[0]


def _hook(rewriter: Rewriter, kind: Type) -> Port:
    """The first input of the dtype, else the first."""
    inputs = rewriter.graph.inputs
    return -1, next((place for place, given in enumerate(inputs) if given.dtype == kind.dtype), 0)


def _plain(kind: Type) -> str:
    return str(Type(kind.sizes, kind.dtype, kind.layout))


def rehang_zeros(rewriter: Rewriter, node: Node) -> Ports | None:
    kind = node.outputs[0]
    if node.inputs == (_hook(rewriter, kind),) and node.args[0] == _plain(kind):
        return None
    return (zeros(rewriter, kind),)


def absorb_zeros(rewriter: Rewriter, node: Node) -> Ports | None:
    if not any(is_zeros(rewriter, port) for port in node.inputs):
        return None
    assert node.op is not None
    unless = node.op.laws.zero_unless
    if unless is not None and node.op.argument(unless, node.args):
        return None
    return tuple(zeros(rewriter, kind) for kind in node.outputs)


def drop_zeros(rewriter: Rewriter, node: Node) -> Ports | None:
    if len(node.inputs) < 2:
        return None
    assert node.op is not None
    kept = tuple(port for port in node.inputs if not is_zeros(rewriter, port))
    if len(kept) == len(node.inputs):
        return None
    return rewriter.apply(node.op, node.args, kept or node.inputs[:1], node.attributes)


def forget(rewriter: Rewriter, node: Node) -> Ports | None:
    """The op is done to zeros: what made its input is not needed for it."""
    assert node.op is not None
    (kind,) = node.input_types
    if not is_blind(node) or is_zeros(rewriter, node.inputs[0]):
        return None
    if node.slot is not None or node.op.laws.random:
        return None
    return rewriter.apply(node.op, node.args, (zeros(rewriter, kind),), node.attributes)


RULES = (
    Rule("rehang zeros", "zeros(x) = zeros(in)", "only the batch of x is read", called("zeros"), rehang_zeros),
    Rule("absorb zeros", "f(.., 0, ..) = 0", "0 is the zero of f so called", keeping("zero", "zeros"), absorb_zeros),
    Rule("drop zeros", "f(.., 0, ..) = f(.., ..)", "0 is the identity of f", keeping("identity", "zeros"), drop_zeros),
    Rule(
        "forget",
        "f(x) = f(0)",
        "f has no weights, and makes the same of all numbers along an axis of one place, as the axis is",
        keeping("blind_on_one"),
        forget,
    ),
)
