"""Networks of papers as plain files: their parameters are those of their authors' code, their MACs those that torch counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import einspec

FOLDER = Path(__file__).parents[1] / "networks"

NETWORKS = {
    "ResNet-50": ("resnet50", "resnet(3,4,6,3;1000)", 25_557_032),
    "MobileNetV2": ("mobilenetv2", "mobilenetv2", 3_504_872),
    "EfficientNet-B0": ("efficientnet_b0", "efficientnet_b0", 5_288_548),
    "ViT-B/16": ("vit", "vit(768,12,12,16)", 86_567_656),
    "DeiT-Ti": ("vit", "vit(192,12,3,16)", 5_717_416),
    "GPT-2 small": ("gpt2", "gpt(768,12,12)", 124_439_808),
    "Swin-T": ("swin", "swin(96;2,2,6,2;3)", 28_288_354),
    "ConvNeXt-T": ("convnext", "convnext(96;3,3,9,3)", 28_589_128),
    "DenseNet-121": ("densenet", "densenet(6,12,24,16)", 7_978_856),
    "ShuffleNetV2": ("shufflenetv2", "shufflenetv2", 2_278_604),
    "MobileNetV3-Large": ("mobilenetv3_large", "mobilenetv3_large", 5_483_032),
    "the smallest of NAS-Bench-101": ("nasbench101", "cell(100000100011001101101;ppppp)", 227_274),
    "the largest of NAS-Bench-101": ("nasbench101", "cell(111100100001000100101;ccccc)", 49_979_274),
}


def network(name: str) -> einspec.Architecture:
    file, text, _ = NETWORKS[name]
    return einspec.load(FOLDER / f"{file}.lark").parse(text)


def test_the_folder_holds_no_python():
    assert {path.suffix for path in FOLDER.iterdir()} == {".lark"}


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_and_macs(name):
    arch = network(name)
    assert arch.params == NETWORKS[name][2]
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        model = einspec.compile(arch).to("meta").eval()
        kind = arch.space.inputs[0]
        dtype = torch.float32 if kind.dtype == "float" else torch.int64
        output = model(torch.zeros(1, *kind.sizes, dtype=dtype, device="meta"))
    assert sum(parameter.numel() for parameter in model.parameters()) == NETWORKS[name][2]
    assert tuple(output.shape) == (1, *arch.output.sizes)
    assert counter.get_total_flops() == 2 * arch.macs


SMALL = {
    "resnet50": ("3,32,32", "resnet(2,2,2,2;10)"),
    "mobilenetv2": ("3,32,32", "mobilenetv2"),
    "efficientnet_b0": ("3,32,32", "efficientnet_b0"),
    "vit": ("3,32,32", "vit(192,12,3,16)"),
    "gpt2": ("16 int", "gpt(768,2,12)"),
    "swin": ("3,224,224", "swin(96;2,1,1,1;3)"),
    "convnext": ("3,32,32", "convnext(96;1,1,1,1)"),
    "densenet": ("3,32,32", "densenet(1,6,1,1)"),
    "shufflenetv2": ("3,32,32", "shufflenetv2"),
    "mobilenetv3_large": ("3,32,32", "mobilenetv3_large"),
    "nasbench101": ("3,8,8", "cell(110001101001000101010;clpcp)"),
    "mobilenetv3": ("3,32,32", "[mb3x3se][mb5x4mb3x6][mb7x3]"),
}


@pytest.mark.parametrize("file", SMALL)
def test_compiled_is_interpreted(file):
    kind, text = SMALL[file]
    arch = einspec.load(FOLDER / f"{file}.lark", input=kind).parse(text)
    model = einspec.compile(arch, seed=0).eval()
    torch.manual_seed(0)
    size = arch.space.inputs[0]
    x = torch.randint(0, 50_257, (2, *size.sizes)) if size.dtype == "int" else torch.randn(2, *size.sizes)
    with torch.no_grad():
        torch.testing.assert_close(model(x), einspec.interpret(arch, model, x), rtol=1e-4, atol=1e-4)


def test_once_for_all_is_counted():
    space = einspec.load(FOLDER / "mobilenetv3.lark")
    lines = (FOLDER / "mobilenetv3.lark").read_text().splitlines()
    assert len(lines) < 30
    assert space.count() == (18 + 18**2 + 18**3 + 18**4) ** 3 == 1_373_182_945_875_000
    assert len({arch.key for arch in space.samples(20, rng=0)}) == 20


def test_tied_embeddings_are_one():
    arch = einspec.load(FOLDER / "gpt2.lark", input="8 int").parse("gpt(768,2,12)")
    model = einspec.compile(arch)
    tables = [name for name, parameter in model.named_parameters() if parameter.shape == (50_257, 768)]
    assert len(tables) == 1
    tokens = torch.randint(0, 50_257, (2, 8))
    model(tokens).sum().backward()
    gradient = dict(model.named_parameters())[tables[0]].grad
    assert gradient is not None
    assert gradient.abs().sum() > 0
