"""A picture of one or more runs: evaluations as dots, failed ones as crosses, the best so far as a line."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from einspec.arguments import expect, expect_path
from einspec.errors import EinspecError
from einspec.search.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FORMATS = (".svg", ".png")
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # Okabe and Ito 2008: told apart by all eyes


class Scored(Protocol):
    """What is drawn: a ``Record``, or an ``Evaluated``."""

    @property
    def number(self) -> int: ...

    @property
    def score(self) -> float | None: ...


def best_so_far(evaluations: Iterable[Scored]) -> list[tuple[int, float]]:
    """How many evaluations were done, and the highest score until then, for each that has a score.

    >>> from types import SimpleNamespace as One
    >>> best_so_far([One(number=0, score=0.5), One(number=1, score=None), One(number=2, score=0.25)])
    [(1, 0.5), (3, 0.5)]
    """
    scored = _scored(evaluations)
    return [
        (number, best)
        for (number, _), best in zip(scored, itertools.accumulate((score for _, score in scored), max), strict=True)
    ]


def draw_progress(path: str | os.PathLike[str], runs: Mapping[str, Iterable[Scored]], *, score: str = "score") -> Path:
    """Write a picture of runs, each under its name, as ``.svg`` or ``.png``; its path.

    score: what the vertical axis says. Raises ``EinspecError`` where matplotlib is missing, ``ValueError``
    for another suffix, ``StoreError`` if the file cannot be written.
    """
    expect_path("path", path)
    expect("runs", runs, Mapping, "evaluations by the name of their run")
    for name, evaluations in runs.items():
        expect(f"runs[{name!r}]", evaluations, Iterable, "evaluations")
    path = Path(path)
    if path.suffix not in _FORMATS:
        raise ValueError(f"{path}: a picture of format {path.suffix!r}; expected {' or '.join(_FORMATS)}")
    figure = _figure()
    axes = figure.add_subplot()
    for (name, evaluations), colour in zip(runs.items(), itertools.cycle(_COLOURS), strict=False):
        _draw_run(axes, name, list(evaluations), colour)
    axes.set_xlabel("evaluations")
    axes.set_ylabel(score)
    axes.grid(alpha=0.25)
    figure.legend(loc="outside upper left", ncols=len(runs), frameon=False)
    return write_whole(path, lambda draft: _save(figure, draft))


def _draw_run(axes: Axes, name: str, evaluations: list[Scored], colour: str) -> None:
    dots = _scored(evaluations)
    axes.scatter(*_columns(dots), s=10, color=colour, alpha=0.35, linewidths=0)
    failed = [one.number + 1 for one in evaluations if one.score is None]
    axes.scatter(failed, [0.02] * len(failed), s=12, color=colour, marker="x", transform=axes.get_xaxis_transform())
    line = best_so_far(evaluations)
    label = f"{name}: best {line[-1][1]:.4f}" if line else f"{name}: none"
    axes.step(*_columns(line), where="post", color=colour, label=label)


def _scored(evaluations: Iterable[Scored]) -> list[tuple[int, float]]:
    ordered = sorted(evaluations, key=lambda one: one.number)
    return [(one.number + 1, one.score) for one in ordered if one.score is not None]


def _columns(points: list[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _figure() -> Figure:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EinspecError('pictures need matplotlib; install it with: pip install "einspec[demo]"') from error
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)  # no window, whatever backend the user has set
    return figure


def _save(figure: Figure, path: Path) -> None:
    # without a date and with a fixed salt the same runs give the same file
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "einspec", "svg.fonttype": "none"}):
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
