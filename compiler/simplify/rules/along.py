"""The rule of ops that act along one axis: what moves the other axes is as good after them as before.

In normal form such an op is given an axis of its own as it is, brought to its place with the others in their order, and
all else that was moved is moved after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import is_pointwise, library
from einspec.compiler.simplify.rules.rearrangements import (
    REARRANGING,
    Moves,
    coarsest,
    moved_from,
    place_of_one,
    regrouped,
    steps_of,
    with_axis,
)
from einspec.types import Type


def move_after(rewriter: Rewriter, node: Node) -> Ports | None:
    """Moves what an op does not look at after it."""
    return _moved_after(rewriter, node, region_of(rewriter, node.inputs[0]), keeps_rank=node.slot is not None)


def move_after_from_ranges(rewriter: Rewriter, node: Node) -> Ports | None:
    """The same where ranges were taken or put together since the axes were moved, and with weights at another rank."""
    assert node.op is not None
    region = region_of(rewriter, node.inputs[0], through_ranges=True)
    return _moved_after(rewriter, node, region, keeps_rank=node.op.laws.has_buffers)


def _moved_after(rewriter: Rewriter, node: Node, region: Region | None, *, keeps_rank: bool) -> Ports | None:
    assert node.op is not None
    (port,) = node.inputs
    if region is None:
        return None
    moves, kind = region.moves, region.kind
    if keeps_rank and kind.rank != node.input_types[0].rank:
        return None  # a linear layer over the pixels of an image is a convolution, and is built as one
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
class Region:
    """A port that is moved, with the ops between it and the moves, which are the same on every way."""

    moves: Moves
    kind: Type
    """The type before the moves."""
    sources: dict[Port, Port]
    """Where each port that is moved comes from."""
    nodes: tuple[tuple[int, tuple[object, ...]], ...]
    """The ops, each after what it reads, with their arguments before the moves."""

    def unmoved(self, rewriter: Rewriter, port: Port) -> Port:
        """The port without the moves: the ops between made anew before them."""
        known = dict(self.sources)
        for index, args in self.nodes:
            node = rewriter.nodes[index]
            assert node.op is not None
            inputs = tuple(known[source] for source in node.inputs)
            for output, made in enumerate(rewriter.apply(node.op, args, inputs, node.attributes)):
                known[index, output] = made
        return known[port]


RANGES = frozenset(library(name) for name in ("group", "narrow", "cat"))
MOVING = frozenset({*REARRANGING, *RANGES})


def axis_of(node: Node) -> int:
    """The axis of a split, a range or a concatenation, from 1."""
    axis: int = node.args[1] if node.op is library("group") else node.args[0]
    return axis


Form = tuple[Moves, Type]
"""How a port was moved, and its type before the moves."""


def region_of(rewriter: Rewriter, port: Port, *, through_ranges: bool = False) -> Region | None:
    """How a port was moved; None where something on the way was not, or was moved in another way."""
    maker = rewriter.maker(port)
    if maker is None or maker.op is None or not (maker.op in MOVING or maker.op.laws.pointwise):
        return None
    key = port, through_ranges
    if key not in rewriter.regions:
        rewriter.regions[key] = _region_of(rewriter, port, through_ranges)
    found: Region | None = rewriter.regions[key]
    return found


def _region_of(rewriter: Rewriter, port: Port, through_ranges: bool) -> Region | None:
    sources: dict[Port, Port] = {}
    forms: dict[Port, Form] = {}
    inner: set[int] = set()
    waiting = [port]
    while waiting:
        place = waiting.pop()
        if place in sources or place[0] in inner:
            continue
        origin = moved_from(rewriter, place)
        maker = rewriter.maker(place)
        if origin is not None:
            sources[place] = origin[1]
            forms[place] = coarsest(origin[0]), rewriter.type_of(origin[1])
        elif maker is not None and (is_pointwise(maker) or (through_ranges and maker.op in RANGES)):
            inner.add(place[0])
            waiting += maker.inputs
        else:
            return None
    if not through_ranges and len(set(forms.values())) > 1:
        return None
    nodes: list[tuple[int, tuple[object, ...]]] = []
    for index in sorted(inner):
        node = rewriter.nodes[index]
        found = form_of(node, [forms[source] for source in node.inputs])
        if found is None:
            return None
        form, args = found
        nodes.append((index, args))
        forms |= {(index, output): form for output in range(len(node.outputs))}
    return Region(*forms[port], sources, tuple(nodes))


def form_of(node: Node, inputs: Sequence[Form]) -> tuple[Form, tuple[object, ...]] | None:
    """How the outputs of a pointwise op or of ranges are moved, and its arguments before the moves."""
    assert node.op is not None
    if node.op not in RANGES:
        kinds = (inputs[0][1],) * len(inputs)
        is_alike = all(other == inputs[0] for other in inputs)
        accepts = is_alike and isinstance(node.op.accept(kinds, node.args, dict(node.attributes)), Type)
        return (inputs[0], node.args) if accepts else None
    place = axis_of(node) - 1
    found = [_with_range(*form, place, node.outputs[0].sizes[place]) for form in inputs]
    first = found[0]
    if first is None or any(other != first for other in found):
        return None
    form, axis, given_unit, made_unit = first
    if node.op is library("group"):
        return form, (node.args[0], axis)
    borders = node.args[1:]
    if any(border % made_unit for border in borders):
        return None
    return form, (axis, *(border // made_unit * given_unit for border in borders))


@lru_cache(maxsize=4_096)
def _with_range(moves: Moves, kind: Type, place: int, size: int) -> tuple[Form, int, int, int] | None:
    """The form of what has another size along an axis that comes out, where its places are together in one that goes
    in; with the number of this, from 1, and how many places of it are how many of that.
    """
    made = moves.made[place]
    if not made:
        return _with_more(moves, kind, place, size)
    before = next((axis for axis, given in enumerate(moves.given) if given[:1] == made[:1]), None)
    if before is None:
        return None
    given_unit, made_unit = (
        math.prod(moves.sizes[number] for number in side[1:]) for side in (moves.given[before], made)
    )
    if size % made_unit:
        return None
    width = size // made_unit * given_unit
    found = with_axis(moves, before, width)
    if found is None:
        return None
    return (coarsest(found), kind.with_axis(before, width)), before + 1, given_unit, made_unit


def _with_more(moves: Moves, kind: Type, place: int, size: int) -> tuple[Form, int, int, int]:
    """The same where the axis that comes out was of one place."""
    before = place_of_one(moves.given)
    unit = kind.sizes[before]
    found = regrouped(moves, before, size, place) if size > 1 else moves
    return (coarsest(found), kind.with_axis(before, size * unit)), before + 1, unit, 1


RULES = (
    Rule(
        "move after",
        "f(M(x)) = M'(f(Q(x)))",
        "f acts along one axis, which M leaves whole; Q brings it to its place; with weights, M permutes axes alone",
        lambda op: op is not None and op.laws.along is not None,
        move_after,
    ),
)

FROM_RANGES = (
    Rule(
        "move after from ranges",
        "f(cat(M(x), M(y))) = M'(f(Q(cat(x, y))))",
        "as before, and splits and concatenations are along axes that M leaves whole",
        lambda op: op is not None and op.laws.along is not None,
        move_after_from_ranges,
    ),
)
"""A rule of identity alone."""
