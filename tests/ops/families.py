"""The library's newer primitives, each at five types or more: input types and arguments."""

from __future__ import annotations

from typing import Any

from einspec.types import Type

IMAGE, MATRIX, VECTOR = Type((4, 6, 6)), Type((6, 8)), Type((8,))
PATCHES, SEQUENCE, DEEP = Type(((2, 3), 8)), Type((4, 9), layout="sequence"), Type((2, 3, 4, 5))
TOKENS, FEW = Type((5,), "int"), Type((3,), "int")
VOLUME = Type((4, 5, 6, 7))
ANY = (IMAGE, MATRIX, VECTOR, PATCHES, SEQUENCE, DEEP)

Example = tuple[tuple[Type, ...], tuple[Any, ...]]


def each(*args: Any, kinds: tuple[Type, ...] = ANY) -> list[Example]:
    return [((kind,), args) for kind in kinds]


def conv(bias: bool) -> list[tuple[Any, ...]]:
    return [(8, 3, 1, 1, 1, 1, bias), (8, 3, 2, 1, 1, 2, bias), (4, 1, 1, 0, 1, 4, bias)]


POOLS = [(2, None, 0, 1, False), (3, 2, 1, 1, False), (2, 1, 1, 2, False), (3, 2, 1, 1, True), (2, 3, 1, 1, True)]
MEANS = [
    (2, None, 0, False, True),
    (3, 2, 1, False, False),
    (3, 2, 1, False, True),
    (3, 2, 1, True, True),
    (2, 3, 1, True, False),
]
ATTENTION = [
    ((MATRIX, MATRIX, MATRIX), (False,)),
    ((MATRIX, MATRIX, MATRIX), (True,)),
    ((Type((3, 8)), Type((5, 8)), Type((5, 4))), (False,)),
    ((Type((2, 6, 4)),) * 3, (True,)),
    ((Type((2, 3, 4, 5)), Type((2, 3, 6, 5)), Type((2, 3, 6, 7))), (False,)),
    ((PATCHES, PATCHES, PATCHES), (False,)),
]

EXAMPLES: dict[str, list[Example]] = {
    **{name: each() for name in ("silu", "hardswish", "sigmoid", "hardsigmoid", "tanh", "softplus", "relu6", "prelu")},
    "gelu": [*each("none"), *each("tanh")],
    "elu": [*each(1.0), *each(0.5)],
    "mul": [((kind, kind), ()) for kind in ANY] + [((IMAGE, Type((4, 1, 1)), IMAGE), ()), ((MATRIX, Type((6, 1))), ())],
    "sub": [((kind, kind), ()) for kind in ANY] + [((IMAGE, Type((4, 1, 1))), ()), ((Type((1, 8)), MATRIX), ())],
    "maximum": [((kind, kind), ()) for kind in ANY] + [((IMAGE, Type((1, 6, 6))), ())],
    "channel_scale": each(1.0),
    "channel_bias": each(),
    "group_norm": [((IMAGE,), (2,)), ((IMAGE,), (4,)), ((IMAGE,), (1,)), ((SEQUENCE,), (2,)), ((SEQUENCE,), (4,))],
    "instance_norm": each(kinds=(IMAGE, SEQUENCE, Type((2, 3, 1)), Type((1, 2, 2)), Type((3, 5), layout="sequence"))),
    "rms_norm": each(),
    "conv1d": [((SEQUENCE,), args) for bias in (True, False) for args in conv(bias)],
    "conv3d": [((VOLUME,), args) for bias in (True, False) for args in conv(bias)],
    "conv_transpose1d": [
        ((SEQUENCE,), (8, 2, 2, 0, 0, 1, True)), ((SEQUENCE,), (8, 3, 2, 1, 1, 2, True)),
        ((SEQUENCE,), (4, 3, 1, 1, 0, 4, False)), ((SEQUENCE,), (3, 4, 3, 2, 2, 1, False)),
        ((Type((2, 1), layout="sequence"),), (2, 1, 1, 0, 0, 2, True)),
    ],
    "conv_transpose3d": [
        ((VOLUME,), (8, 2, 2, 0, 0, 1, True)), ((VOLUME,), (8, 3, 2, 1, 1, 2, True)),
        ((VOLUME,), (4, 3, 1, 1, 0, 4, False)), ((VOLUME,), (2, 3, 3, 0, 2, 2, False)),
        ((Type((2, 1, 1, 3)),), (2, 1, 1, 0, 0, 1, True)),
    ],
    "max_pool1d": [((SEQUENCE,), args) for args in POOLS],
    "max_pool3d": [((VOLUME,), args) for args in POOLS],
    "avg_pool1d": [((SEQUENCE,), args) for args in MEANS],
    "avg_pool3d": [((VOLUME,), args) for args in MEANS],
    "adaptive_avg_pool1d": [((SEQUENCE,), (length,)) for length in (1, 2, 4, 9, 12)],
    "adaptive_avg_pool3d": [((VOLUME,), sizes) for sizes in ((1, 1, 1), (2, 2, 2), (5, 6, 7), (1, 2, 9), (4, 1, 3))],
    "adaptive_max_pool2d": [((IMAGE,), size) for size in ((1, 1), (2, 3), (6, 6), (7, 5), (3, 1))],
    "conv_transpose2d": [
        ((IMAGE,), (8, 2, 2, 0, 0, 1, True)),
        ((IMAGE,), (8, 3, 2, 1, 1, 2, True)),
        ((IMAGE,), (4, 3, 1, 1, 0, 4, False)),
        ((Type((2, 1, 5)),), (3, 2, 1, 0, 0, 1, False)),
        ((Type((2, 3, 5)),), (2, 4, 3, 2, 2, 2, True)),
    ],
    "max_pool2d": [
        ((IMAGE,), (2, None, 0, 1, False)), ((IMAGE,), (3, 2, 1, 1, False)), ((IMAGE,), (2, 1, 1, 2, False)),
        ((Type((3, 7, 5)),), (3, 2, 1, 1, True)), ((Type((3, 5, 5)),), (2, 2, 0, 1, True)),
        ((Type((3, 4, 4)),), (2, 3, 1, 1, True)),
    ],
    "avg_pool2d": [
        ((IMAGE,), (2, None, 0, False, True)), ((IMAGE,), (3, 2, 1, False, False)), ((IMAGE,), (3, 2, 1, False, True)),
        ((Type((3, 7, 5)),), (3, 2, 1, True, True)), ((Type((3, 5, 5)),), (2, 2, 0, True, False)),
    ],
    "adaptive_avg_pool2d": [((kind,), size) for kind in (IMAGE, Type((3, 7, 5))) for size in ((1, 1), (2, 3), (6, 5))],
    "upsample": [
        ((IMAGE,), (2, "nearest")), ((IMAGE,), (3, "nearest")), ((IMAGE,), (2, "bilinear")), ((IMAGE,), (1, "nearest")),
        ((Type((3, 1, 5)),), (2, "bilinear")),
    ],
    "unbind": [((MATRIX,), (1,)), ((MATRIX,), (2,)), ((IMAGE,), (1,)), ((PATCHES,), (1,)), ((DEEP,), (2,))],
    "select": [((MATRIX,), (1, 0)), ((MATRIX,), (2, 7)), ((IMAGE,), (1, 3)), ((PATCHES,), (1, 5)), ((DEEP,), (3, 2))],
    "roll": [((MATRIX,), (1, 2)), ((MATRIX,), (2, -3)), ((IMAGE,), (3, 1)), ((VECTOR,), (1, 20)), ((DEEP,), (4, 1))],
    "rearrange": [
        ((IMAGE,), ("(g c) h w -> (c g) h w", "g=2", "")),
        ((Type((8, 3, 3)),), ("(c a b) h w -> c (h a) (w b)", "a=2, b=2", "")),
        ((IMAGE,), ("c (y h) (x w) -> (y x) (h w) c", "y=2, x=3", "")),
        ((IMAGE,), ("c h w -> (h w) c", "", "")),
        ((PATCHES,), ("(h w) d -> d h w", "", "image")),
        ((MATRIX,), ("l (three h e) -> three h l e", "three=2, h=2", "")),
        ((Type((1, 5, 1)),), ("a l b -> l", "", "")),
        ((MATRIX,), ("l d -> l 1 d", "", "")),
    ],
    "reduce": [
        ((IMAGE,), ("c h w -> c", "mean", "", "")), ((IMAGE,), ("c (h a) (w b) -> c h w", "max", "a=2, b=3", "")),
        ((MATRIX,), ("s d -> d", "sum", "", "")), ((DEEP,), ("a b c d -> d b", "min", "", "")),
        ((SEQUENCE,), ("c l -> c 1", "mean", "", "")),
    ],
    "attention": ATTENTION,
    "biased_attention": [
        ((Type((2, 6, 4)), Type((2, 5, 4)), Type((2, 5, 4)), Type((2, 6, 5))), (False,)),
        ((*[Type((2, 6, 4))] * 3, Type((1, 6, 6)), Type((2, 1, 6))), (True,)),
        ((MATRIX, MATRIX, MATRIX, Type((6, 6))), (True,)), ((MATRIX, MATRIX, MATRIX, Type((1, 6))), (False,)),
        ((*[Type((3, 2, 4, 8))] * 3, Type((1, 2, 4, 4)), Type((3, 1, 4, 4))), (False,)),
        ((*[Type((3, 2, 4, 8))] * 3, Type((2, 4, 4)), Type((4, 4))), (True,)),
    ],
    "embedding": [((kind,), args) for kind in (TOKENS, FEW, Type((1,), "int")) for args in ((7, 4), (6, 1))],
    "parameter": [
        ((TOKENS,), ("(7, 4)", "normal")), ((IMAGE,), ("(5, 1)", "zeros")), ((VECTOR,), ("(3,)", "ones")),
        ((MATRIX,), ("(2, 3, 4) tensor", "normal")), ((TOKENS,), ("(4, 9) sequence", "normal")),
    ],
    "relative_positions": [((kind,), args) for kind in (MATRIX, IMAGE) for args in ((2, 3, 4), (1, 5, 1), (3, 1, 1))],
    "window_mask": [((MATRIX,), args) for args in ((4, 4, 2, 1), (6, 4, 2, 0), (6, 6, 3, 2), (2, 2, 2, 1), (3, 9, 3, 1))],
    "softmax_along": [((kind,), (axis,)) for kind in (IMAGE, MATRIX, DEEP) for axis in (1, 2)],
    "scale_by": [*each(0.5), *each(-3.0)],
    "take": [((Type((7, width)), kind), ()) for width in (4, 1) for kind in (TOKENS, FEW, Type((9,), "int"))],
    "unembed": [((Type((rows, 4)), Type((7, 4))), ()) for rows in (1, 3, 5)] + [((VECTOR, Type((3, 8))), ()), ((DEEP, Type((7, 5))), ())],
    "learned_positions": [((kind,), (length,)) for kind in (MATRIX, Type((3, 1)), PATCHES) for length in (0, 9)],
    "class_token": each(kinds=(MATRIX, PATCHES, Type((1, 4)), Type((5, 1)), Type((7, 3)))),
    "linear_without_bias": [((kind,), (width,)) for kind in (*ANY[:3], PATCHES, DEEP) for width in (1, 5)],
    "layer_norm_without_weights": each(),
    "repeat": [((MATRIX,), (2, 1)), ((MATRIX,), (3, 2)), ((IMAGE,), (2, 3)), ((VECTOR,), (1, 1)), ((TOKENS,), (2, 1))],
    "detach": [((kind,), ()) for kind in (*ANY, TOKENS)],
    "stack": [((kind,) * n, (axis,)) for kind in (VECTOR, MATRIX, IMAGE) for n, axis in ((1, 1), (3, 2))],
    "pad": [
        ((IMAGE,), (1, "constant")), ((IMAGE,), (2, "reflect")), ((SEQUENCE,), (3, "replicate")),
        ((SEQUENCE,), (2, "reflect")), ((Type((1, 1, 3)),), (2, "replicate")), ((SEQUENCE,), (0, "constant")),
    ],
    "crop": [((IMAGE,), args) for args in ((1, 1, 0, 0), (0, 2, 3, 1), (0, 0, 0, 0), (0, 0, 5, 5), (2, 0, 0, 1))],
    "pad_before": [((Type(sizes, layout="sequence"),), (n,)) for sizes, n in (((4, 9), 2), ((1, 1), 1), ((3, 2), 0), ((2, 5), 7), ((2, 3), 3))],
    "einsum": [
        ((MATRIX, MATRIX), ("l e, m e -> l m",)), ((Type((2, 6, 4)), Type((2, 5, 4))), ("h l e, h m e -> h l m",)),
        ((MATRIX, VECTOR), ("l d, d -> l",)), ((IMAGE, Type((4, 7))), ("c h w, c k -> k h w",)),
        ((DEEP, Type((3, 5, 2))), ("a b c d, b d e -> a c e",)), ((IMAGE,), ("c h w -> w c",)),
    ],
    "sinusoidal_positions": each(kinds=(MATRIX, PATCHES, Type((2, 3, 4, 6)), Type((1, 2)), Type((7, 4)))),
    "rotary": each(kinds=(MATRIX, PATCHES, Type((2, 3, 4, 6)), Type((1, 2)), Type((7, 4)))),
    "linear_recurrence": [((kind, kind), ()) for kind in (MATRIX, Type((1, 3)), Type((2, 3)), Type((13, 2)), Type((2, 3, 7, 5)))],
    "lstm": [((Type((rows, columns)),), (width,)) for rows, columns, width in ((6, 8, 4), (1, 1, 1), (3, 2, 5), (7, 4, 4), (2, 9, 3))],
    "gru": [((Type((rows, columns)),), (width,)) for rows, columns, width in ((6, 8, 4), (1, 1, 1), (3, 2, 5), (7, 4, 4), (2, 9, 3))],
    "dropout": [*each(0.5), *each(0.0)],
    "drop_path": [*each(0.1), *each(0.0)],
}  # fmt: skip

REFUSED: dict[str, tuple[tuple[Type, ...], tuple[Any, ...], str]] = {
    "gelu": ((IMAGE,), ("sigmoid",), "sigmoid is no approximation: none or tanh"),
    "silu": ((TOKENS,), (), "it computes with floats, not with whole numbers"),
    "mul": ((IMAGE, Type((4, 2, 1))), (), "sizes 6, 2 differ, and neither is 1"),
    "sub": ((IMAGE, MATRIX), (), "the inputs differ in rank, dtype or layout"),
    "group_norm": ((IMAGE,), (3,), "3 groups do not divide 4 channels"),
    "instance_norm": ((MATRIX,), (), "it has its channels first: an image or a sequence"),
    "conv1d": ((MATRIX,), (8, 3, 1, 1, 1, 1, True), "a window slides along a sequence (c, l)"),
    "conv_transpose2d": ((IMAGE,), (8, 3, 2, 1, 2, 1, True), "a transposed window of 3, stride 2, padding 1 and 2 is impossible"),
    "max_pool2d": ((IMAGE,), (2, 2, 2, 1, False), "a padding of 2 is more than half of the window of 2"),
    "upsample": ((IMAGE,), (2, "cubic"), "cubic is no way to make pixels: nearest or bilinear"),
    "select": ((MATRIX,), (1, 6), "6 is no place of an axis of 6"),
    "unbind": ((VECTOR,), (1,), "a type has an axis at least"),
    "rearrange": ((IMAGE,), ("c h w -> c h", "", ""), "'c h w -> c h' loses the axis w of 6: reduce it"),
    "reduce": ((MATRIX,), ("c h w -> c", "mean", "", ""), "'c h w -> c' is of 3 axes, and this has 2"),
    "attention": ((MATRIX, Type((5, 8)), Type((5, 8))), (True,), "causal attention has a key for each query, not 6 and 5"),
    "biased_attention": ((MATRIX, MATRIX, MATRIX, Type((5, 6))), (False,), "a bias (5, 6) for scores (6, 6)"),
    "embedding": ((MATRIX,), (7, 4), "tokens are one axis of whole numbers, as in 77 int"),
    "take": ((VECTOR, TOKENS), (), "a table is a matrix, as parameter makes it"),
    "parameter": ((MATRIX,), ("(3, 4)", "ten"), "ten is no way to begin: normal, zeros or ones"),
    "relative_positions": ((MATRIX,), (1, 100, 100), "1 heads on a grid of 100 times 100: at most 4,096 places"),
    "window_mask": ((MATRIX,), (5, 4, 2, 1), "windows of 2 rolled by 1 do not fill a grid of 5 times 4"),
    "softmax_along": ((MATRIX,), (3,), "there is no axis 3"),
    "conv3d": ((IMAGE,), (8, 3, 1, 1, 1, 1, True), "a window slides through a volume (c, t, h, w)"),
    "max_pool1d": ((SEQUENCE,), (2, 2, 2, 1, False), "a padding of 2 is more than half of the window of 2"),
    "unembed": ((MATRIX, Type((7, 4))), (), "rows of 8 numbers and a table of (7, 4)"),
    "learned_positions": ((MATRIX,), (5,), "5 positions are fewer than 6 rows"),
    "class_token": ((IMAGE,), (), "a token is a row of a matrix (s, d)"),
    "pad": ((IMAGE,), (6, "reflect"), "a border of 6 around (4, 6, 6)"),
    "crop": ((IMAGE,), (3, 1, 3, 1), "6 rows and 2 columns of an image of 6 and 6"),
    "einsum": ((MATRIX, VECTOR), ("l d, l -> d",), "l is 6 and 8"),
    "rotary": ((Type((3, 5)),), (), "rows of 5 numbers: expected an even number, of pairs"),
    "lstm": ((IMAGE,), (4,), "a recurrence goes over the rows of a matrix (s, d)"),
    "linear_recurrence": ((VECTOR, VECTOR), (), "its last axes are rows and what is in them: (..., l, d)"),
    "dropout": ((IMAGE,), (1.0,), "1.0 is no probability below 1"),
}  # fmt: skip
