"""Searches over real spaces, with a score that needs no training."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from einspec.search import Evolution, evolution, random_search, read_run
from einspec.search.task import activations
from einspec.space import Limits, load

ROOT = Path(__file__).parents[2]
LIMITS = Limits(max_nodes=50, max_params=200_000, max_macs=1_000_000)


@pytest.fixture(scope="module")
def space():
    return load("einspace", input=(1, 8, 8), limits=LIMITS)


def score(arch):
    """Highest for 5,000 parameters."""
    return -abs(arch.params - 5000) / 5000


def test_evolution_of_einspace(space, tmp_path):
    result = evolution(space, score, budget=60, seed=0, population=10, tournament=3, out=tmp_path)
    assert len({one.arch.key for one in result.evaluations}) == 60
    assert result.failures == ()
    assert any(one.parent is not None for one in result.evaluations)
    for one, record in zip(
        sorted(result.evaluations, key=lambda one: one.number), read_run(tmp_path).records, strict=True
    ):
        assert one.record == record
        assert space.from_json(record.json) == space.parse(record.text) == one.arch
        assert (record.params, record.macs) == (one.arch.params, one.arch.macs)
        assert record.params <= LIMITS.max_params
    again = evolution(space, score, budget=80, seed=0, population=10, tournament=3, out=tmp_path)
    whole = evolution(space, score, budget=80, seed=0, population=10, tournament=3)
    assert [one.arch for one in again.evaluations] == [one.arch for one in whole.evaluations]


def test_another_process_with_other_hashes_asks_for_the_same(space):
    strategy = Evolution(space, seed=1, population=5, tournament=2)
    keys = []
    for _ in range(30):
        candidate = strategy.ask()
        strategy.tell(candidate, score(candidate.arch))
        keys.append(candidate.arch.key)
    code = (
        "from tests.search.test_spaces import *\n"
        "space = load('einspace', input=(1, 8, 8), limits=LIMITS)\n"
        "result = evolution(space, score, budget=30, seed=1, population=5, tournament=2)\n"
        "print(*(one.arch.key for one in sorted(result.evaluations, key=lambda one: one.number)))"
    )
    for hashes in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": hashes, "PYTHONPATH": "."},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.split() == keys


def test_a_small_space_is_searched_to_its_end():
    space = load("einspace", input=(1, 8, 8), limits=Limits(max_nodes=3))
    result = random_search(space, score, budget=2000, seed=0)
    assert f"found {len(result.evaluations)} distinct architectures" in result.stopped
    assert {one.arch.key for one in result.evaluations} == {arch.key for arch in space.enumerate()}


def test_seeds_by_hand(space):
    seed = space.parse("route(im2col(3,1,1), linear(64), col2im)")
    result = evolution(space, score, budget=15, seed=0, seeds=[seed], population=1, tournament=1)
    children = [one for one in result.evaluations if one.parent is not None]
    assert len(children) == 14
    assert min(one.number for one in result.evaluations if one.arch == seed) == 0


def test_activations_count_every_copy(space):
    assert activations(space.parse("seq(relu, linear(16))")) == 64 + 8 * 16
    single = space.parse("route(im2col(1,1,0), linear(16), col2im)")
    copied = space.parse("replicate(clone(4), route(im2col(1,1,0), linear(16), col2im), add)")
    patches = 64  # the same for all copies, and made once
    assert activations(copied) == patches + 4 * (activations(single) - patches) + 16 * 64
