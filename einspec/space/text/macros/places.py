"""Places in expanded texts: where in the user's file something was written, and in which macros it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

from einspec.errors import ParseError
from einspec.space.text.macros.model import Macro, Node, Part, Piece
from einspec.text import Source, did_you_mean, plural

_MOST_LEVELS = 5
_LONGEST_CALL = 60


@dataclass(frozen=True, slots=True, eq=False)
class Expanded(Source):
    """An expanded text, whose places are those of the original.

    Excerpts end in a note for each macro that the place stands in, and in one if a word that cannot stand there
    is nearly one of ``macros``.
    """

    original: Source
    root: Node
    end: int
    """Where the sentence ends in the original."""
    macros: tuple[str, ...] = ()

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column in the original of an offset in the expanded text."""
        if offset >= self.root.length:
            return self.original.line_column(self.end)
        _, piece, delta, _ = self._find(offset)
        return self.original.line_column(piece.start + delta)

    def excerpt(self, start: int, end: int) -> str:
        """The line of the original where ``start`` was written, with carets and notes."""
        if start >= self.root.length:
            return self.original.excerpt(self.end, self.end + 1)
        passed, piece, delta, base = self._find(start)
        node = passed[-1].node if passed else self.root
        lines = [self.original.excerpt(piece.start + delta, _end_within(node, end - base, piece))]
        lines += self._notes([part for part in reversed(passed) if part.is_call])
        hint = did_you_mean(self.text[start:end], self.macros) if end - start <= _LONGEST_CALL else ""
        return "\n".join([*lines, f"      = {hint}"] if hint else lines)

    def _find(self, offset: int) -> tuple[list[Part], Piece, int, int]:
        """The parts around an offset from the outside, its piece, how far into it, and where the last part starts."""
        passed: list[Part] = []
        node, base = self.root, 0
        while True:
            part, delta = _part_at(node, offset - base)
            if isinstance(part, Piece):
                return passed, part, delta, base
            passed.append(part)
            node, base = part.node, offset - delta

    def _notes(self, calls: list[Part]) -> list[str]:
        notes = [
            f"      = in {_shown(self.original.text, call)} at {self.original.place(call.start)}"
            for call in calls[:_MOST_LEVELS]
        ]
        if len(calls) > _MOST_LEVELS:
            notes.append(f"      = ... and {len(calls) - _MOST_LEVELS:,} more")
        return notes


def _part_at(node: Node, offset: int) -> tuple[Piece | Part, int]:
    """The part of a node that an offset falls into, and how far into it."""
    for part in node.parts:
        if offset < part.length:
            return part, offset
        offset -= part.length
    raise AssertionError("the offset is past the node")


def _end_within(node: Node, end: int, piece: Piece) -> int:
    """The end in the original of what ends there in a node; that of the piece for what goes on past the node."""
    if not 0 < end <= node.length:
        return piece.end
    part, delta = _part_at(node, end - 1)
    return part.start + delta + 1 if isinstance(part, Piece) else part.end


def _shown(text: str, call: Part) -> str:
    """A call on one line, cut where it is long."""
    written = re.sub(r"(?<!\S)//[^\n]*", "", text[call.start : min(call.end, call.start + 10 * _LONGEST_CALL)])
    line = "".join(c if c.isprintable() else " " for c in " ".join(written.split()))
    is_cut = len(line) > _LONGEST_CALL or call.end - call.start > 10 * _LONGEST_CALL
    return f"{line[:_LONGEST_CALL]}..." if is_cut else line


def mistake(source: Source, start: int, end: int, what: str, *advice: str) -> ParseError:
    """The error of something between two offsets: place, line, carets and advice."""
    lines = [f"{source.place(start)}: {what}", source.excerpt(start, end), *(f"      = {line}" for line in advice)]
    return ParseError("\n".join(lines))


def wrong_number(source: Source, macro: Macro, count: int, start: int, end: int) -> ParseError:
    """The error of a use of a macro with so many arguments."""
    least = "at least " if macro.is_variadic else ""
    takes = f"{macro.name} takes {least}{plural(len(macro.parameters), 'argument')}, found {count or 'none'}"
    return mistake(source, start, end, takes, f"it is {macro.signature}, defined at {source.place(macro.start)}")
