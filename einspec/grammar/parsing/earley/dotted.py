"""The tables of an Earley parser: alternatives with a dot, numbered, and what can come at each dot.

Sets of terminals are the bits of an integer. ``FIRST`` and ``FOLLOW`` are those of Aho, Sethi and Ullman,
"Compilers" (1986), section 4.4; as lookahead in Earley's parser they are section 5 of Earley, "An efficient
context-free parsing algorithm" (1970), with one set for all places of a symbol, as in an SLR parser.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from einspec.grammar.parsing.earley.costs import Costs, Numbered, Rule, parts_first


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to expand a nonterminal."""

    symbol: str
    parts: tuple[str, ...]
    """The names of nonterminals and terminals in text order; may be empty."""
    weight: float
    """The probability, from 0 to 1; what has 0 is parsed and never drawn."""


class Dotted:
    """A grammar as numbers.

    Terminals and nonterminals count from 0. An alternative of n parts takes n + 1 numbers in a row, one for each
    place of the dot, and after those of all alternatives each nonterminal has one number for its completion.
    The alternative that comes last is not of the grammar: it derives the start symbol and then the end of the text.

    Raises ``ValueError`` for a weight outside 0 to 1 and for a name that is neither or both of the two kinds.
    """

    def __init__(self, alternatives: Sequence[Alternative], terminals: Iterable[str], start: str):
        self.terminals = list(terminals)
        self.nonterminals = list(dict.fromkeys(alternative.symbol for alternative in alternatives))
        _check(alternatives, set(self.terminals), set(self.nonterminals), start)
        number = {name: ~n for n, name in enumerate(self.terminals)}
        number |= {name: n for n, name in enumerate(self.nonterminals)}
        self.goal = len(self.nonterminals)
        self.rules: list[Rule] = [
            (number[alternative.symbol], tuple(number[part] for part in alternative.parts), alternative.weight)
            for alternative in alternatives
        ]
        self.rules.append((self.goal, (number[start],), 1.0))
        self.costs = Costs(self.rules, self.goal + 1)
        self.end_bit = 1 << len(self.terminals)
        self._number_dots()
        self._look_ahead()

    def _number_dots(self) -> None:
        self.complete = self.goal + 1  # stands in ``after`` where no part follows
        self.after: list[int] = []  # per dotted number: the part after the dot, ~n for a terminal
        self.before: list[int] = []  # the part before the dot, where there is one
        self.rule_of: list[int] = []
        self.dot_of: list[int] = []
        self.starts: list[list[int]] = [[] for _ in range(self.goal + 1)]  # of the alternatives that are not empty
        for index, (symbol, parts, _) in enumerate(self.rules):
            if parts:
                self.starts[symbol].append(len(self.after))
            for dot in range(len(parts) + 1):
                self.after.append(parts[dot] if dot < len(parts) else self.complete)
                self.before.append(parts[dot - 1] if dot else self.complete)
                self.rule_of.append(index)
                self.dot_of.append(dot)
        self.first_symbol = len(self.after)  # the number of the completion of nonterminal 0
        self.size = self.first_symbol + self.goal + 1

    def _look_ahead(self) -> None:
        """What can be the next terminal of a text at each dot: of the rest, and past the end of the alternative."""
        nullable = [cost is not None for cost in self.costs.of_empty]
        ordered = parts_first(self.rules, self.goal + 1)
        first = _first_sets(ordered, nullable)
        follow = _follow_sets(ordered, nullable, first, self.goal, self.end_bit)
        self.nullable = nullable
        self.ahead: list[int] = []
        for symbol, parts, _ in self.rules:
            masks = [follow[symbol]]
            for part in reversed(parts):
                masks.append(_first_of(part, nullable, first, masks[-1]))
            self.ahead += reversed(masks)

    def names(self, mask: int) -> frozenset[str]:
        """The terminals of a set; the end of the text is left out."""
        return frozenset(name for n, name in enumerate(self.terminals) if mask >> n & 1)


def _check(alternatives: Sequence[Alternative], terminals: set[str], nonterminals: set[str], start: str) -> None:
    for alternative in alternatives:
        if not 0 <= alternative.weight <= 1:
            raise ValueError(f"the weight of {alternative} is not from 0 to 1")
        for part in alternative.parts:
            if part not in terminals and part not in nonterminals:
                raise ValueError(f"{part!r} in {alternative} is neither a terminal nor a nonterminal")
    if terminals & nonterminals:
        raise ValueError(f"{min(terminals & nonterminals)!r} is both a terminal and a nonterminal")
    if start not in nonterminals:
        raise ValueError(f"the start symbol {start!r} has no alternatives")


def _first_of(part: int, nullable: Sequence[bool], first: Mapping[int, int], rest: int) -> int:
    if part < 0:
        return 1 << ~part
    return first[part] | rest if nullable[part] else first[part]


def _first_sets(ordered: Numbered, nullable: Sequence[bool]) -> dict[int, int]:
    first = dict.fromkeys(range(len(nullable)), 0)
    changed = True
    while changed:
        changed = False
        for _, (symbol, parts, _) in ordered:
            mask = 0
            for part in reversed(parts):
                mask = _first_of(part, nullable, first, mask)
            if mask & ~first[symbol]:
                first[symbol] |= mask
                changed = True
    return first


def _follow_sets(
    ordered: Numbered, nullable: Sequence[bool], first: Mapping[int, int], goal: int, end_bit: int
) -> dict[int, int]:
    follow = dict.fromkeys(range(len(nullable)), 0)
    follow[goal] = end_bit
    changed = True
    while changed:
        changed = False
        for _, (symbol, parts, _) in reversed(ordered):
            mask = follow[symbol]
            for part in reversed(parts):
                if part >= 0 and mask & ~follow[part]:
                    follow[part] |= mask
                    changed = True
                mask = _first_of(part, nullable, first, mask)
    return follow
