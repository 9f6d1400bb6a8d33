"""Counting: how many architectures a space has within limits, and how much of Q; exactly where that can be.

Past the bound of :mod:`einspec.space.counting.mass` the answer is an :class:`Estimate`: unbiased, with its error.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import islice
from typing import Any

from einspec.errors import SamplingError
from einspec.ops.declare import Outputs
from einspec.recursion import deep
from einspec.space.counting.descent import DeepDescent, Descent, SizedDescent
from einspec.space.counting.mass import MOST_RUNS, depth_within, exact_masses, one, share
from einspec.space.deriving.choosers import RandomChooser
from einspec.space.deriving.domain import Domain
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Rejected
from einspec.space.drawing.enumeration import enumerate_space
from einspec.space.drawing.sampling import attempt
from einspec.space.drawing.sizes import MOST_SIZES, SizeTable, open_rules
from einspec.space.members.member import Member
from einspec.space.members.skeletons import log_counts, log_sum, most_nodes
from einspec.text import listing, plural

_MOST_LOG = 700
"""The logarithm of the largest estimate."""
_QUICK_RUNS = 30_000
"""Runs of combinators that take less than a second."""
_DOUBTS = 50
"""Descents without an architecture after which, at the least, an estimate is given up."""
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


def count(space: Domain[Any], limits: Limits, draws: int, rng: random.Random) -> int | Estimate:
    """See :meth:`Space.count`."""
    counts = counts_by_output(space, limits)
    if counts is not None:
        return sum(counts.values())
    archs = enumerate_space(space, limits)
    most = _most_enumerated(limits)
    found = sum(1 for _ in islice(archs, most + 1)) if _may_be_few(space, limits) else math.inf
    return int(found) if found <= most else estimated_count(space, limits, draws, rng)


def counts_by_output(space: Domain[Any], limits: Limits) -> dict[Outputs, int] | None:
    """The number of architectures of each output type; None where types do not tell it, or it would take too long."""
    return exact_masses(space, limits, one)


def counts_by_depth(space: Domain[Any], depths: int) -> dict[int, int]:
    """See :meth:`Space.counts_by_depth`."""
    found: dict[int, int] = {}
    least = int(space.start.minimal_depth)
    for depth in range(least, least + depths):
        if depth > space.limits.evaluation_depth:
            break
        masses = exact_masses(space, space.limits.tightened(max_depth=depth), one, _QUICK_RUNS)
        if masses is None:
            break
        number = sum(masses.values())
        if number == found.get(depth - 1) == space.grammar.count():
            break  # nothing is deeper
        found[depth] = number
    return found


def success_probability(space: Domain[Any], limits: Limits, draws: int, rng: random.Random) -> float | Estimate:
    """See :meth:`Space.success_probability`."""
    is_deep = space.grammar.count() is None and limits.evaluation_depth >= Limits().evaluation_depth
    masses = exact_masses(space, limits, share, _QUICK_RUNS if is_deep else MOST_RUNS)
    if masses is not None:
        return float(math.fsum(masses.values()))
    choose = RandomChooser(rng)
    successes = 0
    for _ in range(draws):
        try:
            deep(limits.evaluation_depth, lambda: attempt(space, choose, limits))
        except Rejected:
            continue
        successes += 1
    value = successes / draws
    # One success more and one failure more keep the error of 0 and of 1 from being none.
    spread = (successes + 1) * (draws - successes + 1) / (draws + 2) ** 2
    return Estimate(value, math.sqrt(spread / draws))


def _may_be_few(space: Domain[Any], limits: Limits) -> bool:
    """Whether going through all architectures one by one may come to an end soon: by the counts without types."""
    most = 5 * _most_enumerated(limits)
    if open_rules(space.start):
        masses = counts_by_output(space, replace(limits, max_params=None, max_macs=None))
        return masses is not None and sum(masses.values()) < most
    few = math.log(most)
    depth = depth_within(space, limits)
    if log_counts(space.start, depth)[space.start, depth] < few:
        return True
    if limits.max_nodes is None or limits.max_nodes > MOST_SIZES:
        return False
    sizes = SizeTable(space.start, limits.max_nodes, _once)
    return log_sum([sizes.log_mass(space.start, size) for size in range(1, limits.max_nodes + 1)]) < few


def _most_enumerated(limits: Limits) -> int:
    """How many are counted one by one: fewer where each has to be simplified to know what it costs."""
    return MOST_ENUMERATED if limits.max_params is None and limits.max_macs is None else MOST_ENUMERATED // 5


def _once(member: Member) -> float:
    return 1.0


def estimated_count(space: Domain[Any], limits: Limits, draws: int, rng: random.Random) -> Estimate:
    """Knuth's estimate (Estimating the efficiency of backtrack programs, 1975) of the number of architectures.

    A random descent picks members by how many derivations they have when types are left out; the inverse of its
    probability, 0 if it comes to a dead end, has the number of architectures as its mean.
    """
    depth = depth_within(space, limits)
    rules = open_rules(space.start)
    if rules:
        raise SamplingError(
            f"{space.name} within {limits.text()} is too large to be counted, and estimates do not reach into the "
            f"optional parts and repetitions of {listing(rules, 'and')}: tighten max_depth and max_nodes"
        )
    descent: Descent = DeepDescent(rng, log_counts(space.start, depth), depth)
    if limits.max_nodes is not None and most_nodes(space.start, depth) > limits.max_nodes:
        if limits.max_nodes > MOST_SIZES:
            raise SamplingError(
                f"{space.name} within {limits.text()} is too large for an estimate: tighten max_depth, or max_nodes to "
                f"{MOST_SIZES:,} or less"
            )
        descent = SizedDescent(rng, SizeTable(space.start, limits.max_nodes, _once))
    logs: list[float] = []
    made = 0
    while made < draws and (logs or made < max(_DOUBTS, draws // 10)):
        made += 1
        descent.begin()
        try:
            deep(depth, lambda: attempt(space, descent, replace(limits, max_depth=depth)))
        except Rejected:
            continue
        logs.append(descent.log_inverse)
    if not logs:
        raise SamplingError(
            f"none of {plural(made, 'random descent')} into {space.name} within {limits.text()} ended in an "
            "architecture, so there is no estimate: tighten max_depth or max_nodes, or ask for more draws"
        )
    top = max(logs)
    if top > _MOST_LOG:
        raise SamplingError(
            f"{space.name} within {limits.text()} has about 10^{top / math.log(10):.0f} architectures, more than a "
            "number can hold as an estimate: tighten max_depth or max_nodes"
        )
    scaled = [math.exp(value - top) for value in logs]
    mean = math.fsum(scaled) / draws
    spread = max(0.0, math.fsum(value * value for value in scaled) / draws - mean * mean)
    return Estimate(mean * math.exp(top), math.sqrt(spread / (draws - 1)) * math.exp(top))
