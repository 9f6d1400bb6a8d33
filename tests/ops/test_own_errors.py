"""A type rule of the user's that raises something of its own: the error stays, with a note that says where."""

from __future__ import annotations

from typing import Any

import pytest

import einspec
from einspec.ops import primitive

GRAMMAR = 'net: "half" "(" N ")" -> half | "seq" "(" net "," net ")" -> seq\nN: "0" | "2"'


def half(x: einspec.Type, parts: int) -> einspec.Type:
    return x.with_axis(0, x.axes[0].size // parts)


def named(x: einspec.Type, parts: int) -> einspec.Type:
    return {2: x}[parts]


def bad(x: einspec.Type, parts: int) -> einspec.Type:
    if parts == 0:
        raise ValueError("no parts")
    return x


@pytest.mark.parametrize(
    ("rule", "error"),
    [(half, ZeroDivisionError), (named, KeyError), (bad, ValueError)],
    ids=lambda value: value.__name__,
)
@pytest.mark.parametrize(
    "call",
    [lambda space: space.parse("seq(half(2),half(0))"), lambda space: list(space.samples(100, rng=0))],
    ids=["parse", "samples"],
)
def test_what_a_type_rule_raises_has_a_note(rule: Any, error: type[Exception], call: Any) -> None:
    space = einspec.loads(GRAMMAR, input=(8,), ops=[primitive(name="half", torch=lambda x, parts: None)(rule)])
    with pytest.raises(error) as caught:
        call(space)
    note, place = caught.value.__notes__
    assert place.startswith("called by the alternative at <text>:1:6\n    1 | net:")
    assert note.startswith("raised by the type rule of half(0) at (")
