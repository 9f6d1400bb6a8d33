"""Copies are the same object; pickles come back equal, also with ops and limits of one's own."""

from __future__ import annotations

import copy
import pickle

import pytest

import einspec
from einspec import Limits
from tests.baselines import resnet18
from tests.helpers import bundled, module_of_ops

NAMES = ["einspace", "mlp", "nasbench201", "darts"]
OPS = module_of_ops(
    "own_ops_of_test_pickling",
    "from einspec.types import Type\n"
    "@combinator\ndef twice(x, body):\n    return body(body(x))\n"
    "@primitive(name='smooth')\ndef smooth(x: Type) -> Type:\n    return x\n",
)
GRAMMAR = 'start: "t" start -> twice | "g" -> smooth | "r" -> relu\n'


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_architectures(name: str, protocol: int) -> None:
    space = bundled(name)
    for arch in space.samples(10, rng=0, max_nodes=100):
        again = pickle.loads(pickle.dumps(arch, protocol))
        assert again == arch
        assert (again.choices, again.output, again.log_prob) == (arch.choices, arch.output, arch.log_prob)
        assert again.output is arch.output
        assert copy.copy(arch) is arch
        assert copy.deepcopy(arch) is arch
        assert copy.deepcopy([arch])[0] is arch


def test_parse_only_architectures() -> None:
    arch = bundled("einspace").parse(resnet18())
    assert pickle.loads(pickle.dumps(arch)) == arch


def test_those_of_one_pickle_share_their_space() -> None:
    archs = list(bundled("einspace").samples(20, rng=0, max_nodes=20))
    again = pickle.loads(pickle.dumps(archs))
    assert again == archs
    assert len({id(arch.space) for arch in again}) == 1


def test_spaces() -> None:
    limits = Limits(max_nodes=17, max_params=1000)
    space = einspec.load("einspace", input=((4, 4), 8), limits=limits)
    again = pickle.loads(pickle.dumps(space))
    assert (again.grammar, again.input_types, again.limits, again.name) == (
        space.grammar, space.input_types, limits, "einspace"
    )  # fmt: skip
    assert list(map(str, again.samples(5, rng=0))) == list(map(str, space.samples(5, rng=0)))


def test_several_inputs() -> None:
    space = einspec.loads('start: "a" -> add\n', input={"a": (4, 8), "b": (4, 8)})
    again = pickle.loads(pickle.dumps(space.sample(rng=0)))
    assert again.space.input_types == space.input_types
    assert str(again) == "a"


@pytest.mark.parametrize("ops", [OPS, [OPS.twice, OPS.smooth], {"a": OPS.twice, "b": OPS.smooth}, (OPS,)])
def test_spaces_with_ops_of_ones_own(ops: object) -> None:
    space = einspec.loads(GRAMMAR, input=(3, 8), ops=ops)
    for arch in space.samples(5, rng=0):
        again = pickle.loads(pickle.dumps(arch))
        assert again == arch
        assert again.space.ops["twice"] is OPS.twice
        assert again.space.ops["smooth"] is OPS.smooth
    assert space.parse(str(arch)) == arch
    assert copy.deepcopy(space).own_ops == space.own_ops


def test_limits() -> None:
    limits = Limits(max_depth=None, max_macs=5)
    assert pickle.loads(pickle.dumps(limits)) == limits == copy.deepcopy(limits)
    assert hash(limits) == hash(Limits(max_depth=None, max_macs=5))
    assert limits.text() == "max_nodes=2000, attempts=10000, max_macs=5"
