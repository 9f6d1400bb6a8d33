"""The rule of ops that act along one axis: what moves the other axes is as good after them as before.

In normal form such an op is given an axis of its own as it is, brought to its place with the others in their order, and
all else that was moved is moved after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import is_pointwise, library
from einspec.compiler.simplify.rules.rearrangements import Moves, moved_from, steps_of
from einspec.types import Type


def move_after(rewriter: Rewriter, node: Node) -> Ports | None:
    """Moves what an op does not look at after it."""
    assert node.op is not None
    (port,) = node.inputs
    region = _region(rewriter, port)
    if region is None:
        return None
    moves, kind = region.moves, region.kind
    if node.slot is not None and kind.rank != node.input_types[0].rank:
        return None  # a linear layer over the pixels of an image is a convolution
    at = -1 if node.op.laws.along == "last" else 0
    axis = moves.made[at]
    if kind.rank > 9 or not axis or axis not in moves.given or len([size for size in kind.sizes if size > 1]) < 2:
        return None
    place = moves.given.index(axis)
    rest = [other for other in range(kind.rank) if other != place]
    order = [*rest, place] if at else [place, *rest]
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
    base = region.unmoved(rewriter, port)
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


@dataclass(frozen=True, slots=True)
class _Region:
    """A port that is moved, with the pointwise ops between it and the moves, which are the same on every way."""

    moves: Moves
    kind: Type
    """The type before the moves."""
    sources: dict[Port, Port]
    """Where each port that is moved comes from."""
    nodes: tuple[int, ...]
    """The pointwise ops, each after what it reads."""

    def unmoved(self, rewriter: Rewriter, port: Port) -> Port:
        """The port without the moves: the pointwise ops made anew before them."""
        known = dict(self.sources)
        for index in self.nodes:
            node = rewriter.nodes[index]
            assert node.op is not None
            inputs = tuple(known[source] for source in node.inputs)
            (known[index, 0],) = rewriter.apply(node.op, node.args, inputs, node.attributes)
        return known[port]


def _region(rewriter: Rewriter, port: Port) -> _Region | None:
    """How a port was moved; None where something on the way was not, or was moved in another way."""
    found: tuple[Moves, Type] | None = None
    sources: dict[Port, Port] = {}
    inner: set[int] = set()
    waiting = [port]
    while waiting:
        place = waiting.pop()
        if place in sources or place[0] in inner:
            continue
        origin = moved_from(rewriter, place)
        maker = rewriter.maker(place)
        if origin is not None:
            moved = origin[0], rewriter.type_of(origin[1])
            if found not in (None, moved):
                return None
            found, sources[place] = moved, origin[1]
        elif maker is not None and is_pointwise(maker):
            inner.add(place[0])
            waiting += maker.inputs
        else:
            return None
    if found is None:
        return None
    for node in (rewriter.nodes[index] for index in inner):
        kinds = (found[1],) * len(node.inputs)
        if node.op is None or not isinstance(node.op.accept(kinds, node.args, dict(node.attributes)), Type):
            return None
    return _Region(*found, sources, tuple(sorted(inner)))


RULES = (
    Rule(
        "move after",
        "f(M(x)) = M'(f(Q(x)))",
        "f acts along one axis, which M leaves whole; Q brings it to its place; with weights, M permutes axes alone",
        lambda op: op is not None and op.laws.along is not None,
        move_after,
    ),
)
