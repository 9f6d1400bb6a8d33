"""Mutation: one edit of some kind, tried until the result is valid, within the limits, and another architecture."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from einspec.errors import SamplingError
from einspec.recursion import deep
from einspec.space.deriving.choosers import RandomChooser
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Rejected
from einspec.space.drawing.attempts import Attempts
from einspec.space.drawing.wanted import Where, holds
from einspec.space.variation.difference import differ
from einspec.space.variation.kinds import KINDS, MIX, Kind, kinds, pick
from einspec.space.variation.variant import varied, work_of
from einspec.text import did_you_mean

KindLike = str | Mapping[str, float] | None


def mutate(space: Domain[A], arch: A, rng: random.Random, limits: Limits, where: Where | None, kind: KindLike) -> A:
    """See :meth:`Space.mutate`."""
    able, weights = _kinds(space, arch, kind)
    choose = RandomChooser(rng)
    attempts = Attempts(limits)
    what = f"no mutant of this architecture of {space.name}"
    work = work_of(arch, limits)

    def tried() -> A:
        edits = [kind.edits(rng) for kind in able]
        for _ in attempts:
            index = pick(weights, rng)
            try:
                edit = next(edits[index])
            except StopIteration:
                del edits[index], weights[index]
                if not edits:
                    raise SamplingError(attempts.exhausted(what, "edit")) from None
                continue
            if edit is None:
                attempts.note("no room for another element", 1)
                continue
            try:
                variant = varied(space, arch, edit, choose, limits)
            except Rejected as rejected:
                attempts.note(rejected.with_traceback(None), work * len(edit.changes))
                continue
            if not differ(arch, variant, edit):
                attempts.note("the same key", work * len(edit.changes))
            elif where is not None and not holds(where, variant.arch):
                attempts.note("where", work * len(edit.changes))
            else:
                return variant.arch
        raise SamplingError(attempts.exhausted(what))

    return deep(max(limits.evaluation_depth, arch.depth), tried)


def _kinds(space: Domain[A], arch: A, asked: KindLike) -> tuple[list[Kind], list[float]]:
    """The kinds that have somewhere to apply, with their weights. Raises ``SamplingError`` where none has."""
    wanted = _weights(asked)
    found = arch.remembered(kinds)
    able = [name for name in wanted if found[name].can_apply]
    if not able:
        reasons = "; ".join(f"{name}: {found[name].nothing}" for name in wanted)
        raise SamplingError(f"no mutant of this architecture of {space.name}: {reasons}; ask for another kind")
    return [found[name] for name in able], [wanted[name] for name in able]


def _weights(asked: KindLike) -> Mapping[str, float]:
    """The kinds that are asked for, with their weights. Raises ``ValueError`` or ``TypeError`` for anything else."""
    if asked is None:
        return MIX
    given: Mapping[Any, Any] = {asked: 1.0} if isinstance(asked, str) else asked
    if not isinstance(given, Mapping):
        raise TypeError(f"kind={asked!r}: expected one of {', '.join(KINDS)}, or a dict of their weights")
    for name, weight in given.items():
        if name not in KINDS:
            hint = did_you_mean(str(name), KINDS) or f"expected one of {', '.join(KINDS)}"
            raise ValueError(f"kind={name!r} is no kind of mutation: {hint}")
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < float("inf"):
            raise ValueError(f"kind={asked!r}: the weight of {name} is {weight!r}, expected a number from 0 up")
    found = {name: float(weight) for name, weight in given.items() if weight}
    if not found:
        raise ValueError(f"kind={asked!r}: expected at least one kind of positive weight")
    return found
