"""Values of all copies of a body in one tensor.

A *stack* is what the copies have at one place: (copies, *sizes), of the layout tensor. It is a matter of strides where
they lie in memory. Copies are an axis of the type, at the place ``at``, from 0: it is 0 but for copies within copies.
"""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import Primitive, primitive
from einspec.types import Axis, Type, interned, parse_type

torch: Any = LazyModule("torch")


def stack_of(kind: Type, copies: int) -> Type:
    """The type of so many copies of a type in one tensor."""
    return interned((Axis(copies), *kind.axes), kind.dtype, "tensor")


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


@primitive(torch=lambda x, axis, copies, at: lambda t: _moved(t.unflatten(axis + 1, (copies, -1)), axis, at))
def split_stack(x: Type, axis: int, copies: int, at: int) -> Type:
    """An axis, from 0, in equal parts, one for each copy: (n a, ...) -> (n, a, ...)."""
    if x.sizes[axis] % copies:
        raise ShapeError(f"{copies} copies do not divide axis {axis}")
    return _inserted(x.with_axis(axis, x.sizes[axis] // copies), copies, at)


@primitive(torch=lambda x, at, axis, kind: lambda t: _moved(t, at, axis).flatten(axis + 1, axis + 2))
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


def _moved(t: Any, axis: int, to: int) -> Any:
    """A tensor with an axis, counted without the batch, at another place."""
    return t if axis == to else t.movedim(axis + 1, to + 1)


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


def _plain(sizes: tuple[int, ...], like: Type) -> Type:
    return Type(sizes, like.dtype, "tensor")
