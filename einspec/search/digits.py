"""The task ``digits``: 1,797 images of handwritten digits, 8 x 8 pixels, that scikit-learn brings along.

The data are the test part of Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
Learning Repository, 1998. Each class is split 60 : 20 : 20 into training, validation and test images by a
shuffle of our own, so that the split does not depend on the version of any library.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

import einspec
from einspec.errors import EinspecError
from einspec.search.evaluation import Evaluation
from einspec.search.task import AbstractTask, activations
from einspec.search.training import Examples, Training, accuracy, train

if TYPE_CHECKING:
    from einspec.space import Architecture

CLASSES = 10
_SPLIT_SEED = 1998
_TRAINING, _VALIDATION = 0.6, 0.2


@dataclass(frozen=True)
class Digits(AbstractTask):
    """Train on 8 x 8 images of digits; the score is validation accuracy, ``test accuracy`` is a metric.

    Raises ``EinspecError`` where scikit-learn is missing.
    """

    name = "digits"
    input = (1, 8, 8)
    limits = MappingProxyType({"max_nodes": 100, "max_params": 200_000, "max_macs": 1_000_000})

    seed: int = 0
    """Of the weights and of the order of the images."""
    training: Training = field(default_factory=Training)
    max_primitives: int = 100
    """For ``fits``: how many primitives run in one forward pass."""
    max_activations: int = 20_000
    """For ``fits``: see ``activations``."""

    def __post_init__(self) -> None:
        load()  # a missing library is found before the search, not by each candidate

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, **dataclasses.asdict(self)}

    def fits(self, arch: Architecture) -> bool:
        return arch.graph.written_out <= self.max_primitives and activations(arch) <= self.max_activations

    def fit(self, arch: Architecture, *, epochs: int | None = None) -> tuple[nn.Module, Evaluation]:
        self.check(arch.space)
        training = self.training if epochs is None else dataclasses.replace(self.training, epochs=epochs)
        model = einspec.compile(arch, head=CLASSES, seed=self.seed)
        data = load().shaped(arch.space.inputs[0].sizes)
        train(model, data.training, training, seed=self.seed)
        scores = accuracy(model, data.validation), accuracy(model, data.test)
        return model, Evaluation(scores[0], {"test accuracy": scores[1]})


@dataclass(frozen=True)
class Data:
    """The three parts, none of which shares an image with another."""

    training: Examples
    validation: Examples
    test: Examples

    def shaped(self, sizes: Sequence[int]) -> Data:
        """The same images as tensors (n, *sizes): a space may take the 64 pixels as a vector, say."""
        parts = (self.training, self.validation, self.test)
        return Data(*(Examples(part.inputs.reshape(-1, *sizes), part.classes) for part in parts))


@functools.cache
def load() -> Data:
    """The images as tensors (n, 1, 8, 8), scaled to mean 0 and deviation 1 over the training images."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise EinspecError(
            "the task digits needs scikit-learn, which brings the images along; install it with: pip install "
            '"einspec[demo]"'
        ) from error
    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1)
    classes = torch.tensor(bunch.target, dtype=torch.int64)
    parts = split(classes.tolist())
    pixels = images[parts[0]]
    images = (images - pixels.mean()) / pixels.std()
    return Data(*(Examples(images[part], classes[part]) for part in parts))


def split(classes: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """Indices of training, validation and test examples: of each class the same shares, drawn at random."""
    rng = random.Random(_SPLIT_SEED)
    parts: tuple[list[int], list[int], list[int]] = [], [], []
    for wanted in sorted(set(classes)):
        members = [index for index, found in enumerate(classes) if found == wanted]
        shuffled = sorted(members, key=lambda _: rng.random())
        first = round(_TRAINING * len(members))
        second = first + round(_VALIDATION * len(members))
        for part, indices in zip(parts, (shuffled[:first], shuffled[first:second], shuffled[second:]), strict=True):
            part.extend(indices)
    return parts
