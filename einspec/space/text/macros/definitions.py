"""Reading definitions: which lines of a text define macros, and which are its sentence."""

from __future__ import annotations

import re

from einspec.space.text.macros.model import Macro
from einspec.space.text.macros.places import mistake
from einspec.text import Source, did_you_mean

LINE = re.compile(r"^[ \t]*def\b", re.MULTILINE)
"""Where a definition starts, in a text that has any."""
CLOSING = {"(": ")", "[": "]", "{": "}"}

_NAME = re.compile(r"[^\W\d]\w*")
_BLANKS = re.compile(r"[ \t]*")
_ANY_BLANKS = re.compile(r"\s*")
_IN_BODY = re.compile(r"(?P<comment>(?<!\S)//[^\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<newline>\n)")
_NEARLY = re.compile(r"^[ \t]*(?P<word>\w+)[ \t]+[^\W\d]\w*[ \t]*(?:\([^()\n]*\))?[ \t]*=", re.MULTILINE)
_FOUND = re.compile(r"\w{1,60}|[^\w\s]")
_EXAMPLE = "as in   def act = seq(norm, relu)   or   def conv(width) = linear(width)"


class Definitions:
    """The macros of a text by name, and the spans of whole lines that are its sentence.

    Raises ``ParseError`` for a definition that cannot be read.
    """

    def __init__(self, source: Source):
        self.source, self.text = source, source.text
        self.macros: dict[str, Macro] = {}
        self.sentence: list[tuple[int, int]] = []
        position = 0
        while (match := LINE.search(self.text, position)) is not None:
            self._add_sentence(position, match.start())
            position = self._definition(match.end())
        self._add_sentence(position, len(self.text))

    def _add_sentence(self, start: int, end: int) -> None:
        for match in _NEARLY.finditer(self.text, start, end):
            hint = did_you_mean(match["word"].lower(), ["def"])
            if hint:
                raise mistake(
                    self.source, *match.span("word"), f"{match['word']!r} does not start a definition", hint, _EXAMPLE
                )
        self.sentence.append((start, end))

    def _definition(self, position: int) -> int:
        """Reads a definition from after its ``def``; gives where the next line starts."""
        position = self._skip(_BLANKS, position)
        name = _NAME.match(self.text, position)
        if name is None:
            raise self._unexpected(position, "expected the name of a macro after def", _EXAMPLE)
        if name.group() in self.macros:
            first = self.source.place(self.macros[name.group()].start)
            what = f"the macro {name.group()} is defined twice"
            raise mistake(self.source, *name.span(), what, f"the first is at {first}; rename one or leave it out")
        position = self._skip(_BLANKS, name.end())
        parameters: list[str] = []
        is_variadic = False
        if self.text.startswith("(", position):
            parameters, is_variadic, position = self._parameters(name.group(), position)
            position = self._skip(_BLANKS, position)
        if not self.text.startswith("=", position):
            after = "the parameters" if parameters else "the name"
            raise self._unexpected(position, f"expected = after {after} of the macro {name.group()}", _EXAMPLE)
        end = self._body_end(name.group(), position + 1)
        macro = Macro(name.group(), tuple(parameters), is_variadic, name.start(), (position + 1, end))
        self.macros[macro.name] = macro
        return min(end + 1, len(self.text))

    def _parameters(self, macro: str, opening: int) -> tuple[list[str], bool, int]:
        """The names between brackets, whether the last is variadic, and where they end."""
        names: dict[str, int] = {}
        position = self._skip(_ANY_BLANKS, opening + 1)
        if self.text.startswith(")", position):
            advice = f"leave the brackets out: def {macro} = ..."
            raise mistake(self.source, opening, position + 1, f"the macro {macro} has no parameters here", advice)
        while True:
            name = _NAME.match(self.text, position)
            if name is None:
                raise self._unexpected(position, f"expected the name of a parameter of the macro {macro}", _EXAMPLE)
            if name.group() in names:
                what = f"the macro {macro} has the parameter {name.group()} twice"
                first = self.source.place(names[name.group()])
                raise mistake(self.source, *name.span(), what, f"the first is at {first}; rename one")
            names[name.group()] = name.start()
            is_variadic = self.text.startswith("...", name.end())
            position = self._skip(_ANY_BLANKS, name.end() + (3 if is_variadic else 0))
            if self.text.startswith(")", position):
                return list(names), is_variadic, position + 1
            if not self.text.startswith(",", position):
                raise self._unexpected(position, f"expected , or ) after the parameter {name.group()}", _EXAMPLE)
            if is_variadic:
                advice = "put it last: it takes all arguments that are left"
                what = f"{name.group()}... is not the last parameter of the macro {macro}"
                raise mistake(self.source, name.start(), name.end() + 3, what, advice)
            position = self._skip(_ANY_BLANKS, position + 1)

    def _body_end(self, macro: str, start: int) -> int:
        """Where the body ends: at the end of its line, or of that where its brackets are closed."""
        opened: list[int] = []
        for match in _IN_BODY.finditer(self.text, start):
            if match.lastgroup == "open":
                opened.append(match.start())
            elif match.lastgroup == "close":
                self._check_closing(opened, match.start())
                opened.pop()
            elif match.lastgroup == "newline":
                if not opened:
                    return match.start()
                if LINE.match(self.text, match.end()):
                    raise self._unclosed(opened[-1], macro, f"the definition at {self.source.place(match.end())}")
        if opened:
            raise self._unclosed(opened[-1], macro, "the end of the text")
        return len(self.text)

    def _check_closing(self, opened: list[int], position: int) -> None:
        found = self.text[position]
        if not opened:
            raise mistake(self.source, position, position + 1, f"{found!r} closes no bracket", "leave it out")
        opening = self.text[opened[-1]]
        if CLOSING[opening] != found:
            what = f"{found!r} does not close the {opening!r} at {self.source.place(opened[-1])}"
            raise mistake(self.source, position, position + 1, what, f"expected {CLOSING[opening]!r}")

    def _unclosed(self, opening: int, macro: str, until: str) -> Exception:
        found = self.text[opening]
        advice = f"the definition of {macro} goes on to {until}; close it with {CLOSING[found]!r}"
        return mistake(self.source, opening, opening + 1, f"this {found!r} is never closed", advice)

    def _unexpected(self, position: int, expected: str, advice: str) -> Exception:
        match = _FOUND.match(self.text, position)
        found = "the end of the line" if match is None else repr(match.group())
        end = position + 1 if match is None else match.end()
        return mistake(self.source, position, end, f"{expected}, found {found}", advice)

    def _skip(self, blanks: re.Pattern[str], position: int) -> int:
        match = blanks.match(self.text, position)
        return position if match is None else match.end()
