"""One way in which the children of a combinator may answer: it is run over types, and each answer is one that there is.

The tables say what children can give; the run notes what they gave, and comes to the mass of the derivations that give
it. What is bound is promised to give something where it is called, and the node of the ``let`` keeps the promise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import product
from math import prod

from einspec.ops.control import Child
from einspec.ops.declare import Outputs
from einspec.space.counting.calls import (
    Answer,
    Answers,
    Bound,
    Call,
    Entry,
    MassTable,
    NoAnswer,
    Promise,
    Room,
    Sizes,
    TooMuch,
    told,
    untold,
)
from einspec.space.deriving.evaluation import no_single_value
from einspec.space.members.environment import Environment
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.odometer import Odometer
from einspec.types import Type

_PRODUCTS = 8
"""Combinations of what children answer that take about as long as one run."""


class Tables(ABC):
    """What a run asks for the mass of children. ``max_nodes`` is None where sizes do not matter."""

    max_nodes: int | None

    @abstractmethod
    def table(self, nonterminal: Nonterminal, calls: tuple[Call, ...], room: Room) -> MassTable:
        """The mass of the derivations of a nonterminal that have room."""

    @abstractmethod
    def spend(self, runs: int) -> None:
        """Counts work. Raises ``TooMuch`` when it is too much."""

    @abstractmethod
    def need_no_order(self, why: str) -> None:
        """Raises ``TooMuch`` where it matters which call of a bound child is its first: there it is drawn."""


class MemberRun:
    """One way in which the children of a member may answer."""

    def __init__(self, masses: Tables, member: Member, rooms: list[Room], odometer: Odometer):
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

    def answers(self, calls: Iterable[Call]) -> Answers:
        """What the member gives at each call, as tables are keyed by."""
        return tuple([told(self.answer(call)) for call in calls])

    def answer(self, call: Call) -> Outputs:
        """What the member gives at a call."""
        member, environment = self.member, call.environment
        assert member.op is not None
        if member.is_leaf(environment):
            outputs = member.outcome(call.inputs, environment)
            if outputs is None:
                raise NoAnswer
            return outputs
        member.check_guard(call.inputs, environment)
        attributes = member.attributes(environment)
        for name in member.reads:
            bound = environment.bindings.get(name)
            if isinstance(bound, Bound):
                attributes[name] = _Promised(self, bound, environment)
            elif bound is not None:
                raise TooMuch("what is bound is passed on under another name")
        handles = member.arranged([_Handle(child, environment) for child in self.children])
        return member.checked(member.op.call(call.inputs, member.args, handles, attributes))  # type: ignore[union-attr]

    def pick(self, options: list[Answer]) -> Answer:
        """The next of these answers."""
        if not options:
            raise NoAnswer
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
        demands: dict[int, tuple[_Answering, list[tuple[Call, Answer]]]] = {}
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

    def __init__(self, run: MemberRun, index: int, nonterminal: Nonterminal, room: Room):
        self.run = run
        self.index = index
        self.nonterminal = nonterminal
        self.room = room
        self.calls: list[Call] = []
        self.keys: list[object] = []
        self.answers: list[Answer] = []
        self.bound_key: object = None
        self.tied: set[object] = set()

    def misfit(self, value: object) -> Exception:
        """The error for an input that is no single value."""
        return no_single_value(f"its child {self.index + 1}, {self.nonterminal.name},", value)

    def answer(self, call: Call) -> Outputs:
        """The answer to a call; calls that are the same have the same."""
        key = call.key
        if key in self.keys:
            return untold(self.answers[self.keys.index(key)])
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
        return untold(self.answers[-1])

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
                raise self.child.misfit(value)
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


class _Promised(Child):
    """A bound child as the op that reads it sees it: each answer that it could give is tried, and noted."""

    __slots__ = ("bound", "run", "site")

    def __init__(self, run: MemberRun, bound: Bound, site: Environment):
        self.run = run
        self.bound = bound
        self.site = site

    def __call__(self, *inputs: Type, **attributes: object) -> Outputs:
        environment = self.bound.environment.at(self.site)
        call = Call(inputs, _with_bound(environment.extended(attributes) if attributes else environment))
        known = self.run.promised.get((self.bound.key, call.key))
        if known is not None:
            return untold(known[2])
        if self.bound.is_tied:
            raise TooMuch("a bound child is tied, and only the graph tells which of its calls fit")
        table = self.run.masses.table(self.bound.nonterminal, (call,), self.bound.room)
        outputs = self.run.pick(table.options(()))
        promise = self.run.promised[(self.bound.key, call.key)] = (self.bound, call, outputs)
        self.run.events.append(promise)
        return untold(outputs)

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
