"""Sampling follows Q(. | success) exactly, is the same everywhere, and says what rejected what."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest

import einspec
from einspec import Limits, SamplingError, ShapeError, Type
from einspec.ops import combinator, primitive
from einspec.space import Space
from tests.helpers import bundled, frequencies


@primitive
def shrink(x: Type) -> Type:
    if x.axes[-1].size < 4:
        raise ShapeError("too narrow")
    return x.with_axis(-1, x.axes[-1].size // 2)


@combinator
def both(x, a, b):
    return b(a(x))


# Dead ends by hand: end accepts only a last axis of 2. From 8 it takes two halvings.
SMALL = (
    'start: "b" "(" part "," last ")" -> both //% 2/3\n     | "r" -> relu\n'
    'part: "n" -> shrink //% 3/4\n    | "b" "(" part "," part ")" -> both //% 1/4\n'
    'last: "end" -> end\n'
)


@primitive
def end(x: Type) -> Type:
    if x.axes[-1].size != 2:
        raise ShapeError("not 2")
    return x


def small() -> Space:
    return einspec.loads(SMALL, input=(4, 8), ops=[shrink, both, end], name="small")


def test_probabilities_of_a_space_with_dead_ends_by_hand() -> None:
    found = {str(arch): arch.log_prob for arch in small().enumerate(max_depth=3)}
    by_hand = {"r": Fraction(1, 3), "b(b(n,n),end)": Fraction(2, 3) * Fraction(1, 4) * Fraction(3, 4) ** 2}
    assert found.keys() == by_hand.keys()
    for text, probability in by_hand.items():
        assert math.exp(found[text]) == pytest.approx(float(probability), rel=1e-12)


def space_without_recursion() -> Space:
    grammar = (
        'start: "m" "(" a "," b ")" -> both //% 0.6\n     | "r" -> relu | "e" -> end\n'
        'a: "n" -> shrink //% 0.5\n | "q" -> quarter //% 0.3\n | "i" -> identity\nb: "end" -> end //% 0.7\n | "n" -> shrink\n'
    )
    return einspec.loads(grammar, input=(4, 8), ops=[shrink, both, end, quarter], name="finite")


@primitive
def quarter(x: Type) -> Type:
    return x.with_axis(-1, x.axes[-1].size // 4)


# What succeeds, by hand. `e` does not apply at the root (8), so start is 0.75 m and 0.25 r (0.6 and 0.2 renormalised).
# At b, `end` applies after q only (2), n after n (4) and i (8) only: one member each, probability 1.
BY_HAND = {
    "r": Fraction(1, 4),
    "m(n,n)": Fraction(3, 4) * Fraction(5, 10),
    "m(q,end)": Fraction(3, 4) * Fraction(3, 10),
    "m(i,n)": Fraction(3, 4) * Fraction(2, 10),
}


def test_probabilities_of_a_finite_space_by_hand() -> None:
    found = {str(arch): math.exp(arch.log_prob) for arch in space_without_recursion().enumerate()}
    assert found == pytest.approx({text: float(p) for text, p in BY_HAND.items()}, rel=1e-12)
    assert math.fsum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("merges", "dead"),
    [("", "0"), ("//% 0.25", "1/4"), ("//% 0.9", "9/10")],
)
def test_the_mass_that_is_missing_is_that_of_the_dead_ends(merges: str, dead: str) -> None:
    """`last` has only `end` below n: a dead end of a probability that is known."""
    grammar = f'start: "m" "(" a ")" -> tail {merges}\n     | "r" -> relu\na: "n" -> shrink | "q" -> quarter //% 0 1\n'
    if merges:
        grammar = grammar.replace("//% 0 1", "//% 1 0")
    tail = combinator(lambda x, a: end(a(x)), name="tail")
    space = einspec.loads(grammar, input=(4, 8), ops=[shrink, end, quarter, tail])
    mass = math.fsum(math.exp(arch.log_prob) for arch in space.enumerate())
    assert mass == pytest.approx(float(1 - Fraction(dead)), rel=1e-12)
    rng = random.Random(0)
    successes = 0
    for _ in range(2_000):
        try:
            space.sample(rng=rng, attempts=1)
        except SamplingError:
            continue
        successes += 1
    assert successes / 2_000 == pytest.approx(mass, abs=0.04)  # 3.6 standard deviations at most


@pytest.mark.parametrize(
    ("name", "input", "limits", "most"),
    [
        ("einspace", (3, 32, 32), {"max_depth": 2}, 0.62),
        ("einspace", (2, 2), {"max_depth": 2}, 1.0),
        ("mlp", None, {"max_depth": 5, "max_nodes": 7}, 1.0),
    ],
)
def test_the_sum_over_all_derivations_is_at_most_1(name: str, input: Any, limits: dict[str, int], most: float) -> None:
    space = einspec.load(name, input=input)
    archs = list(space.enumerate(**limits))
    assert 0 < math.fsum(math.exp(arch.log_prob) for arch in archs) <= most
    assert len({tuple(arch.choices) for arch in archs}) == len(archs)
    assert all(arch.log_prob > -math.inf for arch in archs)


def chi_squared(counts: dict[object, int], shares: dict[str, float]) -> float:
    n = sum(counts.values())
    assert set(counts) <= set(shares)
    rare = math.fsum(p for p in shares.values() if n * p < 5)
    seen_rare = sum(count for text, count in counts.items() if n * shares[str(text)] < 5)
    cells = [(counts.get(text, 0), n * p) for text, p in shares.items() if n * p >= 5]
    if rare:
        cells.append((seen_rare, n * rare))
    statistic = sum((seen - expected) ** 2 / expected for seen, expected in cells)
    return (statistic - (len(cells) - 1)) / math.sqrt(2 * (len(cells) - 1))  # standard deviations off the mean


@pytest.mark.parametrize("make", [space_without_recursion, small])
def test_samples_follow_q_given_success(make: Any) -> None:
    space = make()
    found = {str(arch): math.exp(arch.log_prob) for arch in space.enumerate(max_depth=6)}
    total = math.fsum(found.values())
    shares = {text: p / total for text, p in found.items()}
    counts = frequencies(str(arch) for arch in space.samples(20_000, rng=7, max_depth=6))
    assert chi_squared(counts, shares) < 4


def test_einspace_at_depth_2_follows_q_given_success() -> None:
    space = bundled("einspace")
    found = {str(arch): math.exp(arch.log_prob) for arch in space.enumerate(max_depth=2)}
    total = math.fsum(found.values())
    counts = frequencies(str(arch) for arch in space.samples(20_000, rng=1, max_depth=2))
    assert chi_squared(counts, {text: p / total for text, p in found.items()}) < 4


def test_marginals_of_einspace() -> None:
    roots = frequencies(str(arch).split("(")[0] for arch in bundled("einspace").samples(5_000, rng=2))
    assert 0.02 < roots["branch"] / 5_000 < 0.045  # nominally 1/9, bent by its dead ends


# --- the same everywhere ---

PROGRAM = """
import einspec
for name, input in (("einspace", (3, 32, 32)), ("mlp", None), ("nasbench201", None), ("darts", None)):
    space = einspec.load(name, input=input)
    for arch in space.samples(6, rng=5, max_nodes=200):
        print(arch, arch.choices, arch.key if name != "darts" else "", arch.log_prob.hex(), arch.params)
    print(space.mutate(arch, rng=3))
    print(space.from_choices([3, 1, 4, 1, 5]))
"""


def test_two_processes_with_other_hash_seeds_agree() -> None:
    found = []
    for seed in ("0", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    assert found[0] == found[1]
    assert found[0].count("\n") == 4 * 8


def test_a_fixed_seed_gives_these_architectures() -> None:
    """If this fails, seeds mean other architectures than before: say so in the changelog."""
    assert [str(arch) for arch in bundled("einspace").samples(3, rng=0, max_nodes=10)] == [
        "route(im2col(3,1,1), route(permute(21), replicate(clone(8), linear(64), cat(2)), identity), permute(21))",
        "route(im2col(1,1,0), linear(1024), col2im)",
        "seq(softmax, relu)",
    ]


def test_only_random_is_read() -> None:
    class Recorded(random.Random):
        def __init__(self, seed: int) -> None:
            super().__init__(seed)
            self.others: list[str] = []

        def getrandbits(self, k: int) -> int:
            self.others.append("getrandbits")
            return super().getrandbits(k)

    rng = Recorded(0)
    space = bundled("einspace")
    arch = space.sample(rng=rng)
    space.mutate(arch, rng=rng)
    assert rng.others == []
    assert space.sample(rng=0) == arch


@pytest.mark.parametrize("name", ["einspace", "mlp", "nasbench201", "darts"])
def test_samples_of_one_is_sample(name: str) -> None:
    space = bundled(name)
    for seed in range(20):
        assert list(space.samples(1, rng=seed)) == [space.sample(rng=seed)]
    assert list(space.samples(0, rng=0)) == []
    five = list(space.samples(5, rng=random.Random(1), max_nodes=50))
    assert list(space.samples(5, rng=1, max_nodes=50)) == five
    assert list(islice(space.samples(100, rng=1, max_nodes=50), 5)) == five


# --- unique, where, limits ---


def test_unique_leaves_keys_out() -> None:
    space = bundled("einspace")
    archs = list(space.samples(200, rng=0, unique=True, max_nodes=6))
    assert len({arch.key for arch in archs}) == 200
    again = list(space.samples(400, rng=0, max_nodes=6))
    assert len({arch.key for arch in again}) < 400


def test_unique_runs_out() -> None:
    space = space_without_recursion()
    found = space.samples(5, rng=0, unique=True, attempts=200)
    with pytest.raises(SamplingError) as error:
        list(found)
    assert str(error.value).startswith("no architecture of finite in 200 attempts within max_nodes=2000, max_depth=200")
    assert "rejected by a key that was drawn before 200; " in str(error.value)


def test_attempts_of_a_call_may_be_more() -> None:
    space = einspec.load("einspace", input=(3, 32, 32), limits=einspec.Limits(attempts=1))
    with pytest.raises(SamplingError, match="in 1 attempt within"):
        space.sample(rng=0, nodes=60, output=(7, 7, 7))
    assert len(space.sample(rng=0, nodes=60, attempts=1000)) == 60


def test_an_output_of_another_layout_is_hinted_at() -> None:
    space = einspec.loads('start: "r" -> relu', input="2,8 sequence", name="waves")
    with pytest.raises(SamplingError) as error:
        space.sample(rng=0, output="2,8", attempts=3)
    assert str(error.value) == (
        "no architecture of waves with output=(2, 8) in 3 attempts within max_nodes=2000, max_depth=200, attempts=3; "
        "rejected by output 3; loosen what rejects most, or allow more attempts; many have these sizes: ask for "
        "output='(2, 8) sequence'"
    )
    assert str(space.sample(rng=0, output="(2, 8) sequence")) == "r"


def test_sizes_left_to_chance_are_explained() -> None:
    space = einspec.loads('net: "s" "(" net "," net ")" -> seq //% 0.2\n | "r" -> relu', input=(4, 8), name="mixed")
    with pytest.raises(SamplingError) as error:
        space.sample(rng=0, nodes=99, attempts=5)
    assert str(error.value).endswith(
        "; sizes were left to chance, because net has alternatives with children beside others without: give the others "
        "a rule of their own, and sizes are drawn first"
    )
    better = einspec.loads(
        'net: "s" "(" net "," net ")" -> seq //% 0.2\n | plain\nplain: "r" -> relu', input=(4, 8), name="apart"
    )
    assert len(better.sample(rng=0, nodes=99)) == 99


def test_where() -> None:
    space = bundled("einspace")
    for arch in space.samples(20, rng=0, where=lambda arch: arch.output.rank == 2):
        assert arch.output.rank == 2
    with pytest.raises(ZeroDivisionError):
        space.sample(rng=0, where=lambda arch: 1 // 0 == 0)


def test_limits_are_kept() -> None:
    space = bundled("einspace")
    for arch in space.samples(150, rng=3, max_nodes=12, max_depth=4, max_params=50_000, max_macs=2_000_000):
        assert len(arch) <= 12
        assert arch.depth <= 4
        assert arch.params <= 50_000
        assert arch.macs <= 2_000_000


def test_calls_only_tighten() -> None:
    space = einspec.load("einspace", input=(3, 32, 32), limits=Limits(max_nodes=5))
    assert max(len(arch) for arch in space.samples(200, rng=0, max_nodes=1_000)) <= 5
    assert max(len(arch) for arch in space.samples(200, rng=0, max_nodes=None)) <= 5
    assert max(len(arch) for arch in space.samples(50, rng=0, max_nodes=3)) <= 3
    assert Limits().tightened() is not None
    assert Limits(max_params=10).tightened(max_params=20, max_macs=5) == Limits(max_params=10, max_macs=5)


REJECTED = "no architecture of {} in {} within {}; rejected by {}; loosen what rejects most, or allow more attempts"


@pytest.mark.parametrize(
    ("limits", "attempts", "text", "reasons"),
    [
        (
            {"max_nodes": 3, "attempts": 50, "output": (7, 7, 7)},
            "50 attempts",
            "max_nodes=3, max_depth=200, attempts=50",
            "max_nodes 48, output 2",
        ),
        (
            {"max_depth": 2, "attempts": 1, "output": (7, 7, 7)},
            "1 attempt",
            "max_nodes=2000, max_depth=2, attempts=1",
            "max_depth 1",
        ),
        (
            {"attempts": 30, "max_nodes": 3, "where": lambda arch: False},
            "30 attempts",
            "max_nodes=3, max_depth=200, attempts=30",
            "max_nodes 29, where 1",
        ),
    ],
)
def test_attempts_run_out(limits: dict[str, Any], attempts: str, text: str, reasons: str) -> None:
    with pytest.raises(SamplingError) as error:
        bundled("einspace").sample(rng=0, **limits)
    what = "einspace with output=(7, 7, 7)" if "output" in limits else "einspace"
    assert str(error.value) == REJECTED.format(what, attempts, text, reasons)


def test_params_and_macs_reject() -> None:
    space = einspec.loads('start: "l" "(" "16" ")" -> linear\n', input=(4, 8), name="one")
    assert space.sample(rng=0, max_params=144, max_macs=512).params == 144
    for limit, value in (("max_params", 143), ("max_macs", 511)):
        with pytest.raises(SamplingError) as error:
            space.sample(rng=0, attempts=3, **{limit: value})
        assert str(error.value) == (
            f"no architecture of one in 3 attempts within max_nodes=2000, max_depth=200, attempts=3, {limit}={value}; "
            f"rejected by {limit} 3; loosen what rejects most, or allow more attempts"
        )
    assert list(space.enumerate(max_params=143)) == []
    assert len(list(space.enumerate(max_params=144))) == 1


def test_a_space_of_dead_ends_that_grows() -> None:
    text = 'start: "s" "(" m "," m ")" -> seq\nm: "s" "(" m "," m ")" -> seq | "e" -> end\n'
    space = einspec.loads(text, input=(4, 8), ops=end, name="closed")
    with pytest.raises(SamplingError) as error:
        space.sample(rng=0)
    assert str(error.value) == (
        "every derivation of closed within max_nodes=2000, max_depth=200, attempts=10000 fails at the input (4, 8): "
        "rejected by max_depth 1,000 (seq: end does not accept (4, 8): not 2); change the grammar, the input or the limits"
    )


def test_a_dead_end_quotes_what_refused() -> None:
    text = """
start: "b" "(" s "," m "," m "," j ")" -> branch
s: "clone" "(" "2" ")" -> clone
m: "l" "(" W ")" -> linear
j: "add" -> add
W: "4" | "8"
"""
    space = einspec.loads(text, input=(4, 6), name="pairs")
    with pytest.raises(SamplingError, match=r"rejected by (where|no member of j fits) \d+, ") as error:
        space.sample(rng=0, attempts=20, where=lambda arch: False)
    assert "in 20 attempts" in str(error.value)
    assert str(space.sample(rng=0)) in {f"b(clone(2),l({width}),l({width}),add)" for width in (4, 8)}


def test_a_space_of_dead_ends() -> None:
    space = einspec.loads('start: "e" -> end\n', input=(4, 8), ops=end, name="closed")
    with pytest.raises(SamplingError) as error:
        space.sample(rng=0, attempts=7)
    assert str(error.value) == (
        "every derivation of closed within max_nodes=2000, max_depth=200, attempts=7 fails at the input (4, 8): "
        "rejected by no member of start fits 7 (end does not accept (4, 8): not 2); change the grammar, the input or the limits"
    )
    assert list(space.enumerate()) == []


def test_the_seldom_reasons_are_counted_together() -> None:
    rules = "".join(f' | "r{i}" -> refuse{i}' for i in range(7))
    ops = [_refusing(i) for i in range(7)]
    space = einspec.loads(
        f'start: "w" "(" part ")" -> widen\npart: "x" -> end{rules}\n', input=(4, 2), ops=[*ops, end, widen]
    )
    with pytest.raises(SamplingError, match=r"others \d+ \(refuse") as error:
        space.sample(rng=0, attempts=700)
    assert str(error.value).count("refuse") >= 4


@combinator
def widen(x, part):
    return part(part(x).with_axis(-1, 3))


def _refusing(number: int) -> Any:
    def refuse(x: Type) -> Type:
        if x.axes[-1].size == 3:
            raise ShapeError("never twice")
        return x

    return primitive(name=f"refuse{number}")(refuse)


SUPERCRITICAL = 'start: "s" start start -> seq //% 0.6\n | "r" -> relu\n'


def test_a_supercritical_grammar_needs_a_limit_of_size() -> None:
    unlimited = Limits(max_nodes=None, max_depth=None)
    space = einspec.loads(SUPERCRITICAL, input=(4, 8), limits=unlimited, name="large")
    message = (
        "large is supercritical (branching rate 1.20000): without max_nodes or max_depth a draw need not end; "
        "give one of them"
    )
    for draw in (
        lambda: space.sample(rng=0),
        lambda: next(space.samples(1, rng=0)),
        lambda: space.mutate(space.parse("srr"), rng=0),
    ):
        with pytest.raises(SamplingError) as error:
            draw()
        assert str(error.value) == message
    assert [len(arch) for arch in islice(space.enumerate(), 5)] == [1, 3, 5, 5, 7]  # the smallest are there at once
    assert len(space.sample(rng=0, max_nodes=100)) <= 100
    assert space.sample(rng=0, max_depth=9).depth <= 9
    # critical, up to rounding: the warning and the refusal agree
    text = bundled("einspace").grammar.text.replace("0.32", "0.307692307692308")
    critical = einspec.loads(text, input=(3, 32, 32), limits=unlimited)
    assert [problem.code for problem in critical.grammar.problems] == ["W502"]
    with pytest.raises(SamplingError, match=r"is supercritical"):
        critical.sample(rng=0)
    subcritical = einspec.loads(SUPERCRITICAL.replace("0.6", "0.4"), input=(4, 8), limits=unlimited)
    assert len(list(subcritical.samples(100, rng=0))) == 100


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, "sample() missing 1 required keyword-only argument: 'rng'"),
        ({"rng": None}, TypeError, "rng=None: expected a whole number as seed, or a random.Random"),
        ({"rng": 1.5}, TypeError, "rng=1.5: expected a whole number as seed, or a random.Random"),
        ({"rng": True}, TypeError, "rng=True: expected a whole number as seed, or a random.Random"),
        ({"rng": "0"}, TypeError, "rng='0': expected a whole number as seed, or a random.Random"),
        ({"rng": 0, "max_nodes": 0}, ValueError, "max_nodes=0: expected at least 1"),
        ({"rng": 0, "max_depth": -1}, ValueError, "max_depth=-1: expected at least 1"),
        ({"rng": 0, "attempts": 0}, ValueError, "attempts=0: expected at least 1"),
        ({"rng": 0, "max_params": -1}, ValueError, "max_params=-1: expected at least 0"),
        ({"rng": 0, "max_nodes": 2.5}, TypeError, "max_nodes=2.5: expected a whole number"),
        ({"rng": 0, "max_nodes": True}, TypeError, "max_nodes=True: expected a whole number"),
        ({"rng": 0, "max_macs": "9"}, TypeError, "max_macs='9': expected a whole number"),
        (
            {"rng": 0, "max_size": 3},
            TypeError,
            "max_size is not a limit: expected one of attempts, max_depth, max_macs, max_nodes, max_params",
        ),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as found:
        bundled("mlp").sample(**arguments)
    assert str(found.value).removeprefix("Space.") == message


@pytest.mark.parametrize(
    ("n", "error", "message"),
    [
        (-1, ValueError, "n=-1: expected at least 0"),
        (1.5, TypeError, "n=1.5: expected a whole number"),
        (True, TypeError, "n=True: expected a whole number"),
    ],
)
def test_wrong_numbers_of_samples(n: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as found:
        bundled("mlp").samples(n, rng=0)
    assert str(found.value) == message


def test_wrong_inputs() -> None:
    with pytest.raises(ShapeError) as error:
        einspec.load("einspace")
    assert str(error.value) == (
        "einspace names no input type: give one, as in input=(3, 32, 32) or --input 3,32,32, or write //% input 3,32,32 in the grammar"
    )
    with pytest.raises(ShapeError, match="expected at least one named type"):
        einspec.load("einspace", input={})
    for wrong in ((0, 3), (-1,), "3,x", 5.0, {"a": "b"}):
        with pytest.raises(ShapeError):
            einspec.load("einspace", input=wrong)  # type: ignore[arg-type]


# --- enumeration ---


def test_nasbench201_has_15_625_architectures() -> None:
    space = bundled("nasbench201")
    texts = [str(arch) for arch in islice(space.enumerate(), 15_625 + 1)]
    assert len(texts) == len(set(texts)) == 15_625
    operations = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    assert texts[0] == "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    assert [text.split("~")[0][1:] for text in texts[:: 5**5]] == operations


def test_enumeration_is_in_the_order_of_sizes_and_choices() -> None:
    order = [(len(arch), arch.choices) for arch in bundled("mlp").enumerate(max_depth=4, max_nodes=6)]
    assert order == sorted(order)
    assert len(order) > 20


def test_log_prob_is_the_sum_of_what_the_chooser_saw() -> None:
    space = bundled("einspace")
    rng = random.Random(4)
    tried = 0
    while tried < 30:
        shares: list[float] = []
        choices: list[int] = []

        def choose(address: Any, nonterminal: Any, members: Any, s: Any = shares, c: Any = choices) -> int:
            index = rng.randrange(members.positive) if members.positive else -1
            if index >= 0:
                below = members.cumulative[index - 1] if index else 0.0
                s.append(math.log((members.cumulative[index] - below) / members.total))
                c.append(members[index].index)
            return index

        try:
            arch = space.derive(choose, max_nodes=60)
        except SamplingError:
            continue
        tried += 1
        assert arch.log_prob == pytest.approx(math.fsum(shares), rel=1e-9)
        assert arch.choices == choices
