"""Folding: what is repeated is found, once, and nothing is lost."""

from __future__ import annotations

import pytest

from einspec.compiler.drawing.segments import Part, Repeat, fold
from einspec.compiler.graph.graph import Graph
from einspec.compiler.graph.sharing import shared
from tests.compiler.drawing.pictures import chain, graph_of, graphs, minus, other, plus, unary


def repeats(parts: tuple[Part, ...]) -> list[Repeat]:
    return [part for part in parts if isinstance(part, Repeat)]


def covered(parts: tuple[Part, ...]) -> int:
    return sum(part.times * covered(part.parts) if isinstance(part, Repeat) else 1 for part in parts)


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("resnet18", [2]),
        ("wide_resnet_16_4", []),
        ("vit", [4]),
        ("mixer", [8]),
        ("nasbench201", [5, 5, 5]),
        ("darts", [4, 5, 5]),
    ],
)
def test_repeats_of_the_baselines(name, times):
    parts = fold(shared(graphs()[name]))
    assert [part.times for part in repeats(parts)] == times


def test_every_node_is_covered():
    for name, graph in graphs().items():
        for part, _ in shared(graph).graphs():
            assert covered(fold(part)) == len(part.nodes), name


def test_short_repeats_are_written_out():
    assert fold(chain(unary, other, unary, other)) == (0, 1, 2, 3)


def test_repeats_within_repeats():
    graph = chain(*[*[unary] * 6, *[other] * 2] * 3)
    (outer,) = repeats(fold(graph))
    assert outer.times == 3
    assert [part.times for part in repeats(outer.parts)] == [6]


def test_other_wiring_is_no_repeat():
    """x - f(x) twice is folded; x - f(x) and f(x) - x are not."""

    def two(first: bool, second: bool) -> Graph:
        steps, base = [], -1
        for straight in (first, second):
            start = len(steps)
            steps += [(unary, ((base, 0),)), (unary, ((start, 0),)), (other, ((start + 1, 0),))]
            inputs = ((base, 0), (start + 2, 0))
            steps.append((minus, inputs if straight else inputs[::-1]))
            base = start + 3
        return graph_of(*steps)

    assert [part.times for part in repeats(fold(two(True, True)))] == [2]
    assert repeats(fold(two(True, False))) == []


def test_a_port_that_passes_by_is_no_input():
    """The long way around a stack is drawn around its frame."""
    steps = [(unary, ((-1, 0),))]
    steps += [(unary if i % 2 else other, ((i, 0),)) for i in range(8)]
    graph = graph_of(*steps, (plus, ((0, 0), (8, 0))), outputs=((9, 0),))
    (repeat,) = repeats(fold(graph))
    assert (repeat.times, repeat.inputs, repeat.region.outputs) == (4, ((0, 0),), ((8, 0),))


def test_sums_of_sums_are_shared():
    graph = graphs()["mixer"]
    found = shared(graph)
    sums = [node for node in found.nodes if node.op is not None and node.op.name == "add"]
    assert [len(node.inputs) for node in sums] == [2] * 8
    assert [node.outputs for node in found.nodes] == [node.outputs for node in graph.nodes]
