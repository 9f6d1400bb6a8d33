"""The rule of ops that act along one axis: what moves the other axes is as good after them as before.

In normal form such an op is given an axis of its own as it is, brought to its place with the others in their order, and
all else that was moved is moved after it.
"""

from __future__ import annotations

from dataclasses import replace

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import library
from einspec.compiler.simplify.rules.rearrangements import Moves, moved_from, steps_of
from einspec.types import Type


def move_after(rewriter: Rewriter, node: Node) -> Ports | None:
    """Moves what an op does not look at after it."""
    assert node.op is not None
    (port,) = node.inputs
    moved = _moved(rewriter, port, {})
    if moved is None:
        return None
    moves, kind = moved
    if node.slot is not None and kind.rank != node.input_types[0].rank:
        return None  # a linear layer over the pixels of an image is a convolution
    at = -1 if node.op.laws.along == "last" else 0
    axis = moves.made[at]
    if len(axis) == 0 or axis not in moves.given or len([size for size in kind.sizes if size > 1]) < 2:
        return None
    place = moves.given.index(axis)
    rest = [other for other in range(kind.rank) if other != place]
    order = [*rest, place] if at else [place, *rest]
    if kind.rank > 9 or not isinstance(node.outputs[0], Type):
        return None
    digits = "".join(str(other + 1) for other in order)
    turned = library("permute").infer((kind,), (digits,), {})
    assert isinstance(turned, Type)
    made = node.op.accept((turned,), node.args, dict(node.attributes))
    if not isinstance(made, Type) or made.rank != kind.rank:
        return None
    after = _with_axis(moves, order, at, made.sizes[at])
    steps = steps_of(after, made, node.outputs[0].layout)
    if not steps:
        return None
    base = _unmoved(rewriter, port, {})
    if order != sorted(order):
        (base,) = rewriter.apply(library("permute"), (digits,), (base,))
    found = rewriter.make(replace(node, inputs=(base,), input_types=(turned,), outputs=(made,)))
    for op, args in steps:
        found = rewriter.apply(op, args, found)
    return found


def _with_axis(moves: Moves, order: list[int], at: int, size: int) -> Moves:
    """The moves that are left when the axes come in an order, the one that was acted along with another size."""
    given = [moves.given[place] for place in order]
    made = list(moves.made)
    number = len(moves.sizes)
    given[at] = made[at] = (number,) if size > 1 else ()
    used = {factor for axis in given for factor in axis}
    names = {factor: index for index, factor in enumerate(sorted(used))}
    sizes = (*moves.sizes, size)
    return Moves(
        tuple(sizes[factor] for factor in sorted(used)),
        tuple(tuple(names[factor] for factor in axis) for axis in given),
        tuple(tuple(names[factor] for factor in axis) for axis in made),
    )


Known = dict[Port, tuple[Moves, Type] | None]


def _moved(rewriter: Rewriter, port: Port, known: Known) -> tuple[Moves, Type] | None:
    """How a port was moved, and the type before: by the ops that make it, or in the same way by all that pointwise ops
    read.
    """
    if port not in known:
        known[port] = None
        maker = rewriter.maker(port)
        source = moved_from(rewriter, port)
        if source is not None:
            known[port] = source[0], rewriter.type_of(source[1])
        elif maker is not None and _passes(maker):
            assert maker.op is not None
            found = [_moved(rewriter, source, known) for source in maker.inputs]
            if found[0] is not None and all(other == found[0] for other in found):
                kinds = (found[0][1],) * len(maker.inputs)
                if isinstance(maker.op.accept(kinds, maker.args, dict(maker.attributes)), Type):
                    known[port] = found[0]
    return known[port]


def _passes(node: Node) -> bool:
    return node.op is not None and node.op.laws.pointwise and node.slot is None and not node.op.laws.random


def _unmoved(rewriter: Rewriter, port: Port, known: dict[Port, Port]) -> Port:
    """The port without the moves: pointwise ops made anew before them."""
    if port not in known:
        source = moved_from(rewriter, port)
        if source is not None:
            known[port] = source[1]
        else:
            maker = rewriter.maker(port)
            assert maker is not None
            assert maker.op is not None
            inputs = tuple(_unmoved(rewriter, source, known) for source in maker.inputs)
            (known[port],) = rewriter.apply(maker.op, maker.args, inputs, maker.attributes)
    return known[port]


RULES = (
    Rule(
        "move after",
        "f(M(x)) = M'(f(Q(x)))",
        "f acts along one axis, which M leaves whole; Q brings it to its place; with weights, M permutes axes alone",
        lambda op: op is not None and op.laws.along is not None,
        move_after,
    ),
)
