"""Whether a repeat can go through one text in two ways, which doubles the ways with every round.

The body becomes the automaton of Glushkov (1961), whose states are the places of its characters; two ways exist
where two runs over one text part at some place and meet at another (Weber and Seidl 1991).
"""

from __future__ import annotations

from dataclasses import dataclass

from einspec.grammar.regexps.expressions import Choice, Letter, Look, Node, Repeat, Sequence, Slow

_STEPS = 30_000
_MOST_COPIES = 8
"""Up to here the least number of rounds of an inner repeat is written out; beyond it counts as any number."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """The places that a part of the automaton starts and ends with, and whether it can match nothing."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    is_nullable: bool


_NOTHING = _Ends((), (), True)


class Ambiguity:
    """Looks at the repeats of one expression, with an effort bounded for all of them together."""

    def __init__(self) -> None:
        self.steps = _STEPS

    def is_in(self, body: Node) -> bool:
        """Whether repeating a body that does not match the empty text can go through one text in two ways.

        Raises ``Slow`` if that takes too long to find out.
        """
        automaton = _Automaton(self)
        ends = automaton.add(body)
        automaton.connect(ends.last, ends.first)
        return automaton.has_two_ways or automaton.can_part_and_meet()

    def spend(self, steps: int) -> None:
        """Counts steps of work. Raises ``Slow`` past the last one."""
        self.steps -= steps
        if self.steps < 0:
            raise Slow(
                "what is repeated here is too large to tell whether it can match one text in two ways",
                "write it so that the next character decides",
            )


class _Automaton:
    def __init__(self, effort: Ambiguity):
        self.effort = effort
        self.letters: list[int] = []
        self.follow: list[dict[int, None]] = []
        self.has_two_ways = False

    def connect(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        self.effort.spend(len(before) * len(after))
        for place in before:
            following = self.follow[place]
            for other in after:
                if other in following:  # two ways without any character between, as in (a+)+
                    self.has_two_ways = True
                following[other] = None

    def add(self, node: Node) -> _Ends:
        self.effort.spend(1)
        match node:
            case Letter(letters):
                self.letters.append(letters)
                self.follow.append({})
                place = (len(self.letters) - 1,)
                return _Ends(place, place, False)
            case Sequence(parts):
                return self.sequence(parts)
            case Choice(parts):
                return self.choice([self.add(part) for part in parts])
            case Repeat():
                return self.repeat(node)
            case Look():  # it can only leave fewer ways
                return _NOTHING

    def sequence(self, parts: tuple[Node, ...]) -> _Ends:
        whole = _NOTHING
        for part in parts:
            ends = self.add(part)
            self.connect(whole.last, ends.first)
            first = whole.first + ends.first if whole.is_nullable else whole.first
            last = ends.last + whole.last if ends.is_nullable else ends.last
            self.effort.spend((len(first) + len(last)) // 8)  # copied: long only where much is optional
            whole = _Ends(first, last, whole.is_nullable and ends.is_nullable)
        return whole

    def choice(self, parts: list[_Ends]) -> _Ends:
        empty = sum(part.is_nullable for part in parts)
        self.has_two_ways |= empty > 1
        first = tuple([place for part in parts for place in part.first])
        last = tuple([place for part in parts for place in part.last])
        return _Ends(first, last, empty > 0)

    def repeat(self, node: Repeat) -> _Ends:
        is_exact = node.low == node.high and node.low <= _MOST_COPIES
        copies = node.low if is_exact else min(node.low, _MOST_COPIES) - 1
        if node.is_loop and copies > 0:
            rest = () if is_exact else (Repeat(node.body, 1, None),)
            return self.sequence((node.body,) * copies + rest)
        if node.high == 0:
            return _NOTHING
        ends = self.add(node.body)
        if node.is_loop:
            self.connect(ends.last, ends.first)
        self.has_two_ways |= ends.is_nullable and node.low == 0
        return _Ends(ends.first, ends.last, ends.is_nullable or node.low == 0)

    def can_part_and_meet(self) -> bool:
        """Whether two runs over one text, once apart, can come to one place. All places reach each other."""
        seen: set[tuple[int, int]] = set()
        for place in range(len(self.follow)):
            self.pair(place, place, seen)
        found = list(seen)
        while found:
            new: set[tuple[int, int]] = set()
            if self.pair(*found.pop(), new):
                return True
            found += new - seen
            seen |= new
        return False

    def pair(self, one: int, other: int, found: set[tuple[int, int]]) -> bool:
        """Adds the different places that two runs can come to by one character; whether they can come to the same."""
        self.effort.spend(1 + len(self.follow[one]) * len(self.follow[other]))
        meet = False
        for left in self.follow[one]:
            for right in self.follow[other]:
                if self.letters[left] & self.letters[right]:
                    meet |= left == right
                    if left != right:
                        found.add((min(left, right), max(left, right)))
        return meet
