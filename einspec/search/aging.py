"""Regularised evolution: a tournament picks the parent, the oldest dies.

Algorithm 1 of Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture Search",
AAAI 2019, arXiv:1802.01548: fill a population with P random architectures; then, again and again, draw S of
it with replacement, mutate the best of these, and let the child take the place of the *oldest* member.
With death by age rather than by score an architecture survives only through its descendants, and one lucky
score does not last.

Three things that the paper leaves open. A failed evaluation has no score: it never enters the population and
nobody dies for it. The population is in the order in which scores were told, so that parallel workers need
not wait for each other. Where mutation finds nothing but known keys, a fresh draw takes its place.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from einspec.errors import SamplingError
from einspec.search.strategy import REDRAWS, AbstractStrategy, Candidate, Where, check_count

if TYPE_CHECKING:
    from einspec.space import Architecture, Space

POPULATION = 40
TOURNAMENT = 10

# A mutation that fails has used up all attempts of the space: a few are as slow as thousands of duplicates.
FAILED_MUTATIONS = 10


class Evolution(AbstractStrategy):
    """Regularised (aging) evolution.

    population: how many architectures are alive, P in the paper.
    tournament: how many of them are drawn, with replacement, for the best to become a parent; S in the paper.
    The other arguments are those of ``AbstractStrategy``; seeds belong to the first population.
    """

    name = "evolution"

    def __init__(
        self,
        space: Space,
        *,
        seed: int | random.Random,
        seeds: Iterable[Architecture] = (),
        population: int = POPULATION,
        tournament: int = TOURNAMENT,
        where: Where | None = None,
        redraws: int = REDRAWS,
    ) -> None:
        super().__init__(space, seed=seed, seeds=seeds, where=where, redraws=redraws)
        self.population = check_count("population", population)
        self.tournament = check_count("tournament", tournament)
        self._alive: deque[tuple[float, Candidate]] = deque()

    @property
    def options(self) -> dict[str, Any]:
        return {"population": self.population, "tournament": self.tournament, **super().options}

    @property
    def alive(self) -> tuple[Candidate, ...]:
        """The population, oldest first."""
        return tuple(candidate for _, candidate in self._alive)

    def _proposals(self) -> Iterator[tuple[Architecture, int | None]]:
        if len(self._alive) == self.population:
            yield from self._mutations()
        yield from self._draws()

    def _mutations(self) -> Iterator[tuple[Architecture, int | None]]:
        failed = 0
        for _ in range(self.redraws):
            parent = self._winner()
            try:
                child = self.space.mutate(parent.arch, rng=self._rng, where=self.where)
            except SamplingError:
                failed += 1
                if failed == FAILED_MUTATIONS:
                    return
            else:
                yield child, parent.number

    def _winner(self) -> Candidate:
        drawn = [self._alive[int(self._rng.random() * len(self._alive))] for _ in range(self.tournament)]
        return max(drawn, key=lambda member: member[0])[1]

    def _learn(self, candidate: Candidate, score: float | None) -> None:
        if score is None:
            return
        self._alive.append((score, candidate))
        if len(self._alive) > self.population:
            self._alive.popleft()
