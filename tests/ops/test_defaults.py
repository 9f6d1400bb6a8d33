"""Arguments with defaults may be left out, in the grammar and in calls; an optional terminal can be a truth value."""

from __future__ import annotations

from typing import Any

import pytest

import einspec
from einspec.ops import combinator, library_ops, primitive
from einspec.types import Type


@combinator
def block(x: Any, body: Any, se: bool, times: int = 2) -> Any:
    for _ in range(times):
        x = body(x)
    return library_ops()["relu"](x) if se else x


@combinator
def maybe(x: Any, flag: bool | None) -> Any:
    return x


@primitive(params=lambda x, width, bias=True: width, torch=lambda *rest: None)
def dense(x: Type, width: int, bias: bool = True) -> Type:
    return x.with_axis(-1, width)


def arguments_of(grammar: str, *ops: Any) -> dict[str, tuple[object, ...]]:
    space = einspec.loads(grammar, input=(4, 8), ops=list(ops))
    return {str(arch): arch.derivation.member.args for arch in space.enumerate(max_depth=2)}


@pytest.mark.parametrize(
    ("production", "expected"),
    [
        ('"s" leaf', {"sr": (False, 2)}),
        ('"s" leaf [SE]', {"sr": (False, 2), "srse": (True, 2)}),
        ('"s" leaf [SE] [N]', {"sr": (False, 2), "srse": (True, 2), "sr3": (False, 3), "srse3": (True, 3)}),
        ('"s" leaf [SE] N', {"sr3": (False, 3), "srse3": (True, 3)}),
        ('"s" leaf TRUE', {"srfalse": (False, 2), "srtrue": (True, 2)}),
        (
            '"s" leaf TRUE [N]',
            {"srfalse": (False, 2), "srtrue": (True, 2), "srfalse3": (False, 3), "srtrue3": (True, 3)},
        ),
    ],
)
def test_what_an_op_is_given(production: str, expected: dict[str, tuple[object, ...]]) -> None:
    if production == '"s" leaf':
        with pytest.raises(
            einspec.GrammarError, match=r"block takes 1 to 2 arguments [(]se: bool, times: int = 2[)], not 0"
        ):
            arguments_of(f'start: {production} -> block\nleaf: "r" -> relu\n', block)
        return
    terminals = "".join(
        line
        for name, line in (("SE", 'SE: "se"\n'), ("N", 'N: "3"\n'), ("TRUE", 'TRUE: "true" | "false"\n'))
        if name in production
    )
    assert arguments_of(f'start: {production} -> block\nleaf: "r" -> relu\n{terminals}', block) == expected


def test_a_truth_value_that_may_be_none_is_none() -> None:
    assert arguments_of('start: "m" [F] -> maybe\nF: "f"\n', maybe) == {"m": (None,), "mf": (True,)}


def test_a_terminal_that_is_always_there_says_nothing() -> None:
    with pytest.raises(einspec.GrammarError, match="block takes se: bool, and 'se' is none"):
        arguments_of('start: "s" leaf SE -> block\nleaf: "r" -> relu\nSE: "se"\n', block)


def test_an_op_of_the_library_with_fewer_arguments() -> None:
    text = 'start: "c" "(" WIDTH "," KERNEL ["," STRIDE] ")" -> conv2d\nWIDTH: "8"\nKERNEL: "3"\nSTRIDE: "2"\n'
    space = einspec.loads(text, input=(3, 8, 8))
    assert {str(arch): arch.derivation.member.args for arch in space.enumerate()} == {
        "c(8,3)": (8, 3, 1, 0, 1, 1, True),
        "c(8,3,2)": (8, 3, 2, 0, 1, 1, True),
    }
    assert space.parse("c(8,3)").output.sizes == (8, 6, 6)
    full = einspec.loads('start: "c(" A ")" -> conv2d\nA: "8,3,1,0,1,1"\n', input=(3, 8, 8)).sample(rng=0)
    assert full.key == space.parse("c(8,3)").key


def test_calls_leave_arguments_out() -> None:
    conv2d = library_ops()["conv2d"]
    x = Type((3, 8, 8))
    assert conv2d(x, 16, 3).sizes == (16, 6, 6)
    assert conv2d(x, 16, 3, padding=1).sizes == conv2d(x, 16, 3, 1, 1).sizes == (16, 8, 8)
    assert dense(x, 4) == dense(x, 4, bias=False) == dense(x, 4, False)
    with pytest.raises(
        TypeError, match=r"conv2d is called as conv2d\(input, width: int, kernel: int, stride: int = 1, "
    ):
        conv2d(x, 16)


def test_a_default_of_another_type() -> None:
    def wrong(x: Type, times: int = "2") -> Type:  # type: ignore[assignment]
        return x

    with pytest.raises(TypeError) as error:
        primitive(torch=lambda x, times: None)(wrong)
    assert str(error.value) == "wrong: times: int = '2': expected a default of that type"
