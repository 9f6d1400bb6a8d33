"""Rules of permutations of axes: adjacent ones compose, and they pass through what looks at one place at a time."""

from __future__ import annotations

from einspec.compiler.graph.graph import Node, Port, Ports, fits
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import is_pointwise, keeping
from einspec.types import Type


def compose_permutations(rewriter: Rewriter, node: Node) -> Ports | None:
    assert node.op is not None
    order: str = node.args[0]
    if list(order) == sorted(order):
        return node.inputs
    maker = rewriter.maker(node.inputs[0])
    if maker is None or maker.op is not node.op or maker.attributes != node.attributes:
        return None
    inner: str = maker.args[0]
    composed = "".join(inner[int(digit) - 1] for digit in order)
    return rewriter.apply(node.op, (composed,), maker.inputs, node.attributes)


def lift_permutation(rewriter: Rewriter, node: Node) -> Ports | None:
    """Through a whole chain of pointwise ops at once, and each op of it once: chains may be long."""
    if not _lets_pass(rewriter, node, node.inputs[0]):
        return None
    assert node.op is not None
    lifted = rewriter.lifted
    stack = [node.inputs[0]]
    while stack:
        port = stack[-1]
        key = (node.op.name, node.args, port)
        maker = rewriter.maker(port)
        if key in lifted:
            stack.pop()
        elif maker is None or maker.op is None or not _lets_pass(rewriter, node, port):
            (lifted[key],) = rewriter.apply(node.op, node.args, (port,), node.attributes)
        else:
            below = [(node.op.name, node.args, source) for source in maker.inputs]
            waiting = [source for source, name in zip(maker.inputs, below, strict=True) if name not in lifted]
            if waiting:
                stack += reversed(waiting)
            else:
                inputs = tuple(lifted[name] for name in below)
                (lifted[key],) = rewriter.apply(maker.op, maker.args, inputs, maker.attributes)
    return (lifted[(node.op.name, node.args, node.inputs[0])],)


def _lets_pass(rewriter: Rewriter, permutation: Node, port: Port) -> bool:
    """Whether what makes a port looks at one place at a time, at the permuted types too."""
    maker = rewriter.maker(port)
    if maker is None or maker.op is None or not is_pointwise(maker):
        return False
    kinds = tuple(_permuted(permutation, rewriter.type_of(source)) for source in maker.inputs)
    found = maker.op.accept(kinds, maker.args, dict(maker.attributes))
    return isinstance(found, Type) and fits(found, _permuted(permutation, maker.outputs[port[1]]))


def _permuted(permutation: Node, kind: Type) -> Type:
    assert permutation.op is not None
    found = permutation.op.infer((kind,), permutation.args, dict(permutation.attributes))
    assert isinstance(found, Type), "a permutation has one output"
    return found


RULES = (
    Rule(
        "compose permutations",
        "P(Q(x)) = (P Q)(x),  1(x) = x",
        "P and Q permute axes",
        keeping("permutes"),
        compose_permutations,
    ),
    Rule(
        "lift permutation",
        "P(f(x, y)) = f(P(x), P(y))",
        "f is pointwise, has no weights, and accepts the permuted types",
        keeping("permutes"),
        lift_permutation,
    ),
)
