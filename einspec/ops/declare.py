"""Declarations of ops: a *primitive* has a type rule, a *combinator* wires its children.

Each is one object under the name that productions call it by, and is itself callable: over types, over
values of a graph and over tensors. Which of them it is run over, it sees from the values it is given.
"""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar, overload

from einspec.arguments import expect_text
from einspec.errors import ShapeError
from einspec.ops.control import Flowing, Misuse, Stop, Value
from einspec.ops.signature import REQUIRED, Signature, read_signature
from einspec.text import did_you_mean, listing, plural
from einspec.types import Type

Inputs = tuple[Type, ...]
Outputs = Type | tuple[Type, ...]
"""What an op gives. The children of a combinator may give numbers instead, or besides; they are no types."""
Shapes = Mapping[str, tuple[int, ...]]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Laws:
    """What simplification, identity and fusion may rely on. A law that does not hold is a bug of the op."""

    owns_parameters: bool = False
    """Each use has weights of its own: two uses are never merged."""
    has_buffers: bool = False
    """Keeps state between calls (running statistics): never merged either."""
    random: bool = False
    """Two calls on one input may differ."""
    pointwise: bool = False
    """Each output number depends on the input numbers at the same place only, and in the same way at every place:
    permuting the axes before it or after it is the same."""
    commutative: bool = False
    """The order of the inputs does not matter."""
    associative: bool = False
    """f(f(a, b), c) = f(a, f(b, c)) = f(a, b, c)."""
    zero: str | None = None
    """``"zeros"`` where zeros as one input make every output zeros."""
    zero_unless: str | None = None
    """An argument that takes this away where it is true, as a bias does."""
    identity: str | None = None
    """``"zeros"`` where zeros as one of several inputs change nothing."""
    multiple: str | None = None
    """The name of the primitive (x, n) that is f(x, ..., x) with n times x, for a commutative associative f."""
    nonnegative: bool = False
    """No output number is below 0."""
    nonnegative_unless: str | None = None
    """An argument where that is so unless it is true, as the slope of a leaky ReLU is."""
    keeps_nonnegative: bool = False
    """No output number is below 0 where no input number is, and no number among its arguments."""
    keeps_at_nonnegative: bool = False
    """Its output is its input where no number of that is below 0, with the same gradient."""
    along: str | None = None
    """``"last"`` or ``"first"``: it acts along that axis, in the same way at every place of all others, so that these
    may be moved before it or after it."""
    blind_on_one: bool = False
    """Along an axis of one place it makes the same whatever it is given, as softmax makes ones."""
    homogeneous: bool = False
    """f(n x) = n f(x) for a number n above 0."""
    same_for_all: bool = False
    """Its output is the same for all examples, and the batch axis of that is 1."""
    permutes: bool = False
    """It permutes the axes of its input: its one argument is their order as digits, ``"213"``."""
    splits: bool = False
    """It splits its input along an axis into equal parts, in order: its arguments are (parts, axis), axes from 1."""
    concatenates: bool = False
    """It concatenates its inputs along an axis: its one argument is that axis, from 1. Associative too."""

    def declared(self) -> dict[str, Any]:
        """The laws that differ from an op without any."""
        values = {name.name: getattr(self, name.name) for name in fields(self)}
        return {name: value for name, value in values.items() if value}


def has_negative(args: tuple[Any, ...]) -> bool:
    """Whether a number among arguments is below 0, as in -2 x."""
    return any(isinstance(value, (int, float)) and value < 0 for value in args)


_REMEMBERED = 5_000
"""Outputs kept per primitive; emptied when full, so that memory is bounded."""


class _Op:
    """What primitives and combinators share: a name, a function and what its signature says."""

    def __init__(self, function: Callable[..., Any], name: str | None, signature: Signature):
        self.function = function
        self.name = name or function.__name__
        self.signature = signature
        self.required = frozenset(a.name for a in signature.attributes if a.required)
        self.reads = tuple(a.name for a in signature.attributes)
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__
        self.__qualname__ = function.__qualname__

    def text(self, args: tuple[Any, ...]) -> str:
        """The op with its arguments, as messages and drawings show it."""
        return f"{self.name}({','.join(map(str, args))})" if args else self.name

    def __reduce__(self) -> str:
        return self.__qualname__  # pickled by reference, like the function it was made from

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.name}{self.signature}>"


class Primitive(_Op):
    """An op with a type rule; see :func:`primitive`."""

    def __init__(
        self,
        rule: Callable[..., Outputs],
        name: str | None,
        inputs: int | None,
        torch: Callable[..., Any] | None,
        params: Callable[..., int | Shapes] | None,
        macs: Callable[..., int] | None,
        laws: Laws,
    ):
        super().__init__(rule, name, read_signature(rule, inputs, has_children=False))
        if laws.owns_parameters and params is None:
            raise TypeError(f"{self.name} owns parameters: say how many with params=, as a function of its types")
        if params is not None:
            laws = replace(laws, owns_parameters=True)
        _check_declaration(self.name, laws)
        self._arguments = own = self.own_signature.arguments
        self._defaults = tuple(argument.default for argument in own)
        self._attributes = frozenset(self.reads)
        self._least = sum(argument.is_required for argument in own)
        self._argument_names = tuple(argument.name for argument in own)
        self._argument_types = tuple(argument.python_type for argument in own)
        self._floats = tuple(place for place, kind in enumerate(self._argument_types) if kind is float)
        self._inferred: dict[tuple[Inputs, tuple[Any, ...]], Outputs] = {}
        self.takes = self.signature.inputs
        self.torch = torch
        self.laws = laws
        self._params = params
        self._macs = macs
        self.has_slot = laws.owns_parameters or laws.has_buffers

    @property
    def own_signature(self) -> Signature:
        """With the arguments that nodes of graphs have: all that calls and productions give, unless :meth:`settled`
        takes one away.
        """
        return self.signature

    def settled(self, args: tuple[Any, ...]) -> tuple[Primitive, tuple[Any, ...]]:
        """The primitive that a production with these arguments means, and its own arguments."""
        return self, args

    def argument(self, name: str, args: tuple[Any, ...]) -> Any:
        """The value of an argument of a node among all of them."""
        return args[self._argument_names.index(name)]

    def __call__(self, *values: Value, **keywords: Any) -> Value:
        """Applies the op to values; arguments follow the inputs, attributes go by keyword."""
        count = self.takes
        inputs, args = (values, ()) if count is None else (values[:count], values[count:])
        given = len(args)
        if given < len(self._argument_types):
            if keywords:
                rest = [keywords.pop(argument.name, argument.default) for argument in self._arguments[given:]]
                args += tuple([value for value in rest if value is not REQUIRED])
            elif given >= self._least:
                args += self._defaults[given:]
        if not inputs or len(args) != len(self._argument_types):
            named = [argument.name for argument in self.signature.arguments if self.signature.inputs is None]
            advice = f"; after any number of inputs, write {listing(named, 'and')} by name" if named else ""
            raise Misuse(f"{self.name} is called as {self.name}{self.signature}{advice}")
        for value in inputs:
            if type(value) is not Type and not isinstance(value, Flowing):
                raise self._no_input(value, args)
        if args and tuple(map(type, args)) != self._argument_types:
            args = self._exact(args)
        for place in self._floats:
            if args[place] is not None and args[place] - args[place] != 0.0:  # infinite, or no number
                self._exact(args)
        if keywords and not self._attributes.issuperset(keywords):
            name = next(name for name in keywords if name not in self._attributes)
            twice = name in self._argument_names
            raise Misuse(f"{self.name} {f'is given {name} twice' if twice else f'has no argument {name}'}")
        if type(inputs[0]) is not Type:
            return inputs[0].apply(self, inputs, args, keywords)
        return self.infer(inputs, args, keywords) if keywords else self.known(inputs, args)

    def known(self, inputs: tuple[Type, ...], args: tuple[Any, ...]) -> Outputs:
        """As :meth:`infer` without attributes, remembered: combinators call ops at few types, again and again.

        ``args`` are in the types that they are declared with, so that equal ones are the same.
        """
        key = inputs, args
        found = self._inferred.get(key)
        if found is None:
            found = self.infer(inputs, args, {})
            if len(self._inferred) >= _REMEMBERED:
                self._inferred.clear()
            self._inferred[key] = found
        return found

    def misfit(self, positional: int | None, keywords: Sequence[str]) -> str:
        """What is wrong with a call of so many values and these names; nothing where it fits, as far as can be seen.

        ``positional`` is None where their number is not known.
        """
        arguments = [argument.name for argument in self.signature.arguments]
        known = (*arguments, *self.reads)
        unknown = next((name for name in keywords if name not in known), None)
        if unknown is not None:
            hint = did_you_mean(unknown, known)
            return f"has no argument {unknown}" + (f"; {hint}" if hint else "")
        if positional is None:
            return ""
        count = self.signature.inputs
        if positional < (count or 1):
            return f"takes {plural(count, 'input') if count else 'at least one input'}, and is given {positional}"
        given = [] if count is None else arguments[: positional - count]
        if count is not None and positional - count > len(arguments):
            wanted = f"{plural(count, 'input')} and {plural(len(arguments), 'argument')}"
            return f"takes {wanted}, and is given {positional} values"
        for name in keywords:
            if name in given:
                return f"is given {name} twice"
        for argument in self.signature.arguments:
            if argument.is_required and argument.name not in (*given, *keywords):
                return f"is called without {argument.name}"
        missing = sorted(self.required.difference(keywords))
        return f"is called without the attribute {missing[0]}" if missing else ""

    def _no_input(self, value: object, args: tuple[Any, ...]) -> Exception:
        if isinstance(value, tuple):
            return ShapeError(f"{self.text(args)} is given {plural(len(value), 'value')} as one input")
        return Misuse(f"{self.name} is given {value!r} as an input: expected a value that flows between ops")

    def _exact(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Arguments in the types that they are declared with: 0 for a float is 0.0, True is no whole number."""
        try:
            return tuple(
                argument.exact(value) for argument, value in zip(self.own_signature.arguments, args, strict=True)
            )
        except ValueError as error:
            raise Misuse(f"{self.name} {error}") from None

    def infer(self, inputs: tuple[Type, ...], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> Outputs:
        """The output types. Raises ``ShapeError`` with all input types when the op does not accept them."""
        count = self.signature.inputs
        if count is not None and len(inputs) != count:
            raise _refusal(f"{self.text(args)} takes {plural(count, 'input')}, not {len(inputs)}: {_types(inputs)}")
        try:
            return self._outputs(inputs, args, attributes)
        except ShapeError as error:
            raise _refusal(f"{self.text(args)} does not accept {_types(inputs)}: {error}") from None

    def accept(self, inputs: tuple[Type, ...], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> Outputs | None:
        """The output types, or None where :meth:`infer` would raise: no message is made that nobody reads."""
        if self.signature.inputs is not None and len(inputs) != self.signature.inputs:
            return None
        try:
            return self._outputs(inputs, args, attributes)
        except ShapeError:
            return None

    def _outputs(self, inputs: tuple[Type, ...], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> Outputs:
        try:
            outputs: Outputs = self._call(self.function, inputs, args, attributes)
        except ShapeError:
            raise
        except Exception as error:
            if isinstance(error, (ValueError, TypeError)) and _is_mismatch(error, self.function, args):
                raise ShapeError(str(error)) from None  # as in c, n = x.axes, where x is no matrix
            error.add_note(f"raised by the type rule of {self.text(args)} at {_types(inputs)}")
            raise
        if type(outputs) is Type or (
            isinstance(outputs, tuple) and outputs and all(isinstance(kind, Type) for kind in outputs)
        ):
            return outputs
        raise TypeError(f"the type rule of {self.name} returned {outputs!r}: expected a Type or a tuple of them")

    def shapes(self, inputs: tuple[Type, ...], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> Shapes | int:
        """Shapes of the parameters by name, or their number where the declaration gives only that."""
        return self._call(self._params, inputs, args, attributes) if self._params else 0

    def macs(self, inputs: tuple[Type, ...], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> int:
        """Multiply-accumulates for one example."""
        return self._call(self._macs, inputs, args, attributes) if self._macs else 0

    def realise(self, inputs: tuple[Type, ...], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        """The torch module, or the function of tensors, that computes the op at these types."""
        assert self.torch is not None, f"{self.name} has no torch realisation"
        return self._call(self.torch, inputs, args, attributes)

    def _call(
        self,
        function: Callable[..., Any],
        inputs: tuple[Any, ...],
        args: tuple[Any, ...],
        attributes: Mapping[str, Any],
    ) -> Any:
        if self.signature.inputs is None and args:
            return function(*inputs, **dict(zip(self._argument_names, args, strict=True)), **attributes)
        return function(*inputs, *args, **attributes)


_OF_FUNCTIONS = ("associative", "identity", "multiple", "permutes", "splits", "concatenates")
"""Laws by which nodes are joined and taken apart: a node with weights, state or chance is one of its own."""


def _check_declaration(name: str, laws: Laws) -> None:
    """Raises ``TypeError`` for a name that no text could hold, and for laws that mean nothing."""
    expect_text("name", name, "the name of an op")
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:  # as Python reads names
        raise TypeError(f"name={name!r}: expected a name as Python has them, of letters, digits and _")
    if laws.along not in (None, "last", "first"):
        raise TypeError(f"{name}: along={laws.along!r}: expected 'last' or 'first', or nothing")
    if laws.blind_on_one and laws.along is None:
        raise TypeError(f"{name}: blind_on_one speaks of the axis that along= names: give that too")
    for law, known in (("zero", "zeros"), ("identity", "zeros"), ("multiple", "times")):
        if getattr(laws, law) not in (None, known):
            raise TypeError(f"{name}: {law}={getattr(laws, law)!r}: expected {known!r}, or nothing")
    if laws.owns_parameters or laws.has_buffers or laws.random:
        for law in _OF_FUNCTIONS:
            if getattr(laws, law):
                raise TypeError(f"{name}: {law} is a law of ops without weights, state or chance: leave it out")


class Combinator(_Op):
    """An op that wires its children; see :func:`combinator`."""

    counts_steps = False
    """Whether it is the text of a file, which may ask for no more than so much work."""

    def __init__(self, function: Callable[..., Any], name: str | None, inputs: int | None):
        super().__init__(function, name, read_signature(function, inputs, has_children=True))
        self.in_text_order = self.signature.in_text_order

    def __call__(self, *values: Value, **keywords: Any) -> Value:
        """Called by another combinator, it is the function that it was made from."""
        return self.function(*values, **keywords)

    def misfit(self, positional: int | None, keywords: Sequence[str]) -> str:
        """As :meth:`Primitive.misfit`: every parameter of the function is given in a call."""
        signature = inspect.signature(self.function)
        try:
            if positional is None:
                signature.bind_partial(**dict.fromkeys(keywords))
            else:
                signature.bind(*[None] * positional, **dict.fromkeys(keywords))
        except TypeError as error:
            return f"is called wrongly: {error}"
        return ""

    def call(
        self, inputs: tuple[Value, ...], args: tuple[Any, ...], children: Sequence[Any], attributes: Mapping[str, Any]
    ) -> Value:
        """Runs the function. Raises ``ShapeError`` when it refuses, or cannot take apart what a child gave it."""
        count = self.signature.inputs
        if count is not None and len(inputs) != count:
            raise _refusal(f"{self.text(args)} takes {plural(count, 'input')}, not {len(inputs)}")
        try:
            if self.in_text_order:
                return self.function(*inputs, *args, *children, **attributes)
            names = [argument.name for argument in self.signature.arguments]
            given = dict(zip(names, args, strict=True)) | dict(zip(self.signature.children, children, strict=True))
            return self.function(*inputs, **given, **attributes)
        except Stop:
            raise
        except Exception as error:
            refusal = self.refusal(error, inputs, args)
            if refusal is error:
                raise
            raise refusal from None

    def returned(self, outputs: Any) -> Exception:
        """The error for what is neither values nor numbers."""
        return TypeError(
            f"the combinator {self.name} returned {outputs!r}: expected a value, numbers, or a tuple of them"
        )

    def refusal(self, error: Exception, inputs: tuple[Value, ...], args: tuple[Any, ...]) -> Exception:
        """What an error of the function is to who called it: a ``ShapeError`` unless it is a bug."""
        if isinstance(error, ShapeError):
            if error.names_types or error.address is not None:  # a child of it has been named
                return error
            return _refusal(f"{self.text(args)} does not accept {_types(inputs)}: {error}")
        if not _is_mismatch(error, self.function, args):
            if not hasattr(error, "__notes__"):  # the innermost op says where
                error.add_note(f"raised by the op {self.text(args)} at {_types(inputs)}")
            return error
        return _refusal(f"{self.text(args)} cannot wire its children: {error}")


Op = Primitive | Combinator


def _refusal(message: str) -> ShapeError:
    error = ShapeError(message)
    error.names_types = True
    return error


def _raised_in(error: Exception, function: Callable[..., Any]) -> bool:
    """Whether the function's own frame raised: an unpacking of the wrong length, not a bug below it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is getattr(function, "__code__", None)


def _is_mismatch(error: Exception, function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether several values were expected where there are more, fewer, a single one or none; or a plain argument where
    the grammar leaves it out or repeats it.
    """
    if isinstance(error, TypeError) and any(value is None or isinstance(value, tuple) for value in args):
        return True
    if not _raised_in(error, function):
        return False
    return "to unpack" in str(error) if isinstance(error, ValueError) else "Type" in str(error)


def _types(inputs: tuple[Any, ...]) -> str:
    inputs = tuple(getattr(value, "type", value) for value in inputs)
    return " and ".join(map(str, inputs)) if len(inputs) < 3 else ", ".join(map(str, inputs))


def primitive(
    rule: Callable[..., Outputs] | None = None,
    /,
    *,
    torch: Callable[..., Any] | None = None,
    params: Callable[..., int | Shapes] | None = None,
    macs: Callable[..., int] | None = None,
    name: str | None = None,
    inputs: int | None = None,
    kind: type[Primitive] = Primitive,
    **laws: Any,
) -> Any:
    """Declares a primitive from its type rule, ``def linear(x: Type, width: int) -> Type``.

    The rule takes input types, then arguments, then attributes by keyword, and returns the output type
    or the tuple of several; it raises ``ShapeError`` with a reason for what it does not accept.
    ``torch``, ``params`` and ``macs`` are called in the same way:

    * ``torch`` returns an ``nn.Module`` over tensors with a leading batch axis, or a function of tensors;
    * ``params`` returns the shapes of the parameters by their name in that module, or their number; an op whose
      module has parameters must give it, and then owns them: each use has weights of its own;
    * ``macs`` returns the multiply-accumulates for one example.

    ``kind`` is a class of primitives that are called in a way of their own.

    The other keywords are :class:`Laws`; an op whose module has buffers (running statistics) gives
    ``has_buffers=True``.

    >>> from einspec.types import Type
    >>> @primitive(pointwise=True)
    ... def gelu(x: Type) -> Type:
    ...     return x
    >>> gelu(Type((3, 8, 8)))
    Type('(3, 8, 8)')
    """

    def declare(function: Callable[..., Outputs]) -> Primitive:
        known = [field.name for field in fields(Laws)]
        for law in laws:
            if law not in known:
                hint = did_you_mean(law, known) or f"known are {', '.join(known)}"
                raise TypeError(f"{function.__name__}: {law!r} is not a law of ops; {hint}")
        return kind(function, name, inputs, torch, params, macs, Laws(**laws))

    return declare(rule) if rule is not None else declare


@overload
def combinator(function: F, /) -> Combinator: ...
@overload
def combinator(*, name: str | None = ..., inputs: int | None = ...) -> Callable[[F], Combinator]: ...
def combinator(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, inputs: int | None = None
) -> Any:
    """Declares a combinator from a function over its input values, arguments and children.

    >>> @combinator
    ... def twice(x, body):
    ...     return body(body(x))
    """

    def declare(wiring: Callable[..., Any]) -> Combinator:
        return Combinator(wiring, name, inputs)

    return declare(function) if function is not None else declare
