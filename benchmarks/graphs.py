"""How long the graph and the key of an architecture take, by its size."""

from __future__ import annotations

import random

import einspec
from benchmarks.measure import Row, cpu_seconds
from einspec.compiler.graph.lower import lower
from einspec.compiler.identity.key import graph_key
from einspec.compiler.simplify.simplify import normal_form
from tests.baselines import resnet18
from tests.compiler.identity.labelled import drawn

BARS = {20: "0.3", 200: "3", 1000: "20"}
"""Milliseconds for a key at a number of nodes."""


def rows(rounds: int = 15) -> list[Row]:
    """Keys of random graphs; graphs and keys of samples of einspace, copies written out; both of ResNet-18."""
    found: list[Row] = []
    for nodes, bar in BARS.items():
        rng = random.Random(nodes)
        graphs = [drawn(rng, nodes) for _ in range(rounds)]
        times = [_milliseconds(graph_key, graph) for graph in graphs]
        found.append(Row(f"key of a random graph of {nodes:,} nodes", times, "ms", f"at most {bar}"))
    for nodes, archs in _samples(rounds).items():
        name = f"samples of einspace of about {nodes:,} nodes"
        keys = [_milliseconds(graph_key, arch.graph) for arch in archs]
        making = [_milliseconds(lambda arch: normal_form(lower(arch)), arch) for arch in archs]
        found.append(Row(f"key of {name}", keys, "ms", f"at most {BARS[nodes]}"))
        ratios = [a / b for a, b in zip(making, keys, strict=True)]
        found.append(Row("lowering and simplifying them, by their key", ratios, "x", "at most 3"))
    arch = einspec.load("einspace", input=(3, 32, 32)).parse(resnet18())
    found.append(Row("graph of ResNet-18", [_milliseconds(lower, arch) for _ in range(rounds)], "ms"))
    found.append(Row("key of ResNet-18", [_milliseconds(graph_key, arch.graph) for _ in range(rounds)], "ms"))
    return found


def _samples(count: int) -> dict[int, list[einspec.Architecture]]:
    """Architectures that have about so many nodes with all copies written out."""
    space = einspec.load("einspace", input=(3, 32, 32))
    found: dict[int, list[einspec.Architecture]] = {nodes: [] for nodes in BARS}
    for arch in space.samples(100_000, rng=0):
        size = arch.graph.written_out
        for nodes, archs in found.items():
            if 0.75 * nodes <= size <= 1.25 * nodes and len(archs) < count:
                archs.append(arch)
        if all(len(archs) == count for archs in found.values()):
            break
    return found


def _milliseconds(work: object, argument: object) -> float:
    """The least of three: the collector of garbage falls into one of them now and then."""
    assert callable(work)
    return 1000 * min(cpu_seconds(work, argument) for _ in range(3))
