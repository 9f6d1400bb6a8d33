"""Type rules of the library against tables written by hand."""

from __future__ import annotations

from typing import Any

import pytest

import einspec
from einspec import ShapeError, Type
from einspec.ops import Primitive, library_ops
from tests.ops.families import EXAMPLES

IMAGE, MATRIX, PATCHES = Type((3, 32, 32)), Type((64, 48)), Type(((8, 8), 48))
TOKENS, SEQUENCE, VECTOR = Type((77,), "int"), Type((16, 128), layout="sequence"), Type((10,))

NO = None
"""The op does not accept the inputs."""

RULES: list[tuple[str, tuple[Any, ...], tuple[Type, ...], Any]] = [
    ("linear", (16,), (IMAGE,), (3, 32, 16)),
    ("linear", (16,), (MATRIX,), (64, 16)),
    ("linear", (16,), (PATCHES,), ((8, 8), 16)),
    ("linear", (16,), (Type((4, (2, 3))),), (4, 16)),
    ("linear", (16,), (VECTOR,), (16,)),
    ("linear", (0,), (VECTOR,), NO),
    ("linear", (16,), (TOKENS,), NO),
    ("softmax", (), (PATCHES,), ((8, 8), 48)),
    ("softmax", (), (TOKENS,), NO),
    ("leaky_relu", (0.01,), (PATCHES,), ((8, 8), 48)),
    ("leaky_relu", (0.01,), (TOKENS,), NO),
    ("pos", (), (PATCHES,), ((8, 8), 48)),
    ("pos", (), (TOKENS,), NO),
    ("layer_norm", (), (PATCHES,), ((8, 8), 48)),
    ("batch_norm", (), (IMAGE,), (3, 32, 32)),
    ("batch_norm", (), (SEQUENCE,), SEQUENCE),
    ("batch_norm", (), (TOKENS,), NO),
    ("zeros", ("(77,) int",), (IMAGE,), TOKENS),
    ("zeros", ("((8, 8), 48)",), (VECTOR,), ((8, 8), 48)),
    ("zeros", ("(0,)",), (VECTOR,), NO),
    ("zeros", ("nothing",), (VECTOR,), NO),
    ("times", (3,), (PATCHES,), ((8, 8), 48)),
    ("times", (3,), (TOKENS,), TOKENS),
    ("flatten", (), (IMAGE,), (3072,)),
    ("flatten", (), (PATCHES,), (3072,)),
    ("permute", ("132",), (Type((1, 2, 3)),), (1, 3, 2)),
    ("permute", ("231",), (Type((1, 2, 3)),), (2, 3, 1)),
    ("permute", ("312",), (Type((1, 2, 3)),), (3, 1, 2)),
    ("permute", ("21",), (PATCHES,), (48, (8, 8))),
    ("permute", ("21",), (SEQUENCE,), Type((128, 16), layout="sequence")),
    ("permute", ("21",), (IMAGE,), NO),
    ("permute", ("213",), (MATRIX,), NO),
    ("permute", ("113",), (IMAGE,), NO),
    ("permute", ("x",), (IMAGE,), NO),
    ("narrow", (2, 8, 32), (IMAGE,), (3, 24, 32)),
    ("narrow", (1, 0, 3), (PATCHES,), (3, 48)),
    ("narrow", (1, 3, 3), (MATRIX,), NO),
    ("narrow", (1, 0, 10_000), (MATRIX,), NO),
    ("narrow", (3, 0, 1), (MATRIX,), NO),
    ("group", (2, 2), (IMAGE,), [(3, 16, 32)] * 2),
    ("group", (4, 1), (PATCHES,), [(16, 48)] * 4),
    ("group", (2, 1), (IMAGE,), NO),
    ("group", (2, 3), (MATRIX,), NO),
    ("group", (2, 0), (MATRIX,), NO),
    ("group", (0, 1), (MATRIX,), NO),
    ("im2col", (3, 1, 1), (IMAGE,), ((32, 32), 27)),
    ("im2col", (3, 2, 1), (IMAGE,), ((16, 16), 27)),
    ("im2col", (1, 2, 0), (Type((3, 5, 8)),), ((3, 4), 3)),
    ("im2col", (16, 16, 0), (IMAGE,), ((2, 2), 768)),
    ("im2col", (16, 16, 0), (Type((3, 15, 32)),), NO),
    ("im2col", (3, 1, 1), (Type((3, 1, 1)),), ((1, 1), 27)),
    ("im2col", (4, 4, 0), (Type((3, 3, 3)),), NO),
    ("im2col", (1, 1, 0), (MATRIX,), NO),
    ("im2col", (1, 0, 0), (IMAGE,), NO),
    ("to_image", (8, 8), (PATCHES,), (48, 8, 8)),
    ("to_image", (4, 16), (PATCHES,), (48, 4, 16)),
    ("to_image", (8, 4), (Type(((8, 4), (2, 3))),), (6, 8, 4)),
    ("to_image", (8, 8), (MATRIX,), (48, 8, 8)),
    ("to_image", (8, 7), (MATRIX,), NO),
    ("to_image", (-8, -8), (MATRIX,), NO),
    ("to_image", (8, 8), (Type((48, (8, 8))),), NO),
    ("to_image", (4, 8), (IMAGE,), NO),
    ("add", (), (IMAGE, IMAGE), (3, 32, 32)),
    ("add", (), (PATCHES, PATCHES), ((8, 8), 48)),
    ("add", (), (PATCHES, MATRIX), (64, 48)),
    ("add", (), (PATCHES, Type(((4, 16), 48))), (64, 48)),
    ("add", (), (MATRIX, Type((64, 47))), NO),
    ("add", (), (MATRIX, Type((64, 48), layout="sequence")), NO),
    ("add", (), (VECTOR, Type((10,), "int")), NO),
    ("add", (), (IMAGE, MATRIX), NO),
    ("add", (), (IMAGE,) * 8, (3, 32, 32)),
    ("cat", (1,), (IMAGE, Type((5, 32, 32))), (8, 32, 32)),
    ("cat", (2,), (PATCHES, PATCHES), ((8, 8), 96)),
    ("cat", (1,), (PATCHES, PATCHES), (128, 48)),
    ("cat", (2,), (PATCHES, MATRIX), (64, 96)),
    ("cat", (3,), (MATRIX, MATRIX), NO),
    ("cat", (1,), (IMAGE, Type((5, 32, 31))), NO),
    ("dot", (), (Type((5, 7)), Type((7, 9))), (5, 9)),
    ("dot", (), (Type((3, 5, 7)), Type((3, 7, 9))), (3, 5, 9)),
    ("dot", (), (PATCHES, Type((48, (4, 4)))), ((8, 8), (4, 4))),
    ("dot", (), (MATRIX, MATRIX), NO),
    ("dot", (), (Type((3, 5, 7)), Type((2, 7, 9))), NO),
    ("dot", (), (VECTOR, VECTOR), NO),
    ("dot", (), (MATRIX,), NO),
    ("dot", (), (Type((5, 5)),) * 3, NO),
    ("scaled_dot", (), (Type((5, 7)), Type((7, 9))), (5, 9)),
    ("conv2d", (16, 3, 2, 1, 1, 1, True), (IMAGE,), (16, 16, 16)),
    ("conv2d", (16, 3, 1, 2, 2, 1, False), (IMAGE,), (16, 32, 32)),
    ("conv2d", (6, 3, 1, 1, 1, 3, False), (IMAGE,), (6, 32, 32)),
    ("conv2d", (16, 3, 1, 1, 1, 3, False), (IMAGE,), NO),
    ("conv2d", (16, 5, 1, 0, 1, 1, False), (Type((3, 4, 4)),), NO),
    ("conv2d", (16, 3, 1, 1, 1, 1, False), (MATRIX,), NO),
    ("max_pool2d", (3, 2, 1, 1, False), (IMAGE,), (3, 16, 16)),
    ("max_pool2d", (3, 2, 2, 1, False), (IMAGE,), NO),
    ("avg_pool2d", (2, 2, 0, False, True), (Type((3, 5, 4)),), (3, 2, 2)),
    ("crop", (), (IMAGE,), (3, 31, 31)),
    ("crop", (), (Type((3, 1, 5)),), NO),
]


@pytest.mark.parametrize(("name", "args", "inputs", "expected"), RULES)
def test_type_rules(name: str, args: tuple[Any, ...], inputs: tuple[Type, ...], expected: Any) -> None:
    op = library_ops()[name]
    assert isinstance(op, Primitive)
    if expected is NO:
        assert op.accept(inputs, args, {}) is None
        with pytest.raises(ShapeError):
            op.infer(inputs, args, {})
        return
    if isinstance(expected, list):
        wanted: Any = tuple(Type(axes) for axes in expected)
    else:
        wanted = expected if isinstance(expected, Type) else Type(expected)
    assert op.infer(inputs, args, {}) == wanted
    assert op.accept(inputs, args, {}) == wanted


def test_every_primitive_has_a_rule_in_the_table() -> None:
    primitives = {name for name, op in library_ops().items() if isinstance(op, Primitive)}
    assert {name for name, *_ in RULES} | set(EXAMPLES) == primitives


COMBINED: list[tuple[str, tuple[Any, ...], Type, Any]] = [
    ("identity", (), PATCHES, PATCHES),
    ("relu", (), PATCHES, PATCHES),
    ("norm", (), IMAGE, IMAGE),
    ("norm", (), MATRIX, MATRIX),
    ("linear_x", (4,), MATRIX, (64, 192)),
    ("linear_div", (4,), MATRIX, (64, 12)),
    ("linear_div", (5,), MATRIX, NO),
    ("linear_div", (0,), MATRIX, NO),
    ("clone", (3,), PATCHES, [((8, 8), 48)] * 3),
    ("col2im", (), PATCHES, (48, 8, 8)),
    ("col2im", (), Type(((8, 4), (2, 3))), (6, 8, 4)),
    ("col2im", (), MATRIX, NO),
    ("col2im", (), Type(((2, 2, 2), 8)), NO),
    ("col2im", (), Type((48, (8, 8))), NO),
    ("col2im", (), IMAGE, NO),
    ("nor_conv_3x3", (), Type((16, 8, 8)), (16, 8, 8)),
    ("nor_conv_1x1", (), Type((16, 8, 8)), (16, 8, 8)),
    ("skip_connect", (), Type((16, 8, 8)), (16, 8, 8)),
    ("none", (), Type((16, 8, 8)), (16, 8, 8)),
    ("avg_pool_3x3", (), Type((16, 8, 8)), (16, 8, 8)),
    ("max_pool_3x3", (), Type((16, 8, 8)), (16, 8, 8)),
    ("sep_conv_3x3", (), Type((16, 8, 8)), (16, 8, 8)),
    ("sep_conv_5x5", (), Type((16, 8, 8)), (16, 8, 8)),
    ("dil_conv_3x3", (), Type((16, 8, 8)), (16, 8, 8)),
    ("dil_conv_5x5", (), Type((16, 8, 8)), (16, 8, 8)),
    ("nor_conv_3x3", (), MATRIX, NO),
]


COMBINATORS: dict[str, Any] = {**einspec.load("nasbench201").ops, **einspec.load("darts").ops}
"""Those of the library, and those that two bundled files write."""


@pytest.mark.parametrize(("name", "args", "kind", "expected"), COMBINED)
def test_what_combinators_without_children_come_to(name: str, args: tuple[Any, ...], kind: Type, expected: Any) -> None:
    op = COMBINATORS[name]
    if expected is NO:
        with pytest.raises(ShapeError):
            op.call((kind,), args, (), {})
        return
    found = op.call((kind,), args, (), {})
    if isinstance(expected, list):
        assert found == tuple(Type(axes) for axes in expected)
    else:
        assert found is (expected if isinstance(expected, Type) else Type(expected))


@pytest.mark.parametrize("name", ["skip_connect", "avg_pool_3x3", "max_pool_3x3", "sep_conv_3x3", "dil_conv_5x5"])
def test_the_stride_that_is_set_above(name: str) -> None:
    assert COMBINATORS[name].call((Type((16, 8, 8)),), (), (), {"stride": 2}) is Type((16, 4, 4))
