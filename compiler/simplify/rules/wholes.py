"""Rules of identity alone: what may act before or after a split or a concatenation acts on the whole.

They choose one spelling of several that cost about the same, and what is built is not made of it: an activation after a
concatenation is one op for several, and computed twice where its input is read before it too. In normal form
concatenations come first and splits last, except that what moves axes comes before all that looks at one place at a
time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.along import FROM_RANGES, MOVING, RANGES, axis_of, form_of, region_of
from einspec.compiler.simplify.rules.common import called, is_pointwise, is_zeros, keeping, library, made_by
from einspec.compiler.simplify.rules.permutations import lift_permutation
from einspec.compiler.simplify.rules.ranges import Range, range_of, written
from einspec.compiler.simplify.rules.rearrangements import (
    REARRANGING,
    Moves,
    coarsest,
    composed,
    moved_from,
    moves_of,
    place_of_one,
    regrouped,
    resized,
    steps_of,
    unmoved_axes,
)
from einspec.ops.declare import Primitive
from einspec.types import Type


def _part(rewriter: Rewriter, port: Port) -> tuple[Range, int] | None:
    """The range that a port is of another, and along which axis, from 1; None for all but ranges."""
    maker = rewriter.maker(port)
    if maker is None or maker.op not in (library("group"), library("narrow")):
        return None
    axis = axis_of(maker)
    return range_of(rewriter, port, axis), axis


def _passes(node: Node, axis: int) -> bool:
    """Whether a node has one input, no weights, and treats the places along an axis, from 1, alike and alone."""
    if node.op is None or len(node.inputs) != 1 or len(node.outputs) != 1 or node.slot is not None:
        return False
    laws = node.op.laws
    if laws.along is not None:
        return not laws.random and axis != (1 if laws.along == "first" else node.input_types[0].rank)
    return is_pointwise(node)


def act_before_split(rewriter: Rewriter, node: Node) -> Ports | None:
    if node.op is None or len(node.inputs) != 1 or len(node.outputs) != 1:
        return None
    base, ranges = _ranges_of(rewriter, node.inputs[0])
    passed = [item for item in ranges if _passes(node, item.axis)]
    if not passed:
        return None
    port = _taken(rewriter, base, [item for item in ranges if item not in passed])
    kind = rewriter.type_of(port)
    output = node.op.accept((kind,), node.args, dict(node.attributes))
    if not isinstance(output, Type) or output.rank != kind.rank:
        return None
    if any(output.sizes[item.axis - 1] != kind.sizes[item.axis - 1] for item in passed):
        return None
    (whole,) = rewriter.apply(node.op, node.args, (port,), node.attributes)
    return (_taken(rewriter, whole, passed),)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A range along an axis, from 1, of which the whole has a size."""

    axis: int
    start: int
    stop: int
    size: int


def _ranges_of(rewriter: Rewriter, port: Port) -> tuple[Port, list[_Cut]]:
    """What a port is ranges of, and these, the first that was taken first."""
    ranges: list[_Cut] = []
    while (part := _part(rewriter, port)) is not None:
        found, axis = part
        ranges.append(_Cut(axis, found.start, found.stop, rewriter.type_of(found.port).sizes[axis - 1]))
        port = found.port
    return port, ranges[::-1]


def _taken(rewriter: Rewriter, port: Port, ranges: Sequence[_Cut]) -> Port:
    """Ranges of a port, one after the other."""
    for item in ranges:
        port = written(rewriter, [Range(port, item.start, item.stop, is_zeros=False)], item.axis)
    return port


def move_before_split(rewriter: Rewriter, node: Node) -> Ports | None:
    part = _part(rewriter, node.inputs[0])
    if part is None:
        return None
    found, axis = part
    kind = rewriter.type_of(found.port)
    moves = moves_of(node)
    passed = resized(moves, axis - 1, kind.sizes[axis - 1]) if moves is not None and not moves.reduction else None
    if passed is None or found.start % passed.given_unit or found.stop % passed.given_unit:
        return None
    whole = _moved(rewriter, passed.moves, found.port, node.outputs[0].layout)
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
        _moved(rewriter, passed.moves, port, node.outputs[0].layout)
        for passed, port in zip(found, maker.inputs, strict=True)
        if passed is not None
    ]
    if len(ports) < len(found):
        return None
    return rewriter.apply(library("cat"), (first.axis + 1,), tuple(ports))


def _moved(rewriter: Rewriter, moves: Moves, port: Port, layout: str) -> Port:
    for op, args in steps_of(moves, rewriter.type_of(port), layout):
        (port,) = rewriter.apply(op, args, (port,))
    return port


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


ACTED_ON = frozenset({*MOVING, library("times")} - {library("permute")})
"""Ops of which the rules of identity need one: where there is none, they say nothing."""


def _is_made_by(rewriter: Rewriter, port: Port, ops: frozenset[Primitive]) -> bool:
    maker = rewriter.maker(port)
    return maker is not None and maker.op in ops


def regroup(rewriter: Rewriter, node: Node) -> Ports | None:
    """All parts of a split in order, moved alike and put side by side along another axis, are a rearrangement."""
    if not _is_made_by(rewriter, node.inputs[0], MOVING):
        return None
    moved = [_moves_and_source(rewriter, port) for port in node.inputs]
    if any(moves != moved[0][0] for moves, _ in moved):
        return None
    found = _whole_of_parts(rewriter, [source for _, source in moved])
    if found is None:
        return None
    whole, axis = found
    if any(_is_joined(rewriter, whole, other) for other in range(1, rewriter.type_of(whole).rank + 1)):
        return None  # its pieces go on into the concatenation, one by one
    moves = regrouped(moved[0][0], axis - 1, len(moved), node.args[0] - 1)
    return (_moved(rewriter, moves, whole, node.outputs[0].layout),)


def join_parts(rewriter: Rewriter, node: Node) -> Ports | None:
    """Ranges of one tensor that go on from each other are one, also where another range was taken of each."""
    (axis,) = node.args
    if not any(_is_made_by(rewriter, port, RANGES) for port in node.inputs):
        return None
    joined: list[tuple[Port, list[_Cut]]] = []
    for port in node.inputs:
        base, ranges = _ranges_of(rewriter, port)
        if joined and joined[-1][0] == base:
            both = _joined_cuts(joined[-1][1], ranges, axis)
            if both is not None:
                joined[-1] = base, both
                continue
        joined.append((base, ranges))
    if len(joined) == len(node.inputs):
        return None
    return rewriter.apply(node.op, node.args, tuple(_taken(rewriter, *item) for item in joined)) if node.op else None


def _joined_cuts(some: Sequence[_Cut], others: Sequence[_Cut], axis: int) -> list[_Cut] | None:
    """The ranges that some and others are side by side; None where they do not go on from each other."""
    if [item for item in some if item.axis != axis] != [item for item in others if item.axis != axis]:
        return None
    (one, other) = ([item for item in cuts if item.axis == axis] for cuts in (some, others))
    if len(one) != 1 or len(other) != 1 or one[0].stop != other[0].start:
        return None
    both = replace(one[0], stop=other[0].stop)
    return [both if item.axis == axis else item for item in some]


def _is_joined(rewriter: Rewriter, port: Port, axis: int) -> bool:
    (kind,) = (rewriter.type_of(port),)
    split = Node(library("narrow"), (axis, 0, kind.sizes[axis - 1]), (), (port,), (kind,), (kind,))
    return _has_border(rewriter, split, port)


def _whole_of_parts(rewriter: Rewriter, ports: Sequence[Port]) -> tuple[Port, int] | None:
    """What ports are all parts of in order, and along which axis; also where each is the same range, along another
    axis, of such parts.
    """
    index, _ = ports[0]
    split = rewriter.maker(ports[0])
    is_split = split is not None and split.op is library("group")
    if split is not None and is_split and list(ports) == [(index, part) for part in range(split.args[0])]:
        return split.inputs[0], axis_of(split)
    parts = [_part(rewriter, port) for port in ports]
    known = [(part[0], part[1]) for part in parts if part is not None]
    first, cut = known[0] if known else (None, 0)
    if first is None or len(known) < len(ports) or known[0][0].port == known[-1][0].port:
        return None
    if any((part.start, part.stop, axis) != (first.start, first.stop, cut) for part, axis in known):
        return None
    found = _whole_of_parts(rewriter, [part.port for part, _ in known])
    if found is None or found[1] == cut:
        return None
    return written(rewriter, [Range(found[0], first.start, first.stop, is_zeros=False)], cut), found[1]


def split_after_cat(rewriter: Rewriter, node: Node) -> Ports | None:
    """The same range of several, along another axis, is that range of them side by side."""
    (axis,) = node.args
    if not _is_made_by(rewriter, node.inputs[0], RANGES):
        return None
    found = [_ranges_of(rewriter, port) for port in node.inputs]
    common = [item for item in found[0][1] if item.axis != axis and all(item in ranges for _, ranges in found)]
    if not common:
        return None
    ports = tuple(_taken(rewriter, port, [item for item in ranges if item not in common]) for port, ranges in found)
    (whole,) = rewriter.apply(library("cat"), node.args, ports)
    return (_taken(rewriter, whole, common),)


def _moves_and_source(rewriter: Rewriter, port: Port) -> tuple[Moves, Port]:
    found = moved_from(rewriter, port)
    return (coarsest(found[0]), found[1]) if found is not None else (unmoved_axes(rewriter.type_of(port)), port)


def act_after_cat(rewriter: Rewriter, node: Node) -> Ports | None:
    (axis,) = node.args
    acts: list[tuple[Node, Port] | None] = []
    for port in node.inputs:
        act = None if is_zeros(rewriter, port) else _multiplied_act(rewriter, port, axis)
        if act is None and not is_zeros(rewriter, port):
            return None
        acts.append(act)
    if all(act is None or act[0].op is library("times") for act in acts):
        acts = [None if is_zeros(rewriter, port) else _act(rewriter, port, axis) for port in node.inputs]
    if any(act is None and not is_zeros(rewriter, port) for act, port in zip(acts, node.inputs, strict=True)):
        return None
    first, ports = _alike([act for act in acts if act is not None])
    if first is None or first.op is None or (None in acts and not _keeps_zeros(first)):
        return None
    waiting = iter(ports)
    inputs = tuple(port if act is None else next(waiting) for act, port in zip(acts, node.inputs, strict=True))
    (whole,) = rewriter.apply(library("cat"), node.args, inputs)
    return rewriter.apply(first.op, first.args, (whole,), first.attributes)


def common_multiple(rewriter: Rewriter, node: Node) -> Ports | None:
    """A number that all inputs of a concatenation are multiplied by is multiplied with after it."""
    found: list[tuple[int, Port]] = []
    for port in node.inputs:
        term = (0, port) if is_zeros(rewriter, port) else _multiple(rewriter, port)
        if term is None:
            return None
        found.append(term)
    factor = math.gcd(*(count for count, _ in found))
    if node.op is None or factor < 2:
        return None
    ports = tuple(_times(rewriter, count // factor, port) if count else port for count, port in found)
    return (_times(rewriter, factor, rewriter.apply(node.op, node.args, ports)[0]),)


def _multiple(rewriter: Rewriter, port: Port) -> tuple[int, Port] | None:
    """How many times what a port is, where it is a multiple or a part of one."""
    maker = made_by(rewriter, port, library("times"))
    return (maker.args[0], maker.inputs[0]) if maker is not None else _multiple_part(rewriter, port)


def _times(rewriter: Rewriter, count: int, port: Port) -> Port:
    return rewriter.apply(library("times"), (count,), (port,))[0]


def _multiplied_act(rewriter: Rewriter, port: Port, axis: int) -> tuple[Node, Port] | None:
    """As :func:`_act`, where a multiple of what a homogeneous op makes is what it makes of the multiple."""
    act = _act(rewriter, port, axis)
    if act is None or act[0].op is not library("times"):
        return act
    times, inner = act[0], _act(rewriter, act[1], axis)
    if inner is None or inner[0].op is None or not inner[0].op.laws.homogeneous or not is_pointwise(inner[0]):
        return act
    return inner[0], rewriter.apply(library("times"), times.args, (inner[1],))[0]


def _act(rewriter: Rewriter, port: Port, axis: int) -> tuple[Node, Port] | None:
    """The op that makes a port, and of what, also where the port is a part of what it makes; None if the op does not
    treat places along an axis alike.
    """
    maker = rewriter.maker(port)
    if maker is None:
        return None
    if _passes(maker, axis):
        return maker, maker.inputs[0]
    part = _part(rewriter, port)
    if part is None:
        return None
    found, cut = part
    maker = rewriter.maker(found.port)
    if maker is None or not _passes(maker, axis) or not _passes(maker, cut):
        return None
    before = rewriter.type_of(maker.inputs[0]).sizes[cut - 1]
    if before != rewriter.type_of(found.port).sizes[cut - 1]:
        return None
    return maker, written(rewriter, [Range(maker.inputs[0], found.start, found.stop, is_zeros=False)], cut)


def _alike(acts: Sequence[tuple[Node, Port] | None]) -> tuple[Node | None, Ports]:
    """One of several ops, and what they are done to, if all are one op with equal arguments."""
    known = [act for act in acts if act is not None]
    if len(known) < len(acts) or not known:
        return None, ()
    first = known[0][0]
    wanted = first.op, repr(first.args), repr(first.attributes)
    if any((node.op, repr(node.args), repr(node.attributes)) != wanted for node, _ in known):
        return None, ()
    return first, tuple(port for _, port in known)


def _keeps_zeros(node: Node) -> bool:
    """Whether a node makes zeros of zeros."""
    assert node.op is not None
    laws = node.op.laws
    return laws.zero is not None and not (laws.zero_unless and node.op.argument(laws.zero_unless, node.args))


def act_along_after_cat(rewriter: Rewriter, node: Node) -> Ports | None:
    """What acts along an axis alike, and is then moved alike, is done to the concatenation, and that is moved."""
    if not all(_is_made_by(rewriter, port, REARRANGING) for port in node.inputs):
        return None
    moved = [moved_from(rewriter, port) for port in node.inputs]
    sources = [(coarsest(item[0]), item[1]) for item in moved if item is not None]
    if len(sources) < len(node.inputs):
        return None
    found = form_of(node, [(moves, rewriter.type_of(source)) for moves, source in sources])
    if found is None:
        return None
    (moves, _), args = found
    first, inputs = _alike([_act(rewriter, source, axis_of(replace(node, args=args))) for _, source in sources])
    if first is None or first.op is None or first.op.laws.along is None:
        return None
    whole = rewriter.apply(library("cat"), args, inputs)
    (made,) = rewriter.apply(first.op, first.args, whole, first.attributes)
    return (_moved(rewriter, moves, made, node.outputs[0].layout),)


def lift_pixels(rewriter: Rewriter, node: Node) -> Ports | None:
    return lift_permutation(rewriter, node) if moves_of(node) is not None else None


def order_splits(rewriter: Rewriter, node: Node) -> Ports | None:
    """Parts are taken along the first axis first."""
    part = _part(rewriter, node.inputs[0])
    if part is None or node.op is None:
        return None
    (found, cut), axis = part, axis_of(node)
    if cut <= axis:
        return None
    wholes = rewriter.apply(node.op, node.args, (found.port,))
    return tuple(written(rewriter, [Range(whole, found.start, found.stop, is_zeros=False)], cut) for whole in wholes)


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
    whole = _moved(
        rewriter, Moves(moves.sizes, moves.given, made), region.unmoved(rewriter, port), rewriter.type_of(port).layout
    )
    unit = math.prod(moves.sizes[number] for number in rest[place])
    size = node.input_types[0].sizes[axis]
    ranges = [_borders(node.op, node.args, size, output) for output in range(len(node.outputs))]
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
    whole = _moved(rewriter, Moves(moves.sizes, moves.given, made), region.unmoved(rewriter, port), layout)
    found: list[Port] = []
    for output in range(len(node.outputs)):
        start, _ = _borders(node.op, node.args, node.input_types[0].sizes[axis], output)
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


def _borders(op: Primitive, args: Sequence[Any], size: int, output: int) -> tuple[int, int]:
    """Where an output of a split or a range of an axis of a size begins and ends."""
    if op is library("narrow"):
        return args[1], args[2]
    width = size // args[0]
    return width * output, width * (output + 1)


def collect_parts(rewriter: Rewriter, node: Node) -> Ports | None:
    """A part of a multiple is as many times the part, where parts are added up."""
    assert node.op is not None
    found = [_multiple_part(rewriter, port) for port in node.inputs]
    if not any(found):
        return None
    counts: Counter[Port] = Counter()
    for item, port in zip(found, node.inputs, strict=True):
        count, term = item or _multiple(rewriter, port) or (1, port)
        counts[term] += count
    if len(counts) == len(node.inputs):
        return None
    terms = tuple(_times(rewriter, count, term) if count > 1 else term for term, count in counts.items())
    return rewriter.apply(node.op, node.args, terms, node.attributes)


def _multiple_part(rewriter: Rewriter, port: Port) -> tuple[int, Port] | None:
    """How many times what part a port is, where it is a part of a multiple."""
    part = _part(rewriter, port)
    if part is None:
        return None
    found, axis = part
    maker = made_by(rewriter, found.port, library("times"))
    if maker is None:
        return None
    (whole,) = maker.inputs
    return maker.args[0], written(rewriter, [Range(whole, found.start, found.stop, is_zeros=False)], axis)


def hidden_cat(rewriter: Rewriter, port: Port, axis: int) -> Ports | None:
    """What a port consists of along an axis, where something is done to a concatenation along it: the pieces with that
    done to each. None where that is not so.
    """
    above: list[tuple[Node, int]] = []
    while True:
        maker = rewriter.maker(port)
        if maker is None or maker.op is None:
            return None
        if maker.op is library("cat") and maker.args[0] == axis:
            break
        is_range = maker.op in (library("group"), library("narrow")) and axis_of(maker) != axis
        if not is_range and not _passes(maker, axis):
            return None
        above.append((maker, port[1]))
        (port,) = maker.inputs
    if not above:
        return None
    pieces = maker.inputs
    for node, output in reversed(above):
        assert node.op is not None
        pieces = tuple(rewriter.apply(node.op, node.args, (piece,), node.attributes)[output] for piece in pieces)
    return pieces


def join_pieces(rewriter: Rewriter, node: Node) -> Ports | None:
    """A concatenation of what is a concatenation but for what is done to it is one of all pieces."""
    (axis,) = node.args
    pieces = [hidden_cat(rewriter, port, axis) for port in node.inputs]
    if len(node.inputs) < 2 or not any(pieces):
        return None
    ports = tuple(
        port for whole, row in zip(node.inputs, pieces, strict=True) for port in ((whole,) if row is None else row)
    )
    return rewriter.apply(library("cat"), node.args, ports)


def split_pieces(rewriter: Rewriter, node: Node) -> Ports | None:
    """A split of what is a concatenation but for what is done to it is one of the pieces."""
    (port,) = node.inputs
    maker = rewriter.maker(port)
    if node.op is None or maker is None or (maker.op is library("cat") and maker.args[0] == axis_of(node)):
        return None
    return _split(rewriter, node, port) if _has_border(rewriter, node, port) else None


def _has_border(rewriter: Rewriter, node: Node, port: Port) -> bool:
    """Whether what is at a port has been put together along the axis of a split, whatever was done to it since."""
    waiting, seen = [(node, port)], set()
    while waiting:
        node, port = waiting.pop()
        maker = rewriter.maker(port)
        if maker is None or maker.op is None or (node.args, port) in seen:
            continue
        seen.add((node.args, port))
        axis = axis_of(node)
        if maker.op is library("zeros") or (maker.op is library("cat") and maker.args[0] == axis):
            return True
        before = _before(node, maker)
        if before is not None:
            waiting += [(before, source) for source in maker.inputs]
    return False


def _before(node: Node, maker: Node) -> Node | None:
    """The split that is to be made of the inputs of what makes its input; None where it cannot be made before that."""
    axis = axis_of(node)
    if maker.op in RANGES:
        return node if axis_of(maker) != axis else None
    moves = moves_of(maker)
    if moves is None or moves.reduction:
        return node if _passes(maker, axis) else None
    found = form_of(node, [(coarsest(moves), maker.input_types[0])])
    if found is None:
        return None
    return replace(node, args=found[1], outputs=(found[0][1],) * len(node.outputs))


def _split(rewriter: Rewriter, node: Node, port: Port) -> Ports:
    """A split or range of a port, made as early as it can be: of the concatenation."""
    assert node.op is not None
    maker = rewriter.maker(port)
    before = _before(node, maker) if maker is not None else None
    if maker is None or maker.op is None or before is None or not _has_border(rewriter, node, port):
        return rewriter.apply(node.op, node.args, (port,))
    rows = [_split(rewriter, before, source) for source in maker.inputs]
    moves = moves_of(maker)
    if moves is not None:
        found = form_of(node, [(coarsest(moves), maker.input_types[0])])
        assert found is not None, "the split passes the moves"
        return tuple(_moved(rewriter, found[0][0], part, node.outputs[0].layout) for part in rows[0])
    return tuple(
        rewriter.apply(maker.op, maker.args, parts, maker.attributes)[port[1]] for parts in zip(*rows, strict=True)
    )


def join_rows(rewriter: Rewriter, node: Node) -> Ports | None:
    """Blocks are put together along the last axis last where each column is one tensor."""
    (axis,) = node.args
    if made_by(rewriter, node.inputs[0], library("cat")) is None:
        return None
    rows = [maker for port in node.inputs if (maker := made_by(rewriter, port, library("cat"))) is not None]
    if len(rows) < len(node.inputs) or len(rows) < 2 or any(row.args != rows[0].args for row in rows):
        return None
    cut = rows[0].args[0]
    sizes = [[kind.sizes[cut - 1] for kind in row.input_types] for row in rows]
    if cut <= axis or any(other != sizes[0] for other in sizes):
        return None
    columns = list(zip(*(row.inputs for row in rows), strict=True))
    if not all(_may_join(rewriter, column, axis) for column in columns):
        return None
    blocks = tuple(rewriter.apply(library("cat"), (axis,), column)[0] for column in columns)
    if any(made_by(rewriter, _ranges_of(rewriter, block)[0], library("cat")) is not None for block in blocks):
        return None
    return rewriter.apply(library("cat"), (cut,), blocks)


def _may_join(rewriter: Rewriter, column: Ports, axis: int) -> bool:
    """Whether pieces may be one tensor: cheap to say, before they are put together."""
    if all(is_zeros(rewriter, port) for port in column):
        return True
    found = [_ranges_of(rewriter, port) for port in column]
    return len({base for base, _ in found}) == 1 and all(ranges for _, ranges in found)


def order_cats(rewriter: Rewriter, node: Node) -> Ports | None:
    """Blocks are put together along the first axis last."""
    (axis,) = node.args
    if not all(_is_made_by(rewriter, port, RANGES) for port in node.inputs):
        return None
    for cut in range(1, axis):
        rows = [_rows(rewriter, port, cut) for port in node.inputs]
        known = [row for row in rows if row is not None]
        if len(known) < len(rows) or len({sizes for _, sizes in known}) > 1:
            continue
        columns = zip(*(_row_ports(rewriter, row) for row, _ in known), strict=True)
        blocks = tuple(rewriter.apply(library("cat"), (axis,), ports)[0] for ports in columns)
        return rewriter.apply(library("cat"), (cut,), blocks)
    return None


def _rows(rewriter: Rewriter, port: Port, axis: int) -> tuple[tuple[Ports, list[_Cut]], tuple[int, ...]] | None:
    """The pieces of which a port consists along an axis, with the ranges that are taken of each, and their sizes."""
    base, ranges = _ranges_of(rewriter, port)
    row = made_by(rewriter, base, library("cat"))
    if row is None or row.args[0] != axis or any(item.axis == axis for item in ranges):
        return None
    return (row.inputs, ranges), tuple(kind.sizes[axis - 1] for kind in row.input_types)


def _row_ports(rewriter: Rewriter, row: tuple[Ports, list[_Cut]]) -> Ports:
    return tuple(_taken(rewriter, port, row[1]) for port in row[0])


def multiply_after(rewriter: Rewriter, node: Node) -> Ports | None:
    assert node.op is not None
    if len(node.inputs) != 1 or node.op is library("times") or not is_pointwise(node):
        return None
    maker = rewriter.maker(node.inputs[0])
    if maker is None or maker.op is None:
        return None
    if maker.op is library("times"):
        count, port = maker.args[0], maker.inputs[0]
    elif maker.op.laws.multiple == "times":
        terms = [_multiple(rewriter, term) or (1, term) for term in maker.inputs]
        count = math.gcd(*(number for number, _ in terms))
        if count < 2:
            return None
        inputs = tuple(_times(rewriter, number // count, term) for number, term in terms)
        (port,) = rewriter.apply(maker.op, maker.args, inputs, maker.attributes)
    else:
        return None
    return (_times(rewriter, count, rewriter.apply(node.op, node.args, (port,), node.attributes)[0]),)


def _moves(op: Primitive | None) -> bool:
    return op in REARRANGING


RULES = (
    Rule(
        "move before split",
        "M(part(x)) = part(M'(x))",
        "M keeps the places of the axis together, as the outermost of what they become",
        _moves,
        move_before_split,
    ),
    Rule(
        "move before cat",
        "M(cat(x, y)) = cat(M'(x), M'(y))",
        "M keeps the places of the axis together, as the outermost of what they become",
        _moves,
        move_before_cat,
    ),
    Rule(
        "move as one",
        "M(cat(Q(x), Q(y))) = (M Q)(cat(x, y))",
        "Q leaves the axis whole, and the factors of M and Q fit",
        _moves,
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
        "act before split",
        "f(part(x)) = part(f(x))",
        "f has no weights, and is pointwise or acts along another axis",
        lambda op: op is not None and not op.has_slot and (op.laws.pointwise or op.laws.along is not None),
        act_before_split,
    ),
    Rule(
        "regroup",
        "cat(M(part 1 of x), M(part 2 of x), ..) = M'(x)",
        "all parts of one split, in order",
        called("cat"),
        regroup,
    ),
    Rule(
        "act after cat",
        "cat(f(x), f(y)) = f(cat(x, y))",
        "f has no weights, and is pointwise or acts along another axis",
        called("cat"),
        act_after_cat,
    ),
    Rule(
        "common multiple",
        "cat(n a x, n b y) = n cat(a x, b y)",
        "n is the greatest common divisor of the multiples",
        called("cat"),
        common_multiple,
    ),
    Rule(
        "act along after cat",
        "cat(M(f(x)), M(f(y))) = M'(f(cat(x, y)))",
        "f has no weights and acts along another axis; M leaves the axis of the concatenation whole",
        called("cat"),
        act_along_after_cat,
    ),
    Rule(
        "join pieces",
        "cat(f(cat(a, b)), c) = cat(f(a), f(b), c)",
        "f has no weights, and is pointwise, acts along another axis, or takes a range along one",
        called("cat"),
        join_pieces,
    ),
    Rule(
        "split pieces",
        "split(f(cat(a, b))) = parts of f(a), f(b)",
        "f has no weights, and is pointwise, acts along another axis, or takes a range along one",
        lambda op: op in (library("group"), library("narrow")),
        split_pieces,
    ),
    Rule(
        "collect parts",
        "f(part(n x), part(m x), y) = f(n + m part(x), y)",
        "n is the multiple of f",
        lambda op: op is not None and op.laws.multiple == "times",
        collect_parts,
    ),
    Rule(
        "multiply after",
        "f(n x) = n f(x)",
        "f is pointwise, has no weights, and is homogeneous",
        keeping("homogeneous"),
        multiply_after,
    ),
    Rule(
        "order splits",
        "part of (part of x) along 2 along 1 = part of (part of x) along 1 along 2",
        "of two axes",
        lambda op: op in (library("group"), library("narrow")),
        order_splits,
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
    Rule(
        "split after cat",
        "cat(part(x), part(y)) = part(cat(x, y))",
        "the same range of tensors of one size, along another axis",
        called("cat"),
        split_after_cat,
    ),
    Rule(
        "join parts",
        "cat(part(x[a:b]), part(x[b:c])) = part(x[a:c])",
        "along one axis, and the same ranges along others",
        called("cat"),
        join_parts,
    ),
    Rule(
        "join rows",
        "cat along 1 (cat(a, b), cat(c, d)) = cat along 2 (e, f)",
        "along axis 1, a and c are e, and b and d are f",
        called("cat"),
        join_rows,
    ),
    Rule(
        "order cats",
        "cat along 2 (cat(a, b), cat(c, d)) = cat along 1 (cat(a, c), cat(b, d))",
        "of two axes, and the pieces have equal sizes",
        called("cat"),
        order_cats,
    ),
    *FROM_RANGES,
)
