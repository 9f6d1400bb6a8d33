"""The tokens of Lark's grammar language, with their places; ``//%`` annotations are kept apart.

The reader is our own because Lark drops comments, knows no weights, and expands ``*`` and ``[]`` into
rules that nobody wrote. ``tests/grammar`` checks that Lark itself accepts what we accept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from einspec.grammar.model.problems import Problems
from einspec.text import Source

_KINDS = {
    "CONTINUATION": r"\\[ ]*\r?\n",
    "COMMENT": r"//[^\n]*|\#[^\n]*",
    "NEWLINE": r"\r?\n",
    "BLANK": r"[ \t\f]+",
    "STRING": r'"(?:\\.|[^"\\\n])*"i?',
    "REGEXP": r"/(?!/)(?:\\.|[^/\\\n])+/[imslux]*",
    "ARROW": r"->",
    "DOTS": r"\.\.",
    "KEYWORD": r"%[a-zA-Z_]+",
    "MODIFIERS": r"(?:![?]?|[?]!)(?=[_a-zA-Z])|[?](?=[_a-z])",
    "OPERATOR": r"[?*+]",
    "NUMBER": r"[+-]?\d+",
    "RULE": r"_?[a-z][_a-z0-9]*",
    "TERMINAL": r"_?[A-Z][_A-Z0-9]*",
    "PUNCTUATION": r"[()\[\]{}:,|.~]",
}
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()))


_COMMENT = re.compile(r"\s//")
"""A comment within a comment: what follows a blank, so that addresses of the web stay whole."""

_GUARD = re.compile(r"(?<=[\s%])if(?=\s|\(|$)")

MOST_TOKENS = 200_000
"""Of one file: what reads them takes a few microseconds for each."""

_HABITS = re.compile(r"(?P<defined>::=|:=|=)|(?P<quoted>'[^'\n]*')|(?P<ended>;)")
"""What people bring from BNF, YACC and Python."""
_ADVICE = {
    "defined": ("{} defines no rule here", "write   net: ..."),
    "quoted": ("{} is no string here", 'Lark\'s strings stand in double quotes, as in   "relu"'),
    "ended": ("{} ends no rule here", "leave it out: a rule ends where the next one begins"),
}
_MEANT = {"defined": ("PUNCTUATION", ":"), "quoted": ("STRING", '"x"')}
"""What stands for it, so that one mistake is one problem."""

_OPEN_ENDED = {'"': ("STRING", '"x"'), "/": ("REGEXP", "/x/")}


@dataclass(frozen=True, slots=True)
class Token:
    """One token: what kind, its text, where it starts and ends."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Annotation:
    """The text after ``//%``, where it starts, and whether it stands alone on its line."""

    text: str
    start: int
    end: int
    alone: bool
    raw: str
    """All of the line that follows ``//%``, with its blanks."""
    guard: str | None = None
    """What follows ``if``; it is not of the text."""
    guard_start: int = 0


def tokenize(source: Source, problems: Problems) -> tuple[list[Token], list[Annotation]]:
    """All tokens of a grammar file, newlines included, and its annotations, both in order."""
    tokens: list[Token] = []
    annotations: list[Annotation] = []
    text, position = source.text, 0
    line_is_empty = True
    while position < len(text):
        if len(tokens) > MOST_TOKENS:
            message = f"this file has more than {MOST_TOKENS:,} words and signs"
            problems.error("E105", position, position + 1, message, "split the grammar, and import its parts")
            return tokens[:0], annotations[:0]
        habit = _HABITS.match(text, position)
        if habit is not None:
            position = habit.end()
            tokens += _meant(habit, problems)
            continue
        match = _TOKEN.match(text, position)
        if match is None:
            begin, position = position, _skip_stray(source, position, problems)
            if text[begin] in _OPEN_ENDED:  # stands for what was meant, so that one mistake is one problem
                tokens.append(Token(*_OPEN_ENDED[text[begin]], begin, position))
            continue
        kind, found = str(match.lastgroup), match.group()
        position = match.end()
        if kind == "COMMENT":
            if found.startswith("//%"):
                annotations.append(_annotation(found.rstrip("\r"), match.start(), line_is_empty))
            continue
        if kind in ("BLANK", "CONTINUATION"):
            continue
        tokens.append(Token(kind, found, match.start(), match.end()))
        line_is_empty = kind == "NEWLINE"
    tokens.append(Token("NEWLINE", "", len(text), len(text)))
    return tokens, annotations


def _annotation(found: str, start: int, alone: bool) -> Annotation:
    """What a comment that begins with ``//%`` says."""
    written = _COMMENT.split(found, maxsplit=1)[0].rstrip()
    condition = None if alone else _GUARD.search(written)
    if condition is None:
        return Annotation(written[3:].strip(), start, start + len(written), alone, found[3:])
    before = found[: condition.start()].rstrip()
    guard = found[condition.end() :]  # // divides there
    at = condition.end() + len(guard) - len(guard.lstrip())
    return Annotation(before[3:].strip(), start, start + len(before), alone, found[3:], guard.strip(), start + at)


def _meant(habit: re.Match[str], problems: Problems) -> list[Token]:
    """What was meant by a habit from elsewhere, of which the advice says how it is written here."""
    name, (start, end) = str(habit.lastgroup), habit.span()
    message, advice = _ADVICE[name]
    shown = habit.group() if habit.group().isprintable() else ascii(habit.group())
    problems.error("E101", start, end, message.format(shown[:60]), advice)
    return [Token(*_MEANT[name], start, end)] if name in _MEANT else []


def _skip_stray(source: Source, position: int, problems: Problems) -> int:
    text = source.text
    character = text[position]
    end = position + 1
    if character == '"':
        end = _line_end(text, position)
        problems.error("E101", position, end, "this string does not end on its line", 'close it with "')
    elif character == "/":
        end = _line_end(text, position)
        problems.error("E101", position, end, "this regular expression does not end on its line", "close it with /")
    else:
        while end < len(text) and _TOKEN.match(text, end) is None:
            end += 1
        stray = text[position:end]
        shown = stray if stray.isprintable() and len(stray) < 20 else f"{ascii(stray[:20])[1:-1]}"
        problems.error(
            "E101", position, end, f"{shown} means nothing in a grammar file", "quote it if it is text of a sentence"
        )
    return end


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
