"""Guards: conditions that a grammar file puts on an alternative, over its arguments and the types that come to it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from einspec.errors import GrammarError, ShapeError
from einspec.grammar.model.ops import GuardText
from einspec.grammar.model.problems import Problems
from einspec.ops.control import Misuse
from einspec.ops.expressions.bounds import is_counting, within_bounds
from einspec.ops.expressions.checking import Checker
from einspec.ops.expressions.compiling import compiled_condition, namespace
from einspec.ops.expressions.passage import Passage, parsed
from einspec.ops.expressions.values import HELPERS
from einspec.ops.expressions.wording import shown
from einspec.text import Problem, did_you_mean, listing

_CODE = "E406"
_NOT_IN_GUARDS = ("tie", "let", "each", "scan", "refuse")


@dataclass(frozen=True, slots=True)
class Names:
    """What a guard can name. ``arguments`` gives for a name the places of its values among the op's arguments, once for
    each time that it is written; ``inputs`` the number of an input, or None for all of them; None as ``attributes``
    stands for any.
    """

    arguments: Mapping[str, tuple[tuple[int | str, ...], ...]]
    inputs: Mapping[str, int | None]
    attributes: frozenset[str] | None
    hidden: frozenset[str] = frozenset()
    """Terminals that stand within optional parts and repetitions."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What attributes are where nothing above sets them."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the conditions that ``and`` joins: the whole, and what it compares."""

    text: str
    holds: Callable[..., Any]
    operands: tuple[Callable[..., Any], ...]


class Guard:
    """A guard that was read and checked; the same for all values of the alternative's arguments."""

    def __init__(self, text: GuardText, names: Names, used: Sequence[str], parts: Sequence[_Part]):
        self.text = text
        self.names = names
        self.used = tuple(used)
        self.parts = tuple(parts)
        self.reads = tuple(name for name in used if name not in names.arguments and name not in names.inputs)
        """The attributes that it reads."""

    def bound(self, values: Mapping[Any, Any]) -> BoundGuard:
        """The guard for an alternative whose arguments have these values."""
        known = {}
        for name in self.used:
            if name in self.names.arguments:
                several = [tuple(values[place] for place in places) for places in self.names.arguments[name]]
                once = [value[0] if len(value) == 1 else value for value in several]
                known[name] = once[0] if len(once) == 1 else tuple(once)
        return BoundGuard(self, known)


class BoundGuard:
    """A guard with the values of an alternative's arguments."""

    __slots__ = ("guard", "known")

    def __init__(self, guard: Guard, known: Mapping[str, Any]):
        self.guard = guard
        self.known = known

    def holds(self, inputs: tuple[Any, ...], attributes: Mapping[str, Any]) -> bool:
        """Whether the alternative applies. Raises ``GrammarError`` where the condition has no meaning there."""
        return self._failing(inputs, attributes) is None

    def check(self, inputs: tuple[Any, ...], attributes: Mapping[str, Any]) -> None:
        """Raises ``ShapeError`` where the alternative does not apply, with what was compared."""
        failing = self._failing(inputs, attributes)
        if failing is None:
            return
        part, values = failing
        if part is None:
            raise ShapeError(f"{self.guard.text.text} is false: nothing above sets {values}")
        found = " and ".join(shown(operand(*values)) for operand in part.operands)
        raise ShapeError(f"{part.text} is false{': ' if found else ''}{found}")

    def _failing(self, inputs: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        guard = self.guard
        values = []
        for name in guard.used:
            if name in self.known:
                values.append(self.known[name])
            elif name in guard.names.inputs:
                place = guard.names.inputs[name]
                if place is not None and place >= len(inputs):
                    return None, f"the input {name}"
                values.append(inputs if place is None else inputs[place])
            elif name in attributes:
                values.append(attributes[name])
            elif name in guard.names.defaults:
                values.append(guard.names.defaults[name])
            else:
                return None, name
        try:
            for part in guard.parts:
                holds = part.holds(*values) if is_counting() else within_bounds(lambda: part.holds(*values))  # noqa: B023
                if not holds:
                    return part, values
        except ShapeError:  # an axis that this layout has not
            return guard.parts[0], values
        except (Misuse, TypeError) as error:
            text = guard.text
            advice = error.advice if isinstance(error, Misuse) else ""
            message = f"the guard {text.text}: {error}"
            raise GrammarError(
                str(Problem(text.source, text.start, text.start + len(text.text), "E405", message, advice))
            ) from None
        return None


def read_guard(text: GuardText, names: Names, problems: Problems) -> Guard | None:
    """A guard from its text. Problems are noted at their place; None where it is none."""
    before = len(problems.found)
    passage = Passage(text.source, text.text, (text.start,))
    if not text.text:
        problems.error(_CODE, text.start - 2, text.start, "there is no condition after if", "as in   if WIDTH >= x.d")
        return None
    tree = parsed(passage, "eval", problems, _CODE)
    if tree is None:
        return None
    assert isinstance(tree, ast.Expression)
    checker = _GuardChecker(passage, names, problems)
    for name in names.arguments:
        checker.locals.add(name)
    checker.locals |= set(names.inputs)
    checker.locals |= (names.attributes or frozenset()) if names.attributes is not None else checker.free_names(tree)
    checker.expression(tree.body)
    checker.check_repeated(tree.body)
    if len(problems.found) > before:
        return None
    used = sorted(checker.used)
    scope = namespace({})
    conjuncts = (
        tree.body.values if isinstance(tree.body, ast.BoolOp) and isinstance(tree.body.op, ast.And) else [tree.body]
    )
    parts = []
    for part in conjuncts:
        is_plain = isinstance(part, ast.Compare) and len(part.ops) == 1
        operands = [part.left, *part.comparators] if isinstance(part, ast.Compare) and is_plain else []
        varied = [operand for operand in operands if not isinstance(operand, ast.Constant)]
        words = ast.get_source_segment(text.text, part) or text.text

        def compiled(node: ast.expr) -> Callable[..., Any]:
            return compiled_condition(node, tuple(used), "<guard>", scope)

        shown_by = [_value_of(operand, used, scope) for operand in varied]
        parts.append(_Part(words, compiled(part), tuple(shown_by)))
    return Guard(text, names, used, parts)


def _value_of(node: ast.expr, used: Sequence[str], scope: dict[str, Any]) -> Callable[..., Any]:
    """What an operand comes to, for messages: a condition whose truth nobody asks is a value."""
    one_of = ast.copy_location(ast.Tuple([node], ast.Load()), node)
    several = compiled_condition(one_of, tuple(used), "<guard>", scope)
    return lambda *values: several(*values)[0]


class _GuardChecker(Checker):
    def __init__(self, passage: Passage, names: Names, problems: Problems):
        super().__init__(passage, {}, problems, _CODE, _CODE)
        self.names = names

    def free_names(self, tree: ast.AST) -> set[str]:
        """The names in small letters, which are attributes where the alternative has no op that would say them."""
        found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        return {name for name in found if name not in HELPERS and name == name.lower()}

    def known(self) -> str:
        return f"known are {listing(sorted(self.locals), 'and')}" if self.locals else "it can compare numbers alone"

    def _name(self, node: ast.Name) -> None:
        if node.id in self.names.hidden:
            message = f"{node.id} stands in an optional part or a repetition, where there may be none or several"
            self.error(node, message, "ask in the op's def, with refuse")
            return
        super()._name(node)

    def _call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and (node.func.id in _NOT_IN_GUARDS or node.func.id not in HELPERS):
            hint = did_you_mean(node.func.id, set(HELPERS).difference(_NOT_IN_GUARDS))
            message = f"a guard cannot call {node.func.id}"
            self.error(node.func, message, hint or "it compares numbers: min, max, sum, len and such are known")
            return
        super()._call(node)

    def check_repeated(self, tree: ast.AST) -> None:
        """Notes terminals that are written several times, where it is not said which is meant."""
        named = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
        named |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) for part in node.args}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and len(self.names.arguments.get(node.id, ())) > 1 and id(node) not in named:
                count = len(self.names.arguments[node.id])
                message = f"{node.id} is written {count} times in this alternative"
                self.error(node, message, f"say which is meant: {node.id}[0] to {node.id}[{count - 1}]")
            elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                count = len(self.names.arguments.get(node.value.id, ()))
                place = node.slice.value if isinstance(node.slice, ast.Constant) else 0
                if count and isinstance(place, int) and not -count <= place < count:
                    message = f"{node.value.id} is written {count} times, and there is no {node.value.id}[{place}]"
                    self.error(node, message, "they count from 0")
