"""Ask, evaluate, write down, tell, until the budget is used up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from einspec.arguments import expect, expect_function, expect_path
from einspec.errors import StoreError
from einspec.search.aging import POPULATION, TOURNAMENT, Evolution
from einspec.search.database import Database
from einspec.search.evaluation import Evaluate, Evaluated, Record, evaluated
from einspec.search.manifest import describe
from einspec.search.progress import Callback, Progress
from einspec.search.result import SearchResult, ranked
from einspec.search.sampling import RandomSearch
from einspec.search.store import open_store
from einspec.search.strategy import AbstractStrategy, Exhausted, Where, check_count

if TYPE_CHECKING:
    from einspec.space import Architecture, Space


def random_search(
    space: Space,
    evaluate: Evaluate,
    *,
    budget: int,
    seed: int,
    out: str | os.PathLike[str] | None = None,
    seeds: Iterable[Architecture] = (),
    where: Where | None = None,
    progress: Callback | None = None,
) -> SearchResult:
    """Evaluate ``budget`` different architectures drawn from the space; see ``run_search``."""
    strategy = RandomSearch(space, seed=seed, seeds=seeds, where=where)
    return run_search(strategy, evaluate, budget=budget, out=out, progress=progress)


def evolution(
    space: Space,
    evaluate: Evaluate,
    *,
    budget: int,
    seed: int,
    population: int = POPULATION,
    tournament: int = TOURNAMENT,
    out: str | os.PathLike[str] | None = None,
    seeds: Iterable[Architecture] = (),
    where: Where | None = None,
    progress: Callback | None = None,
) -> SearchResult:
    """Regularised evolution (Real et al. 2019, arXiv:1802.01548); see ``Evolution`` and ``run_search``."""
    strategy = Evolution(space, seed=seed, seeds=seeds, where=where, population=population, tournament=tournament)
    return run_search(strategy, evaluate, budget=budget, out=out, progress=progress)


def run_search(
    strategy: AbstractStrategy,
    evaluate: Evaluate,
    *,
    budget: int,
    out: str | os.PathLike[str] | None = None,
    progress: Callback | None = None,
) -> SearchResult:
    """Evaluate until ``budget`` architectures are done, the space is exhausted, or the user interrupts.

    evaluate: called with an architecture; returns a score (higher is better) or an ``Evaluation``. What it
        raises, and a score that is not finite, is kept as a failed evaluation, which counts to the budget.
    out: a folder that keeps every evaluation as it finishes. The same call again goes on where that one
        ended, however it ended; with a larger budget, a finished search goes on too.
    progress: called with a ``Progress`` at the start and after each evaluation.

    Raises ``ValueError`` for a budget below 1, ``StoreError`` for a folder that cannot hold this search, and
    ``SamplingError`` if the space can draw nothing.
    """
    expect("strategy", strategy, AbstractStrategy, "a strategy, as RandomSearch or Evolution")
    expect_function("evaluate", evaluate, "a function of an architecture")
    if progress is not None:
        expect_function("progress", progress, "a function of a Progress")
    check_count("budget", budget)
    search = _Search(strategy, evaluate, budget, progress)
    if out is None:
        return search.run(None)
    expect_path("out", out, "the path of a folder")
    with open_store(out, describe(strategy, evaluate, budget=budget)) as store:
        return search.run(store)


class _Search:
    """One run of the loop. A store that has begun is replayed first: its records stand in for evaluate."""

    def __init__(self, strategy: AbstractStrategy, evaluate: Evaluate, budget: int, progress: Callback | None) -> None:
        self._strategy = strategy
        self._evaluate = evaluate
        self._budget = budget
        self._progress = progress
        self._done: list[Evaluated] = []
        self._best: Evaluated | None = None
        self._failures = 0

    def run(self, store: Database | None) -> SearchResult:
        if store is not None:
            for record in store.records():
                self._replay(store, record)
            store.note("budget", self._budget)
        self._report(None)
        stopped = self._go_on(store)
        return SearchResult(ranked(self._done), self._strategy.duplicates, stopped)

    def _go_on(self, store: Database | None) -> str | None:
        try:
            while len(self._done) < self._budget:
                self._step(store)
        except Exhausted as error:
            return str(error)
        except KeyboardInterrupt:
            return f"interrupted after {len(self._done)} of {self._budget} evaluations"
        return None

    def _step(self, store: Database | None) -> None:
        candidate = self._strategy.ask()
        one = evaluated(candidate, self._evaluate)
        if store is not None:
            store.add(one.record)
        self._strategy.tell(candidate, one.score)
        self._count(one)
        self._report(one)

    def _replay(self, store: Database, record: Record) -> None:
        try:
            candidate = self._strategy.ask()
        except Exhausted as error:
            raise _diverged(store, record, "nothing, as the space is exhausted") from error
        if (candidate.arch.identity, candidate.parent) != (record.key, record.parent):
            raise _diverged(store, record, f"{candidate.arch.identity} of parent {candidate.parent}")
        self._strategy.tell(candidate, record.score)
        self._count(Evaluated(candidate.arch, record))

    def _count(self, one: Evaluated) -> None:
        self._done.append(one)
        if one.score is None:
            self._failures += 1
        elif self._best is None or self._best.score is None or one.score > self._best.score:
            self._best = one

    def _report(self, last: Evaluated | None) -> None:
        if self._progress is not None:
            self._progress(
                Progress(
                    strategy=self._strategy.name,
                    done=len(self._done),
                    budget=self._budget,
                    best=self._best,
                    failures=self._failures,
                    duplicates=self._strategy.duplicates,
                    last=last,
                )
            )


def _diverged(store: Database, record: Record, asked: str) -> StoreError:
    versions = store.manifest().get("versions", {})
    written = ", ".join(f"{name} {version}" for name, version in versions.items())
    return StoreError(
        f"{store.path}: evaluation {record.number} cannot be replayed: the run has {record.key} of parent "
        f"{record.parent}, the strategy now asks for {asked}. The run was written with {written}: go on "
        f"with these, or choose another folder for a new run; nothing was changed"
    )
