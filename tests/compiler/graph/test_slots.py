"""Slots: each call of a child has weights of its own, tied calls share, replicas have weights of their own."""

from __future__ import annotations

import pytest
import torch

import einspec
from tests.compiler.helpers import assert_compiles
from tests.compiler.ops import parse

ONE = 16 * 17
"""Parameters of linear(16) over 16 numbers."""


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("twice(linear(16))", 2),
        ("twice(twice(linear(16)))", 4),
        ("tied_twice(linear(16))", 1),
        ("tied_apart(linear(16))", 1),
        ("tied_twice(twice(linear(16)))", 2),
        ("twice(tied_twice(linear(16)))", 2),
        ("tied_twice(tied_twice(linear(16)))", 1),
        ("tie_and_not(linear(16))", 2),
        ("copies(linear(16))", 3),
        ("copies(copies(linear(16)))", 9),
        ("copies(twice(linear(16)))", 6),
        ("copies(tied_twice(linear(16)))", 3),
        ("twice(copies(linear(16)))", 6),
        ("tied_twice(copies(linear(16)))", 3),
        ("tied_copies(linear(16))", 1),
        ("tied_copies(copies(linear(16)))", 3),
        ("copies(tied_copies(linear(16)))", 3),
        ("tied_copies(tied_copies(linear(16)))", 1),
        ("tied_copies_twice(linear(16))", 1),
        ("tied_copies_twice(copies(linear(16)))", 3),
        ("tied_copies_twice(tied_twice(seq(linear(16), linear(16))))", 2),
        ("tied_at_two_sizes(linear(16))", 1),
        ("tied_at_two_sizes(copies(branch(group(2,1), linear(16), identity, cat(1))))", 3),
        ("copies_at_two_sizes(linear(16))", 2),
        ("tied_at_two_sizes(copies_at_two_sizes(linear(16)))", 2),
        ("bind(linear(16), use)", 1),
        ("bind(linear(16), seq(use, use))", 2),
        ("bind(linear(16), twice(use))", 2),
        ("bind(linear(16), tied_twice(use))", 1),
        ("bind(linear(16), copies(use))", 3),
        ("bind(linear(16), copies(seq(use, use)))", 6),
        ("bind(linear(16), tied_copies(use))", 1),
        ("bind(twice(linear(16)), seq(use, use))", 4),
        ("bind(copies(linear(16)), copies(use))", 9),
        ("bind_tied(linear(16), seq(use, use))", 1),
        ("bind_tied(linear(16), copies(use))", 1),
        ("bind_tied(copies(linear(16)), copies(use))", 3),
        ("bind_tied(linear(16), copies(seq(use, copies(use))))", 1),
        ("bind(linear(16), bind(seq(linear(16), use), seq(use, use)))", 4),
        ("bind(linear(16), seq(use, bind(relu, seq(use, use))))", 1),
        ("copies(bind(linear(16), use))", 3),
        ("copies(bind_tied(linear(16), seq(use, use)))", 3),
    ],
)
def test_sets_of_weights(text, sets):
    arch = parse(text)
    assert arch.params == sets * ONE
    assert_compiles(arch)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("tied_twice(linear(16))", "twice(linear(16))"),
        ("tied_twice(copies(linear(16)))", "twice(copies(linear(16)))"),
        ("tied_twice(copies(linear(16)))", "tied_twice(tied_copies(linear(16)))"),
        ("copies(linear(16))", "tied_copies(linear(16))"),
        ("copies(tied_twice(linear(16)))", "copies(twice(linear(16)))"),
        ("copies(copies(linear(16)))", "tied_copies(copies(linear(16)))"),
        ("copies(copies(linear(16)))", "copies(tied_copies(linear(16)))"),
        ("tied_copies(seq(copies(linear(16)), relu))", "copies(seq(tied_copies(linear(16)), relu))"),
        ("tied_copies(copies(linear(16)))", "tied_copies_twice(copies(linear(16)))"),
        ("bind(linear(16), seq(use, use))", "bind_tied(linear(16), seq(use, use))"),
        ("bind(linear(16), copies(use))", "bind_tied(linear(16), copies(use))"),
        ("bind(copies(linear(16)), seq(use, use))", "bind_tied(copies(linear(16)), seq(use, use))"),
        ("tie_and_not(linear(16))", "branch(clone(2), linear(16), linear(16), add)"),
    ],
)
def test_the_key_tells_shared_weights_apart(text, other):
    assert parse(text).key != parse(other).key


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("twice(linear(16))", "seq(linear(16), linear(16))"),
        ("twice(relu)", "tied_twice(relu)"),
        ("tied_twice(linear(16))", "tied_apart(linear(16))"),
        ("tied_twice(linear(16))", "bind_tied(linear(16), seq(use, use))"),
        ("bind(linear(16), copies(use))", "copies(linear(16))"),
        ("bind_tied(linear(16), copies(use))", "tied_copies(linear(16))"),
        ("bind(linear(16), seq(use, use))", "twice(linear(16))"),
        ("twice(copies(linear(16)))", "seq(copies(linear(16)), copies(linear(16)))"),
        ("copies(linear(16))", "replicate(clone(3), linear(16), add)"),
        # Both sum f, g and h of x, each three times.
        ("tied_copies(copies(linear(16)))", "copies(tied_copies(linear(16)))"),
    ],
)
def test_the_key_sees_only_what_is_shared(text, other):
    assert parse(text).key == parse(other).key


@pytest.mark.parametrize(
    ("text", "op"),
    [
        ("tied_at_two_sizes(pos)", "pos"),
        ("tied_at_two_sizes(seq(permute(21), seq(linear(16), permute(21))))", "linear(16)"),
        ("tied_at_two_sizes(copies(pos))", "pos"),
        ("tied_at_two_sizes(scale)", "scale"),  # declares a number only: shared at one type alone
    ],
)
def test_tied_calls_that_need_different_weights(text, op):
    with pytest.raises(einspec.ShapeError) as caught:
        parse(text)
    assert f"{op} is tied, and its calls need different weights: " in str(caught.value)


def test_tied_calls_at_two_types_that_agree():
    """shaped_scale needs the last axis only, so that it is shared between 4 and 2 rows."""
    arch = parse("tied_at_two_sizes(shaped_scale)")
    assert arch.params == 17
    assert_compiles(arch)


def names(text: str, input=(4, 16)) -> list[str]:
    return list(einspec.compile(parse(text, input)).state_dict())


def test_names_say_where_weights_come_from():
    assert names("seq(linear(16), seq(relu, linear(32)))") == [
        "linear_1.weight", "linear_1.bias", "linear_4.weight", "linear_4.bias",
    ]  # fmt: skip
    assert names("twice(pos)") == ["pos_1.position", "pos_1_call1_1.position"]
    assert names("tied_twice(pos)") == ["pos_1_tied1_0.position"]
    assert names("copies(pos)") == ["copies_1.pos_1.position"]
    assert names("bind(pos, seq(use, use))") == ["pos_1_use3_0.position", "pos_1_use4_0.position"]
    assert names("norm") == ["norm_0_layer_norm.weight", "norm_0_layer_norm.bias"]


@pytest.mark.parametrize(
    "text", ["twice(twice(copies(twice(pos))))", "bind(pos, copies(twice(use)))", "copies(copies(twice(linear(16))))"]
)
def test_names_are_unique(text):
    arch = parse(text)
    model = einspec.compile(arch)
    assert len({id(parameter) for parameter in model.state_dict().values()}) == len(model.state_dict())
    assert sum(value.numel() for value in model.state_dict().values()) == arch.params


def test_copies_differ_and_tied_copies_do_not():
    state = einspec.compile(parse("copies(linear(16))")).state_dict()
    first, second, third = state["copies_1.linear_1.weight"]
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    (weight,) = (value for name, value in tied("linear(16)").items() if name.endswith("weight"))
    assert weight.shape == (16, 16)


def tied(body: str) -> dict[str, torch.Tensor]:
    return einspec.compile(parse(f"tied_copies({body})")).state_dict()


def test_training_tied_weights_keeps_them_tied():
    arch = parse("tied_copies_twice(linear(16))")
    model = einspec.compile(arch)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.randn(2, 4, 16)).square().mean().backward()
    optimizer.step()
    assert len({tuple(value.flatten().tolist()) for name, value in model.state_dict().items() if "weight" in name}) == 1
    assert sum(parameter.numel() for parameter in model.parameters()) == ONE
