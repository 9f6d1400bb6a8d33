"""Rules of moves and ranges: axes are moved of the whole, before a split, and of each piece, before a concatenation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from einspec.compiler.graph.graph import Node, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.along import RANGES, axis_of, form_of, region_of
from einspec.compiler.simplify.rules.common import library, made_by
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
    with_border,
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
    whole, moves = made_by(rewriter, node.inputs[0], library("cat")), moves_of(node)
    if whole is None or moves is None or moves.reduction:
        return None
    layout = node.outputs[0].layout
    found = _moved_pieces(rewriter, moves, whole.args[0], whole.inputs, layout)
    return found if found is not None else _moved_columns(rewriter, moves, whole, layout)


def _moved_pieces(rewriter: Rewriter, moves: Moves, axis: int, pieces: Ports, layout: str) -> Ports | None:
    """Pieces along an axis, each moved, side by side again; None where the moves do not keep them together."""
    found = [resized(moves, axis - 1, rewriter.type_of(piece).sizes[axis - 1]) for piece in pieces]
    known = [passed for passed in found if passed is not None]
    if len(known) < len(found):
        return None
    ports = [apply_moves(rewriter, passed.moves, port, layout) for passed, port in zip(known, pieces, strict=True)]
    return rewriter.apply(library("cat"), (known[0].axis + 1,), tuple(ports))


def _moved_columns(rewriter: Rewriter, moves: Moves, whole: Node, layout: str) -> Ports | None:
    """The same for blocks in rows, where the moves keep columns together."""
    rows = [row for port in whole.inputs if (row := made_by(rewriter, port, library("cat"))) is not None]
    if len(rows) < len(whole.inputs) or any(row.args != rows[0].args for row in rows):
        return None
    (axis,) = rows[0].args
    sizes = [[kind.sizes[axis - 1] for kind in row.input_types] for row in rows]
    if any(other != sizes[0] for other in sizes) or any(resized(moves, axis - 1, size) is None for size in sizes[0]):
        return None
    columns = zip(*(row.inputs for row in rows), strict=True)
    pieces = tuple(rewriter.apply(library("cat"), whole.args, column)[0] for column in columns)
    return _moved_pieces(rewriter, moves, axis, pieces, layout)


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
    places = _places(node, width)
    if not factors or places is None or width != math.prod(moves.sizes[number] for number in factors[1:]):
        return None
    one = factors[0]
    rest = (*moves.made[:axis], factors[1:], *moves.made[axis + 1 :])
    after = next((given[1] for given in moves.given if len(given) > 1 and given[0] == one), None)
    before_it = (to for to, made in enumerate(rest) if after is not None and made[:1] == (after,))
    place = next(before_it, place_of_one(rest))
    if place == axis:
        return None
    made = (*rest[:place], (one, *rest[place]), *rest[place + 1 :])
    whole = apply_moves(
        rewriter, Moves(moves.sizes, moves.given, made), region.unmoved(rewriter, port), rewriter.type_of(port).layout
    )
    unit = math.prod(moves.sizes[number] for number in rest[place])
    ranges = [Range(whole, one * unit, (one + 1) * unit, is_zeros=False) for one in places]
    return tuple(written(rewriter, [piece], place + 1) for piece in ranges)


def _places(node: Node, width: int) -> list[int] | None:
    """Which place of so many numbers each output of a split or a range is; None where one of them is none."""
    assert node.op is not None
    size = node.input_types[0].sizes[axis_of(node) - 1]
    starts = [borders(node.op, node.args, size, output)[0] for output in range(len(node.outputs))]
    return None if any(start % width for start in starts) else [start // width for start in starts]


def order_places(rewriter: Rewriter, node: Node) -> Ports | None:
    """Where each part holds one place of several factors, these stand in the order in which they go in."""
    (port,) = node.inputs
    region = region_of(rewriter, port)
    if region is None or node.op is None:
        return None
    axis = axis_of(node) - 1
    width = node.outputs[0].sizes[axis]
    moves, places = with_border(region.moves, axis, width), _places(node, width)
    if moves is None or places is None:
        return None
    factors = moves.made[axis]
    count = next(n for n in range(len(factors) + 1) if math.prod(moves.sizes[f] for f in factors[n:]) == width)
    first = factors[:count]
    if list(first) == sorted(first):
        return None
    made = (*moves.made[:axis], (*sorted(first), *factors[count:]), *moves.made[axis + 1 :])
    layout = rewriter.type_of(port).layout
    whole = apply_moves(rewriter, Moves(moves.sizes, moves.given, made), region.unmoved(rewriter, port), layout)
    ordered = [_place_in_order(place, first, moves.sizes) for place in places]
    ranges = [Range(whole, place * width, (place + 1) * width, is_zeros=False) for place in ordered]
    return tuple(written(rewriter, [piece], axis + 1) for piece in ranges)


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
