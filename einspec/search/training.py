"""A small trainer for classifiers: AdamW, a cosine schedule with a warm-up, gradient clipping, a seed.

Its cost is bounded by counts (epochs, batch size), never by a clock. On one machine and version of torch the
same module, examples and seed give the same weights: it trains in one thread, and leaves torch's global
random state and number of threads as it found them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_WARM_UP = 0.1
"""The share of the steps over which the learning rate rises."""
_LARGEST_BATCH = 512
"""How many examples are classified at once."""


@dataclass(frozen=True)
class Examples:
    """Inputs with their classes: tensors of shape (n, ...) and (n,)."""

    inputs: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return len(self.classes)


@dataclass(frozen=True)
class Training:
    """How long and how strongly to train."""

    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 2e-2
    """The highest: the rate rises to it over the first tenth of the steps and then falls to 0 on a cosine."""
    weight_decay: float = 1e-2
    clip: float = 1.0
    """The largest norm of the gradient of all parameters together."""


def train(model: nn.Module, examples: Examples, training: Training, *, seed: int) -> None:
    """Train a module in place and leave it in evaluation mode.

    Raises ``FloatingPointError`` as soon as the loss or the gradient is not finite.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    steps = training.epochs * _batches_per_epoch(examples, training)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    model.train()
    with _repeatable(seed):
        for step, batch in enumerate(_batches(examples, training)):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(batch.inputs), batch.classes)
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(model.parameters(), training.clip)
            _check_finite(loss, norm, f"step {step + 1} of {steps}")
            optimizer.step()
            schedule.step()
    model.eval()


def accuracy(model: nn.Module, examples: Examples) -> float:
    """The share of the examples that a module puts into their class; for a module in evaluation mode."""
    right = 0
    with _repeatable(0), torch.no_grad():
        for start in range(0, len(examples), _LARGEST_BATCH):
            part = slice(start, start + _LARGEST_BATCH)
            found = model(examples.inputs[part]).argmax(1)
            right += int((found == examples.classes[part]).sum())
    return right / len(examples)


def _batches_per_epoch(examples: Examples, training: Training) -> int:
    return max(1, len(examples) // training.batch_size)


def _batches(examples: Examples, training: Training) -> Iterator[Examples]:
    """Random batches of equal size. What an epoch leaves over is dropped: batch norm needs more than one."""
    for _ in range(training.epochs):
        order = torch.randperm(len(examples))
        for batch in range(_batches_per_epoch(examples, training)):
            part = order[batch * training.batch_size : (batch + 1) * training.batch_size]
            yield Examples(examples.inputs[part], examples.classes[part])


def _rate(step: int, steps: int) -> float:
    """The learning rate at a step, as a share of the highest."""
    rising = max(1, round(_WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _check_finite(loss: Tensor, norm: Tensor, where: str) -> None:
    for name, value in (("loss", loss.item()), ("norm of the gradient", norm.item())):
        if not math.isfinite(value):
            raise FloatingPointError(
                f"training diverged: the {name} is {value} at {where}; expected a finite number. A lower "
                f"learning rate may help"
            )


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """Torch with a seed and one thread, which small modules are fastest with; restored afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
