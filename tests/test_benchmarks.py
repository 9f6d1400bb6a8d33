"""Benchmarks measure what they say: the bare loop has the rules of einspace, and the rows come out."""

from __future__ import annotations

import random

import pytest

import einspec
from benchmarks import duplicates, graphs, measure, memory, sampling


def test_the_bare_loop_has_the_rules_of_einspace():
    space = einspec.load("einspace", input=(3, 32, 32))
    for name, alternatives in sampling.RULES.items():
        nonterminal = space.nonterminals[name]
        drawn = nonterminal.members[: nonterminal.positive]
        expected = [(tuple(child.name for child in member.children), member.weight) for member in drawn]
        found = [(children, weight / count) for count, weight, children in alternatives for _ in range(count)]
        assert [children for children, _ in found] == [children for children, _ in expected]
        assert [weight for _, weight in found] == pytest.approx([weight for _, weight in expected])
    assert set(sampling.RULES) == set(space.nonterminals)


def test_the_bare_loop_counts_nodes():
    """Its sizes are those of the grammar: the share of the smallest, seq of two leaves, is known exactly."""
    start = sampling.bare_rules()["network"]
    draw = random.Random(0).random
    sizes = [sampling.bare_sample(start, draw) for _ in range(20_000)]
    smallest = 1 / 3 * 0.32**2
    assert min(sizes) == 3
    assert sizes.count(3) / len(sizes) == pytest.approx(smallest, rel=0.1)
    assert max(sizes) <= sampling.MAX_NODES


def test_rows():
    rows = [
        *sampling.sampling_rows(rounds=1, count=20),
        sampling.mutation_row(rounds=1, count=2),
        sampling.crossover_row(rounds=1, count=2),
        *sampling.size_rows(rounds=1),
        *memory.rows(50),
        *graphs.rows(rounds=1),
    ]
    assert all(row.median > 0 for row in rows)
    text = measure.table(rows)
    assert len(text.splitlines()) == len(rows) + 1
    assert "bare loop over the same rules" in text


def test_duplicates_are_found():
    """Of ops that no law says to be the same, and not of what only has equal weights."""
    text = 'start: "r" -> relu | "R" -> hidden | "t" -> twice | "b" -> both | "s" -> silu\n'
    text += "//% def hidden(x):\n//%     return maximum(x, zeros_like(x))\n"
    text += "//% def twice(x):\n//%     return times(linear(x, 3), 2)\n"
    text += "//% def both(x):\n//%     return add(linear(x, 3), linear(x, 3))\n"
    space = einspec.loads(text, input=(3,))
    report = duplicates.measure(space, 50)
    assert (report.keys, report.functions) == (5, 4)
    assert {str(arch) for pair in report.pairs for arch in pair} == {"r", "R"}
    assert report.excess == 1.25


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (99.96, "100"), (1.2345, "1.23"), (0.012345, "0.0123"), (5, "5")]
)
def test_numbers(value, text):
    assert measure.number(value) == text
