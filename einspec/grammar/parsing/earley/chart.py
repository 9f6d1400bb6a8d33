"""Earley's recogniser: which dotted alternatives fit a text, from where to where, and how each came about.

Earley, "An efficient context-free parsing algorithm" (1970), on characters; a nonterminal that can be empty is
stepped over where it is predicted (Aycock and Horspool, "Practical Earley parsing", 2002, section 4). Items that the
text ahead rules out are left out, which keeps most right-recursive lists linear without Leo's shortcuts. Backward
links are kept as in section 4 of Scott, "SPPF-style parsing from Earley recognisers" (2008): each item links to
the places where its last part can start, so that n words have at most n^2 items and n^3 links.
"""

from __future__ import annotations

from dataclasses import dataclass

from einspec.grammar.parsing.earley.dotted import Dotted
from einspec.grammar.parsing.earley.scanning import Scanner


class Unparsed(Exception):
    """A text that is no sentence.

    ``offset`` is where the reading that came furthest got stuck, ``expected`` the terminals that could stand there,
    and ``may_end`` whether the text could have ended there.
    """

    def __init__(self, offset: int, expected: frozenset[str], may_end: bool):
        super().__init__(f"offset {offset}: expected {', '.join(sorted(expected)) or 'the end'}")
        self.offset = offset
        self.expected = expected
        self.may_end = may_end


class TooMuchWork(Exception):
    """A text that can be read in so many ways that the parser gave up."""


Links = int | list[int]
"""The ways to an item, as one or several numbers.

Of an item: the places where the part before its dot starts. Of a completed nonterminal: its completed alternatives.
"""


@dataclass(frozen=True, slots=True)
class Chart:
    """The items of a text that was recognised, by the place where they end and by ``origin * size + dotted``."""

    items: dict[int, dict[int, Links]]
    first: int
    last: int


class Recogniser:
    """One run over one text; ``most`` bounds the items and the links together."""

    def __init__(self, dotted: Dotted, scanner: Scanner, text: str, most: int):
        self.dotted = dotted
        self.scanner = scanner
        self.text = text
        self.left = most
        self.items: dict[int, dict[int, Links]] = {}
        self.waiting: dict[int, dict[int, list[int]]] = {}  # by place and nonterminal: items after that nonterminal
        self.predicted: dict[tuple[int, int], list[int]] = {}  # by nonterminal and lookahead

    def run(self) -> Chart:
        """The chart; raises :class:`Unparsed` and :class:`TooMuchWork`."""
        dotted, text, size = self.dotted, self.text, self.dotted.size
        first = self.scanner.skip(text, 0)
        pending: dict[int, dict[int, Links]] = {first: {first * size + dotted.starts[dotted.goal][0]: first}}
        kernel: dict[int, Links] = {}
        place = first
        for place in range(first, len(text) + 1):
            if place not in pending:
                continue
            kernel = pending.pop(place)
            ends = self._scan(place, kernel)
            ahead = sum(1 << number for number in ends)
            scans = self._close(place, kernel, ahead if place < len(text) else dotted.end_bit)
            for number, items in scans.items():
                after = pending.setdefault(ends[number], {})
                for item in items:
                    _link(after, item, place)
            if not pending:
                break
        if place == len(text) and self._is_accepted(first, place):
            return Chart(self.items, first, place)
        raise self._failure(first, place, kernel)

    def _scan(self, place: int, kernel: dict[int, Links]) -> dict[int, int]:
        """Where the text goes on after each terminal that stands here and that some item can use."""
        if place == len(self.text):
            return {}
        size, ahead = self.dotted.size, self.dotted.ahead
        wanted = 0
        for item in kernel:
            wanted |= ahead[item % size]
        found = self.scanner.found(self.text, place, wanted)
        return {number: self.scanner.skip(self.text, end) for number, end in found}

    def _close(self, place: int, kernel: dict[int, Links], lookahead: int) -> dict[int, list[int]]:
        """All items that end here, from those that a terminal led to; answers what each terminal leads to.

        This is where the time goes, so nothing is called in the loop but what must be.
        """
        dotted = self.dotted
        size, after, ahead, complete = dotted.size, dotted.after, dotted.ahead, dotted.complete
        nullable, first_symbol = dotted.nullable, dotted.first_symbol
        everywhere, left = self.waiting, self.left
        waiting: dict[int, list[int]] = {}
        items = {item: links for item, links in kernel.items() if ahead[item % size] & lookahead}
        self.items[place], everywhere[place] = items, waiting
        agenda = list(items)
        scans: dict[int, list[int]] = {}
        base = place * size
        left -= len(agenda)
        while agenda:
            item = agenda.pop()
            number = item % size
            part = after[number]
            if part < 0:
                if ~part in scans:
                    scans[~part].append(item + 1)
                else:
                    scans[~part] = [item + 1]
                continue
            if part < complete:
                if part in waiting:
                    waiting[part].append(item + 1)
                else:
                    waiting[part] = [item + 1]
                    predicted = self._predict(part, lookahead)
                    agenda += [base + start for start in predicted]
                    left -= len(predicted)
                if not nullable[part]:
                    continue
                origin, reached = place, [item + 1]
            else:
                origin = item // size
                if origin == place:
                    continue  # empty: what waited for it has gone on already
                symbol = dotted.rules[dotted.rule_of[number]][0]
                completion = item - number + first_symbol + symbol
                if completion in items:
                    _link(items, completion, number)
                    left -= 1
                    continue
                items[completion] = number
                reached = everywhere[origin].get(symbol, [])
            left -= len(reached) + 1
            if left < 0:
                raise TooMuchWork
            for item in reached:
                if ahead[item % size] & lookahead:
                    if item in items:
                        _link(items, item, origin)
                    else:
                        items[item] = origin
                        agenda.append(item)
        self.left = left
        return scans

    def _predict(self, symbol: int, lookahead: int) -> list[int]:
        key = symbol, lookahead
        if key not in self.predicted:
            ahead = self.dotted.ahead
            self.predicted[key] = [start for start in self.dotted.starts[symbol] if ahead[start] & lookahead]
        return self.predicted[key]

    def _is_accepted(self, first: int, place: int) -> bool:
        """Whether the start symbol runs from the first place to this one."""
        dotted = self.dotted
        return first * dotted.size + dotted.starts[dotted.goal][0] + 1 in self.items[place]

    def _failure(self, first: int, place: int, kernel: dict[int, Links]) -> Unparsed:
        """Closes the furthest place again, with nothing left out for what stands there."""
        dotted = self.dotted
        scans = self._close(place, kernel, -1)
        expected = frozenset(dotted.terminals[number] for number in scans)
        return Unparsed(place, expected, self._is_accepted(first, place))


def _link(items: dict[int, Links], item: int, link: int) -> None:
    links = items.get(item)
    if links is None:
        items[item] = link
    elif isinstance(links, int):
        items[item] = [links, link]
    else:
        links.append(link)
