"""How many derivations a grammar has, types left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from einspec.errors import GrammarError
from einspec.grammar.model.rules import Choice, Group, Item, Production, Reference, Repeat, RuleSet
from einspec.text import did_you_mean

MOST_DERIVATIONS = 10**1000
"""Counts stop here: a few rules that double each other have more derivations than any memory has digits."""

Symbol = tuple[str, int]


def count_derivations(grammar: RuleSet, symbol: str) -> int | None:
    """Number of derivations of positive weight; None where a nonterminal reaches itself, or a repetition has no end.

    Raises ``GrammarError`` for a nonterminal that there is not.
    """
    if symbol not in grammar.rules:
        hint = did_you_mean(symbol, grammar.rules)
        raise GrammarError(f"{grammar.source.name} has no rule {symbol!r}" + (f"; {hint}" if hint else ""))
    counts: dict[Symbol, int] = {}
    open_symbols: set[Symbol] = set()
    stack: list[tuple[Symbol, bool]] = [((symbol, 1), False)]
    while stack:
        found, is_done = stack.pop()
        name, depth = found
        productions = [p for p in grammar.rules[name].productions if p.weight_at(depth) > 0]
        if is_done:
            open_symbols.remove(found)
            total = sum(_count(p.items, _below(grammar, p, depth), counts) for p in productions)
            counts[found] = min(total, MOST_DERIVATIONS)
        elif found in open_symbols:
            return None
        elif found not in counts:
            if any(_is_endless(production.items) for production in productions):
                return None
            open_symbols.add(found)
            stack.append((found, True))
            for production in productions:
                below = _below(grammar, production, depth)
                stack += [((child, below), False) for child in _drawn(production.items)]
    return counts[symbol, 1]


def _below(grammar: RuleSet, production: Production, depth: int) -> int:
    return depth if production.is_transparent else min(depth + 1, grammar.depths)


def _drawn(items: Iterable[Item]) -> Iterable[str]:
    """The nonterminals that can be drawn in items."""
    for item in items:
        if isinstance(item, Reference):
            yield item.name
        elif isinstance(item, Group):
            for alternative, weight in zip(item.alternatives, item.weights, strict=True):
                if weight:
                    yield from _drawn(alternative)
        elif isinstance(item, Repeat) and _is_drawn(item):
            yield from _drawn(item.items)


def _is_drawn(item: Repeat) -> bool:
    """Whether a repetition can have an element."""
    return bool(item.least or item.most or item.going_on)


def _is_endless(items: Iterable[Item]) -> bool:
    """Whether a repetition that can be drawn has no end."""
    for item in items:
        if isinstance(item, Group):
            pairs = zip(item.alternatives, item.weights, strict=True)
            if any(weight and _is_endless(alternative) for alternative, weight in pairs):
                return True
        elif isinstance(item, Repeat) and ((item.most is None and item.going_on > 0) or _is_endless(item.items)):
            return True
    return False


def _count(items: Iterable[Item], depth: int, counts: Mapping[Symbol, int]) -> int:
    total = 1
    for item in items:
        if isinstance(item, Choice):
            total *= sum(weight > 0 for weight in item.weights)
        elif isinstance(item, Reference):
            total *= counts[item.name, depth]
        elif isinstance(item, Group):
            pairs = zip(item.alternatives, item.weights, strict=True)
            total *= sum(_count(alternative, depth, counts) for alternative, weight in pairs if weight)
        elif isinstance(item, Repeat) and _is_drawn(item):
            total *= _count_repeats(item, _count(item.items, depth, counts))
        total = min(total, MOST_DERIVATIONS)
    return total


def _count_repeats(item: Repeat, once: int) -> int:
    total, power = 0, 1
    for number in range((item.least if item.most is None else item.most) + 1):
        if number:
            power = min(power * once, MOST_DERIVATIONS)
        if number >= item.least:
            total += power
    return total
