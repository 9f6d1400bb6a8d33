"""Every kind of mutation, crossover, neighbours, coverage: valid, within limits, never a no-op.

``EINSPEC_SAMPLES`` multiplies the counts: 100 gives 200,000 mutations and crossovers.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

import einspec
from einspec import SamplingError
from einspec.space.variation.kinds import KINDS
from tests.baselines import resnet18, vit
from tests.compiler.helpers import samples
from tests.helpers import bundled
from tests.space.small_spaces import GRAMMARS, small_space

LIMITS = {"max_nodes": 300, "max_depth": 40}


def assert_varied(child: einspec.Architecture, parent: einspec.Architecture, limits: dict[str, int]) -> None:
    assert child.identity != parent.identity
    assert len(child) <= limits["max_nodes"]
    assert child.depth <= limits["max_depth"]
    again = child.space.parse(str(child))  # evaluates all of it, where an edit evaluates what changed
    assert again == child
    assert again.output == child.output
    assert again.log_prob == pytest.approx(child.log_prob)


def parents(space: einspec.Space, count: int) -> list[einspec.Architecture]:
    return list(space.samples(count, rng=8, max_nodes=60))


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("name", ["einspace", "mlp", "nasbench201"])
def test_mutants_of_samples(name, kind):
    space = bundled(name)
    rng = random.Random(5)
    made = 0
    for parent in parents(space, samples(60)):
        try:
            child = space.mutate(parent, rng=rng, kind=kind, attempts=300, **LIMITS)
        except SamplingError:
            continue
        assert_varied(child, parent, LIMITS)
        made += 1
    able = {"nasbench201": {"regrow", "swap", None}}.get(name, {*KINDS, None})
    assert (made > 0) == (kind in able)
    assert kind is not None or made == samples(60)


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("name", GRAMMARS)
def test_mutants_in_small_spaces(name, kind):
    """With replays at other types, ties, attributes, bindings, lists."""
    space = small_space(name)
    limits = {"max_nodes": 12, "max_depth": 8}
    rng = random.Random(5)
    texts = {str(arch) for arch in space.enumerate()}
    for parent in space.samples(samples(6), rng=4):
        try:
            child = space.mutate(parent, rng=rng, kind=kind, attempts=200, **limits)
        except SamplingError:
            continue
        assert_varied(child, parent, limits)
        assert str(child) in texts


@pytest.mark.parametrize("text", [resnet18(), vit()], ids=["resnet18", "vit"])
def test_mutants_of_baselines(text):
    space = bundled("einspace")
    parent = space.parse(text)
    rng = random.Random(6)
    for kind in (None, *KINDS):
        for _ in range(samples(12)):
            assert_varied(space.mutate(parent, rng=rng, kind=kind, **LIMITS), parent, LIMITS)


def test_long_chains_of_every_kind():
    space = bundled("einspace")
    rng = random.Random(7)
    arch = space.sample(rng=rng, max_nodes=40)
    for _ in range(samples(400)):
        child = space.mutate(arch, rng=rng, max_nodes=40, max_depth=12)
        assert_varied(child, arch, {"max_nodes": 40, "max_depth": 12})
        arch = child


def test_what_each_kind_does():
    space = bundled("einspace")
    parent = space.parse("seq(linear(64), branch(clone(2), relu, seq(norm, softmax), cat(3)))")
    ops = Counter(node.op_name for node in parent.derivation.walk())
    for seed in range(40):
        resized = space.mutate(parent, rng=seed, kind="resize")
        assert Counter(node.op_name for node in resized.derivation.walk()) == ops
        assert len(space.mutate(parent, rng=seed, kind="insert")) > len(parent)
        assert len(space.mutate(parent, rng=seed, kind="delete")) < len(parent)
        swapped = space.mutate(parent, rng=seed, kind="swap")
        assert Counter(map(repr, (n.member for n in swapped.derivation.walk()))) == Counter(
            map(repr, (n.member for n in parent.derivation.walk()))
        )
    assert str(space.mutate(space.parse("seq(seq(relu, norm), softmax)"), rng=1, kind="delete")).count("seq") == 1


def test_a_mix_of_ones_own():
    space = bundled("einspace")
    parent = space.parse("seq(linear(64), seq(relu, norm))")
    assert {len(space.mutate(parent, rng=seed, kind={"delete": 1, "resize": 0})) for seed in range(20)} == {3}


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("regorw", ValueError, "kind='regorw' is no kind of mutation: did you mean 'regrow'?"),
        (5, TypeError, "kind=5: expected one of regrow, resize, insert, delete, swap, or a dict of their weights"),
        ({"swap": -1}, ValueError, "kind={'swap': -1}: the weight of swap is -1, expected a number from 0 up"),
        ({"swap": 0}, ValueError, "kind={'swap': 0}: expected at least one kind of positive weight"),
        ({}, ValueError, "kind={}: expected at least one kind of positive weight"),
    ],
)
def test_wrong_kinds(kind, error, message):
    space = bundled("einspace")
    with pytest.raises(error) as found:
        space.mutate(space.parse("seq(relu, norm)"), rng=0, kind=kind)
    assert str(found.value) == message


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("resize", "resize: no op of it could have other arguments"),
        ("insert", "insert: nothing can stand above any node of it"),
        ("delete", "delete: no child of it could stand where its parent stands"),
        ({"delete": 1, "insert": 1}, "delete: no child of it could stand where its parent stands; insert: nothing can stand above any node of it"),
    ],
)  # fmt: skip
def test_what_cannot_succeed_says_so_at_once(kind, reason):
    space = bundled("nasbench201")
    with pytest.raises(SamplingError) as error:
        space.mutate(space.sample(rng=0), rng=0, kind=kind)
    assert str(error.value) == f"no mutant of this architecture of nasbench201: {reason}; ask for another kind"


def test_swaps_of_equal_subtrees():
    space = bundled("einspace")
    with pytest.raises(SamplingError, match="swap: no two different subtrees of it could change places"):
        space.mutate(space.parse("seq(relu, relu)"), rng=0, kind="swap")


# --- crossover ---


@pytest.mark.parametrize("name", ["einspace", "mlp", "nasbench201", "darts", "ties", "bindings", "replays"])
def test_crossovers(name):
    space = small_space(name) if name in GRAMMARS else bundled(name)
    rng = random.Random(9)
    archs = parents(space, 12)
    made = 0
    for _ in range(samples(3 if name == "darts" else 40)):
        first, second = rng.sample(archs, 2)
        try:
            children = space.crossover(first, second, rng=rng, attempts=300, **LIMITS)
        except SamplingError:
            continue
        for child, parent in zip(children, (first, second), strict=True):
            assert_varied(child, parent, LIMITS)
        made += 1
    assert made


def test_a_crossover_exchanges_subtrees():
    space = bundled("einspace")
    a, b = space.parse("seq(relu, seq(norm, pos))"), space.parse("seq(linear(64), softmax)")
    for seed in range(20):
        x, y = space.crossover(a, b, rng=seed)
        assert sorted(n.member.text() for c in (x, y) for n in c.derivation.walk()) == sorted(
            n.member.text() for c in (a, b) for n in c.derivation.walk()
        )
    assert space.crossover(a, b, rng=3) == space.crossover(a, b, rng=3)


def test_crossovers_that_cannot_be():
    space = einspec.loads('net: "r" -> relu | "t" -> softmax', input=(4, 8), name="flat")
    with pytest.raises(SamplingError) as error:
        space.crossover(space.parse("r"), space.parse("t"), rng=0)
    assert str(error.value) == (
        "no crossover of these architectures of flat: no subtree of one could stand in the place of another subtree of "
        "the other"
    )
    einspace = bundled("einspace")
    same = einspace.parse("seq(relu, relu)")
    with pytest.raises(SamplingError, match=r"among all 4 exchanges within .*; rejected by equal subtrees 4; loosen"):
        einspace.crossover(same, same, rng=0)


# --- neighbours and coverage ---


def test_neighbours_by_hand():
    space = bundled("einspace")
    found = [str(arch) for arch in space.neighbours(space.parse("seq(relu, norm)"))]
    leaves = ["identity", *[f"linear({2**k})" for k in range(4, 12)], "norm", "relu", "softmax", "pos"]
    expected = [f"seq({leaf}, norm)" for leaf in leaves if leaf != "relu"]
    expected += [f"seq(relu, {leaf})" for leaf in leaves if leaf != "norm"]
    assert found == expected


@pytest.mark.parametrize("name", GRAMMARS)
def test_neighbours_are_all_that_one_member_makes(name):
    """Against everything that is enumerated: one node differs, in its member alone."""
    space = small_space(name)
    archs = list(space.enumerate())
    for arch in archs[:: max(1, len(archs) // 10)]:
        expected = {str(other) for other in archs if len(other) == len(arch) and _differences(arch, other) == 1}
        assert {str(other) for other in space.neighbours(arch)} == expected


def _differences(a: einspec.Architecture, b: einspec.Architecture) -> int:
    pairs = list(zip(a.derivation.walk(), b.derivation.walk(), strict=True))
    if any(len(x.children) != len(y.children) or x.member.children != y.member.children
           or [passed.production for passed in x.via] != [passed.production for passed in y.via] or x.member.production.symbol != y.member.production.symbol for x, y in pairs):  # fmt: skip
        return -1
    chains = [((*x.via, x.member), (*y.via, y.member)) for x, y in pairs]
    return sum(one is not other for x, y in chains for one, other in zip(x, y, strict=True))


def test_neighbours_are_lazy():
    assert str(next(bundled("darts").neighbours(bundled("darts").sample(rng=0))))


def test_coverage():
    space = bundled("einspace")
    few = space.coverage([space.parse("seq(relu, linear(64))")])
    assert few.used == {"network: sequential": 1, "module: computation": 2, "sequential: seq": 1, "computation: linear": 1, "computation: relu": 1}  # fmt: skip
    assert "merge: dot" in few.never
    assert 0 < few.share < 0.5
    assert str(few).startswith(f"5 of {5 + len(few.never)} productions are used\n         1  network: sequential")
    many = space.coverage(space.samples(400, rng=0))
    assert many.never == ()
    assert many.share == 1.0
