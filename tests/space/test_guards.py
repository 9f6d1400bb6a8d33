"""Guards: an alternative applies only where its condition holds, in all that a space does."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

import einspec
from einspec import ShapeError, Type
from einspec.errors import GrammarError
from einspec.ops import library_ops, primitive
from tests.space.small_spaces import chi_squared_fits, draws, exact, small_space, walk

GUARDED = ["guards", "guards on what passes on", "numbers", "fed numbers", "settings", "settings in lists"]
"""The small spaces with what is new: their distributions, counts and mutants are tested with all others."""


def space_of(text: str, input=(8,), **options) -> einspec.Space:
    return einspec.loads(text, input=input, **options)


def test_a_guard_on_a_leaf_is_a_type_rule_that_refuses():
    """An independent oracle: the same space with a primitive that says no itself."""
    linear = library_ops()["linear"]

    @primitive(torch=linear.torch, params=linear._params, macs=linear._macs, owns_parameters=True)
    def shrinking(x: Type, width: int) -> Type:
        if width > x.axes[-1].size:
            raise ShapeError("no wider than before")
        return x.with_axis(-1, width)

    text = 'start: "s" start start -> seq //% 0.3\n | "l" W -> {op} //% 0.5{guard}\n | "r" -> relu\nW: "2" | "4" | "8" | "16" //% 0.4 0.3 0.2 0.1\n'
    limits = einspec.Limits(max_nodes=5)
    guarded = space_of(text.format(op="linear", guard=" if W <= x.d"), limits=limits)
    refusing = space_of(text.format(op="shrinking", guard=""), ops=[shrinking], limits=limits)
    archs, others = list(guarded.enumerate()), list(refusing.enumerate())
    assert list(map(str, archs)) == list(map(str, others))
    assert [arch.log_prob for arch in archs] == pytest.approx([arch.log_prob for arch in others])
    assert guarded.count() == refusing.count() == len(archs)
    assert guarded.success_probability() == pytest.approx(refusing.success_probability())
    assert [str(a) for a in guarded.samples(200, rng=3)] == [str(a) for a in refusing.samples(200, rng=3)]
    assert [a.choices for a in archs] == [a.choices for a in others]


def test_a_guard_on_what_has_children_renormalises():
    """By hand: at 8 both ways are open, below it only the end."""
    space = space_of(
        '//% def halve(x, rest): return rest(linear(x, x.d // 2))\n'
        'start: "end" -> identity //% 0.25\n | "h" start -> halve //% if x.d >= 8\n', input=(16,),
    )  # fmt: skip
    found = {str(arch): Fraction(round(math.exp(arch.log_prob) * 64), 64) for arch in space.enumerate()}
    assert found == {"end": Fraction(1, 4), "hend": Fraction(3, 16), "hhend": Fraction(9, 16)}
    assert space.success_probability() == pytest.approx(1.0)


@pytest.mark.parametrize("name", GUARDED)
def test_walks_leave_the_distribution_as_it_is(name):
    space = small_space(name)
    assert chi_squared_fits(walk(space, 60_000, seed=3), exact(space))


@pytest.mark.parametrize("name", ["guards", "settings"])
def test_a_wrong_renormalisation_fails(name):
    """Drawn by weight among all, and again where the guard says no further down: what dead ends would make of it."""
    space = small_space(name)
    expected = exact(space)
    assert chi_squared_fits(draws(space, 20_000, seed=1), expected)
    wrong: dict[str, Fraction] = {}
    for arch in space.enumerate():
        share = Fraction(1)
        for node in arch.derivation.walk():
            for member in (*node.via, node.member):
                share *= member.share
        wrong[str(arch)] = share
    total = sum(wrong.values())
    assert not chi_squared_fits(draws(space, 20_000, seed=1), {text: share / total for text, share in wrong.items()})


@pytest.mark.parametrize("name", GUARDED)
def test_everything_that_comes_out_keeps_to_them(name):
    space = small_space(name)
    texts = {str(arch) for arch in space.enumerate()}
    rng = random.Random(1)
    for arch in space.samples(20, rng=rng):
        assert str(arch) in texts
        assert space.from_choices(arch.choices) == arch
        drawn = space.from_choices([rng.randrange(9) for _ in range(12)])
        assert space.parse(str(drawn)) == drawn
        assert {str(other) for other in space.neighbours(arch)} <= texts
    assert {str(arch) for arch in space.most_probable(5)} <= texts


def test_names_in_guards():
    text = '//% def f(x, width: int, low: int, *, stage=2):\n//%     return linear(x, width + low)\nstart: "f" W W -> f //% if {guard}\nW: "2" | "4"\n'
    for guard, count in [
        ("W[0] < W[1]", 1), ("width < low", 1), ("W[0] == W[-1]", 2), ("sum(W) == 6", 2), ("stage == 2", 4),
        ("x.d // 4 == 2", 4), ("width * low > 15 or low < 3", 3), ("not low == 4", 2), ("low in (2, 3) and width > 2", 1),
        ("len(W) == 2", 4), ("x.layout == 'vector'", 4),
    ]:  # fmt: skip
        assert space_of(text.format(guard=guard)).count() == count, guard


REFUSED = [
    ("if WIDTH > 3", "there is no WIDTH here"),
    ("if W > 3", "W is written 2 times in this alternative"),
    ("if W[2] > 3", "W is written 2 times, and there is no W[2]"),
    ("if relu(x) > 3", "a guard cannot call relu"),
    ("if refuse('a')", "a guard cannot call refuse"),
    ("if x.c.real", "there is no .real here"),
    ("if width >", "this is no Python"),
    ("if", "there is no condition after if"),
    ("if width := 3", "this is no Python"),
    ("if OPT == 3", "OPT stands in an optional part or a repetition"),
    ("if 'a' < width", "< takes numbers, and this is a text"),
    ("if stagee == 2", "there is no stagee here"),
]


@pytest.mark.parametrize(("guard", "message"), REFUSED)
def test_what_is_no_guard(guard, message):
    text = "//% def f(x, width: int, low: int, opt: int = 3, *, stage=2):\n//%     return linear(x, width + low + opt + stage)\n"
    text += f'start: "f" W W [OPT] -> f //% {guard}\nW: "2" | "4"\nOPT: "1"\n'
    with pytest.raises(GrammarError) as caught:
        space_of(text)
    assert f"error[E406]: {message}" in str(caught.value)


PLACES = [
    ('start: "a" -> relu | "b" -> relu //% if x.d > 3', "a guard belongs to one alternative, and 2 end on this line"),
    ('start: "l" W -> linear\nW: "1" | "2" //% if x.d > 3', "W is a terminal, and guards belong to rules"),
    (
        'start: _a "!" -> relu\n_a: "a" //% 1/2 if x.d > 3\n | "b"',
        "_a is written out where it is used, and has a guard",
    ),
]


@pytest.mark.parametrize(("text", "message"), PLACES)
def test_where_guards_cannot_stand(text, message):
    with pytest.raises(GrammarError) as caught:
        space_of(text)
    assert f"E406]: {message}" in str(caught.value)


def test_mistakes_that_show_where_a_guard_is_asked():
    space = space_of('start: "l" W -> linear //% if W // (x.d - 8) > 3\nW: "1" | "2"')
    for run in (lambda: space.sample(rng=0), lambda: space.parse("l1"), space.count):
        with pytest.raises(
            GrammarError, match=r"error\[E405\]: the guard W // \(x.d - 8\) > 3: division by zero: [12] // 0"
        ):
            run()


def test_an_axis_that_is_not_there_does_not_hold():
    space = space_of('start: "l" W -> linear //% if x.h > 3\n | "r" -> relu\nW: "1" | "2"')
    assert [str(arch) for arch in space.enumerate()] == ["r"]


def test_reweighting_keeps_guards():
    text = (
        'start: "l" W -> linear //% 0.3 if W > 1 // 2\n | "r" -> relu //% if x.d > 2\n | "s" -> softmax\nW: "1" | "2"\n'
    )
    grammar = space_of(text).grammar.reweighted({"start: linear": 0.5, "start: relu": 0.4})
    assert grammar.to_lark() == text.replace("0.3 if", "0.5 if").replace("//% if x.d", "//% 0.4 if x.d")
    again = einspec.loads(grammar.to_lark(), input=(2,))
    assert {str(arch) for arch in again.enumerate()} == {"l1", "l2", "s"}


def test_check_says_how_often_a_guard_rejects():
    space = space_of(
        'start: "l" W start -> f //% 0.5 if W <= x.d\n | "r" -> relu\nW: "1" | "4" | "16"\n//% def f(x, width: int, rest): return rest(linear(x, width))'
    )
    figures = space.realised(attempts=500, rng=0)
    assert set(figures.guards) == {"start: f"}
    assert 1 / 3 < figures.guards["start: f"] < 2 / 3
    assert not figures.problems
    never = space_of('start: "l" W -> linear //% 0.5 if W > 99\n | "r" -> relu\nW: "1" | "4"').realised(
        attempts=200, rng=0
    )
    assert [(problem.code, problem.message) for problem in never.problems] == [
        ("W512", "this guard never holds in 200 attempts")
    ]
    assert "it never applied, as in: W > 99 is false: 1: weaken it" in never.problems[0].advice
