"""The baseline networks as an engineer writes them by hand in PyTorch, without heads.

``nn.Conv2d`` for convolutions, one packed layer for queries, keys and values, fused attention, activations in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.01


def relu(x: Tensor) -> Tensor:
    """The activation of einspace, in place as torchvision's networks have theirs."""
    return functional.leaky_relu(x, SLOPE, inplace=True)


# --- ResNet-18 (He et al., CVPR 2016) and WRN-16-4 (Zagoruyko and Komodakis, BMVC 2016) ---


class Block(nn.Module):
    """Two convolutions with norms, beside the identity or a strided convolution."""

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        self.norm2 = nn.BatchNorm2d(width)
        self.down = nn.Sequential(nn.Conv2d(channels, width, 1, stride), nn.BatchNorm2d(width)) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        y += x if self.down is None else self.down(x)
        return relu(y)


class ResNet18(nn.Module):
    """A 3x3 stem, a pooling, eight blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 64, 3, 1, 1), nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 1)
        plan = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)]
        self.blocks = nn.Sequential(*(Block(*sizes) for sizes in [*plan, (512, 512, 1)]))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.pool(relu(self.norm(self.conv(x)))))  # type: ignore[no-any-return]


class WideBlock(nn.Module):
    """Two convolutions beside the identity or a 1x1 convolution, and an activation of their sum."""

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, width, 3, stride, 1), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        self.skip = nn.Conv2d(channels, width, 1, stride) if channels != width else None
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(relu(self.norm1(self.conv1(x))))
        y += x if self.skip is None else self.skip(x)
        return relu(self.norm2(y))


class WideResNet(nn.Module):
    """A 3x3 stem and six wide blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, 1, 1), nn.BatchNorm2d(16)
        plan = [(16, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1)]
        self.blocks = nn.Sequential(*(WideBlock(*sizes) for sizes in plan))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(relu(self.norm(self.conv(x))))  # type: ignore[no-any-return]


# --- ViT (Dosovitskiy et al., ICLR 2021) and MLP-mixer (Tolstikhin et al., NeurIPS 2021) ---


class Position(nn.Module):
    """Adds where each token stands."""

    def __init__(self, tokens: int):
        super().__init__()
        self.position = nn.Parameter(torch.randn(tokens, 512))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.position


class Embedding(nn.Module):
    """Patches of 4x4 pixels as tokens, and their positions."""

    def __init__(self, tokens: int):
        super().__init__()
        self.patches, self.position = nn.Conv2d(3, 512, 4, 4), Position(tokens)

    def forward(self, x: Tensor) -> Tensor:
        return self.position(self.patches(x).flatten(2).transpose(1, 2))  # type: ignore[no-any-return]


class AttentionLayer(nn.Module):
    """Four heads of 64 and a feedforward layer, norms behind."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(512, 768), nn.Linear(256, 512)
        self.norm1, self.norm2 = nn.LayerNorm(512), nn.LayerNorm(512)
        self.up, self.down = nn.Linear(512, 512), nn.Linear(512, 512)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, 4, 64)).permute(2, 0, 3, 1, 4)
        heads = functional.scaled_dot_product_attention(q, k, v)
        x = self.norm1(self.out(heads.transpose(1, 2).flatten(2)) + x)
        return self.norm2(self.down(relu(self.up(x))) + x)  # type: ignore[no-any-return]


class ViT(nn.Module):
    """An embedding and four layers."""

    def __init__(self, tokens: int = 256):
        super().__init__()
        self.embedding = Embedding(tokens)
        self.layers = nn.Sequential(*(AttentionLayer() for _ in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(self.embedding(x))  # type: ignore[no-any-return]


class MixerLayer(nn.Module):
    """A perceptron over tokens, one over channels, and the residual."""

    def __init__(self, tokens: int):
        super().__init__()
        self.norm = nn.LayerNorm(512)
        self.tokens1, self.tokens2 = nn.Linear(tokens, 4 * tokens), nn.Linear(4 * tokens, tokens)
        self.channels1, self.channels2 = nn.Linear(512, 256), nn.Linear(256, 512)

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.tokens1(self.norm(x).transpose(1, 2)))
        y = self.tokens2(y).transpose(1, 2)
        return self.channels2(relu(self.channels1(y))) + x  # type: ignore[no-any-return]


class Mixer(nn.Module):
    """An embedding and eight layers."""

    def __init__(self, tokens: int = 256):
        super().__init__()
        self.embedding = Embedding(tokens)
        self.layers = nn.Sequential(*(MixerLayer(tokens) for _ in range(8)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(self.embedding(x))  # type: ignore[no-any-return]


class TwoMatmuls(nn.Module):
    """The sum of eight perceptrons of two layers, as two batched matrix products."""

    def __init__(self, copies: int = 8, width: int = 256):
        super().__init__()
        self.weight1 = nn.Parameter(torch.randn(copies, width, width) / 16)
        self.bias1 = nn.Parameter(torch.randn(copies, 1, width))
        self.weight2 = nn.Parameter(torch.randn(copies, width, width) / 16)
        self.bias2 = nn.Parameter(torch.randn(copies, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, 1).expand(len(self.weight1), -1, -1)
        hidden = relu(torch.baddbmm(self.bias1, rows, self.weight1))
        return torch.baddbmm(self.bias2, hidden, self.weight2).sum(0).view_as(x)


# --- NAS-Bench-201 (Dong and Yang, ICLR 2020) ---


def unit(channels: int, width: int, kernel: int, stride: int) -> nn.Sequential:
    """ReLU, convolution, norm; what comes in is read by others too."""
    convolution = nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(width))


class NB201Cell(nn.Module):
    """The best cell on CIFAR-10: 3x3 convolutions but for the identity from the input to the third node."""

    def __init__(self, width: int):
        super().__init__()
        self.edges = nn.ModuleList(unit(width, width, 3, 1) for _ in range(5))

    def forward(self, x: Tensor) -> Tensor:
        n1 = self.edges[0](x)
        n2 = self.edges[1](x) + self.edges[2](n1)
        return x + self.edges[3](n1) + self.edges[4](n2)  # type: ignore[no-any-return]


class NB201Halving(nn.Module):
    """The residual block between two stages."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.deep = nn.Sequential(unit(channels, width, 3, 2), unit(width, width, 3, 1))
        self.skip = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(channels, width, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.skip(x) + self.deep(x)  # type: ignore[no-any-return]


class NB201(nn.Module):
    """Three stages of five cells."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16))
        stages: list[nn.Module] = []
        for width in (16, 32, 64):
            stages += [NB201Halving(width // 2, width)] if width > 16 else []
            stages += [NB201Cell(width) for _ in range(5)]
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(64)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.stages(self.stem(x))), inplace=True)


# --- DARTS-V2 (Liu et al., ICLR 2019) ---


class Separable(nn.Sequential):
    """ReLU, a depthwise convolution, a pointwise one, norm."""

    def __init__(self, width: int, kernel: int, stride: int, dilation: int, is_first: bool):
        padding = dilation * (kernel - 1) // 2
        super().__init__(
            nn.ReLU(inplace=not is_first),
            nn.Conv2d(width, width, kernel, stride, padding, dilation, width, bias=False),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )


class Reduction(nn.Module):
    """Two 1x1 convolutions of stride 2, one of them shifted."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.even = nn.Conv2d(channels, width // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(channels, width - width // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))  # type: ignore[no-any-return]


def operation(name: str, width: int, stride: int) -> nn.Module:
    """An operation of DARTS by its name."""
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else Reduction(width, width)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    kind, _, size = name.rpartition("_conv_")
    kernel = int(size[0])
    first = Separable(width, kernel, stride, 2 if kind == "dil" else 1, is_first=True)
    return first if kind == "dil" else nn.Sequential(first, Separable(width, kernel, 1, 1, is_first=False))


NORMAL = [
    [("sep_conv_3x3", 0), ("sep_conv_3x3", 1)], [("sep_conv_3x3", 0), ("sep_conv_3x3", 1)],
    [("sep_conv_3x3", 1), ("skip_connect", 0)], [("skip_connect", 0), ("dil_conv_3x3", 2)],
]  # fmt: skip
REDUCE = [
    [("max_pool_3x3", 0), ("max_pool_3x3", 1)], [("skip_connect", 2), ("max_pool_3x3", 1)],
    [("max_pool_3x3", 0), ("skip_connect", 2)], [("skip_connect", 2), ("max_pool_3x3", 1)],
]  # fmt: skip


class DartsCell(nn.Module):
    """Four nodes of two operations each."""

    def __init__(self, before: int, channels: int, width: int, is_after_reduction: bool, is_reduction: bool):
        super().__init__()
        self.old = Reduction(before, width) if is_after_reduction else unit(before, width, 1, 1)
        self.new = unit(channels, width, 1, 1)
        self.plan = REDUCE if is_reduction else NORMAL
        self.operations = nn.ModuleList(
            operation(name, width, 2 if is_reduction and source < 2 else 1)
            for node in self.plan
            for name, source in node
        )

    def forward(self, old: Tensor, new: Tensor) -> Tensor:
        states = [self.old(old), self.new(new)]
        operations: Iterator[nn.Module] = iter(self.operations)
        for (_, first), (_, second) in self.plan:
            one = next(operations)(states[first])
            states.append(one + next(operations)(states[second]))
        return torch.cat(states[2:], dim=1)


class Darts(nn.Module):
    """A stem and twenty cells of 36 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 108, 3, 1, 1, bias=False), nn.BatchNorm2d(108))
        before, channels, width, is_after = 108, 108, 36, False
        cells: list[DartsCell] = []
        for layer in range(20):
            is_reduction = layer in (6, 13)
            width *= 2 if is_reduction else 1
            cells.append(DartsCell(before, channels, width, is_after, is_reduction))
            before, channels, is_after = channels, 4 * width, is_reduction
        self.cells = nn.ModuleList(cells)

    def forward(self, x: Tensor) -> Tensor:
        old = new = self.stem(x)
        for cell in self.cells:
            old, new = new, cell(old, new)
        return new  # type: ignore[no-any-return]


# --- weights ---


def carry(source: nn.Module, destination: nn.Module) -> None:
    """Gives a network by hand the weights and the state of a compiled one, whose parameters come in the same order.

    Raises ``ValueError`` where they do not fit.
    """
    given, wanted = list(_layers(source)), list(_layers(destination))
    if isinstance(destination, ViT):
        wanted = _unpacked(destination)
    if isinstance(destination, TwoMatmuls):
        _carry_stacks(given, destination)
        return
    with torch.no_grad():
        for one, other in zip(given, wanted, strict=True):
            for value, target in zip(one, other, strict=True):
                target.copy_(_fitted(value, target.shape))


def _fitted(value: Tensor, shape: torch.Size) -> Tensor:
    """A weight in the form that it has by hand: patches as windows, heads as one axis. Nothing is transposed so."""
    if value.shape != shape and (value.dim() == len(shape) or value.numel() != shape.numel()):
        raise ValueError(f"a weight of the shape {tuple(value.shape)} does not fit one of {tuple(shape)}")
    return value.reshape(shape)


def _layers(model: nn.Module) -> Iterator[Sequence[Tensor]]:
    """Weights and state, layer by layer, as the state dict has them: what is packed in one parameter is apart there."""
    for _, layer in groupby(model.state_dict().items(), key=lambda item: item[0].rpartition(".")[0]):
        yield [value for _, value in layer]


def _unpacked(model: ViT) -> list[Sequence[Tensor]]:
    """The layers of a ViT, with queries, keys and values as one each."""
    found: list[Sequence[Tensor]] = []
    embedding = model.embedding
    found += [list(embedding.patches.parameters()), list(embedding.position.parameters())]
    for layer in model.layers:
        assert isinstance(layer, AttentionLayer)
        packed = zip(layer.qkv.weight.detach().chunk(3), layer.qkv.bias.detach().chunk(3), strict=True)
        found += list(packed)
        rest = (layer.out, layer.norm1, layer.up, layer.down, layer.norm2)
        found += [list(module.parameters()) for module in rest]
    return found


def _carry_stacks(given: list[Sequence[Tensor]], model: TwoMatmuls) -> None:
    (weight1, bias1), (weight2, bias2) = given
    with torch.no_grad():
        model.weight1.copy_(weight1.transpose(1, 2))
        model.weight2.copy_(weight2.transpose(1, 2))
        model.bias1.copy_(bias1.unsqueeze(1))
        model.bias2.copy_(bias2.unsqueeze(1))
