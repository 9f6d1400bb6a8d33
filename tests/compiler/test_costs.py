"""Parameters and MACs: torch's own counts, and figures that were published.

``EINSPEC_SAMPLES`` multiplies the number of samples: see ``tests/compiler/helpers.py``.
"""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import einspec
from tests.baselines import DARTS_V2, NB201_ALL_CONV, mixer, resnet18, vit, wide_resnet_16_4
from tests.compiler.helpers import EINSPACE_INPUTS, SMALL, can_run, samples

SPACES = [("einspace", sizes, 6) for sizes in EINSPACE_INPUTS]
SPACES += [("nasbench201", (3, 32, 32), 2), ("darts", (3, 32, 32), 1), ("mlp", (64,), 10)]


def torch_counts(model: torch.nn.Module, *sizes: tuple[int, ...]) -> tuple[int, float]:
    """Parameters, and half of the operations that torch counts for one example."""
    model = model.to("meta")
    with FlopCounterMode(display=False) as counter:
        model(*(torch.empty(1, *size, device="meta") for size in sizes))
    return sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() / 2


@pytest.mark.parametrize(("name", "sizes", "count"), SPACES, ids=str)
def test_samples_cost_what_torch_counts(name, sizes, count):
    space = einspec.load(name, input=sizes)
    limits = SMALL if name == "einspace" else {}
    for arch in space.samples(samples(count), rng=7, where=can_run, **limits):
        model = einspec.compile(arch).eval()
        assert torch_counts(model, space.inputs[0].sizes) == (arch.params, arch.macs)


PUBLISHED = [
    ("einspace", resnet18(), (3, 32, 32), None, 11_173_632),
    ("einspace", vit(), (3, 32, 32), None, 4_269_568),
    ("einspace", vit(), (3, 64, 64), None, 4_367_872),
    ("nasbench201", NB201_ALL_CONV, (3, 32, 32), 10, 1_531_546),
    ("darts", DARTS_V2, (3, 32, 32), 10, 3_349_342),
]


@pytest.mark.parametrize(
    ("name", "text", "sizes", "head", "params"), PUBLISHED, ids=["resnet18", "vit32", "vit64", "nasbench201", "darts"]
)
def test_published_figures(name, text, sizes, head, params):
    arch = einspec.load(name, input=sizes).parse(text)
    model = einspec.compile(arch, head=head)
    assert sum(parameter.numel() for parameter in model.parameters()) == params
    in_head = 0 if head is None else (arch.output.channels + 1) * head
    assert arch.params + in_head == params


@pytest.mark.parametrize(
    ("text", "sizes"),
    [(resnet18(), (3, 32, 32)), (vit(), (3, 32, 32)), (mixer(), (3, 64, 64)), (wide_resnet_16_4(), (3, 32, 32))],
    ids=["resnet18", "vit", "mixer", "wrn"],
)
def test_baselines_cost_what_torch_counts(text, sizes):
    arch = einspec.load("einspace", input=sizes).parse(text)
    assert torch_counts(einspec.compile(arch).eval(), sizes) == (arch.params, arch.macs)


def test_by_hand():
    space = einspec.load("einspace", input=(4, 8))
    arch = space.parse("seq(linear(16), replicate(clone(4), replicate(clone(8), linear(32), add), add))")
    assert arch.params == (8 + 1) * 16 + 32 * (16 + 1) * 32
    assert arch.macs == 4 * 8 * 16 + 32 * 4 * 16 * 32
    product = space.parse("branch(clone(2), identity, route(identity, identity, permute(21)), dot)")
    assert (product.params, product.macs) == (0, 4 * 8 * 4)


def test_costs_need_no_room():
    """8^30 copies are counted, not written out."""
    space = einspec.load("einspace", input=(4, 8))
    text = "linear(16)"
    for _ in range(30):
        text = f"replicate(clone(8), {text}, add)"
    arch = space.parse(text)
    assert arch.params == 8**30 * (8 + 1) * 16
    assert arch.macs == 8**30 * 4 * 8 * 16
    assert len(arch.graph) == 31
    assert arch.graph.written_out == 8**30 + sum(8**k for k in range(30))
