"""Random search: every candidate is a fresh draw from the space.

The baseline that every other strategy has to beat: Li and Talwalkar, "Random Search and Reproducibility for
Neural Architecture Search", UAI 2019, arXiv:1902.07638.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from einspec.search.strategy import AbstractStrategy, Candidate

if TYPE_CHECKING:
    from einspec.space import Architecture


class RandomSearch(AbstractStrategy):
    """Draws from the space, without duplicates; learns nothing from scores."""

    name = "random"

    def _proposals(self) -> Iterator[tuple[Architecture, int | None]]:
        return self._draws()

    def _learn(self, candidate: Candidate, score: float | None) -> None:
        """Nothing."""
