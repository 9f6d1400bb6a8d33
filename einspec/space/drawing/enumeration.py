"""Enumeration: all derivations within limits, the smallest first, one after the other as they are asked for.

Each pass goes through the derivations of up to so many nodes, choice by choice, and gives those of the size that is
new. What has been chosen so far bounds from below how large a derivation becomes, types left out; so a pass looks at
nothing that becomes too large, and knows the next size that there can be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from einspec.recursion import deep
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.evaluation import Address, TypedChild
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Rejected
from einspec.space.deriving.table import Table
from einspec.space.drawing.sampling import attempt
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.odometer import Odometer
from einspec.space.members.skeletons import least_nodes


def enumerate_space(space: Domain[A], limits: Limits) -> Iterator[A]:
    """All derivations within the limits, each once: by size, those of one size in the order of their choices."""
    known = space.remembered(_least_sizes)
    size = known.of[space.start]
    most = math.inf if limits.max_nodes is None else limits.max_nodes
    while size <= most:
        exact = replace(limits, max_nodes=int(size))
        script = _Script(space, known, int(size), math.inf if limits.max_depth is None else limits.max_depth)
        while True:
            script.begin()
            with suppress(Rejected):
                arch = deep(exact.evaluation_depth, lambda: attempt(space, script, exact))  # noqa: B023
                if arch.derivation.size == size:
                    yield arch
            if not script.odometer.advance():
                break
        size = script.next_size


class _LeastSizes:
    """The fewest nodes of what derives from each nonterminal, and by how many each member makes that more."""

    def __init__(self, space: Ground):
        self.of = least_nodes(space.start)
        self.more: dict[Member, float] = {}

    def more_by(self, member: Member, nonterminal: Nonterminal) -> float:
        """By how many nodes a derivation becomes larger at least, where a member is chosen that is not the smallest."""
        found = self.more.get(member)
        if found is None:
            least = sum(self.of[symbol] for symbol in member.symbols) + (not member.is_transparent)
            found = self.more[member] = least - self.of[nonterminal]
        return found


def _least_sizes(space: Ground) -> _LeastSizes:
    return _LeastSizes(space)


class _Script:
    """A chooser that goes through all derivations up to a size, one script after the other."""

    def __init__(self, space: Ground, known: _LeastSizes, size: int, max_depth: float):
        self.least = known.of[space.start]
        self.known = known
        self.size = size
        self.max_depth = max_depth
        self.odometer = Odometer()
        self.spare = 0.0
        """How many more nodes there may be than what has been chosen needs."""
        self.next_size = math.inf
        """The least size of what was left out for being too large."""

    def begin(self) -> None:
        """Begins an attempt."""
        self.spare = self.size - self.least

    def __call__(self, address: Address, nonterminal: Nonterminal, members: Table) -> int:
        assert isinstance(address, TypedChild)
        room = self.max_depth - address.depth + 1
        fitting = []
        for index, member in enumerate(members.members):
            if member.least_depth > room:
                continue
            more = self.known.more_by(member, nonterminal)
            if more <= self.spare:
                fitting.append((index, more))
            else:
                self.next_size = min(self.next_size, self.size - self.spare + more)
        if not fitting:
            return -1
        index, more = fitting[self.odometer.place(len(fitting))]
        self.spare -= more
        return index
