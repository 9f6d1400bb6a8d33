"""Flat grammars: what parsers work on. Groups and repetitions are nonterminals of their own here, and each alternative
says what it means for a derivation.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from einspec.grammar.model.rules import Choice, Free, Group, Item, Literal, Production, Reference, Repeat, RuleSet
from einspec.grammar.parsing.earley.dotted import Alternative

_MOST_INLINE = 64
"""Combinations of values of one production that are alternatives of their own: so a parser need not decide on a value
before it has seen what follows."""
_MOST_TOKENS = 64
"""Values of one choice that are tokens of their own; more are one token."""
_NUMBERS = re.compile(r"[+-]?\d+(,[+-]?\d+)+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an alternative means: a ``production``, the ``value`` of a choice, or an ``option``, by its number.

    ``first`` and ``more`` are the beginning and an element of a repetition without end, ``rest`` an element of one
    with an end.
    """

    kind: str
    production: Production | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Terminal:
    """A token: what it is matched with, the text that it stands for (None where several), and what messages call it."""

    pattern: str
    text: str | None
    shown: str

    @property
    def is_plain(self) -> bool:
        """Whether it matches its own text alone."""
        return self.text is not None and self.pattern == re.escape(self.text)


class FlatGrammar:
    """The alternatives of a grammar, with their meanings, and its terminals."""

    def __init__(self, grammar: RuleSet):
        self.grammar = grammar
        self.ignored = grammar.ignored
        self.ignores_blanks = any(re.fullmatch(pattern, " ") for pattern in grammar.ignored)
        self.ignores_lines = any(re.fullmatch(pattern, "\n") for pattern in grammar.ignored)
        self.alternatives: list[Alternative] = []
        self.meanings: list[Meaning] = []
        self.terminals: dict[str, Terminal] = {}
        self._names: dict[object, str] = {}
        self._made: dict[object, str] = {}
        self._several: dict[str, tuple[str, ...]] = {}
        """The texts of tokens that have several, by their pattern."""
        for rule in grammar.rules.values():
            for production in rule.productions:
                self._production(production)
        self.start = self._rule(grammar.start)

    @property
    def has_overlaps(self) -> bool:
        """Whether a token of several texts shares one with another token, or begins with what is ignored: a lexer that
        decides token by token may then decide wrongly.
        """
        texts: set[str] = set()
        for terminal in self.terminals.values():
            if any(re.match(pattern, terminal.text or "") for pattern in self.ignored):
                return True  # it would be ignored, or a part of it
            own = [terminal.text] if terminal.text is not None else self._several.get(terminal.pattern, ())
            if not texts.isdisjoint(own):
                return True
            texts.update(own)
        return False

    def _rule(self, name: str) -> str:
        return self._symbol(("rule", name))

    def _symbol(self, key: object) -> str:
        return self._made.setdefault(key, f"n{len(self._made)}")

    def _new(self) -> str:
        return self._symbol(("new", len(self._made)))

    def _add(self, symbol: str, parts: Sequence[str], weight: float, meaning: Meaning) -> None:
        self.alternatives.append(Alternative(symbol, tuple(parts), weight))
        self.meanings.append(meaning)

    def _production(self, production: Production) -> None:
        symbol = self._rule(production.symbol)
        weight = float(production.weights[-1])
        meaning = Meaning("production", production)
        choices = [item.values for item in production.items if isinstance(item, Choice)]
        if math.prod(map(len, choices)) > _MOST_INLINE:
            self._add(symbol, [self._part(item) for item in production.items], weight, meaning)
            return
        for texts in itertools.product(*choices):
            given = iter(texts)
            parts, share = [], weight
            for item in production.items:
                if isinstance(item, Choice):
                    text = next(given)
                    parts.append(self._value(item, text))
                    share *= float(item.weights[item.values.index(text)])
                else:
                    parts.append(self._part(item))
            self._add(symbol, parts, share, meaning)

    def _part(self, item: Item) -> str:
        if isinstance(item, Literal):
            return self._token(item.text, item.pattern)
        if isinstance(item, Free):
            shown = item.name if item.name[:1] == "/" else f"{item.name} (/{item.pattern}/)"
            return self._terminal(Terminal(item.pattern, None, shown))
        if isinstance(item, Reference):
            return self._rule(item.name)
        if isinstance(item, Choice):
            return self._choice(item)
        return self._group(item) if isinstance(item, Group) else self._repeat(item)

    def _value(self, choice: Choice, text: str) -> str:
        return self._token(text, dict(choice.patterns).get(text))

    def _token(self, text: str, pattern: str | None) -> str:
        """A token of one text. Blanks are free around the commas of joined numbers, where they are ignored at all."""
        if pattern is None and self.ignores_blanks and _NUMBERS.fullmatch(text):
            blank = r"\s*" if self.ignores_lines else r"[ \t]*"
            pattern = f"{blank},{blank}".join(map(re.escape, text.split(",")))
        return self._terminal(Terminal(pattern or re.escape(text), text, text))

    def _terminal(self, terminal: Terminal) -> str:
        name = self._names.setdefault(terminal, f"T{len(self._names)}")
        self.terminals[name] = terminal
        return name

    def _choice(self, choice: Choice) -> str:
        """A nonterminal of the values; one token where these are many."""
        if len(choice.values) == 1:
            return self._value(choice, choice.values[0])
        if len(choice.values) > _MOST_TOKENS and not choice.patterns:
            return self._many(choice)
        key = ("choice", choice.values, choice.weights)
        if key not in self._made:
            symbol = self._symbol(key)
            for number, (text, weight) in enumerate(zip(choice.values, choice.weights, strict=True)):
                self._add(symbol, [self._value(choice, text)], float(weight), Meaning("value", None, number))
        return self._made[key]

    def _many(self, choice: Choice) -> str:
        texts = sorted(choice.values, key=lambda text: (-len(text), text))
        pattern = "|".join(map(re.escape, texts))
        self._several[pattern] = choice.values
        return self._terminal(Terminal(pattern, None, choice.name))

    def _sequence(self, items: Sequence[Item]) -> list[str]:
        return [self._part(item) for item in items]

    def _group(self, group: Group) -> str:
        symbol = self._new()
        for number, (items, weight) in enumerate(zip(group.alternatives, group.weights, strict=True)):
            self._add(symbol, self._sequence(items), float(weight), Meaning("option", None, number))
        return symbol

    def _repeat(self, repeat: Repeat) -> str:
        """Left-recursive where it has no end, so that a parser need not keep a long one on its stack."""
        once = self._sequence(repeat.items)
        symbol = self._new()
        if repeat.most is None:
            going_on = float(repeat.going_on)
            self._add(symbol, once * repeat.least, 1 - going_on, Meaning("first"))
            self._add(symbol, [symbol, *once], going_on, Meaning("more"))
            return symbol
        share = 1 / (repeat.most - repeat.least + 1)
        rest = self._rest(once, repeat.most - repeat.least)
        self._add(symbol, [*once * repeat.least, *rest], share, Meaning("first"))
        return symbol

    def _rest(self, once: Sequence[str], most: int) -> list[str]:
        """Up to so many more. That each number of them has one probability is beyond a flat grammar."""
        below: list[str] = []
        for _ in range(most):
            symbol = self._new()
            self._add(symbol, [], 1.0, Meaning("first"))
            self._add(symbol, [*once, *below], 1.0, Meaning("rest"))
            below = [symbol]
        return below
