"""The most probable architectures: a search over prefixes of choices, the most promising one first.

What a prefix can still come to is bounded by the best that each nonterminal left open could do, so that the
order is exact (A*; Hart, Nilsson and Raphael 1968).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from functools import partial

from einspec.errors import SamplingError
from einspec.recursion import deep
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.evaluation import Address
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Rejected
from einspec.space.deriving.table import Table
from einspec.space.drawing.sampling import attempt
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.skeletons import drawn, reachable

MOST_PREFIXES = 1_000_000
"""Prefixes that wait at one time."""

Prefix = tuple[float, float, tuple[int, ...], tuple[tuple[str, int], ...]]
"""What it can come to at best, its cost so far, its choices, and how many of each nonterminal it leaves open."""


class _Open(Exception):
    """The choices have come to their end here."""

    def __init__(self, nonterminal: Nonterminal, members: Table):
        self.nonterminal = nonterminal
        self.members = members


def most_probable(space: Domain[A], limits: Limits) -> Iterator[A]:
    """All architectures within the limits, those of larger Q first.

    Raises ``SamplingError`` when more than ``MOST_PREFIXES`` beginnings are about as probable.
    """
    best = _best(space.start)
    names = {nonterminal.name: nonterminal for nonterminal in best}
    heap: list[Prefix] = [(best[space.start], 0.0, (), ((space.start.name, 1),))]
    while heap:
        _, cost, choices, left_open = heapq.heappop(heap)
        try:
            arch = deep(limits.evaluation_depth, partial(attempt, space, _Follower(choices), limits))
        except Rejected:
            continue
        except _Open as at:
            for member in at.members.members:
                counts = dict(left_open)
                counts[at.nonterminal.name] -= 1
                for symbol in member.symbols:
                    counts[symbol.name] = counts.get(symbol.name, 0) + 1
                spent = cost - math.log(member.weight / at.members.total)
                rest = math.fsum(best[names[name]] * count for name, count in counts.items())
                still_open = tuple((name, count) for name, count in counts.items() if count)
                heapq.heappush(heap, (spent + rest, spent, (*choices, member.index), still_open))
            if len(heap) > MOST_PREFIXES:
                raise SamplingError(
                    f"the most probable architectures of {space.name} are not found within {MOST_PREFIXES:,} "
                    "beginnings that are about as probable: ask for fewer, or tighten max_nodes and max_depth"
                ) from None
        else:
            yield arch


class _Follower:
    """Repeats choices, and stops where they end."""

    def __init__(self, choices: tuple[int, ...]):
        self.choices = iter(choices)

    def __call__(self, address: Address, nonterminal: Nonterminal, members: Table) -> Member | None:
        index = next(self.choices, None)
        if index is None:
            raise _Open(nonterminal, members)
        return nonterminal.members[index]


def _best(start: Nonterminal) -> dict[Nonterminal, float]:
    """The least cost, in -log Q, that a derivation of each nonterminal may have at any types."""
    nonterminals = reachable(start)
    best: dict[Nonterminal, float] = dict.fromkeys(nonterminals, math.inf)
    changed = True
    while changed:
        changed = False
        for nonterminal in nonterminals:
            always = math.fsum(member.weight for member in drawn(nonterminal) if member.always_applies)
            for member in drawn(nonterminal):
                # Others without children may not apply, and leave their weight to this one.
                share = member.weight / (always if member.always_applies else always + member.weight)
                cost = -math.log(share) + math.fsum(best[symbol] for symbol in member.symbols)
                if cost < best[nonterminal] - 1e-15:
                    best[nonterminal], changed = cost, True
    return best
