"""Rules of rearrangements as einops writes them: what follows one another is one, whatever its axes are called.

A rearrangement takes the axes of a tensor apart into factors, moves these, and puts them together; a reduction loses
some. Two that follow one another are one where the factors of both fit into each other, as those of (6 4) and (3 8) do,
and those of (4 6) and (6 4) do not.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import called, library
from einspec.compiler.simplify.rules.permutations import lift_permutation
from einspec.ops.declare import Primitive
from einspec.ops.library.patterns import einsum_axes, planned
from einspec.types import Type

Axes = tuple[tuple[int, ...], ...]
"""The factors of each axis, the innermost last, by their numbers."""


REARRANGING = frozenset(library(name) for name in ("rearrange", "reduce", "permute", "flatten", "im2col", "to_image"))


@dataclass(frozen=True, slots=True)
class Moves:
    """What a rearrangement does: the sizes of its factors, those of each axis that goes in, and that comes out.

    Factors of size 1 are left out, so that an axis of size 1 has none. ``reduction`` says what becomes of factors that
    do not come out.
    """

    sizes: tuple[int, ...]
    given: Axes
    made: Axes
    reduction: str = ""


def moves_of(node: Node) -> Moves | None:
    """What a node does; None for one that rearranges nothing."""
    return _moves_of(node.op, node.args, node.input_types[0]) if node.op in REARRANGING else None


@functools.lru_cache(maxsize=4_096)
def _moves_of(op: Primitive | None, args: tuple[Any, ...], kind: Type) -> Moves | None:
    whole: Axes = tuple((place,) for place in range(kind.rank))
    if op is library("rearrange") or op is library("reduce"):
        pattern, *rest = args
        plan, known = planned(pattern, kind, rest[-2])
        names = [name for name in plan.names if known[name] > 1]
        given, made = (
            tuple(tuple(names.index(name) for name in axis if known[name] > 1) for axis in side)
            for side in (plan.inputs, plan.outputs)
        )
        lost = len(names) > sum(map(len, made))
        return Moves(tuple(known[name] for name in names), given, made, rest[0] if lost else "")
    if op is library("permute"):
        return _plain(kind.sizes, whole, tuple((int(digit) - 1,) for digit in args[0]))
    if op is library("flatten"):
        return _plain(kind.sizes, whole, (tuple(range(kind.rank)),))
    if op is library("im2col"):
        return _patches(kind.sizes, *args)
    if op is library("to_image"):
        return _pixels(kind.sizes, *args)
    return None


@dataclass(frozen=True, slots=True)
class Resized:
    """Moves of a tensor of which one axis has another size, as a part or a row of several has."""

    moves: Moves
    axis: int
    """Where that axis comes out, from 0: as the outermost of what its own is made of."""
    given_unit: int
    made_unit: int
    """How many places of the axis that comes out are so many of the one that goes in."""


@functools.lru_cache(maxsize=4_096)
def resized(moves: Moves, axis: int, size: int) -> Resized | None:
    """Moves of an input whose axis, from 0, has another size; None where its places do not stay together.

    Where they do not, or there is one place, and the size is that of several such inputs side by side, their number is
    a factor of its own, and comes out where :func:`place_of_one` says.
    """
    given = moves.given[axis]
    if given:
        found = with_axis(moves, axis, size)
        place = next((place for place, made in enumerate(moves.made) if made[:1] == given[:1]), None)
        if place is not None and found is not None:
            sides = given, moves.made[place]
            return Resized(found, place, *(math.prod(moves.sizes[number] for number in side[1:]) for side in sides))
    width = math.prod(moves.sizes[number] for number in given)
    if size % width:
        return None
    place = place_of_one(moves.made)
    unit = math.prod(moves.sizes[number] for number in moves.made[place])
    return Resized(regrouped(moves, axis, size // width, place) if size > width else moves, place, width, unit)


def place_of_one(axes: Axes) -> int:
    """Where a factor stands that is of one place in each part, so that it may stand anywhere: at the first axis of one
    place, or else at the first.
    """
    return next((place for place, axis in enumerate(axes) if not axis), 0)


@functools.lru_cache(maxsize=4_096)
def with_axis(moves: Moves, axis: int, size: int) -> Moves | None:
    """Moves with another outermost factor of an axis that goes in, so that the axis has another size."""
    if not moves.given[axis]:
        return None
    outermost, *rest = moves.given[axis]
    unit = math.prod(moves.sizes[number] for number in rest)
    if size % unit:
        return None
    sizes = list(moves.sizes)
    sizes[outermost] = size // unit
    return _of_factors(sizes, moves.given, moves.made)


@functools.lru_cache(maxsize=4_096)
def with_border(moves: Moves, axis: int, width: int) -> Moves | None:
    """The same with factors of an axis that comes out of which the last make just a width; None where that cuts one."""
    inner = 1
    for number in reversed(moves.made[axis]):
        if inner == width:
            return moves
        size = moves.sizes[number]
        if inner * size > width:
            return _cut(moves, number, width // inner) if width % inner == 0 and inner * size % width == 0 else None
        inner *= size
    return moves if inner == width else None


def _cut(moves: Moves, number: int, inner: int) -> Moves:
    """The same with a factor as two, the inner one of a size."""

    def parts(factor: int) -> tuple[int, ...]:
        return (factor, factor + 1) if factor == number else (factor + (factor > number),)

    sizes = (*moves.sizes[:number], moves.sizes[number] // inner, inner, *moves.sizes[number + 1 :])
    given, made = (
        tuple(tuple(part for factor in side for part in parts(factor)) for side in axes)
        for axes in (moves.given, moves.made)
    )
    return Moves(sizes, given, made, moves.reduction)


def regrouped(moves: Moves, axis: int, parts: int, to: int) -> Moves:
    """Moves of each part of a tensor along an axis, and the parts side by side along another that comes out."""
    number = len(moves.sizes)
    given, made = list(moves.given), list(moves.made)
    given[axis] = (number, *given[axis])
    made[to] = (number, *made[to])
    return Moves((*moves.sizes, parts), tuple(given), tuple(made))


def _patches(sizes: tuple[int, ...], kernel: int, stride: int, padding: int) -> Moves | None:
    """Patches that neither overlap nor leave anything out: (c, (h a), (w b)) -> ((h w), (c a b))."""
    channels, height, width = sizes
    if kernel != stride or padding or height % kernel or width % kernel:
        return None
    factors = (channels, height // kernel, kernel, width // kernel, kernel)
    return _of_factors(factors, ((0,), (1, 2), (3, 4)), ((1, 3), (0, 2, 4)))


def _pixels(sizes: tuple[int, ...], height: int, width: int) -> Moves:
    """Rows as the pixels of an image: ((h w), d) -> (d, h, w)."""
    return _of_factors((height, width, sizes[1]), ((0, 1), (2,)), ((2,), (0,), (1,)))


@functools.lru_cache(maxsize=4_096)
def unmoved_axes(kind: Type) -> Moves:
    """Moves that leave every axis where it is."""
    whole: Axes = tuple((place,) for place in range(kind.rank))
    return _of_factors(kind.sizes, whole, whole)


def _plain(sizes: Sequence[int], given: Axes, made: Axes) -> Moves:
    """Moves of whole axes."""
    return _of_factors(sizes, given, made)


def _of_factors(sizes: Sequence[int], given: Axes, made: Axes) -> Moves:
    """Moves of factors of these sizes, without those of size 1."""
    kept = [place for place, size in enumerate(sizes) if size > 1]
    number = {place: index for index, place in enumerate(kept)}
    first, second = (
        tuple(tuple(number[place] for place in axis if place in number) for axis in side) for side in (given, made)
    )
    return Moves(tuple(sizes[place] for place in kept), first, second)


@functools.lru_cache(maxsize=4_096)
def composed(first: Moves, second: Moves) -> Moves | None:
    """The second after the first; None where their factors do not fit into each other, or they reduce differently.

    A reduction takes in another one alone: what only moves axes may go on to pass what is pointwise, and whether it
    does so first must not matter.
    """
    if second.reduction and first.reduction != second.reduction:
        return None
    sizes: list[int] = []
    of_first: dict[int, tuple[int, ...]] = {}
    of_second: dict[int, tuple[int, ...]] = {}
    for ours, theirs in zip(first.made, second.given, strict=True):
        factors = _refined([first.sizes[i] for i in ours], [second.sizes[i] for i in theirs])
        if factors is None:
            return None
        for axis, moves, parts in ((ours, first, of_first), (theirs, second, of_second)):
            start = 0
            for number in axis:
                stop = start
                while math.prod(factors[start:stop]) < moves.sizes[number]:
                    stop += 1
                parts[number] = tuple(range(len(sizes) + start, len(sizes) + stop))
                start = stop
        sizes += factors
    for number, size in enumerate(first.sizes):  # what the first has reduced away
        if number not in of_first:
            of_first[number] = (len(sizes),)
            sizes.append(size)
    given = tuple(tuple(part for number in axis for part in of_first[number]) for axis in first.given)
    made = tuple(tuple(part for number in axis for part in of_second[number]) for axis in second.made)
    return Moves(tuple(sizes), given, made, first.reduction or second.reduction)


def _refined(ours: list[int], theirs: list[int]) -> list[int] | None:
    """The coarsest factors that both are products of; None where there are none."""
    borders = {1}
    for sizes in (ours, theirs):
        borders.update(itertools.accumulate(reversed(sizes), lambda a, b: a * b))
    ascending = sorted(borders)
    if any(b % a for a, b in itertools.pairwise(ascending)):
        return None
    return [b // a for a, b in itertools.pairwise(ascending)][::-1]


@functools.lru_cache(maxsize=4_096)
def coarsest(moves: Moves) -> Moves:
    """The same with as few factors as can be, numbered in the order in which they go in: equal where two are."""
    after: dict[int, int] = {}  # the factor that follows each where it comes out
    for axis in moves.made:
        after |= dict(itertools.pairwise(axis))
    kept = {number for axis in moves.made for number in axis}
    sizes: list[int] = []
    names: dict[int, int] = {}
    given = []
    for axis in moves.given:
        row: list[int] = []
        for place, number in enumerate(axis):
            before = axis[place - 1] if place else None
            are_lost = before is not None and before not in kept and number not in kept
            if before is not None and (after.get(before) == number or are_lost):
                sizes[-1] *= moves.sizes[number]
            else:
                names[number] = len(sizes)
                row.append(len(sizes))
                sizes.append(moves.sizes[number])
        given.append(tuple(row))
    made = tuple(tuple(names[number] for number in axis if number in names) for axis in moves.made)
    return Moves(tuple(sizes), tuple(given), made, moves.reduction if len(kept) < len(moves.sizes) else "")


def _names(count: int) -> Iterator[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return (letters[i % 26] + (str(i // 26) if i >= 26 else "") for i in range(count))


def pattern_of(moves: Moves) -> tuple[str, str]:
    """The pattern, and the sizes that it needs: of all but the outermost factor of each axis."""
    names = list(_names(len(moves.sizes)))

    def side(axes: Axes) -> str:
        shown = [" ".join(names[number] for number in axis) or "1" for axis in axes]
        return " ".join(f"({text})" if " " in text else text for text in shown)

    told = {names[number]: moves.sizes[number] for axis in moves.given for number in axis[1:]}
    return f"{side(moves.given)} -> {side(moves.made)}", ", ".join(f"{name}={told[name]}" for name in sorted(told))


Step = tuple[Primitive, tuple[Any, ...]]


@functools.lru_cache(maxsize=4_096)
def steps_of(moves: Moves, kind: Type, layout: str) -> tuple[Step, ...]:
    """The ops that moves of a tensor are written with, the plainest that do; ``layout`` is that of what comes out."""
    moves = coarsest(moves)
    permute, flatten = library("permute"), library("flatten")
    known = _as_image_op(moves, kind, layout)
    if known is not None:
        return (known,)
    is_whole = all(len(axis) == (size > 1) for axis, size in zip(moves.given, kind.sizes, strict=True))
    if is_whole and not moves.reduction and kind.rank <= 9:
        order = _order(moves.made, moves.given)
        if order is not None and kind.layout == layout:
            return ((permute, (order,)),) if list(order) != sorted(order) else ()
        one_by_one = tuple((number,) for axis in moves.made for number in axis)
        digits = _order((*one_by_one, *[()] * (kind.rank - len(one_by_one))), moves.given)
        if len(moves.made) == 1 and digits is not None and _layout(flatten, kind, ()) == layout:
            return (*([(permute, (digits,))] if list(digits) != sorted(digits) else []), (flatten, ()))
    op = library("reduce" if moves.reduction else "rearrange")
    pattern, sizes = pattern_of(moves)
    args = (pattern, moves.reduction, sizes) if moves.reduction else (pattern, sizes)
    return ((op, (*args, "" if _layout(op, kind, (*args, "")) == layout else layout)),)


def _as_image_op(moves: Moves, kind: Type, layout: str) -> Step | None:
    """The op that makes patches or pixels, where moves come to just that; the compiler knows more of these."""
    if moves.reduction or kind.dtype != "float" or (len(moves.given), len(moves.made)) not in ((3, 2), (2, 3)):
        return None
    made = [math.prod(moves.sizes[number] for number in axis) for axis in moves.made]
    step: Step
    if len(made) == 3:
        step = library("to_image"), (made[1], made[2])
        found = _pixels(kind.sizes, *step[1]) if made[1] * made[2] == kind.sizes[0] else None
    else:
        kernel = math.isqrt(made[1] // kind.sizes[0])
        step = library("im2col"), (kernel, kernel, 0)
        found = _patches(kind.sizes, *step[1]) if kernel else None
    if found is None or coarsest(found) != moves:
        return None
    output = step[0].accept((kind,), step[1], {})
    return step if isinstance(output, Type) and output.layout == layout else None


def _order(made: Axes, given: Axes) -> str | None:
    """The order of axes that moves of whole axes come to, those of size 1 in their order; None for other moves."""
    if len(made) != len(given) or any(len(axis) > 1 for axis in made):
        return None
    place_of = {axis[0]: place for place, axis in enumerate(given) if axis}
    ones = iter([place for place, axis in enumerate(given) if not axis])
    return "".join(str((place_of[axis[0]] if axis else next(ones)) + 1) for axis in made)


def _layout(op: Primitive, kind: Type, args: tuple[Any, ...]) -> str:
    found = op.infer((kind,), args, {})
    assert isinstance(found, Type), "a rearrangement has one output"
    return found.layout


def _traced(rewriter: Rewriter, moves: Moves, port: Port) -> tuple[Moves, Port, tuple[Step, ...]]:
    """Moves of a port with those before them as one, where they begin, and the ops that make these."""
    before: tuple[Step, ...] = ()
    while True:
        maker = rewriter.maker(port)
        earlier = moves_of(maker) if maker is not None else None
        whole = composed(earlier, moves) if earlier is not None else None
        if whole is None or maker is None or maker.op is None:
            return moves, port, before
        moves, port, before = whole, maker.inputs[0], ((maker.op, maker.args), *before)


def moved_from(rewriter: Rewriter, port: Port) -> tuple[Moves, Port] | None:
    """How what is at a port was moved, and from where; None where nothing has moved it, or it was reduced."""
    maker = rewriter.maker(port)
    moves = moves_of(maker) if maker is not None else None
    if maker is None or moves is None:
        return None
    moves, source, _ = _traced(rewriter, moves, maker.inputs[0])
    return None if moves.reduction else (moves, source)


def one_rearrangement(rewriter: Rewriter, node: Node) -> Ports | None:
    """A node with those that come before it as one, in one spelling."""
    moves = moves_of(node)
    if moves is None or node.op is None:
        return None
    moves, port, before = _traced(rewriter, moves, node.inputs[0])
    steps = steps_of(moves, rewriter.type_of(port), node.outputs[0].layout)
    if steps == (*before, (node.op, node.args)):
        return None
    for op, args in steps:
        (port,) = rewriter.apply(op, args, (port,))
    return (port,)


def as_product(rewriter: Rewriter, node: Node) -> Ports | None:
    """Sums of products of two tensors are matrix products: each axis is of both and stays, of one and stays, or is
    summed over.
    """
    inputs, output = einsum_axes(node.args[0], len(node.inputs))
    if len(inputs) == 1:
        pattern = f"{' '.join(inputs[0])} -> {' '.join(output)}"
        return rewriter.apply(library("reduce"), (pattern, "sum", "", node.outputs[0].layout), node.inputs)
    (left, right), (x, y) = inputs, node.inputs
    own = [name for name in output if (name in left) != (name in right)]
    if own and own[0] in right:
        left, right, x, y = right, left, y, x  # so that what is of the first comes out first
    both = [name for name in output if name in left and name in right]
    summed = [name for name in left if name in right and name not in output]
    ours = [name for name in output if name in left and name not in right]
    theirs = [name for name in output if name in right and name not in left]
    if not summed or len(left) + len(right) != 2 * (len(both) + len(summed)) + len(ours) + len(theirs):
        return None
    are_alike = all(kind.rank == len(both) + 2 and kind.layout == node.outputs[0].layout for kind in node.input_types)
    layout = "" if are_alike else "tensor" if both else "matrix"

    def joined(*groups: Sequence[str]) -> str:
        shown = [" ".join(group) or "1" for group in groups]
        return " ".join([*both, *(f"({text})" if " " in text else text for text in shown)])

    rearrange = library("rearrange")
    factors = [
        rewriter.apply(rearrange, (f"{' '.join(names)} -> {joined(*groups)}", "", layout), (port,))[0]
        for names, groups, port in ((left, (ours, summed), x), (right, (summed, theirs), y))
    ]
    (product,) = rewriter.apply(library("dot"), (), tuple(factors))
    known = dict(zip((*left, *right), (*rewriter.type_of(x).sizes, *rewriter.type_of(y).sizes), strict=True))
    told = sorted(f"{name}={known[name]}" for group in (ours, theirs) for name in group[1:])
    back = f"{joined(ours, theirs)} -> {' '.join(output)}"
    return rewriter.apply(rearrange, (back, ", ".join(told), node.outputs[0].layout), (product,))


RULES = (
    Rule(
        "one rearrangement",
        "R(Q(x)) = (R Q)(x),  1(x) = x",
        "R and Q rearrange, flatten or permute axes, or take patches without overlap, or reduce; their factors fit",
        lambda op: op in REARRANGING,
        one_rearrangement,
    ),
    Rule(
        "lift rearrangement",
        "R(f(x, y)) = f(R(x), R(y))",
        "f is pointwise, has no weights, and accepts the rearranged types",
        lambda op: op in (library("rearrange"), library("flatten")),
        lift_permutation,
    ),
    Rule(
        "einsum",
        "einsum(x, y) = R(dot(P(x), Q(y)))",
        "a sum over an axis of both; of one tensor it is a reduction",
        called("einsum"),
        as_product,
    ),
)
