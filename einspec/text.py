"""Places in texts, and messages that show them: line, column, caret, advice."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

_WIDEST_LINE = 120
"""Longer source lines are cut around the caret, so that a message stays readable."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text and the name that messages call it by (a path, or ``<text>``)."""

    name: str
    text: str

    def line_column(self, offset: int) -> tuple[int, int]:
        """1-based line and column of an offset; an offset past the end is the end."""
        offset = min(offset, len(self.text))
        starts = _line_starts(self.text)
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line_span(self, number: int) -> tuple[int, int]:
        """Where a line begins and ends, its line break left out; lines count from 1."""
        starts = _line_starts(self.text)
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return starts[number - 1], end

    def place(self, offset: int) -> str:
        """``name:line:column`` of an offset."""
        line, column = self.line_column(offset)
        return f"{self.name}:{line}:{column}"

    def excerpt(self, start: int, end: int) -> str:
        """The line of ``start`` with carets under the characters up to ``end``."""
        number, column = self.line_column(start)
        line = self.text.split("\n", number)[number - 1].rstrip("\r")
        width = max(1, min(end - start, len(line) - column + 1))
        first = 0
        if len(line) > _WIDEST_LINE:
            first = max(0, column - 1 - _WIDEST_LINE // 2)
            line = line[first : first + _WIDEST_LINE]
            width = max(1, min(width, len(line) - (column - 1 - first)))
        line = "".join(c if c.isprintable() else " " for c in line)
        return f"{number:>5} | {line}\n      | {' ' * (column - 1 - first)}{'^' * width}"


@lru_cache(maxsize=4)
def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a text: where it is, what is wrong, and what to do."""

    source: Source
    start: int
    end: int
    code: str
    message: str
    advice: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        head = f"{self.source.place(self.start)}: {self.severity}[{self.code}]: {self.message}"
        lines = [head, self.source.excerpt(self.start, self.end)]
        if self.advice:
            lines.append(f"      = {self.advice}")
        return "\n".join(lines)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?``, or the empty string when nothing known is close to the word.

    A name with a number more is another thing: relu6 is no relu that was mistyped.
    """
    close = difflib.get_close_matches(word, sorted(name for name in set(known) if not _is_another(word, name)), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _is_another(word: str, name: str) -> bool:
    """Whether two names have the same letters, and one of them digits more."""
    if not (word.isidentifier() and name.isidentifier()):
        return False
    same_letters = re.sub(r"\d", "", word) == re.sub(r"\d", "", name)
    return same_letters and len(word) != len(name)


def listing(words: Iterable[str], last: str = "or") -> str:
    """``a, b or c``."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def plural(count: int, noun: str) -> str:
    """``1 child``-style counts: the noun takes an s unless the count is one."""
    nouns = {"child": "children", "axis": "axes"}
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {nouns.get(noun, noun + 's')}"


def bytes_text(count: int) -> str:
    """``1.5 KiB``: three digits that matter."""
    value, units = float(count), iter(("B", "KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = next(units)
    while value >= (1024 if unit == "B" else 1000) and unit != "PiB":
        value, unit = value / 1024, next(units)
    return f"{value:,.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.3g} {unit}"
