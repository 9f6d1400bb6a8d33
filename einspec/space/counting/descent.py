"""Random descents through a space whose probability is known: what estimates of counts are made of."""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence

from einspec.space.deriving.evaluation import Address, TypedChild
from einspec.space.deriving.table import Table
from einspec.space.drawing.sizes import SizeTable
from einspec.space.members.member import Member, Nonterminal


class Descent(ABC):
    """A chooser that notes the logarithm of the inverse of its probability."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.log_inverse = 0.0

    def begin(self) -> None:
        """Begins a descent."""
        self.log_inverse = 0.0

    @abstractmethod
    def log_counts(self, address: TypedChild, members: Sequence[Member]) -> list[float]:
        """For each member the logarithm of how many derivations begin with it, types left out."""

    def __call__(self, address: Address, nonterminal: Nonterminal, members: Table) -> Member | None:
        assert isinstance(address, TypedChild)
        index = self.pick(self.log_counts(address, members.members))
        if index is None:
            return None
        self.chosen(address, members.members[index])
        return members.members[index]

    @abstractmethod
    def chosen(self, address: TypedChild, member: Member) -> None:
        """Is told of each choice."""

    def pick(self, logs: Sequence[float]) -> int | None:
        """An index by weights whose logarithms are given; None where all of them are 0."""
        top = max(logs, default=-math.inf)
        if math.isinf(top):
            return None  # no derivation begins so, or more than a number can count
        weights = [math.exp(value - top) for value in logs]
        total = math.fsum(weights)
        place = self.rng.random() * total
        chosen = len(weights) - 1
        for index, weight in enumerate(weights):
            place -= weight
            if place < 0:
                chosen = index
                break
        while not weights[chosen]:  # rounding never ends at what has no derivation
            chosen -= 1
        self.log_inverse += math.log(total / weights[chosen])
        return chosen


class DeepDescent(Descent):
    """By the number of derivations within a depth."""

    def __init__(self, rng: random.Random, counts: dict[tuple[Nonterminal, int], float], depth: int):
        super().__init__(rng)
        self.counts = counts
        self.depth = depth

    def log_counts(self, address: TypedChild, members: Sequence[Member]) -> list[float]:
        left = self.depth - address.depth + 1
        return [self.log_count(member, left) for member in members]

    def chosen(self, address: TypedChild, member: Member) -> None:
        """The depth that is left stands in the address: nothing to note."""

    def log_count(self, member: Member, left: int) -> float:
        """The logarithm of the number of derivations that begin with a member."""
        below = left if member.is_transparent else left - 1
        if below < 0:
            return -math.inf
        return sum(self.counts.get((child, below), -math.inf) for child in member.children)


class SizedDescent(Descent):
    """By the number of derivations of a size, which is drawn first."""

    def __init__(self, rng: random.Random, sizes: SizeTable):
        super().__init__(rng)
        self.sizes = sizes
        self.totals = [sizes.log_mass(sizes.start, size) for size in range(1, sizes.most + 1)]
        self.size = 0

    def begin(self) -> None:
        super().begin()
        index = self.pick(self.totals)
        self.size = 0 if index is None else index + 1

    def log_counts(self, address: TypedChild, members: Sequence[Member]) -> list[float]:
        size = self.size if address.parent is None else address.parent.plan[address.index]
        return [self.sizes.log_beginning(member, size) for member in members]

    def chosen(self, address: TypedChild, member: Member) -> None:
        if member.is_transparent or not member.children:
            return
        size = self.size if address.parent is None else address.parent.plan[address.index]
        left, sizes = size - 1, []
        for place in range(len(member.children) - 1):
            logs = self.sizes.log_shares(member.children, place, left)
            index = self.pick(logs)
            assert index is not None, "a member without derivations of the size is never chosen"
            sizes.append(index + 1)
            left -= index + 1
        address.plan = (*sizes, left)
