"""A chain of 2,000 nested sequences goes through the compiler as any other architecture does."""

from __future__ import annotations

import copy
import pickle
import sys

import pytest
import torch

import einspec
from tests.compiler.helpers import assert_close

LENGTH = 2_000
CYCLE = ["linear(16)", "relu", "norm", "identity", "softmax", "pos"]


def chain(side: str) -> str:
    parts = [CYCLE[index % len(CYCLE)] for index in range(LENGTH + 1)]
    if side == "right":
        return "".join(f"seq({part}, " for part in parts[:-1]) + parts[-1] + ")" * LENGTH
    return "seq(" * LENGTH + parts[0] + "".join(f", {part})" for part in parts[1:])


@pytest.fixture(scope="module")
def space():
    return einspec.load("einspace", input=(4, 16))


@pytest.fixture(scope="module", params=["left", "right"])
def arch(space, request):
    return space.parse(chain(request.param))


def test_counts(arch):
    assert arch.depth == LENGTH + 1
    assert len(arch) == 2 * LENGTH + 1
    kinds = [CYCLE[index % len(CYCLE)] for index in range(LENGTH + 1)]
    assert len(arch.graph) == sum(kind != "identity" for kind in kinds)
    assert arch.macs == kinds.count("linear(16)") * 4 * 16 * 16
    sizes = {"linear(16)": 17 * 16, "norm": 32, "pos": 64}
    assert arch.params == sum(sizes.get(kind, 0) for kind in kinds)


def test_key_and_text(space, arch):
    assert arch.key == space.parse(chain("left")).key == space.parse(chain("right")).key
    assert len(str(arch.graph).splitlines()) == len(arch.graph) + 1
    assert space.parse(str(arch)) == arch


def test_runs_as_the_interpreter_does(arch):
    model = einspec.compile(arch, head=10)
    assert model(torch.zeros(2, 4, 16)).shape == (2, 10)
    assert model.code.count("\n") > LENGTH // 2
    body = einspec.compile(arch).double()
    x = torch.randn(2, 4, 16, dtype=torch.float64)
    found = body(x)
    found.sum().backward()
    assert_close(found, einspec.interpret(arch, body, x))
    for other in (copy.deepcopy(body), pickle.loads(pickle.dumps(body))):
        assert torch.equal(other(x), found)


def test_pickles(arch):
    other = pickle.loads(pickle.dumps(arch))
    assert other == arch
    assert other.key == arch.key


def test_deep_branches(space):
    """Not only sequences: 500 nested residual branches."""
    text = "relu"
    for _ in range(500):
        text = f"branch(clone(2), seq(norm, {text}), identity, add)"
    arch = space.parse(text)
    assert len(arch.graph) == 502, "500 norms, a relu, and one sum of them all"
    model = einspec.compile(arch).double()
    x = torch.randn(2, 4, 16, dtype=torch.float64)
    assert_close(model(x), einspec.interpret(arch, model, x))


def test_the_callers_recursion_limit_is_left_alone(arch):
    before = sys.getrecursionlimit()
    _ = arch.graph
    einspec.compile(arch)
    assert sys.getrecursionlimit() == before
