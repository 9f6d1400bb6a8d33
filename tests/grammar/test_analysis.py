"""The branching process of a grammar: against sums over all derivations, and the published figures of einspace."""

from __future__ import annotations

import math

import numpy as np
import pytest

from einspec.grammar import read_file, read_text
from einspec.grammar.analysis.process import Process, _components
from tests.grammar.test_constructs import CASES, loaded


def test_the_figures_of_einspace() -> None:
    grammar = read_file("einspace")
    assert grammar.branching_rate == pytest.approx(0.68 * 13 / 9, abs=1e-9)
    assert grammar.critical_weights == {"module: computation": pytest.approx(4 / 13, abs=1e-9)}
    assert grammar.expected_counts["module"] == pytest.approx(81.25, abs=1e-6)
    assert grammar.expected_leaves == pytest.approx(101.0, abs=1e-6)
    assert grammar.minimal_depths["network"] == 2


def test_at_the_critical_weight_the_rate_is_one() -> None:
    grammar = read_file("einspace").reweighted({"module: computation": "4/13"})
    assert grammar.branching_rate == pytest.approx(1, abs=1e-12)
    assert math.isinf(grammar.expected_size)
    assert [problem.code for problem in grammar.problems] == ["W502"]


@pytest.mark.parametrize("name", [name for name in CASES if "without end" not in name])
def test_expected_sizes_are_sums_over_all_derivations(name: str) -> None:
    space = loaded(name)
    archs = space.most_probable(60) if space.grammar.count() is None else list(space.enumerate())
    mean = sum(math.exp(arch.log_prob) * len(arch) for arch in archs)
    leaves = sum(math.exp(a.log_prob) * sum(not node.children for node in a.derivation.walk()) for a in archs)
    assert space.grammar.expected_size == pytest.approx(mean, abs=1e-6)
    assert space.grammar.expected_leaves <= leaves + 1e-6


def test_rates_of_repetitions() -> None:
    grammar = read_text('a: "(" a* ")" -> x //% *0.4\n')
    assert grammar.branching_rate == pytest.approx(0.4 / 0.6)
    grammar = read_text('a: "(" a~1..3 ")" -> x //% 0.3\n | "x" -> y')
    assert grammar.branching_rate == pytest.approx(0.6)
    grammar = read_text('a: "(" [a a] (a | "n")  ")" -> x //% ?0.25')
    assert grammar.branching_rate == pytest.approx(1)


def test_components_are_those_that_powers_of_the_matrix_connect() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = int(rng.integers(1, 9))
        matrix = (rng.random((size, size)) < rng.random() * 0.5).astype(float)
        reach = np.linalg.matrix_power(matrix + np.eye(size), size) > 0
        walks = matrix @ reach > 0
        expected = {
            frozenset(j for j in range(size) if reach[i, j] and reach[j, i]) for i in range(size) if walks[i, i]
        }
        assert {frozenset(part) for part in _components(matrix)} == expected


def test_weights_can_be_replaced_for_an_analysis() -> None:
    grammar = read_text('a: "(" a a ")" -> x //% 0.3\n | "x" -> y')
    assert Process(grammar).branching_rate == pytest.approx(0.6)
    assert Process(grammar, {("a", 0): 0.4, ("a", 1): 0.6}).branching_rate == pytest.approx(0.8)
