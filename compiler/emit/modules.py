"""The few torch modules that compiled networks need beyond torch's own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from einspec.errors import ShapeError


class Expects(nn.Module):
    """Returns its inputs, after a look at their shapes and dtypes.

    ``sizes`` are those of one example of each input, None for any, and whether it holds floats. Raises ``ShapeError``
    for others.
    """

    def __init__(self, names: Sequence[str], kinds: Sequence[tuple[tuple[int | None, ...], bool]], has_weights: bool):
        super().__init__()
        self.names, self.kinds = tuple(names), tuple(kinds)
        self.register_buffer("like", torch.empty(0) if has_weights else None, persistent=False)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """The inputs."""
        for x, name, (sizes, is_float) in zip(inputs, self.names, self.kinds, strict=True):
            if not isinstance(x, torch.Tensor):
                raise TypeError(f"{name} is of the type {type(x).__name__}: expected a tensor")
            is_number = x.dtype not in (torch.bool, torch.complex64, torch.complex128)
            fits = x.dim() == len(sizes) + 1
            for place, size in enumerate(sizes):
                fits = fits and (size is None or x.shape[place + 1] == size)
            if not fits or x.is_floating_point() != is_float or not is_number:
                shape = ", ".join("any" if size is None else str(size) for size in sizes)
                raise ShapeError(
                    f"{name} has the shape {tuple(x.shape)} and the dtype {x.dtype}: expected (batch, {shape}) and "
                    f"{'floats' if is_float else 'whole numbers'}"
                )
            differs = is_float and self.like is not None and x.dtype != self.like.dtype
            if differs and (x.dtype == torch.float64 or not torch.is_autocast_enabled(x.device.type)):
                autocast = "" if x.dtype == torch.float64 else ", or run both under torch.autocast"
                raise ShapeError(
                    f"{name} has the dtype {x.dtype}, and the weights have {self.like.dtype}: convert one of them "
                    f"with .to(...){autocast}"
                )
        return inputs[0] if len(inputs) == 1 else inputs

    def extra_repr(self) -> str:
        """What is expected."""
        pairs = zip(self.names, self.kinds, strict=True)
        return ", ".join(
            f"{name}: (batch, {', '.join('any' if size is None else str(size) for size in sizes)})"
            for name, (sizes, _) in pairs
        )


class Constant(nn.Module):
    """A tensor that a function of an op holds: it moves with the network, and is not part of its state."""

    def __init__(self, value: torch.Tensor):
        super().__init__()
        self.register_buffer("value", value, persistent=False)

    value: torch.Tensor

    def forward(self) -> torch.Tensor:
        """The tensor."""
        return self.value


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


def activated(y: torch.Tensor, slope: float) -> torch.Tensor:
    """A leaky ReLU, written over its input."""
    return functional.leaky_relu(y, slope, inplace=True) if slope else functional.relu(y, inplace=True)


class LinearRelu(nn.Linear):
    """A linear layer over the last axis and a leaky ReLU: (batch, ..., in) -> (batch, ..., out).

    The activation is written over what the layer makes while that is a plain matrix: over a view of one, gradients
    would be copied several times on their way back.
    """

    def __init__(self, in_features: int, out_features: int, slope: float):
        super().__init__(in_features, out_features)
        self.slope = slope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer, then the activation."""
        y = functional.linear(x.flatten(0, -2), self.weight, self.bias)
        return activated(y, self.slope).view(*x.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        """Sizes and slope."""
        return f"{super().extra_repr()}, slope={self.slope}"


class PatchConv2d(nn.Linear):
    """A convolution whose weights are those of a linear layer over patches: (batch, c, h, w) -> (batch, width, h', w').

    The weight has the shape (width, c kernel kernel), as ``linear`` after ``im2col`` has it.
    """

    def __init__(self, channels: int, width: int, kernel: int, stride: int, padding: int):
        super().__init__(channels * kernel * kernel, width)
        self.channels, self.kernel, self.stride, self.padding = channels, kernel, stride, padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Slides the window."""
        weight = self.weight.view(self.out_features, self.channels, self.kernel, self.kernel)
        return functional.conv2d(x, weight, self.bias, self.stride, self.padding)

    def extra_repr(self) -> str:
        """Channels and window."""
        return (
            f"{self.channels}, {self.out_features}, kernel={self.kernel}, stride={self.stride}, padding={self.padding}"
        )


class LineBatchNorm(nn.BatchNorm1d):
    """Batch norm of images of one row or one column: (batch, c, h, w) -> (batch, c, h, w).

    As sequences: for such images ``nn.BatchNorm2d`` of torch 2.13 gives wrong gradients on a CPU where an image and its
    gradient lie in memory in different orders of axes.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The norm over the batch and all pixels of a channel."""
        return super().forward(x.flatten(2)).view(x.shape)


class MeanHead(nn.Module):
    """The mean over some axes, counted with the batch, then a linear layer: (batch, ...) -> (batch, classes)."""

    def __init__(self, axes: Sequence[int], channels: int, classes: int):
        super().__init__()
        self.axes = tuple(axes)
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One score per class."""
        return self.linear(x.mean(dim=self.axes) if self.axes else x)  # type: ignore[no-any-return]


class ChannelScale(nn.Module):
    """Each channel times a learned number: (batch, ...) -> (batch, ...)."""

    def __init__(self, channels: int, axis: int, rank: int, init: float):
        super().__init__()
        self.shape = tuple(channels if place == axis else 1 for place in range(rank))
        self.init = init
        self.weight = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets the numbers to what they are at first."""
        nn.init.constant_(self.weight, self.init)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product."""
        return x * self.weight.view(self.shape)

    def extra_repr(self) -> str:
        """The shape that the numbers are stretched from."""
        return f"{self.shape}, init={self.init}"


class ChannelBias(nn.Module):
    """Each channel plus a learned number: (batch, ...) -> (batch, ...)."""

    def __init__(self, channels: int, axis: int, rank: int):
        super().__init__()
        self.shape = tuple(channels if place == axis else 1 for place in range(rank))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets the numbers to 0."""
        nn.init.zeros_(self.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum."""
        return x + self.bias.view(self.shape)

    def extra_repr(self) -> str:
        """The shape that the numbers are stretched from."""
        return str(self.shape)


class DropPath(nn.Module):
    """Zeros in place of whole examples, with a probability, in training: (batch, ...) -> (batch, ...)."""

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The input, or zeros."""
        kept = functional.dropout(x.new_ones((x.shape[0],) + (1,) * (x.dim() - 1)), self.p, self.training)
        return x * kept

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Table(nn.Module):
    """A learned tensor, whatever the input: (batch, ...) -> (1, *sizes)."""

    def __init__(self, sizes: Sequence[int], init: str):
        super().__init__()
        self.init = init
        self.weight = nn.Parameter(torch.empty(tuple(sizes)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets the numbers to what they are at first, or draws them anew."""
        if self.init == "normal":
            nn.init.normal_(self.weight, std=0.02)
        else:
            nn.init.constant_(self.weight, float(self.init == "ones"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The tensor."""
        return self.weight.unsqueeze(0)

    def extra_repr(self) -> str:
        """Sizes, and how it begins."""
        return f"{', '.join(map(str, self.weight.shape))}, init={self.init}"


class RelativePositions(nn.Module):
    """A learned number for each head and difference of two places of a grid: (batch, ...) -> (1, heads, n, n)."""

    def __init__(self, heads: int, height: int, width: int):
        super().__init__()
        self.height, self.width = height, width
        self.weight = nn.Parameter(torch.empty((2 * height - 1) * (2 * width - 1), heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the numbers anew."""
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The numbers, place by place."""
        rows = torch.arange(self.height, device=self.weight.device)
        columns = torch.arange(self.width, device=self.weight.device)
        down = rows[:, None, None, None] - rows[None, None, :, None] + self.height - 1
        right = columns[None, :, None, None] - columns[None, None, None, :] + self.width - 1
        index = (down * (2 * self.width - 1) + right).flatten(2).flatten(0, 1)
        return self.weight[index].permute(2, 0, 1).unsqueeze(0)

    def extra_repr(self) -> str:
        """Heads and grid."""
        return f"{self.weight.shape[1]}, {self.height}, {self.width}"


class WindowMask(nn.Module):
    """-100 between places of a window that a rolled grid had apart: (batch, ...) -> (1, windows, 1, n, n)."""

    def __init__(self, height: int, width: int, window: int, shift: int):
        super().__init__()
        self.height, self.width, self.window, self.shift = height, width, window, shift

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The mask."""
        parts = []
        for size in (self.height, self.width):
            places = torch.arange(size, device=x.device)
            parts.append((places >= size - self.window).int() + (places >= size - self.shift).int() * bool(self.shift))
        labels = parts[0][:, None] * 3 + parts[1]
        grid = labels.view(-1, self.window, self.width // self.window, self.window)
        windows: torch.Tensor = grid.permute(0, 2, 1, 3).flatten(2).flatten(0, 1)
        differs = windows[:, :, None] != windows[:, None, :]
        dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()
        mask: torch.Tensor = differs.to(dtype) * -100.0
        return mask[None, :, None]

    def extra_repr(self) -> str:
        """Grid, window and how far it is rolled."""
        return f"{self.height}, {self.width}, {self.window}, {self.shift}"


class LearnedPositions(nn.Module):
    """Adds a learned row to each row: (batch, l, d) -> (batch, l, d)."""

    def __init__(self, length: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(length, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the rows anew."""
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x plus its rows' positions."""
        return x + self.weight[: x.shape[1]]

    def extra_repr(self) -> str:
        """Rows and their width."""
        return ", ".join(map(str, self.weight.shape))


class ClassToken(nn.Module):
    """A learned row before all others: (batch, l, d) -> (batch, l + 1, d)."""

    def __init__(self, width: int):
        super().__init__()
        self.token = nn.Parameter(torch.empty(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Sets the row to 0."""
        nn.init.zeros_(self.token)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The rows with one more."""
        return torch.cat((self.token.expand(x.shape[0], 1, -1), x), dim=1)

    def extra_repr(self) -> str:
        """The width of the row."""
        return str(self.token.shape[0])


class SinusoidalPositions(nn.Module):
    """Adds sines and cosines of each row's place: (batch, ..., l, d) -> (batch, ..., l, d)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x plus its rows' positions."""
        places = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)
        rates = torch.arange(0, x.shape[-1], 2, device=x.device, dtype=torch.float32) / x.shape[-1]
        angles = places[:, None] * torch.exp(-9.210340371976184 * rates)  # ln 10,000
        table = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)
        return x + table.to(x.dtype)


class RotaryPositions(nn.Module):
    """Turns pairs of numbers by an angle of their row's place: (batch, ..., l, e) -> (batch, ..., l, e)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x with each pair turned."""
        places = torch.arange(x.shape[-2], device=x.device, dtype=torch.float32)
        rates = torch.arange(0, x.shape[-1], 2, device=x.device, dtype=torch.float32) / x.shape[-1]
        angles = places[:, None] * torch.exp(-9.210340371976184 * rates)  # ln 10,000
        sine, cosine = angles.sin().to(x.dtype), angles.cos().to(x.dtype)
        first, second = x[..., 0::2], x[..., 1::2]
        turned = (first * cosine - second * sine, first * sine + second * cosine)
        return torch.stack(turned, dim=-1).flatten(-2)


class LinearRecurrence(nn.Module):
    """h with h[t] = a[t] h[t - 1] + b[t] over the last axis but one, as a parallel scan."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The states: of both inputs' shape."""
        step = 1
        while step < a.shape[-2]:
            head, tail = b[..., :step, :], b[..., step:, :] + a[..., step:, :] * b[..., :-step, :]
            a = torch.cat((a[..., :step, :], a[..., step:, :] * a[..., :-step, :]), dim=-2)
            b = torch.cat((head, tail), dim=-2)
            step *= 2
        return b


class _Rows(nn.Module):
    """One layer of a recurrence, its weights named as torch names them."""

    gates: int

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        rows = self.gates * hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(rows))
        self.bias_hh_l0 = nn.Parameter(torch.empty(rows))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weights as torch does: evenly within 1 / sqrt(width)."""
        bound = self.hidden_size**-0.5
        for weight in self.parameters():
            nn.init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        """Numbers that go in, and that come out."""
        return f"{self.input_size}, {self.hidden_size}"


class LSTMRows(_Rows):
    """The states of an LSTM: (batch, l, d) -> (batch, l, width)."""

    gates = 4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The states, row by row."""
        weights: list[torch.Tensor] = [self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0]
        zeros = x.new_zeros(1, x.shape[0], self.hidden_size)
        return torch.lstm(x, (zeros, zeros), weights, True, 1, 0.0, self.training, False, True)[0]


class GRURows(_Rows):
    """The states of a GRU: (batch, l, d) -> (batch, l, width)."""

    gates = 3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The states, row by row."""
        weights: list[torch.Tensor] = [self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0]
        zeros = x.new_zeros(1, x.shape[0], self.hidden_size)
        return torch.gru(x, zeros, weights, True, 1, 0.0, self.training, False, True)[0]
