"""Legality: which members of a nonterminal apply to the types at hand, and with what probability."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import overload

from einspec.ops.declare import Outputs
from einspec.space.environment import Environment
from einspec.space.member import Member, Nonterminal
from einspec.types import Type

_REMEMBERED = 10_000
"""Tables kept per nonterminal; emptied when full, so that memory is bounded."""


class Table(Sequence[Member]):
    """The members that apply, as a sequence: those that are drawn, then those of weight 0.

    A primitive applies when its type rule accepts; an alternative with children always does. ``cumulative``
    holds the running sums of the weights of the ``positive`` first ones, ``total`` the last of them.
    """

    __slots__ = (
        "_environment",
        "_inputs",
        "_parse_only",
        "cumulative",
        "members",
        "nonterminal",
        "outputs",
        "positive",
        "total",
    )

    def __init__(self, nonterminal: Nonterminal, inputs: tuple[Type, ...], environment: Environment):
        self.nonterminal = nonterminal
        self._inputs, self._environment = inputs, environment
        self._parse_only: list[Member] | None = None
        members: list[Member] = []
        outputs: list[Outputs | None] = []
        for member in nonterminal.members[: nonterminal.positive]:
            if not member.is_leaf(environment):
                members.append(member)
                outputs.append(None)
            elif (found := member.accept(inputs, environment)) is not None:
                members.append(member)
                outputs.append(found)
        self.outputs = tuple(outputs)
        self.positive = len(members)
        self.members, self.cumulative = _shared(nonterminal, tuple(members))
        self.total = self.cumulative[-1] if self.cumulative else 0.0

    @property
    def parse_only(self) -> list[Member]:
        """The members of weight 0 that apply."""
        if self._parse_only is None:
            self._parse_only = [
                member
                for member in self.nonterminal.members[self.nonterminal.positive :]
                if not member.is_leaf(self._environment) or member.outcome(self._inputs, self._environment) is not None
            ]
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


def _shared(nonterminal: Nonterminal, members: tuple[Member, ...]) -> tuple[tuple[Member, ...], tuple[float, ...]]:
    """The members with the running sums of their weights. Few subsets occur, so tables share them."""
    cumulative = nonterminal.subsets.get(members)
    if cumulative is None:
        cumulative = members, tuple(accumulate(member.weight for member in members))
        if len(nonterminal.subsets) >= _REMEMBERED:
            nonterminal.subsets.clear()
        nonterminal.subsets[members] = cumulative
    return cumulative


def legal_members(nonterminal: Nonterminal, inputs: tuple[Type, ...], environment: Environment) -> Table:
    """The table of a nonterminal at these types. Remembered."""
    if nonterminal.only_table is not None:
        return nonterminal.only_table
    key = inputs if environment.key is None else (inputs, environment.key)
    table = nonterminal.tables.get(key)
    if table is None:
        table = Table(nonterminal, inputs, environment)
        if all(member.has_children for member in nonterminal.members):
            nonterminal.only_table = table
            return table
        if len(nonterminal.tables) >= _REMEMBERED:
            nonterminal.tables.clear()
        nonterminal.tables[key] = table
    return table
