"""Masses: how many derivations, or how much of Q, a nonterminal has at some types, by what it gives.

Nothing is drawn. A combinator is run over types once for each way in which its children may answer, and a
child's table says how many derivations answer so. A child that is called several times has one derivation:
its table is joint over its calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from einspec.errors import ShapeError
from einspec.ops.declare import Inputs, Outputs
from einspec.ops.expressions.bounds import within_bounds
from einspec.recursion import deep
from einspec.space.counting.answering import MemberRun, Tables
from einspec.space.counting.calls import (
    Answers,
    Call,
    MassTable,
    NoAnswer,
    Number,
    Promise,
    Room,
    Sizes,
    TooMuch,
    untold,
)
from einspec.space.deriving.evaluation import check_root
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.table import legal_members
from einspec.space.members.environment import EMPTY, Environment
from einspec.space.members.layout import Option, Structure, TooLong
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.odometer import Odometer
from einspec.space.members.open_member import LaidOutMember, OpenMember
from einspec.space.members.skeletons import least_nodes, most_nodes

MOST_RUNS = 300_000
"""Runs of combinators in one computation, a few seconds of work."""

_REMEMBERED = 16
Weigh = Callable[[Nonterminal, Member, Inputs, Environment], Number]
"""What one choice counts for, at the types of its first call."""


_NOTHING = MassTable()


def one(nonterminal: Nonterminal, member: Member, inputs: Inputs, environment: Environment) -> int:
    """Each choice counts once."""
    return 1


def exact_share(nonterminal: Nonterminal, member: Member, inputs: Inputs, environment: Environment) -> Fraction:
    """The probability of a choice among the members that apply."""
    return member.share / legal_members(nonterminal, inputs, environment).exact_total


def share(nonterminal: Nonterminal, member: Member, inputs: Inputs, environment: Environment) -> float:
    """The same, rounded."""
    return member.weight / legal_members(nonterminal, inputs, environment).total


class Masses(Tables):
    """Tables of one space, for one way of weighing choices. ``max_nodes`` is None where sizes do not matter."""

    def __init__(self, space: Ground, weigh: Weigh, max_nodes: int | None, most_runs: int = MOST_RUNS):
        self.space = space
        self.weigh = weigh
        self.max_nodes = max_nodes
        self.least = least_nodes(space.start)
        self.runs = 0
        self.most_runs = most_runs
        self.tables: dict[object, MassTable] = {}

    def by_output(self, max_depth: int) -> dict[Outputs, Sizes]:
        """What whole architectures of at most this depth give. Raises ``TooMuch``."""
        table = self.table(self.space.start, (Call(self.space.inputs, EMPTY),), (max_depth, self.max_nodes))
        for answers in table:
            check_root(self.space.start.members[0], untold(answers[0]))
        return {untold(answers[0]): _added(entry.values()) for answers, entry in table.items()}

    def spend(self, runs: int) -> None:
        """Counts work. Raises ``TooMuch`` when it is too much."""
        self.runs += runs
        if self.runs > self.most_runs:
            raise TooMuch(f"it takes more than {self.most_runs:,} runs of combinators")

    def need_no_order(self, why: str) -> None:
        """Raises ``TooMuch`` where it matters which call of a bound child is its first: there it is drawn."""
        if self.weigh is not one:
            raise TooMuch(f"{why}, and which call comes first is not known")

    def table(self, nonterminal: Nonterminal, calls: tuple[Call, ...], room: Room) -> MassTable:
        """The mass of the derivations of a nonterminal that have room."""
        if room[0] < nonterminal.minimal_depth or (room[1] is not None and room[1] < self.least[nonterminal]):
            return _NOTHING
        key = (nonterminal, calls[0].key if len(calls) == 1 else tuple([call.key for call in calls]), len(calls), room)
        table = self.tables.get(key)
        if table is None:
            table = MassTable()
            for member in nonterminal.members[: nonterminal.positive]:
                for answers, promises, sizes in self._member(nonterminal, member, calls, room):
                    entry = table.setdefault(answers, {})
                    entry[promises] = _added((entry.get(promises, {}), sizes))
                    self.spend(len(entry[promises]) // 16)
            self.tables[key] = table
        return table

    def _member(
        self, nonterminal: Nonterminal, member: Member, calls: tuple[Call, ...], room: Room
    ) -> Iterator[tuple[Answers, tuple[Promise, ...], Sizes]]:
        first = calls[0]
        if not member.always_applies and legal_members(nonterminal, *_at(first)).outcome(member) is None:
            return
        weight = self.weigh(nonterminal, member, *_at(first))
        if member.op is None:
            guard = member.guard
            if guard is not None and not all(guard.holds(call.inputs, call.environment.values) for call in calls):
                return
            for answers, entry in self.table(member.children[0], calls, room).items():
                for promises, sizes in entry.items():
                    yield answers, promises, {size: weight * number for size, number in sizes.items()}
            return
        if isinstance(member, OpenMember):
            for laid_out, options in self._layouts(member, room):
                chance = weight
                for option in options:
                    chance *= self.weigh(option.home, option, (), EMPTY)
                yield from self._runs(laid_out, calls, room, chance)
        else:
            yield from self._runs(member, calls, room, weight)

    def _layouts(self, member: OpenMember, room: Room) -> Iterator[tuple[LaidOutMember, tuple[Option, ...]]]:
        """What an open member can be laid out as, where that has room."""
        for more in member.plan.endless:
            is_drawn = more.home in self.least
            if is_drawn and (room[1] is None or not sum(self.least[symbol] for symbol in more.symbols)):
                raise TooMuch("a repetition has no end")
        odometer = Odometer()
        while True:
            spare = math.inf if room[1] is None else room[1] - 1 - sum(self.least[s] for s in member.symbols)
            try:
                laid_out = member.draw(_RoomyPick(self, odometer, spare, room[0] - 1))
            except NoAnswer:
                self.spend(1)
            except TooLong:
                raise TooMuch("a repetition has no end") from None
            else:
                self.spend(2 * len(laid_out.items))
                yield laid_out, laid_out.options
            if not odometer.advance():
                return

    def _runs(
        self, member: Member, calls: tuple[Call, ...], room: Room, weight: Number
    ) -> Iterator[tuple[Answers, tuple[Promise, ...], Sizes]]:
        """What a member comes to, for each way in which its children may answer."""
        own = 1 if self.max_nodes is not None else 0
        rooms = self._rooms(member, room)
        odometer = Odometer()
        while True:
            self.spend(1)
            run = MemberRun(self, member, rooms, odometer)
            try:
                answers = within_bounds(partial(run.answers, calls))
                for promises, sizes in run.kept():
                    shifted = {
                        size + own: weight * number
                        for size, number in sizes.items()
                        if room[1] is None or size + own <= room[1]
                    }
                    if shifted:
                        yield answers, promises, shifted
            except (ShapeError, NoAnswer):
                pass
            if not odometer.advance():
                return

    def _rooms(self, member: Member, room: Room) -> list[Room]:
        """What is left for each child of a member, if the others are as small as can be."""
        depth, nodes = room
        if nodes is None:
            return [(depth - 1, None)] * len(member.children)
        least = [self.least[child] for child in member.children]
        spare = nodes - 1 - sum(least)
        return [(depth - 1, int(spare + size)) if spare >= 0 else (0, 0) for size in least]


def _at(call: Call) -> tuple[Inputs, Environment]:
    return call.inputs, call.environment


class _RoomyPick:
    """Picks options one after the other, as far as there is room for what they lead to."""

    def __init__(self, masses: Masses, odometer: Odometer, spare: float, depth: int):
        self.masses = masses
        self.odometer = odometer
        self.spare = spare
        self.depth = depth

    def __call__(self, structure: Structure) -> Option:
        self.masses.spend(len(structure.drawn))
        own = self.masses.least[structure]
        fitting = [(option, self.size(option) - own) for option in structure.drawn if option.least_depth <= self.depth]
        fitting = [(option, more) for option, more in fitting if more <= self.spare]
        if not fitting:
            raise NoAnswer
        option, more = fitting[self.odometer.place(len(fitting))]
        self.spare -= more
        assert isinstance(option, Option)
        return option

    def size(self, option: Member) -> float:
        """The fewest nodes of what an option leads to."""
        return sum(self.masses.least[symbol] for symbol in option.symbols)


def _added(masses: Iterable[Sizes]) -> Sizes:
    found: Sizes = {}
    for sizes in masses:
        for size, number in sizes.items():
            found[size] = found.get(size, 0) + number
    return found


def exact_masses(space: Ground, limits: Limits, weigh: Weigh, most_runs: int = MOST_RUNS) -> dict[Outputs, Any] | None:
    """The mass of each output type within the limits; None where types do not tell it, or it would take too long.

    The space remembers the latest answers, those that took too long among them.
    """
    key = (limits.max_nodes, limits.max_depth, limits.max_params, limits.max_macs, weigh, most_runs)
    known = space.remembered(_latest)
    if key not in known:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[key] = _exact_masses(space, limits, weigh, most_runs)
    return known[key]


def _latest(space: Ground) -> dict[object, dict[Outputs, Any] | None]:
    return {}


def _exact_masses(space: Ground, limits: Limits, weigh: Weigh, most_runs: int) -> dict[Outputs, Any] | None:
    if limits.max_params is not None or limits.max_macs is not None:
        return None
    depth = depth_within(space, limits)
    tracks_sizes = limits.max_nodes is not None and most_nodes(space.start, depth) > limits.max_nodes
    masses = Masses(space, weigh, limits.max_nodes if tracks_sizes else None, most_runs)
    try:
        found = deep(depth, lambda: masses.by_output(depth))
    except TooMuch:
        return None
    return {output: sum(sizes.values()) for output, sizes in found.items()}


def depth_within(space: Ground, limits: Limits) -> int:
    """How deep a derivation within the limits can be; one that does not recurse is no deeper than its nonterminals."""
    depth = limits.evaluation_depth
    return depth if space.grammar.count() is None else min(depth, len(space.nonterminals))
