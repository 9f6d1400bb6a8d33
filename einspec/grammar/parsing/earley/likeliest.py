"""The most probable derivation out of an Earley chart.

The Viterbi parse of Stolcke, "An efficient probabilistic context-free parsing algorithm that computes prefix
probabilities" (1995), section 5, but after the recogniser has run: from the root down, only what belongs to some
derivation of the whole text is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from einspec.grammar.parsing.earley.chart import Chart, TooMuchWork
from einspec.grammar.parsing.earley.costs import NEVER_DRAWN
from einspec.grammar.parsing.earley.dotted import Dotted
from einspec.grammar.parsing.earley.scanning import Scanner

Option = tuple[int, int, int, int]
"""A way to a node: its own cost, the node of what is left of the last part, the node of that part, and the link."""

_NONE = -1


@dataclass(frozen=True, slots=True)
class Parse:
    """One node of a derivation: which alternative, its parts, and where in the text it stands.

    It runs from its first token to the end of its last; what is empty stands where the next token starts.
    """

    alternative: int
    parts: tuple[Parse | tuple[int, int], ...]
    """One entry per part: a :class:`Parse` for a nonterminal, (start, end) for a terminal."""
    start: int
    end: int


class Likeliest:
    """The cheapest derivation of a chart, and whether the text has another one at all.

    Nodes are the items of the chart: ``end * width + origin * size + dotted``. Of derivations that cost the same,
    at each node the alternative that is listed first wins, then the split with the longest left part.
    ``most`` bounds the nodes of a tree that have no text: a short grammar derives the empty text in a tree of any size.
    """

    def __init__(self, dotted: Dotted, scanner: Scanner, text: str, chart: Chart, most: int):
        self.dotted = dotted
        self.scanner = scanner
        self.text = text
        self.chart = chart
        self.width = (chart.last + 1) * dotted.size
        self.left = most
        self.is_ambiguous = False
        self._costs: dict[int, int] = {}
        self._unknown = max(NEVER_DRAWN, *(cost or 0 for cost in dotted.costs.of_empty)) << 100  # more than any tree

    def parse(self) -> Parse:
        """The derivation; ``is_ambiguous`` is right from then on. Raises :class:`TooMuchWork`."""
        dotted, first, last = self.dotted, self.chart.first, self.chart.last
        start = dotted.rules[-1][1][0]
        if first == last:
            self.is_ambiguous = dotted.costs.empty_is_ambiguous[start]
            return self._empty(start, first)
        root = last * self.width + first * dotted.size + dotted.first_symbol + start
        order, is_cyclic = self._visit(root)
        if is_cyclic:
            self._settle(order)
        return self._build(root)

    def _options(self, node: int) -> Iterator[Option]:
        """The ways to a node, the preferred one first."""
        dotted, size = self.dotted, self.dotted.size
        place, item = divmod(node, self.width)
        number = item % size
        links = self.chart.items[place][item]
        if number >= dotted.first_symbol:
            for dotted_number in (links,) if isinstance(links, int) else sorted(links):
                cost = dotted.costs.of_rule[dotted.rule_of[dotted_number]]
                yield cost, _NONE, node - number + dotted_number, dotted_number
            return
        part, has_left = dotted.before[number], dotted.dot_of[number] > 1
        for split in (links,) if isinstance(links, int) else sorted(links, reverse=True):
            left = split * self.width + item - 1 if has_left else _NONE
            if part < 0:
                yield 0, left, _NONE, split
            elif split == place:
                yield dotted.costs.of_empty[part] or 0, left, _NONE, split
            else:
                yield 0, left, place * self.width + split * size + dotted.first_symbol + part, split

    def _visit(self, root: int) -> tuple[list[int], bool]:
        """Costs all nodes below the root, parts before wholes; answers their order, and whether any is below itself."""
        costs, options = self._costs, self._options
        has_gaps = any(self.dotted.costs.empty_is_ambiguous)
        order: list[int] = []
        opened: set[int] = set()
        is_cyclic = is_ambiguous = False
        stack = [root]
        while stack:
            node = stack.pop()
            if node < 0:
                costs[~node] = self._cheapest(~node)[0]
                order.append(~node)
            elif node in opened:
                is_cyclic = is_cyclic or node not in costs
            else:
                opened.add(node)
                stack.append(~node)
                ways = 0
                for _, left, right, _ in options(node):
                    ways += 1
                    if left >= 0:
                        stack.append(left)
                    if right >= 0:
                        stack.append(right)
                is_ambiguous = is_ambiguous or ways > 1 or (has_gaps and self._has_ambiguous_gap(node))
        self.is_ambiguous = is_ambiguous
        return order, is_cyclic

    def _has_ambiguous_gap(self, node: int) -> bool:
        """Whether the last part of a node is empty and can be so in several ways."""
        place, item = divmod(node, self.width)
        number = item % self.dotted.size
        if number >= self.dotted.first_symbol or self.chart.items[place][item] != place:
            return False
        part = self.dotted.before[number]
        return part >= 0 and self.dotted.costs.empty_is_ambiguous[part]

    def _cheapest(self, node: int) -> tuple[int, int]:
        """The cost of the cheapest way to a node, as far as costs are known, and its link."""
        costs = self._costs
        unknown = self._unknown
        best, choice = 4 * unknown, 0
        for cost, left, right, link in self._options(node):
            if left >= 0:
                cost += costs.get(left, unknown)
            if right >= 0:
                cost += costs.get(right, unknown)
            if cost < best:
                best, choice = cost, link
        return best, choice

    def _settle(self, order: list[int]) -> None:
        """Costs the nodes again where some are below themselves, which are all over one stretch of text.

        A circle has a cost, so going round it again until nothing changes comes to an end.
        """

        def stretch(node: int) -> tuple[int, int]:
            place, item = divmod(node, self.width)
            origin = item // self.dotted.size
            return place - origin, origin

        order.sort(key=stretch)
        for _, group in groupby(order, key=stretch):
            nodes = list(group)
            changed = True
            while changed:
                changed = False
                for node in nodes:
                    cost = self._cheapest(node)[0]
                    if cost < self._costs[node]:
                        self._costs[node] = cost
                        changed = True

    def _build(self, root: int) -> Parse:
        """The tree of the cheapest ways, from the leaves up."""
        plans: list[tuple[int, int, int, list[int | Parse | tuple[int, int]]]] = []
        stack = [root]
        while stack:
            node = stack.pop()
            alternative, parts = self._plan(node)
            stack += [part for part in parts if isinstance(part, int)]
            plans.append((node, alternative, node % self.width // self.dotted.size, parts))
        built: dict[int, Parse] = {}
        for node, alternative, origin, parts in reversed(plans):
            ready = tuple(built.pop(part) if isinstance(part, int) else part for part in parts)
            built[node] = _node(alternative, ready, origin)
        return built[root]

    def _plan(self, node: int) -> tuple[int, list[int | Parse | tuple[int, int]]]:
        """The best alternative of a completed nonterminal, and its parts; nonterminals with text still as nodes."""
        dotted, size = self.dotted, self.dotted.size
        place, item = divmod(node, self.width)
        number = self._cheapest(node)[1]
        item += number - item % size
        parts: list[int | Parse | tuple[int, int]] = []
        for dot in range(dotted.dot_of[number], 0, -1):
            part = dotted.before[number - dotted.dot_of[number] + dot]
            split = self._cheapest(place * self.width + item)[1]
            if part < 0:
                parts.append((split, self.scanner.end(self.text, split, ~part)))
            elif split == place:
                parts.append(self._empty(part, place))
            else:
                parts.append(place * self.width + split * size + dotted.first_symbol + part)
            place, item = split, item - 1
        return dotted.rule_of[number], parts[::-1]

    def _empty(self, symbol: int, place: int) -> Parse:
        """The cheapest derivation of the empty text, at a place; equal nodes of it are one object."""
        dotted = self.dotted
        built: dict[int, Parse] = {}
        sizes: dict[int, int] = {}
        stack = [symbol]
        while stack:
            rule = dotted.costs.rule_of_empty[stack[-1]]
            if rule is None:
                raise AssertionError(f"{dotted.nonterminals[stack[-1]]} is never empty")
            parts = dotted.rules[rule][1]
            missing = [part for part in parts if part not in built]
            if missing:
                stack += missing
            else:
                done = stack.pop()
                built[done] = Parse(rule, tuple(built[part] for part in parts), place, place)
                sizes[done] = 1 + sum(sizes[part] for part in parts)
        self.left -= sizes[symbol]
        if self.left < 0:
            raise TooMuchWork
        return built[symbol]


def _node(alternative: int, parts: tuple[Parse | tuple[int, int], ...], origin: int) -> Parse:
    for part in reversed(parts):
        start, end = part if isinstance(part, tuple) else (part.start, part.end)
        if end > start:
            return Parse(alternative, parts, origin, end)
    return Parse(alternative, parts, origin, origin)
