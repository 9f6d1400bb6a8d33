"""Masses: how many derivations, or how much of Q, a nonterminal has at some types, by what it gives.

Nothing is drawn. A combinator is run over types once for each way in which its children may answer, and a
child's table says how many derivations answer so. A child that is called several times has one derivation:
its table is joint over its calls. What ``let`` has bound is called from below by name: a table then also says
what it was promised of those calls, and the node of the ``let`` keeps the promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from einspec.errors import ShapeError
from einspec.ops.control import Child
from einspec.ops.declare import Outputs
from einspec.recursion import deep
from einspec.space.deriving.derive import Inputs
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.table import legal_members
from einspec.space.members.environment import EMPTY, Environment
from einspec.space.members.layout import Option, Structure, TooLong
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.odometer import Odometer
from einspec.space.members.open_member import LaidOutMember, OpenMember
from einspec.space.members.skeletons import least_nodes, most_nodes
from einspec.types import Type

MOST_RUNS = 300_000
"""Runs of combinators in one computation, a few seconds of work."""

_REMEMBERED = 16
_PRODUCTS = 8
"""Combinations of what children answer that take about as long as one run."""

Number = Any
"""A whole number, a fraction, or a rounded one."""
Sizes = dict[int, Number]
"""By number of nodes; everything under 0 where sizes do not matter."""
Room = tuple[int, int | None]
"""The depth and the number of nodes that a derivation may have; None where sizes do not matter."""
Weigh = Callable[[Nonterminal, Member, Inputs, Environment], Number]
"""What one choice counts for, at the types of its first call."""


class TooMuch(Exception):
    """The computation would take more runs than it may, or needs what types do not tell. ``args[0]`` says which."""


class _DeadEnd(Exception):
    """No derivation goes on from here."""


class Call:
    """Inputs and attributes of a call. ``key`` tells calls apart."""

    __slots__ = ("environment", "inputs", "key")

    def __init__(self, inputs: Inputs, environment: Environment):
        self.inputs = inputs
        self.environment = environment
        self.key: object = inputs if environment.key is None else (inputs, environment_key(environment))


def environment_key(environment: Environment) -> object:
    """Tells environments apart, also by what their names are bound to."""
    bound = tuple(sorted((name, child.key) for name, child in environment.bindings.items() if isinstance(child, Bound)))
    return environment.key, bound


Promise = tuple["Bound", Call, Outputs]
"""A bound child, a call of it, and what it is promised to give."""
Answers = tuple[Outputs, ...]
"""What each call gives, in the order of the calls."""
Entry = dict[tuple[Promise, ...], Sizes]


class MassTable(dict[Answers, Entry]):
    """The mass of derivations by what their calls give, and what that is promised."""

    def __init__(self) -> None:
        super().__init__()
        self._options: dict[Answers, list[Outputs]] | None = None

    def options(self, known: Answers) -> list[Outputs]:
        """What the last call can give where the others give this."""
        if self._options is None:
            self._options = {}
            for answers in self:
                self._options.setdefault(answers[:-1], []).append(answers[-1])
            self._options = {given: list(dict.fromkeys(options)) for given, options in self._options.items()}
        return self._options.get(known, [])


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


class Masses:
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
        return {answers[0]: _added(entry.values()) for answers, entry in table.items()}

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
        if not member.has_children and legal_members(nonterminal, *_at(first)).outcome(member) is None:
            return
        weight = self.weigh(nonterminal, member, *_at(first))
        if member.op is None:
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
            except _DeadEnd:
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
            run = _MemberRun(self, member, rooms, odometer)
            try:
                answers = tuple(run.answer(call) for call in calls)
                for promises, sizes in run.kept():
                    shifted = {
                        size + own: weight * number
                        for size, number in sizes.items()
                        if room[1] is None or size + own <= room[1]
                    }
                    if shifted:
                        yield answers, promises, shifted
            except (ShapeError, _DeadEnd):
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
            raise _DeadEnd
        option, more = fitting[self.odometer.place(len(fitting))]
        self.spare -= more
        assert isinstance(option, Option)
        return option

    def size(self, option: Member) -> float:
        """The fewest nodes of what an option leads to."""
        return sum(self.masses.least[symbol] for symbol in option.symbols)


def _at(call: Call) -> tuple[Inputs, Environment]:
    return call.inputs, call.environment


class _MemberRun:
    """One way in which the children of a member may answer."""

    def __init__(self, masses: Masses, member: Member, rooms: list[Room], odometer: Odometer):
        self.masses = masses
        self.member = member
        self.odometer = odometer
        self.children = [
            _Answering(self, i, nonterminal, room)
            for i, (nonterminal, room) in enumerate(zip(member.children, rooms, strict=True))
        ]
        self.order: list[_Answering] = []
        self.events: list[_Answering | Promise] = []
        """First calls of children and promises of its own, in order: a bound child is drawn at its first call."""
        self.promised: dict[object, Promise] = {}

    def answer(self, call: Call) -> Outputs:
        """What the member gives at a call."""
        member, environment = self.member, call.environment
        assert member.op is not None
        if member.is_leaf(environment):
            outputs = member.outcome(call.inputs, environment)
            if outputs is None:
                raise _DeadEnd
            return outputs
        attributes = member.attributes(environment)
        for name in member.reads:
            bound = environment.bindings.get(name)
            if isinstance(bound, Bound):
                attributes[name] = _Promised(self, bound, environment)
            elif bound is not None:
                raise TooMuch("what is bound is passed on under another name")
        handles = member.arranged([_Handle(child, environment) for child in self.children])
        return member.checked(member.op.call(call.inputs, member.args, handles, attributes))  # type: ignore[union-attr]

    def pick(self, options: list[Outputs]) -> Outputs:
        """The next of these answers."""
        if not options:
            raise _DeadEnd
        return options[self.odometer.place(len(options))]

    def kept(self) -> Iterator[tuple[tuple[Promise, ...], Sizes]]:
        """The mass of the children that answer so, by what has been promised to them from further above."""
        entries = [child.entry() for child in self.order]
        own = {child.bound_key: child for child in self.children if child.bound_key is not None}
        self.masses.spend(prod(map(len, entries)) // _PRODUCTS)
        for chosen in product(*[entry.items() for entry in entries]):
            promises: dict[object, Promise] = {}
            sizes: Sizes = {0: 1}
            is_consistent = True
            given_by = dict(zip(map(id, self.order), chosen, strict=True))
            for event in self.events:
                if isinstance(event, tuple):
                    is_consistent &= _agree(promises, [event])
                    continue
                given, mass = given_by[id(event)]
                sizes = self._times(sizes, mass)
                is_consistent &= _agree(promises, given)
                if given and len(event.calls) > 1:
                    self.masses.need_no_order("a child that is called again calls what is bound")
            if is_consistent and sizes:
                yield from self._resolved(promises, sizes, own)

    def _resolved(
        self, promises: dict[object, Promise], sizes: Sizes, own: dict[object, _Answering]
    ) -> Iterator[tuple[tuple[Promise, ...], Sizes]]:
        """Promises of what this member binds become calls of its child; the others go up."""
        called = {id(child) for child in self.order}
        demands: dict[int, tuple[_Answering, list[tuple[Call, Outputs]]]] = {}
        rest: list[Promise] = []
        for bound, call, outputs in promises.values():
            child = own.get(bound.key)
            if child is None:
                rest.append((bound, call, outputs))
            else:
                demands.setdefault(id(child), (child, []))[1].append((call, outputs))
        for child in self.children:
            if id(child) not in called and id(child) not in demands:
                if child.bound_key is None:
                    raise self.member.never_calls(child.index)
                return
        entries: list[Entry] = []
        for child, wanted in demands.values():
            if child.calls:
                raise TooMuch("a child is bound and called as well")
            calls = tuple(call for call, _ in wanted)
            table = self.masses.table(child.nonterminal, calls, child.room)
            entries.append(table.get(tuple(outputs for _, outputs in wanted), {}))
        if rest and any(promises for entry in entries for promises in entry):
            self.masses.need_no_order("what is bound calls what is bound further out")
        self.masses.spend(prod(map(len, entries)) // _PRODUCTS)
        for chosen in product(*[entry.items() for entry in entries]):
            more: dict[object, Promise] = {(promise[0].key, promise[1].key): promise for promise in rest}
            total, is_consistent = sizes, True
            for given, mass in chosen:
                total = self._times(total, mass)
                is_consistent &= _agree(more, given)
            if is_consistent and total:
                yield tuple(more.values()), total

    def _times(self, a: Sizes, b: Sizes) -> Sizes:
        masses, most = self.masses, self.masses.max_nodes
        masses.spend(len(a) * len(b) // 64)
        found: Sizes = {}
        for size, number in a.items():
            for other, factor in b.items():
                if most is None or size + other <= most:
                    found[size + other] = found.get(size + other, 0) + number * factor
        return found


def _agree(promises: dict[object, Promise], more: Iterable[Promise]) -> bool:
    """Adds promises; whether no call is promised two answers."""
    for bound, call, outputs in more:
        known = promises.setdefault((bound.key, call.key), (bound, call, outputs))
        if known[2] != outputs:
            return False
    return True


class _Answering:
    """A child of a member in one run: its calls so far, and how each is answered."""

    def __init__(self, run: _MemberRun, index: int, nonterminal: Nonterminal, room: Room):
        self.run = run
        self.index = index
        self.nonterminal = nonterminal
        self.room = room
        self.calls: list[Call] = []
        self.keys: list[object] = []
        self.answers: list[Outputs] = []
        self.bound_key: object = None
        self.tied: set[object] = set()

    def answer(self, call: Call) -> Outputs:
        """The answer to a call; calls that are the same have the same."""
        key = call.key
        if key in self.keys:
            return self.answers[self.keys.index(key)]
        if not self.calls:
            self.run.order.append(self)
            self.run.events.append(self)
        calls = (*self.calls, call)
        known = tuple(self.answers)
        table = self.run.masses.table(self.nonterminal, calls, self.room)
        options = table.options(known)
        self.calls.append(call)
        self.keys.append(key)
        self.answers.append(self.run.pick(options))
        return self.answers[-1]

    def entry(self) -> Entry:
        """The mass of the derivations that answer so."""
        table = self.run.masses.table(self.nonterminal, tuple(self.calls), self.room)
        return table.get(tuple(self.answers), {})

    def tie(self, call: Call) -> None:
        """Notes a call with weights that others share: types alone do not say whether they can."""
        self.tied.add(call.key)
        if len(self.tied) > 1:
            raise TooMuch("calls of a tied child differ in their types, and only the graph tells which fit")


class _Handle(Child):
    """A child as a combinator sees it at one call."""

    __slots__ = ("child", "environment", "is_tied")

    def __init__(self, child: _Answering, environment: Environment, is_tied: bool = False):
        self.child = child
        self.environment = environment
        self.is_tied = is_tied

    def __call__(self, *inputs: Type, **attributes: object) -> Outputs:
        for value in inputs:
            if type(value) is not Type:
                raise ShapeError("several values are given as one input")
        environment = self.environment.extended(attributes) if attributes else self.environment
        call = Call(inputs, _with_bound(environment))
        if self.is_tied:
            self.child.tie(call)
        return self.child.answer(call)

    def tied(self) -> Child:
        return _Handle(self.child, self.environment, is_tied=True)

    def bound(self) -> Bound:
        """What a name that stands for this child means below."""
        child = self.child
        found = Bound(child.nonterminal, child.index, self.environment, child.room, self.is_tied)
        if child.bound_key not in (None, found.key):
            raise TooMuch("a child is bound more than once, at different attributes")
        child.bound_key = found.key
        return found


class Bound(Child):
    """What ``let`` has bound: a nonterminal, and where its derivation stands."""

    __slots__ = ("environment", "index", "is_tied", "key", "nonterminal", "room")

    def __init__(self, nonterminal: Nonterminal, index: int, environment: Environment, room: Room, is_tied: bool):
        self.nonterminal = nonterminal
        self.index = index
        self.environment = environment
        self.room = room
        self.is_tied = is_tied
        # Bindings nest, and what is bound further out stands in the environment of what is bound further in.
        self.key = (nonterminal.name, index, environment_key(environment), room, is_tied)

    def __call__(self, *inputs: Type, **attributes: object) -> Outputs:
        raise TypeError("a bound child is called where it is read")

    def tied(self) -> Child:
        return Bound(self.nonterminal, self.index, self.environment, self.room, is_tied=True)


class _Promised(Child):
    """A bound child as the op that reads it sees it: each answer that it could give is tried, and noted."""

    __slots__ = ("bound", "run", "site")

    def __init__(self, run: _MemberRun, bound: Bound, site: Environment):
        self.run = run
        self.bound = bound
        self.site = site

    def __call__(self, *inputs: Type, **attributes: object) -> Outputs:
        environment = self.bound.environment.at(self.site)
        call = Call(inputs, _with_bound(environment.extended(attributes) if attributes else environment))
        known = self.run.promised.get((self.bound.key, call.key))
        if known is not None:
            return known[2]
        if self.bound.is_tied:
            raise TooMuch("a bound child is tied, and only the graph tells which of its calls fit")
        table = self.run.masses.table(self.bound.nonterminal, (call,), self.bound.room)
        outputs = self.run.pick(table.options(()))
        promise = self.run.promised[(self.bound.key, call.key)] = (self.bound, call, outputs)
        self.run.events.append(promise)
        return outputs

    def tied(self) -> Child:
        raise TooMuch("a bound child is tied where it is used, and only the graph tells which of its calls fit")


def _with_bound(environment: Environment) -> Environment:
    """The environment with handles of running combinators turned into what their names mean."""
    if not any(isinstance(child, _Handle) for child in environment.bindings.values()):
        return environment
    bindings = {
        name: child.bound() if isinstance(child, _Handle) else child for name, child in environment.bindings.items()
    }
    return Environment(environment.values, bindings)


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
