"""Arguments of wrong kinds are told so by name: never another error, from deep inside."""

from __future__ import annotations

from functools import partial

import pytest

import einspec

SPACE = einspec.load("mlp")
ARCH = SPACE.parse("mlp(16, dense; layer)")
WRONG = (None, 5, "relu", object(), [ARCH])

ARCHITECTURES = {
    "isomorphic, a": ("a", lambda value: einspec.isomorphic(value, ARCH)),
    "isomorphic, b": ("b", lambda value: einspec.isomorphic(ARCH, value)),
    "correspondence, a": ("a", lambda value: einspec.correspondence(value, ARCH)),
    "correspondence, b": ("b", lambda value: einspec.correspondence(ARCH, value)),
    "interpret": ("arch", lambda value: einspec.interpret(value, None)),
    "compile": ("arch", einspec.compile),
    "mutate": ("arch", partial(SPACE.mutate, rng=0)),
    "propose": ("arch", partial(SPACE.propose, rng=0)),
    "crossover, first": ("arch", lambda value: SPACE.crossover(value, ARCH, rng=0)),
    "crossover, second": ("arch", lambda value: SPACE.crossover(ARCH, value, rng=0)),
    "neighbours": ("arch", SPACE.neighbours),
    "coverage": ("arch", lambda value: SPACE.coverage([value])),
}


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("call", ARCHITECTURES)
def test_an_architecture_is_expected(call, value):
    name, function = ARCHITECTURES[call]
    with pytest.raises(TypeError) as caught:
        function(value)
    assert str(caught.value) == (
        f"{name}: expected an architecture, as space.parse or space.sample gives, not {type(value).__name__}"
    )


def test_a_module_and_tensors_are_expected():
    with pytest.raises(TypeError, match=r"^model: expected a module that einspec.compile made, not NoneType$"):
        einspec.interpret(ARCH, None)
    with pytest.raises(TypeError, match=r"^input 0: expected a tensor \(batch, \*sizes\), not str$"):
        einspec.interpret(ARCH, einspec.compile(ARCH), "x")
