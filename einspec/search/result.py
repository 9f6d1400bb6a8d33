"""What a search returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from einspec.search.evaluation import Evaluated


@dataclass(frozen=True, repr=False)
class SearchResult:
    """The evaluations of a search, best first."""

    evaluations: tuple[Evaluated, ...]
    """By falling score; equal scores, and the failed ones at the end, in the order of their numbers."""
    duplicates: int
    """How many proposals were dropped because their key had been evaluated already."""
    stopped: str | None = None
    """Why the search ended before its budget; None if it did not."""

    def __repr__(self) -> str:
        best = "none" if self.best is None else f"{self.best.score:.4f}"
        return f"<search result: {len(self.evaluations)} evaluations, best {best}, {len(self.failures)} failures>"

    @property
    def best(self) -> Evaluated | None:
        """The highest score, the earlier one of equals; None if no evaluation gave a score."""
        first = self.evaluations[0] if self.evaluations else None
        return first if first is not None and first.error is None else None

    @property
    def failures(self) -> tuple[Evaluated, ...]:
        """The evaluations that raised an error or gave no finite score."""
        return tuple(one for one in self.evaluations if one.error is not None)


def ranked(evaluations: Iterable[Evaluated]) -> tuple[Evaluated, ...]:
    """Sorted as in a ``SearchResult``."""
    return tuple(sorted(evaluations, key=_rank))


def _rank(one: Evaluated) -> tuple[bool, float, int]:
    return one.score is None, -(one.score or 0.0), one.number
