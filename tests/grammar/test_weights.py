"""Weights and what follows from them: probabilities, counts, branching rates, expected sizes."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from itertools import product

import pytest

import einspec
from einspec.grammar import read_text
from tests.helpers import bundled


def weights(text: str, rule: str = "start") -> list[Fraction]:
    return [production.weight_at(1) for production in read_text(text).rules[rule].productions]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        (["", "", ""], ["1/3", "1/3", "1/3"]),
        (["0.5", "", ""], ["1/2", "1/4", "1/4"]),
        (["1/3", "2/3", "0"], ["1/3", "2/3", "0"]),
        (["0.1", "0.2", "0.7"], ["1/10", "1/5", "7/10"]),
        (["1", "0", "0"], ["1", "0", "0"]),
        (["0", "", ""], ["0", "1/2", "1/2"]),
        (["1e-1", "9e-1", "0"], ["1/10", "9/10", "0"]),
        ([".5", "0.5/2", "+1/4"], ["1/2", "1/4", "1/4"]),
        (["5.e-1", "", "0"], ["1/2", "1/2", "0"]),
    ],
)
def test_each_alternative_on_its_line(annotations: list[str], expected: list[str]) -> None:
    words = ['"a" -> relu', '"b" -> norm', '"c" -> pos']
    lines = [f"{word} //% {weight}" if weight else word for word, weight in zip(words, annotations, strict=True)]
    assert weights("start: " + "\n     | ".join(lines) + "\n") == [Fraction(text) for text in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('start: "a" | "b" | "c" //% 0.2 0.3 0.5\n', ["0.2", "0.3", "0.5"]),
        ('start: "a" | "b" //% 0.2 0.3\n     | "c"\n', ["0.2", "0.3", "0.5"]),
        ('start: "a"\n | "b" | "c" //% 0.2 0.3\n', ["0.5", "0.2", "0.3"]),
        ('start: "a" \\\n "x" //% 0.5\n | "b"\n | "c"\n', ["0.5", "0.25", "0.25"]),
        ('start: "a" //% 0.5 \n\n // between\n | "b"\n | "c" //%\n', ["0.5", "0.25", "0.25"]),
    ],
)
def test_weights_belong_to_alternatives_that_end_on_the_line(text: str, expected: list[str]) -> None:
    assert weights(text) == [Fraction(weight) for weight in expected]


@pytest.mark.parametrize("total", ["0.9999999999", "1.0000000001"])
def test_a_sum_of_1_to_1e_9(total: str) -> None:
    rest = Fraction(total) - Fraction("0.5")
    text = f'start: "a" -> relu //% 0.5\n | "b" -> norm //% {float(rest):.10f}\n'
    assert sum(weights(text)) == Fraction(total)


@pytest.mark.parametrize("total", ["0.999999998", "1.000000002"])
def test_a_sum_that_is_not_1(total: str) -> None:
    rest = Fraction(total) - Fraction("0.5")
    with pytest.raises(einspec.GrammarError, match=f"the weights of start add up to {total}"):
        weights(f'start: "a" -> relu //% 0.5\n | "b" -> norm //% {float(rest):.9f}\n')


@pytest.mark.parametrize(
    ("definitions", "expected"),
    [
        ('A: "1" | "2"\n', {"1": "1/2", "2": "1/2"}),
        ('A: "1" | "2" //% 0.25 0.75\n', {"1": "1/4", "2": "3/4"}),
        ('A: B | "3" //% 1/3 2/3\nB: "1" | "2" //% 0.1 0.9\n', {"1": "1/30", "2": "9/30", "3": "2/3"}),
        ('A: B "," B\nB: "1" | "2" //% 1/3 2/3\n', {"1,1": "1/9", "1,2": "2/9", "2,1": "2/9", "2,2": "4/9"}),
        ('A: "1" //% 0\n | "2"\n', {"1": "0", "2": "1"}),
        ('A: "1" "2" "3"\n', {"123": "1"}),
    ],
)
def test_values_of_terminals(definitions: str, expected: dict[str, str]) -> None:
    choice = read_text(f"start: A -> linear\n{definitions}").rules["start"].productions[0].choices[0]
    assert dict(zip(choice.values, choice.weights, strict=True)) == {k: Fraction(v) for k, v in expected.items()}


def test_members_are_uniform_where_einspace_says_so() -> None:
    space = bundled("einspace")
    for name, size in {"computation": 13, "prerouting": 14, "postrouting": 8}.items():
        drawn = [member.weight for member in space.nonterminals[name].members if member.weight]
        assert len(drawn) == size
        assert drawn == pytest.approx([1 / size] * size, rel=1e-12)
    assert [len(space.nonterminals[name].members) for name in ("split2", "splitn", "merge")] == [4, 8, 6]
    weights_of_splits = [m.weight for name in ("split2", "splitn") for m in space.nonterminals[name].members]
    assert weights_of_splits == pytest.approx([1 / 4] * 4 + [1 / 8] * 8)
    parse_only = [m.text() for n in space.nonterminals.values() for m in n.members if m.weight == 0]
    assert parse_only == ["im2col(7,2,3)", "maxpool(3,2,1)", "linear_x(4)", "linear_div(4)"]


# --- counts ---


def test_counts_of_the_bundled_grammars() -> None:
    assert bundled("nasbench201").grammar.count() == 5**6 == 15_625
    darts = bundled("darts").grammar
    assert darts.count("cell") == 180 * 49**4 == 1_037_664_180
    assert darts.count() == (180 * 49**4) ** 2
    assert [darts.count(f"node{i}") for i in (2, 3, 4, 5)] == [49, 3 * 49, 6 * 49, 10 * 49]
    assert bundled("einspace").grammar.count() is None
    assert bundled("einspace").grammar.count("computation") == 13
    assert bundled("einspace").grammar.count("split2") == 4
    assert bundled("mlp").grammar.count() is None


def test_weight_0_is_not_counted() -> None:
    text = 'start: "a" W -> linear | start "x" -> residual //% 1 0\nW: "1" | "2" | "3" //% 0.5 0.5 0\n'
    assert read_text(text).count() == 2


def test_a_recursion_beside_the_symbol_does_not_matter() -> None:
    grammar = read_text('start: "a" leaf | loop\nleaf: "l" -> relu\nloop: "x" loop -> residual | "e" -> relu\n')
    assert (grammar.count(), grammar.count("leaf"), grammar.count("loop")) == (None, 1, None)


# --- the branching process ---


@pytest.mark.parametrize("p", ["0.9", "0.5", "0.4", "0.32", "4/13", "0.3"])
def test_the_branching_rate_of_einspace(p: str) -> None:
    text = bundled("einspace").grammar.text.replace("//% 0.32", f"//% {p}")
    grammar = read_text(text)
    # A module is a module's child twice in seq, once in route, and 4/3 times in branching; each has (1 - p) / 3.
    rate = (1 - Fraction(p)) * Fraction(13, 9)
    assert grammar.branching_rate == pytest.approx(float(rate), rel=1e-12)
    assert bool(grammar.problems) == (rate >= 1)
    assert math.isinf(grammar.expected_size) == (rate >= 1)


def test_einspace_at_0_32() -> None:
    grammar = bundled("einspace").grammar
    assert grammar.branching_rate == pytest.approx(0.68 * 13 / 9, rel=1e-12)
    assert round(grammar.branching_rate, 5) == 0.98222


@pytest.mark.parametrize("p", [Fraction("0.32"), Fraction("0.5"), Fraction("0.9")])
def test_the_expected_size_of_einspace(p: Fraction) -> None:
    text = bundled("einspace").grammar.text.replace("//% 0.32", f"//% {p}")
    # By hand: nodes m below a module, per composite c = (own node + its leaves + modules) averaged over the three.
    # seq: 1 + 2m; route: 1 + 2 leaves + m; branching: 1 + 2 leaves (split, merge) + 4/3 m.
    q = 1 - p
    m = (p + q * Fraction(7, 3)) / (1 - q * Fraction(13, 9))
    size = Fraction(7, 3) + Fraction(13, 9) * m
    assert read_text(text).expected_size == pytest.approx(float(size), rel=1e-9)


def test_expected_size_by_simulation() -> None:
    # identity accepts every type, so with only it nothing is rejected: sizes are those of the branching process.
    only = 'start: "s" start start -> seq //% 0.3\n | "r" start -> residual //% 0.3\n | "e" -> identity\n'
    space = einspec.loads(only, input=(3, 8))
    mean = sum(len(arch) for arch in space.samples(20_000, rng=1)) / 20_000
    assert space.grammar.expected_size == pytest.approx(1 / (1 - 0.9))
    assert mean == pytest.approx(10, rel=0.1)


def test_a_rule_written_in_two_has_the_same_rate() -> None:
    one = read_text('start: "s" start start -> seq //% 0.3\n | "e" -> relu\n')
    two = read_text('start: both //% 0.3\n | leaf\nboth: "s" start start -> seq\nleaf: "e" -> relu\n')
    assert one.branching_rate == pytest.approx(two.branching_rate) == pytest.approx(0.6)
    assert one.expected_size == pytest.approx(two.expected_size) == pytest.approx(1 / 0.4)


# --- frequencies ---


def test_frequencies_of_members_are_the_exact_fractions() -> None:
    text = (
        'start: "a" "(" W "," W ")" -> both //% 3/5\n     | part\npart: "r" -> relu //% 1/4\n    | "n" -> norm\n'
        'W: "1" | "2" | "3" //% 1/2 1/3 1/6\n'
    )
    space = einspec.loads(text, input=(3, 8), ops=_both())
    share = {"1": Fraction(1, 2), "2": Fraction(1, 3), "3": Fraction(1, 6)}
    expected = {f"a({a},{b})": Fraction(3, 5) * share[a] * share[b] for a, b in product(share, share)}
    expected |= {"r": Fraction(2, 5) / 4, "n": Fraction(2, 5) * 3 / 4}
    found = {str(arch): arch.log_prob for arch in space.enumerate()}
    assert found.keys() == expected.keys()
    for name, probability in expected.items():
        assert math.exp(found[name]) == pytest.approx(float(probability), rel=1e-12)
    assert sum(expected.values()) == 1


def _both() -> einspec.ops.Primitive:
    def both(x: einspec.Type, a: int, b: int) -> einspec.Type:
        return x

    made: einspec.ops.Primitive = einspec.ops.primitive(both)
    return made


# --- weights per depth ---


LAYERED = """
start: m
m: "s" "(" m "," m ")" -> seq //% depth 1 0.5 1/4
 | "r" -> relu
 | "n" -> norm //% depth 0 0.1
"""


def test_the_last_weight_holds_further_down() -> None:
    grammar = read_text(LAYERED)
    seq, relu, norm = grammar.rules["m"].productions
    assert [[p.weight_at(depth) for depth in (1, 2, 3, 9)] for p in (seq, relu, norm)] == [
        [Fraction(1), Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)],
        [Fraction(0), Fraction(2, 5), Fraction(13, 20), Fraction(13, 20)],
        [Fraction(0), Fraction(1, 10), Fraction(1, 10), Fraction(1, 10)],
    ]
    assert grammar.depths == 3
    assert grammar.rules["start"].productions[0].weights == (Fraction(1),)


def test_figures_of_weights_per_depth() -> None:
    """By hand: from depth 3 on 1/4 of the nodes have two children; s3 = 1 + 2/4 s3 = 2, s2 = 1 + 2/2 s3, s1 = 1 + 2 s2."""
    grammar = read_text(LAYERED)
    assert grammar.branching_rate == pytest.approx(0.5)
    assert grammar.expected_size == pytest.approx(7)
    assert grammar.count() is None
    finite = read_text(LAYERED.replace("1/4", "0"))
    assert finite.count() == (2 + 2**2) ** 2
    assert finite.branching_rate == 0


def test_samples_have_the_weights_of_their_depth() -> None:
    space = einspec.loads(LAYERED, input=(4, 8), limits=einspec.Limits(max_nodes=60))
    found = {depth: [0, 0] for depth in (1, 2, 3, 4)}
    for arch in space.samples(4000, rng=0):
        frontier = [(arch.derivation, 1)]
        while frontier:
            node, depth = frontier.pop()
            if depth in found:
                found[depth][node.op_name == "seq"] += 1
            frontier += [(child, depth + 1) for child in node.children]
    shares = {depth: grown / (leaves + grown) for depth, (leaves, grown) in found.items()}
    assert shares == pytest.approx({1: 1, 2: 0.5, 3: 0.25, 4: 0.25}, abs=0.02)


def test_log_prob_follows_the_depth() -> None:
    space = einspec.loads(LAYERED, input=(4, 8))
    arch = space.parse("s(r,s(n,r))")
    assert arch.log_prob == pytest.approx(math.log(1 * 0.4 * 0.5 * 0.1 * 0.65))
    assert space.parse("r").log_prob == -math.inf
    assert space.from_choices(arch.choices) == arch
    assert space.from_json(arch.to_json()) == arch
    assert pickle.loads(pickle.dumps(arch)).log_prob == arch.log_prob


def test_mutation_never_reaches_a_weight_of_0_at_the_new_depth() -> None:
    space = einspec.loads(LAYERED, input=(4, 8))
    arch = space.parse("s(r,s(n,r))")
    for seed in range(200):
        child = space.mutate(arch, rng=seed)
        assert child.log_prob > -math.inf
        assert child.log_prob == pytest.approx(space.parse(str(child)).log_prob)


def test_too_many_members_at_too_many_depths() -> None:
    depths = " ".join(["0.5", "0.25"] * 50)
    text = f'start: "l" "(" W ")" -> linear //% depth {depths}\n | "r" -> relu\n'
    text += "W: " + " | ".join(f'"{width}"' for width in range(1, 1_001)) + "\n"
    with pytest.raises(einspec.GrammarError) as error:
        einspec.loads(text, input=(4, 8), name="wide")
    assert str(error.value) == (
        "wide: over 60,000 members at 100 depths of the tree, which are alternatives with a value for each of their "
        "arguments: give terminals fewer values, or weights for fewer depths"
    )


def test_a_comment_may_follow_weights() -> None:
    text = 'start: "a" -> relu | "b" -> norm  //% 0.3 0.7  // by hand\n'
    grammar = read_text(text)
    assert [production.weights[0] for production in grammar.rules["start"].productions] == [
        Fraction(3, 10),
        Fraction(7, 10),
    ]
    changed = grammar.reweighted({"start: relu": 0.4}).text
    assert changed == 'start: "a" -> relu | "b" -> norm  //% 0.4 0.6  // by hand\n'


def test_an_address_is_no_comment() -> None:
    grammar = read_text('//% reference https://example.org/a//b  // where it is from\nstart: "a" -> relu\n')
    assert grammar.directives["reference"] == "https://example.org/a//b"
