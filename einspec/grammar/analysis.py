"""Analysis of a grammar as a branching process, and the checks of its structure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from einspec.grammar.model import Grammar, Production, Rule
from einspec.grammar.problems import Problems

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from einspec.text import Problem

MOST_DERIVATIONS = 10**1000
"""Counts stop here: a few rules that double each other have more derivations than any memory has digits."""

_CRITICAL = 1 - 1e-12


def check_structure(rules: Mapping[str, Rule], start: str, problems: Problems) -> None:
    """Notes rules that derive nothing, that derive themselves, and alternatives that are written twice."""
    depths = minimal_depths(rules)
    for rule in rules.values():
        if math.isinf(depths[rule.name]):
            problems.error(
                "E203",
                rule.start,
                rule.start + len(rule.name),
                f"the rule {rule.name} derives nothing: each alternative needs it again, or another such rule",
                "add an alternative that ends",
            )
        _check_twins(rule, problems)
    _check_transparent_circles(rules, problems)
    reachable = reachable_rules(rules, start, lambda production: True)
    for rule in rules.values():
        if rule.name not in reachable:
            problems.warning(
                "W501",
                rule.start,
                rule.start + len(rule.name),
                f"the rule {rule.name} is never reached from {start}",
                "use it, or leave it out",
            )


def _check_twins(rule: Rule, problems: Problems) -> None:
    seen: dict[object, Production] = {}
    for production in rule.productions:
        shape = tuple(
            (
                type(item).__name__,
                getattr(item, "text", None) or getattr(item, "name", "") or getattr(item, "values", None),
            )
            for item in production.items
        )
        first = seen.setdefault(shape, production)
        if first is not production:
            problems.error(
                "E205",
                production.start,
                production.end,
                f"{rule.name} has this alternative twice, first at {problems.source.place(first.start)}",
                "a text of it could mean both: change a word, or leave one out",
            )


def _check_transparent_circles(rules: Mapping[str, Rule], problems: Problems) -> None:
    """An alternative that is one nonterminal makes no node, so a circle of them has infinitely many derivations."""
    only = {name: [p for p in rule.productions if p.is_transparent] for name, rule in rules.items()}
    for name in rules:
        frontier, seen = list(only[name]), set[str]()
        while frontier:
            child = frontier.pop().children[0]
            if child == name:
                production = next(p for p in only[name])
                problems.error(
                    "E204",
                    production.start,
                    production.end,
                    f"the rule {name} can derive itself alone",
                    "break the circle, or give an alternative of it a word or an alias",
                )
                break
            if child not in seen:
                seen.add(child)
                frontier += only[child]


def minimal_depths(rules: Mapping[str, Rule]) -> dict[str, float]:
    """Least depth of a derivation of each nonterminal, in nodes that name an op; infinite where there is none."""
    depths = dict.fromkeys(rules, math.inf)
    changed = True
    while changed:
        changed = False
        for name, rule in rules.items():
            for production in rule.productions:
                depth = production_depth(production, depths)
                if depth < depths[name]:
                    depths[name], changed = depth, True
    return depths


def production_depth(production: Production, depths: Mapping[str, float]) -> float:
    """Least depth of a derivation that begins with the production."""
    below = max((depths[child] for child in production.children), default=0)
    return below if production.is_transparent else below + 1


def reachable_rules(rules: Mapping[str, Rule], start: str, use: Callable[[Production], bool]) -> set[str]:
    """The nonterminals that derivations from ``start`` can hold, over the productions that ``use`` accepts."""
    reachable, frontier = {start}, [start]
    while frontier:
        for production in rules[frontier.pop()].productions:
            if use(production):
                new = set(production.children) - reachable
                reachable |= new
                frontier += sorted(new)
    return reachable


def analysis_warnings(grammar: Grammar) -> list[Problem]:
    """The warning for a supercritical grammar, at its start rule."""
    problems = Problems(grammar.source)
    if grammar.branching_rate >= _CRITICAL:
        rule = grammar.rules[grammar.start]
        problems.warning(
            "W502",
            rule.start,
            rule.start + len(rule.name),
            f"the expected size is infinite: a generation of nodes has {grammar.branching_rate:.5f} times the nodes "
            "of the one before",
            "give the alternatives without children more weight; samples are cut by the limits until then",
        )
    return problems.found


Symbol = tuple[str, int]
"""A nonterminal at a depth of the tree, from 1; the last depth with weights of its own stands for all below."""


def children_of(grammar: Grammar, production: Production, depth: int) -> list[Symbol]:
    """The children of a production at a depth. A transparent one makes no node, so its child stays there."""
    below = depth if production.is_transparent else min(depth + 1, grammar.depths)
    return [(child, below) for child in production.children]


def _reachable_symbols(grammar: Grammar, start: Symbol) -> set[Symbol]:
    """The nonterminals, with their depths, that derivations of positive weight can hold."""
    reachable, frontier = {start}, [start]
    while frontier:
        name, depth = frontier.pop()
        for production in grammar.rules[name].productions:
            if production.weight_at(depth) > 0:
                new = set(children_of(grammar, production, depth)) - reachable
                reachable |= new
                frontier += sorted(new)
    return reachable


def mean_matrix(grammar: Grammar) -> tuple[list[Symbol], NDArray[np.float64]]:
    """Nonterminals and the mean matrix M: M[i, j] children j are expected of the node that i derives.

    A generation is a node that names an op: chains of transparent alternatives are followed to their end,
    so that writing a rule in two does not change the rate.
    """
    import numpy as np

    symbols = sorted(_reachable_symbols(grammar, (grammar.start, 1)))
    index = {symbol: i for i, symbol in enumerate(symbols)}
    chains = np.zeros((len(symbols), len(symbols)))
    children = np.zeros((len(symbols), len(symbols)))
    for symbol in symbols:
        name, depth = symbol
        for production in grammar.rules[name].productions:
            weight = production.weight_at(depth)
            if weight > 0:
                target = chains if production.is_transparent else children
                for child in children_of(grammar, production, depth):
                    target[index[symbol], index[child]] += float(weight)
    rate: NDArray[np.float64] = np.linalg.solve(np.eye(len(symbols)) - chains, children).astype(np.float64)
    return symbols, rate


def branching_rate(grammar: Grammar) -> float:
    """Spectral radius of the mean matrix."""
    import numpy as np

    _, matrix = mean_matrix(grammar)
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def expected_size(grammar: Grammar) -> float:
    """Expected number of nodes: s = 1 + M s."""
    import numpy as np

    if grammar.branching_rate >= _CRITICAL:
        return math.inf
    symbols, matrix = mean_matrix(grammar)
    sizes = np.linalg.solve(np.eye(len(symbols)) - matrix, np.ones(len(symbols)))
    return float(sizes[symbols.index((grammar.start, 1))])


def count_derivations(grammar: Grammar, symbol: str) -> int | None:
    """Number of derivations of positive weight; None where a nonterminal reaches itself."""
    counts: dict[Symbol, int] = {}
    open_symbols: set[Symbol] = set()
    stack: list[tuple[Symbol, bool]] = [((symbol, 1), False)]
    while stack:
        found, is_done = stack.pop()
        name, depth = found
        productions = [p for p in grammar.rules[name].productions if p.weight_at(depth) > 0]
        if is_done:
            open_symbols.remove(found)
            total = sum(_production_count(grammar, p, depth, counts) for p in productions)
            counts[found] = min(total, MOST_DERIVATIONS)
        elif found in open_symbols:
            return None
        elif found not in counts:
            open_symbols.add(found)
            stack.append((found, True))
            stack += [(child, False) for p in productions for child in children_of(grammar, p, depth)]
    return counts[symbol, 1]


def _production_count(grammar: Grammar, production: Production, depth: int, counts: Mapping[Symbol, int]) -> int:
    choices = math.prod(sum(weight > 0 for weight in choice.weights) for choice in production.choices)
    return choices * math.prod(counts[child] for child in children_of(grammar, production, depth))
