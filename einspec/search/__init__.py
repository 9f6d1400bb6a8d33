"""Searching a space: strategies with ask and tell, loops over them, run folders, tasks, reports.

    strategy, sampling, aging    what to evaluate next
    evaluation, loop, result     evaluating it until the budget is used up
    database, manifest, store    keeping it, so that a search that was killed goes on
    task, digits, training       what architectures are trained on
    progress, report, saving     what people look at afterwards

Importing this imports neither torch nor numpy, scikit-learn or matplotlib: tasks and reports do when used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from einspec.search.aging import Evolution as Evolution
from einspec.search.evaluation import Evaluated as Evaluated
from einspec.search.evaluation import Evaluation as Evaluation
from einspec.search.evaluation import Record as Record
from einspec.search.loop import evolution as evolution
from einspec.search.loop import random_search as random_search
from einspec.search.loop import run_search as run_search
from einspec.search.progress import Progress as Progress
from einspec.search.progress import ProgressBar as ProgressBar
from einspec.search.report import draw_progress as draw_progress
from einspec.search.result import SearchResult as SearchResult
from einspec.search.sampling import RandomSearch as RandomSearch
from einspec.search.store import Run as Run
from einspec.search.store import read_run as read_run
from einspec.search.strategy import AbstractStrategy as AbstractStrategy
from einspec.search.strategy import Candidate as Candidate
from einspec.search.strategy import Exhausted as Exhausted
from einspec.search.task import AbstractTask as AbstractTask
from einspec.search.task import load_task as load_task

if TYPE_CHECKING:
    from einspec.search.saving import save_best as save_best

__all__ = [  # save_best needs torch, which importing everything must not
    "AbstractStrategy",
    "AbstractTask",
    "Candidate",
    "Evaluated",
    "Evaluation",
    "Evolution",
    "Exhausted",
    "Progress",
    "ProgressBar",
    "RandomSearch",
    "Record",
    "Run",
    "SearchResult",
    "draw_progress",
    "evolution",
    "load_task",
    "random_search",
    "read_run",
    "run_search",
]


def __getattr__(name: str) -> object:
    if name == "save_best":  # the one name here that needs torch
        from einspec.search.saving import save_best

        return save_best
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "save_best"]
