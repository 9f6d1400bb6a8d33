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
from einspec.lazy import LazyModule
from einspec.ops.control import Misuse
from einspec.ops.declare import Primitive, primitive
from einspec.text import did_you_mean
from einspec.types import LAYOUTS, Axis, Layout, Type

torch: Any = LazyModule("torch")

_SIDE = re.compile(r"\s*(?:\(([^()]*)\)|([^\s()]+))\s*")
_NAME = re.compile(r"[A-Za-z]\w*|1")
_LONGEST = 4_000
"""Characters of a pattern."""
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
    if len(sides) != 2 or len(text) > _LONGEST:
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
            raise Misuse(
                f"{pattern!r} is no pattern: its brackets do not close, or stand within others",
                "as in   (h w) d -> d h w",
            )
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
        if sizes and ("sizes" in keywords or len(values) > (self.takes or 1) + len(self._arguments) - 2):
            raise Misuse(f"{self.name} is given sizes by name and as a text", "write them by name")
        if sizes:
            keywords["sizes"] = ", ".join(f"{name}={size}" for name, size in sizes.items())
        return super().__call__(*values, **keywords)

    def misfit(self, positional: int | None, keywords: Sequence[str]) -> str:
        known = {argument.name for argument in self.signature.arguments}
        return super().misfit(positional, [name for name in keywords if name in known])


def planned(text: str, x: Type, sizes: str) -> tuple[Pattern, dict[str, int]]:
    """A pattern with the size of each part at a type; ``sizes`` as in ``g=2, h=4``. Raises ``Misuse``."""
    pattern = read_pattern(text)
    given = _given(sizes)
    unknown = next((name for name in given if name not in pattern.names), None)
    if unknown is not None:
        raise Misuse(f"{unknown} is no axis of {text!r}", did_you_mean(unknown, pattern.names))
    return pattern, _sizes(pattern, x, given, text)


def _split(plan: Pattern, x: Type, known: Mapping[str, int], given: Mapping[str, int]) -> Any:
    """The function that takes the axes of a tensor apart. A size that the type alone tells is left to torch."""

    def parted(t: Any) -> Any:
        for place in reversed(range(len(plan.inputs))):
            names = plan.inputs[place]
            if not names:
                t = t.squeeze(place + 1)
            elif len(names) > 1:
                told = [name for name in names if name not in given and name != "1"]
                sizes = [-1 if len(told) == 1 and name == told[0] else known[name] for name in names]
                t = t.unflatten(place + 1, sizes)
        return t

    return parted


def _joined(plan: Pattern) -> Any:
    """The function that puts parts, which stand in the order of the output, together."""

    def joined(t: Any) -> Any:
        place = 1
        for names in plan.outputs:
            parts = [name for name in names if name != "1"]
            if not parts:
                t = t.unsqueeze(place)
            elif len(parts) > 1:
                t = t.flatten(place, place + len(parts) - 1)
            place += 1
        return t

    return joined


def _permuted(names: Sequence[str], plan: Pattern) -> Any:
    """The function that brings parts into the order of the output; those that are left have the size 1 and go."""
    wanted = [name for axis in plan.outputs for name in axis if name != "1"]
    order = [names.index(name) for name in wanted]
    left = [place for place in range(len(names)) if place not in order]
    axes = [0, *(place + 1 for place in (*order, *left))]

    def permuted(t: Any) -> Any:
        t = t if axes == sorted(axes) else t.permute(*axes)
        for _ in left:
            t = t.squeeze(-1)
        return t

    return permuted


def _rearranging(x: Type, pattern: str, sizes: str, layout: str) -> Any:
    plan, known = planned(pattern, x, sizes)
    parted, permuted, joined = _split(plan, x, known, _given(sizes)), _permuted(plan.names, plan), _joined(plan)
    return lambda t: joined(permuted(parted(t)))


@primitive(kind=PatternOp, torch=_rearranging, zero="zeros", keeps_nonnegative=True)
def rearrange(x: Type, pattern: str, sizes: str = "", layout: str = "") -> Type:
    """The numbers in another order and other axes: ``rearrange(x, "(g c) h w -> (c g) h w", g=2)``.

    Of the same rank it has the layout of x; else ``c h w`` is an image, ``c l`` a sequence, and what else has three
    axes or more a tensor. ``layout`` (image, matrix, sequence, vector, tensor) says it outright.
    """
    plan, known = planned(pattern, x, sizes)
    made = {name for axis in plan.outputs for name in axis}
    lost = next((name for name in plan.names if name not in made and known[name] != 1), None)
    if lost is not None:
        raise ShapeError("{!r} loses the axis {} of {}: reduce it", pattern, lost, known[lost])
    return _made(plan, known, x, layout)


def _reducing(x: Type, pattern: str, reduction: str, sizes: str, layout: str) -> Any:
    plan, known = planned(pattern, x, sizes)
    kept = {name for axis in plan.outputs for name in axis}
    gone = tuple(place + 1 for place, name in enumerate(plan.names) if name not in kept)
    parted, joined = _split(plan, x, known, _given(sizes)), _joined(plan)
    permuted = _permuted([name for name in plan.names if name in kept], plan)
    method = {"max": "amax", "min": "amin"}.get(reduction, reduction)

    def reduced(t: Any) -> Any:
        t = parted(t)
        return joined(permuted(getattr(t, method)(dim=gone) if gone else t))

    return reduced


@primitive(kind=PatternOp, torch=_reducing, zero="zeros", keeps_nonnegative=True)
def reduce(x: Type, pattern: str, reduction: str = "mean", sizes: str = "", layout: str = "") -> Type:
    """Axes that are missing on the right are reduced: ``reduce(x, "c h w -> c", "mean")``; mean, max, min or sum."""
    if reduction not in _REDUCTIONS:
        raise Misuse(f"{reduction!r} is no reduction", f"known are {', '.join(_REDUCTIONS)}")
    if x.dtype != "float":
        raise ShapeError("it computes with floats, not with whole numbers")
    plan, known = planned(pattern, x, sizes)
    return _made(plan, known, x, layout)


def einsum_axes(text: str, count: int) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """The axes of each input and of the output. Raises ``Misuse``."""
    left, arrow, right = text.partition("->")
    inputs = tuple(tuple(part.split()) for part in left.split(","))
    names = {name for axes in inputs for name in axes}
    output = tuple(right.split())
    if not arrow or any(not re.fullmatch(r"[A-Za-z]\w*", name) for name in (*names, *output)) or len(text) > 200:
        raise Misuse(f"{text!r} is no pattern", 'as in   "l e, m e -> l m"')
    if len(inputs) != count:
        raise Misuse(f"{text!r} is of {len(inputs)} inputs, and {count} are given", "separate them with commas")
    if len(set(output)) != len(output) or not output or set(output) - names or len(names) > 20:
        raise Misuse(f"{text!r} is no pattern: what stands on its right are axes of its left, each once")
    return inputs, output


def _einsum_sizes(xs: tuple[Type, ...], pattern: str) -> tuple[dict[str, int], tuple[str, ...]]:
    inputs, output = einsum_axes(pattern, len(xs))
    sizes: dict[str, int] = {}
    for x, names in zip(xs, inputs, strict=True):
        if x.dtype != "float":
            raise ShapeError("it computes with floats, not with whole numbers")
        if len(set(names)) != len(names):
            raise ShapeError("{!r} names an axis twice: take a diagonal by other means", " ".join(names))
        if x.rank != len(names):
            raise ShapeError("{!r} has {} axes, and this has {}", " ".join(names), len(names), x.rank)
        for name, size in zip(names, x.sizes, strict=True):
            if sizes.setdefault(name, size) != size:
                raise ShapeError("{} is {} and {}", name, sizes[name], size)
    return sizes, output


def _einsum(*xs: Type, pattern: str) -> Any:
    inputs, output = einsum_axes(pattern, len(xs))
    letters: dict[str, str] = {}
    for name in (name for axes in inputs for name in axes):
        letters.setdefault(name, chr(ord("a") + len(letters)))
    sides = [*inputs, output]
    words = ["z" + "".join(letters[name] for name in axes) for axes in sides]
    equation = f"{','.join(words[:-1])}->{words[-1]}"
    return lambda *ts: torch.einsum(equation, *ts)


@primitive(
    torch=_einsum,
    macs=lambda *xs, pattern: math.prod(_einsum_sizes(xs, pattern)[0].values()) if len(xs) == 2 else 0,
    zero="zeros",
    keeps_nonnegative=True,
)
def einsum(*xs: Type, pattern: str) -> Type:
    """Products of one or two tensors, summed over the axes that are missing on the right: ``einsum(q, k,
    pattern="h l e, h m e -> h l m")``.
    """
    if len(xs) > 2:
        raise ShapeError("of one or two tensors: write several, one after the other")
    sizes, output = _einsum_sizes(xs, pattern)
    axes = [Axis(sizes[name]) for name in output]
    layout = xs[0].layout if len(axes) == xs[0].rank else "tensor" if len(axes) > 2 else None
    return Type(axes, "float", layout)
