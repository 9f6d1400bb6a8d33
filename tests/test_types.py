"""Types: interning, sugar, text, and one clear error for everything that is none."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einspec import Axis, ShapeError, Type
from einspec.types import LAYOUTS, as_type, parse_type

sizes = st.integers(1, 40)
axes = st.one_of(sizes, st.lists(sizes, min_size=2, max_size=3).map(tuple))


@st.composite
def types(draw: st.DrawFn) -> Type:
    dtype = draw(st.sampled_from(["float", "int"]))
    layout = draw(st.sampled_from([None, *LAYOUTS]))
    rank = LAYOUTS[layout][0] if layout else None
    count = draw(st.integers(1, 4)) if rank is None else rank
    return Type(draw(st.lists(axes, min_size=count, max_size=count)), dtype, layout)


@given(types())
def test_the_text_of_a_type_reads_back_as_the_same_object(kind: Type) -> None:
    assert parse_type(str(kind)) is kind
    assert as_type(str(kind)) is kind
    assert repr(kind) == f"Type({str(kind)!r})"


@given(types())
def test_copies_and_pickles_are_the_same_object(kind: Type) -> None:
    assert pickle.loads(pickle.dumps(kind)) is kind
    assert copy.copy(kind) is kind
    assert copy.deepcopy(kind) is kind
    assert pickle.loads(pickle.dumps(kind.axes[0])) is kind.axes[0]


@given(types())
def test_sizes_elements_and_channels_agree(kind: Type) -> None:
    product = 1
    for axis in kind.axes:
        product *= axis.size
    assert kind.elements == product
    assert kind.sizes == tuple(axis.size for axis in kind.axes)
    assert kind.rank == len(kind.sizes)
    assert kind.channels == kind.sizes[kind.channel_axis]


@given(st.text(st.sampled_from("0123456789(), -+*._[]{}'\"\\#\n\tintfloatmagesquvcrx"), max_size=30))
def test_any_text_is_a_type_or_a_shape_error(text: str) -> None:
    try:
        kind = parse_type(text)
    except ShapeError:
        return
    assert parse_type(str(kind)) is kind


def test_equal_types_are_one_object_and_others_differ() -> None:
    assert Type((3, 32, 32)) is Type([3, 32, 32])
    assert Axis(4, 4) is Axis(4, 4)
    assert Type(((4, 4), 8)) is Type((Axis(4, 4), Axis(8)))
    different = [
        Type((16, 8)), Type(((4, 4), 8)), Type(((2, 8), 8)), Type((16, 8), "int"), Type((16, 8), layout="sequence")
    ]  # fmt: skip
    assert len(set(different)) == len(different)


def test_types_that_nobody_holds_are_forgotten() -> None:
    """All but the latest 20,000 or so."""
    Type((123457, 3))
    for size in range(200_000, 221_000):
        Type((size, 5))
    gc.collect()
    assert (123457,) not in Axis._known


@pytest.mark.parametrize(
    ("sugar", "kind"),
    [
        ((3, 32, 32), Type((3, 32, 32))),
        ([3, 32, 32], Type((3, 32, 32))),
        (((4, 4), 8), Type((Axis(4, 4), 8))),
        (([4, 4], 8), Type((Axis(4, 4), 8))),
        ("3,32,32", Type((3, 32, 32))),
        ("(4,4),8", Type(((4, 4), 8))),
        (" ( 16 , 128 )  sequence ", Type((16, 128), layout="sequence")),
        ("77 int", Type((77,), "int")),
        ("(77,) int tokens", Type((77,), "int", "tokens")),
        ("5", Type((5,))),
        (5, Type((5,))),
        ("64 int", Type((64,), "int")),
        (Type((5,)), Type((5,))),
    ],
)
def test_sugar(sugar: Any, kind: Type) -> None:
    assert as_type(sugar) is kind


@pytest.mark.parametrize(
    ("axes", "dtype", "layout"),
    [
        ((3, 8, 8), "float", "image"),
        ((8, 3), "float", "matrix"),
        ((3,), "float", "vector"),
        ((1, 2, 3, 4), "float", "tensor"),
        ((7,), "int", "tokens"),
        ((7, 3), "int", "tokens"),
    ],
)
def test_the_layout_follows_from_rank_and_dtype(axes: Any, dtype: Any, layout: str) -> None:
    assert Type(axes, dtype).layout == layout


@pytest.mark.parametrize(
    ("kind", "channel"),
    [
        (Type((3, 8, 9)), 0),
        (Type((8, 9)), 1),
        (Type((8, 9), layout="sequence"), 0),
        (Type((8,)), 0),
        (Type((8, 9), "int"), 1),
        (Type((1, 2, 3, 4)), 0),
    ],
)
def test_channel_axis(kind: Type, channel: int) -> None:
    assert kind.channel_axis == channel
    assert kind.channels == kind.sizes[channel]


def test_a_composite_is_one_axis_of_the_tensor() -> None:
    kind = Type(((4, 5), 8))
    assert (kind.sizes, kind.rank, kind.elements) == ((20, 8), 2, 160)
    assert kind.axes[0].parts == (4, 5)
    assert kind.axes[0].is_composite
    assert not kind.axes[1].is_composite
    assert (str(kind.axes[0]), repr(kind.axes[0])) == ("(4, 5)", "Axis(4, 5)")


def test_replacing_an_axis_keeps_the_rest_and_makes_it_plain() -> None:
    kind = Type(((4, 4), 8), layout="sequence")
    assert kind.with_axis(0, 16) is Type((16, 8), layout="sequence")
    assert kind.with_axis(-1, 3) is Type(((4, 4), 3), layout="sequence")
    assert Type((4,), "int").with_axis(0, 5) is Type((5,), "int")


NUMBERS = "every size of a type is a whole number of at least 1"
COMPOSITE = "is not an axis: a composite has two or more plain sizes, as in ((4, 4), 8)"
TEXT = "is not a type: expected sizes separated by commas, as in 3,32,32 or (4,4),8"


@pytest.mark.parametrize(
    ("sugar", "message"),
    [
        ((0, 3), f"0 is not a size: {NUMBERS}"),
        ((-1,), f"-1 is not a size: {NUMBERS}"),
        ((3.0,), f"3.0 is not a size: {NUMBERS}"),
        ((True,), f"True is not a size: {NUMBERS}"),
        ((None,), f"None is not a size: {NUMBERS}"),
        (("3",), f"'3' is not a size: {NUMBERS}"),
        (((4, 0), 3), f"0 is not a size: {NUMBERS}"),
        (((4,), 3), f"(4,) {COMPOSITE}"),
        (((), 3), f"() {COMPOSITE}"),
        (((4, (2, 2)), 3), f"(4, (2, 2)) {COMPOSITE}"),
        (((4, [2, 2]), 3), f"(4, [2, 2]) {COMPOSITE}"),
        ((), "a type has at least one axis, as in (10,); the batch axis is never written"),
        ((2**31, 2**31, 2), "a tensor of more than 2**62 numbers fits in no machine: give smaller sizes"),
        (5.0, "5.0 is not a type: expected sizes without the batch, as in (3, 32, 32)"),
        (True, "True is not a type: expected sizes without the batch, as in (3, 32, 32)"),
        ("int 64", f"'int 64' {TEXT}; dtype and layout stand behind the sizes, as in 64 int"),
        (None, "None is not a type: expected sizes without the batch, as in (3, 32, 32)"),
        ("", f"'' {TEXT}"),
        ("3,,4", f"'3,,4' {TEXT}"),
        ("3,4;5", f"'3,4;5' {TEXT}"),
        ("1.5", f"'1.5' {TEXT}"),
        ("[3, 4]", f"'[3, 4]' {TEXT}"),
        ("(3, [4, 5])", f"[4, 5] is not a size: {NUMBERS}"),
        ("(3, {})", f"{{}} is not a size: {NUMBERS}"),
        ("(" * 150, f"'{'(' * 150}' {TEXT}"),
        ("1," * 300, f"'{'1,' * 100}...' {TEXT}"),
        (
            "3,4 double",
            "'double' in the type '3,4 double' is neither a dtype (float, int) nor a layout "
            "(image, matrix, sequence, tokens, vector, tensor)",
        ),
        ("3,4 image", "the layout image has 3 axes, but 2 were given"),
        ("0,4", f"0 is not a size: {NUMBERS}"),
    ],
)
def test_what_is_no_type(sugar: Any, message: str) -> None:
    with pytest.raises(ShapeError) as error:
        as_type(sugar)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("dtype", "layout", "message"),
    [
        ("double", None, "'double' is not a dtype: expected 'float' or 'int'"),
        (
            "float",
            "picture",
            "'picture' is not a layout: expected one of image, matrix, sequence, tokens, vector, tensor",
        ),
        ("float", "vector", "the layout vector has 1 axis, but 2 were given"),
    ],
)
def test_what_is_no_dtype_or_layout(dtype: Any, layout: Any, message: str) -> None:
    with pytest.raises(ShapeError) as error:
        Type((3, 4), dtype, layout)
    assert str(error.value) == message


def test_an_axis_of_no_parts() -> None:
    with pytest.raises(ShapeError, match="None is not a size"):
        Axis()
