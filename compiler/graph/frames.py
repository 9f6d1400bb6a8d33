"""Running an architecture's combinators over values that know their slots: the lowering, and the interpreter.

What the two share: who calls whom, at which call, tied or not. That is what a slot is made of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from einspec.compiler.graph.graph import Context, Slot
from einspec.errors import CompileError
from einspec.ops.control import Child, Flowing
from einspec.ops.declare import Combinator, Primitive
from einspec.space.members.environment import EMPTY, Environment
from einspec.types import Type

if TYPE_CHECKING:
    from einspec.space.deriving.derivation import Derivation


Values = tuple[Any, ...]
Attributes = dict[str, Any]

MOST_VISITS = 1_000_000
"""Calls of children in one evaluation; a derivation that is replayed by replays multiplies them."""


class Frame:
    """One run of a combinator: which node, under which calls, and what it has called so far."""

    __slots__ = ("_counts", "context", "name", "number")

    def __init__(self, number: int, name: str, context: Context):
        self.number = number
        self.name = name
        self.context = context
        self._counts: Counter[str] | None = None

    @property
    def label(self) -> str:
        """The op with its node's number: what its weights are called."""
        return f"{self.name}_{self.number}"

    @property
    def counts(self) -> Counter[str]:
        """How often each primitive was called, and each bound child."""
        if self._counts is None:
            self._counts = Counter()
        return self._counts


class Evaluator(ABC):
    """Runs a derivation over values of its own kind."""

    def __init__(self) -> None:
        self.frame = Frame(0, "", ())
        self.visits = 0

    @abstractmethod
    def emit(self, op: Primitive, inputs: Values, args: Values, attributes: Attributes, slot: Slot | None) -> Any:
        """Applies a primitive to values."""

    def each(self, handle: Handle, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Calls a handle once per value; calls at one type are copies."""
        parts = [value if isinstance(value, tuple) else (value,) for value in values]
        kinds = [tuple(value.type for value in part) for part in parts]
        if len(parts) < 2 or any(kind != kinds[0] for kind in kinds):
            return tuple(handle(*part) for part in parts)
        return self.copies(handle, parts)

    @abstractmethod
    def copies(self, handle: Handle, parts: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Calls a handle once for each of several inputs of the same types."""

    def run(self, root: Derivation, inputs: tuple[Any, ...]) -> Any:
        """The outputs of a whole derivation."""
        return self.visit(root, 0, inputs, EMPTY, ())

    def visit(
        self, node: Derivation, number: int, inputs: tuple[Any, ...], environment: Environment, context: Context
    ) -> Any:
        """The outputs of one node of the derivation, called with these inputs."""
        self.visits += 1
        if self.visits > MOST_VISITS:
            raise CompileError(
                f"the combinators call their children more than {MOST_VISITS:,} times: calls within calls multiply; "
                "use each(child, values), which keeps copies folded"
            )
        op = node.member.op
        attributes = node.member.attributes(environment)
        if isinstance(op, Primitive):
            slot = Slot(number, f"{op.name}_{number}", context) if op.has_slot else None
            return self.emit(op, inputs, node.args, attributes, slot)
        assert isinstance(op, Combinator)
        handles = []
        below = number + 1
        for child in node.children:
            handles.append(Handle(self, child, below, environment, context))
            below += child.size
        for name in node.member.reads:
            if name in environment.bindings:
                attributes[name] = BoundHandle(environment.bindings[name], self, environment)
        outer = self.frame
        self.frame = Frame(number, op.name, context)
        try:
            return op.call(inputs, node.args, node.member.arranged(tuple(handles)), attributes)
        finally:
            self.frame = outer

    def apply(self, op: Primitive, inputs: Values, args: Values, attributes: Attributes) -> Any:
        """A primitive that a combinator calls itself: its slot counts the frame's calls of that primitive."""
        slot = None
        if op.has_slot:
            frame = self.frame
            name = base = f"{frame.label}_{op.name}"
            while frame.counts[name]:  # also where another op is named as a second call of this one would be
                frame.counts[base] += 1
                name = f"{base}_{frame.counts[base] - 1}"
            frame.counts[name] += 1
            slot = Slot(frame.number, name, frame.context)
        return self.emit(op, inputs, args, attributes, slot)


class Handle(Child):
    """A child in a frame. Each call has weights of its own."""

    __slots__ = ("calls", "context", "environment", "evaluator", "node", "number")

    def __init__(self, evaluator: Evaluator, node: Derivation, number: int, environment: Environment, context: Context):
        self.evaluator = evaluator
        self.node = node
        self.number = number
        self.environment = environment
        self.context = context
        self.calls = 0

    def __call__(self, *inputs: Any, **attributes: object) -> Any:
        environment = self.environment.extended(attributes) if attributes else self.environment
        return self.enter(inputs, environment, self.next_call())

    def next_call(self) -> Context:
        """The context of one more call."""
        count = self.calls
        self.calls += 1
        return (*self.context, ("call", self.number, count)) if count else self.context

    def next_copies(self, count: int) -> tuple[Context, Context]:
        """The scope of a body that is copied, and the context that its weights live in."""
        scope = (*self.next_call(), ("each", self.number, count))
        return scope, scope

    def next_use(self, site: Frame) -> Context:
        """The context of one more call from a place below, where ``let`` has bound the handle."""
        name = f"use {self.number}"
        count = site.counts[name]
        site.counts[name] += 1
        return (*site.context, ("use", site.number, count))

    def enter(self, inputs: tuple[Any, ...], environment: Environment, context: Context) -> Any:
        """Runs the derivation in a context."""
        return self.evaluator.visit(self.node, self.number, inputs, environment, context)

    def tied(self) -> Child:
        return TiedHandle(self.evaluator, self.node, self.number, self.environment, self.context)

    def each(self, values: Iterable[Any]) -> tuple[Any, ...]:
        return self.evaluator.each(self, tuple(values))


class TiedHandle(Handle):
    """A child with one set of weights for all its calls."""

    __slots__ = ()

    def next_call(self) -> Context:
        return (*self.context, ("tied", self.number, 0))

    def next_copies(self, count: int) -> tuple[Context, Context]:
        context = self.next_call()
        return (*context, ("each", self.number, count)), context

    def next_use(self, site: Frame) -> Context:
        return self.next_call()

    def tied(self) -> Child:
        return self


class BoundHandle(Child):
    """A handle that ``let`` has bound, at the place that calls it."""

    __slots__ = ("evaluator", "handle", "site")

    def __init__(self, handle: Any, evaluator: Evaluator, site: Environment):
        self.handle = handle
        self.evaluator = evaluator
        self.site = site

    @property
    def environment(self) -> Environment:
        """Attributes of the place that calls, bindings of the place that bound."""
        environment: Environment = self.handle.environment
        return environment.at(self.site)

    def __call__(self, *inputs: Any, **attributes: object) -> Any:
        environment = self.environment.extended(attributes) if attributes else self.environment
        return self.enter(inputs, environment, self.next_use(self.evaluator.frame))

    def next_use(self, site: Frame) -> Context:
        """As the handle's."""
        context: Context = self.handle.next_use(site)
        return context

    def enter(self, inputs: tuple[Any, ...], environment: Environment, context: Context) -> Any:
        """As the handle's."""
        return self.handle.enter(inputs, environment, context)

    def tied(self) -> Child:
        return BoundHandle(self.handle.tied(), self.evaluator, self.site)


class FlowingValue(Flowing):
    """A value that flows between ops: it has a type, and primitives applied to it go to its evaluator."""

    __slots__ = ("evaluator", "type")

    def __init__(self, evaluator: Evaluator, type: Type):
        self.evaluator = evaluator
        self.type = type

    def apply(self, op: Primitive, inputs: Values, args: Values, attributes: Attributes) -> Any:
        """What ``op(value, ...)`` means here."""
        return self.evaluator.apply(op, inputs, args, attributes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.type, name)  # .axes, .layout and the like: combinators read them of any value
