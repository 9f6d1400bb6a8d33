"""How many ways a backtracking matcher may have to try, bounded from the form of an expression.

A run is one way to read the start of a text. Where the next character always decides (the one-unambiguous
expressions of Brueggemann-Klein 1993) there is one run. Elsewhere runs are counted: a part that can end at many
places multiplies the runs of what follows it, unless the next character tells those places apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from einspec.grammar.regexps.ambiguity import Ambiguity
from einspec.grammar.regexps.expressions import Choice, Letter, Look, Node, Refused, Repeat, Sequence, Slow
from einspec.grammar.regexps.letters import LATER

_MOST_SIZE = 10_000
_MOST_FACTOR = 1_000
_LOOP = 100
"""A repeat that can come more often counts as one without a bound."""
_CAP = 10**9
_ADVICE = "write it so that the next character decides where a repeat ends and which alternative it is"


@dataclass(frozen=True, slots=True)
class Bound:
    """At most ``factor`` times the length of the text to the power ``degree``."""

    factor: int
    degree: int = 0

    def __add__(self, other: Bound) -> Bound:
        return Bound(min(_CAP, self.factor + other.factor), max(self.degree, other.degree))

    def __mul__(self, other: Bound) -> Bound:
        if other is _ONE:
            return self
        return Bound(min(_CAP, self.factor * other.factor), self.degree + other.degree)

    def largest(self, other: Bound) -> Bound:
        """A bound of what either bounds."""
        return Bound(max(self.factor, other.factor), max(self.degree, other.degree))


_ONE = Bound(1)
_LENGTH = Bound(1, 1)


class Shape(NamedTuple):
    """What a part of an expression can start with, go on with and cost.

    ``more`` holds the characters that could also carry on the part where it is complete, or start it where it
    matched nothing. ``ends`` bounds the complete runs over one text, ``lanes`` those that stand before a character
    outside of ``more``, and ``work`` the characters that all runs read.
    """

    first: int
    more: int
    is_nullable: bool
    is_decided: bool
    ends: Bound
    lanes: Bound
    work: Bound
    size: int
    """Characters with repeats written out as often as they must come, or may if that is bounded."""
    places: int
    """Characters as written, each a state of the automaton."""


_EMPTY = Shape(0, 0, True, True, _ONE, _ONE, Bound(0), 0, 0)


def check_effort(tree: Node) -> Shape:
    """The shape of a whole expression. Raises ``Refused`` if matching it could take too long."""
    shape = _Shapes().of(tree)
    if shape.work.degree > 1:
        raise Slow("matching this can take time that grows with the square of the text, or faster", _ADVICE)
    if shape.work.factor > (_MOST_FACTOR if shape.work.degree else _MOST_SIZE):
        raise Slow("there can be too many ways to match this", _ADVICE)
    return shape


class _Shapes:
    def __init__(self) -> None:
        self.ambiguity = Ambiguity()

    def of(self, node: Node) -> Shape:
        match node:
            case Letter(letters):
                return Shape(letters, 0, False, True, _ONE, _ONE, _ONE, 1, 1)
            case Sequence(()):
                return _EMPTY._replace(work=_ONE)  # it may be an anchor, which fails after every run before it
            case Sequence(parts):
                return self.sequence(parts)
            case Choice(parts):
                return _choice([self.of(part) for part in parts])
            case Repeat(body, 0, 1):
                return _optional(self.of(body))
            case Repeat():
                return self.repeat(node)
            case Look(body):
                return _EMPTY._replace(work=_look(self.of(body)))

    def sequence(self, parts: tuple[Node, ...]) -> Shape:
        whole = _EMPTY
        position = 0
        while position < len(parts):
            if _is_guarded(parts[position : position + 3]):
                shape = self.guarded(parts[position], parts[position + 2])
                position += 3
            else:
                run = _run_of_letters(parts, position)
                shape = _text(run) if run else self.of(parts[position])
                position += max(1, len(run))
            whole = _then(whole, shape)
        return whole

    def guarded(self, before: Node, after: Node) -> Shape:
        """One repeat, a lookbehind and another repeat, as in ``.*?(?<!\\\\)(\\\\\\\\)*?``.

        Where the lookbehind forbids all that the second repeat reads, this can start only once in a stretch of such
        characters, so that the work of all its starts together is that of going through the text.
        """
        one, two = self.of(before), self.of(after)
        return _then(one, two)._replace(is_decided=False, ends=Bound(2, 1), lanes=Bound(2, 1), work=Bound(2, 1))

    def repeat(self, node: Repeat) -> Shape:
        body = self.of(node.body)
        low, high = node.low, node.high
        size = body.size * (max(low, 1) if high is None else high)
        if size > _MOST_SIZE:
            raise Refused("the repeats of this regular expression come to over 10,000 characters", "repeat less often")
        if high == 0:
            return _EMPTY
        if not node.is_loop:
            return body
        if body.is_nullable:
            raise Slow(
                "what is repeated here can match nothing, so that there can be exponentially many ways to repeat it",
                "leave the ? or * inside out: the repeat around it is enough",
            )
        is_decided = body.is_decided and not body.more & body.first
        if not is_decided and self.ambiguity.is_in(node.body):
            raise Slow(
                "what is repeated here can match one text in two ways, so that matching can take exponential time",
                "write it so that the next character decides, as in a+ for (a+)+ or (a|b)+ for (a|ab|b)+",
            )
        more = body.more if low == high else body.more | body.first
        shape = body._replace(more=more | (0 if low else body.first), size=size)
        shape = shape._replace(is_nullable=low == 0, is_decided=is_decided)
        return _one_run(shape, node) if is_decided else _some_runs(shape, node)


def _look(body: Shape) -> Bound:
    if body.work.factor > _MOST_FACTOR:
        raise Slow("this regular expression looks ahead or behind for too much", "look for less, in fewer ways")
    return body.work + _ONE


def _one_run(shape: Shape, node: Repeat) -> Shape:
    """Costs of a repeat in which the next character decides; ``shape`` has those of one round."""
    ends, work = _LENGTH, _LENGTH
    if node.high is not None and node.high - node.low < _LOOP and not shape.ends.degree:
        ends = shape.ends * Bound(node.high - node.low + 1)
    if node.high is not None and node.high <= _LOOP and not shape.work.degree:
        work = shape.work * Bound(node.high)
    return shape._replace(ends=ends, lanes=_ONE, work=work)


def _some_runs(shape: Shape, node: Repeat) -> Shape:
    """Costs of another repeat: as it is not ambiguous, only one run comes to each place of it at one character."""
    length = _LENGTH
    if node.high is not None and node.high <= _LOOP and not shape.work.degree:
        length = shape.work * Bound(node.high)
    return shape._replace(ends=length + _ONE, lanes=length + _ONE, work=length * Bound(shape.places))


def _optional(body: Shape) -> Shape:
    return body._replace(
        more=body.more | body.first,
        is_nullable=True,
        is_decided=body.is_decided and not body.is_nullable,
        ends=body.ends + _ONE,
        lanes=body.lanes + _ONE if body.is_nullable else body.lanes,
        work=body.work + _ONE,
    )


def _text(parts: list[Letter]) -> Shape:
    count = len(parts)
    return Shape(parts[0].letters, 0, False, True, _ONE, _ONE, Bound(count), count, count)


def _then(one: Shape, two: Shape) -> Shape:
    """One part and another after it."""
    tells = not one.more & two.first
    is_decided = one.is_decided and two.is_decided and tells
    # The next character tells nothing to a part that does not read it, in one way or several.
    is_told = tells and two.first > 0 and (two.is_decided or not two.is_nullable)
    going_on = one.lanes if is_told else one.ends
    ends, lanes, work = going_on * two.ends, going_on * two.lanes, one.work + going_on * two.work
    if two.is_nullable and is_told:  # all ends of the first are ends of both
        ends += one.ends
    if is_decided:
        ends, lanes, work = _at_most_length(ends), _ONE, _at_most_length(work)
    return Shape(
        one.first | two.first if one.is_nullable else one.first,
        one.more | two.more if two.is_nullable else two.more,
        one.is_nullable and two.is_nullable,
        is_decided,
        ends,
        lanes,
        work,
        one.size + two.size,
        one.places + two.places,
    )


def _at_most_length(bound: Bound) -> Bound:
    """The bound where there is only one run, which cannot read more than the text."""
    return _LENGTH if bound.degree else bound


def _choice(parts: list[Shape]) -> Shape:
    empty, first, is_decided = 0, 0, True
    for part in parts:
        is_decided = is_decided and part.is_decided and not first & part.first
        first |= part.first
        empty += part.is_nullable
    is_decided = is_decided and empty < 2
    more = reduce(int.__or__, [part.more for part in parts], first if empty else 0)
    ends, work = _sum(part.ends for part in parts), _sum(part.work for part in parts)
    if is_decided:  # only one of the alternatives goes on, and the empty one ends before it
        ends = reduce(Bound.largest, [part.ends for part in parts]) + Bound(empty)
        work = reduce(Bound.largest, [part.work for part in parts])
    return Shape(
        first,
        more,
        empty > 0,
        is_decided,
        ends,
        _ONE if is_decided else _sum(part.lanes for part in parts),
        work,
        sum(part.size for part in parts),
        sum(part.places for part in parts),
    )


def _sum(bounds: Iterable[Bound]) -> Bound:
    return reduce(Bound.__add__, bounds, Bound(0))


def _run_of_letters(parts: tuple[Node, ...], start: int) -> list[Letter]:
    found: list[Letter] = []
    while start < len(parts):
        part = parts[start]
        if not isinstance(part, Letter):
            break
        found.append(part)
        start += 1
    return found


def _is_guarded(parts: tuple[Node, ...]) -> bool:
    match parts:
        case (Repeat(Letter()), Look(Letter(forbidden), True, True), Repeat(Letter() | Sequence()) as after):
            inner = after.body.parts if isinstance(after.body, Sequence) else (after.body,)
            known = 0 if forbidden & LATER else forbidden  # what is exact, not just possible
            return all(isinstance(part, Letter) and not part.letters & ~known for part in inner)
    return False
