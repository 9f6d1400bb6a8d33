"""The library's primitives: torch realisation, parameters and MACs against their type rules, at random types."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from einspec.ops import Primitive, library_ops
from einspec.types import Axis, Type

PRIMITIVES = {op.name: op for op in library_ops().values() if isinstance(op, Primitive)}

ARGUMENTS = {
    "width": st.integers(1, 8),
    "kernel": st.integers(1, 4),
    "stride": st.integers(1, 3),
    "padding": st.integers(0, 3),
    "dilation": st.integers(1, 2),
    "groups": st.integers(1, 4),
    "slope": st.sampled_from([0.0, 0.01]),
    "order": st.sampled_from(["".join(order) for n in (1, 2, 3, 4) for order in itertools.permutations("1234"[:n])]),
    "n": st.integers(1, 4),
    "start": st.integers(0, 3),
    "stop": st.integers(1, 4),
    "axis": st.integers(0, 4),
    "height": st.integers(1, 4),
    "bias": st.booleans(),
    "ceil_mode": st.booleans(),
    "count_include_pad": st.booleans(),
    "factor": st.integers(1, 3),
    "mode": st.sampled_from(["nearest", "bilinear"]),
    "output_padding": st.integers(0, 2),
    "approximate": st.sampled_from(["none", "tanh"]),
    "alpha": st.sampled_from([1.0, 0.5]),
    "init": st.sampled_from([1.0, 0.0]),
    "p": st.sampled_from([0.0, 0.5]),
    "causal": st.booleans(),
    "vocabulary": st.integers(1, 4),
    "index": st.integers(0, 4),
    "shift": st.integers(-3, 3),
    "length": st.integers(0, 9),
    "size": st.integers(0, 3),
    **dict.fromkeys(("top", "left", "bottom", "right"), st.integers(0, 3)),
    "kind": st.sampled_from(["(3, 4)", "((2, 2), 8)", "(5,) int", "(2, 3) sequence"]),
}

AXES = st.integers(1, 8) | st.tuples(st.integers(1, 4), st.integers(1, 4))
SEQUENCES = st.builds(lambda axes: Type(axes, layout="sequence"), st.tuples(st.integers(1, 4), st.integers(1, 8)))
TYPES = st.one_of(
    st.builds(Type, st.lists(AXES, min_size=1, max_size=4)),
    st.builds(Type, st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))),
    st.builds(Type, st.lists(AXES, min_size=1, max_size=3), st.just("int")),
    SEQUENCES,
)


@st.composite
def input_types(draw, count: int | None) -> tuple[Type, ...]:
    """Input types that differ in one or two axes at most: most merges need nearly equal ones."""
    first = draw(TYPES)
    count = draw(st.integers(1, 4)) if count is None else count
    kinds = [first]
    while len(kinds) < count:
        kind = draw(st.sampled_from([first, *kinds]))
        for _ in range(draw(st.integers(0, 2))):
            index = draw(st.integers(0, kind.rank - 1))
            kind = kind.with_axis(index, draw(AXES | st.sampled_from(first.axes)))
        kinds.append(kind)
    return tuple(kinds)


def tensor(kind: Type) -> torch.Tensor:
    return torch.zeros(2, *kind.sizes, dtype=torch.float32 if kind.dtype == "float" else torch.int64, device="meta")


# Patterns and windows fit few types, and what a parameter gives has no batch: tests/ops/test_families.py has those.
ELSEWHERE = {
    *("rearrange", "reduce", "einsum", "parameter", "take", "lstm", "gru", "pad", "relative_positions", "window_mask"),
    "biased_attention",
}


@pytest.mark.parametrize("name", sorted(set(PRIMITIVES) - ELSEWHERE))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_torch_agrees_with_the_declaration(name, data):
    op = PRIMITIVES[name]
    kinds = data.draw(input_types(op.signature.inputs))
    args = tuple(data.draw(ARGUMENTS[argument.name]) for argument in op.own_signature.arguments)
    expected = op.accept(kinds, args, {})
    assume(expected is not None)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        realised = op.realise(kinds, args, {})
        found = realised(*map(tensor, kinds))
    assert isinstance(found, tuple) == isinstance(expected, tuple)
    found, expected = (found, expected) if isinstance(found, tuple) else ((found,), (expected,))
    assert [tuple(value.shape) for value in found] == [(2, *kind.sizes) for kind in expected]
    assert [value.is_floating_point() for value in found] == [kind.dtype == "float" for kind in expected]
    assert counter.get_total_flops() == 2 * 2 * op.macs(kinds, args, {})  # batch of 2, 2 operations a product
    assert parameter_shapes(realised) == dict(op.shapes(kinds, args, {}) or {})
    buffers = list(realised.buffers()) if isinstance(realised, torch.nn.Module) else []
    assert bool(buffers) == op.laws.has_buffers


def parameter_shapes(realised: object) -> dict[str, tuple[int, ...]]:
    if not isinstance(realised, torch.nn.Module):
        return {}
    return {name: tuple(parameter.shape) for name, parameter in realised.named_parameters()}


def test_every_primitive_is_here():
    assert {"linear", "conv2d", "dot", "scaled_dot", "add", "cat", "im2col", "to_image", "permute"} <= set(PRIMITIVES)
    assert all(op.torch is not None for op in PRIMITIVES.values())
    assert {name for name, op in PRIMITIVES.items() if op.laws.owns_parameters} == {
        "batch_norm", "channel_bias", "channel_scale", "class_token", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
        "conv_transpose2d", "conv_transpose3d", "embedding",
        "gru", "group_norm", "layer_norm", "learned_positions", "linear", "linear_without_bias", "lstm", "parameter", "pos", "prelu",
        "relative_positions", "rms_norm",
    }  # fmt: skip


LAWS = ["pointwise", "commutative", "associative"]


@pytest.mark.parametrize(
    ("name", "law"), [(name, law) for name, op in sorted(PRIMITIVES.items()) for law in LAWS if getattr(op.laws, law)]
)
def test_laws_hold(name, law):
    op = PRIMITIVES[name]
    kind = Type((3, 4, 4))
    args = tuple(
        {"slope": 0.01, "axis": 1, "n": 3, "approximate": "none", "alpha": 1.0, "factor": 0.5}[argument.name]
        for argument in op.signature.arguments
    )
    a, b, c = torch.randn(3, 2, *kind.sizes, dtype=torch.float64)

    def compute(*values: torch.Tensor) -> torch.Tensor:
        return op.realise(tuple(Type(value.shape[1:]) for value in values), args, {})(*values)

    if law == "pointwise":
        a = a.abs()  # where activations change
        changed = a.clone()
        changed[0, 1, 2, 3] += 1.0
        differs = compute(a) != compute(changed)
        assert differs.sum() == 1
        assert differs[0, 1, 2, 3]
    elif law == "commutative":
        torch.testing.assert_close(compute(a, b, c), compute(c, a, b))
    else:
        torch.testing.assert_close(compute(compute(a, b), c), compute(a, b, c))
        torch.testing.assert_close(compute(a, compute(b, c)), compute(a, b, c))


def test_random_types_hold_composites():
    """The test above is worth something only if composites reach it."""
    seen = set()

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(TYPES)
    def look(kind):
        seen.update(axis.is_composite for axis in kind.axes)

    look()
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("op", "args", "x", "expected"),
    [
        ("im2col", (2, 2, 0), torch.arange(8.0).view(1, 1, 2, 4), [[0, 1, 4, 5], [2, 3, 6, 7]]),
        ("softmax", (), torch.zeros(1, 2, 4), [[0.25] * 4] * 2),
        ("leaky_relu", (0.01,), torch.tensor([[[-1.0, 2.0]]]), [[-0.01, 2.0]]),
        ("crop", (), torch.arange(9.0).view(1, 1, 3, 3), [[[4, 5], [7, 8]]]),
        ("crop", (0, 0, 1, 2), torch.arange(9.0).view(1, 1, 3, 3), [[[0], [3]]]),
        ("avg_pool2d", (3, 1, 1, False, False), torch.ones(1, 1, 2, 2), [[[1, 1], [1, 1]]]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_they_compute(op, args, x, expected):
    found = PRIMITIVES[op].realise((Type(tuple(x.shape[1:])),), args, {})(x)
    torch.testing.assert_close(found[0], torch.tensor(expected, dtype=x.dtype))


def test_grids_come_back():
    """to_image after im2col with windows of one pixel is the image again."""
    x = torch.randn(2, 3, 5, 4)
    patches = PRIMITIVES["im2col"].realise((Type((3, 5, 4)),), (1, 1, 0), {})(x)
    kind = Type((Axis(5, 4), 3))
    torch.testing.assert_close(PRIMITIVES["to_image"].realise((kind,), (5, 4), {})(patches), x)
