"""A grammar as data: rules, productions with probabilities, terminals. It knows no tensors and no ops."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from einspec.errors import GrammarError
from einspec.text import Problem, Source, did_you_mean


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that every sentence of a production holds: punctuation and keywords."""

    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An argument: one of finitely many values, each with its probability. A quoted numeral has one value."""

    name: str
    values: tuple[str, ...]
    weights: tuple[Fraction, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A child: a nonterminal, by name."""

    name: str
    start: int
    end: int


Item = Literal | Choice | Reference


@dataclass(frozen=True, slots=True)
class Production:
    """One written alternative of a rule, with its probability among them: one, or one for each depth of the tree."""

    symbol: str
    index: int
    items: tuple[Item, ...]
    alias: str | None
    weights: tuple[Fraction, ...]
    """At depth 1, 2, ...; the last one holds further down."""
    start: int
    end: int

    def weight_at(self, depth: int) -> Fraction:
        """The probability at a depth of the tree; the root has depth 1."""
        return self.weights[min(depth, len(self.weights)) - 1]

    @property
    def is_drawn(self) -> bool:
        """Whether it is ever drawn: at some depth its weight is positive."""
        return any(self.weights)

    @property
    def op_name(self) -> str:
        """The op that the production means: its alias, else its rule's name."""
        return self.alias or self.symbol

    @property
    def is_transparent(self) -> bool:
        """Whether it is exactly one nonterminal, which makes no node."""
        return self.alias is None and len(self.items) == 1 and isinstance(self.items[0], Reference)

    @property
    def children(self) -> tuple[str, ...]:
        """The nonterminals, in text order."""
        return tuple(item.name for item in self.items if isinstance(item, Reference))

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The arguments, in text order."""
        return tuple(item for item in self.items if isinstance(item, Choice))


@dataclass(frozen=True, slots=True)
class Rule:
    """A nonterminal with its productions, in text order."""

    name: str
    productions: tuple[Production, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Grammar:
    """A probabilistic context-free grammar, read from a Lark file."""

    source: Source
    start: str
    rules: Mapping[str, Rule]
    ignored: tuple[str, ...]
    """Regular expressions of what may stand between tokens."""
    directives: Mapping[str, str]
    found: tuple[Problem, ...] = field(repr=False)
    """What reading the file found, warnings only."""

    @property
    def text(self) -> str:
        """The grammar file as it was written."""
        return self.source.text

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def depths(self) -> int:
        """How many depths have weights of their own: 1 unless weights are given per depth."""
        return max(len(production.weights) for rule in self.rules.values() for production in rule.productions)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """All warnings, in the order of the file."""
        from einspec.grammar.analysis import analysis_warnings

        return tuple(sorted((*self.found, *analysis_warnings(self)), key=lambda p: (p.start, p.code)))

    @cached_property
    def branching_rate(self) -> float:
        """Spectral radius of the mean matrix: the growth of a derivation per generation of nodes.

        From 1 on the expected size is infinite, and the grammar is called supercritical.
        """
        from einspec.grammar.analysis import branching_rate

        return branching_rate(self)

    @cached_property
    def expected_size(self) -> float:
        """Expected number of nodes that name an op, types not considered; infinite when supercritical."""
        from einspec.grammar.analysis import expected_size

        return expected_size(self)

    def count(self, symbol: str | None = None) -> int | None:
        """How many derivations of positive weight a nonterminal has, types not considered; None if infinitely many.

        Counts stop at 10**1000, which stands for that many or more.

        The default is the start symbol.
        """
        from einspec.grammar.analysis import count_derivations

        if symbol is not None and symbol not in self.rules:
            hint = did_you_mean(symbol, self.rules)
            raise GrammarError(f"{self.source.name} has no rule {symbol!r}" + (f"; {hint}" if hint else ""))
        return count_derivations(self, symbol or self.start)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grammar) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<grammar {self.source.name}: {len(self.rules)} rules from {self.start!r}>"
