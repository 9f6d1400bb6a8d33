"""Parsing sentences of a grammar: by Lark where it is LALR(1), else by probability with Earley's algorithm."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cached_property

from einspec.errors import ParseError
from einspec.grammar.model.rules import RuleSet
from einspec.grammar.parsing.earley.chart import TooMuchWork, Unparsed
from einspec.grammar.parsing.earley.likeliest import Parse
from einspec.grammar.parsing.earley.parser import EarleyParser
from einspec.grammar.parsing.flat import FlatGrammar
from einspec.grammar.parsing.lalr import LalrParser, NotLalr
from einspec.text import Source, did_you_mean, listing

_MOST_SHOWN = 12
_LONGEST_TEXT = 16 << 20
_LONGEST_AGAIN = 200_000
"""Characters of a text that Lark refuses and the other parser tries."""


def earley_parser(flat: FlatGrammar) -> EarleyParser:
    """A parser for any flat grammar."""
    patterns = {name: terminal.pattern for name, terminal in flat.terminals.items()}
    return EarleyParser(flat.alternatives, patterns, flat.ignored, flat.start)


class SentenceParser:
    """Parses sentences of one grammar. Raises ``GrammarError`` where Lark refuses its tokens."""

    def __init__(self, grammar: RuleSet):
        self.flat = FlatGrammar(grammar)
        self.lalr: LalrParser | None = None
        with suppress(NotLalr):
            self.lalr = LalrParser(self.flat)

    @cached_property
    def earley(self) -> EarleyParser:
        """The parser for what Lark cannot parse."""
        return earley_parser(self.flat)

    def parse(self, source: Source) -> Parse:
        """The parse of a text, the most probable one where a grammar is not LALR(1).

        Raises ``ParseError`` with the place, what was found and what could stand there.
        """
        if len(source.text) > _LONGEST_TEXT:
            raise ParseError(f"{source.name}: longer than {_LONGEST_TEXT >> 20} MiB, so it is not read")
        failure = None
        if self.lalr is not None:
            try:
                return self.lalr.parse(source.text)
            except Unparsed as error:
                if len(source.text) > _LONGEST_AGAIN:
                    raise ParseError(self._message(source, error)) from None
                failure = error  # Lark's lexer takes the longest token, which need not be the right one
        try:
            return self.earley.parse(source.text)
        except Unparsed as error:
            furthest = failure if failure is not None and failure.offset > error.offset else error
            raise ParseError(self._message(source, furthest)) from None
        except TooMuchWork:
            raise ParseError(
                f"{source.name}: the grammar is ambiguous, and this text can be read in too many ways: give the "
                "grammar words or brackets that tell them apart, or parse the text in shorter pieces"
            ) from None

    def _message(self, source: Source, error: Unparsed) -> str:
        offset = error.offset
        match = re.compile(r"\w{1,60}|[^\w\s]").match(source.text, offset)
        rest = source.text[offset:]
        is_end = not rest or (self.flat.ignores_blanks and not rest.strip())
        if is_end and self.flat.ignores_blanks:
            offset = len(source.text.rstrip())
        blank = "the end of the text" if is_end else "a blank"
        found = repr(match.group()) if match else blank
        terminals = self.flat.terminals
        expected = sorted({terminals[name].shown if name in terminals else name for name in error.expected}, key=_order)
        if error.may_end:
            expected.append("the end of the text")
        lines = [
            f"{source.place(offset)}: found {found}, which cannot stand here",
            source.excerpt(offset, match.end() if match else offset + 1),
        ]
        if expected:
            lines.append(f"      = expected {_shortened(expected)}")
        hint = did_you_mean(match.group(), expected) if match else ""
        if hint:
            lines.append(f"      = {hint}")
        return "\n".join(lines)


def _order(word: str) -> tuple[int, str]:
    """Numbers by their value, before words."""
    return (int(word), "") if word.isdecimal() and len(word) < 20 else (10**20, word)


def _shortened(words: list[str]) -> str:
    if len(words) > _MOST_SHOWN:
        return f"{', '.join(words[:_MOST_SHOWN])} or one of {len(words) - _MOST_SHOWN} more"
    return listing(words)
