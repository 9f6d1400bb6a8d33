"""The few torch modules that compiled networks need beyond torch's own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


class Position(nn.Module):
    """Adds a learnable tensor of the input's shape, drawn from N(0, 1): (batch, *sizes) -> (batch, *sizes)."""

    def __init__(self, sizes: Sequence[int]):
        super().__init__()
        self.position = nn.Parameter(torch.empty(tuple(sizes)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the positions anew."""
        nn.init.normal_(self.position)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x plus the positions."""
        return x + self.position

    def extra_repr(self) -> str:
        """The shape of the positions."""
        return ", ".join(map(str, self.position.shape))


class Copies(nn.Module):
    """Several copies of one body side by side, or one body without weights that is run several times.

    Takes the inputs of copy 0, then of copy 1, ..., and returns the tuple of their outputs in the same order.
    """

    def __init__(self, bodies: Sequence[nn.Module], count: int):
        super().__init__()
        self.bodies = nn.ModuleList(bodies)
        self.count = count

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The outputs of all copies."""
        width = len(inputs) // self.count
        outputs: list[torch.Tensor] = []
        for index in range(self.count):
            body = self.bodies[index % len(self.bodies)]
            outputs.extend(body(*inputs[index * width : (index + 1) * width]))
        return tuple(outputs)


class MeanHead(nn.Module):
    """The mean over every axis but the batch and the channel, then a linear layer: (batch, ...) -> (batch, classes)."""

    def __init__(self, rank: int, channel_axis: int, channels: int, classes: int):
        super().__init__()
        self.axes = [axis + 1 for axis in range(rank) if axis != channel_axis]
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One score per class."""
        return self.linear(x.mean(dim=self.axes) if self.axes else x)  # type: ignore[no-any-return]
