"""A combinator over several inputs: what is said where it declares one, and that what is advised works."""

from __future__ import annotations

from typing import Any

import pytest

import einspec
from einspec.ops import combinator
from einspec.ops.library.merge import add

GRAMMAR = 'net: "two" "(" op "," op ")" -> two\nop: "relu" -> relu | "norm" -> norm'
INPUTS = {"image": (4, 8), "text": (4, 8)}


def two(image: Any, text: Any, a: Any, b: Any) -> Any:
    return add(a(image), b(text))


def test_one_input_too_few_is_explained() -> None:
    with pytest.raises(einspec.GrammarError) as caught:
        einspec.loads(GRAMMAR, input=INPUTS, ops=[combinator(two)])
    assert str(caught.value) == (
        "<text>:1:6: error[E402]: two takes 3 children, and this alternative has 2\n"
        '    1 | net: "two" "(" op "," op ")" -> two\n'
        "      |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "      = its declaration is two(input, text, a, b); for text as inputs, declare it with "
        "@combinator(inputs=2)"
    )


def test_the_advice_works() -> None:
    space = einspec.loads(GRAMMAR, input=INPUTS, ops=[combinator(inputs=2)(two)])
    assert space.parse("two(relu,norm)").output == einspec.Type((4, 8))
