"""Combinators over types: replays, ties, attributes, bindings, several inputs and outputs, and what goes wrong."""

from __future__ import annotations

import random
from typing import Any

import pytest

import einspec
from einspec import SamplingError, ShapeError, Type
from einspec.ops import combinator, each, let, primitive, tie
from einspec.ops.library.convolutions import conv2d
from einspec.ops.library.merge import add, cat
from einspec.ops.library.tensor import linear
from einspec.space import Space


@combinator
def dense(x, *, width):
    return linear(x, width)


def space_of(grammar: str, *ops: Any, input: Any = (4, 8), **limits: Any) -> Space:
    return einspec.loads(grammar, input=input, ops=[*ops, dense], limits=einspec.Limits(**limits))


def shape_error(space: Space, text: str) -> str:
    with pytest.raises(ShapeError) as error:
        space.parse(text)
    return str(error.value)


def texts(space: Space, **limits: Any) -> list[str]:
    return [str(arch) for arch in space.enumerate(**limits)]


# --- a child is one derivation, however often it is called ---


@combinator
def widths(x, cell):
    """The cell at three widths."""
    return cell(linear(cell(linear(cell(x), 16)), 32))


WIDTHS = (
    'start: "w" "(" cell ")" -> widths\ncell: "relu" -> relu | "same" -> same | "half" -> half | "eight" -> eight\n'
)


@primitive
def same(x: Type) -> Type:
    return x


@primitive
def half(x: Type) -> Type:
    if x.axes[-1].size % 4:
        raise ShapeError("not a multiple of 4")
    return x.with_axis(-1, x.axes[-1].size // 2)


@primitive
def eight(x: Type) -> Type:
    if x.axes[-1].size != 8:
        raise ShapeError("only eight")
    return x


def test_a_cell_at_three_widths() -> None:
    space = space_of(WIDTHS, widths, same, half, eight)
    assert [(str(arch), arch.output.sizes) for arch in space.enumerate()] == [
        ("w(relu)", (4, 32)), ("w(same)", (4, 32)), ("w(half)", (4, 16))
    ]  # fmt: skip
    for arch in space.enumerate():
        assert (len(arch), arch.choices[0], len(arch.choices)) == (2, 0, 2)
        assert arch.log_prob == pytest.approx(-1.3862943611198906)  # 1/4, once
    assert shape_error(space, "w(eight)") == (
        "<architecture>:1:3: eight does not accept (4, 16): only eight\n    1 | w(eight)\n      |   ^^^^^"
    )
    # legality is that of the first call, so eight is drawn, and is a dead end
    draws = [str(arch) for arch in space.samples(300, rng=0)]
    assert set(draws) == {"w(relu)", "w(same)", "w(half)"}
    refused = 0
    for seed in range(100):
        try:
            space.sample(rng=seed, attempts=1)
        except SamplingError as error:
            refused += "rejected by eight 1; " in str(error)
    assert 10 < refused < 40


def test_enumeration_draws_a_dead_end_once() -> None:
    space = space_of(WIDTHS, widths, same, half, eight)
    tried: list[int] = []

    def choose(address: Any, nonterminal: Any, members: Any) -> int:
        tried.append(members.positive)
        return 0

    space.derive(choose)
    assert tried == [1, 4]


@combinator
def zigzag(x, first, second):
    """Each child twice, at two alternating types: without a memo, 2 to the depth calls."""
    wide = linear(x, 2 if x.axes[-1].size == 1 else 1)
    return second(first(x)) if first(wide) is second(wide) else first(x)


def test_nested_replays_do_not_multiply() -> None:
    space = space_of('start: "z" "(" start "," start ")" -> zigzag | "relu" -> relu\n', zigzag, input=(4, 1))
    text = "relu"
    for _ in range(40):
        text = f"z({text},relu)"
    arch = space.parse(text)
    assert (arch.depth, arch.output.sizes) == (41, (4, 1))
    assert space.from_choices(arch.choices) == arch
    twice = combinator(lambda x, body: body(body(linear(x, 3))), name="twice")
    deep = space_of('start: "t" start -> twice | "relu" -> relu\n', twice)
    assert deep.parse("t" * 60 + "relu").output.sizes == (4, 3)


# --- each ---


@combinator
def spread(x, body):
    return cat(*each(body, (x, x, linear(x, 4))), axis=2)


@combinator
def pairs(x, body):
    return add(*each(body, ((x, x), (x, x))))


def test_each_calls_per_value() -> None:
    space = space_of('start: "s" body -> spread\nbody: "l" -> linear16 | "h" -> half\n', spread, half, _linear16)
    assert [(str(arch), arch.output.sizes) for arch in space.enumerate()] == [("sl", (4, 48)), ("sh", (4, 10))]


_linear16 = combinator(lambda x: linear(x, 16), name="linear16")


def test_each_of_several_inputs() -> None:
    space = space_of('start: "p" body -> pairs\nbody: "a" -> add | "d" -> dot | "c" -> catted\n', pairs, _catted)
    assert texts(space) == ["pa", "pc"]
    assert shape_error(space, "pd").startswith("<architecture>:1:2: dot does not accept (4, 8) and (4, 8): ")


_catted = combinator(lambda x, y: cat(x, y, axis=1), name="catted", inputs=2)


# --- ties ---


@combinator
def tied_at(x, body):
    inner = tie(body)
    return cat(inner(x), inner(linear(x, 16)), axis=2)


@combinator
def tied_twice(x, body):
    inner = tie(body)
    return add(inner(x), inner(x))


BODY = 'body: "relu" -> relu | "norm" -> norm | "l" "(" "8" ")" -> linear\n'


def test_ties_at_equal_types() -> None:
    space = space_of(f'start: "t" "(" body ")" -> tied_twice\n{BODY}', tied_twice)
    assert texts(space) == ["t(relu)", "t(norm)", "t(l(8))"]
    assert space.parse("t(l(8))").params == 8 * 8 + 8
    assert space.parse("t(norm)").params == 16


def test_ties_at_types_that_need_other_weights() -> None:
    space = space_of(f'start: "t" "(" body ")" -> tied_at\n{BODY}', tied_at)
    assert texts(space) == ["t(relu)"]
    assert {str(arch) for arch in space.samples(50, rng=0)} == {"t(relu)"}
    message = shape_error(space, "t(l(8))")
    assert message.startswith("<architecture>:1:1: linear(8) is tied, and its calls need different weights: ")
    assert "(8, 8)" in message
    assert "(8, 16)" in message
    with pytest.raises(SamplingError):
        space.sample(rng=0, where=lambda arch: "l(8)" in str(arch), attempts=100)


@combinator
def tied_under(x, body):
    inner = tie(body)
    return cat(inner(x, width=16), inner(x, width=32), axis=2)


def test_ties_under_attributes_that_need_other_weights() -> None:
    space = space_of('start: "t" "(" body ")" -> tied_under\nbody: "dense" -> dense | "norm" -> norm\n', tied_under)
    assert texts(space) == ["t(norm)"]
    assert "is tied, and its calls need different weights" in shape_error(space, "t(dense)")


# --- attributes ---


@combinator
def stage(x, body):
    return body(body(x, stage=1), stage=2)


@combinator
def inner_stage(x, body):
    return body(x, stage=3)


@combinator
def only_in_two(x, *, stage):
    if stage != 2:
        raise ShapeError(f"stage {stage} is not 2")
    return x


@primitive
def by_stage(x: Type, *, stage) -> Type:
    return x.with_axis(-1, 10 * stage)


@primitive
def by_default(x: Type, *, stage=7) -> Type:
    return x.with_axis(-1, 10 * stage)


STAGES = (
    'start: "s" "(" start ")" -> stage | "i" "(" start ")" -> inner_stage\n'
    ' | "two" -> only_in_two | "by" -> by_stage | "def" -> by_default\n'
)
STAGE_OPS = (stage, inner_stage, only_in_two, by_stage, by_default)


def test_attributes_go_down() -> None:
    space = space_of(STAGES, *STAGE_OPS)
    assert space.parse("s(by)").output.sizes == (4, 20)
    assert space.parse("s(def)").output.sizes == (4, 20)
    assert space.parse("def").output.sizes == (4, 70)
    assert space.parse("s(i(by))").output.sizes == (4, 30)
    assert space.parse("i(s(by))").output.sizes == (4, 20)


def test_a_missing_attribute_makes_an_op_inapplicable() -> None:
    space = space_of(STAGES, *STAGE_OPS)
    assert texts(space, max_depth=1) == ["def"]
    assert shape_error(space, "by") == (
        "<architecture>:1:1: by_stage reads the attribute 'stage', and nothing above it sets that\n"
        "    1 | by\n"
        "      | ^^"
    )
    assert texts(space, max_depth=2) == ["def", "s(by)", "s(def)", "i(by)", "i(def)"]
    assert shape_error(space, "s(two)") == (
        "<architecture>:1:3: only_in_two does not accept (4, 8): stage 1 is not 2\n    1 | s(two)\n      |   ^^^"
    )


@combinator
def sets_none(x, body):
    return body(x, stage=None)


@combinator
def any_stage(x, *, stage):
    return x


@pytest.mark.parametrize("order", [["n(any)", "any"], ["any", "n(any)"]])
def test_an_attribute_that_is_none_is_not_a_missing_one(order: list[str]) -> None:
    space = space_of('start: "n" "(" start ")" -> sets_none | "any" -> any_stage | "r" -> relu\n', sets_none, any_stage)
    for text in order:
        if text == "any":
            assert "reads the attribute 'stage'" in shape_error(space, text)
        else:
            assert str(space.parse(text)) == text
    assert texts(space, max_depth=1) == ["r"]


@pytest.mark.parametrize("value", [Type((3, 4)), [1, 2]])
def test_what_is_no_attribute(value: Any) -> None:
    passing = combinator(lambda x, body: body(x, stage=value), name="passing")
    space = space_of('start: "p" start -> passing | "r" -> relu\n', passing)
    with pytest.raises(
        TypeError, match=r"the attribute stage is a value that flows between ops|expected a finite number, a text"
    ):
        space.parse("pr")


# --- let and use ---

LET = (
    'start: "let" "(" start "," start ")" -> let | "seq" "(" start "," start ")" -> seq | "use" -> use\n'
    ' | "relu" -> relu | "l" -> linear16 | "d" -> dense | "s" "(" start ")" -> with_width\n'
)
with_width = combinator(lambda x, body: body(x, width=24), name="with_width")


def test_use_outside_let_is_never_drawn() -> None:
    space = space_of(LET, _linear16, with_width, max_depth=3)
    for arch in space.samples(300, rng=0):
        before = str(arch).split("use")[0]
        assert "use" not in str(arch) or "let(" in before
    assert "use" not in texts(space, max_depth=1)
    assert shape_error(space, "use").startswith("<architecture>:1:1: use reads the attribute 'use'")
    assert shape_error(space, "seq(let(relu,use),use)").startswith("<architecture>:1:19: use reads the attribute 'use'")
    assert shape_error(space, "let(use,use)").startswith("<architecture>:1:5: use reads the attribute 'use'")


def test_let_binds_one_derivation() -> None:
    space = space_of(LET, _linear16, with_width)
    arch = space.parse("let(l,seq(use,use))")
    assert arch.output.sizes == (4, 16)
    assert (len(arch), len(arch.choices)) == (5, 5)
    assert arch.params == (8 * 16 + 16) + (16 * 16 + 16)
    assert space.from_choices(arch.choices) == arch


def test_nested_lets() -> None:
    space = space_of(LET, _linear16, with_width)
    # the inner cell sees the outer binding, its body the inner one
    assert space.parse("let(l,let(seq(use,use),use))").params == (8 * 16 + 16) + (16 * 16 + 16)
    assert space.parse("let(l,seq(use,let(relu,use)))").params == 8 * 16 + 16
    assert "nothing calls its child 1, start, by its name" in shape_error(space, "let(l,let(relu,use))")
    assert space.parse("let(relu,seq(let(l,use),use))").params == 8 * 16 + 16


def test_a_bound_cell_sees_the_attributes_of_the_place_that_calls_it() -> None:
    space = space_of(LET, _linear16, with_width)
    assert space.parse("let(d,s(use))").output.sizes == (4, 24)
    assert "dense reads the attribute 'width'" in shape_error(space, "let(d,use)")
    # ... and the bindings of the place that bound it
    assert space.parse("let(relu,let(use,seq(use,let(l,use))))").params == 144
    assert "nothing calls its child 1, start, by its name" in shape_error(space, "let(relu,relu)")


def test_a_cell_that_is_never_used_is_a_dead_end() -> None:
    space = space_of(LET, _linear16, with_width)
    assert all("use" in text for text in texts(space, max_depth=2) if text.startswith("let"))


@combinator
def bound(x, one, two, body):
    return let(one, body, name="one")(x, two=two)


@combinator
def in_turn(x, *, one, two):
    return one(two(x))


def test_bindings_of_several_names() -> None:
    space = space_of(
        'start: "b" "(" part "," part "," turn ")" -> bound\npart: "l" -> linear16 | "r" -> relu\nturn: "t" -> in_turn\n',
        bound,
        in_turn,
        _linear16,
    )
    assert [arch.params for arch in space.enumerate()] == [144 + 272, 144, 144, 0]


# --- several inputs and outputs ---


@combinator(inputs=2)
def two(image, text, left, right):
    return cat(left(image), right(text), axis=1)


def test_a_dict_of_inputs() -> None:
    grammar = 'start: "two" "(" part "," part ")" -> two\npart: "l" "(" "8" ")" -> linear | "relu" -> relu\n'
    space = space_of(grammar, two, input={"image": (4, 8), "text": (3, 6)})
    assert texts(space) == ["two(l(8),l(8))", "two(relu,l(8))"]
    assert space.parse("two(relu,l(8))").output.sizes == (7, 8)
    assert space.input_text() == "image=(4, 8); text=(3, 6)"
    assert repr(space) == "<space <text>: input image=(4, 8); text=(3, 6)>"
    assert shape_error(space, "two(relu,relu)") == (
        "<architecture>:1:1: two: cat(1) does not accept (4, 8) and (3, 6): sizes 8, 6 differ\n"
        "    1 | two(relu,relu)\n"
        "      | ^^^^^^^^^^^^^^"
    )


def test_an_op_of_one_input_where_there_are_two() -> None:
    space = space_of('start: "relu" -> relu | "add" -> add | "soft" -> softmax\n', input={"a": (4, 8), "b": (4, 8)})
    assert texts(space) == ["add"]
    assert shape_error(space, "relu").split("\n")[0] == "<architecture>:1:1: relu takes 1 input, not 2"
    assert shape_error(space, "soft").split("\n")[0] == (
        "<architecture>:1:1: softmax takes 1 input, not 2: (4, 8) and (4, 8)"
    )


@combinator
def outputs(x, cut):
    a, b = cut(x)
    return b, a


MANY = (
    'start: "o" "(" cut ")" -> outputs\ncut: "c2" "(" "2" ")" -> clone | "c3" "(" "3" ")" -> clone\n'
    ' | "relu" -> relu | "o" "(" cut ")" -> outputs\n'
)


def test_several_outputs() -> None:
    space = space_of(MANY, outputs, max_depth=3)
    assert texts(space) == ["o(c2(2))", "o(o(c2(2)))"]
    assert space.parse("o(c2(2))").output == (Type((4, 8)),) * 2


def test_unpacking_the_wrong_number() -> None:
    space = space_of(MANY, outputs)
    too_many, one = "too many values to unpack (expected 2)", "cannot unpack non-iterable Type object"
    assert shape_error(space, "o(c3(3))") == (
        f"<architecture>:1:1: outputs cannot wire its children: {too_many}\n    1 | o(c3(3))\n      | ^^^^^^^^"
    )
    assert shape_error(space, "o(relu)") == (
        f"<architecture>:1:1: outputs cannot wire its children: {one}\n    1 | o(relu)\n      | ^^^^^^^"
    )
    assert {str(arch) for arch in space.samples(50, rng=0, max_depth=2)} == {"o(c2(2))"}


NO_SINGLE = (
    'start: "b" "(" cut "," part "," part "," merge ")" -> branch | "r" "(" cut "," part "," merge ")" -> replicate\n'
    ' | "s" "(" part "," part ")" -> seq | "x" "(" part ")" -> residual\n'
    'cut: "c" "(" "2" ")" -> clone | "relu" -> relu\npart: "norm" -> norm | "d" "(" "2" ")" -> clone\n'
    'merge: "add" -> add | "soft" -> relu\n'
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b(relu,norm,norm,add)", "1:1: branch cannot wire its children: cannot unpack non-iterable Type object"),
        (
            "r(relu,norm,add)",
            "1:1: replicate does not accept (4, 8): several values are expected where there is one: (4, 8)",
        ),
        ("b(c(2),norm,norm,soft)", "1:18: relu takes 1 input, not 2"),
        (
            "s(d(2),norm)",
            "1:1: seq does not accept (4, 8): its child 2, part, is given 2 outputs, (4, 8), (4, 8), as one input",
        ),
        ("x(d(2))", "1:1: residual does not accept (4, 8): add is given 2 values as one input"),
        (
            "b(c(2),d(2),norm,add)",
            "1:1: branch does not accept (4, 8): its child 4, merge, is given 2 outputs, (4, 8), (4, 8), as one input",
        ),
    ],
)
def test_values_and_tuples_of_them_are_told_apart(text: str, message: str) -> None:
    space = space_of(NO_SINGLE)
    assert shape_error(space, text).split("\n")[0] == f"<architecture>:{message}"
    valid = {"b(c(2),norm,norm,add)", "r(c(2),norm,add)", "s(norm,norm)", "s(norm,d(2))", "x(norm)"}
    assert set(texts(space)) == valid
    assert {str(arch) for arch in space.samples(200, rng=1)} == valid


# --- children that are not called, and bugs of Python ---


@combinator
def first_only(x, a, b):
    return a(x)


@combinator
def short_cut(x, a, b):
    y = a(x)
    return y if y.axes[-1].size == 16 else b(y)


def test_a_child_that_is_never_called() -> None:
    grammar = 'start: "f" "(" start "," start ")" -> {} | "relu" -> relu | "l" -> linear16\n'
    never = space_of(grammar.format("first_only"), first_only, _linear16)
    message = (
        "<text>:1:8: error[E402]: first_only never calls its child 2, start at (4, 8)\n"
        '    1 | start: "f" "(" start "," start ")" -> first_only | "relu" -> relu | "l" -> linear16\n'
        "      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "      = call it on every way through the op, or raise ShapeError for what the op does not accept; where it only "
        "says yes or no, make it an optional terminal, as in [START]"
    )
    for call in (
        lambda: never.parse("f(relu,l)"),
        lambda: list(never.samples(20, rng=0)),
        lambda: never.from_choices([0, 1, 1]),
        lambda: texts(never, max_depth=2),
    ):
        with pytest.raises(einspec.GrammarError) as error:
            call()
        assert str(error.value) == message
    with pytest.raises(einspec.GrammarError) as error:
        never.count(max_depth=2)
    assert str(error.value) == message.replace(" at (4, 8)", "")
    sometimes = space_of(grammar.format("short_cut"), short_cut, _linear16)
    with pytest.raises(einspec.GrammarError, match=r"short_cut never calls its child 2, start at \(4, 8\)"):
        sometimes.parse("f(l,relu)")
    assert str(sometimes.parse("f(relu,l)")) == "f(relu,l)"


class Boom(Exception):
    pass


@pytest.mark.parametrize(
    "error", [KeyError("k"), ValueError("v"), TypeError("t"), AttributeError("a"), Boom(), ZeroDivisionError()]
)
@pytest.mark.parametrize("where", ["primitive", "combinator", "below"])
def test_a_bug_in_an_op_is_not_swallowed(error: Exception, where: str) -> None:
    def fail() -> None:
        raise error

    def rule(x: Type) -> Type:
        fail()
        return x

    if where == "primitive":
        op: Any = primitive(rule)
    elif where == "combinator":
        op = combinator(lambda x: rule(x), name="rule")
    else:
        op = combinator(lambda x: add(x, conv2d.function(x, 1, 1, 1, 1, fail(), 1)), name="rule")
    space = space_of('start: "s" "(" part "," part ")" -> seq\npart: "r" -> rule\n', op)
    for use in (lambda: space.parse("s(r,r)"), lambda: space.sample(rng=0), lambda: next(space.enumerate())):
        with pytest.raises(type(error)) as found:
            use()
        assert found.value is error


@pytest.mark.parametrize("result", [None, (), "x", float("nan")])
def test_a_combinator_that_returns_no_value(result: Any) -> None:
    space = space_of('start: "n" -> nothing\n', combinator(lambda x: result, name="nothing"))
    with pytest.raises(TypeError) as error:
        space.parse("n")
    assert (
        str(error.value) == f"the combinator nothing returned {result!r}: expected a value, numbers, or a tuple of them"
    )


def test_addresses_of_errors_and_choices() -> None:
    grammar = 'start: "s" "(" start "," start ")" -> seq | "r" -> relu | "h" -> half | "e" -> eight\n'
    space = space_of(grammar, half, eight)
    with pytest.raises(ShapeError) as error:
        space.parse("s(r,s(s(r,h),e))")
    assert error.value.address == (1, 1)
    seen: list[tuple[int, ...]] = []

    def choose(address: Any, nonterminal: Any, members: Any) -> int:
        seen.append(address.path)
        return 0 if len(address.path) < 2 else 1

    assert str(space.derive(choose)) == "s(s(r,r),s(r,r))"
    assert seen == [(), (0,), (0, 0), (0, 1), (1,), (1, 0), (1, 1)]


class Trial:
    """A define-by-run trial as Optuna has them: one number a name, from a range that is not empty."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)

    def suggest_int(self, name: str, low: int, high: int) -> int:
        assert low <= high, f"{name}: low={low}, high={high}"
        return low + int(self.rng.random() * (high - low + 1))


@pytest.mark.parametrize("name", ["einspace", "nasbench201", "darts", "mlp"])
def test_the_recipe_of_derive_meets_no_empty_range(name: str) -> None:
    space = einspec.load(name, input=(3, 32, 32) if name == "einspace" else None)
    made = 0
    for seed in range(200):
        trial = Trial(seed)

        def choose(at: Any, nonterminal: Any, members: Any, trial: Trial = trial) -> int:
            return trial.suggest_int(f"{at.path}{nonterminal.name}", 0, members.positive - 1)

        try:
            space.derive(choose, max_nodes=200)
        except SamplingError:
            continue
        made += 1
    assert made > 20


@pytest.mark.parametrize("nothing", [None, -1])
def test_a_chooser_may_say_that_nothing_will_do(nothing: int | None) -> None:
    space = einspec.load("nasbench201")
    with pytest.raises(
        SamplingError, match="these choices come to a dead end in nasbench201: no member of network fits"
    ):
        space.derive(lambda at, nonterminal, members: nothing)
