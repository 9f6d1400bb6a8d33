"""Ops and wirings that nobody thinks of first: each was wrong once. What is built equals the interpreter, the key
does not depend on spelling, and equal keys cost the same.
"""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

import einspec
from einspec import CompileError, Type
from einspec.compiler.graph.verify import verify
from einspec.ops import combinator, each, primitive
from einspec.ops.library.merge import add, cat, dot
from einspec.ops.library.tensor import linear, narrow, permute, pos, softmax, zeros, zeros_like
from tests.compiler.helpers import assert_compiles


def arch_of(wiring, *ops, input=(4, 8)) -> einspec.Architecture:
    """The architecture that one combinator without children is."""
    op = combinator(wiring)
    space = einspec.loads(f'net: "x" -> {op.name}', input=input, ops=[op, *ops])
    return space.parse("x")


def acting(factor: float):
    @primitive(torch=lambda x: lambda t: t * factor, pointwise=True)
    def act(x: Type) -> Type:
        return x

    return act


def test_two_primitives_of_one_name_are_refused():
    first, second = acting(2.0), acting(5.0)

    def both(x):
        return add(first(x), second(x))

    with pytest.raises(CompileError) as error:
        _ = arch_of(both).graph
    assert str(error.value) == (
        "two primitives are called act, of tests.compiler.test_odd_ops and of tests.compiler.test_odd_ops: nodes are "
        "told apart by the names of their ops; give one of them another, with name=..."
    )


@primitive(torch=lambda *xs: lambda *ts: sum(ts), commutative=True, associative=True, identity="zeros")
def broadcast_add(*xs: Type) -> Type:
    """Sums with the shape of the largest."""
    return max(xs, key=lambda x: x.elements)


def test_zeros_that_broadcast_stay():
    def wide(x):
        return broadcast_add(narrow(x, 2, 0, 1), zeros_like(x))

    assert_compiles(arch_of(wide))


@primitive(torch=lambda x, order: lambda t: t.permute(0, *map(int, order)), permutes=True)
def as_sequence(x: Type, order: str) -> Type:
    """Permutes, and says that the result is a sequence."""
    return Type([x.axes[int(digit) - 1] for digit in order], x.dtype, "sequence")


@primitive(torch=lambda x: torch.nn.Softmax(dim=x.channel_axis + 1))
def channel_softmax(x: Type) -> Type:
    """Softmax over the channels, wherever the layout has them."""
    return x


def test_a_change_of_layout_is_no_identity():
    def first(x):
        return channel_softmax(as_sequence(x, "12"))

    def second(x):
        return channel_softmax(x)

    a, b = arch_of(first), arch_of(second)
    assert a.key != b.key
    assert_compiles(a)

    def mixed(x):
        p, q = as_sequence(x, "12"), as_sequence(softmax(permute(x, "21")), "21")
        return add(p, add(q, channel_softmax(q)))

    assert_compiles(arch_of(mixed))
    assert arch_of(mixed).key


@primitive(torch=lambda x, *, stage: lambda t: t * (100 if stage is True else 1), pointwise=True)
def staged(x: Type, *, stage) -> Type:
    """Tells 1 from True."""
    return x


def test_what_python_takes_for_equal_is_not_merged():
    def stages(x):
        return add(staged(x, stage=1), staged(x, stage=True))

    assert len(arch_of(stages).graph) == 3
    assert_compiles(arch_of(stages))


@primitive(torch=lambda x, y: torch.add, commutative=True, associative=True, pointwise=True, identity="zeros")
def plus2(x: Type, y: Type) -> Type:
    """The sum of two, and of no other number."""
    return x


def test_binary_ops_are_not_flattened():
    def three(x):
        return plus2(plus2(x, softmax(x)), zeros_like(x))

    assert_compiles(arch_of(three))


@primitive(torch=lambda x, order, *, k: lambda t: t.permute(0, *map(int, order)), permutes=True)
def turned(x: Type, order: str, *, k) -> Type:
    """A permutation that reads an attribute."""
    return permute(x, order)


def test_permutations_with_attributes_compose():
    def twice(x):
        return turned(turned(x, "21", k=1), "21", k=1)

    assert_compiles(arch_of(twice))
    assert len(arch_of(twice).graph) == 0


def test_zeros_have_the_precision_of_an_input_of_their_dtype():
    def embed(tokens, vector):
        return add(vector, linear(zeros(tokens, "(4, 8)"), 8))

    op = combinator(inputs=2)(embed)
    space = einspec.loads('net: "x" -> embed', input={"tokens": Type((4,), "int"), "vector": (4, 8)}, ops=[op])
    model = einspec.compile(space.parse("x")).double()
    out = model(torch.zeros(2, 4, dtype=torch.int64), torch.zeros(2, 4, 8, dtype=torch.float64))
    assert out.dtype == torch.float64


def beside(x):
    return cat(linear(x, 8), pos(x), axis=1)


def free_and_bound(x):
    return softmax(x), linear(x, 8)


@combinator
def half(x):
    """A child for ``each``."""
    return beside(x)


@combinator
def split_weights(x):
    """A child of two outputs, one without weights."""
    return free_and_bound(x)


def pair(kind):
    """Two copies of a child of which a part is read, folded or written as calls."""

    def ranges(x, body):
        a, b = each(body, (x, x)) if kind == "each" else (body(x), body(x))
        return add(narrow(a, 1, 0, 3), narrow(b, 1, 0, 3))

    def products(x, body):
        values = (x, softmax(x))
        found = []
        for _ in range(2):
            (a, _), (b, _) = each(body, values) if kind == "each" else [body(value) for value in values]
            found.append(dot(a, permute(b, "21")))
        return add(*found)

    return ranges, products


@pytest.mark.parametrize("index", [0, 1])
def test_equal_keys_cost_the_same(index):
    child = (half, split_weights)[index]
    archs = []
    for kind in ("each", "calls"):
        op = combinator(name="run")(pair(kind)[index])
        space = einspec.loads(f'net: "x" part -> run\npart: "h" -> {child.name}', input=(4, 8), ops=[op, child])
        archs.append(space.parse("xh"))
    folded, flat = archs
    assert folded.key == flat.key
    assert (folded.params, folded.macs) == (flat.params, flat.macs)
    for arch in archs:
        verify(arch.graph)
        assert_compiles(arch)


def wired(count: int, pairs):
    """Linear layers, relu of the sum of each pair, the sum of all: as symmetric as the pairs are."""

    def run(x):
        values = [linear(x, 8) for _ in range(count)]
        return add(*(softmax(add(values[a], values[b])) for a, b in pairs))

    return arch_of(run)


def test_symmetric_wirings_have_keys():
    """All pairs of 12, and 8 by 8: symmetries found further down must not be looked for again further up."""
    everyone = list(combinations(range(12), 2))
    between = [(a, b) for a in range(8) for b in range(8, 16)]
    for count, pairs in ((12, everyone), (16, between)):
        renamed = [((5 * a + 1) % count, (5 * b + 1) % count) for a, b in reversed(pairs)]
        assert wired(count, pairs).key == wired(count, renamed).key


def test_long_sums_of_long_sums_come_to_an_end():
    space = einspec.load("einspace", input=(512, 2))
    text = "replicate(group(8,1), replicate(group(8,1), replicate(group(8,1), identity, add), add), add)"
    for _ in range(6):
        text = f"seq({text}, replicate(clone(8), identity, add))"
    assert space.parse(text).key


def test_what_a_residual_stream_runs_grows_with_its_length():
    """x + f, x + f + g, ...: each sum goes on from the one before."""
    space = einspec.load("einspace", input=(4, 8))
    text = "norm"
    for _ in range(30):
        text = f"seq({text}, branch(clone(2), seq(norm, softmax), identity, add))"
    model = assert_compiles(space.parse(text))
    assert sum(node.target is torch.add or "add" in str(node.target) for node in model.graph.nodes) <= 30
