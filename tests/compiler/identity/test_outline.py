"""What tells architectures apart without a key: it never tells apart what has one."""

from __future__ import annotations

import pytest

import einspec
from benchmarks.duplicates import WEIGHTLESS
from einspec.compiler.identity.outline import outline
from tests.compiler.corpus import wired_space
from tests.compiler.helpers import samples

SPACES = {
    "einspace": (lambda: einspec.load("einspace", input=(8, 16)), {"max_nodes": 30}),
    "wired": (wired_space, {"max_nodes": 40}),
    "weightless": (lambda: einspec.loads(WEIGHTLESS, input=(4, 2, 2)), {"max_nodes": 25}),
    "of one place": (lambda: einspec.load("einspace", input=(4, 1)), {"max_nodes": 20}),
    "nasbench201": (lambda: einspec.load("nasbench201", input=(3, 8, 8)), {}),
}


@pytest.mark.parametrize("name", SPACES)
def test_equal_keys_have_one_outline(name):
    make, limits = SPACES[name]
    known: dict[str, object] = {}
    count = samples(400)
    for arch in make().samples(count, rng=4, **limits):
        assert known.setdefault(arch.key, outline(arch)) == outline(arch)
    assert 1 < len(known) < count


@pytest.mark.parametrize("name", SPACES)
def test_unique_samples_are_those_of_another_key_each(name):
    make, limits = SPACES[name]
    space = make()
    wanted: dict[str, einspec.Architecture] = {}
    for arch in space.samples(samples(300), rng=9, **limits):
        wanted.setdefault(arch.identity, arch)
    found = list(space.samples(len(wanted), rng=9, unique=True, **limits))
    assert found == list(wanted.values())


BLIND = """
start: "both" -> both | "one" -> softmax
//% def both(x):
//%     return softmax(linear(x, 1))
"""


def test_layers_that_nothing_looks_at_do_not_count():
    space = einspec.loads(BLIND, input=(4, 1))
    one, other = space.parse("both"), space.parse("one")
    assert one.key == other.key
    assert outline(one) == outline(other)
    assert one.params == 0
