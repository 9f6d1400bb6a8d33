"""Members: what one choice picks. An alternative with one value for each of its argument terminals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from einspec.errors import GrammarError, ShapeError
from einspec.grammar.model.rules import Choice, Free, Item, Production, Reference
from einspec.ops.control import Children, Misuse, Stop, is_number
from einspec.ops.declare import Combinator, Op, Outputs, Primitive
from einspec.ops.expressions.bounds import tried_within_bounds
from einspec.text import Problem
from einspec.types import Type

if TYPE_CHECKING:
    from einspec.ops.expressions.guards import BoundGuard
    from einspec.space.members.environment import Environment

_REMEMBERED = 20_000
"""Outcomes kept per member; the memo is emptied when it is full, so that memory is bounded."""

_TYPE = {Type}
_CALLED_AT = "called by the alternative at"

Value = Any
"""What a production gives to its op: the text of an argument, the number of a child, None for what is left out, or a
tuple of these."""


class Member:
    """One way to expand a nonterminal. Members are compared by identity.

    ``index`` counts the nonterminal's declared members, those of weight 0 last; ``share`` is the exact weight.
    """

    __slots__ = (
        "_outcomes",
        "_rule",
        "_trailing",
        "alone",
        "args",
        "arrangement",
        "children",
        "guard",
        "has_children",
        "home",
        "index",
        "is_open",
        "is_simple",
        "items",
        "leaves",
        "op",
        "places",
        "production",
        "reads",
        "share",
        "symbols",
        "takes",
        "texts",
        "weight",
    )

    def __init__(
        self,
        production: Production,
        texts: tuple[str, ...],
        weight: Fraction,
        op: Op | None,
        *,
        items: tuple[Item, ...] | None = None,
        values: Sequence[Value] | None = None,
        arrangement: tuple[Value, ...] | None = None,
        is_open: bool = False,
    ):
        self.production = production
        self.items = production.items if items is None else items
        """What it is written as, without groups and repetitions unless it is open."""
        self.texts = texts
        """The texts of its arguments, in the order of ``items``."""
        self.arrangement = arrangement
        """What the op gets as children: numbers of children, None, and tuples of these; None where it gets them all,
        one by one."""
        self.is_open = is_open
        """Whether options have to be chosen before it can be evaluated."""
        self.share = weight
        self.weight = float(weight)
        self.op = op
        self.index = -1
        self.home: Nonterminal
        """The nonterminal that it expands."""
        self.alone = (self,)
        self.leaves: dict[tuple[Member, ...], Any] = {}
        """What ``derivation.leaf`` remembers: derivations of it alone, by the transparent members before it."""
        self.args: tuple[Any, ...] = ()
        if op and not is_open:
            given = argument_texts(self.items, texts) if values is None else values
            self.args = op.signature.convert(given, are_checked=values is not None)
            if isinstance(op, Primitive):
                op, self.args = op.settled(self.args)
                self.op = op
        self.children: tuple[Nonterminal, ...] = ()
        self.symbols: tuple[Nonterminal, ...] = ()
        """The nonterminals that derivations of it begin with: its children, or what decides on them."""
        self.places: tuple[tuple[int, Nonterminal], ...] = ()
        self.has_children = is_open or any(isinstance(item, Reference) for item in self.items)
        self.guard: BoundGuard | None = None
        """Where it applies, besides what its op accepts."""
        self.reads = op.reads if op else ()
        self.takes = op.signature.inputs if op else None
        """How many inputs the op takes; None for any number."""
        self.is_simple = (
            isinstance(op, Combinator) and op.in_text_order and not self.args and not self.reads and arrangement is None
        )
        """Whether the op is a function of inputs and children, in this order."""
        self._rule: Callable[..., Any] | None = None
        self._trailing = self.args
        if isinstance(op, Primitive) and not self.reads:
            self._rule = op.function
            if self.takes is None and self.args:
                names = [argument.name for argument in op.own_signature.arguments]
                self._rule = partial(op.function, **dict(zip(names, self.args, strict=True)))
                self._trailing = ()
        self._outcomes: dict[Any, Outputs | None] = {}

    @property
    def settings(self) -> tuple[str, ...]:
        """The texts of its settings, in text order."""
        if not self.production.has_settings:
            return ()
        written = [item for item in self.items if isinstance(item, (Choice, Free))]
        pairs = zip(written, self.texts, strict=True)
        return tuple(text for item, text in pairs if isinstance(item, Choice) and item.is_setting)

    @property
    def always_applies(self) -> bool:
        """Whether it applies at all types: it has children, and no guard."""
        return self.has_children and self.guard is None

    def check_guard(self, inputs: tuple[Type, ...], environment: Environment) -> None:
        """Raises ``ShapeError`` where its guard does not hold."""
        if self.guard is not None:
            self.guard.check(inputs, environment.values)

    def bind(self, children: tuple[Nonterminal, ...]) -> None:
        """Sets the nonterminals that its children derive from."""
        self.children = self.symbols = children
        self.places = tuple(enumerate(children))

    def arranged(self, handles: Sequence[Any]) -> Sequence[Any]:
        """Its children as the op gets them: in tuples where they repeat, None where they are left out."""
        return handles if self.arrangement is None else tuple(_arranged(value, handles) for value in self.arrangement)

    @property
    def is_transparent(self) -> bool:
        """Whether it makes no node."""
        return self.op is None

    @property
    def least_depth(self) -> float:
        """The least depth of what begins with it, types left out."""
        return max((symbol.minimal_depth for symbol in self.symbols), default=0.0) + (not self.is_transparent)

    @property
    def chosen(self) -> Member:
        """The member of its nonterminal that was chosen for it: itself, unless it was laid out."""
        return self

    def smallest(self) -> Member | None:
        """The member itself; laid out with as little as can be, where it is open. None where that cannot be drawn."""
        return self

    @property
    def choices(self) -> tuple[Member, ...]:
        """The members that were chosen for it, in order: with the options of its layout, if it has one."""
        return (self,)

    def moved_to(self, other: Member) -> Member:
        """The other member, which is of the same production, laid out as this one is."""
        return other

    @property
    def written(self) -> object:
        """What tells it from the other members of its nonterminal: the alternative, and the texts in it."""
        items = self.items if self.items is not self.production.items else None
        return self.production.index, self.texts, items

    def text(self) -> str:
        """The op with its arguments, or the nonterminal that it passes on to."""
        return self.op.text(self.args) if self.op else self.production.children[0]

    def is_leaf(self, environment: Environment) -> bool:
        """Whether its outputs follow from types alone: no children, and no derivation bound above is called."""
        return not self.has_children and not (
            environment.bindings and any(name in environment.bindings for name in self.reads)
        )

    def outcome(self, inputs: tuple[Type, ...], environment: Environment) -> Outputs | None:
        """Output types of a leaf, or None where it does not apply. Remembered."""
        key = (inputs, environment.reading(self.reads)) if self.reads else inputs
        try:
            return self._outcomes[key]
        except KeyError:
            outputs = self.accept(inputs, environment)
        if len(self._outcomes) >= _REMEMBERED:
            self._outcomes.clear()
        self._outcomes[key] = outputs
        return outputs

    def accept(self, inputs: tuple[Type, ...], environment: Environment) -> Outputs | None:
        """As :meth:`outcome`, computed."""
        rule = self._rule
        if self.guard is not None and not self.guard.holds(inputs, environment.values):
            return None
        if rule is None:
            try:
                return self.infer(inputs, environment)
            except ShapeError:
                return None
        if self.takes is None or self.takes == len(inputs):
            try:
                outputs = rule(*inputs, *self._trailing)
            except ShapeError:
                return None
            except Exception:
                pass  # a bug, or values that cannot be unpacked: the op knows, and says where
            else:
                if type(outputs) is Type or (type(outputs) is tuple and outputs and set(map(type, outputs)) == _TYPE):
                    return outputs
        assert isinstance(self.op, Primitive)
        try:
            return self.op.accept(inputs, self.args, {})
        except Exception as error:
            if isinstance(error, Misuse) and isinstance(self.op, Primitive):
                raise self.mistake(error) from None
            self.note_place(error)
            raise

    def infer(self, inputs: tuple[Type, ...], environment: Environment) -> Outputs:
        """Output types of a leaf. Raises ``ShapeError`` with all input types where it does not apply."""
        assert self.op is not None
        self.check_guard(inputs, environment)
        attributes = self.attributes(environment)
        try:
            if isinstance(self.op, Primitive):
                return self.op.infer(inputs, self.args, attributes)
            call = partial(self.op.call, inputs, self.args, self.arranged(()), attributes)
            return self.checked(tried_within_bounds(call) if self.op.counts_steps else call())
        except (ShapeError, Stop):
            raise
        except Exception as error:
            if isinstance(error, Misuse) and isinstance(self.op, Primitive):
                raise self.mistake(error) from None
            self.note_place(error)
            raise

    def attributes(self, environment: Environment) -> dict[str, Any]:
        """The attributes that the op reads and that are set above. Raises ``ShapeError`` when one is missing."""
        if not self.reads:
            return {}
        assert self.op is not None
        found = {name: environment.values[name] for name in self.reads if name in environment.values}
        for name in sorted(self.op.required):
            if name not in found and name not in environment.bindings:
                raise ShapeError(f"{self.text()} reads the attribute {name!r}, and nothing above it sets that")
        return found

    def checked(self, outputs: Any) -> Outputs:
        """The outputs of a combinator: values, numbers, or a tuple of them, in which numbers may be nested.

        Raises ``ShapeError`` where a child's several outputs stand for one of them, ``TypeError`` or ``GrammarError``
        for anything else.
        """
        if isinstance(outputs, Type) or (outputs != () and is_number(outputs)):
            return cast("Outputs", outputs)
        if isinstance(outputs, tuple) and outputs:
            if all(isinstance(kind, Type) or is_number(kind) for kind in outputs):
                return outputs
            if any(isinstance(kind, tuple) for kind in outputs):
                raise ShapeError(
                    "one of several outputs is itself several, as a child with more than one output makes it"
                )
        assert isinstance(self.op, Combinator)
        raise self.op.returned(outputs)

    def mistake(self, error: Misuse) -> GrammarError:
        """The error for arguments that the production gives to a primitive, and that mean nothing to it."""
        production = self.production
        message = f"{self.text()}: {error}"
        return GrammarError(
            str(Problem(production.source, production.start, production.end, "E405", message, error.advice))
        )

    def note_place(self, error: Exception) -> None:
        """Adds to a bug of an op's author where the grammar calls the op, once."""
        if not any(note.startswith(_CALLED_AT) for note in getattr(error, "__notes__", ())):
            production = self.production
            excerpt = production.source.excerpt(production.start, production.end)
            error.add_note(f"{_CALLED_AT} {production.source.place(production.start)}\n{excerpt}")

    def never_calls(self, index: int, inputs: tuple[Type, ...] = ()) -> GrammarError:
        """The error of an op's author for a child that the grammar gives it, and that it does not call."""
        production = self.production
        at = f" at {' and '.join(map(str, inputs))}" if inputs else ""
        name = self.children[index].name
        message = f"{production.op_name} never calls its child {index + 1}, {name}{at}"
        advice = (
            "call it on every way through the op, or raise ShapeError for what the op does not accept; where it only "
            f"says yes or no, make it an optional terminal, as in [{name.strip('_').upper()}]"
        )
        return GrammarError(str(Problem(production.source, production.start, production.end, "E402", message, advice)))

    def __repr__(self) -> str:
        return f"<member {self.text()} of {self.production.symbol}>"


def _arranged(value: Value, handles: Sequence[Any]) -> Any:
    if isinstance(value, tuple):
        return Children(_arranged(part, handles) for part in value)
    return handles[value] if isinstance(value, int) else value


def argument_texts(items: Sequence[Item], texts: Sequence[str]) -> list[str]:
    """One text per argument of items without groups and repetitions: ``3,2,1`` is three. Settings are none."""
    written = [item for item in items if isinstance(item, (Choice, Free))]
    return [
        part
        for item, text in zip(written, texts, strict=True)
        if not (isinstance(item, Choice) and item.is_setting)
        for part in text.split(",")
    ]


class Nonterminal:
    """A nonterminal with its members: those that are drawn, in text order, then those of weight 0.

    ``tables`` is where ``table.legal_members`` remembers which members apply at which types; where every member has
    children, all apply everywhere, and ``only_table`` says so. ``cumulative`` holds the running sums of the positive
    weights, ``total`` and ``last`` are the last of them and its index.
    """

    __slots__ = (
        "_twins",
        "all_grow",
        "always_applies",
        "cumulative",
        "depth",
        "drawn",
        "guarded",
        "is_structural",
        "last",
        "members",
        "minimal_depth",
        "name",
        "only_table",
        "positive",
        "subsets",
        "tables",
        "total",
    )

    def __init__(self, name: str, depth: int, members: list[Member]):
        self.name = name
        self.depth = depth
        self.members = sorted(members, key=lambda member: member.weight == 0)
        self.positive = sum(member.weight > 0 for member in members)
        self.minimal_depth = math.inf
        self.is_structural = False
        """Whether it decides on a group or a repetition of a production, and makes no node."""
        self._twins: dict[object, Member] | None = None
        self.tables: dict[Any, Any] = {}
        self.only_table: Any = None
        self.subsets: dict[tuple[Member, ...], Any] = {}
        self.cumulative = tuple(itertools.accumulate(member.weight for member in self.members[: self.positive]))
        self.last = self.positive - 1
        self.drawn = tuple(self.members[: self.positive])
        self.guarded = tuple([member for member in self.drawn if member.guard is not None])
        self.all_grow = all(member.always_applies for member in members)
        self.total = self.cumulative[-1] if self.cumulative else 0.0
        self.always_applies = bool(self.positive) and all(m.always_applies for m in self.members[: self.positive])
        for index, member in enumerate(self.members):
            member.index = index
            member.home = self

    def twin(self, member: Member) -> Member:
        """Its own member that is written as the given one, which belongs to the same nonterminal at another depth."""
        if member.home is self:
            return member
        if self._twins is None:
            self._twins = {own.written: own for own in self.members}
        return member.moved_to(self._twins[member.chosen.written])

    def __repr__(self) -> str:
        return f"<nonterminal {self.name}: {len(self.members)} members>"
