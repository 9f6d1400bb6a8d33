"""What architectures are trained on: a task is an ``evaluate`` with a name, an input type and settings."""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from einspec.arguments import expect_text
from einspec.errors import EinspecError
from einspec.search.evaluation import Evaluation
from einspec.text import did_you_mean, listing

if TYPE_CHECKING:
    from torch import nn

    from einspec.space import Architecture, Space

# Where each task is, so that asking for its name imports nothing.
_TASKS = {"digits": "einspec.search.digits:Digits"}


class AbstractTask(ABC):
    """Data, and a way to train on it whose cost is bounded by counts.

    A search calls a task with architectures; the score is on validation data, and what test data says is a
    metric that no search looks at.
    """

    name: ClassVar[str]
    input: ClassVar[tuple[int, ...]]
    """The input type that a space must have."""
    limits: ClassVar[Mapping[str, int]]
    """Limits for its space under which a candidate, if it ``fits`` too, trains in about a second."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Name and settings as JSON values: what decides a score, besides the architecture."""

    def check(self, space: Space) -> None:
        """Raises ``EinspecError`` unless the space takes the task's examples, as they are or in another shape."""
        kinds = space.inputs
        if len(kinds) != 1 or kinds[0].dtype != "float" or kinds[0].elements != math.prod(self.input):
            raise EinspecError(
                f"the task {self.name} gives examples of {self.input}, and {space.name} takes {space.input_text()}: "
                f"expected one input of {math.prod(self.input)} numbers"
            )

    @abstractmethod
    def fits(self, arch: Architecture) -> bool:
        """Whether it is cheap enough to train, by counts beyond ``Limits``; for ``where=task.fits``."""

    @abstractmethod
    def fit(self, arch: Architecture, *, epochs: int | None = None) -> tuple[nn.Module, Evaluation]:
        """Compile and train an architecture; the module in evaluation mode, and what it reaches.

        epochs: more or fewer than a search trains.
        """

    def __call__(self, arch: Architecture) -> Evaluation:
        """What a search calls: train, and forget the module."""
        return self.fit(arch)[1]


def activations(arch: Architecture) -> int:
    """How many values one example makes on its way: the elements of all outputs, copies written out.

    It bounds time and memory where MACs do not: a softmax has none.
    """
    return sum(
        times * sum(kind.elements for node in graph.nodes if node.op is not None for kind in node.outputs)
        for graph, times in arch.graph.graphs()
    )


def load_task(name: str, **settings: Any) -> AbstractTask:
    """The task of this name. Raises ``EinspecError`` for an unknown one and for a library that is missing."""
    expect_text("name", name, "the name of a task")
    if name not in _TASKS:
        advice = did_you_mean(name, _TASKS)
        raise EinspecError(
            f"task {name!r}: no such task; expected {listing(_TASKS)}" + (f"; {advice}" if advice else "")
        )
    module, _, attribute = _TASKS[name].partition(":")
    task: AbstractTask = getattr(importlib.import_module(module), attribute)(**settings)
    return task
