"""Legality: which members of a nonterminal apply to the types at hand, and with what probability."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any, overload

from einspec.ops.declare import Outputs
from einspec.ops.expressions.bounds import is_counting, within_bounds
from einspec.space.members.environment import Environment
from einspec.space.members.member import Member, Nonterminal
from einspec.types import Type

_REMEMBERED = 30_000
"""Tables kept per nonterminal; emptied when full, so that memory is bounded."""

_PROPOSALS = range(2)
"""Members drawn before all are looked at."""

UNKNOWN: Any = object()
"""Stands for the outcome of a member that nobody has asked about."""
OPEN: Any = object()
"""Stands for the outcome of a member whose outputs its children decide: it applies always."""

Subset = tuple[tuple[Member, ...], tuple[float, ...], Fraction]
"""Members, the running sums of their weights, and the exact sum."""


class Table(Sequence[Member]):
    """The members that apply, as a sequence: those that are drawn, then those of weight 0.

    A primitive applies when its type rule accepts; an alternative with children where its guard holds, if it has one. A
    type rule is asked when
    somebody wants to know, and ``outcomes`` remembers what it said, by the index of the member.
    """

    __slots__ = ("_environment", "_inputs", "_parse_only", "_subset", "nonterminal", "outcomes")

    def __init__(self, nonterminal: Nonterminal, inputs: tuple[Type, ...], environment: Environment):
        self.nonterminal = nonterminal
        self._inputs, self._environment = inputs, environment
        self.outcomes: list[Any] = [UNKNOWN] * len(nonterminal.members)
        self._subset: Subset | None = None
        self._parse_only: list[Member] | None = None

    def outcome(self, member: Member) -> Outputs | None:
        """The output types of a member that is a leaf; None where it does not apply, ``OPEN`` where it calls others."""
        found: Outputs | None = self.outcomes[member.index]
        if found is UNKNOWN:
            inputs, environment = self._inputs, self._environment
            if member.is_leaf(environment):
                found = member.accept(inputs, environment)
            else:
                applies = member.guard is None or member.guard.holds(inputs, environment.values)
                found = OPEN if applies else None
            self.outcomes[member.index] = found
        return found

    def draw(self, uniform: Callable[[], float]) -> Member | None:
        """A member by its probability among those that apply; None where none does.

        Members are proposed by weight and refused if they do not apply, which comes to the same; after a few refusals
        all are looked at: most apply, and most types are met once. How many numbers are read depends on the members
        alone, never on what tables remember.
        """
        nonterminal = self.nonterminal
        last = nonterminal.last
        if last > 0:
            outcomes = self.outcomes
            for _ in _PROPOSALS:
                index = bisect_right(nonterminal.cumulative, uniform() * nonterminal.total, 0, last)
                outcome = outcomes[index]
                if outcome is UNKNOWN:
                    outcome = self.outcome(nonterminal.members[index])
                if outcome is not None:
                    return nonterminal.members[index]
        applying, cumulative, _ = self.applying
        if len(applying) < 2:
            return applying[0] if applying else None
        return applying[bisect_right(cumulative, uniform() * cumulative[-1], 0, len(applying) - 1)]

    @property
    def applying(self) -> Subset:
        """The members of positive weight that apply, with the sums of their weights."""
        if self._subset is None:
            found = self._applying() if is_counting() else within_bounds(self._applying)
            self._subset = _shared(self.nonterminal, found)
        return self._subset

    def _applying(self) -> tuple[Member, ...]:
        found = []
        for member, outcome in zip(self.nonterminal.drawn, self.outcomes, strict=False):
            if (self.outcome(member) if outcome is UNKNOWN else outcome) is not None:
                found.append(member)
        return tuple(found)

    @property
    def members(self) -> tuple[Member, ...]:
        """The members of positive weight that apply."""
        return self.applying[0]

    @property
    def positive(self) -> int:
        """How many members of positive weight apply."""
        return len(self.applying[0])

    @property
    def cumulative(self) -> tuple[float, ...]:
        """The running sums of their weights."""
        return self.applying[1]

    @property
    def total(self) -> float:
        """The sum of their weights."""
        return self.cumulative[-1] if self.cumulative else 0.0

    @property
    def exact_total(self) -> Fraction:
        """The sum of their weights, exactly."""
        return self.applying[2]

    @property
    def parse_only(self) -> list[Member]:
        """The members of weight 0 that apply."""
        if self._parse_only is None:
            rest = self.nonterminal.members[self.nonterminal.positive :]
            self._parse_only = [member for member in rest if self.outcome(member) is not None]
        return self._parse_only

    def __len__(self) -> int:
        return self.positive + len(self.parse_only)

    def __bool__(self) -> bool:
        return True  # a table, empty or not; its length would look for members that are only parsed

    @overload
    def __getitem__(self, index: int) -> Member: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Member]: ...
    def __getitem__(self, index: int | slice) -> Member | Sequence[Member]:
        if isinstance(index, slice):
            return (*self.members, *self.parse_only)[index]
        if 0 <= index < self.positive:
            return self.members[index]
        return self.parse_only[index - self.positive]


def _shared(nonterminal: Nonterminal, members: tuple[Member, ...]) -> Subset:
    """The members with the sums of their weights. Few subsets occur, so tables share them."""
    subset = nonterminal.subsets.get(members)
    if subset is None:
        exact = sum((member.share for member in members), Fraction(0))
        subset = members, tuple(accumulate(member.weight for member in members)), exact
        if len(nonterminal.subsets) >= _REMEMBERED:
            nonterminal.subsets.clear()
        nonterminal.subsets[members] = subset
    return subset


def legal_members(nonterminal: Nonterminal, inputs: tuple[Type, ...], environment: Environment) -> Table:
    """The table of a nonterminal at these types. Remembered, but for inputs that differ, as merges get them: few of
    those are met twice.
    """
    only: Table | None = nonterminal.only_table
    if only is not None:
        return only
    key = inputs if environment.key is None else (inputs, environment.key)
    table: Table | None = nonterminal.tables.get(key)
    if table is None:
        table = Table(nonterminal, inputs, environment)
        if nonterminal.all_grow:
            nonterminal.only_table = table
            return table
        if inputs and inputs[0] is not inputs[-1]:
            return table
        if len(nonterminal.tables) >= _REMEMBERED:
            nonterminal.tables.clear()
        nonterminal.tables[key] = table
    return table
