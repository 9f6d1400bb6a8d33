"""What a combinator may do with its children besides calling them: tie, each, let.

A child is one derivation, however often it is called: the first call draws it, every later call
replays it, possibly at other types. Each call has weights of its own unless the child is tied.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from einspec.arguments import wrong
from einspec.errors import ShapeError
from einspec.types import Type

Value = Any
"""What flows between ops: a ``Type``, a value of a graph, or a tensor with its type. A combinator is run
over all three, reads ``.axes``, ``.layout`` and ``.dtype`` of each, and must not ask which one it has."""


class Flowing:
    """A value of a graph, or a tensor with its type: what primitives are applied to besides types.

    An abstract class without a metaclass: whether something is one is asked at every call of an op.
    """

    __slots__ = ()
    type: Type
    """Its type."""

    def apply(self, op: Any, inputs: tuple[Any, ...], args: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        """What ``op(value, ...)`` means for it; ``inputs`` are all inputs, this value the first of them."""
        raise NotImplementedError


def is_value(value: object) -> bool:
    """Whether something flows between ops: a type, a value of a graph, a tensor with its type."""
    return type(value) is Type or isinstance(value, Flowing)


def is_number(value: object) -> bool:
    """Whether something is a number, or a tuple of such, however deep: what a child may give instead of values."""
    if isinstance(value, tuple):
        return all(map(is_number, value))
    return isinstance(value, (int, float)) and math.isfinite(value)


class Misuse(TypeError):
    """A mistake of who wrote an op: values where numbers are needed, the reverse, or calls that nothing takes.

    ``Misuse(message, advice)``: what to do about it is said where the place in a file is known.
    """

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def advice(self) -> str:
        """What to do about it; nothing where the message says all."""
        return str(self.args[1]) if len(self.args) > 1 else ""


class Stop(Exception):
    """Ends an evaluation from within, as at a limit: no error of an op, and none of its business."""


class Child:
    """A child of a combinator: call it with values and it returns what its derivation makes of them.

    Keywords are attributes: immutable named values that every op below can read. Abstract, without a metaclass: see
    :class:`Flowing`.
    """

    __slots__ = ()

    def __call__(self, *inputs: Value, **attributes: object) -> Value:
        """One output value, or the tuple of several."""
        raise NotImplementedError

    def tied(self) -> Child:
        """The same derivation with one set of weights for all its calls."""
        raise NotImplementedError

    def note_bound(self) -> None:
        """It stands for a name now, so that what is drawn below decides whether it is ever called."""
        return

    def __iter__(self) -> Iterator[Child]:
        raise ShapeError(
            "one child of the grammar stands where the op takes a tuple: repeat it, as in   layer*   or   layer~1"
        )

    def each(self, values: Iterable[Value]) -> tuple[Value, ...]:
        """One call per value, with weights of its own each."""
        return tuple(self(*value) if isinstance(value, tuple) else self(value) for value in values)


class Children(tuple[Any, ...]):
    """A repetition of the grammar, as an op gets it: a tuple. Used as if it were one child, it says so."""

    __slots__ = ()

    def __call__(self, *inputs: Value, **attributes: object) -> Value:
        raise self.misuse()

    def tied(self) -> Child:
        """A tuple of children cannot be tied; its elements can."""
        raise self.misuse()

    def each(self, values: Iterable[Value]) -> tuple[Value, ...]:
        """A tuple of children cannot be called; its elements can."""
        raise self.misuse()

    def misuse(self) -> ShapeError:
        """The error for a tuple that stands where one child does."""
        return ShapeError(
            f"a repetition of the grammar arrives as a tuple, here of {len(self)}, and the op takes it for one child: "
            "repeat it with an op of your own that loops over it"
        )


def _there(child: Child | None) -> Child:
    """The child. Raises ``ShapeError`` for one that the grammar leaves out."""
    if child is None:
        raise ShapeError("a child that the grammar leaves out is None, and the op takes it for one that is there")
    return child


def _wrong(child: object) -> TypeError:
    return wrong("child", child, "a child of a combinator")


def tie(child: Child) -> Child:
    """The child with one set of weights for all calls made through the returned handle.

    A tied child that is called at types which would need other weights is a ``ShapeError``.
    """
    try:
        return _there(child).tied()
    except AttributeError:
        if not isinstance(child, (Child, Children)):
            raise _wrong(child) from None
        raise


def each(child: Child, values: Iterable[Value]) -> tuple[Value, ...]:
    """Calls the child once per value; a value may be a tuple of several inputs.

    Calls at one type stay folded in the graph as one replica node with a body and a count, so that
    nested replicas are never written out. The weights are separate unless the child is tied.
    """
    if isinstance(values, Type):
        raise ShapeError(f"several values are expected where there is one: {values}")
    try:
        return _there(child).each(values)
    except AttributeError:
        if not isinstance(child, (Child, Children)):
            raise _wrong(child) from None
        raise


def scan(cell: Child, values: Iterable[Value], *state: Value) -> tuple[Value, ...]:
    """Calls a cell for one value after the other, ``cell(value, *state)``, with one set of weights.

    What it returns is the state of the next call: as many values as ``state`` has. Returns the first of them after each
    call, as recurrent layers give their outputs.
    """
    if isinstance(values, Type):
        raise ShapeError(f"several values are expected where there is one: {values}; take it apart with unbind")
    body = tie(cell)
    found = []
    for value in values:
        made = body(*(value if isinstance(value, tuple) else (value,)), *state)
        made = made if isinstance(made, tuple) else (made,)
        if len(made) != len(state):
            raise ShapeError(f"its cell is given a state of {len(state)} values, and returns {len(made)}")
        for before, after in zip(state, made, strict=True):
            kinds = [getattr(value, "type", value) for value in (before, after)]
            if kinds[0].sizes != kinds[1].sizes:
                raise ShapeError(f"the state of a scan stays as it is, and its cell makes {kinds[1]} of {kinds[0]}")
        state = made
        found.append(state[0])
    return tuple(found)


class Binding:
    """A child below which a name is bound; called as the child is."""

    __slots__ = ("_body", "_bound")

    def __init__(self, body: Child, bound: dict[str, Child]):
        self._body = body
        self._bound = bound

    def __call__(self, *inputs: Value, **attributes: object) -> Value:
        """What the child makes of the inputs."""
        return self._body(*inputs, **attributes, **self._bound)


def let(cell: Child, body: Child, name: str = "use") -> Binding:
    """Binds a derivation: below ``body``, every op that reads the attribute ``name`` can call ``cell``.

    Returns a callable that runs ``body``. The library's op ``use`` reads ``use``. A bound cell sees
    the attributes of the place that calls it, and the bindings of the place that bound it.
    """
    return Binding(_there(body), {name: _there(cell)})


def refuse(why: str) -> NoReturn:
    """Says that the op does not apply, with a reason that messages give. Raises ``ShapeError``."""
    raise ShapeError(why)
