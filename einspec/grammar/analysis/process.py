"""Analysis of a grammar as a branching process (Harris, The theory of branching processes, 1963, chapter II).

A node derives its children; how many of each kind are expected says how large architectures become. Types are left
out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import Free, Group, Item, Production, Reference, Repeat, RuleSet, leaves

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from einspec.text import Problem

    Matrix = NDArray[np.float64]

CRITICAL = 1 - 1e-12
_BISECTIONS = 60

Symbol = tuple[str, int]
"""A nonterminal at a depth of the tree, from 1; the last depth with weights of its own stands for all below."""
Weigh = Mapping[tuple[str, int], float]
"""Weights to take instead of the written ones, by rule and index of the alternative."""


def analysis_warnings(process: Process) -> list[Problem]:
    """Warnings of what reading alone does not tell: infinite sizes, and arguments that cannot be drawn."""
    grammar = process.grammar
    problems = Problems(grammar.source)
    if process.branching_rate >= CRITICAL:
        rule = grammar.rules[grammar.start]
        problems.of(rule.source).warning(
            "W502",
            rule.start,
            rule.start + len(rule.name),
            f"the expected size is infinite: a generation of nodes has {process.branching_rate:.5f} times the nodes "
            "of the one before",
            "give the alternatives without children more weight; samples are cut by the limits until then",
        )
    for rule in grammar.rules.values():
        for production in rule.productions:
            free = next((leaf for leaf in leaves(production.items) if isinstance(leaf, Free)), None)
            if free is not None and production.is_drawn:
                problems.of(production.source).warning(
                    "W506",
                    free.start,
                    free.end,
                    f"{free.name} is a regular expression: it can be parsed, but not drawn",
                    "list its values, give it a range as in   //% range 1..64   , or give the alternative weight 0",
                )
    return problems.found


class Process:
    """The branching process of a grammar, with some weights replaced.

    A generation is a node that names an op: chains of transparent alternatives are followed to their end, so that
    writing a rule in two does not change the rate.
    """

    def __init__(self, grammar: RuleSet, weights: Weigh | None = None):
        self.grammar = grammar
        self.weights = weights or {}
        self.symbols = self._reachable()
        self.index = {symbol: i for i, symbol in enumerate(self.symbols)}

    def weight(self, production: Production, depth: int) -> float:
        """The probability of a production at a depth."""
        found = self.weights.get((production.symbol, production.index))
        return float(production.weight_at(depth)) if found is None else found

    def uses(self, production: Production, depth: int) -> Iterator[tuple[Symbol, float]]:
        """The children of a production at a depth, and how many of each are expected. A transparent one makes no node,
        so its child stays there.
        """
        below = depth if production.is_transparent else min(depth + 1, self.grammar.depths)
        for child, mean in expected_uses(production.items).items():
            if mean:
                yield (child, below), mean

    def _reachable(self) -> list[Symbol]:
        """The nonterminals, with their depths, that derivations of positive weight can hold."""
        start = (self.grammar.start, 1)
        reachable, frontier = {start}, [start]
        while frontier:
            name, depth = frontier.pop()
            for production in self.grammar.rules[name].productions:
                if production.weight_at(depth) > 0:
                    new = {child for child, _ in self.uses(production, depth)} - reachable
                    reachable |= new
                    frontier += sorted(new)
        return sorted(reachable)

    @cached_property
    def matrices(self) -> tuple[Matrix, Matrix]:
        """How many of each symbol (columns) one symbol (rows) is expected to hold: as the whole of a transparent
        alternative, and as children of a node.
        """
        import numpy as np

        shape = (len(self.symbols), len(self.symbols))
        chains, children = np.zeros(shape), np.zeros(shape)
        for row, (name, depth) in enumerate(self.symbols):
            for production in self.grammar.rules[name].productions:
                weight = self.weight(production, depth)
                target = chains if production.is_transparent else children
                for child, mean in self.uses(production, depth) if weight > 0 else ():
                    target[row, self.index[child]] += weight * mean
        return chains, children

    @cached_property
    def mean_matrix(self) -> Matrix:
        """M: M[i, j] children j are expected of the node that i derives."""
        import numpy as np

        chains, children = self.matrices
        rate: Matrix = np.linalg.solve(np.eye(len(self.symbols)) - chains, children).astype(np.float64)
        return rate

    @cached_property
    def branching_rate(self) -> float:
        """Spectral radius of the mean matrix: the largest of those of what can derive each other."""
        import numpy as np

        matrix = self.mean_matrix
        radii = [float(np.abs(np.linalg.eigvals(matrix[np.ix_(part, part)])).max()) for part in _components(matrix)]
        return max(radii, default=0.0)

    @property
    def is_finite(self) -> bool:
        """Whether the expected size is finite."""
        return self.branching_rate < CRITICAL

    def expected_sizes(self) -> dict[str, float]:
        """Expected number of nodes of a derivation of each nonterminal, where it is nearest the root: s = 1 + M s."""
        import numpy as np

        if not self.is_finite:
            return {name: math.inf for name, _ in self.symbols}
        sizes = np.linalg.solve(np.eye(len(self.symbols)) - self.mean_matrix, np.ones(len(self.symbols)))
        found: dict[str, float] = {}
        for (name, _), size in zip(self.symbols, sizes, strict=True):
            found.setdefault(name, float(size))
        return found

    def expansions(self) -> dict[Symbol, float]:
        """How often each symbol is expected to be expanded in an architecture."""
        import numpy as np

        if not self.is_finite:
            return dict.fromkeys(self.symbols, math.inf)
        chains, children = self.matrices
        first = np.zeros(len(self.symbols))
        first[self.index[self.grammar.start, 1]] = 1
        counts = np.linalg.solve(np.eye(len(self.symbols)) - (chains + children).T, first)
        return dict(zip(self.symbols, map(float, counts), strict=True))

    def expected_counts(self) -> dict[str, float]:
        """The same by nonterminal, over all depths."""
        found: dict[str, float] = {}
        for (name, _), count in self.expansions().items():
            found[name] = found.get(name, 0.0) + count
        return found

    def expected_leaves(self) -> float:
        """Expected number of nodes without children: the terminals of a derivation. Alternatives whose children are
        all optional count as nodes with children.
        """
        return math.fsum(
            count * self.weight(production, depth)
            for (name, depth), count in self.expansions().items()
            for production in self.grammar.rules[name].productions
            if not production.children and self.weight(production, depth)
        )


def _components(matrix: Matrix) -> list[list[int]]:
    """The strongly connected parts of the graph of a matrix that have an edge (Tarjan 1972), without recursion."""
    edges = [row.nonzero()[0].tolist() for row in matrix]
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}
    path: list[int] = []
    on_path: set[int] = set()
    found: list[list[int]] = []
    for root in range(len(edges)):
        work = [(root, 0)] if root not in order else []
        while work:
            node, place = work.pop()
            if place == 0:
                order[node] = lowest[node] = len(order)
                path.append(node)
                on_path.add(node)
            elif edges[node][place - 1] in on_path:
                lowest[node] = min(lowest[node], lowest[edges[node][place - 1]])
            for next_place in range(place, len(edges[node])):
                child = edges[node][next_place]
                if child not in order:
                    work += [(node, next_place + 1), (child, 0)]
                    break
                if child in on_path:
                    lowest[node] = min(lowest[node], order[child])
            else:
                if lowest[node] == order[node]:
                    part = path[path.index(node) :]
                    del path[-len(part) :]
                    on_path.difference_update(part)
                    if len(part) > 1 or node in edges[node]:
                        found.append(part)
    return found


def expected_uses(items: Iterable[Item]) -> dict[str, float]:
    """How often each nonterminal is expected in a sequence of items."""
    found: dict[str, float] = {}
    for item in items:
        if isinstance(item, Reference):
            found[item.name] = found.get(item.name, 0.0) + 1
        elif isinstance(item, Group):
            for alternative, weight in zip(item.alternatives, item.weights, strict=True):
                _add(found, expected_uses(alternative), float(weight))
        elif isinstance(item, Repeat):
            _add(found, expected_uses(item.items), _expected_times(item))
    return found


def _add(found: dict[str, float], more: Mapping[str, float], times: float) -> None:
    for name, mean in more.items():
        found[name] = found.get(name, 0.0) + times * mean


def _expected_times(item: Repeat) -> float:
    if item.most is not None:
        return (item.least + item.most) / 2
    return item.least + float(item.going_on / (1 - item.going_on))


def critical_weights(grammar: RuleSet) -> dict[str, float]:
    """For each alternative that alone of its rule has a written weight: the weight at which the branching rate is 1,
    the others keeping their proportions; by rule and label. Those that never come there are left out.
    """
    found: dict[str, float] = {}
    for rule in grammar.rules.values() if grammar.depths == 1 else ():
        written = [production for production in rule.productions if production.has_own_weight]
        if len(written) == 1 and len(rule.productions) > 1 and 0 < written[0].weights[0] < 1:
            weight = critical_weight(grammar, written[0])
            if weight is not None:
                found[f"{rule.name}: {written[0].label}"] = weight
    return found


def critical_weight(grammar: RuleSet, production: Production) -> float | None:
    """The weight of a production at which the branching rate is 1, by bisection; None where there is none."""
    rule = grammar.rules[production.symbol]
    own = float(production.weights[0])

    def rate(weight: float) -> float:
        scale = (1 - weight) / (1 - own)
        weights = {
            (rule.name, other.index): weight if other is production else float(other.weights[0]) * scale
            for other in rule.productions
        }
        return Process(grammar, weights).branching_rate - 1

    low, high = 0.0, 1.0
    at_low, at_high = rate(low), rate(high)
    if at_low == 0 or at_high == 0 or (at_low > 0) == (at_high > 0):
        return None
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if (rate(middle) > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2
