"""Ops that a grammar file writes or imports: ``//% def`` with the lines around it, and ``//% from``.

Here they are lines of text with their places. What they mean is read where ops are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from einspec.grammar.model.ops import OpText
from einspec.grammar.model.problems import Problems
from einspec.grammar.syntax.tokens import Annotation, Token
from einspec.grammar.syntax.tree import Import
from einspec.text import Source

_HEAD = re.compile(r"@|(def|async|from|import|class)\b")
_DEF = re.compile(r"def\s+([A-Za-z_]\w*)\s*\(")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|#.*')
_FROM = re.compile(r"from\s+(\.?)([A-Za-z_][\w.]*)\s+import\s+\(?([\w\s,]+?),?\s*\)?\s*(?:#.*)?")
_IMPORTED = re.compile(r"\s*([A-Za-z_]\w*)(?:\s+as\s+([A-Za-z_]\w*))?\s*")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a block: its text, without ``//%`` and the blanks that all lines have; where that begins and ends."""

    text: str
    start: int
    end: int

    @property
    def level(self) -> int:
        """How many brackets it opens more than it closes."""
        bare = _QUOTED.sub("", self.text)
        return sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))


class Blocks:
    """The ops of a file: those that it writes, those that it imports, and the annotations that belong to neither."""

    def __init__(self, source: Source, annotations: Sequence[Annotation], tokens: Sequence[Token], problems: Problems):
        self.source = source
        self.problems = problems
        self.written: list[OpText] = []
        self.imported: list[Import] = []
        self.rest: list[Annotation] = []
        befores = [None, *tokens]
        self.bars = [
            token.start
            for before, token in zip(befores, tokens, strict=False)
            if token.text == "|" and (before is None or before.kind == "NEWLINE")
        ]
        """Where lines begin that go on with a rule."""
        self.ahead = list(annotations)
        self.ahead.reverse()
        while self.ahead:
            if self._begins_block():
                self._read_block()
            elif not self._is_stray():
                self.rest.append(self.ahead.pop())

    def _begins_block(self) -> bool:
        annotation = self.ahead[-1]
        return annotation.alone and _HEAD.match(annotation.raw.strip()) is not None

    def _is_stray(self) -> bool:
        """Whether the next line is one of a def that ended above it; if so, that is noted."""
        annotation = self.ahead[-1]
        if not annotation.alone or not annotation.raw.startswith("    ") or not annotation.raw.strip():
            return False
        message = "this line is indented, and belongs to no def"
        advice = "a def goes on over //% lines that follow one another, with no other line between them"
        self.problems.error("E403", annotation.start, annotation.end, message, advice)
        self.ahead.pop()
        return True

    def _read_block(self) -> None:
        first = self.ahead[-1]
        indent = len(first.raw) - len(first.raw.lstrip(" "))
        number = self.source.line_column(first.start)[0]
        lines: list[_Line] = []
        level = 0
        while self.ahead:
            annotation = self.ahead[-1]
            if not annotation.alone or self.source.line_column(annotation.start)[0] != number + len(lines):
                break
            line = _line(annotation, indent)
            goes_on = level > 0 or not line.text.strip() or line.text[0] in " \t" or _has_no_def_yet(lines)
            if lines and not goes_on:
                break
            lines.append(line)
            level += line.level
            self.ahead.pop()
        while not lines[-1].text.strip():
            lines.pop()
        self._note(lines)
        bar = next((at for at in self.bars if at > lines[-1].end), None)
        if bar is not None and not self._is_rule_between(lines[-1].end, bar):
            message = "a def stands between the alternatives of a rule"
            self.problems.error("E403", lines[0].start, lines[0].end, message, "write it above the rule, or below it")

    def _is_rule_between(self, start: int, end: int) -> bool:
        """Whether anything but comments stands there."""
        between = self.source.text[start:end].split("\n")[1:]
        return any(line.strip() and not line.lstrip().startswith(("//", "#")) for line in between)

    def _note(self, lines: Sequence[_Line]) -> None:
        text = "\n".join(line.text for line in lines)
        start, end = lines[0].start, lines[-1].end
        if text.startswith(("from", "import")):
            self._note_import(text, start, end)
            return
        tab = next((line.start + line.text.index("\t") for line in lines if "\t" in line.text), None)
        if tab is not None:
            self.problems.error("E403", tab, tab + 1, "there is a tab in a def", "indent with blanks alone")
            return
        found = next(((line, match) for line in lines if (match := _DEF.match(line.text))), None)
        if found is None:
            advice = "as in   //% def block(x, width: int):   with lines below it that are indented"
            self.problems.error("E403", start, lines[0].end, "expected a def here", advice)
            return
        line, match = found
        name, at = match[1], line.start + match.start(1)
        known = next((other for other in self.written if other.name == name), None)
        if known is not None:
            first = self.source.place(known.start)
            message = f"{name} is written twice, first at {first}"
            self.problems.error("E404", at, at + len(name), message, "give one of them another name")
            return
        starts = tuple(line.start for line in lines)
        self.written.append(OpText(name, self.source, text, starts, at, at + len(name)))

    def _note_import(self, text: str, start: int, end: int) -> None:
        match = _FROM.fullmatch(text)
        names = [_IMPORTED.fullmatch(part) for part in match[3].split(",")] if match is not None else []
        if match is None or not all(names):
            message = "this imports no ops" if text.startswith("from") else "import alone brings nothing"
            advice = "as in   //% from mobile import mbconv   or   //% from .mobile import mbconv as block"
            self.problems.error("E404", start, max(start + 1, start + len(text.split("\n")[0])), message, advice)
            return
        found = [(Token("RULE", part[1], start, end), part[2] or part[1]) for part in names if part is not None]
        self.imported.append(Import(tuple(match[2].split(".")), bool(match[1]), tuple(found), start, end))


def _has_no_def_yet(lines: Sequence[_Line]) -> bool:
    """Whether all lines so far are decorators."""
    return bool(lines) and all(line.text.startswith("@") or not line.text.strip() for line in lines)


def _line(annotation: Annotation, indent: int) -> _Line:
    raw = annotation.raw
    cut = indent if not raw[:indent].strip() else 0
    start = annotation.start + len("//%") + min(cut, len(raw))
    return _Line(raw[cut:], start, annotation.start + len("//%") + len(raw))
