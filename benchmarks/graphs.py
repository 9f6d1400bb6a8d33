"""How long the graph and the key of an architecture take, by its size."""

from __future__ import annotations

import einspec
from benchmarks.measure import Row, cpu_seconds
from einspec.compiler.key import graph_key
from einspec.compiler.lower import lower
from tests.baselines import block, resnet18, seq

BARS = {20: "0.3", 200: "3", 1000: "20"}
"""Milliseconds for a key at a number of nodes."""


def residual_network(nodes: int) -> einspec.Architecture:
    """Residual blocks of 11 nodes: two convolutions of three, two norms, two activations, a sum."""
    parts = [part for _ in range(round(nodes / 11)) for part in block(64)]
    return einspec.load("einspace", input=(64, 8, 8)).parse(seq(*parts))


def rows(rounds: int = 15) -> list[Row]:
    """Graph and key at several sizes, and of ResNet-18."""
    networks = [(residual_network(nodes), BARS[nodes]) for nodes in BARS]
    networks.append((einspec.load("einspace", input=(3, 32, 32)).parse(resnet18()), ""))
    found = []
    for arch, bar in networks:
        graph = lower(arch)
        name = f"{len(graph):,} nodes" if bar else "ResNet-18"
        lowering = [1000 * cpu_seconds(lower, arch) for _ in range(rounds)]
        key = [1000 * cpu_seconds(graph_key, graph) for _ in range(rounds)]
        found += [Row(f"graph of {name}", lowering, "ms"), Row(f"key of {name}", key, "ms", bar and f"at most {bar}")]
    return found
