"""Graphs of one key are one function: ``python -m tests.compiler.identity.test_collisions [COUNT] [SEED]`` for many."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

import torch
from torch import nn

from einspec import Type
from einspec.compiler.graph.graph import Graph, Node, Slot
from einspec.compiler.graph.unfold import written_out
from einspec.compiler.identity.form import identity_form
from einspec.compiler.identity.key import canonical_digest, numbering
from einspec.compiler.simplify.simplify import simplify
from tests.compiler.corpus import Blocks, Drawing, Pairs, Rearranging, Turning, Weights, evaluate
from tests.compiler.helpers import assert_close, samples


def small_graphs(count: int, seed: int) -> Iterator[Graph]:
    """Graphs of few nodes over few types, so that many share a key."""
    rng = random.Random(seed)
    drawings = {Drawing: [(2, 2), (4, 4)], Rearranging: [(4, 4), (2, 6)], Turning: [(2, 2, 2), (4, 4)],
                Blocks: [(2, 2), (4, 1), (2, 2, 2)], Pairs: [(2, 2, 2), (2, 2, 4)]}  # fmt: skip
    for _ in range(count):
        drawing = rng.choice(list(drawings))
        kind = Type(rng.choice(drawings[drawing]))
        graph = drawing(rng, (kind,) * rng.choice([1, 1, 2])).graph(rng.randint(1, 6))
        if graph.nodes:
            yield graph


class Carried(Weights):
    """The weights of another graph, by the slots that correspond."""

    def __init__(self, weights: Weights, slots: dict[Slot, Slot]) -> None:
        super().__init__()
        self.weights, self.slots = weights, slots

    def of(self, node: Node, slot: Slot) -> nn.Module:
        return self.weights.of(node, self.slots.get(slot, slot))


def disagreeing(graphs: Iterator[Graph]) -> tuple[int, list[tuple[Graph, Graph]]]:
    """How many graphs have the key of an earlier one, and those that compute something else."""
    first: dict[str, tuple[Graph, Graph]] = {}
    collisions, found = 0, []
    for graph in graphs:
        flat = written_out(graph)
        form = identity_form(simplify(flat))
        other, other_form = first.setdefault(canonical_digest(form), (flat, form))
        if other is flat:
            continue
        collisions += 1
        pairs = zip(numbering(form), numbering(other_form), strict=True)
        slots = {form.nodes[i].slot: other_form.nodes[j].slot for i, j in pairs}
        try:
            compare(flat, other, {mine: theirs for mine, theirs in slots.items() if mine is not None})
        except AssertionError:
            found.append((flat, other))
    return collisions, found


def compare(graph: Graph, other: Graph, slots: dict[Slot, Slot | None]) -> None:
    """Raises ``AssertionError`` unless both compute the same with the same weights, in train and in eval mode."""
    generator = torch.Generator().manual_seed(0)
    inputs = tuple(torch.randn(3, *kind.sizes, generator=generator, dtype=torch.float64) for kind in graph.inputs)
    weights = Weights()
    carried = Carried(weights, {mine: theirs for mine, theirs in slots.items() if theirs is not None})
    with torch.no_grad():
        for training in (False, True):
            expected = evaluate(other, weights, inputs, training)
            for module in weights.modules.values():  # the same statistics for both
                for child in module.modules():
                    if isinstance(child, nn.modules.batchnorm._BatchNorm):
                        child.reset_running_stats()
            for found, wanted in zip(evaluate(graph, carried, inputs, training), expected, strict=True):
                assert_close(found, wanted)


def test_graphs_of_one_key_are_one_function():
    count = samples(1_500)
    collisions, found = disagreeing(small_graphs(count, seed=1))
    assert found == []
    assert collisions > count // 10, "the test says nothing where no two graphs have one key"


if __name__ == "__main__":
    torch.set_num_threads(1)
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    shared, differing = disagreeing(small_graphs(total, int(sys.argv[2]) if len(sys.argv) > 2 else 0))
    print(
        f"{total:,} graphs: {shared:,} have the key of an earlier one, {len(differing)} of these compute something else"
    )
    sys.exit(bool(differing))
