"""Ops that are called in several ways: with an argument that makes them another op, with sizes one by one, with biases;
and ops that are made of others.
"""

from __future__ import annotations

import re

import pytest
import torch

import einspec
from einspec.errors import GrammarError, ShapeError
from einspec.ops import library_ops
from einspec.types import Type

OPS = library_ops()


def computed(expression: str, x: torch.Tensor, kind: str) -> torch.Tensor:
    text = f'//% input {kind}\n//% def whole(x):\n//%     return {expression}\nstart: "w" -> whole'
    arch = einspec.loads(text).parse("w")
    model = einspec.compile(arch, seed=0).eval()
    found = model(x)
    torch.testing.assert_close(found, einspec.interpret(arch, model, x))
    assert tuple(found.shape[1:]) == arch.output.sizes
    return found


GRID = torch.arange(24.0).view(1, 2, 3, 4)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("softmax(x, axis=2)", GRID.softmax(2)),
        ("softmax(x, 1)", GRID.softmax(1)),
        ("softmax(x, 3)", GRID.softmax(3)),
        ("softmax(x)", GRID.softmax(3)),
        ("softmax(x, -1)", GRID.softmax(3)),
        ("shift(x, 3, 1)", torch.nn.functional.pad(GRID, (1, 0))[..., :4]),
        ("shift(x, 2, -2)", torch.nn.functional.pad(GRID, (0, 0, 0, 2))[:, :, 2:]),
        ("shift(x, 1, 2)", GRID * 0),
        ("shift(x, 1, 0)", GRID),
        ("crop(x)", GRID[:, :, 1:, 1:]),
        ("crop(x, 0, 1, right=2)", GRID[..., 1:2]),
        ("mean(x, scale_by(x, 3.0))", 2 * GRID),
        ("scale_by(x, 0.5)", GRID / 2),
        ("global_max_pool(x)", GRID.amax((2, 3), keepdim=True)),
    ],
)
def test_what_they_compute(expression, expected):
    torch.testing.assert_close(computed(expression, GRID, "2,3,4"), expected)


def test_volumes_and_sequences():
    volume = torch.randn(2, 2, 3, 4, 5)
    assert computed("global_avg_pool(x)", volume, "2,3,4,5").shape == (2, 2, 1, 1, 1)
    torch.testing.assert_close(computed("global_avg_pool(x)", GRID[0], "3,4 sequence"), GRID[0].mean(2, keepdim=True))
    assert computed("depthwise(x, 3, padding=1)", volume, "2,3,4,5").shape == volume.shape
    assert computed("depthwise(x, 3)", volume[:, 0, 0], "4,5 sequence").shape == (2, 4, 3)


GRAMMAR = """
start: "l(" W "," B ")" -> linear | "n(" B ")" -> layer_norm | "s(" A ")" -> softmax | "s" -> softmax
W: "3"
B: "true" | "false"
A: "1" | "2"
"""


def test_productions_give_what_calls_give():
    space = einspec.loads(GRAMMAR, input=(4, 5))
    found = {str(arch): [node.op.name for node in arch.graph.nodes] for arch in space.enumerate()}
    assert found == {
        "l(3,true)": ["linear"],
        "l(3,false)": ["linear_without_bias"],
        "n(true)": ["layer_norm"],
        "n(false)": ["layer_norm_without_weights"],
        "s(1)": ["softmax_along"],
        "s(2)": ["softmax_along"],
        "s": ["softmax"],
    }
    for arch in space.enumerate():
        assert space.from_json(arch.to_json()) == arch
        assert space.from_choices(arch.choices) == arch


def test_repetitions_and_guards_see_what_is_given():
    text = 'start: "l(" W ["," B] ")" -> linear  //% if bias or width == 4\nW: "3" | "4"\nB: "true" | "false"'
    with pytest.raises(GrammarError):
        einspec.loads(text, input=(4, 5))
    text = 'start: "l(" W "," B ")" -> linear  //% if B or W == 4\nW: "3" | "4"\nB: "true" | "false"'
    assert {str(arch) for arch in einspec.loads(text, input=(4, 5)).enumerate()} == {
        *("l(3,true)", "l(4,true)", "l(4,false)"),
    }


def test_one_that_a_rule_feeds():
    text = 'start: "l(" w "," B ")" -> linear\nw: "w" W -> value\nW: "3"\nB: "true" | "false"\n'
    text += "//% def value(x, n: int):\n//%     return n\n"
    found = {str(arch): arch.params for arch in einspec.loads(text, input=(5,)).enumerate()}
    assert found == {"l(w3,true)": 18, "l(w3,false)": 15}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("linear(x, 3, 1)", "linear takes bias: bool, and 1 is none"),
        ("linear(x, 3, True, True)", "linear takes 1 input and 2 arguments, and is given 4 values"),
        ("linear(x, 3, bais=True)", "linear has no argument bais; did you mean 'bias'?"),
        ("parameter(x, 3, init=3)", "parameter takes init: str, and 3 is none"),
        ("parameter(x, x)", "parameter takes sizes, whole numbers, and is given"),
        ("parameter(x)", "parameter is called without kind"),
        ("attention(x, x)", "attention takes 3 inputs, and is given 2"),
        ("attention(x, x, x, 3)", "biased_attention is given 3 as an input"),
    ],
)
def test_what_is_no_call(expression, message):
    text = f'//% input 5,8\n//% def whole(x):\n//%     return {expression}\nstart: "w" -> whole'
    with pytest.raises(GrammarError) as error:
        next(iter(einspec.loads(text).enumerate()))
    assert message in str(error.value)


def test_a_parameter_of_any_type():
    x = Type((3,))
    assert OPS["parameter"](x, 2, 3, 4, layout="tensor") == Type((2, 3, 4), "float", "tensor")
    assert OPS["parameter"](x, "(4, 9) sequence", "zeros") == Type((4, 9), layout="sequence")
    with pytest.raises(ShapeError, match="weights are floats"):
        OPS["parameter"](x, "4 int")
    for init, value in (("zeros", 0.0), ("ones", 1.0)):
        assert (computed(f"parameter(x, 2, 3, init='{init}')", torch.zeros(2, 3), "3") == value).all()


RECURRENT = """
//% input 6,3
//% def rnn(x, cell):
//%     return stack(*scan(cell, unbind(x, 1), zeros(x, "4")), axis=1)
//% @combinator(inputs=2)
//% def cell(x, h):
//%     return tanh(add(linear(x, 4), linear(h, 4, bias=False)))
//% def pair(x, cell):
//%     return stack(*scan(cell, unbind(x, 1), zeros(x, "3"), zeros(x, "3")), axis=1)
//% @combinator(inputs=3)
//% def two(x, h, c):
//%     c = add(c, x)
//%     return mul(sigmoid(linear(h, 3)), c), c
start: cell -> rnn | two -> pair
cell: "rnn" -> cell
two: "two" -> two
"""


@pytest.mark.parametrize("text", ["rnn", "two"])
def test_a_scan_has_one_cell(text):
    arch = einspec.loads(RECURRENT).parse(text)
    model = einspec.compile(arch, seed=0).eval()
    x = torch.randn(2, 6, 3)
    found = model(x)
    torch.testing.assert_close(found, einspec.interpret(arch, model, x))
    assert arch.params == {"rnn": 3 * 4 + 4 + 4 * 4, "two": 3 * 3 + 3}[text]
    assert einspec.loads(RECURRENT, input=(9, 3)).parse(text).params == arch.params
    if text == "rnn":
        cell = torch.nn.RNN(3, 4, batch_first=True)
        weights = dict(sorted(model.named_parameters()))
        by_shape = {tuple(value.shape): value for value in weights.values()}
        with torch.no_grad():
            cell.weight_ih_l0.copy_(by_shape[4, 3])
            cell.weight_hh_l0.copy_(by_shape[4, 4])
            cell.bias_ih_l0.copy_(by_shape[(4,)])
            cell.bias_hh_l0.zero_()
        torch.testing.assert_close(found, cell(x)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("scan(cell, x)", "scan takes 3 or more arguments"),
        ("scan(x, unbind(x, 1), x)", "a child"),
        ("scan(cell, x, x)", "several values"),
        ("scan(cell, unbind(x, 1), zeros(x, '4'), zeros(x, '4'))", "takes 2 inputs, not 3"),
    ],
)
def test_what_is_no_scan(call, message):
    text = RECURRENT.replace('stack(*scan(cell, unbind(x, 1), zeros(x, "4")), axis=1)', f"stack(*{call}, axis=1)")
    with pytest.raises(einspec.EinspecError) as error:
        einspec.loads(text).parse("rnn")
    assert message in str(error.value)


@pytest.mark.parametrize("sizes", [(4, 4, 2, 1), (6, 4, 2, 0), (6, 9, 3, 2), (3, 3, 3, 1)])
def test_a_window_mask_by_hand(sizes):
    """Two places of a window see each other where rolling back keeps their distance."""
    height, width, window, n = sizes
    mask = OPS["window_mask"].realise((Type((3,)),), sizes, {})(torch.zeros(2, 3))[0, :, 0]
    places = [(row, column) for row in range(height) for column in range(width)]
    windows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in places:
        windows.setdefault((row // window, column // window), []).append((row, column))
    for found, members in zip(mask, [windows[key] for key in sorted(windows)], strict=True):
        for i, (row, column) in enumerate(members):
            for j, (other, across) in enumerate(members):
                before = ((row + n) % height, (column + n) % width)
                there = ((other + n) % height, (across + n) % width)
                are_near = (before[0] - there[0], before[1] - there[1]) == (row - other, column - across)
                assert (found[i, j] == 0) == are_near


@pytest.mark.parametrize(("heads", "height", "width"), [(2, 3, 4), (1, 5, 1)])
def test_relative_positions_by_hand(heads, height, width):
    module = OPS["relative_positions"].realise((Type((3,)),), (heads, height, width), {})
    found = module(torch.zeros(2, 3))[0]
    table = module.weight.detach().view(2 * height - 1, 2 * width - 1, heads)
    for i in range(height * width):
        for j in range(height * width):
            down, right = i // width - j // width, i % width - j % width
            assert torch.equal(found[:, i, j], table[down + height - 1, right + width - 1])


def loaded(body: str, head: str = "x", kind: str = "4,6,6", alias: str = "whole") -> einspec.Space:
    lines = "".join(f"//%     {line}\n" for line in body.split("\n"))
    return einspec.loads(f'//% input {kind}\n//% def whole({head}):\n{lines}start: "w" -> {alias}')


SLIPS = {
    "global_avg_pool((x, 3))": "global_avg_pool is given a tuple of 2 as an input",
    "depthwise(3, 3)": "depthwise is given 3 as an input",
    "relu(x) + x": "for tensors:   add(x, y)",
    "x * 2": "for tensors:   mul(x, y), or scale_by(x, 0.5)",
    "torch.relu(x)": "write   relu(...)",
    "x.softmax()": "write   softmax(...)",
    "linear(x, -'a')": "- takes numbers, and this is a text",
    "rearrange(x, '((a b) c) h w -> a b c h w')": "its brackets do not close, or stand within others",
    "select(x, 0, 0)": "there is no axis 0: they are counted from 1",
    "linear(x, 3) && x": "write   and",
}


@pytest.mark.parametrize("expression", SLIPS)
def test_slips(expression):
    with pytest.raises(einspec.EinspecError) as error:
        loaded(f"return {expression}").parse("w")
    assert SLIPS[expression] in str(error.value)


def test_what_has_no_name_is_said_before_what_is_dropped():
    with pytest.raises(GrammarError, match="there is no op print"):
        loaded("print(x)\nreturn x")


@pytest.mark.parametrize("body", ["a, b = 1\nreturn x", "a, b = relu(x)\nreturn a", "a, b, c, d = x.shape\nreturn x"])
def test_what_is_taken_apart(body):
    with pytest.raises(einspec.EinspecError) as error:
        loaded(body).parse("w")
    assert re.search(r"(one value|3 values) stands? where (several|4) are taken apart", str(error.value))


def test_optional_arguments_as_python_annotates_them():
    grammar = 'start: "f" ["p" P] -> f\nP: "1" | "2"\n//% def f(x, p: int | None, *, q: float | None = None):\n'
    grammar += "//%     return x if p is None else linear(x, p)\n"
    assert sorted(len(arch.graph.nodes) for arch in einspec.loads(grammar, input=(8,)).enumerate()) == [0, 1, 1]


def test_a_scan_keeps_its_state():
    text = RECURRENT.replace("linear(x, 4), linear(h, 4, bias=False)", "linear(x, 5), linear(h, 5, bias=False)")
    with pytest.raises(ShapeError, match=r"the state of a scan stays as it is, and its cell makes \(5,\) of \(4,\)"):
        einspec.loads(text).parse("rnn")


def test_a_def_that_nothing_uses():
    text = 'start: net\nnet: a\na: "f" -> gelu\n//% def net(x, body):\n//%     return relu(body(x))\n'
    (problem,) = einspec.loads(text, input=(3,)).grammar.problems
    assert str(problem).startswith("<text>:4:9: warning[W514]: no alternative names net, and no def calls it")
    assert "write   -> net   behind it" in str(problem)
    text += "//% def helper(x):\n//%     return net(x, x)\n"
    assert ["helper" in str(problem) for problem in einspec.loads(text, input=(3,)).grammar.problems] == [True]
