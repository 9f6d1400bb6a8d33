"""Mutation: valid, within the limits, of another key, the same for the same seed."""

from __future__ import annotations

import pytest

import einspec
from einspec import SamplingError
from tests.baselines import DARTS_V2, NB201_ALL_CONV, resnet18, vit
from tests.helpers import bundled

PARENTS = [
    ("einspace", "seq(relu, norm)"),
    ("einspace", resnet18()),
    ("einspace", vit()),
    ("mlp", "mlp(16, dense relu; layer layer)"),
    ("nasbench201", NB201_ALL_CONV),
    ("darts", DARTS_V2),
]


@pytest.mark.parametrize(("name", "text"), PARENTS, ids=[f"{name}-{len(text)}" for name, text in PARENTS])
def test_mutants(name: str, text: str) -> None:
    space = bundled(name)
    parent = space.parse(text)
    count = 5 if name == "darts" else 25
    children = [space.mutate(parent, rng=seed, max_nodes=400) for seed in range(count)]
    assert [space.mutate(parent, rng=seed, max_nodes=400) for seed in range(count)] == children
    assert len(set(map(str, children))) > count // 3
    for child in children:
        assert child.key != parent.key
        assert len(child) <= 400
        assert space.parse(str(child)) == child
        assert space.from_choices(child.choices) == child


def test_a_chain_of_mutations_stays_within_the_limits() -> None:
    space = bundled("einspace")
    arch = space.sample(rng=0, max_nodes=20)
    for seed in range(150):
        arch = space.mutate(arch, rng=seed, max_nodes=20, max_depth=6, max_params=10**6, max_macs=10**8)
        assert len(arch) <= 20
        assert arch.depth <= 6
        assert arch.params <= 10**6
        assert arch.macs <= 10**8
        assert arch.log_prob > -float("inf")


def test_what_is_not_regrown_stays() -> None:
    space = bundled("einspace")
    parent = space.parse("seq(seq(relu, norm), seq(pos, softmax))")
    seen = set()
    for seed in range(200):
        child = space.mutate(parent, rng=seed, kind="regrow", max_nodes=30)
        seen.add(("seq(relu, norm)" in str(child), "seq(pos, softmax)" in str(child)))
    assert seen == {(True, False), (False, True), (False, False)}


def test_where() -> None:
    space = bundled("einspace")
    parent = space.parse(resnet18())
    child = space.mutate(parent, rng=0, where=lambda arch: "softmax" in str(arch))
    assert "softmax" in str(child)


def test_parents_of_weight_0_have_drawn_children() -> None:
    space = bundled("einspace")
    parent = space.parse("seq(maxpool(3,2,1), linear_x(4))")
    for seed in range(30):
        child = space.mutate(parent, rng=seed, max_nodes=20)
        assert child != parent


def test_an_impossible_mutation() -> None:
    space = einspec.loads('start: "r" -> relu\n', input=(3, 8), name="one")
    with pytest.raises(SamplingError) as error:
        space.mutate(space.parse("r"), rng=0, attempts=20)
    assert str(error.value) == (
        "no mutant of this architecture of one in 20 attempts within max_nodes=2000, max_depth=200, attempts=20; "
        "rejected by the same key 20; loosen what rejects most, or allow more attempts"
    )


def test_a_parent_beyond_the_limits() -> None:
    space = bundled("einspace")
    parent = space.parse(resnet18())
    child = space.mutate(parent, rng=0, max_nodes=30)
    assert len(child) <= 30
    with pytest.raises(SamplingError, match=r"rejected by max_nodes \d+"):
        space.mutate(parent, rng=0, max_nodes=3, attempts=5)
    with pytest.raises(SamplingError) as error:
        space.mutate(parent, rng=0, max_nodes=2)
    assert str(error.value) == "no derivation of einspace has at most 2 nodes: the smallest has 3; raise max_nodes"


@pytest.mark.parametrize("rng", [None, 1.5, "0", True])
def test_rng_is_required(rng: object) -> None:
    space = bundled("einspace")
    with pytest.raises(TypeError, match=r"expected a whole number as seed, or a random\.Random"):
        space.mutate(space.parse("seq(relu, norm)"), rng=rng)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="rng"):
        space.mutate(space.parse("seq(relu, norm)"))  # type: ignore[call-arg]
