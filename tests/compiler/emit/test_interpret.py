"""Compiled modules against the reference interpreter, on samples of every space.

``EINSPEC_SAMPLES`` multiplies the number of samples: see ``tests/compiler/helpers.py``.
"""

from __future__ import annotations

import pytest
import torch

import einspec
from tests.baselines import DARTS_V2, NB201_ALL_CONV, mixer, resnet18, vit, wide_resnet_16_4
from tests.compiler.helpers import EINSPACE_INPUTS, SMALL, assert_compiles, can_run, random_inputs, samples

BLOCKS = 2
"""Samples of one space are drawn in blocks, which run in parallel."""


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("sizes", EINSPACE_INPUTS, ids=str)
def test_samples_of_einspace(sizes, block):
    space = einspec.load("einspace", input=sizes)
    for seed, arch in enumerate(space.samples(samples(5), rng=100 + block, where=can_run, **SMALL)):
        assert_compiles(arch, seed)


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize(
    ("name", "sizes", "count"), [("nasbench201", (3, 32, 32), 2), ("darts", (3, 16, 16), 2), ("mlp", (64,), 10)]
)
def test_samples_of_the_other_spaces(name, sizes, count, block):
    space = einspec.load(name, input=sizes)
    for seed, arch in enumerate(space.samples(samples(count), rng=200 + block)):
        assert_compiles(arch, seed)


def many_replicas(arch):
    return arch.graph.written_out > 4 * len(arch.graph)


def test_samples_with_replicas_in_replicas():
    space = einspec.load("einspace", input=(16, 32))
    for arch in space.samples(samples(4), rng=3, where=many_replicas, max_macs=10_000_000, max_params=300_000):
        assert arch.graph.written_out <= 20_000
        assert_compiles(arch)


def uses_grids(arch):
    return "col2im" in str(arch) and "group" in str(arch)


def test_samples_with_grids_and_groups():
    space = einspec.load("einspace", input=(4, 16, 16))
    for arch in space.samples(samples(10), rng=4, where=uses_grids, max_macs=10_000_000, max_params=1_000_000):
        assert_compiles(arch)


EINSPACE_TEXTS = [
    ("seq(identity, identity)", (4, 8)),
    ("branch(clone(2), identity, identity, add)", (4, 8)),
    ("branch(group(2,1), identity, relu, cat(1))", (4, 8)),
    ("branch(group(2,2), linear(16), linear(16), dot)", (16, 32)),
    ("replicate(group(4,1), norm, cat(1))", (8, 4, 4)),
    ("replicate(clone(4), replicate(group(4,2), linear(16), cat(1)), add)", (4, 8)),
    ("replicate(clone(4), replicate(clone(4), replicate(clone(4), pos, add), cat(1)), cat(2))", (2, 3)),
    ("replicate(group(8,1), identity, add)", (8, 2)),
    ("replicate(clone(8), relu, cat(1))", (2, 2)),
    ("route(im2col(3,2,1), linear(16), col2im)", (3, 7, 5)),
    ("route(im2col(3,1,1), branch(group(2,2), norm, pos, cat(2)), col2im)", (2, 5, 4)),
    ("route(im2col(1,2,0), branch(clone(2), softmax, linear(64), scaled_dot), identity)", (64, 16, 16)),
    ("route(permute(312), linear(32), permute(231))", (3, 8, 8)),
]


@pytest.mark.parametrize(("text", "sizes"), EINSPACE_TEXTS, ids=lambda value: str(value)[:50])
def test_einspace_by_hand(text, sizes):
    try:
        arch = einspec.load("einspace", input=sizes).parse(text)
    except einspec.ShapeError:
        pytest.fail(f"{text} is meant to fit {sizes}")
    assert_compiles(arch)


@pytest.mark.parametrize(
    ("space", "text", "sizes"),
    [
        ("einspace", resnet18(), (3, 16, 16)),
        ("einspace", wide_resnet_16_4(), (3, 16, 16)),
        ("einspace", vit(1), (3, 32, 32)),
        ("einspace", mixer(1), (3, 64, 64)),
        ("nasbench201", NB201_ALL_CONV, (3, 16, 16)),
        ("darts", DARTS_V2, (3, 8, 8)),
    ],
    ids=["resnet18", "wrn", "vit", "mixer", "nasbench201", "darts"],
)
def test_baselines(space, text, sizes):
    assert_compiles(einspec.load(space, input=sizes).parse(text))


def test_interpreting_takes_as_many_inputs_as_the_space():
    space = einspec.load("mlp")
    arch = space.sample(rng=0)
    model = einspec.compile(arch)
    with pytest.raises(einspec.CompileError, match=r"^mlp takes 1 inputs?, not 2$"):
        einspec.interpret(arch, model, *random_inputs(space, dtype=torch.float32) * 2)
