"""Languages of terminals: finitely many texts with their probabilities, or a regular expression."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from fractions import Fraction

from einspec.grammar.reading.linking import File
from einspec.grammar.syntax.tree import Expression

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "\\": "\\", '"': '"'}
_ONE = Fraction(1)


@dataclass(slots=True)
class Language:
    """What may stand for a terminal: ``values`` with their probabilities, or ``pattern`` where that is not finite.

    ``patterns`` are those of values that more than their own text is read as.
    """

    values: dict[str, Fraction] = field(default_factory=dict)
    patterns: dict[str, str] = field(default_factory=dict)
    pattern: str | None = None

    @property
    def is_finite(self) -> bool:
        """Whether it is a list of texts."""
        return self.pattern is None

    def regexp(self) -> str:
        """The regular expression that matches it."""
        if self.pattern is not None:
            return self.pattern
        texts = sorted(self.values, key=lambda text: (-len(text), text))
        return "|".join(self.patterns.get(text) or re.escape(text) for text in texts)


NOTHING = Language({"": _ONE})


def unquoted(expression: Expression, file: File) -> str:
    """The text of a string. Notes a problem for an escape that is none."""
    text = expression.text.removesuffix("i")
    return _ESCAPE.sub(lambda match: _unescaped(match, expression, file), text[1:-1])


def _unescaped(match: re.Match[str], expression: Expression, file: File) -> str:
    """What a backslash and its character mean to Lark: a backslash before any other character stays."""
    code, character = match[1] or match[2] or match[3], match[4]
    if code and int(code, 16) <= sys.maxunicode:
        return chr(int(code, 16))
    if code or character in "xuU":
        message = f"{match.group()} is no character"
        file.problems.error("E101", expression.start, expression.end, message, r"as in \x41, \u0041 or \U00000041")
    return _ESCAPES.get(character, match.group())


def either_case(text: str) -> str:
    """A regular expression for a text in capitals or not."""
    return f"(?i:{re.escape(text)})"


def grouped(language: Language) -> str:
    """Its regular expression as one piece of another."""
    return f"(?:{language.regexp()})"
