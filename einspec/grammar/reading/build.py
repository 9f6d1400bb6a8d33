"""From linked definitions to rules: templates are filled in, inline rules written out, alternatives are productions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from einspec.grammar.model.items import items_text, may_be_empty, value_kinds
from einspec.grammar.model.rules import Choice, Free, Group, Item, Literal, Production, Reference, Repeat, Rule
from einspec.grammar.reading.language import either_case, unquoted
from einspec.grammar.reading.linking import Entry, File, Linker
from einspec.grammar.reading.terminals import Terminals, times, undefined
from einspec.grammar.syntax.tree import Alternative, Expression
from einspec.text import plural

_NUMERAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?(\s*,\s*[+-]?\d+)*")
_ONE = Fraction(1)
_MOST_INSTANCES = 1000
_LONGEST_NAME = 1000
_MOST_ITEMS = 50_000
_DEEPEST = 100
_FLAT = ("string", "terminal", "regexp", "range")
"""Kinds of expressions that hold no others."""

Filled = Mapping[str, tuple[Item, ...]]
"""What stands for the parameters of a template."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where an expression is read: its file, the parameters around it, the inline rules that led here."""

    file: File
    filled: Filled
    above: tuple[str, ...] = ()
    depth: int = 0
    """Groups, templates and inline rules around it."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A rule that is still to be built: an instance of a template, or a plain rule."""

    name: str
    entry: Entry
    filled: Filled


class Builder:
    """Builds the rules of a grammar; problems are noted at their place."""

    def __init__(self, linked: Linker):
        self.linked = linked
        self.entries = linked.entries
        self.terminals = Terminals(linked.entries)
        self.pending: dict[str, _Pending] = {}
        self.instances = 0
        self.items = 0
        self.sizes: dict[int, tuple[Item, tuple[int, int]]] = {}
        self.is_too_large = False

    def rules(self) -> dict[str, Rule]:
        """All rules by name: those of the file in its order, then what they need."""
        for entry in self.entries.values():
            if entry.definition.is_terminal:
                self.terminals.named(entry, ())
            elif not entry.definition.parameters and not self._is_inline(entry):
                self.pending[entry.name] = _Pending(entry.name, entry, {})
        built: dict[str, Rule] = {}
        while len(built) < len(self.pending):
            for pending in list(self.pending.values()):
                if pending.name not in built:
                    built[pending.name] = self._rule(pending)
        return built

    def ignored(self) -> tuple[str, ...]:
        """The regular expressions of what may stand between tokens."""
        file = self.linked.file
        found = []
        for expression in file.tree.ignored:
            pattern = self._ignored(expression, file)
            if pattern is not None:
                found.append(pattern)
        return tuple(found)

    def _ignored(self, expression: Expression, file: File) -> str | None:
        if expression.kind == "string":
            text = unquoted(expression, file)
            if not text:
                self._error(expression, file, "E101", "an empty string says nothing", "leave it out")
            return either_case(text) if expression.text.endswith("i") else re.escape(text)
        if expression.kind == "terminal":
            language = self.terminals.of(expression, file)
        elif expression.kind in ("regexp", "range"):
            language = self.terminals.expression(expression, file, ())
        else:
            self._error(expression, file, "E101", "%ignore takes one token", "give what is ignored a terminal")
            return None
        if language is None or not self.terminals.is_token(language, expression, file):
            return None
        return language.regexp()

    def _error(self, expression: Expression, file: File, code: str, message: str, advice: str) -> None:
        file.problems.error(code, expression.start, expression.end, message, advice)

    def _is_inline(self, entry: Entry) -> bool:
        """Whether a rule is written out where it is used, as Lark does with names that begin with an underscore.

        An alternative with an alias makes a node, and one that is a single rule stands for that.
        """
        if not entry.definition.name.startswith("_"):
            return False
        alternatives = [alternative for _, part in entry.parts() for alternative in part.alternatives]
        return not any(alternative.alias or _is_one_rule(alternative) for alternative in alternatives)

    def _rule(self, pending: _Pending) -> Rule:
        entry = pending.entry
        productions: list[Production] = []
        for (file, alternative), weights in zip(*self._alternatives(entry), strict=True):
            scope = _Scope(file, pending.filled)
            items = self._sequence(alternative.items, scope)
            productions.append(
                Production(
                    pending.name,
                    len(productions),
                    items,
                    alternative.alias,
                    weights,
                    file.source,
                    alternative.start,
                    max(alternative.end, alternative.start + 1),
                    entry.definition.name,
                    file.weights.is_written(alternative),
                    file.weights.guard_of(alternative),
                )
            )
        definition = entry.definition
        return Rule(pending.name, tuple(productions), entry.file.source, definition.start, definition.end)

    def _alternatives(self, entry: Entry) -> tuple[list[tuple[File, Alternative]], tuple[tuple[Fraction, ...], ...]]:
        """The alternatives of a rule with its extensions, each with its file; and their weights."""
        weights = entry.file.weights.by_depth(entry.definition)
        for file, extension in entry.extensions:
            weights = file.weights.extended(weights, extension)
        return [(file, alternative) for file, part in entry.parts() for alternative in part.alternatives], weights

    def _sequence(self, expressions: Sequence[Expression], scope: _Scope) -> tuple[Item, ...]:
        found: list[Item] = []
        for expression in expressions:
            items = self._items(expression, scope)
            found += items
            self.items += sum(self._size(item)[0] for item in items)
            if self.items > _MOST_ITEMS or self.is_too_large:
                if not self.is_too_large:
                    message = f"this grammar has more than {_MOST_ITEMS:,} items, with what is inlined written out"
                    self._error(expression, scope.file, "E105", message, "give inline rules names without underscores")
                self.is_too_large = True
                return ()
        return tuple(found)

    def _size(self, item: Item) -> tuple[int, int]:
        """How many items one is, with what is in it, and how deep they are nested; arguments of templates may be in
        many places.
        """
        known = self.sizes.get(id(item))
        if known is None:
            parts = item.alternatives if isinstance(item, Group) else (item.items,) if isinstance(item, Repeat) else ()
            inner = [self._size(part) for items in parts for part in items]
            times = 1
            if isinstance(item, Repeat):  # each number of times between two is laid out by itself
                most = item.most or max(1, item.least)
                times = most if most == item.least else most * (most + 1) // 2
            size = 1 + times * sum(size for size, _ in inner)
            known = self.sizes[id(item)] = item, (size, 1 + max((depth for _, depth in inner), default=0))
        return known[1]

    def _items(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        read: Callable[[Expression, _Scope], tuple[Item, ...]] = getattr(self, f"_read_{expression.kind}")
        inner = scope if expression.kind in _FLAT else replace(scope, depth=scope.depth + 1)
        found = () if inner.depth > _DEEPEST else read(expression, inner)
        if inner.depth > _DEEPEST or inner.depth + max((self._size(item)[1] for item in found), default=0) > _DEEPEST:
            if not self.is_too_large:
                message = f"groups, templates and inline rules are nested deeper than {_DEEPEST}"
                self._error(expression, scope.file, "E105", message, "give the inner ones rules of their own")
            self.is_too_large = True
            return ()
        return found

    def _read_string(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        text = unquoted(expression, scope.file)
        if not text:
            self._error(expression, scope.file, "E101", "an empty string says nothing", "leave it out")
            return ()
        if _NUMERAL.fullmatch(text):
            return (Choice("", (text,), (_ONE,), expression.start, expression.end),)
        return (Literal(text, either_case(text) if expression.text.endswith("i") else None),)

    def _read_rule(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        if expression.text in scope.filled:
            return scope.filled[expression.text]
        entry = self.entries.get(scope.file.mangled(expression.text))
        if entry is None:
            undefined(expression, scope.file, self.entries)
            return ()
        if entry.definition.parameters:
            advice = f"as in   {expression.text}{{{', '.join(entry.definition.parameters)}}}"
            self._error(expression, scope.file, "E206", f"{expression.text} is a template and has no arguments", advice)
            return ()
        if self._is_inline(entry):
            return self._inlined(entry, entry.name, {}, expression, scope)
        return (Reference(entry.name, expression.start, expression.end),)

    def _read_terminal(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        item = self.terminals.item(expression, scope.file)
        if item is None or not expression.text.startswith("_"):
            return () if item is None else (item,)
        # Lark drops tokens of such names, so they are punctuation and no argument.
        if isinstance(item, Free):
            message = f"the text of {expression.text}, which Lark drops, would be lost"
            self._error(expression, scope.file, "E104", message, "give it a name without the underscore")
            return ()
        patterns = dict(item.patterns)
        texts = tuple((Literal(value, patterns.get(value)),) for value in item.values)
        if len(texts) == 1:
            return texts[0]
        return (Group(texts, item.weights, expression.text, expression.start, expression.end),)

    def _read_regexp(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        language = self.terminals.expression(expression, scope.file, ())
        if not self.terminals.is_token(language, expression, scope.file):
            return ()
        return (Free(expression.text, language.regexp(), expression.start, expression.end),)

    def _read_range(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        language = self.terminals.expression(expression, scope.file, ())
        if not language.is_finite:
            return self._read_regexp(expression, scope)
        values = language.values
        if not values:
            return ()
        return (Choice(expression.text, tuple(values), tuple(values.values()), expression.start, expression.end),)

    def _read_group(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        if len(expression.alternatives) == 1:
            return self._alternative(expression.alternatives[0], scope)
        weights = scope.file.weights.of_group(expression)
        return self._joined(expression, [self._alternative(a, scope) for a in expression.alternatives], weights, scope)

    def _read_optional(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        alternatives = [self._alternative(alternative, scope) for alternative in expression.alternatives]
        weights = scope.file.weights.of_group(expression)
        return self._maybe(expression, alternatives, weights, scope)

    def _maybe(
        self,
        expression: Expression,
        alternatives: list[tuple[Item, ...]],
        weights: Sequence[Fraction],
        scope: _Scope,
    ) -> tuple[Item, ...]:
        odds = scope.file.weights.odds_of(expression)
        shares = [*(weight * odds for weight in weights), 1 - odds]
        return self._joined(expression, [*alternatives, ()], shares, scope)

    def _read_repeat(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        assert expression.inner is not None
        inner = self._items(expression.inner, scope)
        start, end, text = expression.start, expression.end, self._shown(expression, scope)
        if expression.text == "?":
            return self._maybe(expression, [inner], [_ONE], scope)
        if expression.text in "*+":
            if inner and may_be_empty(inner):
                message = f"what {expression.text} repeats may be empty, so that a text has no end of derivations"
                self._error(expression, scope.file, "E207", message, "make its parts obligatory, or repeat it as ~0..3")
                return ()
            odds = scope.file.weights.odds_of(expression)
            return (Repeat(inner, int(expression.text == "+"), None, odds, text, start, end),) if inner else ()
        bounds = times(expression, scope.file)
        if bounds is None or not inner:
            return ()
        return (Repeat(inner, *bounds, Fraction(0), text, start, end),)

    def _shown(self, expression: Expression, scope: _Scope) -> str:
        """An expression as it is written, on one line."""
        text = re.sub(r"\s+", " ", scope.file.source.text[expression.start : expression.end])
        return text if len(text) <= 40 else f"{text[:37]}..."

    def _alternative(self, alternative: Alternative, scope: _Scope) -> tuple[Item, ...]:
        """An alternative of a group."""
        if alternative.alias is not None:
            message = "an alternative of a group has no alias"
            advice = "leave -> out, or make the group a rule"
            scope.file.problems.error("E101", alternative.start, alternative.end, message, advice)
        return self._sequence(alternative.items, scope)

    def _joined(
        self, expression: Expression, alternatives: list[tuple[Item, ...]], weights: Sequence[Fraction], scope: _Scope
    ) -> tuple[Item, ...]:
        """A group; its alternatives must give the same kinds of values, place by place."""
        longest: tuple[str, ...] = ()
        for alternative in alternatives:
            kinds = value_kinds(alternative)
            shared = min(len(kinds), len(longest))
            if kinds[:shared] != longest[:shared]:
                is_inline = expression.kind in ("rule", "template")
                what = expression.text if is_inline else "this group"
                message = f"the alternatives of {what} give arguments and children at the same place"
                advice = "give it a name without the underscore" if is_inline else "make the group a rule"
                self._error(expression, scope.file, "E208", message, f"{advice}, with an op for each alternative")
                return ()
            longest = kinds if len(kinds) > len(longest) else longest
        text = self._shown(expression, scope)
        return (Group(tuple(alternatives), tuple(weights), text, expression.start, expression.end),)

    def _read_template(self, expression: Expression, scope: _Scope) -> tuple[Item, ...]:
        entry = self.entries.get(scope.file.mangled(expression.text))
        if expression.text in scope.filled:
            message = f"{expression.text} is a parameter, and takes no arguments"
            self._error(expression, scope.file, "E206", message, "leave {...} out")
            return ()
        if entry is None:
            undefined(expression, scope.file, self.entries)
            return ()
        parameters = entry.definition.parameters
        if len(parameters) != len(expression.arguments):
            message = f"{expression.text} takes {plural(len(parameters), 'argument')}, not {len(expression.arguments)}"
            advice = f"as in   {expression.text}{{{', '.join(parameters)}}}" if parameters else "leave {...} out"
            self._error(expression, scope.file, "E206", message, advice)
            return ()
        arguments = [self._items(argument, scope) for argument in expression.arguments]
        filled = dict(zip(parameters, arguments, strict=True))
        name = f"{entry.name}{{{','.join(map(items_text, arguments))}}}"
        if self._is_inline(entry):
            return self._inlined(entry, name, filled, expression, scope)
        if name not in self.pending:
            self.instances += 1
            if self.instances > _MOST_INSTANCES or len(name) > _LONGEST_NAME:
                if self.instances < 2 * _MOST_INSTANCES:
                    message = f"{expression.text} is filled in more than {_MOST_INSTANCES:,} times, or ever longer"
                    advice = "a template that uses itself with other arguments has no end: break the circle"
                    self._error(expression, scope.file, "E206", message, advice)
                    self.instances = 2 * _MOST_INSTANCES
                return ()
            self.pending[name] = _Pending(name, entry, filled)
        return (Reference(name, expression.start, expression.end),)

    def _inlined(
        self, entry: Entry, name: str, filled: Filled, expression: Expression, scope: _Scope
    ) -> tuple[Item, ...]:
        """What an inline rule stands for, where it is used."""
        if any(known.split("{")[0] == entry.name for known in scope.above):
            message = f"{expression.text} is written out where it is used, and uses itself"
            advice = "repeat with * or +, or give it a name without the underscore"
            self._error(expression, scope.file, "E204", message, advice)
            return ()
        alternatives, weights = self._alternatives(entry)
        if any(len(by_depth) > 1 for by_depth in weights):
            message = f"{entry.definition.name} is written out where it is used, and has weights per depth"
            self._error(expression, scope.file, "E301", message, "give it a name without the underscore")
        guard = next((g for file, a in alternatives if (g := file.weights.guard_of(a)) is not None), None)
        if guard is not None:
            message = f"{entry.definition.name} is written out where it is used, and has a guard"
            advice = "give it a name without the underscore"
            entry.file.problems.error("E406", guard.start, guard.start + max(len(guard.text), 1), message, advice)
        above = (*scope.above, name)
        found = [self._sequence(a.items, _Scope(file, filled, above, scope.depth)) for file, a in alternatives]
        if len(found) == 1:
            return found[0]
        return self._joined(expression, found, [by_depth[0] for by_depth in weights], scope)


def _is_one_rule(alternative: Alternative) -> bool:
    return len(alternative.items) == 1 and alternative.items[0].kind == "rule"
