"""Rules of moves and ranges: axes are moved of the whole, before a split, and of each piece, before a concatenation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.along import RANGES, axis_of, form_of, region_of
from einspec.compiler.simplify.rules.common import library
from einspec.compiler.simplify.rules.permutations import lift_permutation
from einspec.compiler.simplify.rules.ranges import Range, written
from einspec.compiler.simplify.rules.rearrangements import (
    REARRANGING,
    Moves,
    composed,
    moves_of,
    place_of_one,
    resized,
    steps_of,
)
from einspec.compiler.simplify.rules.wholes.common import (
    apply_moves,
    borders,
    part_of,
)
from einspec.ops.declare import Primitive


def move_before_split(rewriter: Rewriter, node: Node) -> Ports | None:
    part = part_of(rewriter, node.inputs[0])
    if part is None:
        return None
    found, axis = part
    kind = rewriter.type_of(found.port)
    moves = moves_of(node)
    passed = resized(moves, axis - 1, kind.sizes[axis - 1]) if moves is not None and not moves.reduction else None
    if passed is None or found.start % passed.given_unit or found.stop % passed.given_unit:
        return None
    whole = apply_moves(rewriter, passed.moves, found.port, node.outputs[0].layout)
    start, stop = (place // passed.given_unit * passed.made_unit for place in (found.start, found.stop))
    return (written(rewriter, [Range(whole, start, stop, is_zeros=False)], passed.axis + 1),)


def move_before_cat(rewriter: Rewriter, node: Node) -> Ports | None:
    maker = rewriter.maker(node.inputs[0])
    if maker is None or maker.op is not library("cat"):
        return None
    axis, moves = maker.args[0] - 1, moves_of(node)
    if moves is None or moves.reduction:
        return None
    found = [resized(moves, axis, kind.sizes[axis]) for kind in maker.input_types]
    first = found[0]
    if first is None:
        return None
    ports = [
        apply_moves(rewriter, passed.moves, port, node.outputs[0].layout)
        for passed, port in zip(found, maker.inputs, strict=True)
        if passed is not None
    ]
    if len(ports) < len(found):
        return None
    return rewriter.apply(library("cat"), (first.axis + 1,), tuple(ports))


def move_as_one(rewriter: Rewriter, node: Node) -> Ports | None:
    """Moves of ranges of what was moved are moves of ranges: else it mattered which of the moves pass the ranges."""
    moves = moves_of(node)
    maker = rewriter.maker(node.inputs[0])
    if moves is None or moves.reduction or maker is None or maker.op not in RANGES:
        return None
    region = region_of(rewriter, node.inputs[0], through_ranges=True)
    whole = composed(region.moves, moves) if region is not None else None
    if region is None or whole is None:
        return None
    port = region.unmoved(rewriter, node.inputs[0])
    for op, args in steps_of(whole, rewriter.type_of(port), node.outputs[0].layout):
        if (port, op, args) == (node.inputs[0], node.op, node.args):
            return None  # ranges of one place stand where the moves of one say, whatever they were taken of
        (port,) = rewriter.apply(op, args, (port,))
    return (port,)


def lift_pixels(rewriter: Rewriter, node: Node) -> Ports | None:
    return lift_permutation(rewriter, node) if moves_of(node) is not None else None


def split_of_moves(rewriter: Rewriter, node: Node) -> Ports | None:
    """Parts of what was moved are parts of what it was before, where each is left as it was."""
    (port,) = node.inputs
    region = region_of(rewriter, port, through_ranges=True)
    found = form_of(node, [(region.moves, region.kind)]) if region is not None else None
    if region is None or found is None or node.op is None or steps_of(*found[0], node.outputs[0].layout):
        return None
    return rewriter.apply(node.op, found[1], (region.unmoved(rewriter, port),))


def split_of_one(rewriter: Rewriter, node: Node) -> Ports | None:
    """Where each part holds one place of what was moved, that may have been moved to any axis: in normal form to where
    the moves of one part say.
    """
    (port,) = node.inputs
    region = region_of(rewriter, port)
    if region is None or node.op is None:
        return None
    moves, axis = region.moves, axis_of(node) - 1
    factors = moves.made[axis]
    width = node.outputs[0].sizes[axis]
    if not factors or width != math.prod(moves.sizes[number] for number in factors[1:]):
        return None
    one = factors[0]
    rest = (*moves.made[:axis], factors[1:], *moves.made[axis + 1 :])
    after = next((given[1] for given in moves.given if len(given) > 1 and given[0] == one), None)
    places = [place for place, made in enumerate(rest) if after is not None and made[:1] == (after,)]
    place = places[0] if places else place_of_one(rest)
    if place == axis:
        return None
    made = (*rest[:place], (one, *rest[place]), *rest[place + 1 :])
    whole = apply_moves(
        rewriter, Moves(moves.sizes, moves.given, made), region.unmoved(rewriter, port), rewriter.type_of(port).layout
    )
    unit = math.prod(moves.sizes[number] for number in rest[place])
    size = node.input_types[0].sizes[axis]
    ranges = [borders(node.op, node.args, size, output) for output in range(len(node.outputs))]
    return tuple(
        written(rewriter, [Range(whole, start // width * unit, stop // width * unit, is_zeros=False)], place + 1)
        for start, stop in ranges
    )


def order_places(rewriter: Rewriter, node: Node) -> Ports | None:
    """Where each part holds one place of several factors, these stand in the order in which they go in."""
    (port,) = node.inputs
    region = region_of(rewriter, port)
    if region is None or node.op is None:
        return None
    moves, axis = region.moves, axis_of(node) - 1
    factors, width = moves.made[axis], node.outputs[0].sizes[axis]
    count = next((n for n in range(2, len(factors) + 1) if math.prod(moves.sizes[f] for f in factors[n:]) == width), 0)
    first = factors[:count]
    if list(first) == sorted(first):
        return None
    made = (*moves.made[:axis], (*sorted(first), *factors[count:]), *moves.made[axis + 1 :])
    layout = rewriter.type_of(port).layout
    whole = apply_moves(rewriter, Moves(moves.sizes, moves.given, made), region.unmoved(rewriter, port), layout)
    found: list[Port] = []
    for output in range(len(node.outputs)):
        start, _ = borders(node.op, node.args, node.input_types[0].sizes[axis], output)
        place = _place_in_order(start // width, first, moves.sizes)
        found.append(written(rewriter, [Range(whole, place * width, (place + 1) * width, is_zeros=False)], axis + 1))
    return tuple(found)


def _place_in_order(place: int, factors: Sequence[int], sizes: Sequence[int]) -> int:
    """A place among factors, counted with these in ascending order."""
    places: dict[int, int] = {}
    for factor in reversed(factors):
        place, places[factor] = divmod(place, sizes[factor])
    for factor in sorted(factors):
        place = place * sizes[factor] + places[factor]
    return place


def rearranges(op: Primitive | None) -> bool:
    return op in REARRANGING


RULES = (
    Rule(
        "move before split",
        "M(part(x)) = part(M'(x))",
        "M keeps the places of the axis together, as the outermost of what they become",
        rearranges,
        move_before_split,
    ),
    Rule(
        "move before cat",
        "M(cat(x, y)) = cat(M'(x), M'(y))",
        "M keeps the places of the axis together, as the outermost of what they become",
        rearranges,
        move_before_cat,
    ),
    Rule(
        "move as one",
        "M(cat(Q(x), Q(y))) = (M Q)(cat(x, y))",
        "Q leaves the axis whole, and the factors of M and Q fit",
        rearranges,
        move_as_one,
    ),
    Rule(
        "lift pixels",
        "R(f(x, y)) = f(R(x), R(y))",
        "R makes patches without overlap or pixels; f is pointwise, has no weights, and accepts the rearranged types",
        lambda op: op in (library("im2col"), library("to_image")),
        lift_pixels,
    ),
    Rule(
        "split of moves",
        "part(M(x)) = part(x)",
        "M moves nothing within the part: it only puts axes together, or takes them apart",
        lambda op: op in (library("group"), library("narrow")),
        split_of_moves,
    ),
    Rule(
        "split of one",
        "part(M(x)) = part(M'(x))",
        "each part holds one place of a factor, which M brings to another axis than M'",
        lambda op: op in (library("group"), library("narrow")),
        split_of_one,
    ),
    Rule(
        "order places",
        "part(M(x)) = another part(M'(x))",
        "each part holds one place of several factors, which M' brings in their order",
        lambda op: op in (library("group"), library("narrow")),
        order_places,
    ),
)
