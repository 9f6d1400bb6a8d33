"""Sizes: skeletons of exactly so many nodes, drawn by the recursive method.

How much weight the derivations of each size have follows from those of smaller ones, types left out; a
derivation of a size is then drawn from the top, each choice together with how the nodes are shared out below
(Flajolet, Zimmermann and Van Cutsem, A calculus for the random generation of labelled combinatorial
structures, 1994). Where alternatives with children always apply beside each other, a skeleton has the same
probability whatever the types, so that skeletons of a size, filled in by types and begun anew at a dead end,
follow Q(. | success, size) exactly.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from einspec.space.deriving.choosers import RandomChooser
from einspec.space.deriving.evaluation import Address, TypedChild
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.table import Table
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.skeletons import drawn, reachable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_FIRST = 64
"""Sizes by which the growth of the masses is measured."""


MOST_SIZES = 4096
"""The largest size of a table: its work grows with the square."""


def mixed(start: Nonterminal) -> list[str]:
    """The rules that have alternatives with children beside others without: there, types decide on sizes too."""
    return sorted({n.name for n in reachable(start) if _is_mixed(drawn(n))})


def _is_mixed(members: list[Member]) -> bool:
    kinds = {member.has_children for member in members}
    return len(kinds) > 1 or any(member.has_children and member.guard is not None for member in members)


def open_rules(start: Nonterminal) -> list[str]:
    """The rules that have groups or repetitions with children: sizes are not drawn first there."""
    return sorted({n.name for n in reachable(start) if any(m.is_open and not n.is_structural for m in drawn(n))})


def size_table(space: Ground, most: int) -> SizeTable:
    """The weight of derivations by size, types left out, up to a size at least; remembered.

    Tables of few sizes are kept apart: what a seed draws must not depend on which sizes were asked for before.
    """
    tables, rounded = space.remembered(_size_tables), 1 << (most - 1).bit_length()
    if rounded not in tables:
        tables[rounded] = SizeTable(space.start, rounded, lambda member: member.weight)
    return tables[rounded]


def _size_tables(space: Ground) -> dict[int, SizeTable]:
    return {}


class SizeTable:
    """Masses of skeletons by size: ``mass[nonterminal][n]`` for n nodes, up to a common factor z^n.

    ``weight`` is what a choice counts for. The factor keeps the numbers in range; given the size it cancels.
    """

    def __init__(self, start: Nonterminal, most: int, weight: Callable[[Member], float]):
        self.start = start
        self.weight = weight
        self.nonterminals = reachable(start)
        self.scale = 1.0
        if most > _FIRST:
            few = _Masses(self, _FIRST)
            self.scale = few.growth()
        masses = _Masses(self, most)
        self.most = most
        self.mass = masses.mass
        self.suffixes = masses.suffixes

    def log_mass(self, nonterminal: Nonterminal, size: int) -> float:
        """The logarithm of a mass, without the factor; -inf for none."""
        return self._log(float(self.mass[nonterminal][size]), size)

    def log_beginning(self, member: Member, size: int) -> float:
        """The logarithm of the mass of the derivations of a size that begin with a member."""
        if member.is_transparent:
            return math.log(self.weight(member)) + self.log_mass(member.children[0], size)
        if not member.children:
            return math.log(self.weight(member)) if size == 1 else -math.inf
        return math.log(self.weight(member)) + self._log(float(self.suffixes[member.children][0][size - 1]), size - 1)

    def log_shares(self, children: tuple[Nonterminal, ...], place: int, total: int) -> list[float]:
        """For each size of a child, from 1, the logarithm of the mass of it and of the rest of so many nodes."""
        weights = self.mass[children[place]][1:total] * self.suffixes[children][place + 1][total - 1 : 0 : -1]
        return [self._log(float(weight), total) for weight in weights]

    def _log(self, mass: float, size: int) -> float:
        return math.log(mass) - size * math.log(self.scale) if mass > 0 else -math.inf

    def shares(self, least: int, most: int) -> list[float]:
        """The masses of whole derivations of these sizes, up to a factor that is the same for all."""
        logs = [self.log_mass(self.start, size) for size in range(least, min(most, self.most) + 1)]
        top = max(logs, default=-math.inf)
        return [math.exp(log - top) if log > -math.inf else 0.0 for log in logs]


class _Masses:
    """One computation of all masses up to a size."""

    def __init__(self, table: SizeTable, most: int):
        import numpy as np

        self.table = table
        self.most = most
        self.mass: dict[Nonterminal, Floats] = {n: np.zeros(most + 1) for n in table.nonterminals}
        self.suffixes: dict[tuple[Nonterminal, ...], list[Floats]] = {}
        self.groups = {n: _groups(n, table.weight) for n in table.nonterminals}
        for groups in self.groups.values():
            for children in groups:
                if children not in self.suffixes:
                    self.suffixes[children] = [np.zeros(most + 1) for _ in children]
        for size in range(1, most + 1):
            self.grow(size)

    def grow(self, size: int) -> None:
        """All masses of one size, from those of smaller ones."""
        below = size - 1
        for children, suffixes in self.suffixes.items():
            suffixes[-1][below] = self.mass[children[-1]][below]
            for place in range(len(children) - 2, -1, -1):
                left, right = self.mass[children[place]], suffixes[place + 1]
                suffixes[place][below] = left[1:below] @ right[below - 1 : 0 : -1] if below > 1 else 0.0
        for nonterminal, groups in self.groups.items():
            total = 0.0
            for member in drawn(nonterminal):
                if member.is_transparent:
                    total += self.table.weight(member) * self.mass[member.children[0]][size]
                elif not member.children and size == 1:
                    total += self.table.weight(member) * self.table.scale
            for children, weight in groups.items():
                total += weight * self.table.scale * self.suffixes[children][0][below]
            self.mass[nonterminal][size] = total

    def growth(self) -> float:
        """The factor per node that keeps masses about as large as the first ones."""
        mass = self.mass[self.table.start]
        sizes = [size for size in range(1, self.most + 1) if mass[size] > 0]
        if len(sizes) < 2 or sizes[-1] < self.most // 2:
            return 1.0
        last = sizes[-1]
        middle = min(sizes, key=lambda size: abs(size - last // 2))
        if middle == last:
            return 1.0
        return float((mass[middle] / mass[last]) ** (1 / (last - middle)))


def _groups(nonterminal: Nonterminal, weight: Callable[[Member], float]) -> dict[tuple[Nonterminal, ...], float]:
    """The weight of the members with children, by what children they have."""
    groups: dict[tuple[Nonterminal, ...], float] = {}
    for member in drawn(nonterminal):
        if member.children and not member.is_transparent:
            groups[member.children] = groups.get(member.children, 0.0) + weight(member)
    return groups


class SizedChooser:
    """Draws skeletons of a size, and members without children by their probability among those that apply.

    ``address.plan`` of a node holds how many nodes each of its children gets.
    """

    def __init__(self, table: SizeTable, rng: random.Random):
        self.table = table
        self.rng = rng
        self.size = 0
        self.leaf = RandomChooser(rng)

    def begin(self, least: int, most: int) -> int:
        """Draws the size of the next attempt; 0 where no derivation has any of these sizes."""
        totals = list(accumulate(self.table.shares(least, most)))
        if not totals or totals[-1] <= 0:
            return 0
        self.size = least + bisect_right(totals, self.rng.random() * totals[-1], 0, len(totals) - 1)
        return self.size

    def __call__(self, address: Address, nonterminal: Nonterminal, members: Table) -> Member | None:
        assert isinstance(address, TypedChild)
        if not nonterminal.always_applies:
            return self.leaf(address, nonterminal, members)
        size = self.size if address.parent is None else address.parent.plan[address.index]
        masses = [self.mass(member, size) for member in members.members]
        sums = list(accumulate(masses))
        member = members.members[bisect_right(sums, self.rng.random() * sums[-1], 0, len(sums) - 1)]
        if not member.is_transparent:
            address.plan = self.shares(member.children, size - 1)
        return member

    def mass(self, member: Member, size: int) -> float:
        """The mass of the derivations of a size that begin with a member with children."""
        weight = self.table.weight(member)
        if member.is_transparent:
            return weight * float(self.table.mass[member.children[0]][size])
        return weight * self.table.scale * float(self.table.suffixes[member.children][0][size - 1])

    def shares(self, children: tuple[Nonterminal, ...], total: int) -> tuple[int, ...]:
        """How many of so many nodes each child gets."""
        sizes: list[int] = []
        suffixes = self.table.suffixes[children]
        for place in range(len(children) - 1):
            mass = self.table.mass[children[place]]
            weights = mass[1:total] * suffixes[place + 1][total - 1 : 0 : -1]
            sums: Any = weights.cumsum()
            index = int(sums.searchsorted(self.rng.random() * sums[-1], side="right"))
            sizes.append(min(index, len(sums) - 1) + 1)
            total -= sizes[-1]
        return (*sizes, total)
