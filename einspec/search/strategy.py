"""What every search strategy shares: ask for a candidate, tell its score, never the same identity twice.

A strategy decides *what* to evaluate next and nothing else. Who evaluates, in which order, on how many
machines, is the caller's business: any number of candidates may be asked for before the first is told.
With the same seed, and the same scores told in the same order, it asks for the same architectures on every
machine: its only randomness is a ``random.Random`` that is read through ``random()``.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from einspec.arguments import expect_several, wrong
from einspec.errors import SamplingError

if TYPE_CHECKING:
    from einspec.space import Architecture, Space

Where: TypeAlias = "Callable[[Architecture], bool]"

REDRAWS = 1000
"""How many proposals in a row may be duplicates before a space counts as exhausted."""


class Exhausted(SamplingError):
    """Nothing but duplicates was proposed: the space, or what its limits leave of it, is used up."""


@dataclass(frozen=True)
class Candidate:
    """An architecture to evaluate."""

    number: int
    """Counts the candidates of one search from 0, in the order in which they were asked for."""
    arch: Architecture
    parent: int | None = None
    """The number of the candidate that this one is a mutation of; None for a seed and for a fresh draw."""


def _own(space: Space, arch: Architecture) -> Architecture:
    """A seed as an architecture of this very space."""
    from einspec.space.deriving.typed_derivation import TypedDerivation
    from einspec.space.text.codec import owned

    if isinstance(arch, TypedDerivation):
        return owned(space, arch)
    if not hasattr(arch, "key"):
        raise wrong("seeds", arch, "architectures")
    return arch


class AbstractStrategy(ABC):
    """Ask and tell, with seeds first and without duplicates.

    A concrete strategy says how it proposes (``_proposals``) and what it learns (``_learn``).

    space: draws and mutates architectures, within its own limits.
    seed: an int, or a ``random.Random`` that the strategy goes on reading.
    seeds: architectures that are asked for first, in this order.
    where: what every candidate but the seeds must satisfy, besides the limits.
    redraws: how many duplicates in a row end the search.
    """

    name: ClassVar[str]

    def __init__(
        self,
        space: Space,
        *,
        seed: int | random.Random,
        seeds: Iterable[Architecture] = (),
        where: Where | None = None,
        redraws: int = REDRAWS,
    ) -> None:
        from einspec.space.drawing.wanted import check_where  # late: importing a search is quick

        for method in ("sample", "mutate"):
            if not callable(getattr(space, method, None)):
                raise wrong("space", space, "a space, as einspec.load gives")
        self.space = space
        self.seed = check_seed(seed)
        self.seeds = tuple(_own(space, arch) for arch in expect_several("seeds", seeds, "architectures"))
        check_where(where)
        self.where = where
        self.redraws = check_count("redraws", redraws)
        self.duplicates = 0
        """How many proposals were dropped because their identity had been asked for already."""
        self._rng = seed if isinstance(seed, random.Random) else random.Random(seed)
        self._waiting_seeds = deque(self.seeds)
        self._identities: set[str] = set()
        self._pending: dict[int, Candidate] = {}

    @property
    def options(self) -> dict[str, Any]:
        """The settings of this strategy alone, as JSON values."""
        return {"redraws": self.redraws}

    @property
    def asked(self) -> int:
        """How many candidates have been asked for; each has an identity of its own."""
        return len(self._identities)

    def ask(self) -> Candidate:
        """The next candidate, of an identity that was never asked for before.

        Raises ``Exhausted`` when nothing but duplicates turns up, and the space's own ``SamplingError`` when
        it can draw nothing at all.
        """
        for arch, parent in self._all_proposals():
            if arch.identity not in self._identities:
                return self._issue(arch, parent)
            self.duplicates += 1
        raise Exhausted(
            f"search in {self.space.name}: found {self.asked} distinct architectures, and then only "
            f"duplicates of them in {self.redraws} draws; expected another one. The space is exhausted, or "
            f"almost: lower the budget to {self.asked}, widen the limits of the space, or raise redraws"
        )

    def tell(self, candidate: Candidate, score: float | None) -> None:
        """Take the score of a candidate that was asked for: higher is better, None says that it failed."""
        if self._pending.get(candidate.number) != candidate:
            raise ValueError(
                f"candidate {candidate.number} is not waiting for a score: tell each candidate of ask() once"
            )
        if score is not None and not math.isfinite(score):
            raise ValueError(
                f"the score of candidate {candidate.number} is {score}; expected a finite number, or None "
                f"for an evaluation that failed"
            )
        del self._pending[candidate.number]
        self._learn(candidate, score)

    @abstractmethod
    def _proposals(self) -> Iterator[tuple[Architecture, int | None]]:
        """Architectures to try, each with its parent's number; ends when it is hopeless to go on."""

    @abstractmethod
    def _learn(self, candidate: Candidate, score: float | None) -> None:
        """Use a score, for later proposals."""

    def _all_proposals(self) -> Iterator[tuple[Architecture, int | None]]:
        while self._waiting_seeds:
            yield self._waiting_seeds.popleft(), None
        yield from self._proposals()

    def _draws(self) -> Iterator[tuple[Architecture, int | None]]:
        """Fresh draws from the space, as many as may be duplicates in a row."""
        for _ in range(self.redraws):
            yield self.space.sample(rng=self._rng, where=self.where), None

    def _issue(self, arch: Architecture, parent: int | None) -> Candidate:
        candidate = Candidate(self.asked, arch, parent)
        self._identities.add(arch.identity)
        self._pending[candidate.number] = candidate
        return candidate


def check_seed(seed: int | random.Random) -> int | random.Random:
    """The seed itself; a ``TypeError`` if it is neither an int nor a ``random.Random``."""
    if isinstance(seed, bool) or not isinstance(seed, int | random.Random):
        raise TypeError(f"seed is {seed!r}; expected an int (or a random.Random), so that a search repeats")
    return seed


def check_count(name: str, value: int) -> int:
    """The value itself; a ``TypeError`` or ``ValueError`` if it is not an int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}; expected an int, at least 1")
    if value < 1:
        raise ValueError(f"{name} is {value}; expected at least 1")
    return value
