"""Axes by letters, arguments in their declared types, and attributes that differ in their type alone."""

from __future__ import annotations

import pytest

import einspec
from einspec.ops import combinator, library_ops, primitive
from einspec.types import LAYOUTS, LETTERS, Type

ops = library_ops()

SIZES = {
    Type((3, 8, 4)): {"c": 3, "h": 8, "w": 4},
    Type(((4, 4), 8)): {"s": 16, "d": 8},
    Type((8, 100), layout="sequence"): {"c": 8, "l": 100},
    Type((77,), "int"): {"l": 77},
    Type((12, 77), "int"): {"l": 77},
    Type((10,)): {"d": 10},
    Type((2, 3, 4, 5)): {},
}


@pytest.mark.parametrize("kind", SIZES, ids=str)
@pytest.mark.parametrize("letter", "chwsdl")
def test_axes_have_letters_by_layout(kind, letter):
    if letter in SIZES[kind]:
        assert getattr(kind, letter) == SIZES[kind][letter]
        return
    with pytest.raises(einspec.ShapeError, match=f"a {kind.layout} .* has no axis {letter}: its "):
        getattr(kind, letter)


def test_every_layout_says_its_letters():
    assert set(LETTERS) == set(LAYOUTS)
    assert Type((3, 8, 4)).shape == (3, 8, 4)
    with pytest.raises(einspec.ShapeError) as caught:
        _ = Type((8, 4)).h
    assert str(caught.value) == "a matrix (8, 4) has no axis h: its axes are s and d"


def test_letters_are_those_of_values_in_the_graph_too():
    @combinator
    def wider(x):
        return ops["conv2d"](x, 2 * x.c, x.h - 2, padding=x.w // 4)

    space = einspec.loads('start: "wider" -> wider', input=(3, 5, 8), ops=[wider])
    arch = space.parse("wider")
    assert arch.output == Type((6, 7, 10))
    assert [node.text() for node in arch.graph.nodes] == ["conv2d(6,3,1,2,1,1,True)"]


def test_arguments_have_the_types_that_they_are_declared_with():
    x = Type((3, 8, 8))

    @primitive
    def scaled(x: Type, by: float, n: int = 1, names: tuple[str, ...] = ()) -> Type:
        assert type(by) is float
        return x

    assert scaled(x, 2) is x
    for args, message in [
        ((float("nan"),), "scaled takes by: float, and nan is none"),
        ((True,), "scaled takes by: float, and True is none"),
        ((1.0, True), "scaled takes n: int, and True is none"),
        ((1.0, 2.0), "scaled takes n: int, and 2.0 is none"),
        ((1.0, x), r"scaled takes n: int, and Type\('\(3, 8, 8\)'\) is none"),
    ]:
        with pytest.raises(TypeError, match=f"^{message}$"):
            scaled(x, *args)
    with pytest.raises(TypeError, match=r"^scaled is given 3 as an input: expected a value that flows between ops$"):
        scaled(3, 1.0)


SAME = ((1, True), (1, 1.0), (True, 1.0), (0.0, -0.0), ((1, 2), (True, 2)), (0, False))


@pytest.mark.parametrize(("first", "second"), SAME)
def test_attributes_that_are_equal_and_of_another_type_are_told_apart(first, second):
    """A leaf that was called with n=1 and then with n=True had one type in the sampler and another in the graph."""

    @combinator
    def both(x, leaf):
        return ops["cat"](leaf(x, n=first), leaf(x, n=second), axis=1)

    @combinator
    def told(x, *, n):
        return ops["linear"](x, 3 if repr(n) == repr(first) else 5)

    space = einspec.loads('start: leaf -> both\nleaf: "told" -> told', input=(4,), ops=[both, told])
    for _ in range(2):
        arch = space.sample(rng=0)
        assert arch.output == Type((8,))
        assert arch.graph.output_types == (Type((8,)),)
        assert arch.params == 4 * 8 + 8


@pytest.mark.parametrize("value", [float("nan"), float("inf"), (1, float("-inf"))])
def test_attributes_are_finite(value):
    @combinator
    def sets(x, leaf):
        return leaf(x, n=value)

    space = einspec.loads('start: leaf -> sets\nleaf: "relu" -> relu', input=(4,), ops=[sets])
    with pytest.raises(TypeError, match="expected a finite number, a text, a truth value, None or a tuple"):
        space.sample(rng=0)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999"])
def test_arguments_of_the_grammar_are_finite(text):
    @primitive
    def scaled(x: Type, by: float) -> Type:
        return x

    with pytest.raises(einspec.GrammarError, match=f"scaled takes by: float, and '{text}' is none"):
        einspec.loads(f'start: "s" BY -> scaled\nBY: "{text}"', input=(4,), ops=[scaled])
