"""The hypothesis strategy: what it draws is in the space and within limits, all of it is drawn, and it shrinks."""

from __future__ import annotations

import doctest
import random
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, assume, find, given, seed, settings

import einspec
from einspec import Architecture, Derivation
from einspec.testing import architectures, strategies
from tests.space.small_spaces import GRAMMARS, OPS, small_space

EINSPACE = einspec.load("einspace", input=(3, 8, 8))
SPACES = [EINSPACE, *(small_space(name) for name in GRAMMARS)]
SPACES += [einspec.load(name) for name in ("nasbench201", "darts", "mlp")]

QUIET = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))


def nodes(node: Derivation) -> Iterator[Derivation]:
    yield node
    for child in node.children:
        yield from nodes(child)


def smallest(space: einspec.Space, wanted: Callable[[Architecture], bool], number: int, **limits: int) -> Architecture:
    """What hypothesis shrinks a failing example to."""
    many = settings(QUIET, max_examples=5_000)
    return find(architectures(space, **limits), wanted, settings=many, random=random.Random(number))


def is_branch(node: Derivation) -> bool:
    return node.member.op.name == "branch"


def is_residual(node: Derivation) -> bool:
    if not is_branch(node):
        return False
    split, left, right, merge = (child.member.text() for child in node.children)
    return split == "clone(2)" and "identity" in (left, right) and merge == "add"


# --- what is drawn ---


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_what_is_drawn_is_of_the_space_and_within_limits(space):
    @settings(QUIET, max_examples=100)
    @given(architectures(space, max_nodes=50))
    def check(arch):
        assert len(arch) <= min(50, space.limits.max_nodes)
        assert arch.depth <= (space.limits.max_depth or 50)
        assert arch.log_prob > -float("inf")
        assert space.parse(str(arch)) == arch

    check()


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_depths_are_kept(depth):
    @settings(QUIET, max_examples=200)
    @given(architectures(EINSPACE, max_depth=depth))
    def check(arch):
        assert arch.depth <= depth

    check()


def test_costs_are_kept():
    space = einspec.load("einspace", input=(3, 8, 8), limits=einspec.Limits(max_params=5_000, max_macs=100_000))

    @settings(QUIET, max_examples=200)
    @given(architectures(space))
    def check(arch):
        assert arch.params <= 5_000
        assert arch.macs <= 100_000

    check()


FEW = {"attributes": 6, "branches": 5, "copies": 5, "weights of zero": 3, "two bindings": 6, "dead ends": 4}


@pytest.mark.parametrize(("name", "most"), FEW.items())
def test_all_of_a_small_space_is_drawn(name, most):
    space = small_space(name)
    limits = {"max_nodes": most}
    expected = {str(arch) for arch in space.enumerate(**limits)}
    assert len(expected) > 3
    drawn = set()

    @seed(0)
    @settings(QUIET, max_examples=60 * len(expected) + 200, phases=[Phase.generate])
    @given(architectures(space, **limits))
    def collect(arch):
        drawn.add(str(arch))

    collect()
    assert drawn == expected


@pytest.mark.parametrize("op", ["seq", "route", "branch", "replicate", "im2col", "scaled_dot", "cat", "softmax", "pos"])
def test_each_op_is_met_in_a_hundred_examples(op):
    met = []

    @seed(1)
    @settings(QUIET, max_examples=100, phases=[Phase.generate])
    @given(architectures(EINSPACE))
    def collect(arch):
        met.append(op in {node.member.op.name for node in nodes(arch.derivation)})

    collect()
    assert any(met)


# --- what it shrinks to ---


@pytest.mark.parametrize("name", GRAMMARS)
def test_shrinks_to_the_fewest_nodes_that_enumeration_finds(name):
    space = small_space(name)
    everything = list(space.enumerate())
    texts = sorted({node.member.text() for arch in everything for node in nodes(arch.derivation)})
    for text in texts:

        def wanted(arch: Architecture, text: str = text) -> bool:
            return text in {node.member.text() for node in nodes(arch.derivation)}

        fewest = min(len(arch) for arch in everything if wanted(arch))
        # With guards, what ends a derivation at one width may not apply at another: two choices have to change at once.
        assert len(smallest(space, wanted, 0)) <= fewest + (name == "guards"), text


@pytest.mark.parametrize("number", [0, 1, 3])
def test_two_residual_branches_and_a_width_shrink_to_the_minimum(number):
    def wanted(arch: Architecture) -> bool:
        found = list(nodes(arch.derivation))
        return sum(map(is_residual, found)) >= 2 and any(node.member.text() == "linear(32)" for node in found)

    inner = "branch(clone(2), identity, identity, add)"
    assert str(smallest(EINSPACE, wanted, number)) == f"seq(linear(32), branch(clone(2), identity, {inner}, add))"


@pytest.mark.parametrize("number", range(5))
def test_a_branch_inside_a_branch_shrinks_to_the_minimum(number):
    def wanted(arch: Architecture) -> bool:
        return any(
            is_branch(node) and any(is_branch(inner) for child in node.children for inner in nodes(child))
            for node in nodes(arch.derivation)
        )

    inner = "branch(clone(2), identity, identity, dot)"
    assert str(smallest(EINSPACE, wanted, number)) == f"branch(clone(2), identity, {inner}, dot)"


@pytest.mark.parametrize("depth", [3, 6])
def test_depth_shrinks_to_a_chain(depth):
    chain = "identity"
    for _ in range(depth - 1):
        chain = f"seq(identity, {chain})"
    assert str(smallest(EINSPACE, lambda arch: arch.depth >= depth, 0)) == chain


def test_a_size_shrinks_to_exactly_that():
    assert len(smallest(EINSPACE, lambda arch: len(arch) >= 12, 0)) == 12


def test_a_failing_test_shows_the_smallest_architecture():
    @settings(QUIET, max_examples=200)
    @given(architectures(EINSPACE))
    def without_softmax(arch):
        assert "softmax" not in str(arch)

    with pytest.raises(AssertionError) as caught:
        without_softmax()
    assert "seq(identity, softmax)" in "\n".join(caught.value.__notes__)


def test_works_with_assume_and_other_arguments():
    @settings(QUIET, max_examples=50)
    @given(architectures(EINSPACE), architectures(small_space("branches")))
    def check(first, second):
        assume(len(first) > 3)
        assert first.space is not second.space

    check()


# --- what it refuses ---


def test_refuses_what_is_no_space():
    with pytest.raises(TypeError, match=r"^expected a space, as einspec\.load gives, not str$"):
        architectures("einspace")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_nodes": 0}, "max_nodes=0: expected at least 1"),
        ({"max_depth": -1}, "max_depth=-1: expected at least 1"),
    ],
)
def test_refuses_limits_that_are_none(limits, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        architectures(EINSPACE, **limits)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, None),
        ({"max_nodes": 26}, "no derivation of darts has at most 26 nodes: the smallest has 27; raise max_nodes"),
        ({"max_depth": 1}, "no derivation of darts is at most 1 deep: the least depth is 4; raise max_depth"),
    ],
)
def test_refuses_limits_that_no_derivation_meets(limits, message):
    space = einspec.load("darts")
    if message is None:
        assert architectures(space) is not None
        return
    for refused in (lambda: architectures(space, **limits), lambda: space.sample(rng=0, **limits)):
        with pytest.raises(einspec.SamplingError) as caught:
            refused()
        assert str(caught.value) == message


def test_a_space_whose_every_derivation_fails_is_unsatisfiable():
    space = einspec.loads('start: "s" "(" m "," m ")" -> seq\nm: "f" -> only_first', input=(8, 8), ops=OPS)

    @settings(QUIET)
    @given(architectures(space))
    def check(arch):
        raise AssertionError(str(arch))

    with pytest.raises(Exception, match="nable to satisfy"):
        check()


def test_without_hypothesis_the_message_says_how_to_get_it():
    code = (
        "import sys\nsys.modules['hypothesis'] = None\nimport einspec.testing\n"
        "try:\n    einspec.testing.architectures\nexcept ImportError as error:\n    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout == "einspec.testing.architectures needs hypothesis: pip install 'einspec[test]'\n", run.stderr


def test_the_example_of_the_documentation_runs():
    results = doctest.testmod(strategies)
    assert results.attempted >= 5
    assert not results.failed
