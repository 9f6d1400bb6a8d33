"""Samples follow Q(. | success, limits) exactly, and so do the walks of the Metropolis-Hastings kernel."""

from __future__ import annotations

import math
import random
import statistics
from fractions import Fraction

import pytest

import einspec
from einspec import ShapeError
from einspec.errors import SamplingError
from einspec.ops import combinator
from einspec.space.deriving.choosers import RandomChooser
from einspec.space.deriving.evaluation import Run, TypedChild, evaluate
from einspec.space.deriving.rejected import Rejected
from einspec.space.text.printing import sentence
from tests.helpers import bundled
from tests.space.small_spaces import GRAMMARS, OPS, chi_squared_fits, draws, exact, probability, small_space, walk

COUNT = 50_000


@pytest.mark.parametrize("name", GRAMMARS)
def test_samples_follow_the_exact_distribution(name):
    space = small_space(name)
    expected = exact(space)
    assert 3 <= len(expected) < 3000
    assert chi_squared_fits(draws(space, COUNT, seed=1), expected)


@pytest.mark.parametrize("name", GRAMMARS)
def test_log_prob_is_that_of_the_fractions(name):
    for arch in small_space(name).enumerate():
        assert math.exp(arch.log_prob) == pytest.approx(float(probability(arch)), rel=1e-12)


class Backtracking(Run):
    """A sampler that draws a child again where it, or what follows, came to a dead end: what the exact one must not do."""

    __slots__ = ()

    def combine(self, child: TypedChild, member, via, inputs, environment, given):
        for _ in range(5):
            nodes = self.nodes
            try:
                return super().combine(child, member, via, inputs, environment, given)
            except (Rejected, ShapeError):
                self.nodes = nodes
        raise Rejected("given up")


def backtracked(space: einspec.Space, count: int, seed: int) -> list[str]:
    choose = RandomChooser(random.Random(seed))
    found = []
    while len(found) < count:
        run = Backtracking(choose, space.limits.max_nodes or math.inf, space.limits.max_depth or math.inf)
        try:
            derivation, _ = evaluate(run, space.start, space.inputs)
        except (Rejected, ShapeError):
            continue
        found.append(sentence(space, derivation))
    return found


def test_a_sampler_that_backtracks_fails_the_same_test():
    space = small_space("dead ends")
    assert not chi_squared_fits(backtracked(space, 20_000, seed=1), exact(space))


def test_a_wrong_weight_fails_the_same_test():
    space = small_space("branches")
    expected = exact(space)
    largest, *others = sorted(expected, key=lambda text: expected[text], reverse=True)
    wrong = dict(expected)
    wrong[largest] += Fraction(1, 50)
    wrong[others[0]] -= Fraction(1, 50)
    assert not chi_squared_fits(draws(space, COUNT, seed=1), wrong)


@pytest.mark.parametrize("name", ["dead ends", "branches", "replays", "weights per depth"])
def test_a_walk_has_q_as_its_stationary_distribution(name):
    space = small_space(name)
    expected = exact(space)
    assert chi_squared_fits(walk(space, 150_000, seed=3), expected)


@pytest.mark.parametrize("name", ["dead ends", "branches"])
def test_a_walk_with_a_wrong_ratio_fails_the_same_test(name):
    space = small_space(name)
    assert not chi_squared_fits(walk(space, 150_000, seed=3, ratio=lambda value: 0.0), exact(space))


def test_steps_that_stay_give_the_architecture_itself():
    space = small_space("dead ends")
    arch = space.sample(rng=0)
    stayed = [space.propose(arch, rng=seed) for seed in range(60)]
    assert any(child is arch and log_ratio == 0.0 for child, log_ratio in stayed)
    for child, log_ratio in stayed:
        assert child is arch or child != arch
        assert math.isfinite(log_ratio)
    parse_only = einspec.load("einspace", input=(3, 32, 32)).parse("seq(maxpool(3,2,1), relu)")
    ratios = {parse_only.space.propose(parse_only, rng=seed, max_nodes=20)[1] for seed in range(60)}
    assert math.inf in ratios, "what Q never draws is always left"


# --- what is asked for ---


@pytest.mark.parametrize("name", ["lists", "copies", "ties"])
def test_sizes_keep_the_distribution(name):
    """With a range of sizes, samples are those of the range, in their proportions."""
    space = small_space(name)
    expected = {text: mass for text, mass in exact(space).items() if 3 <= len(space.parse(text)) <= 4}
    total = sum(expected.values())
    found = [str(arch) for arch in space.samples(20_000, rng=2, nodes=(3, 4))]
    assert chi_squared_fits(found, {text: mass / total for text, mass in expected.items()})


def test_sizes_of_a_separable_space_are_drawn_first():
    """The same for skeletons drawn by the recursive method: einspace, whose rules do not mix."""
    space = einspec.load("einspace", input=(4, 8), limits=einspec.Limits(max_nodes=5))
    archs = [arch for arch in space.enumerate() if 4 <= len(arch) <= 5]
    masses: dict[str, Fraction] = {str(arch): probability(arch) for arch in archs}
    total = sum(masses.values())
    found = [str(arch) for arch in space.samples(60_000, rng=5, nodes=(4, 5))]
    by_root = {text: mass / total for text, mass in masses.items()}
    assert chi_squared_fits(found, by_root)


def test_everything_that_can_be_asked_for():
    space = einspec.load("einspace", input=(3, 32, 32))
    arch = space.sample(rng=0, nodes=(10, 30), depth=(3, 8), params=(1000, 100_000), macs=(10_000, None), contains=["relu", "cat"], output=None)  # fmt: skip
    assert 10 <= len(arch) <= 30
    assert 3 <= arch.depth <= 8
    assert 1000 <= arch.params <= 100_000
    assert arch.macs >= 10_000
    assert {"relu", "cat"} <= {node.op_name for node in arch.derivation.walk()}
    for nodes in (3, 4, 17, 60):
        assert [len(a) for a in space.samples(5, rng=1, nodes=nodes)] == [nodes] * 5
    kind = einspec.Type((3, 32, 64))
    assert all(a.output is kind for a in space.samples(3, rng=1, output=(3, 32, 64)))
    assert "linear(64)" in str(space.sample(rng=3, contains="linear(64)"))


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"nodes": 2}, SamplingError, "no derivation of einspace has at most 2 nodes: the smallest has 3; raise max_nodes"),
        ({"nodes": (50, 60), "max_nodes": 40}, SamplingError, "nodes=(50, 60) contradicts max_nodes=40: nothing meets both; raise the limit, or lower the range"),
        ({"depth": 300}, SamplingError, "depth=300 contradicts max_depth=200: nothing meets both; raise the limit, or lower the range"),
        ({"nodes": (5, 2)}, ValueError, "nodes=(5, 2): expected a range from 1 or more up"),
        ({"params": -1}, ValueError, "params=-1: expected a range from 0 or more up"),
        ({"nodes": "5"}, TypeError, "nodes='5': expected a whole number, or the two ends of a range, as in nodes=(10, 60)"),
        ({"nodes": (1, 2, 3)}, TypeError, "nodes=(1, 2, 3): expected a whole number, or the two ends of a range, as in nodes=(10, 60)"),
        ({"contains": "linera"}, ValueError, "contains='linera': no production of einspace that is drawn means that op; did you mean 'linear'?"),
        ({"contains": 5}, TypeError, "contains=5: expected the name of an op, an op, or several of them"),
        ({"where": 5}, TypeError, "where=5: expected a function of an architecture"),
        ({"nodes": 3, "contains": "pos", "attempts": 1}, SamplingError, "no architecture of einspace with nodes=3, contains=pos in 1 attempt within max_nodes=3, max_depth=200, attempts=1; rejected by contains 1; loosen what rejects most, or allow more attempts; of the derivations with 3 nodes, 100 % fit their types"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for(asked, error, message):
    space = einspec.load("einspace", input=(3, 32, 32))
    with pytest.raises(error) as found:
        space.sample(rng=1, **asked)
    assert str(found.value) == message


def test_a_hopeless_size_is_refused_with_its_figure():
    space = einspec.load("einspace", input=(3, 32, 32))
    with pytest.raises(SamplingError, match=r"of the derivations with 400 nodes, 0 % fit their types$"):
        space.sample(rng=0, nodes=400, attempts=100)


# --- regressions ---


GROWING = """
start: "s" "(" m "," m ")" -> seq
m: start | l //% 0.3 0.7
l: "r" -> relu
"""


def test_ranges_of_sizes_beyond_the_first_table_keep_the_distribution():
    space = einspec.loads(GROWING, input=(8, 8))
    found = [len(arch) for arch in space.samples(4000, rng=0, nodes=(3, 99))]
    expected = [len(arch) for arch in space.samples(4000, rng=1, where=lambda arch: len(arch) <= 99)]
    assert statistics.fmean(found) == pytest.approx(statistics.fmean(expected), rel=0.08)
    assert found.count(3) / 4000 == pytest.approx(expected.count(3) / 4000, abs=0.04)
    assert space.sample(rng=0, nodes=(1, 2000)) is not None


def test_a_seed_means_the_same_whatever_was_asked_for_before():
    space = bundled("einspace")
    before = [str(space.sample(rng=seed, nodes=(3, 60))) for seed in range(20)]
    space.sample(rng=0, nodes=200)
    assert [str(space.sample(rng=seed, nodes=(3, 60))) for seed in range(20)] == before


BOUND_AND_REGROWN = """
start: "let(" c "," m ")" -> let
c: "e" -> even_rows //% 0.9
 | "r" -> relu
m: "s(" a "," u ")" -> seq
a: "r" -> relu | "h" -> halve
u: "u" -> use
"""


@pytest.mark.parametrize("text", [BOUND_AND_REGROWN, GRAMMARS["bindings"][0], GRAMMARS["two bindings"][0]])
def test_walks_over_what_is_bound(text):
    limits = einspec.Limits(max_nodes=6)
    space = einspec.loads(text, input=(2 if text is BOUND_AND_REGROWN else 8, 8), ops=OPS, limits=limits)
    assert chi_squared_fits(walk(space, 60_000, seed=5), exact(space))


def test_an_output_of_several_types():
    text = 'start: "g" "(" "2" "," A ")" -> group\nA: "1" | "2"'
    space = einspec.loads(text, input=(4, 8))
    for arch in space.enumerate():
        assert space.sample(rng=0, output=arch.output) == arch


def test_contains_what_is_never_drawn():
    with pytest.raises(ValueError, match=r"^contains='maxpool': no production of einspace that is drawn means that op"):
        bundled("einspace").sample(rng=0, contains="maxpool")


@pytest.mark.parametrize("ask", ["mutate", "crossover"])
def test_predicates_that_are_none(ask):
    space = bundled("mlp")
    arch = space.sample(rng=0)
    given = [arch] if ask == "mutate" else [arch, arch]
    with pytest.raises(TypeError, match=r"^where=5: expected a function of an architecture$"):
        getattr(space, ask)(*given, rng=0, where=5)


def test_a_bound_child_under_another_name():
    @combinator
    def rename(x, body, *, use):
        return body(x, other=use)

    text = 'start: "let(" c "," m ")" -> let\nc: "h" -> halve | "r" -> relu\nm: "n(" o ")" -> rename\no: "o" -> other'
    space = einspec.loads(text, input=(8, 8), ops=[*OPS, rename])
    assert {str(arch) for arch in space.samples(20, rng=0)} == {"let(h,n(o))", "let(r,n(o))"}
    assert space.count() == len(list(space.enumerate())) == 2


def test_mutation_never_takes_a_way_of_weight_0():
    text = 's: "x(" a ")" -> residual\na: "y(" b ")" -> residual //% 0.5\n | "n" -> norm //% 0.5\n | b //% 0\nb: "r" -> relu'
    space = einspec.loads(text, input=(8, 8))
    parent = space.parse("x(y(r))")
    for seed in range(20):
        assert space.mutate(parent, rng=seed).log_prob > -math.inf
