"""Each rule of fusing by itself: what it makes of an architecture, and what it must leave alone."""

from __future__ import annotations

import pytest
import torch

import einspec
from einspec.compiler.fusion import fuse, rules_for
from einspec.compiler.graph.printing import format_graph
from einspec.compiler.graph.sharing import shared
from einspec.compiler.graph.verify import verify
from einspec.compiler.simplify.rewriting import Fired
from einspec.testing import check_modules
from tests.compiler.agreement import OWN, PICTURES
from tests.compiler.corpus import thrice_each
from tests.compiler.ops import parse

FIRES = [
    (
        "convolution",
        "einspace",
        (4, 8, 8),
        "route(im2col(3,2,1), linear(16), identity)",
        """
graph (4, 8, 8) -> %1
  %0 = patch_conv(16, 3, 2, 1) %in : (16, 4, 4) [2:linear_2]
  %1 = rows %0 : ((4, 4), 16)""",
    ),
    (
        "image of rows",
        "einspace",
        (4, 8, 8),
        "route(im2col(3,1,1), linear(16), col2im)",
        """
graph (4, 8, 8) -> %0
  %0 = patch_conv(16, 3, 1, 1) %in : (16, 8, 8) [2:linear_2]""",
    ),
    (
        "lift rows",
        "einspace",
        (4, 8, 8),
        "route(im2col(1,1,0), branch(clone(2), seq(linear(16), relu), linear(16), add), col2im)",
        """
graph (4, 8, 8) -> %3
  %0 = patch_conv(16, 1, 1, 0) %in : (16, 8, 8) [5:linear_5]
  %1 = leaky_relu_in_place(0.01) %0 : (16, 8, 8)
  %2 = patch_conv(16, 1, 1, 0) %in : (16, 8, 8) [7:linear_7]
  %3 = add %1 %2 : (16, 8, 8)""",
    ),
    (
        "attention",
        "einspace",
        (6, 16),
        "branch(clone(2), seq(branch(clone(2), linear(16), route(identity, linear(16), permute(21)), scaled_dot), softmax), linear(32), dot)",
        """
graph (6, 16) -> %3
  %0 = linear(16) %in : (6, 16) [5:linear_5]
  %1 = linear(16) %in : (6, 16) [8:linear_8]
  %2 = linear(32) %in : (6, 32) [12:linear_12]
  %3 = attention(True) %0 %1 %2 : (6, 32)""",
    ),
    (
        "attention",
        "einspace",
        (16, 16),
        "branch(clone(2), seq(branch(clone(2), identity, linear(16), dot), softmax), linear(32), dot)",
        """
graph (16, 16) -> %3
  %0 = linear(16) %in : (16, 16) [6:linear_6]
  %1 = linear(32) %in : (16, 32) [9:linear_9]
  %2 = permute('21') %0 : (16, 16)
  %3 = attention(False) %in %2 %1 : (16, 32)""",
    ),
    (
        "stack copies",
        "einspace",
        (8, 16),
        "replicate(group(4,1), seq(norm, linear(32)), cat(1))",
        """
graph (8, 16) -> %3
  %0 = split_stack(0, 4, 0) %in : (4, 2, 16) tensor
  %1 = layer_norm_stack %0 : (4, 2, 16) tensor [3:norm_3_layer_norm/each:2:4]
  %2 = linear_stack(32) %1 : (4, 2, 32) tensor [4:linear_4/each:2:4]
  %3 = join_stack(0, 0, '(8, 32)') %2 : (8, 32)""",
    ),
    (
        "wide linear",
        "einspace",
        (8, 16),
        "replicate(clone(4), seq(linear(32), norm), add)",
        """
graph (8, 16) -> %3
  %0 = linear_wide(128) %in : (8, 128) [3:linear_3/each:2:4]
  %1 = split_stack(1, 4, 0) %0 : (4, 8, 32) tensor
  %2 = layer_norm_stack %1 : (4, 8, 32) tensor [4:norm_4_layer_norm/each:2:4]
  %3 = sum_stack(0, '(8, 32)') %2 : (8, 32)""",
    ),
    (
        "sum of linears",
        "einspace",
        (8, 16),
        "replicate(clone(4), seq(linear(32), seq(relu, linear(16))), add)",
        """
graph (8, 16) -> %1
  %0 = linear_wide_relu(128, 0.01) %in : (8, 128) [3:linear_3/each:2:4]
  %1 = linear_sum(4, '(8, 16)') %0 : (8, 16) [6:linear_6/each:2:4]""",
    ),
    (
        "split rows",
        "einspace",
        (4, 8, 8),
        "replicate(clone(4), seq(route(im2col(3,1,1), linear(16), col2im), seq(norm, relu)), cat(1))",
        """
graph (4, 8, 8) -> %4
  %0 = patch_conv_wide(64, 3, 1, 1) %in : (64, 8, 8) [5:linear_5/each:2:4]
  %1 = split_stack(0, 4, 0) %0 : (4, 16, 8, 8)
  %2 = batch_norm_stack %1 : (4, 16, 8, 8) [8:norm_8_batch_norm/each:2:4]
  %3 = leaky_relu(0.01) %2 : (4, 16, 8, 8)
  %4 = join_stack(0, 0, '(64, 8, 8)') %3 : (64, 8, 8)""",
    ),
    (
        "wide conv2d",
        "pictures",
        (4, 8, 8),
        "r(clone(2), s(conv(4,3), norm), add)",
        """
graph (4, 8, 8) -> %3
  %0 = conv2d_wide(8, 3, 1, 1, 1) %in : (8, 8, 8) [3:conv_3_conv2d/each:2:2]
  %1 = split_stack(0, 2, 0) %0 : (2, 4, 8, 8)
  %2 = batch_norm_stack %1 : (2, 4, 8, 8) [4:norm_4_batch_norm/each:2:2]
  %3 = sum_stack(0, '(4, 8, 8)') %2 : (4, 8, 8)""",
    ),
    (
        "stack of one",
        "einspace",
        (4, 8, 8),
        "replicate(group(4,1), route(im2col(3,1,1), linear(16), col2im), cat(1))",
        """
graph (4, 8, 8) -> %2
  %0 = split_stack(0, 4, 0) %in : (4, 1, 8, 8)
  %1 = patch_conv_stack(16, 3, 1, 1) %0 : (4, 16, 8, 8) [4:linear_4/each:2:4]
  %2 = join_stack(0, 0, '(64, 8, 8)') %1 : (64, 8, 8)""",
    ),
    (
        "join of parts",
        "einspace",
        (8, 16),
        "replicate(group(4,1), replicate(group(4,2), seq(norm, linear(16)), add), cat(1))",
        """
graph (8, 16) -> %7
  %0 = split_stack(0, 4, 0) %in : (4, 2, 16) tensor
  %1 = split_stack(2, 4, 1) %0 : (4, 4, 2, 4)
  %2 = join_copies(0) %1 : (16, 2, 4) tensor
  %3 = layer_norm_stack %2 : (16, 2, 4) tensor [5:norm_5_layer_norm/each:2:4/each:4:4]
  %4 = linear_stack(16) %3 : (16, 2, 16) tensor [6:linear_6/each:2:4/each:4:4]
  %5 = part_copies(4, 0) %4 : (4, 4, 2, 16)
  %6 = sum_stack(1, '(4, 2, 16) tensor') %5 : (4, 2, 16) tensor
  %7 = join_stack(0, 0, '(8, 16)') %6 : (8, 16)""",
    ),
    (
        "attention",
        "einspace",
        (6, 64),
        "replicate(clone(4), branch(clone(2), seq(branch(clone(2), linear(16), route(identity, linear(16), permute(21)), scaled_dot), softmax), linear(16), dot), cat(2))",
        """
graph (6, 64) -> %7
  %0 = linear_wide(64) %in : (6, 64) [7:linear_7/each:2:4]
  %1 = split_stack(1, 4, 0) %0 : (4, 6, 16) tensor
  %2 = linear_wide(64) %in : (6, 64) [10:linear_10/each:2:4]
  %3 = split_stack(1, 4, 0) %2 : (4, 6, 16) tensor
  %4 = linear_wide(64) %in : (6, 64) [14:linear_14/each:2:4]
  %5 = split_stack(1, 4, 0) %4 : (4, 6, 16) tensor
  %6 = attention(True) %1 %3 %5 : (4, 6, 16) tensor
  %7 = join_stack(0, 1, '(6, 64)') %6 : (6, 64)""",
    ),
    (
        "join of a split",
        "einspace",
        (8, 16),
        "replicate(clone(4), branch(clone(2), linear(16), linear(16), add), cat(2))",
        """
graph (8, 16) -> %2
  %0 = linear_wide(64) %in : (8, 64) [4:linear_4/each:2:4]
  %1 = linear_wide(64) %in : (8, 64) [5:linear_5/each:2:4]
  %2 = add %0 %1 : (8, 64)""",
    ),
    (
        "lift split",
        "einspace",
        (8, 16),
        "replicate(clone(4), seq(linear(32), seq(relu, norm)), add)",
        """
graph (8, 16) -> %3
  %0 = linear_wide_relu(128, 0.01) %in : (8, 128) [3:linear_3/each:2:4]
  %1 = split_stack(1, 4, 0) %0 : (4, 8, 32) tensor
  %2 = layer_norm_stack %1 : (4, 8, 32) tensor [6:norm_6_layer_norm/each:2:4]
  %3 = sum_stack(0, '(8, 32)') %2 : (8, 32)""",
    ),
    (
        "sum of a stack",
        "einspace",
        (8, 16),
        "branch(clone(2), replicate(clone(4), pos, add), identity, add)",
        """
graph (8, 16) -> %3
  %0 = spread(4, 0) %in : (4, 8, 16) tensor
  %1 = pos_stack %0 : (4, 8, 16) tensor [4:pos_4/each:4:4]
  %2 = sum_stack(0, '(8, 16)') %1 : (8, 16)
  %3 = add %2 %in : (8, 16)""",
    ),
    (
        "join of a stack",
        "einspace",
        (8, 16),
        "branch(clone(2), replicate(clone(4), pos, cat(2)), identity, cat(2))",
        """
graph (8, 16) -> %3
  %0 = spread(4, 0) %in : (4, 8, 16) tensor
  %1 = pos_stack %0 : (4, 8, 16) tensor [4:pos_4/each:4:4]
  %2 = join_stack(0, 1, '(8, 64)') %1 : (8, 64)
  %3 = cat(2) %2 %in : (8, 80)""",
    ),
]


def architecture(space: str, sizes: tuple[int, ...], text: str) -> einspec.Architecture:
    if space == "pictures":
        return einspec.loads(PICTURES, input=sizes, ops=OWN).parse(text)
    return einspec.load(space, input=sizes).parse(text)


@pytest.mark.parametrize(("rule", "space", "sizes", "text", "expected"), FIRES, ids=[case[0] for case in FIRES])
def test_fires(rule, space, sizes, text, expected):
    arch = architecture(space, sizes, text)
    trace: list[Fired] = []
    fused = fuse(shared(arch.graph), trace=trace)
    assert f"\n{format_graph(fused)}" == expected
    assert rule in {fired.rule for fired in trace}
    verify(fused)
    check_modules(arch)


ELSEWHERE = {"attention by a number"}
"""Of ops that einspace has not: tests/compiler/simplify/test_rearrangements.py has them."""


def test_every_rule_is_tested():
    assert {rule.name for rule in rules_for(parse("linear(16)").graph)} == {case[0] for case in FIRES} | ELSEWHERE


def ops(arch: einspec.Architecture) -> list[str]:
    return [node.text() for part, _ in fuse(shared(arch.graph)).graphs() for node in part.nodes]


LEFT = [
    ("copies(dropout(0.5))", ["3 copies", "add", "dropout(0.5)"], "chance"),
    ("copies(scale)", ["3 copies", "add", "scale"], "no stack is made for its weights"),
    ("copies(seq(linear(16), scale))", ["3 copies", "add", "linear(16)", "scale"], "one op is enough"),
    ("tied_copies(linear(16))", ["3 copies", "add", "linear(16)"], "one set of weights"),
    ("copies(tied_twice(linear(16)))", ["3 copies", "add", "linear(16)", "linear(16)"], "weights that are used twice"),
    ("copies(copies(scale))", ["3 copies", "add", "3 copies", "add", "scale"], "in copies of copies"),
]


@pytest.mark.parametrize(("text", "expected", "why"), LEFT, ids=[case[2] for case in LEFT])
def test_copies_that_are_left(text, expected, why):
    arch = parse(text)
    assert ops(arch) == expected
    check_modules(arch)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("seq(linear(16), relu)", 1),
        ("seq(norm, relu)", 1),
        ("branch(clone(2), linear(16), pos, add)", 0),
        ("seq(branch(clone(2), linear(16), pos, add), relu)", 1),
        ("relu", 0),  # the input is the caller's
        ("seq(softmax, relu)", 0),  # the softmax needs its output when gradients flow back
        ("seq(permute(21), relu)", 0),  # a view of the input
        ("seq(linear(16), branch(clone(2), relu, identity, add))", 0),  # another reads it
        ("seq(linear(16), seq(relu, relu))", 1),  # the first one needs its output
        ("seq(linear(16), seq(permute(21), relu))", 0),  # a view of what the linear layer made
    ],
)
def test_activations_in_place(text, count):
    arch = parse(text)
    assert sum(op in ("leaky_relu_in_place(0.01)", "linear_relu(16,0.01)") for op in ops(arch)) == count
    check_modules(arch)


def test_inputs_are_left_alone():
    arch = parse("seq(relu, branch(clone(2), linear(16), identity, add))")
    x = torch.randn(2, 4, 16)
    before = x.clone()
    einspec.compile(arch)(x)
    assert torch.equal(x, before)


def test_fusing_twice_is_fusing_once():
    for _, space, sizes, text, _ in FIRES:
        graph = fuse(shared(architecture(space, sizes, text).graph))
        assert format_graph(fuse(graph)) == format_graph(graph)


def test_copies_of_copies_are_one_product():
    """8^4 linear layers on one input."""
    text = "linear(16)"
    for _ in range(4):
        text = f"replicate(clone(8), {text}, add)"
    arch = einspec.load("einspace", input=(4, 16)).parse(text)
    assert ops(arch)[0] == f"linear_wide({16 * 8**4})"
    (weight, bias) = einspec.compile(arch).parameters()
    assert (tuple(weight.shape), tuple(bias.shape)) == ((8**4, 16, 16), (8**4, 16))


NESTED = """
start: m
m: "e(" m ")" -> thrice_each | "turned" -> turned
//% def turned(x):
//%     return linear(rearrange(linear(x, 6), "(a b) c -> b (c a)", a=2), 6)
"""


def test_stacks_of_stacks_name_their_axes_apart():
    """Found by a test of modules in the README: a rearrangement in copies of copies had two axes of one name."""
    space = einspec.loads(NESTED, input=(4, 6), ops=[thrice_each])
    fired = check_modules(space.parse("e(e(turned))"))
    assert fired["stack copies"] == 2
