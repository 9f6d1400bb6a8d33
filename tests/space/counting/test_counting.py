"""Counts against enumeration, probabilities against sums of fractions, estimates against what they estimate."""

from __future__ import annotations

import math
import pickle
import random
from collections import Counter
from fractions import Fraction

import pytest

import einspec
from einspec import Estimate, SamplingError, ShapeError, Type
from einspec.ops import combinator, primitive
from einspec.recursion import deep
from einspec.space.counting.counting import estimated_count
from einspec.space.counting.mass import Masses, exact_share
from tests.helpers import bundled
from tests.space.small_spaces import GRAMMARS, OPS, halve, probability, small_space


@pytest.mark.parametrize("name", GRAMMARS)
def test_counts_are_those_of_enumeration(name):
    space = small_space(name)
    archs = list(space.enumerate())
    assert space.count() == len(archs)
    assert len(set(map(str, archs))) == len(archs)


@pytest.mark.parametrize("name", [name for name in GRAMMARS if name != "ties"])
def test_counts_by_output(name):
    space = small_space(name)
    assert space.counts_by_output() == Counter(arch.output for arch in space.enumerate())


@pytest.mark.parametrize("name", GRAMMARS)
@pytest.mark.parametrize(
    "limits", [{"max_depth": 3}, {"max_nodes": 5}, {"max_nodes": 5, "max_depth": 3}, {"max_params": 150}]
)
def test_counts_within_limits(name, limits):
    space = small_space(name)
    assert space.count(**limits) == sum(1 for _ in space.enumerate(**limits))


@pytest.mark.parametrize("name", [name for name in GRAMMARS if name != "ties"])
def test_masses_are_exact_fractions(name):
    """The mass by output type, with fractions, is the sum of Q over what is enumerated."""
    space = small_space(name)
    expected: dict[object, Fraction] = {}
    for arch in space.enumerate():
        expected[arch.output] = expected.get(arch.output, Fraction(0)) + probability(arch)
    masses = Masses(space, exact_share, space.limits.max_nodes)
    depth = min(space.limits.max_depth or 200, 200)
    found = deep(depth, lambda: masses.by_output(depth))
    assert {output: sum(sizes.values()) for output, sizes in found.items()} == expected


@pytest.mark.parametrize("name", GRAMMARS)
def test_success_probability(name):
    space = small_space(name)
    expected = float(sum(map(probability, space.enumerate())))
    found = space.success_probability(draws=4000)
    if isinstance(found, Estimate):
        assert abs(found - expected) < 5 * found.error
    else:
        assert found == pytest.approx(expected, rel=1e-12)
    assert isinstance(found, Estimate) == (name == "ties"), "what tied calls need, only the graph tells"


def test_bundled_spaces():
    assert bundled("nasbench201").count() == 5**6
    assert bundled("darts").count() == (180 * 49**4) ** 2
    einspace = bundled("einspace")
    assert einspace.count(max_depth=2) == 2324 == sum(1 for _ in einspace.enumerate(max_depth=2))
    assert einspace.count(max_nodes=4) == sum(1 for _ in einspace.enumerate(max_nodes=4))
    assert bundled("mlp").count(max_depth=4) == 1062 == sum(1 for _ in bundled("mlp").enumerate(max_depth=4))


def test_depth_two_of_einspace_by_hand():
    """169 seq, 741 route, 1,102 branch, 312 replicate."""
    found = Counter(arch.derivation.op_name for arch in bundled("einspace").enumerate(max_depth=2))
    assert found == {"seq": 169, "route": 741, "branch": 1102, "replicate": 312}


@pytest.mark.parametrize(("max_depth", "count"), [(2, 1330), (3, 5_679_983)])
def test_estimates_cover_what_they_estimate(max_depth, count):
    space = einspec.load("einspace", input=(8, 16))
    assert space.count(max_depth=max_depth) == count
    limits = space.limits.tightened(max_depth=max_depth)
    for seed in range(3):
        found = estimated_count(space, limits, 2000, random.Random(seed))
        assert abs(found - count) < 4 * found.error
        assert found.error < 0.2 * count


def test_past_the_bound_comes_an_estimate():
    space = bundled("einspace")
    found = space.count(max_depth=4, draws=50)
    assert isinstance(found, Estimate)
    assert found > 10**7
    assert found.error > 0
    assert space.count(max_depth=4, draws=50) == found, "the same generator, the same estimate"
    assert space.count(max_depth=4, draws=50, rng=1) != found
    again = pickle.loads(pickle.dumps(found))
    assert (again, again.error) == (found, found.error)
    assert str(Estimate(1234.5, 12.0)) == "about 1234 \u00b1 12 (an estimate)"
    assert repr(Estimate(1234.5, 12.0)) == "Estimate(1234.5, error=12)"
    with pytest.raises(SamplingError) as error:
        space.counts_by_output(max_depth=4)
    assert str(error.value) == (
        "einspace within max_nodes=2000, max_depth=4, attempts=10000 has too many architectures to be counted by their "
        "output: tighten max_depth or max_nodes; count gives an estimate of all of them"
    )


def test_wrong_arguments():
    space = bundled("mlp")
    for draws, error in ((1, ValueError), (2.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match=r"^draws="):
            space.count(draws=draws)
    with pytest.raises(TypeError, match="k='3': expected a whole number"):
        space.most_probable("3")
    unlimited = einspec.load("einspace", input=(4, 8), limits=einspec.Limits(max_nodes=None, max_depth=None))
    usual = einspec.load("einspace", input=(4, 8))
    for ask in (
        unlimited.count,
        unlimited.success_probability,
        lambda: unlimited.most_probable(1),
        usual.count,
        usual.counts_by_output,
    ):
        with pytest.raises(SamplingError) as error:
            ask()
        assert (
            str(error.value)
            == "einspace has infinitely many architectures: give max_depth or max_nodes, as in max_depth=3"
        )


@pytest.mark.parametrize("name", GRAMMARS)
def test_the_most_probable_come_first(name):
    space = small_space(name)
    expected = sorted((probability(arch) for arch in space.enumerate()), reverse=True)
    found = space.most_probable(50)
    assert [probability(arch) for arch in found] == pytest.approx(expected[:50], rel=1e-12)
    assert len(set(map(str, found))) == len(found)
    assert len(space.most_probable(10**6)) == len(expected)


def test_the_most_probable_of_einspace():
    space = bundled("einspace")
    found = space.most_probable(40)
    assert len(found) == 40
    assert [arch.log_prob for arch in found] == sorted((arch.log_prob for arch in found), reverse=True)
    best = max(arch.log_prob for arch in space.enumerate(max_depth=2))
    assert found[0].log_prob == pytest.approx(best)
    assert space.most_probable(0) == []


# --- regressions ---


@primitive
def at2(x: Type, *, stage) -> Type:
    if stage != 2:
        raise ShapeError("no")
    return x


@combinator
def post(x, body, *, use):
    return use(body(x))


@combinator
def halving(x, body):
    return halve(body(x))


@combinator
def one_child(x, a):
    return a(x)


REBOUND = """
start: "staged(" l ")" -> staged
l: "let(" c "," u ")" -> let
u: "u" -> use
c: "r" -> relu //% 1/3
 | "of" -> only_first //% 1/3
 | "a2" -> at2
"""
OUT_OF_ORDER = """
start: "let(" c "," m ")" -> let
c: "e" -> even_rows //% 0.9
 | "r" -> relu
m: "p(" b ")" -> post
b: "hv(" u ")" -> halving | "x(" u ")" -> one_child
u: "u" -> use | "h" -> halve
"""


@pytest.mark.parametrize(("text", "rows"), [(REBOUND, 8), (OUT_OF_ORDER, 2)])
def test_what_is_bound_again_or_called_out_of_order(text, rows):
    space = einspec.loads(text, input=(rows, 8), ops=[*OPS, at2, post, halving, one_child])
    archs = list(space.enumerate())
    assert space.count() == len(archs)
    z = space.success_probability(draws=20_000)
    error = 5 * z.error if isinstance(z, Estimate) else 1e-9
    assert abs(z - math.fsum(math.exp(arch.log_prob) for arch in archs)) < error


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_depth": 1100}, r"^none of 50 random descents into einspace within max_depth=1100, "),
        (
            {"max_nodes": 99_999_999_999},
            r" is too large for an estimate: tighten max_depth, or max_nodes to 4,096 or less$",
        ),
    ],
)
def test_large_limits_are_refused(limits, message):
    space = einspec.load("einspace", input=(3, 32, 32), limits=einspec.Limits(max_nodes=None, max_depth=1200))
    with pytest.raises(SamplingError, match=message):
        space.count(draws=60, **limits)


def test_sizes_beyond_the_tables_are_refused():
    space = einspec.load("einspace", input=(3, 32, 32), limits=einspec.Limits(max_nodes=200_000))
    with pytest.raises(SamplingError) as error:
        space.sample(rng=0, nodes=(3, 200_000))
    assert str(error.value) == (
        "nodes=(3, 200000): sizes beyond 4,096 nodes are not drawn; give the range a smaller upper end"
    )
    with pytest.raises(SamplingError, match="is too large for an estimate: tighten max_depth, or max_nodes to 4,096"):
        space.count(max_nodes=100_000)


@pytest.mark.parametrize(("depths", "error"), [(0, ValueError), (2.5, TypeError), (True, TypeError)])
def test_depths_that_are_none(depths, error):
    with pytest.raises(error, match=r"^depths="):
        bundled("mlp").counts_by_depth(depths)
