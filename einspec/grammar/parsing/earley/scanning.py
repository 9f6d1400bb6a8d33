"""Terminals matched in a text, and what is ignored between them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence


class Scanner:
    """Matches those terminals that are asked for at one place; no text is cut into tokens beforehand.

    Raises :class:`re.error` for a regular expression that is none.
    """

    def __init__(self, terminals: Collection[str], ignored: Sequence[str]):
        self._literals = [_literal(pattern) for pattern in terminals]
        self._matches = [re.compile(pattern).match for pattern in terminals]
        self._ignored = [re.compile(pattern).match for pattern in ignored]
        self._patterns = 0  # the bits of the terminals that are no plain text
        self._by_letter: dict[str, int] = {}
        for number, literal in enumerate(self._literals):
            if literal is None:
                self._patterns |= 1 << number
            elif literal:
                self._by_letter[literal[0]] = self._by_letter.get(literal[0], 0) | 1 << number
        self._numbers: dict[int, tuple[int, ...]] = {0: ()}

    def found(self, text: str, place: int, wanted: int) -> list[tuple[int, int]]:
        """The terminals out of a set of bits that stand at a place before the end, and where each ends."""
        candidates = wanted & (self._patterns | self._by_letter.get(text[place], 0))
        numbers = self._numbers.get(candidates)
        if numbers is None:
            numbers = tuple(n for n in range(candidates.bit_length()) if candidates >> n & 1)
            self._numbers[candidates] = numbers
        return [(number, end) for number in numbers if (end := self.end(text, place, number)) > place]

    def end(self, text: str, place: int, number: int) -> int:
        """Where a terminal ends that starts at a place; -1 where it does not stand there."""
        literal = self._literals[number]
        if literal is not None:
            return place + len(literal) if text.startswith(literal, place) else -1
        match = self._matches[number](text, place)
        return match.end() if match else -1

    def skip(self, text: str, place: int) -> int:
        """The end of the ignored text at a place."""
        before = -1
        while place > before:
            before = place
            for ignored in self._ignored:
                match = ignored(text, place)
                if match:
                    place = match.end()
        return place


def _literal(pattern: str) -> str | None:
    """The one text that a regular expression matches, where it is :func:`re.escape` of it."""
    text = re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)
    return text if re.escape(text) == pattern else None
