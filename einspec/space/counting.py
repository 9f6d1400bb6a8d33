"""Counting: how many architectures a space has within limits, and how much of Q; exactly where that can be.

Past the bound of :mod:`einspec.space.mass` the answer is an :class:`Estimate`: unbiased, with its error.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from einspec.ops.declare import Outputs
from einspec.recursion import deep
from einspec.space.choosers import RandomChooser
from einspec.space.derive import Address, Rejected, TypedChild
from einspec.space.limits import Limits
from einspec.space.mass import Masses, TooMuch, Weigh, one, share
from einspec.space.member import Member, Nonterminal
from einspec.space.sampling import attempt, enumerate_space, evaluation_depth
from einspec.space.skeletons import log_counts, most_nodes
from einspec.space.table import Table

if TYPE_CHECKING:
    from einspec.space.space import Space

MOST_ENUMERATED = 20_000
"""Architectures that are counted one by one, where types alone do not tell them."""


class Estimate(float):
    """An unbiased estimate, with ``error``, its standard error."""

    error: float

    def __new__(cls, value: float, error: float) -> Estimate:
        estimate = super().__new__(cls, value)
        estimate.error = error
        return estimate

    def __reduce__(self) -> tuple[type[Estimate], tuple[float, float]]:
        return Estimate, (float(self), self.error)

    def __repr__(self) -> str:
        return f"Estimate({float(self):.6g}, error={self.error:.2g})"

    def __str__(self) -> str:
        return f"about {float(self):.4g} \u00b1 {self.error:.2g} (an estimate)"


def count(space: Space, limits: Limits, draws: int, rng: random.Random) -> int | Estimate:
    """See :meth:`Space.count`."""
    counts = counts_by_output(space, limits)
    if counts is not None:
        return sum(counts.values())
    archs = enumerate_space(space, limits)
    found = sum(1 for _ in islice(archs, MOST_ENUMERATED + 1)) if _may_be_few(space, limits) else math.inf
    return int(found) if found <= MOST_ENUMERATED else estimated_count(space, limits, draws, rng)


def counts_by_output(space: Space, limits: Limits) -> dict[Outputs, int] | None:
    """The number of architectures of each output type; None where types do not tell it, or it would take too long."""
    return exact_masses(space, limits, one)


def success_probability(space: Space, limits: Limits, draws: int, rng: random.Random) -> float | Estimate:
    """See :meth:`Space.success_probability`."""
    masses = exact_masses(space, limits, share)
    if masses is not None:
        return float(math.fsum(masses.values()))
    choose = RandomChooser(rng)
    successes = 0
    for _ in range(draws):
        try:
            deep(evaluation_depth(limits), lambda: attempt(space, choose, limits))
        except Rejected:
            continue
        successes += 1
    value = successes / draws
    # One success more and one failure more keep the error of 0 and of 1 from being none.
    spread = (successes + 1) * (draws - successes + 1) / (draws + 2) ** 2
    return Estimate(value, math.sqrt(spread / draws))


def exact_masses(space: Space, limits: Limits, weigh: Weigh) -> dict[Outputs, Any] | None:
    """The mass of each output type within the limits; None where types do not tell it, or it would take too long."""
    if limits.max_params is not None or limits.max_macs is not None:
        return None
    depth = _depth(space, limits)
    tracks_sizes = limits.max_nodes is not None and most_nodes(space.start, depth) > limits.max_nodes
    masses = Masses(space, weigh, limits.max_nodes if tracks_sizes else None)
    try:
        found = deep(depth, lambda: masses.by_output(depth))
    except TooMuch:
        return None
    return {output: sum(sizes.values()) for output, sizes in found.items()}


def _depth(space: Space, limits: Limits) -> int:
    """How deep a derivation within the limits can be; one that does not recurse is no deeper than its nonterminals."""
    depth = evaluation_depth(limits)
    return depth if space.grammar.count() is None else min(depth, len(space.nonterminals))


def _may_be_few(space: Space, limits: Limits) -> bool:
    """Whether going through all architectures one by one may come to an end soon: by the count without types."""
    depth = _depth(space, limits)
    return log_counts(space.start, depth)[space.start, depth] < math.log(100 * MOST_ENUMERATED)


def estimated_count(space: Space, limits: Limits, draws: int, rng: random.Random) -> Estimate:
    """Knuth's estimate (Estimating the efficiency of backtrack programs, 1975) of the number of architectures.

    A random descent picks members by how many derivations they have when types are left out; the inverse of its
    probability, 0 if it comes to a dead end, has the number of architectures as its mean.
    """
    depth = _depth(space, limits)
    descent = _Descent(rng, log_counts(space.start, depth), depth)
    logs: list[float] = []
    for _ in range(draws):
        descent.log_inverse = 0.0
        try:
            deep(depth, lambda: attempt(space, descent, replace(limits, max_depth=depth)))
        except Rejected:
            continue
        logs.append(descent.log_inverse)
    if not logs:
        return Estimate(0.0, math.inf)
    top = max(logs)
    scaled = [math.exp(value - top) for value in logs]
    mean = math.fsum(scaled) / draws
    spread = max(0.0, math.fsum(value * value for value in scaled) / draws - mean * mean)
    scale = math.exp(top) if top < 700 else math.inf
    return Estimate(mean * scale, math.sqrt(spread / max(1, draws - 1)) * scale)


class _Descent:
    """Picks among members that apply by how many derivations they have within the depth that is left."""

    def __init__(self, rng: random.Random, counts: dict[tuple[Nonterminal, int], float], depth: int):
        self.rng = rng
        self.counts = counts
        self.depth = depth
        self.log_inverse = 0.0

    def __call__(self, address: Address, nonterminal: Nonterminal, members: Table) -> Member | None:
        assert isinstance(address, TypedChild)
        left = self.depth - address.depth + 1
        logs = [self.log_count(member, left) for member in members.members]
        top = max(logs, default=-math.inf)
        if top == -math.inf:
            return None
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
        return members.members[chosen]

    def log_count(self, member: Member, left: int) -> float:
        """The logarithm of the number of derivations that begin with a member, types left out."""
        below = left if member.is_transparent else left - 1
        if below < 0 or (not member.is_transparent and left < 1):
            return -math.inf
        return math.fsum(self.counts.get((child, below), -math.inf) for child in member.children)
