"""Weights of all copies of a layer, stacked: one tensor each, with a leading axis of copies.

A stack runs one copy, ``stack(x, copy)``: (batch, ...) -> (batch, ...), or all of them side by side, ``stack(x)``:
(batch, copies, ...) -> (batch, copies, ...). What ends in *Wide* gives all copies one input and joins their outputs
along the channels: (batch, ...) -> (batch, ... copies times as many channels ...). Nothing is moved where strides can
say it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from einspec.compiler.emit.modules import PatchConv2d, Position, activated


class Stack(nn.Module):
    """Copies of one layer: each of its parameters and buffers once for each copy, stacked."""

    def __init__(self, copies: int, make: Callable[[], nn.Module]):
        super().__init__()
        self.copies = copies
        layer = make()
        for name, value in layer.named_parameters():
            self.register_parameter(name, nn.Parameter(value.new_empty((copies, *value.shape))))
        for name, buffer in layer.named_buffers():
            self.register_buffer(name, buffer.new_empty((copies, *buffer.shape)))
        self._fill(layer)

    def _fill(self, layer: nn.Module) -> None:
        """Draws every copy as the layer draws its own weights."""
        if next(self.parameters()).is_meta:
            return
        state = {name: value.detach() for name, value in self.state_dict(keep_vars=True).items()}
        for copy in range(self.copies):
            if copy:
                layer.reset_parameters()  # type: ignore[operator]
            for name, value in layer.state_dict().items():
                state[name][copy] = value

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Stack:
        """Memory formats are for tensors of other meanings: what a stack holds stays contiguous."""

        def flat(value: torch.Tensor) -> torch.Tensor:
            return fn(value.flatten()).view(value.shape)

        super()._apply(flat, recurse)  # type: ignore[no-untyped-call]
        return self

    def extra_repr(self) -> str:
        """How many copies, and the shapes of one."""
        shapes = (f"{name}={tuple(value.shape[1:])}" for name, value in self.named_parameters())
        return ", ".join([f"copies={self.copies}", *shapes])


class Linears(Stack):
    """The weights of linear layers."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, copies: int, in_features: int, out_features: int):
        super().__init__(copies, lambda: nn.Linear(in_features, out_features))


class LinearStack(Linears):
    """Linear layers: (..., in) -> (..., out)."""

    def forward(self, x: torch.Tensor, copy: int | None = None) -> torch.Tensor:
        """One copy, or all as one batched matrix product."""
        if copy is not None:
            return functional.linear(x, self.weight[copy], self.bias[copy])
        count = x.shape[1]
        x = x.movedim(1, 0)
        weight, bias = self.weight.reshape(count, -1, x.shape[-1]), self.bias.reshape(count, 1, -1)
        y = torch.baddbmm(bias, x.flatten(1, -2), weight.transpose(1, 2))
        return y.reshape(*x.shape[:-1], y.shape[-1]).movedim(0, 1)


class LinearWide(Linears):
    """Linear layers on one input: (..., in) -> (..., copies out)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All copies as one matrix product."""
        return functional.linear(x, self.weight.flatten(0, 1), self.bias.flatten())


class LinearWideRelu(Linears):
    """Linear layers on one input and a leaky ReLU: (..., in) -> (..., copies out)."""

    def __init__(self, copies: int, in_features: int, out_features: int, slope: float):
        super().__init__(copies, in_features, out_features)
        self.slope = slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All copies as one matrix product, and the activation over it."""
        y = functional.linear(x.flatten(0, -2), self.weight.flatten(0, 1), self.bias.flatten())
        return activated(y, self.slope).view(*x.shape[:-1], y.shape[-1])


class LinearSum(Linears):
    """Sums of ``terms`` linear layers on inputs side by side: (..., terms in) -> (..., copies / terms times out)."""

    def __init__(self, copies: int, in_features: int, out_features: int, terms: int):
        super().__init__(copies, in_features, out_features)
        self.terms = terms

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All copies as one matrix product."""
        weight = self.weight.view(self.terms, -1, self.weight.shape[-1])
        return functional.linear(x, weight.movedim(1, 0).flatten(1), self.bias.view(self.terms, -1).sum(0))


class LinearSumStack(LinearSum):
    """Such sums for each of m copies: (m, ..., terms in) -> (m, ..., copies / (m terms) times out)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All copies as one batched matrix product."""
        count = x.shape[1]
        weight = self.weight.view(count, self.terms, -1, self.weight.shape[-1]).movedim(1, 2).flatten(2)
        bias = self.bias.view(count, self.terms, 1, -1).sum(1)
        x = x.movedim(1, 0)
        y = torch.baddbmm(bias, x.flatten(1, -2), weight.transpose(1, 2))
        return y.view(*x.shape[:-1], y.shape[-1]).movedim(0, 1)


class Convolutions(Stack):
    """The weights of convolutions without bias, and the window that they slide."""

    weight: torch.Tensor

    def __init__(
        self, copies: int, channels: int, width: int, kernel: int, stride: int, padding: int, dilation: int, groups: int
    ):
        super().__init__(copies, lambda: nn.Conv2d(channels, width, kernel, groups=groups, bias=False))
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def convolve(self, x: torch.Tensor, weight: torch.Tensor, groups: int) -> torch.Tensor:
        """Slides the window."""
        return functional.conv2d(x, weight, None, self.stride, self.padding, self.dilation, groups)


class Conv2dStack(Convolutions):
    """Convolutions without bias: (c, h, w) -> (width, h', w')."""

    def forward(self, x: torch.Tensor, copy: int | None = None) -> torch.Tensor:
        """One copy, or all as one grouped convolution."""
        if copy is not None:
            return self.convolve(x, self.weight[copy], self.groups)
        count = x.shape[1]
        y = self.convolve(x.flatten(1, 2), self.weight.flatten(0, 1), count * self.groups)
        return parted(y, count)


class Conv2dWide(Convolutions):
    """Convolutions without bias on one input: (c, h, w) -> (copies width, h', w')."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All copies as one convolution."""
        return self.convolve(x, self.weight.flatten(0, 1), self.groups)


class PatchConvolutions(Stack):
    """The weights of linear layers over patches, and the window that they slide as convolutions."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, copies: int, channels: int, width: int, kernel: int, stride: int, padding: int):
        super().__init__(copies, lambda: PatchConv2d(channels, width, kernel, stride, padding))
        self.kernel, self.stride, self.padding = kernel, stride, padding

    def convolve(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, groups: int) -> torch.Tensor:
        """Slides the window."""
        kernels = weight.view(len(weight), -1, self.kernel, self.kernel)
        return functional.conv2d(x, kernels, bias, self.stride, self.padding, 1, groups)


class PatchConv2dStack(PatchConvolutions):
    """Convolutions with the weights of linear layers over patches: (c, h, w) -> (width, h', w')."""

    def forward(self, x: torch.Tensor, copy: int | None = None) -> torch.Tensor:
        """One copy, or all as one grouped convolution."""
        if copy is not None:
            return self.convolve(x, self.weight[copy], self.bias[copy], 1)
        count = x.shape[1]
        y = self.convolve(x.flatten(1, 2), self.weight.flatten(0, 1), self.bias.flatten(), count)
        return parted(y, count)


class PatchConv2dWide(PatchConvolutions):
    """Convolutions with the weights of linear layers on one input: (c, h, w) -> (copies width, h', w')."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """All copies as one convolution."""
        return self.convolve(x, self.weight.flatten(0, 1), self.bias.flatten(), 1)


class BatchNormStack(Stack):
    """Batch norms over the first axis of their inputs: (c, ...) -> (c, ...)."""

    weight: torch.Tensor
    bias: torch.Tensor
    running_mean: torch.Tensor
    running_var: torch.Tensor
    num_batches_tracked: torch.Tensor

    def __init__(self, copies: int, channels: int):
        super().__init__(copies, lambda: nn.BatchNorm1d(channels))

    def forward(self, x: torch.Tensor, copy: int | None = None) -> torch.Tensor:
        """One copy, or all as one over so many times the channels."""
        if copy is not None:
            return self.normalise(x, lambda value: value[copy])
        y = self.normalise(x.flatten(1, 2), lambda value: value.view(-1))
        return parted(y, self.copies)

    def normalise(self, x: torch.Tensor, of: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """Batch norm with a part of each state, over sequences: see ``LineBatchNorm``."""
        if self.training:
            of(self.num_batches_tracked).add_(1)
        mean, variance = of(self.running_mean), of(self.running_var)
        rows = x.flatten(2) if x.dim() > 3 else x
        y = functional.batch_norm(rows, mean, variance, of(self.weight), of(self.bias), self.training, 0.1, 1e-5)
        return y.view(x.shape)


class LayerNormStack(Stack):
    """Layer norms over the last axis: (..., d) -> (..., d)."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, copies: int, size: int):
        super().__init__(copies, lambda: nn.LayerNorm(size))

    def forward(self, x: torch.Tensor, copy: int | None = None) -> torch.Tensor:
        """One copy, or all."""
        if copy is not None:
            return functional.layer_norm(x, x.shape[-1:], self.weight[copy], self.bias[copy])
        shape = (self.copies, *(1,) * (x.dim() - 3), x.shape[-1])
        normal = functional.layer_norm(x, x.shape[-1:])
        return torch.addcmul(self.bias.view(shape), normal, self.weight.view(shape))


class PositionStack(Stack):
    """Learnable tensors of the input's shape, added to it: (...) -> (...)."""

    position: torch.Tensor

    def __init__(self, copies: int, *sizes: int):
        super().__init__(copies, lambda: Position(sizes))

    def forward(self, x: torch.Tensor, copy: int | None = None) -> torch.Tensor:
        """One copy, or all."""
        return x + (self.position if copy is None else self.position[copy])


class Each(nn.ModuleList):
    """Copies of a module that no stack is made for, each by itself."""

    def forward(self, *given: Any) -> Any:
        """One copy: its inputs, then which."""
        *inputs, copy = given
        return self[copy](*inputs)


def parted(y: torch.Tensor, copies: int) -> torch.Tensor:
    """The channels of all copies, copy by copy: (batch, copies c, ...) -> (batch, copies, c, ...)."""
    return y.view(y.shape[0], copies, y.shape[1] // copies, *y.shape[2:])
