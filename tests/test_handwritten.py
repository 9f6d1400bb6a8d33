"""The networks by hand compute what the compiled ones do, so that their times may be compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks import handwritten
from benchmarks.networks import NETWORKS, peak, rows, saved
from tests.compiler.helpers import scale_of

SMALL = {"ViT": ((3, 16, 16), lambda: handwritten.ViT(16)), "MLP-mixer": ((3, 16, 16), lambda: handwritten.Mixer(16))}


def small(network):
    """The network on smaller images, where it takes them."""
    sizes, by_hand = SMALL.get(network.name, ((3, 16, 16), network.by_hand))
    if network.name == "8 perceptrons":
        sizes = (5, 256)
    return replace(network, sizes=sizes, by_hand=by_hand)


@pytest.mark.parametrize("network", [small(network) for network in NETWORKS], ids=lambda network: network.name)
def test_networks_by_hand(network):
    compiled, hand = network.both()
    assert sum(value.numel() for value in compiled.parameters()) == sum(value.numel() for value in hand.parameters())
    compiled, hand = compiled.double(), hand.double()
    x = torch.randn(4, *network.sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for is_training in (True, False):
        found, expected = compiled.train(is_training)(x), hand.train(is_training)(x)
        assert (found - expected).abs().max() < 1e-8 * scale_of(expected)


def test_memory_is_no_more_than_by_hand():
    """Counted, not timed, so that it holds on every machine: at most 1.05 of what the network by hand takes."""
    for network in NETWORKS[:4]:
        compiled, hand = network.both()
        x = torch.randn(2, *network.sizes)
        assert saved(compiled, x) <= 1.05 * saved(hand, x), network.name
        assert peak(compiled, x) <= 1.05 * peak(hand, x), network.name


def test_rows():
    found = list(rows(rounds=1, names=["8 perceptrons"]))
    assert [row.what for row in found] == [
        "8 perceptrons forward", "8 perceptrons forward and backward", "8 perceptrons saved activations",
        "8 perceptrons peak memory",
    ]  # fmt: skip
    assert all(value > 0 for row in found for value in row.rounds)
