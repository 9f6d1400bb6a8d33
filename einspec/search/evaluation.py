"""What an evaluation gives, what is kept of it, and how one that fails is caught."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, SupportsFloat, TypeAlias

from einspec.search.strategy import Candidate

if TYPE_CHECKING:
    from einspec.space import Architecture


@dataclass(frozen=True)
class Evaluation:
    """A score, and metrics that are kept beside it and never used to select."""

    score: float
    """Higher is better."""
    metrics: Mapping[str, float] = field(default_factory=dict)


Evaluate: TypeAlias = "Callable[[Architecture], SupportsFloat | Evaluation]"
"""What a search calls with each architecture; an exception is a failed evaluation, not the end."""


@dataclass(frozen=True)
class Record:
    """One finished evaluation as plain data: a row of the store."""

    number: int
    key: str
    text: str
    json: str
    parent: int | None
    score: float | None
    """None for a failed evaluation."""
    metrics: Mapping[str, float]
    error: str | None
    """Type and message of what a failed evaluation raised."""
    traceback: str | None
    seconds: float
    """How long it took: for information, nothing depends on it."""
    params: int
    macs: int

    @property
    def status(self) -> str:
        return "ok" if self.error is None else "failed"


@dataclass(frozen=True)
class Evaluated:
    """A candidate with its record."""

    arch: Architecture
    record: Record

    @property
    def number(self) -> int:
        return self.record.number

    @property
    def parent(self) -> int | None:
        return self.record.parent

    @property
    def score(self) -> float | None:
        return self.record.score

    @property
    def metrics(self) -> Mapping[str, float]:
        return self.record.metrics

    @property
    def error(self) -> str | None:
        return self.record.error


def evaluated(candidate: Candidate, evaluate: Evaluate) -> Evaluated:
    """Evaluate a candidate. Any exception and any score that is not finite make a failed evaluation.

    Only what asks the whole program to stop (``KeyboardInterrupt``, ``SystemExit``) gets through.
    """
    start = time.perf_counter()
    evaluation, error, trace = None, None, None
    try:
        evaluation = _checked(evaluate(candidate.arch))
    except Exception as raised:
        error, trace = _summary(raised), _storable(traceback.format_exc())
    seconds = time.perf_counter() - start
    return Evaluated(candidate.arch, _record(candidate, evaluation, error, trace, seconds))


def _checked(value: SupportsFloat | Evaluation) -> Evaluation:
    evaluation = value if isinstance(value, Evaluation) else Evaluation(float(value))
    score = float(evaluation.score)
    if not math.isfinite(score):
        raise ValueError(f"the score is {score}; expected a finite number")
    return Evaluation(score, {name: float(metric) for name, metric in evaluation.metrics.items()})


def _summary(error: Exception) -> str:
    message = str(error)
    return _storable(f"{type(error).__name__}: {message}" if message else type(error).__name__)


def _storable(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate in a message must not end the search."""
    return text.encode("utf-8", "replace").decode()


def _record(
    candidate: Candidate, evaluation: Evaluation | None, error: str | None, trace: str | None, seconds: float
) -> Record:
    arch = candidate.arch
    return Record(
        number=candidate.number,
        key=arch.identity,
        text=str(arch),
        json=arch.to_json(),
        parent=candidate.parent,
        score=evaluation.score if evaluation else None,
        metrics=evaluation.metrics if evaluation else {},
        error=error,
        traceback=trace,
        seconds=seconds,
        params=arch.params,
        macs=arch.macs,
    )
