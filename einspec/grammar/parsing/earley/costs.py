"""What derivations cost: integers that are added, so that equal products of weights are equal to the last bit.

Sums of floating-point logarithms depend on the order of the terms, and a tie would be broken by rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Rule = tuple[int, tuple[int, ...], float]
"""A nonterminal, its parts (negative for a terminal) and the weight."""

Numbered = Sequence[tuple[int, Rule]]
"""Rules with their places in the grammar."""

_UNITS_PER_BIT = 1 << 40
NEVER_DRAWN = 1 << 100
"""The cost of an alternative of weight 0: more than all others of a derivation together."""


def parts_first(rules: Sequence[Rule], symbols: int) -> list[tuple[int, Rule]]:
    """The rules in an order where those of a part come before those that name it, but for circles.

    What spreads from parts to wholes is then found in a few passes, in whatever order the grammar is written.
    """
    by_symbol: list[list[tuple[int, Rule]]] = [[] for _ in range(symbols)]
    for index, rule in enumerate(rules):
        by_symbol[rule[0]].append((index, rule))
    order: list[tuple[int, Rule]] = []
    seen: set[int] = set()
    stack = list(range(symbols))
    while stack:
        symbol = stack.pop()
        if symbol < 0:
            order += by_symbol[~symbol]
        elif symbol not in seen:
            seen.add(symbol)
            stack.append(~symbol)
            stack += [part for _, (_, parts, _) in by_symbol[symbol] for part in parts if part >= 0]
    return order


class Costs:
    """The cost of each alternative, and the cheapest derivation of the empty text from each nonterminal.

    A cost is -log2 of the weight, which is exact for powers of two, on a grid of 2^-40 bits. Alternatives of weight
    1 cost nothing unless they can go round in a circle over one stretch of text (``a: b``, ``b: a``): they cost one
    unit, so that every circle costs something and no cheapest derivation holds one.
    """

    def __init__(self, rules: Sequence[Rule], symbols: int):
        self.rules = rules
        self.of_rule = [_cost(weight) for _, _, weight in rules]
        ordered = parts_first(rules, symbols)
        for index in _free_circles(ordered, self.of_rule, symbols):
            self.of_rule[index] = 1
        self.of_empty: list[int | None] = [None] * symbols
        self._derive_empty(ordered)
        self.rule_of_empty: list[int | None] = [None] * symbols
        self._choose_empty(ordered)

    def _derive_empty(self, ordered: Numbered) -> None:
        changed = True
        while changed:
            changed = False
            for index, (symbol, parts, _) in ordered:
                cost, known = self.empty_cost(index, parts), self.of_empty[symbol]
                if cost is not None and (known is None or cost < known):
                    self.of_empty[symbol] = cost
                    changed = True

    def empty_cost(self, index: int, parts: tuple[int, ...]) -> int | None:
        """The cost of the empty text from an alternative; None where it derives no empty text."""
        cost = self.of_rule[index]
        for part in parts:
            found = self.of_empty[part] if part >= 0 else None
            if found is None:
                return None
            cost += found
        return cost

    def _choose_empty(self, ordered: Numbered) -> None:
        """The first alternative of those that cost least; and whether there is a choice anywhere below."""
        uses: list[set[int]] = [set() for _ in self.of_empty]
        choices = [0] * len(uses)
        for index, (symbol, parts, _) in enumerate(self.rules):
            cost = self.empty_cost(index, parts)
            if cost is None:
                continue
            choices[symbol] += 1
            uses[symbol] |= set(parts)
            if cost == self.of_empty[symbol] and self.rule_of_empty[symbol] is None:
                self.rule_of_empty[symbol] = index
        self.empty_is_ambiguous = [number > 1 for number in choices]
        changed = True
        while changed:
            changed = False
            for _, (symbol, _, _) in ordered:
                if not self.empty_is_ambiguous[symbol] and any(self.empty_is_ambiguous[p] for p in uses[symbol]):
                    self.empty_is_ambiguous[symbol] = changed = True


def _cost(weight: float) -> int:
    return round(-math.log2(weight) * _UNITS_PER_BIT) if weight else NEVER_DRAWN


def _free_circles(rules: Numbered, costs: Sequence[int], symbols: int) -> list[int]:
    """The alternatives that cost nothing and can come back to their own nonterminal for nothing, the rest empty."""
    vanishing = _vanishing(rules, costs)
    below = [0] * symbols  # the bits of the nonterminals that can cover the whole text of a nonterminal for nothing
    steps = [
        (index, symbol, part)
        for index, (symbol, parts, _) in rules
        if costs[index] == 0
        for place, part in enumerate(parts)
        if part >= 0 and all(other in vanishing for other in parts[:place] + parts[place + 1 :])
    ]
    changed = True
    while changed:
        changed = False
        for _, symbol, part in steps:
            mask = below[part] | 1 << part
            if mask & ~below[symbol]:
                below[symbol] |= mask
                changed = True
    return [index for index, symbol, part in steps if (below[part] | 1 << part) >> symbol & 1]


def _vanishing(rules: Numbered, costs: Sequence[int]) -> set[int]:
    """The nonterminals that derive the empty text for nothing."""
    found: set[int] = set()
    size = -1
    while len(found) > size:
        size = len(found)
        for index, (symbol, parts, _) in rules:
            if costs[index] == 0 and all(part in found for part in parts):
                found.add(symbol)
    return found
