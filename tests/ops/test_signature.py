"""What a declaration's Python signature says, rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from einspec import Type
from einspec.ops import combinator, primitive
from einspec.ops.signature import Attribute, read_signature

# --- signatures that are an op's: function, inputs=, arguments, children, attributes, how a usage shows it ---


def bare(x): ...
def two(x: Type, y: Type): ...
def quoted(x: "Type", width: "int"): ...  # noqa: UP037 - annotations may be strings within strings
def arguments(x: Type, a: int, b: float, c: str, d: bool): ...
def children(x, first, second): ...
def mixed(x, first, n: int, second, m: int): ...
def attributes(x, body, *, stage, stride=1): ...
def variadic(*xs): ...
def variadic_typed(*xs: Type, axis: int, mode="sum"): ...
def variadic_children(*xs, first, first_from: int, reduction=False): ...
def optional_argument(x, n: int = 3): ...
def positional(x, /, body): ...


@pytest.mark.parametrize(
    ("function", "given", "inputs", "named", "below", "read", "usage"),
    [
        (bare, None, 1, "", "", "", "(input)"),
        (two, None, 2, "", "", "", "(input, input1)"),
        (quoted, None, 1, "width:int", "", "", "(input, width: int)"),
        (arguments, None, 1, "a:int b:float c:str d:bool", "", "", "(input, a: int, b: float, c: str, d: bool)"),
        (children, None, 1, "", "first second", "", "(input, first, second)"),
        (children, 2, 2, "", "second", "", "(input, input1, second)"),
        (mixed, None, 1, "n:int m:int", "first second", "", "(input, first, n: int, second, m: int)"),
        (attributes, None, 1, "", "body", "stage! stride", "(input, body)"),
        (variadic, None, None, "", "", "", "(*inputs)"),
        (variadic_typed, None, None, "axis:int", "", "mode", "(*inputs, axis: int)"),
        (variadic_children, None, None, "first_from:int", "first", "reduction", "(*inputs, first, first_from: int)"),
        (optional_argument, None, 1, "n:int", "", "", "(input, n: int = 3)"),
        (positional, None, 1, "", "body", "", "(input, body)"),
    ],
)
def test_signatures(
    function: Callable[..., Any], given: int | None, inputs: int | None, named: str, below: str, read: str, usage: str
) -> None:
    signature = read_signature(function, given, has_children=True)
    assert signature.inputs == inputs
    assert [(a.name, a.kind) for a in signature.arguments] == [tuple(word.split(":")) for word in named.split()]
    assert signature.children == tuple(below.split())
    assert signature.attributes == tuple(Attribute(word.rstrip("!"), word.endswith("!")) for word in read.split())
    assert str(signature) == usage


@pytest.mark.parametrize(
    ("function", "is_so"), [(bare, True), (arguments, True), (children, True), (mixed, False), (variadic, False)]
)
def test_in_text_order(function: Callable[..., Any], is_so: bool) -> None:
    assert read_signature(function, None, has_children=True).in_text_order is is_so


# --- signatures that are no op's ---


def nothing(): ...
def only_keywords(*, a): ...
def keywords(x, **rest): ...
def late_input(n: int, x: Type): ...
def input_between(x: Type, n: int, y: Type): ...
def before_variadic(x, *xs): ...
def child_of_primitive(x: Type, body): ...


FIRST = ": expected its input values first, as in def {}(x: Type, ...); found ({})"


@pytest.mark.parametrize(
    ("function", "inputs", "message"),
    [
        (nothing, None, "nothing" + FIRST.format("nothing", "")),
        (only_keywords, None, "only_keywords" + FIRST.format("only_keywords", "")),
        (keywords, None, "keywords: an op names its attributes one by one; **rest is not possible"),
        (late_input, None, "late_input" + FIRST.format("late_input", "n, x")),
        (input_between, None, "input_between" + FIRST.format("input_between", "x, n, y")),
        (bare, 2, "bare" + FIRST.format("bare", "x")),
        (bare, 0, "bare" + FIRST.format("bare", "x")),
        (two, 1, "two" + FIRST.format("two", "x, y")),
        (before_variadic, None, "before_variadic: inputs as *x... take all positions; write the rest after them"),
    ],
)
def test_what_is_no_signature(function: Callable[..., Any], inputs: int | None, message: str) -> None:
    with pytest.raises(TypeError) as error:
        combinator(inputs=inputs)(function)
    assert str(error.value) == message


def test_a_primitive_has_no_children() -> None:
    with pytest.raises(TypeError) as error:
        primitive(child_of_primitive)
    assert str(error.value) == (
        "child_of_primitive: a primitive has no children; annotate 'body' as Type (an input) "
        "or as int, float, str or bool (an argument), or declare a combinator"
    )


# --- conversion of arguments ---

CONVERTED = read_signature(arguments, None, has_children=False)


def test_conversion() -> None:
    values = CONVERTED.convert(["3", "0.5", "213", "true"])
    assert values == (3, 0.5, "213", True)
    assert [type(value) for value in values] == [int, float, str, bool]
    assert CONVERTED.convert(["-3", "1e-4", "", "false"]) == (-3, 1e-4, "", False)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["3"], "takes 4 arguments (a: int, b: float, c: str, d: bool), not 1"),
        (["3", "4", "5", "true", "7"], "takes 4 arguments (a: int, b: float, c: str, d: bool), not 5"),
        (["3.5", "1", "x", "true"], "takes a: int, and '3.5' is none"),
        (["3", "wide", "x", "true"], "takes b: float, and 'wide' is none"),
        (["3", "1", "x", "True"], "takes d: bool, and 'True' is none"),
        (["9" * 5000, "1", "x", "true"], f"takes a: int, and '{'9' * 5000}' is none"),
    ],
)
def test_what_cannot_be_converted(texts: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=r"^takes ") as error:
        CONVERTED.convert(texts)
    assert str(error.value) == message


def test_an_op_without_arguments() -> None:
    with pytest.raises(ValueError, match=r"^takes 0 arguments, not 1$"):
        read_signature(bare, None, has_children=False).convert(["3"])
