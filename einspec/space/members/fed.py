"""Arguments that are fed by a nonterminal: a number is chosen further down, and goes up to where an op takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from einspec.errors import GrammarError, ShapeError
from einspec.grammar.model.rules import Production
from einspec.ops.control import Misuse, is_value
from einspec.ops.declare import Combinator, Op, Primitive
from einspec.text import Problem, plural


def fed_by(op: Op, kinds: Sequence[str]) -> tuple[str, ...]:
    """The arguments of an op that nonterminals stand for, where values of these kinds are given in text order.

    None are, where the values do not fit the op's parameters one by one.
    """
    signature = op.signature
    arguments = {argument.name: argument for argument in signature.arguments}
    order = signature.order
    if len(kinds) > len(order):
        return ()
    pairs = list(zip(order, kinds, strict=False))
    if any(kind == "argument" and name not in arguments for name, kind in pairs):
        return ()
    left_out = order[len(kinds) :]
    if any(name not in arguments or arguments[name].is_required for name in left_out):
        return ()
    return tuple(name for name, kind in pairs if kind == "child" and name in arguments)


class FedOp(Combinator):
    """An op some of whose arguments are children of the grammar: they are called with its inputs, and give numbers."""

    def __init__(self, op: Op, names: tuple[str, ...], production: Production):
        self.op = op
        self.fed = names
        self.production = production
        self.name = op.name
        self.function = op.function
        self.required, self.reads = op.required, op.reads
        own = op.signature
        self.signature = replace(
            own,
            arguments=tuple(argument for argument in own.arguments if argument.name not in names),
            children=tuple(name for name in own.order if name in names or name in own.children),
        )
        self.in_text_order = False
        self.counts_steps = isinstance(op, Combinator) and op.counts_steps
        self.__doc__ = op.__doc__

    def call(
        self, inputs: tuple[Any, ...], args: tuple[Any, ...], children: Sequence[Any], attributes: Mapping[str, Any]
    ) -> Any:
        """Asks the children for the numbers, then runs the op."""
        given = dict(zip([argument.name for argument in self.signature.arguments], args, strict=True))
        below = dict(zip(self.signature.children, children, strict=True))
        for name in self.fed:
            given[name] = self._number(name, below.pop(name), inputs)
        exact = [given.get(argument.name, argument.absent) for argument in self.op.signature.arguments]
        if isinstance(self.op, Primitive):
            names = [argument.name for argument in self.op.signature.arguments]
            return self._applied(inputs, {**dict(zip(names, exact, strict=True)), **attributes})
        return self.op.call(inputs, tuple(exact), [below[name] for name in self.op.signature.children], attributes)

    def _applied(self, inputs: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """What a primitive gives; a mistake has the place of the production."""
        count = self.op.signature.inputs
        if count is not None and len(inputs) != count:
            raise ShapeError(f"{self.name} takes {plural(count, 'input')}, not {len(inputs)}")
        try:
            return self.op(*inputs, **keywords)
        except Misuse as error:
            raise self._mistake(str(error), error.advice) from None

    def _mistake(self, message: str, advice: str) -> GrammarError:
        production = self.production
        return GrammarError(str(Problem(production.source, production.start, production.end, "E405", message, advice)))

    def _number(self, name: str, child: Any, inputs: tuple[Any, ...]) -> object:
        argument = next(argument for argument in self.op.signature.arguments if argument.name == name)
        if child is None:
            return argument.absent
        found = tuple(one(*inputs) for one in child) if isinstance(child, tuple) else child(*inputs)
        try:
            return argument.exact(found)
        except ValueError:
            shown = f"the value {getattr(found, 'type', found)}" if is_value(found) else repr(found)
            message = f"{self.name} takes {argument.name}: {argument.kind}, and its child gives {shown}"
            advice = "the op of that child returns a number, as in   def wide(x, value: int): return value"
            raise self._mistake(message, advice) from None

    def refusal(self, error: Exception, inputs: tuple[Any, ...], args: tuple[Any, ...]) -> Exception:
        """As the op's."""
        return self.op.refusal(error, inputs, args) if isinstance(self.op, Combinator) else error

    def __reduce__(self) -> Any:
        return FedOp, (self.op, self.fed, self.production)
