"""Places in texts and the messages that show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einspec.text import Problem, Source, did_you_mean, listing, plural


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("abc", 0, (1, 1)),
        ("abc", 2, (1, 3)),
        ("abc", 3, (1, 4)),
        ("abc", 99, (1, 4)),
        ("a\nb", 1, (1, 2)),
        ("a\nb", 2, (2, 1)),
        ("a\n\n", 3, (3, 1)),
        ("", 0, (1, 1)),
    ],
)
def test_line_and_column(text: str, offset: int, place: tuple[int, int]) -> None:
    source = Source("file", text)
    assert source.line_column(offset) == place
    assert source.place(offset) == f"file:{place[0]}:{place[1]}"


@given(st.text(st.sampled_from("ab \n"), max_size=30), st.integers(0, 40))
def test_line_and_column_against_splitting(text: str, offset: int) -> None:
    before = text[:offset].split("\n")
    assert Source("file", text).line_column(offset) == (len(before), len(before[-1]) + 1)


@given(st.text(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_every_excerpt_is_two_short_lines(text: str, start: int, width: int) -> None:
    source = Source("file", text)
    excerpt = source.excerpt(min(start, len(text)), min(start, len(text)) + width)
    line, carets = excerpt.split("\n")
    assert len(line) <= 130
    assert len(carets) <= 131
    assert set(carets[8:]) <= {" ", "^"}
    assert "^" in carets


def test_an_excerpt_in_full() -> None:
    source = Source("file", "first\n  second line\nthird")
    assert source.excerpt(8, 14) == "    2 |   second line\n      |   ^^^^^^"
    assert source.excerpt(8, 99) == "    2 |   second line\n      |   ^^^^^^^^^^^"
    assert source.excerpt(99, 99) == "    3 | third\n      |      ^"


def test_what_cannot_be_printed_is_blank() -> None:
    assert Source("file", "a\tb\x1b[31mc\r\n").excerpt(2, 3) == "    1 | a b [31mc\n      |   ^"


def test_a_long_line_is_cut_around_the_caret() -> None:
    source = Source("file", "x" * 1000 + "!" + "y" * 1000)
    line, carets = source.excerpt(1000, 1001).split("\n")
    assert len(line) == len("    1 | ") + 120
    assert line[carets.index("^")] == "!"


def test_a_problem_in_full() -> None:
    source = Source("a.lark", "start: x\n")
    problem = Problem(source, 7, 8, "E201", "x is not defined", "define it")
    assert str(problem) == (
        "a.lark:1:8: error[E201]: x is not defined\n    1 | start: x\n      |        ^\n      = define it"
    )
    warning = Problem(source, 7, 8, "W501", "never reached", severity="warning")
    assert str(warning) == "a.lark:1:8: warning[W501]: never reached\n    1 | start: x\n      |        ^"


def test_did_you_mean_does_not_depend_on_order() -> None:
    assert did_you_mean("modul", ["module", "model"]) == did_you_mean("modul", ["model", "module"])
    assert did_you_mean("modul", ["module", "norm"]) == "did you mean 'module'?"
    assert did_you_mean("zzz", ["module"]) == ""
    assert did_you_mean("x", []) == ""


def test_listing_and_plural() -> None:
    assert [listing([]), listing(["a"]), listing(["a", "b"])] == ["", "a", "a or b"]
    assert listing("abc", "and") == "a, b and c"
    assert [plural(1, "child"), plural(2, "child"), plural(0, "weight"), plural(1234, "step")] == [
        "1 child", "2 children", "0 weights", "1,234 steps",
    ]  # fmt: skip


def test_a_number_more_is_no_slip() -> None:
    assert did_you_mean("relu6", ["relu", "norm"]) == ""
    assert did_you_mean("nor_conv_5x5", ["nor_conv_3x3"]) == "did you mean 'nor_conv_3x3'?"
    assert did_you_mean("resnet81", ["resnet18"]) == "did you mean 'resnet18'?"
    assert did_you_mean("rleu6", ["relu6", "relu"]) == "did you mean 'relu6'?"
    assert did_you_mean("linear(3)", ["linear(32)"]) == "did you mean 'linear(32)'?"
