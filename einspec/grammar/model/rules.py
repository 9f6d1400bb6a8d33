"""A grammar as data: rules, productions with probabilities, terminals. It knows no tensors and no ops."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from einspec.grammar.model.ops import GuardText, OpFile
from einspec.text import Problem, Source


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that every sentence of a production holds: punctuation and keywords."""

    text: str
    pattern: str | None = None
    """What a text is matched with, where that is more than the text itself."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An argument: one of finitely many values, each with its probability. A quoted numeral has one value."""

    name: str
    values: tuple[str, ...]
    weights: tuple[Fraction, ...]
    start: int
    end: int
    patterns: tuple[tuple[str, str], ...] = ()
    """For values that are matched with more than their own text: the value, and with what."""
    is_setting: bool = False
    """Whether it is no argument of an op, but a value for whoever reads the sentence."""


@dataclass(frozen=True, slots=True)
class Free:
    """An argument that is a regular expression: it is parsed, and can not be drawn."""

    name: str
    pattern: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A child: a nonterminal, by name."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Group:
    """One of several sequences, each with its probability: ``(a | b)``; an optional part has an empty one, the last.

    It gives as many values as the alternative with the most; None stands for those that another lacks.
    """

    alternatives: tuple[tuple[Item, ...], ...]
    weights: tuple[Fraction, ...]
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A sequence several times over: a tuple of its values.

    ``most`` is None for ``*`` and ``+``; then ``going_on`` is the probability of one more after each that is past
    ``least``. Otherwise all numbers from ``least`` to ``most`` are equally probable.
    """

    items: tuple[Item, ...]
    least: int
    most: int | None
    going_on: Fraction
    text: str
    start: int
    end: int


Item = Literal | Choice | Free | Reference | Group | Repeat


def leaves(items: Iterable[Item]) -> Iterator[Literal | Choice | Free | Reference]:
    """What is written in items, groups and repetitions taken apart, in text order, each once."""
    for item in items:
        if isinstance(item, Group):
            for alternative in item.alternatives:
                yield from leaves(alternative)
        elif isinstance(item, Repeat):
            yield from leaves(item.items)
        else:
            yield item


@dataclass(frozen=True, slots=True)
class Production:
    """One written alternative of a rule, with its probability among them: one, or one for each depth of the tree."""

    symbol: str
    index: int
    items: tuple[Item, ...]
    alias: str | None
    weights: tuple[Fraction, ...]
    """At depth 1, 2, ...; the last one holds further down."""
    source: Source
    """The file that it is written in."""
    start: int
    end: int
    rule_name: str
    """What its rule is called in that file."""
    has_own_weight: bool
    """Whether its weight is written, and not a share of what others leave."""
    guard: GuardText | None = None
    """Where it applies; None where it does everywhere that its op does."""

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
        return self.alias or self.rule_name

    @property
    def label(self) -> str:
        """What reports call it: its op, or the nonterminal that it passes on to."""
        return self.children[0] if self.is_transparent else self.op_name

    @property
    def is_transparent(self) -> bool:
        """Whether it is exactly one nonterminal, which makes no node. Settings beside it do not count."""
        if self.alias is not None or not self.items:
            return False
        rest = [item for item in self.items if not (isinstance(item, Choice) and item.is_setting)]
        return len(rest) == 1 and isinstance(rest[0], Reference)

    @property
    def has_settings(self) -> bool:
        """Whether it names settings."""
        return any(isinstance(leaf, Choice) and leaf.is_setting for leaf in leaves(self.items))

    @property
    def is_flat(self) -> bool:
        """Whether it has no groups and no repetitions."""
        return not any(isinstance(item, (Group, Repeat)) for item in self.items)

    @property
    def children(self) -> tuple[str, ...]:
        """The nonterminals, in text order, each as often as it is written."""
        return tuple(item.name for item in leaves(self.items) if isinstance(item, Reference))

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The arguments outside of groups and repetitions that are drawn, in text order."""
        return tuple(item for item in self.items if isinstance(item, Choice))


@dataclass(frozen=True, slots=True)
class Rule:
    """A nonterminal with its productions, in text order."""

    name: str
    productions: tuple[Production, ...]
    source: Source
    start: int
    end: int


@dataclass(frozen=True)
class RuleSet:
    """A probabilistic context-free grammar as a Lark file writes it: data alone, which everything here works on."""

    source: Source
    imported: Mapping[str, Source]
    """The files that it imports, by the path that imports them."""
    start: str
    rules: Mapping[str, Rule]
    ignored: tuple[str, ...]
    """Regular expressions of what may stand between tokens."""
    directives: Mapping[str, str]
    op_files: Mapping[Source, OpFile] = field(repr=False)
    """The ops that it and the files that it imports hold, as text."""
    found: tuple[Problem, ...] = field(repr=False)
    """What reading the file found, warnings only."""
    is_trusted: bool = False
    """Whether its regular expressions may be slow."""

    @property
    def text(self) -> str:
        """The grammar file as it was written."""
        return self.source.text

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text and of what it imports, in hex."""
        texts = [self.text, *(self.imported[path].text for path in sorted(self.imported))]
        return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def depths(self) -> int:
        """How many depths have weights of their own: 1 unless weights are given per depth."""
        return max(len(production.weights) for rule in self.rules.values() for production in rule.productions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleSet) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)
