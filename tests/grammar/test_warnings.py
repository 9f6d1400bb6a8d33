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


def test_ambiguous_in_full() -> None:
    assert warnings('net: net net -> seq //% 0.3\n | "x" -> relu\n') == [
        "<text>:1:1: warning[W503]: 'xxxxx' can be derived in several ways\n"
        "    1 | net: net net -> seq //% 0.3\n"
        "      | ^^^\n"
        "      = the most probable one is taken: give words or brackets that tell them apart"
    ]


def test_two_alternatives_that_share_a_value_are_ambiguous() -> None:
    text = 'net: "l" W -> linear | "l" V -> linear\nW: "16" | "32"\nV: "32" | "64"\n'
    (problem,) = read_text(text).problems
    assert problem.code == "W503"
    assert "'l32'" in problem.message


def test_tokens_that_run_together_in_full() -> None:
    """What is ignored takes a part of what it stands before."""
    assert warnings('start: "a" "bc" -> relu\n%ignore "b"\n') == [
        "<text>:1:1: warning[W507]: tokens run together: 'abc' is a sentence, and is not read as one\n"
        '    1 | start: "a" "bc" -> relu\n'
        "      | ^^^^^\n"
        "      = ignore blanks, as in   %ignore /\\s+/   , or put brackets or commas between the parts"
    ]


def test_priorities_in_full() -> None:
    assert warnings('start.2: "r" -> relu\n') == [
        "<text>:1:6: warning[W505]: the priority of start has no effect\n"
        '    1 | start.2: "r" -> relu\n'
        "      |      ^^\n"
        "      = the most probable derivation of a text is taken: give weights, and leave the priority out"
    ]


def test_free_expressions_in_full() -> None:
    assert warnings('start: "l" N -> linear\nN: /[0-9]+/\n') == [
        "<text>:1:12: warning[W506]: N is a regular expression: it can be parsed, but not drawn\n"
        '    1 | start: "l" N -> linear\n'
        "      |            ^\n"
        "      = list its values, give it a range as in   //% range 1..64   , or give the alternative weight 0"
    ]
    assert warnings('start: "l" N -> linear //% 0\n | "r" -> relu\nN: /[0-9]+/\n') == []
