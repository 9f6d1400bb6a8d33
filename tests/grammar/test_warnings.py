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
