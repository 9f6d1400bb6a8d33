"""How far a search has come: what its callback is told, and a bar that shows it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TextIO, TypeAlias

from einspec.search.evaluation import Evaluated

_BAR_WIDTH = 20


@dataclass(frozen=True)
class Progress:
    """A search after some of its evaluations."""

    strategy: str
    done: int
    budget: int
    best: Evaluated | None
    failures: int
    duplicates: int
    last: Evaluated | None
    """The newest evaluation; None before the first one of this process."""

    def __str__(self) -> str:
        best = "none" if self.best is None else f"{self.best.score:.4f}"
        return (
            f"{self.strategy} {self.done}/{self.budget} evaluations, best {best}, failures {self.failures}, "
            f"duplicates avoided {self.duplicates}"
        )


Callback: TypeAlias = Callable[[Progress], None]


class ProgressBar:
    """A line on the terminal that is rewritten after each evaluation; silent where the stream is no terminal.

    ``with ProgressBar() as bar: random_search(space, evaluate, budget=100, seed=0, progress=bar)``
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._drawn = 0

    def __call__(self, progress: Progress) -> None:
        if not self._stream.isatty():
            return
        done = min(progress.done * _BAR_WIDTH // progress.budget, _BAR_WIDTH)
        line = f"[{'#' * done}{'.' * (_BAR_WIDTH - done)}] {progress}"
        # a line as wide as the terminal would wrap, and then not be overwritten
        line = line[: shutil.get_terminal_size().columns - 1]
        self._stream.write(f"\r{line.ljust(self._drawn)}")
        self._stream.flush()
        self._drawn = len(line)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar standing and go to the next line."""
        if self._drawn:
            self._stream.write("\n")
            self._stream.flush()
            self._drawn = 0
