"""Warnings: they are kept with the grammar, in the order of the file, and hinder nothing."""

from __future__ import annotations

import einspec
from einspec.grammar import read_text
from tests.helpers import bundled


def warnings(text: str) -> list[str]:
    return [str(problem) for problem in read_text(text).problems]


def test_the_bundled_grammars_have_none() -> None:
    assert [bundled(name).grammar.problems for name in ("darts", "einspace", "mlp", "nasbench201")] == [()] * 4


def test_unreachable_in_full() -> None:
    assert warnings('start: "relu" -> relu\nother: "norm" -> norm\n') == [
        "<text>:2:1: warning[W501]: the rule other is never reached from start\n"
        '    2 | other: "norm" -> norm\n'
        "      | ^^^^^\n"
        "      = use it, or leave it out"
    ]


def test_what_only_weight_0_reaches_is_reached() -> None:
    assert warnings('start: "relu" -> relu\n     | other //% 0\nother: "norm" -> norm\n') == []


def test_supercritical_in_full() -> None:
    assert warnings('//% start s\ns: "r" -> relu //% 0.4\n | "s" s "," s -> seq\n') == [
        "<text>:2:1: warning[W502]: the expected size is infinite: a generation of nodes has 1.20000 times the "
        "nodes of the one before\n"
        '    2 | s: "r" -> relu //% 0.4\n'
        "      | ^\n"
        "      = give the alternatives without children more weight; samples are cut by the limits until then"
    ]


def test_nothing_left_in_full() -> None:
    assert warnings('start: "r" -> relu //% 1\n     | "n" -> norm\n     | "p" -> pos\n') == [
        "<text>:1:1: warning[W504]: the weights of start leave nothing for its 2 alternatives without one\n"
        '    1 | start: "r" -> relu //% 1\n'
        "      | ^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "      = these are parsed and never drawn; write 0 to say so"
    ]


def test_all_of_them_in_order() -> None:
    text = 'one: "o" -> relu\nstart: "r" -> relu //% 1\n     | "n" -> norm\ntwo: "t" -> relu\n'
    codes = [problem.code for problem in read_text(text).problems]
    assert codes == ["W501", "W504", "W501"]
    space = einspec.loads(text, input=(3, 8))
    assert str(space.sample(rng=0)) == "r"
    assert str(space.parse("n")) == "n"


def test_nothing_left_in_a_group_and_at_a_depth() -> None:
    assert warnings('start: ("x" //% 1\n | "y") "z" -> relu\n') == [
        "<text>:1:8: warning[W504]: the weights of this group leave nothing for its 1 alternative without one\n"
        '    1 | start: ("x" //% 1\n'
        "      |        ^^^^^^^^^^\n"
        "      = these are parsed and never drawn; write 0 to say so"
    ]
    assert warnings('start: "r" -> relu //% depth 0.5 1\n | "n" -> norm\n') == [
        "<text>:1:1: warning[W504]: the weights of start leave nothing for its 1 alternative without one at depth 2\n"
        '    1 | start: "r" -> relu //% depth 0.5 1\n'
        "      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "      = these are parsed and never drawn; write 0 to say so"
    ]


def test_ambiguous_in_full() -> None:
    assert warnings('start: start "+" start -> seq //% 0.2\n | "relu" -> relu\n') == [
        "<text>:1:1: warning[W503]: 'relu+relu+relu' can be derived in several ways\n"
        '    1 | start: start "+" start -> seq //% 0.2\n'
        "      | ^^^^^\n"
        "      = the most probable one is taken: give words or brackets that tell them apart"
    ]
    assert warnings('start: "(" start "+" start ")" -> seq //% 0.2\n | "relu" -> relu\n') == []


def test_priority_in_full() -> None:
    assert warnings('start.2: "linear" A -> linear\nA.-1: "16"\n') == [
        "<text>:1:6: warning[W505]: the priority of start has no effect\n"
        '    1 | start.2: "linear" A -> linear\n'
        "      |      ^^\n"
        "      = the most probable derivation of a text is taken: give weights, and leave the priority out",
        "<text>:2:2: warning[W505]: the priority of A has no effect\n"
        '    2 | A.-1: "16"\n'
        "      |  ^^^\n"
        "      = the most probable derivation of a text is taken: give weights, and leave the priority out",
    ]


def test_free_expressions_in_full() -> None:
    advice = "list its values, give it a range as in   //% range 1..64   , or give the alternative weight 0"
    text = 'start: "linear" WIDTH -> linear\n | "pos" /\\d+/ -> linear\n | "w" WIDTH -> linear //% 0\nWIDTH: /[0-9]+/\n'
    assert warnings(text) == [
        "<text>:1:17: warning[W506]: WIDTH is a regular expression: it can be parsed, but not drawn\n"
        '    1 | start: "linear" WIDTH -> linear\n'
        "      |                 ^^^^^\n"
        f"      = {advice}",
        "<text>:2:10: warning[W506]: /\\d+/ is a regular expression: it can be parsed, but not drawn\n"
        '    2 |  | "pos" /\\d+/ -> linear\n'
        "      |          ^^^^^\n"
        f"      = {advice}",
    ]
    assert warnings('start: "linear" WIDTH -> linear\nWIDTH: /[0-9]+/ //% range 1..64\n') == []


def test_tokens_that_run_together_in_full() -> None:
    assert warnings('start: "a" "/" "/c" -> relu\n%ignore /\\/\\/.*/\n') == [
        "<text>:1:1: warning[W507]: tokens run together, or into what is ignored: 'a//c' is a sentence, and is not "
        "read as one\n"
        '    1 | start: "a" "/" "/c" -> relu\n'
        "      | ^^^^^\n"
        "      = ignore less, or change the tokens that begin with what is ignored"
    ]
    assert warnings('start: "a" "/" "/c" -> relu\n%ignore /\\s+/\n') == []
