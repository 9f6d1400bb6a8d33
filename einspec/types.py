"""Types of tensors: axes, dtype and layout. The batch axis is implicit and never named.

An axis is a size, or a *composite* of plain sizes as in einops: the patches of an image have the
type ``((4, 4), 8)``, that is ``(h w) d`` with h = w = 4 and d = 8. Tensors are flat: a composite is
one axis of the tensor, whose size is the product of its parts.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable
from typing import ClassVar, Literal, cast
from weakref import WeakValueDictionary

from einspec.arguments import expect, expect_text
from einspec.errors import ShapeError
from einspec.text import listing, plural

Dtype = Literal["float", "int"]
Layout = Literal["image", "matrix", "sequence", "tokens", "vector", "tensor"]

LAYOUTS: dict[str, tuple[int | None, int]] = {
    "image": (3, 0),
    "matrix": (2, -1),
    "sequence": (2, 0),
    "tokens": (None, -1),
    "vector": (1, 0),
    "tensor": (None, 0),
}
"""Rank (None: any) and channel axis of each layout."""

LETTERS: dict[str, dict[str, int]] = {
    "image": {"c": 0, "h": 1, "w": 2},
    "matrix": {"s": 0, "d": 1},
    "sequence": {"c": 0, "l": 1},
    "tokens": {"l": -1},
    "vector": {"d": 0},
    "tensor": {},
}
"""What the axes of each layout are called, and which they are: ``x.c`` is the channels of an image."""

_MOST_ELEMENTS = 2**62
"""Sizes beyond a machine's address space are mistakes, or attacks on what computes with them."""


class Axis:
    """One axis of a type: a plain size, or a composite of plain sizes. Equal axes are one object."""

    __slots__ = ("__weakref__", "parts", "size")
    _known: ClassVar[WeakValueDictionary[tuple[int, ...], Axis]] = WeakValueDictionary()
    parts: tuple[int, ...]
    size: int

    def __new__(cls, *parts: int) -> Axis:
        for part in parts or (None,):
            if type(part) is not int or part < 1:
                raise ShapeError(f"{part!r} is not a size: every size of a type is a whole number of at least 1")
        known = cls._known.get(parts)
        if known is not None:
            return known
        axis = super().__new__(cls)
        axis.parts = parts
        axis.size = math.prod(parts)
        return cls._known.setdefault(parts, axis)

    @property
    def is_composite(self) -> bool:
        """Whether the axis has several parts, as the first of ``(h w) d``."""
        return len(self.parts) > 1

    def __reduce__(self) -> tuple[type[Axis], tuple[int, ...]]:
        return Axis, self.parts

    def __repr__(self) -> str:
        return f"Axis({', '.join(map(str, self.parts))})"

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.parts))})" if self.is_composite else str(self.size)


AxisLike = int | tuple[int, ...] | Axis


class Type:
    """The type of one tensor: ``Type((3, 32, 32))``, ``Type(((4, 4), 8))``, ``Type((77,), "int")``.

    Equal types are one object, so that comparing and hashing them is free. The layout says which
    axis is the channel; by default it follows from the rank (3 image, 2 matrix, 1 vector, and tokens
    for whole numbers). Raises ``ShapeError`` for sizes that are not positive whole numbers, an unknown
    dtype or layout, or a layout of another rank.
    """

    __slots__ = ("__weakref__", "_text", "axes", "dtype", "layout", "rank", "sizes")
    _known: ClassVar[WeakValueDictionary[tuple[tuple[Axis, ...], str, str], Type]] = WeakValueDictionary()
    axes: tuple[Axis, ...]
    dtype: Dtype
    layout: Layout
    sizes: tuple[int, ...]
    """The tensor's shape without the batch axis."""
    rank: int
    """How many axes there are, the batch axis not counted."""
    _text: str

    def __new__(cls, axes: Iterable[AxisLike], dtype: Dtype = "float", layout: Layout | None = None) -> Type:
        try:
            exact = tuple([axis if type(axis) is Axis else _axis(axis) for axis in axes])
            return interned(exact, dtype, _default_layout(len(exact), dtype) if layout is None else layout)
        except TypeError:
            expect("axes", axes, Iterable, "sizes, as in (3, 32, 32)")
            expect_text("dtype", dtype)
            expect_text("layout", layout)
            raise

    @property
    def elements(self) -> int:
        """How many numbers one example holds."""
        return math.prod(self.sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis, the batch axis not among them; as ``sizes``."""
        return self.sizes

    @property
    def c(self) -> int:
        """The channels of an image (c, h, w) or a sequence (c, l)."""
        return self._size_of("c")

    @property
    def h(self) -> int:
        """The height of an image (c, h, w)."""
        return self._size_of("h")

    @property
    def w(self) -> int:
        """The width of an image (c, h, w)."""
        return self._size_of("w")

    @property
    def s(self) -> int:
        """The rows of a matrix (s, d)."""
        return self._size_of("s")

    @property
    def d(self) -> int:
        """The features of a matrix (s, d) or a vector (d)."""
        return self._size_of("d")

    @property
    def l(self) -> int:  # noqa: E743
        """The length of a sequence (c, l), or of tokens."""
        return self._size_of("l")

    def _size_of(self, letter: str) -> int:
        axes = LETTERS[self.layout]
        try:
            return self.sizes[axes[letter]]
        except KeyError:
            names = f"its axes are {listing(axes, 'and')}" if axes else "its sizes are x.shape"
            raise ShapeError(f"a {self.layout} {self} has no axis {letter}: {names}") from None

    @property
    def channel_axis(self) -> int:
        """The index of the channel axis, from 0."""
        return LAYOUTS[self.layout][1] % len(self.axes)

    @property
    def channels(self) -> int:
        """The size of the channel axis."""
        return self.axes[LAYOUTS[self.layout][1]].size

    def with_axis(self, index: int, axis: AxisLike) -> Type:
        """The type with one axis replaced; a size makes that axis plain."""
        axes = list(self.axes)
        axes[index] = axis if type(axis) is Axis else _axis(axis)
        return interned(tuple(axes), self.dtype, self.layout)

    def __reduce__(self) -> tuple[type[Type], tuple[tuple[Axis, ...], str, str]]:
        return Type, (self.axes, self.dtype, self.layout)

    def __repr__(self) -> str:
        return f"Type({str(self)!r})"

    def __str__(self) -> str:
        if not self._text:
            self._text = _type_text(self)
        return self._text


_recent: dict[tuple[tuple[Axis, ...], str, str], Type] = {}
_MOST_RECENT = 20_000
"""Types that are kept alive though nobody else does, so that finding one is a plain look-up; emptied when full."""


def interned(axes: tuple[Axis, ...], dtype: Dtype, layout: Layout) -> Type:
    """The one type of these axes, dtype and layout."""
    key = (axes, dtype, layout)
    found = _recent.get(key)
    if found is None:
        found = Type._known.get(key)
        if found is None:
            _check_type(axes, dtype, layout)
            found = object.__new__(Type)
            found.axes, found.dtype, found.layout = key
            found.sizes = tuple([axis.size for axis in axes])
            found.rank = len(axes)
            found._text = ""
            found = Type._known.setdefault(key, found)
        if len(_recent) >= _MOST_RECENT:
            _recent.clear()
        _recent[key] = found
    return found


_plain_axes: dict[int, Axis] = {}


def _axis(axis: AxisLike) -> Axis:
    if type(axis) is int:
        found = _plain_axes.get(axis)
        if found is None:
            if len(_plain_axes) >= _MOST_RECENT:
                _plain_axes.clear()
            found = _plain_axes[axis] = Axis(axis)
        return found
    if isinstance(axis, Axis):
        return axis
    if isinstance(axis, tuple):
        if len(axis) < 2 or any(isinstance(part, (tuple, list)) for part in axis):
            raise ShapeError(f"{axis!r} is not an axis: a composite has two or more plain sizes, as in ((4, 4), 8)")
        return Axis(*axis)
    return Axis(axis)


def _default_layout(rank: int, dtype: str) -> Layout:
    if dtype == "int":
        return "tokens"
    names: dict[int, Layout] = {1: "vector", 2: "matrix", 3: "image"}
    return names.get(rank, "tensor")


def _check_type(axes: tuple[Axis, ...], dtype: str, layout: str) -> None:
    if not axes:
        raise ShapeError("a type has at least one axis, as in (10,); the batch axis is never written")
    if dtype not in ("float", "int"):
        raise ShapeError(f"{dtype!r} is not a dtype: expected 'float' or 'int'")
    if layout not in LAYOUTS:
        raise ShapeError(f"{layout!r} is not a layout: expected one of {', '.join(LAYOUTS)}")
    rank = LAYOUTS[layout][0]
    if rank is not None and rank != len(axes):
        raise ShapeError(f"the layout {layout} has {plural(rank, 'axis')}, but {len(axes)} were given")
    if math.prod(axis.size for axis in axes) > _MOST_ELEMENTS:
        raise ShapeError("a tensor of more than 2**62 numbers fits in no machine: give smaller sizes")


def _type_text(kind: Type) -> str:
    sizes = ", ".join(map(str, kind.axes))
    words = [f"({sizes},)" if len(kind.axes) == 1 else f"({sizes})"]
    if kind.dtype != "float":
        words.append(kind.dtype)
    if kind.layout != _default_layout(kind.rank, kind.dtype):
        words.append(kind.layout)
    return " ".join(words)


_LONGEST_TEXT = 200

TypeLike = Type | Iterable[AxisLike] | int | str


def as_type(value: TypeLike) -> Type:
    """A type from its sugar, without the batch axis.

    Sizes are a tuple, ``(3, 32, 32)``, one number for a vector, ``64``, or with composite axes ``((4, 4), 8)``. A text
    has the sizes first and then, where they are others than by default, dtype and layout: ``"3,32,32"``, ``"64 int"``,
    ``"8,100 sequence"``, ``"77 int tokens"``.

    Raises ``ShapeError`` for anything else, with what was found.
    """
    if isinstance(value, Type):
        return value
    if isinstance(value, str):
        return parse_type(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Type((value,))
    if isinstance(value, (tuple, list)):
        return Type(tuple(tuple(axis) if isinstance(axis, list) else axis for axis in value))
    raise ShapeError(f"{value!r} is not a type: expected sizes without the batch, as in (3, 32, 32)")


def parse_type(text: str) -> Type:
    """Reads ``3,32,32``, ``(4,4),8`` or ``(16, 128) sequence``, see :func:`as_type`; blanks are free.

    Raises ``ShapeError`` when the text is not a type.

    >>> parse_type("3,32,32")
    Type('(3, 32, 32)')
    >>> parse_type("(4,4),8").axes[0].parts
    (4, 4)
    """
    match = re.fullmatch(r"([^a-zA-Z]*)([a-zA-Z\s]*)", text)
    if match is None or len(text) > _LONGEST_TEXT:
        raise _not_a_type(text)
    dtype, layout = "float", None
    for word in match[2].split():
        if word in ("float", "int"):
            dtype = word
        elif word in LAYOUTS:
            layout = word
        else:
            raise ShapeError(
                f"{word!r} in the type {text!r} is neither a dtype (float, int) nor a layout ({', '.join(LAYOUTS)})"
            )
    return Type(_parse_axes(match[1].strip(), text), cast(Dtype, dtype), cast("Layout | None", layout))


def _parse_axes(body: str, text: str) -> tuple[AxisLike, ...]:
    try:
        value = ast.literal_eval(body)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise _not_a_type(text) from None
    if isinstance(value, int):
        return (value,)
    if not isinstance(value, tuple):
        raise _not_a_type(text)
    return value


def _not_a_type(text: str) -> ShapeError:
    shown = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "..."
    order = "; dtype and layout stand behind the sizes, as in 64 int" if re.match(r"\s*[a-zA-Z]", text) else ""
    return ShapeError(f"{shown!r} is not a type: expected sizes separated by commas, as in 3,32,32 or (4,4),8{order}")
