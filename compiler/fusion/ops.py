"""The primitives that only fused graphs have: larger ones of torch's, and values of several copies in one tensor.

A *stack* is what all copies of a body have at one place: (copies, *sizes), a tensor type. It is a matter of strides
where the copies lie in memory.
"""

from __future__ import annotations

import math
from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import Primitive, primitive
from einspec.ops.library.merge import merged
from einspec.ops.library.tensor import require_float, window
from einspec.types import Axis, Type, interned, parse_type

torch: Any = LazyModule("torch")
functional: Any = LazyModule("torch.nn.functional")
modules: Any = LazyModule("einspec.compiler.modules")


def stack_of(kind: Type, copies: int) -> Type:
    """The type of so many copies of a type in one tensor."""
    return interned((Axis(copies), *kind.axes), kind.dtype, "tensor")


def _plain(sizes: tuple[int, ...], like: Type) -> Type:
    return Type(sizes, like.dtype, "tensor")


# --- larger ops ---


def _slide(x: Type, channels: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> Type:
    """An image after windows have slid over it; a stack of images as such."""
    *before, _, height, width = x.sizes
    rows = window(height, kernel, stride, padding, dilation)
    columns = window(width, kernel, stride, padding, dilation)
    return Type((*before, channels, rows, columns), x.dtype, x.layout)


def _patch_macs(x: Type, width: int, kernel: int, stride: int, padding: int) -> int:
    return _slide(x, width, kernel, stride, padding).elements * x.sizes[-3] * kernel * kernel


@primitive(
    torch=lambda x, width, kernel, stride, padding: modules.PatchConv2d(x.channels, width, kernel, stride, padding),
    params=lambda x, width, kernel, stride, padding: {
        "weight": (width, x.channels * kernel * kernel),
        "bias": (width,),
    },
    macs=_patch_macs,
    owns_parameters=True,
)
def patch_conv(x: Type, width: int, kernel: int, stride: int, padding: int) -> Type:
    """A convolution with the weights of a linear layer over patches: (c, h, w) -> (width, h', w')."""
    require_float(x)
    if x.layout != "image":
        raise ShapeError("a window slides over an image (c, h, w)")
    return _slide(x, width, kernel, stride, padding)


@primitive(torch=lambda x: lambda t: t.flatten(-2).transpose(-2, -1).contiguous())
def rows(x: Type) -> Type:
    """The pixels of images as rows: (..., d, h, w) -> (..., (h w), d)."""
    *before, channels, height, width = x.axes
    layout = "matrix" if x.rank == 3 else x.layout
    return interned((*before, Axis(height.size, width.size), Axis(channels.size)), x.dtype, layout)


@primitive(torch=lambda x, height, width: lambda t: t.transpose(-2, -1).unflatten(-1, (height, width)))
def pixels(x: Type, height: int, width: int) -> Type:
    """Rows of a stack as the pixels of images: (..., height width, d) -> (..., d, height, width)."""
    *before, grid, channels = x.axes
    if grid.size != height * width:
        raise ShapeError(f"{height} times {width} rows are not {grid}")
    return interned((*before, Axis(channels.size), Axis(height), Axis(width)), x.dtype, x.layout)


def _attention(q: Type, k: Type, v: Type, is_scaled: bool) -> Any:
    scale = None if is_scaled else 1.0
    attend = functional.scaled_dot_product_attention
    if q.rank == 2:  # one head: torch's fast kernels want an axis of heads
        return lambda q, k, v: attend(q.unsqueeze(1), k.unsqueeze(1), v.unsqueeze(1), scale=scale).squeeze(1)
    if q.rank == 3:
        return lambda q, k, v: attend(q, k, v, scale=scale)
    heads = q.sizes[:-2]
    return lambda q, k, v: attend(q.flatten(1, -3), k.flatten(1, -3), v.flatten(1, -3), scale=scale).unflatten(1, heads)


@primitive(
    torch=_attention,
    macs=lambda q, k, v, is_scaled: (
        math.prod(q.sizes) * k.sizes[-2] + math.prod(q.sizes[:-1]) * math.prod(v.sizes[-2:])
    ),
)
def attention(q: Type, k: Type, v: Type, is_scaled: bool) -> Type:
    """softmax(q k^T) v, the product divided by sqrt(d) if scaled: (..., n, d), (..., m, d), (..., m, e) -> (..., n, e).

    Source: Vaswani et al., NeurIPS 2017 (arXiv:1706.03762), section 3.2.1.
    """
    if q.rank < 2 or len({q.rank, k.rank, v.rank}) > 1:
        raise ShapeError("queries, keys and values have one rank, of two axes or more")
    if q.sizes[-1] != k.sizes[-1] or k.sizes[-2] != v.sizes[-2]:
        raise ShapeError("queries have the size of keys, and there are as many keys as values")
    return interned((*merged((q, k, v), 0, -2), q.axes[-2], v.axes[-1]), q.dtype, q.layout)


# --- stacks ---
#
# Copies are an axis of the type, at the place ``at``, from 0: it is 0 but for copies within copies.


@primitive(torch=lambda x, copies, at: lambda t: t.unsqueeze(at + 1).expand(-1, *_inserted(x, copies, at).sizes))
def spread(x: Type, copies: int, at: int) -> Type:
    """The same for all copies, without one: (...) -> (copies, ...)."""
    return _inserted(x, copies, at)


@primitive(torch=lambda *xs, at: lambda *ts: torch.stack(ts, at + 1))
def stack(*xs: Type, at: int) -> Type:
    """Tensors of one size, one for each copy: (...), (...) -> (2, ...)."""
    if any(x.sizes != xs[0].sizes or x.dtype != xs[0].dtype for x in xs):
        raise ShapeError("the inputs differ in sizes or dtype")
    return _inserted(xs[0], len(xs), at)


@primitive(torch=lambda x, at, kind: lambda t: t.unbind(at + 1))
def unstack(x: Type, at: int, kind: str) -> tuple[Type, ...]:
    """What each copy has, of a type that is given as text: (copies, ...) -> copies times (...)."""
    return (_without(x, at, kind),) * x.sizes[at]


@primitive(torch=lambda x, axis, copies, at: lambda t: t.unflatten(axis + 1, (copies, -1)).movedim(axis + 1, at + 1))
def split_stack(x: Type, axis: int, copies: int, at: int) -> Type:
    """An axis, from 0, in equal parts, one for each copy: (n a, ...) -> (n, a, ...)."""
    if x.sizes[axis] % copies:
        raise ShapeError(f"{copies} copies do not divide axis {axis}")
    return _inserted(x.with_axis(axis, x.sizes[axis] // copies), copies, at)


@primitive(torch=lambda x, at, axis, kind: lambda t: t.movedim(at + 1, axis + 1).flatten(axis + 1, axis + 2))
def join_stack(x: Type, at: int, axis: int, kind: str) -> Type:
    """All copies joined along an axis of one, from 0, as a type that is given as text: (n, a, ...) -> (n a, ...)."""
    whole = parse_type(kind)
    sizes = [*x.sizes[:at], *x.sizes[at + 1 :]]
    sizes[axis] *= x.sizes[at]
    if whole.sizes != tuple(sizes):
        raise ShapeError(f"the copies joined have the sizes {tuple(sizes)}, not {whole.sizes}")
    return whole


@primitive(torch=lambda x, at, kind: lambda t: t.sum(at + 1, **({} if x.dtype == "float" else {"dtype": t.dtype})))
def sum_stack(x: Type, at: int, kind: str) -> Type:
    """The sum of all copies, as a type that is given as text: (copies, ...) -> (...)."""
    return _without(x, at, kind)


@primitive(torch=lambda x, at: lambda t: t.flatten(at + 1, at + 2))
def join_copies(x: Type, at: int) -> Type:
    """Copies of copies, counted through: (m, n, ...) -> (m n, ...)."""
    return _plain((*x.sizes[:at], x.sizes[at] * x.sizes[at + 1], *x.sizes[at + 2 :]), x)


@primitive(torch=lambda x, copies, at: lambda t: t.unflatten(at + 1, (copies, -1)))
def part_copies(x: Type, copies: int, at: int) -> Type:
    """Copies as copies of copies: (m n, ...) -> (m, n, ...)."""
    if x.sizes[at] % copies:
        raise ShapeError(f"{copies} copies do not divide {x.sizes[at]}")
    return _plain((*x.sizes[:at], copies, x.sizes[at] // copies, *x.sizes[at + 1 :]), x)


def _inserted(x: Type, copies: int, at: int) -> Type:
    return interned((*x.axes[:at], Axis(copies), *x.axes[at:]), x.dtype, "tensor")


def _without(x: Type, at: int, kind: str) -> Type:
    one = parse_type(kind)
    sizes = (*x.sizes[:at], *x.sizes[at + 1 :])
    if one.sizes != sizes:
        raise ShapeError(f"a copy has the sizes {sizes}, not {one.sizes}")
    return one


_folded: dict[object, Primitive] = {}


def folded(op: Primitive, args: tuple[Any, ...], kinds: tuple[Type, ...]) -> Primitive:
    """An op without weights over stacks, with its arguments and the types of one copy: copies are as many examples."""
    key = (op, repr(args), kinds)
    found = _folded.get(key)
    if found is None:
        if len(_folded) >= _MOST_FOLDED:
            _folded.clear()
        found = _folded[key] = _fold(op, args, kinds)
    return found


_MOST_FOLDED = 10_000
"""Ops that are remembered, so that equal ones are one; forgotten when there are more."""


def _fold(op: Primitive, args: tuple[Any, ...], kinds: tuple[Type, ...]) -> Primitive:
    outputs = op.infer(kinds, args, {})

    def rule(*xs: Type) -> Type | tuple[Type, ...]:
        copies = xs[0].sizes[0]
        return stack_of(outputs, copies) if isinstance(outputs, Type) else tuple(stack_of(y, copies) for y in outputs)

    def realised(*xs: Type) -> Any:
        compute, copies = op.realise(kinds, args, {}), xs[0].sizes[0]

        def run(*ts: Any) -> Any:
            found = compute(*(t.flatten(0, 1) for t in ts))
            if isinstance(outputs, Type):
                return found.unflatten(0, (-1, copies))
            return tuple(found[place].unflatten(0, (-1, copies)) for place in range(len(outputs)))

        return run

    def macs(*xs: Type) -> int:
        return xs[0].sizes[0] * op.macs(kinds, args, {})

    return primitive(rule, name=f"{op.name}_stack", torch=realised, macs=macs)  # type: ignore[no-any-return]


# --- layers of all copies ---


def _stack_only(x: Type, *args: Any) -> Any:
    raise AssertionError("its weights are a stack's, which is made with them")


def _linear_shapes(x: Type, groups: int, width: int) -> dict[str, tuple[int, ...]]:
    return {"weight": (groups * width, x.sizes[-1]), "bias": (groups * width,)}


@primitive(
    torch=_stack_only,
    params=lambda x, width: _linear_shapes(x, x.sizes[0], width),
    macs=lambda x, width: x.elements * width,
    owns_parameters=True,
)
def linear_stack(x: Type, width: int) -> Type:
    """A linear layer for each copy: (copies, ..., n) -> (copies, ..., width)."""
    return x.with_axis(-1, width)


@primitive(
    torch=_stack_only,
    params=lambda x, width: _linear_shapes(x, 1, width),
    macs=lambda x, width: x.elements * width,
    owns_parameters=True,
)
def linear_wide(x: Type, width: int) -> Type:
    """The linear layers of all copies on one input, their outputs side by side: (..., n) -> (..., width)."""
    return x.with_axis(-1, width)


def _sum_shapes(x: Type, groups: int, copies: int, kind: str) -> dict[str, tuple[int, ...]]:
    width = parse_type(kind).sizes[-1]
    return {"weight": (groups * width, x.sizes[-1]), "bias": (groups * copies * width,)}


def _summed(sizes: tuple[int, ...], kind: str) -> Type:
    one = parse_type(kind)
    if one.sizes[:-1] != sizes[:-1]:
        raise ShapeError(f"a sum of linear layers of {sizes} has no sizes {one.sizes}")
    return one


@primitive(
    torch=_stack_only,
    params=lambda x, copies, kind: _sum_shapes(x, 1, copies, kind),
    macs=lambda x, copies, kind: x.elements * parse_type(kind).sizes[-1],
    owns_parameters=True,
)
def linear_sum(x: Type, copies: int, kind: str) -> Type:
    """The sum of linear layers on inputs side by side, as a type that is given as text: (..., copies n) -> (..., m)."""
    return _summed(x.sizes, kind)


@primitive(
    torch=_stack_only,
    params=lambda x, copies, kind: _sum_shapes(x, x.sizes[0], copies, kind),
    macs=lambda x, copies, kind: x.elements * parse_type(kind).sizes[-1],
    owns_parameters=True,
)
def linear_sum_stack(x: Type, copies: int, kind: str) -> Type:
    """Sums of linear layers, one for each copy, whose type is given as text: (m, ..., copies n) -> (m, ...)."""
    return stack_of(_summed(x.sizes[1:], kind), x.sizes[0])


def _conv_macs(x: Type, width: int, kernel: int, stride: int, padding: int, dilation: int, groups: int) -> int:
    return _slide(x, width, kernel, stride, padding, dilation).elements * (x.sizes[-3] // groups) * kernel * kernel


@primitive(
    torch=_stack_only,
    params=lambda x, width, kernel, stride, padding, dilation, groups: {
        "weight": (x.sizes[0] * width, x.sizes[1] // groups, kernel, kernel)
    },
    macs=_conv_macs,
    owns_parameters=True,
)
def conv2d_stack(x: Type, width: int, kernel: int, stride: int, padding: int, dilation: int, groups: int) -> Type:
    """A convolution for each copy, as one grouped convolution: (copies, c, h, w) -> (copies, width, h', w')."""
    return _slide(x, width, kernel, stride, padding, dilation)


@primitive(
    torch=_stack_only,
    params=lambda x, width, kernel, stride, padding, dilation: {"weight": (width, x.sizes[0], kernel, kernel)},
    macs=lambda x, width, kernel, stride, padding, dilation: _conv_macs(x, width, kernel, stride, padding, dilation, 1),
    owns_parameters=True,
)
def conv2d_wide(x: Type, width: int, kernel: int, stride: int, padding: int, dilation: int) -> Type:
    """The convolutions of all copies on one input, their outputs side by side: (c, h, w) -> (width, h', w')."""
    return _slide(x, width, kernel, stride, padding, dilation)


@primitive(
    torch=_stack_only,
    params=lambda x, width, kernel, stride, padding: {
        "weight": (x.sizes[0] * width, x.sizes[1] * kernel * kernel),
        "bias": (x.sizes[0] * width,),
    },
    macs=_patch_macs,
    owns_parameters=True,
)
def patch_conv_stack(x: Type, width: int, kernel: int, stride: int, padding: int) -> Type:
    """A convolution over patches for each copy, as one grouped one: (copies, c, h, w) -> (copies, width, h', w')."""
    return _slide(x, width, kernel, stride, padding)


@primitive(
    torch=_stack_only,
    params=lambda x, width, kernel, stride, padding: {
        "weight": (width, x.sizes[0] * kernel * kernel),
        "bias": (width,),
    },
    macs=_patch_macs,
    owns_parameters=True,
)
def patch_conv_wide(x: Type, width: int, kernel: int, stride: int, padding: int) -> Type:
    """The convolutions over patches of all copies on one input: (c, h, w) -> (width, h', w')."""
    return _slide(x, width, kernel, stride, padding)


@primitive(
    torch=_stack_only,
    params=lambda x: {"weight": x.sizes[:2], "bias": x.sizes[:2]},
    owns_parameters=True,
    has_buffers=True,
)
def batch_norm_stack(x: Type) -> Type:
    """A batch norm for each copy, as one over all their channels: (copies, c, ...) -> (copies, c, ...)."""
    return x


@primitive(
    torch=_stack_only,
    params=lambda x: {"weight": (x.sizes[0], x.sizes[-1]), "bias": (x.sizes[0], x.sizes[-1])},
    owns_parameters=True,
)
def layer_norm_stack(x: Type) -> Type:
    """A layer norm for each copy: (copies, ..., d) -> (copies, ..., d)."""
    return x


@primitive(torch=_stack_only, params=lambda x: {"position": x.sizes}, owns_parameters=True)
def pos_stack(x: Type) -> Type:
    """Adds learnable tensors, one for each copy: (copies, ...) -> (copies, ...)."""
    return x


STACKED = frozenset(
    {linear_stack, linear_sum_stack, conv2d_stack, patch_conv_stack, batch_norm_stack, layer_norm_stack, pos_stack}
)
"""Layers whose input has a first axis of copies, each with weights of its own."""

# --- in place ---


@primitive(
    torch=lambda x, width, slope: modules.LinearRelu(x.sizes[-1], width, slope),
    params=lambda x, width, slope: _linear_shapes(x, 1, width),
    macs=lambda x, width, slope: x.elements * width,
    owns_parameters=True,
)
def linear_relu(x: Type, width: int, slope: float) -> Type:
    """A linear layer and max(y, slope y) of what it makes: (..., n) -> (..., width)."""
    return x.with_axis(-1, width)


@primitive(
    torch=_stack_only,
    params=lambda x, width, slope: _linear_shapes(x, 1, width),
    macs=lambda x, width, slope: x.elements * width,
    owns_parameters=True,
)
def linear_wide_relu(x: Type, width: int, slope: float) -> Type:
    """The linear layers of all copies on one input, and max(y, slope y) of what they make: (..., n) -> (..., width)."""
    return x.with_axis(-1, width)


@primitive(
    torch=lambda x, slope: lambda t: functional.leaky_relu(t, slope, inplace=True) if slope else t.relu_(),
    zero="zeros",
)
def leaky_relu_in_place(x: Type, slope: float) -> Type:
    """max(x, slope x), written over x, which nothing else reads."""
    return x


OF_COPIES = STACKED | {linear_wide, linear_wide_relu, linear_sum, conv2d_wide, patch_conv_wide}
"""Layers of all copies of a body, outside of it."""
