"""Rows of figures: what was measured, the median and the spread of its rounds, and the bar if there is one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    rounds: Sequence[float]
    unit: str
    bar: str = ""

    @property
    def median(self) -> float:
        """What stands in the table."""
        return statistics.median(self.rounds)

    def text(self, width: int) -> str:
        """The line: what, median, unit, smallest and largest round, bar."""
        spread = f"{number(min(self.rounds))} to {number(max(self.rounds))}"
        line = f"{self.what:<{width}}  {number(self.median):>8} {self.unit:<4}  {spread:<18}  {self.bar}"
        return line.rstrip()


def tail(what: str, times: Sequence[float], mean: str = "", most: str = "", slowest: str = "") -> list[Row]:
    """Mean, 99th percentile and maximum of times in milliseconds, each with its bar, as rows of one round each."""
    ordered = sorted(times)
    return [
        Row(f"{what}: mean", [statistics.fmean(times)], "ms", mean),
        Row(f"{what}: 99th percentile", [ordered[int(0.99 * len(ordered))]], "ms", most),
        Row(f"{what}: maximum", [ordered[-1]], "ms", slowest),
    ]


def number(value: float) -> str:
    """Three digits that matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(rows: Sequence[Row]) -> str:
    """All lines under a heading."""
    width = max(len(row.what) for row in rows)
    return "\n".join([heading(width), *(row.text(width) for row in rows)])


def heading(width: int) -> str:
    """What stands above the lines."""
    return f"{'':<{width}}  {'median':>8}       {'rounds':<18}  bar"


def cpu_seconds(work: Callable[..., object], *arguments: object) -> float:
    """Processor time that a call takes: what a busy neighbour takes is not counted."""
    start = time.process_time()
    work(*arguments)
    return time.process_time() - start
