"""Crossover: two architectures exchange subtrees that can stand in each other's place."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Generic

from einspec.errors import SamplingError
from einspec.recursion import deep
from einspec.space.deriving.choosers import below
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Rejected
from einspec.space.drawing.attempts import Attempts
from einspec.space.drawing.wanted import Where, holds
from einspec.space.variation.difference import differ
from einspec.space.variation.edits import Edit, same_ops, slots
from einspec.space.variation.once import once_each
from einspec.space.variation.variant import varied, work_of

Pair = tuple[A, A]
_TIERS = (3, 2, 1)
"""How much must agree: nonterminal, input types and output types; the first two; the first."""
_TRIES = 8
"""Pairs drawn of those that agree so far, before less has to: many are of equal subtrees."""
_WIDER = 0.1
"""How often more is tried than what is sure to fit."""


def crossover(
    space: Domain[A], first: A, second: A, rng: random.Random, limits: Limits, where: Where | None
) -> Pair[A]:
    """See :meth:`Space.crossover`."""
    sites = _Sites(space, first, second)
    if not sites.tiers:
        raise SamplingError(
            f"no crossover of these architectures of {space.name}: no subtree of one could stand in the place of "
            "another subtree of the other"
        )
    attempts = Attempts(limits)
    what = f"no crossover of these architectures of {space.name}"
    work = work_of(first, limits) + work_of(second, limits)

    def tried() -> Pair[A]:
        pairs = once_each(sites.draw, sites.every, rng)
        for _ in attempts:
            pair = next(pairs, None)
            if pair is None:
                raise SamplingError(attempts.exhausted(what, "exchange"))
            if sites.are_equal(*pair):
                attempts.note("equal subtrees", 1)
                continue
            try:
                children = sites.exchanged(*pair, limits)
            except Rejected as rejected:
                attempts.note(rejected.with_traceback(None), work)
                continue
            if children is None:
                attempts.note("the same key", work)
            elif where is not None and not all(holds(where, child) for child in children):
                attempts.note("where", work)
            else:
                return children
        raise SamplingError(attempts.exhausted(what))

    return deep(max(limits.evaluation_depth, first.depth + second.depth), tried)


class _Sites(Generic[A]):
    """Which subtrees of two architectures could change places; the roots stay.

    The narrower the choice, the likelier the children are valid: subtrees that take and give the same types, those
    that take the same, and all that stand for one nonterminal.
    """

    def __init__(self, space: Domain[A], first: A, second: A):
        self.space = space
        self.first, self.second = first, second
        ours, theirs = _by_types(first), _by_types(second)
        self.tiers: list[list[tuple[int, list[int]]]] = []
        for width in _TIERS:
            groups: dict[object, list[int]] = defaultdict(list)
            for number, types in theirs:
                groups[types[:width]].append(number)
            pairs = [(number, groups[types[:width]]) for number, types in ours if types[:width] in groups]
            if pairs:
                self.tiers.append(pairs)

    def draw(self, rng: random.Random) -> tuple[int, int] | None:
        """A node of each that could change places, with other subtrees; None where the draw finds none."""
        for tier, sites in enumerate(self.tiers):
            if tier + 1 < len(self.tiers) and rng.random() < _WIDER:
                continue
            for _ in range(_TRIES):
                number, candidates = sites[below(rng, len(sites))]
                other = candidates[below(rng, len(candidates))]
                if not self.are_equal(number, other):
                    return number, other
        return None

    def every(self) -> Iterator[tuple[int, int]]:
        """All that ``draw`` could give, and the pairs of equal subtrees."""
        widest = self.tiers[-1]
        return ((number, other) for number, candidates in widest for other in candidates)

    def are_equal(self, number: int, other: int) -> bool:
        """Whether the subtrees are the same."""
        return same_ops(self.first.remembered(slots).nodes[number], self.second.remembered(slots).nodes[other])

    def exchanged(self, number: int, other: int, limits: Limits) -> Pair[A] | None:
        """The children of one exchange; None where one of them is its parent again. Raises ``Rejected``."""
        ours, theirs = self.first.remembered(slots).nodes[number], self.second.remembered(slots).nodes[other]
        first = _with(self.space, self.first, Edit({number: theirs}, 0), limits)
        second = _with(self.space, self.second, Edit({other: ours}, 0), limits) if first is not None else None
        return (first, second) if first is not None and second is not None else None


def _with(space: Domain[A], arch: A, edit: Edit, limits: Limits) -> A | None:
    """The architecture after an edit; None where its key stays."""
    variant = varied(space, arch, edit, None, limits)
    return variant.arch if differ(arch, variant, edit) else None


def _by_types(arch: A) -> list[tuple[int, tuple[object, ...]]]:
    """The nodes below the root, by preorder number: the nonterminal of each, what it takes, and what it gives."""
    edges = arch.trace.edges
    found: list[tuple[int, tuple[object, ...]]] = []
    pairs = zip(arch.derivation.addresses(), arch.remembered(slots).nonterminals, strict=True)
    for number, ((address, _), nonterminal) in enumerate(pairs):
        if number:
            found.append((number, (nonterminal.name, *edges.get(address, (number, number)))))
    return found
