"""Honest figures: what samples are like, beside what the grammar's weights say.

Dead ends and limits bend the distribution: what fails often is rarer among samples than its weight. This draws
attempts and counts, per production, how often it is chosen among samples; and what rejected the attempts that failed.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from einspec.grammar.model.rules import Production
from einspec.recursion import deep
from einspec.space.deriving.choosers import RandomChooser
from einspec.space.deriving.domain import Domain
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import DeadEnd, Rejected
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.drawing.coverage import member_counts, production_counts, production_names
from einspec.space.drawing.sampling import attempt, new_run
from einspec.space.drawing.tries import Tries
from einspec.space.members.member import Nonterminal
from einspec.text import Problem, plural

_MOST_NODES = 200_000
"""Nodes drawn in all: large architectures are drawn less often."""
_FEW = 0.03
"""The success rate below which there is a warning."""
_EXPECTED = 8
"""How often a production would have been chosen by its weight, for its absence to be no chance (e^-8 = 0.0003)."""
_SHOWN = 3
"""Reasons that one warning quotes."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often something is chosen: by the grammar's weights, and among the samples (None where none chose it)."""

    nominal: float
    realised: float | None


@dataclass(frozen=True, slots=True)
class Realised:
    """What a number of attempts came to.

    ``productions`` has, for each production by its place in the grammar (``"computation: linear"``), its share among
    the expansions of its rule (nominally, with weights per depth, the mean over where the rule was expanded);
    ``root``, for each op, the share of the architectures that begin with it. ``rejections`` counts why attempts
    failed, with the combinator in which they did; ``explanations`` quotes what refused. ``mean_nodes`` and
    ``mean_nodes_error`` are the mean size of the samples and its standard error.
    """

    attempts: int
    successes: int
    mean_nodes: float
    mean_nodes_error: float
    rejections: dict[str, int]
    explanations: dict[str, str]
    productions: dict[str, Frequency]
    root: dict[str, Frequency]
    guards: dict[str, float] = field(default_factory=dict)
    """For each production with a guard, the share of the places at which that does not hold, its values taken evenly.
    """
    problems: tuple[Problem, ...] = ()
    """Warnings: productions that are never sampled, though they have the weight for it, and that few attempts succeed.
    """

    @property
    def success_rate(self) -> float:
        """The share of the attempts that succeeded: an estimate of Z."""
        return self.successes / self.attempts


def realised(space: Domain[Any], attempts: int, rng: random.Random, limits: Limits) -> Realised:
    """See :meth:`Space.realised`."""
    choose = RandomChooser(rng)
    archs: list[TypedDerivation] = []
    rejections: Counter[str] = Counter()
    latest: dict[str, Rejected] = {}
    tries = Tries()
    made = nodes = 0
    while made < attempts and nodes < _MOST_NODES:
        made += 1
        run = new_run(choose, limits, 0, None)
        run.record = tries.begin()
        try:
            arch = deep(limits.evaluation_depth, partial(attempt, space, choose, limits, run=run))
        except Rejected as rejected:
            # A limit is nobody's fault; a dead end is that of the combinator whose child it was.
            within = f" in {rejected.within.name}" if isinstance(rejected, DeadEnd) and rejected.within else ""
            reason = f"{rejected.reason}{within}"
            rejections[reason] += 1
            latest[reason] = rejected.with_traceback(None)
            tries.failed(reason)
            continue
        finally:
            nodes += run.nodes
        archs.append(arch)
    sizes = [len(arch) for arch in archs]
    mean = math.fsum(sizes) / len(sizes) if sizes else math.nan
    spread = math.fsum((size - mean) ** 2 for size in sizes) / len(sizes) if sizes else math.nan
    explained = {reason: rejected.explanation() for reason, rejected in latest.items()}
    found = Realised(
        made,
        len(archs),
        mean,
        math.sqrt(spread / max(1, len(sizes) - 1)) if sizes else math.nan,
        dict(sorted(rejections.items(), key=lambda pair: (-pair[1], pair[0]))),
        {reason: text for reason, text in explained.items() if text is not None},
        _productions(space, archs),
        _root(space, archs),
        {name: 1 - tries.held[p] / tries.asked[p] for p, name in production_names(space).items() if tries.asked[p]},
    )
    problems = [*_few_succeed(space, found), *_never_hold(found, tries), *_never_sampled(space, found, archs, tries)]
    return replace(found, problems=tuple(problems))


def _never_hold(found: Realised, tries: Tries) -> Iterator[Problem]:
    """A warning for each guard that never held, though it was asked often."""
    for production, count in tries.asked.items():
        guard = production.guard
        if guard is None or tries.held[production] or count < _EXPECTED:
            continue
        message = f"this guard never holds in {plural(found.attempts, 'attempt')}"
        advice = f"{tries.why(production, found.explanations)}: weaken it, or take the alternative out"
        yield Problem(guard.source, guard.start, guard.start + len(guard.text), "W512", message, advice, "warning")


def _few_succeed(space: Domain[Any], found: Realised) -> Iterator[Problem]:
    """A warning where attempts seldom succeed: sampling is slow, and samples are unlike the weights."""
    if found.success_rate >= _FEW:
        return
    rule = space.grammar.rules[space.start.name]
    reasons = [f"{reason} {count / found.attempts:.0%}" for reason, count in list(found.rejections.items())[:_SHOWN]]
    if found.success_rate:
        message = f"only {found.success_rate:.2%} of {plural(found.attempts, 'attempt')} succeed"
    else:
        message = f"none of {plural(found.attempts, 'attempt')} succeeds"
    advice = f"rejected by {', '.join(reasons)}: give what rejects less weight, or ops that fit more types"
    yield Problem(rule.source, rule.start, rule.end, "W509", message, advice, "warning")


def _never_sampled(
    space: Domain[Any], found: Realised, archs: list[TypedDerivation], tries: Tries
) -> Iterator[Problem]:
    """A warning for each production that no sample has, though by its weight several would have it."""
    counts = production_counts(archs)
    for production, name in production_names(space).items():
        if counts[production] or not production.is_drawn or not found.successes:
            continue
        if tries.asked[production] and not tries.held[production]:
            continue  # its guard is what is said
        expected = tries.expansions[production.symbol] * float(production.weight_at(1))
        if expected < _EXPECTED:
            continue
        message = f"{name} is never sampled in {plural(found.attempts, 'attempt')}"
        advice = f"{tries.why(production, found.explanations)}: give it an op or children that fit, or take it out"
        yield Problem(production.source, production.start, production.end, "W508", message, advice, "warning")


def _productions(space: Domain[Any], archs: list[TypedDerivation]) -> dict[str, Frequency]:
    counts: Counter[Production] = Counter()
    expansions: Counter[Nonterminal] = Counter()
    for member, count in member_counts(archs).items():
        counts[member.production] += count
        expansions[member.home] += count
    found: dict[str, Frequency] = {}
    names = production_names(space)
    for rule in space.grammar.rules.values():
        # With weights per depth, the weight is the mean over where the rule was expanded.
        places = {n: count for n, count in expansions.items() if n.name == rule.name}
        total = sum(places.values())
        for production in rule.productions:
            if not production.is_drawn:
                continue
            if not total:
                found[names[production]] = Frequency(float(production.weight_at(1)), None)
                continue
            weight = sum(count * float(production.weight_at(n.depth)) for n, count in places.items()) / total
            found[names[production]] = Frequency(weight, counts[production] / total)
    return found


def _root(space: Domain[Any], archs: list[TypedDerivation]) -> dict[str, Frequency]:
    counts = Counter(arch.derivation.op_name for arch in archs)
    nominal: dict[str, float] = {}
    frontier = [(space.start, 1.0)]
    while frontier:
        nonterminal, share = frontier.pop()
        for member in nonterminal.members[: nonterminal.positive]:
            part = share * member.weight / nonterminal.total
            if member.op is None:
                frontier.append((member.children[0], part))
            else:
                nominal[member.op.name] = nominal.get(member.op.name, 0.0) + part
    return {
        name: Frequency(share, counts[name] / len(archs) if archs else None)
        for name, share in sorted(nominal.items(), key=lambda pair: -pair[1])
    }
