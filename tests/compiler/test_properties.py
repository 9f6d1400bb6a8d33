"""What holds for every architecture, from its text to its module, on examples that shrink."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings

import einspec
from einspec import Architecture
from einspec.compiler.graph.printing import format_graph
from einspec.compiler.graph.text import parse_graph
from einspec.compiler.graph.verify import verify
from einspec.compiler.simplify.simplify import simplify
from einspec.testing import architectures
from tests.compiler.helpers import assert_compiles
from tests.space.small_spaces import small_space

EINSPACE = [einspec.load("einspace", input=(4, 6, 6)), einspec.load("einspace", input=(6, 8))]
SPACES = [
    *EINSPACE,
    small_space("replays"),
    small_space("attributes"),
    small_space("bindings"),
    small_space("copies"),
]
each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: f"{space.name} {space.input_text()}")

MOST_MACS = 3_000_000


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@each_space
def test_graphs_are_sound_before_and_after_simplifying(space):
    @examples(60)
    @given(architectures(space))
    def check(arch: Architecture) -> None:
        for graph in (arch.graph, simplify(arch.graph)):
            verify(graph)
            assert str(parse_graph(format_graph(graph), space.ops)) == format_graph(graph)
        assert space.parse(str(arch)).key == arch.key

    check()


@pytest.mark.parametrize("space", [*EINSPACE, einspec.load("mlp")], ids=lambda space: space.input_text())
def test_modules_agree_with_the_interpreter(space):
    @examples(40)
    @given(architectures(space, max_nodes=20))
    def check(arch: Architecture) -> None:
        assume(arch.macs < MOST_MACS)
        assert_compiles(arch)

    check()


@each_space
def test_mutants_are_others(space):
    @examples(40)
    @given(architectures(space))
    def check(arch: Architecture) -> None:
        try:
            child = space.mutate(arch, rng=0, attempts=300)
        except einspec.SamplingError:
            assume(False)
        assert child.key != arch.key
        assert space.parse(str(child)) == child

    check()
