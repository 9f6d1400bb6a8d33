"""Realised figures against exact ones, from the enumeration of small spaces."""

from __future__ import annotations

import math
from collections import Counter

import pytest

import einspec
from einspec import SamplingError
from tests.helpers import bundled
from tests.space.small_spaces import GRAMMARS, OPS, probability, small_space


@pytest.mark.parametrize("name", GRAMMARS)
def test_frequencies_are_those_of_the_exact_distribution(name):
    space = small_space(name)
    figures = space.realised(20_000, rng=1)
    masses = {arch: float(probability(arch)) for arch in space.enumerate()}
    z = math.fsum(masses.values())
    assert figures.attempts == 20_000
    assert abs(figures.success_rate - z) < 5 * math.sqrt(z * (1 - z) / 20_000) + 1e-9
    assert sum(figures.rejections.values()) == figures.attempts - figures.successes

    roots: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    of_rule: Counter[str] = Counter()
    nodes = 0.0
    for arch, mass in masses.items():
        roots[arch.derivation.op_name] += mass / z
        nodes += len(arch) * mass / z
        for node in arch.derivation.walk():
            for member in (*node.via, node.member):
                production = member.production
                label = production.children[0] if member.is_transparent else production.op_name
                chosen[f"{production.symbol}: {label}"] += mass / z
                of_rule[production.symbol] += mass / z
    assert abs(figures.mean_nodes - nodes) <= 5 * figures.mean_nodes_error + 1e-9
    for op, frequency in figures.root.items():
        assert abs(frequency.realised - roots[op]) < 5 * math.sqrt(0.25 / figures.successes)
    for label, frequency in figures.productions.items():
        rule = label.split(":")[0]
        if frequency.realised is not None and not label.endswith("'"):
            # A bound for the ratio of two means: expansions of one derivation are not independent.
            error = 5 * math.sqrt(0.25 / figures.successes) * max(1.0, nodes)
            assert abs(frequency.realised - chosen[label] / of_rule[rule]) < error, label


def test_nominal_frequencies_are_the_weights():
    figures = bundled("einspace").realised(10)
    assert figures.productions["module: computation"].nominal == pytest.approx(0.32)
    assert figures.productions["branching: branch"].nominal == pytest.approx(1 / 3)
    assert figures.root["branch"].nominal == pytest.approx(1 / 9)
    assert math.fsum(frequency.nominal for frequency in figures.root.values()) == pytest.approx(1)
    assert not [name for name in figures.productions if "maxpool" in name], "weights of 0 are never drawn"


def test_einspace_has_few_branches_at_its_root():
    """EINSPACE.md: two-way branches are 3 % of the samples, 11 % nominally; 62 % of the attempts succeed."""
    figures = bundled("einspace").realised(20_000, rng=0)
    assert figures.root["branch"].realised == pytest.approx(0.03, abs=0.01)
    assert figures.success_rate == pytest.approx(0.62, abs=0.02)
    assert list(figures.rejections) == ["no member of merge fits in branch"]
    assert " does not accept " in figures.explanations["no member of merge fits in branch"]


def test_what_nothing_chose_has_no_frequency():
    space = einspec.loads('start: "s" "(" m "," m ")" -> seq\nm: "f" -> only_first', input=(8, 8), ops=OPS)
    figures = space.realised(50)
    assert (figures.attempts, figures.successes) == (50, 0)
    assert math.isnan(figures.mean_nodes)
    assert figures.productions["start: seq"].realised is None
    assert figures.root["seq"].realised is None
    assert figures.rejections == {"no member of m fits in seq": 50}


def test_the_same_seed_gives_the_same_figures():
    space = bundled("einspace")
    assert space.realised(200, rng=3) == space.realised(200, rng=3)
    assert space.realised(200, rng=3) != space.realised(200, rng=4)


@pytest.mark.parametrize(
    ("attempts", "error", "message"),
    [
        (1, ValueError, "attempts=1: expected at least 2"),
        (2.5, TypeError, "attempts=2.5: expected a whole number"),
        (True, TypeError, "attempts=True: expected a whole number"),
    ],
)
def test_wrong_arguments(attempts, error, message):
    with pytest.raises(error) as caught:
        bundled("mlp").realised(attempts)
    assert str(caught.value) == message
    with pytest.raises(SamplingError, match="raise max_nodes"):
        bundled("mlp").realised(max_nodes=1)


def test_counts_by_depth():
    assert bundled("einspace").counts_by_depth() == {2: 2324}
    assert bundled("nasbench201").counts_by_depth() == {3: 15_625}
    assert bundled("mlp").counts_by_depth(2) == {2: 12, 3: 114}
    for name in GRAMMARS:
        space = small_space(name)
        for depth, number in space.counts_by_depth().items():
            assert number == len(list(space.enumerate(max_depth=depth)))
