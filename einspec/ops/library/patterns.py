"""Rearrangements and reductions as einops writes them, without the batch axis: ``rearrange(x, "(g c) h w -> (c g) h w",
g=2)`` shuffles channels.

A pattern names the axes; an axis in brackets is made of parts, the last one innermost. Sizes that the type does not
tell are given by name. What comes out in brackets is a composite axis (Rogozhnikov, Einops, ICLR 2022).
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from einspec.errors import ShapeError
from einspec.ops.control import Misuse
from einspec.ops.declare import Primitive, primitive
from einspec.text import did_you_mean
from einspec.types import LAYOUTS, Axis, Layout, Type

_SIDE = re.compile(r"\s*(?:\(([^()]*)\)|([^\s()]+))\s*")
_NAME = re.compile(r"[A-Za-z]\w*|1")
_REDUCTIONS = ("mean", "max", "min", "sum")

Side = tuple[tuple[str, ...], ...]
"""The axes of one side of a pattern, each with the names of its parts."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was read: what goes in, what comes out."""

    inputs: Side
    outputs: Side

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the input's parts, in order."""
        return tuple(name for axis in self.inputs for name in axis)


@functools.lru_cache(maxsize=2_000)
def read_pattern(text: str) -> Pattern:
    """A pattern from its text. Raises ``Misuse`` for what is none."""
    sides = text.split("->")
    if len(sides) != 2 or len(text) > 200:
        raise Misuse(f"{text!r} is no pattern", 'as in   "c (h p) w -> (c p) h w"')
    left, right = (_side(side, text) for side in sides)
    names = [name for axis in left for name in axis if name != "1"]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Misuse(f"{twice} stands twice on the left of {text!r}", "give each axis a name of its own")
    made = [name for axis in right for name in axis if name != "1"]
    if len(set(made)) != len(made):
        twice = next(name for name in made if made.count(name) > 1)
        raise Misuse(f"{twice} stands twice on the right of {text!r}", "an axis cannot be repeated")
    unknown = next((name for name in made if name not in names), None)
    if unknown is not None:
        hint = did_you_mean(unknown, names) or "name it on the left"
        raise Misuse(f"{unknown} stands on the right of {text!r} alone", hint)
    return Pattern(left, right)


def _side(text: str, pattern: str) -> Side:
    found: list[tuple[str, ...]] = []
    position = 0
    while position < len(text.rstrip()):
        match = _SIDE.match(text, position)
        if match is None:
            raise Misuse(f"{pattern!r} is no pattern: its brackets do not close", "as in   (h w) d -> d h w")
        names = tuple((match[1] if match[1] is not None else match[2]).split())
        for name in names:
            if not _NAME.fullmatch(name):
                raise Misuse(f"{name!r} in {pattern!r} is no axis", "axes are names; the batch axis is never written")
        found.append(names)
        position = match.end()
    return tuple(found)


def _sizes(pattern: Pattern, x: Type, given: Mapping[str, int], text: str) -> dict[str, int]:
    """The size of each part. Raises ``ShapeError`` where the type is not of the pattern."""
    if len(pattern.inputs) != x.rank:
        raise ShapeError("{!r} is of {} axes, and this has {}", text, len(pattern.inputs), x.rank)
    sizes = {**given, "1": 1}
    for names, axis in zip(pattern.inputs, x.axes, strict=True):
        unknown = [name for name in names if name not in sizes]
        known = math.prod(sizes[name] for name in names if name in sizes)
        if len(unknown) > 1 and len(axis.parts) == len(names):  # the parts of a composite say what they are
            for name, part in zip(names, axis.parts, strict=True):
                sizes.setdefault(name, part)
            known, unknown = math.prod(sizes[name] for name in names), []
        if len(unknown) > 1:
            raise ShapeError("{!r}: give the sizes of {} but one by name", text, ", ".join(unknown))
        if unknown:
            if axis.size % known:
                raise ShapeError("{!r}: {} does not divide an axis of {}", text, known, axis.size)
            sizes[unknown[0]] = axis.size // known
        elif known != axis.size:
            raise ShapeError("{!r}: ({}) comes to {}, and the axis has {}", text, " ".join(names), known, axis.size)
    return sizes


def _made(pattern: Pattern, sizes: Mapping[str, int], x: Type, layout: str) -> Type:
    """The type that comes out."""
    axes = []
    for names in pattern.outputs:
        parts = [sizes[name] for name in names if name != "1"] if len(names) > 1 else [sizes[name] for name in names]
        axes.append(Axis(*(parts or [1])))
    if not axes:
        raise ShapeError("nothing is left, and a type has an axis at least")
    return Type(axes, x.dtype, _layout(pattern, x, layout))


def _layout(pattern: Pattern, x: Type, layout: str) -> Layout | None:
    """The layout that comes out: as it is said, of the same rank as before, or as the names say."""
    if layout:
        return layout  # type: ignore[return-value]
    single = tuple(names[0] if len(names) == 1 else "" for names in pattern.outputs)
    rank = len(pattern.outputs)
    if x.dtype == "int" or rank == x.rank:
        return x.layout if LAYOUTS[x.layout][0] in (None, rank) else None
    if single == ("c", "h", "w"):
        return "image"
    if single == ("c", "l"):
        return "sequence"
    return "tensor" if rank >= 3 else None


def _given(sizes: str) -> dict[str, int]:
    """Sizes from their text: ``g=2, h=4``."""
    pairs = [part.partition("=") for part in sizes.replace(" ", "").split(",") if part]
    try:
        found = {name: int(value) for name, _, value in pairs}
    except ValueError:
        raise ShapeError("{!r} are no sizes: as in g=2, h=4", sizes) from None
    if any(value < 1 for value in found.values()):
        raise ShapeError("{!r}: sizes are whole numbers of at least 1", sizes)
    return found


class PatternOp(Primitive):
    """A primitive that takes sizes by the names of its pattern; in graphs they are one text."""

    def __call__(self, *values: Any, **keywords: Any) -> Any:
        known = {argument.name for argument in self.signature.arguments}
        sizes = {name: keywords.pop(name) for name in sorted(keywords) if name not in known}
        for name, size in sizes.items():
            if type(size) is not int:
                raise Misuse(f"{self.name} takes the size of {name}, a whole number, and {size!r} is none")
        if sizes:
            keywords["sizes"] = ", ".join(f"{name}={size}" for name, size in sizes.items())
        return super().__call__(*values, **keywords)

    def misfit(self, positional: int | None, keywords: Sequence[str]) -> str:
        known = {argument.name for argument in self.signature.arguments}
        return super().misfit(positional, [name for name in keywords if name in known])


def _plan(text: str, x: Type, sizes: str) -> tuple[Pattern, dict[str, int]]:
    pattern = read_pattern(text)
    given = _given(sizes)
    unknown = next((name for name in given if name not in pattern.names), None)
    if unknown is not None:
        raise Misuse(f"{unknown} is no axis of {text!r}", did_you_mean(unknown, pattern.names))
    return pattern, _sizes(pattern, x, given, text)


def _rearranging(x: Type, pattern: str, sizes: str, layout: str) -> Any:
    plan, known = _plan(pattern, x, sizes)
    split = [known[name] for name in plan.names]
    names = list(plan.names)
    order = [names.index(name) for axis in plan.outputs for name in axis if name != "1"]
    order += [place for place in range(len(names)) if place not in order]  # axes of size 1 that go
    order = [0, *(place + 1 for place in order)]
    made = _made(plan, known, x, layout).sizes

    def rearranged(t: Any) -> Any:
        return t.reshape(t.shape[0], *split).permute(*order).reshape(t.shape[0], *made)

    return rearranged


@primitive(kind=PatternOp, torch=_rearranging, zero="zeros")
def rearrange(x: Type, pattern: str, sizes: str = "", layout: str = "") -> Type:
    """The numbers in another order and other axes: ``rearrange(x, "(g c) h w -> (c g) h w", g=2)``."""
    plan, known = _plan(pattern, x, sizes)
    made = {name for axis in plan.outputs for name in axis}
    lost = next((name for name in plan.names if name not in made and known[name] != 1), None)
    if lost is not None:
        raise ShapeError("{!r} loses the axis {} of {}: reduce it", pattern, lost, known[lost])
    return _made(plan, known, x, layout)


def _reducing(x: Type, pattern: str, reduction: str, sizes: str, layout: str) -> Any:
    plan, known = _plan(pattern, x, sizes)
    split = [known[name] for name in plan.names]
    names = list(plan.names)
    kept = [name for axis in plan.outputs for name in axis if name != "1"]
    gone = tuple(place + 1 for place, name in enumerate(names) if name not in kept)
    rest = [name for name in names if name in kept]
    order = [0, *(rest.index(name) + 1 for name in kept)]
    made = _made(plan, known, x, layout).sizes
    method = {"max": "amax", "min": "amin"}.get(reduction, reduction)

    def reduced(t: Any) -> Any:
        t = t.reshape(t.shape[0], *split)
        t = getattr(t, method)(dim=gone) if gone else t
        return t.permute(*order).reshape(t.shape[0], *made)

    return reduced


@primitive(kind=PatternOp, torch=_reducing)
def reduce(x: Type, pattern: str, reduction: str = "mean", sizes: str = "", layout: str = "") -> Type:
    """Axes that are missing on the right are reduced: ``reduce(x, "c h w -> c", "mean")``; mean, max, min or sum."""
    if reduction not in _REDUCTIONS:
        raise Misuse(f"{reduction!r} is no reduction", f"known are {', '.join(_REDUCTIONS)}")
    if x.dtype != "float":
        raise ShapeError("it computes with floats, not with whole numbers")
    plan, known = _plan(pattern, x, sizes)
    return _made(plan, known, x, layout)
