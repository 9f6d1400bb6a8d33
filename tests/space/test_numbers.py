"""Numbers that go up: what a child gives instead of values, and what the ops above make of it."""

from __future__ import annotations

import pytest
import torch

import einspec
from einspec import Type
from einspec.errors import GrammarError
from einspec.ops import combinator, library_ops, primitive
from einspec.ops.control import Misuse

linear = library_ops()["linear"]
WIDE = "//% def wide(x, value: int):\n//%     return value\n"


def test_a_width_that_is_chosen_once_stands_in_several_places():
    space = einspec.loads(
        WIDE
        + '//% def net(x, width, body):\n//%     for _ in range(2):\n//%         x = body(linear(x, width(x)))\n//%     return linear(x, width(x))\n'
        'start: width body -> net\nwidth: "w" W -> wide\nbody: "r" -> relu | "s" -> softmax\nW: "3" | "5"', input=(4,),
    )  # fmt: skip
    assert space.count() == 4
    arch = space.parse("w5r")
    assert [node.text() for node in arch.graph.nodes if node.op.name == "linear"] == ["linear(5)"] * 3
    model = einspec.compile(arch).eval()
    x = torch.randn(2, 4)
    torch.testing.assert_close(model(x), einspec.interpret(arch, model, x))
    assert len(arch) == 3
    assert arch.params == 4 * 5 + 5 + 2 * (25 + 5)


def test_rows_of_a_matrix_go_up():
    """A cell by its matrix, as NAS-Bench-101 has it: rows are tuples, and tuples of rows nest."""
    text = (
        "//% def row(x, a: int, b: int):\n//%     return (a, b)\n"
        "//% def matrix(x, first, second):\n//%     return (first(x), second(x))\n"
        '//% def cell(x, edges):\n//%     rows = edges(x)\n//%     if sum([sum(row) for row in rows]) == 0:\n//%         refuse("no edge")\n'
        "//%     return linear(x, sum([2 ** i * sum(row) for i, row in enumerate(rows)]))\n"
        'start: edges -> cell\nedges: row ";" row -> matrix\nrow: E E\nE: "0" | "1"\n'
    )
    space = einspec.loads(text, input=(4,))
    archs = list(space.enumerate())
    assert space.count() == len(archs) == 15
    assert {str(arch): arch.output.d for arch in archs}["11;01"] == 2 + 2


@pytest.mark.parametrize(("values", "count"), [((1, True), 3), ((1, 1.0), 3), ((0, False), 3), ((2, 2), 3)])
def test_numbers_that_are_equal_and_of_another_type_are_counted_apart(values, count):
    """1, 1.0 and True are three answers: an op above may tell them apart."""

    @combinator
    def first(x):
        return values[0]

    @combinator
    def second(x):
        return values[1]

    @combinator
    def told(x, child, body):
        n = child(x)
        return body(linear(x, 3 if repr(n) == repr(values[0]) else 5))

    @combinator
    def only_three(x):
        if x.d != 3:
            raise einspec.ShapeError("three")
        return x

    space = einspec.loads(
        'start: n body -> told\nn: "a" -> first | "b" -> second\nbody: "r" -> relu | "t" -> only_three',
        input=(4,), ops=[first, second, told, only_three],
    )  # fmt: skip
    assert space.count() == len(list(space.enumerate())) == (4 if repr(values[0]) == repr(values[1]) else count)


def test_an_argument_is_fed_by_a_rule():
    text = (
        WIDE
        + 'start: "l(" width ")" -> linear | "c(" K "," width ")" -> conv\nwidth: "w" W -> wide\nW: "2" | "3"\nK: "1" | "3"\n'
    )
    text += "//% def conv(x, kernel: int, width: int, bias: bool = True):\n//%     return linear(x, kernel * width, bias=bias)"
    space = einspec.loads(text, input=(4,))
    assert {str(arch): arch.output.d for arch in space.enumerate()} == {
        "l(w2)": 2, "l(w3)": 3, "c(1,w2)": 2, "c(1,w3)": 3, "c(3,w2)": 6, "c(3,w3)": 9,
    }  # fmt: skip
    arch = space.parse("c(3,w2)")
    assert len(arch) == 2
    assert arch.params == 4 * 6 + 6


def test_copies_may_give_numbers_too():
    text = WIDE + 'start: "clone(2)" width -> two\nwidth: "w" W -> wide\nW: "2" | "3"\n'
    text += "//% def two(x, child):\n//%     return linear(x, sum(each(child, (x, x))))"
    arch = einspec.loads(text, input=(4,)).parse("clone(2)w3")
    assert arch.output == Type((6,))
    assert arch.graph.output_types == (Type((6,)),)


ERRORS = [
    ('start: "w" W -> wide\nW: "2" | "3"', "a network gives values, and wide("),
    ('start: "l(" leaf ")" -> linear\nleaf: "r" -> relu', "linear takes width: int, and its child gives the value (4,)"),
    ('start: "r" width -> seq2\nwidth: "w" W -> wide\nW: "2"\n//% def seq2(x, body): return relu(body(x))', "relu is given 2 as an input"),
    ('start: "r" width leaf -> seq2\nleaf: "r" -> relu\nwidth: "w" W -> wide\nW: "2"\n//% def seq2(x, n, body): return body(n(x))', "its child 2, leaf, is given 2 as an input"),
]  # fmt: skip


@pytest.mark.parametrize(("grammar", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_numbers_where_values_are_needed(grammar, message):
    space = einspec.loads(WIDE + grammar, input=(4,))
    for run in (lambda: space.sample(rng=0), space.count):
        with pytest.raises(GrammarError) as caught:
            run()
        assert "error[E405]" in str(caught.value)
        assert message in str(caught.value)


def test_a_mistake_in_a_primitive_that_is_fed_has_its_place():
    """Of inputs, and of the patterns of ops that read their arguments as texts."""
    text = 'start: "p" w ";" PATTERN -> einsum2\nw: "w" W -> value\nW: "3"\nPATTERN: "l e -> l"\n'
    value = "//% def value(x, n: int):\n//%     return n\n"

    @primitive(torch=lambda x, n, pattern: None)
    def einsum2(x: Type, n: int, pattern: str) -> Type:
        raise Misuse(f"{n} times {pattern!r}", "write another")

    with pytest.raises(einspec.GrammarError) as error:
        einspec.loads(text + value, input=(5,), ops=[einsum2]).parse("pw3;l e -> l")
    assert str(error.value).startswith("<text>:1:8: error[E405]: 3 times 'l e -> l'")
    assert str(error.value).endswith("= write another")

    @primitive(torch=lambda x, y, n: None)
    def both(x: Type, y: Type, n: int) -> Type:
        return x

    with pytest.raises(einspec.ShapeError, match="both takes 2 inputs, not 1"):
        einspec.loads('start: "p" w -> both\nw: "w" W -> value\nW: "3"\n' + value, input=(5,), ops=[both]).parse("pw3")


def test_a_pattern_that_is_none_has_the_place_of_its_alternative():
    space = einspec.loads('start: "r" P -> rearrange\nP: "a b -> c" | "a b -> b a"', input=(3, 4))
    for use in (lambda: space.parse("ra b -> c"), lambda: list(space.enumerate()), lambda: space.count()):
        with pytest.raises(einspec.GrammarError) as error:
            use()
        assert str(error.value) == (
            "<text>:1:8: error[E405]: rearrange(a b -> c,,): c stands on the right of 'a b -> c' alone\n"
            '    1 | start: "r" P -> rearrange\n'
            "      |        ^^^^^^^^^^^^^^^^^^\n"
            "      = name it on the left"
        )
