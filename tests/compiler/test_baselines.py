"""Networks that are known from elsewhere, written by hand in torch, with the weights carried over."""

from __future__ import annotations

import torch
from torch import nn

import einspec
from einspec.compiler.emit.stacked import LinearStack
from tests.baselines import NB201_ALL_CONV, resnet18, vit


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride), nn.BatchNorm2d(width))

    def forward(self, x):
        y = nn.functional.leaky_relu(self.norm1(self.conv1(x)), 0.01)
        return nn.functional.leaky_relu(self.norm2(self.conv2(y)) + self.shortcut(x), 0.01)


def resnet18_by_hand() -> nn.Sequential:
    stem = [nn.Conv2d(3, 64, 3, 1, 1), nn.BatchNorm2d(64), nn.LeakyReLU(0.01), nn.MaxPool2d(3, 2, 1)]
    plan = [
        (64, 64, 1),
        (64, 64, 1),
        (64, 128, 2),
        (128, 128, 1),
        (128, 256, 2),
        (256, 256, 1),
        (256, 512, 2),
        (512, 512, 1),
    ]
    return nn.Sequential(*stem, *(Block(*sizes) for sizes in plan))


def carry_over(source: nn.Module, target: nn.Module) -> None:
    """Copies weights of layers of one kind, in their order; a linear layer over patches is a convolution."""
    with torch.no_grad():
        convolutions = [module for module in target.modules() if isinstance(module, nn.Conv2d)]
        linears = [module for module in source.modules() if isinstance(module, nn.Linear)]
        for convolution, linear in zip(convolutions, linears, strict=True):
            convolution.weight.copy_(linear.weight.view_as(convolution.weight))
            convolution.bias.copy_(linear.bias)
        norms = [module for module in target.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm, other in zip(norms, [m for m in source.modules() if isinstance(m, nn.BatchNorm2d)], strict=True):
            norm.load_state_dict(other.state_dict())


def test_resnet18_is_the_resnet18_by_hand():
    arch = einspec.load("einspace", input=(3, 32, 32)).parse(resnet18())
    model, by_hand = einspec.compile(arch).double(), resnet18_by_hand().double()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():  # norms that are not the identity
        parameter.data.add_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64), alpha=0.02)
    carry_over(model, by_hand)
    x = torch.randn(4, 3, 32, 32, generator=generator, dtype=torch.float64)
    for training in (True, False):
        found, expected = model.train(training)(x), by_hand.train(training)(x)
        assert found.shape == (4, 512, 2, 2)
        assert found.abs().max() > 0.1
        assert (found - expected).abs().max() < 1e-10


class Attention(nn.Module):
    """A transformer layer of four heads, with an output projection from their concatenation."""

    def __init__(self):
        super().__init__()
        self.query = nn.ModuleList(nn.Linear(512, 64) for _ in range(4))
        self.key = nn.ModuleList(nn.Linear(512, 64) for _ in range(4))
        self.value = nn.ModuleList(nn.Linear(512, 64) for _ in range(4))
        self.out = nn.Linear(256, 512)
        self.norm1, self.norm2 = nn.LayerNorm(512), nn.LayerNorm(512)
        self.up, self.down = nn.Linear(512, 512), nn.Linear(512, 512)

    def forward(self, x):
        heads = []
        for query, key, value in zip(self.query, self.key, self.value, strict=True):
            heads.append(nn.functional.scaled_dot_product_attention(query(x), key(x), value(x)))
        x = self.norm1(self.out(torch.cat(heads, dim=2)) + x)
        return self.norm2(self.down(nn.functional.leaky_relu(self.up(x), 0.01)) + x)


def test_vit_is_the_vit_by_hand():
    arch = einspec.load("einspace", input=(3, 32, 32)).parse(vit(layers=1))
    model = einspec.compile(arch).double()
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    patches, out, up, down = linears
    query, key, value = (module for module in model.modules() if isinstance(module, LinearStack))
    norms = [module for module in model.modules() if isinstance(module, nn.LayerNorm)]
    layer = Attention().double()
    ours = [out, up, down, *norms]
    theirs = [layer.out, layer.up, layer.down, layer.norm1, layer.norm2]
    for module, other in zip(theirs, ours, strict=True):
        module.load_state_dict(other.state_dict())
    for stack, heads in ((query, layer.query), (key, layer.key), (value, layer.value)):
        for weight, bias, head in zip(stack.weight, stack.bias, heads, strict=True):
            head.load_state_dict({"weight": weight, "bias": bias})
    (position,) = (parameter for name, parameter in model.named_parameters() if "position" in name)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    tokens = nn.functional.unfold(x, 4, stride=4).transpose(1, 2)
    embedded = nn.functional.linear(tokens, patches.weight, patches.bias) + position
    assert (model(x) - layer(embedded)).abs().max() < 1e-10


def test_nasbench201_has_15625_cells():
    space = einspec.load("nasbench201")
    texts = [str(arch) for arch in space.enumerate()]
    assert len(texts) == len(set(texts)) == 15_625
    assert NB201_ALL_CONV in texts
    assert "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|" in texts
