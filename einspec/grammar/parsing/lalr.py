"""LALR(1) parsing by Lark, where a grammar allows it. The one module that touches what Lark does not document."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from einspec.errors import GrammarError
from einspec.grammar.parsing.earley.chart import Unparsed
from einspec.grammar.parsing.earley.likeliest import Parse

if TYPE_CHECKING:
    import lark

    from einspec.grammar.parsing.flat import FlatGrammar, Terminal

MOST_ALTERNATIVES = 2000
"""Alternatives of a flat grammar that Lark gets: its tables take a second and more to build for these."""
MOST_PARTS = 10_000
LONGEST = 100
"""Parts of one alternative."""
_END = ("$END", "<END-OF-FILE>")
_SLASH = re.compile(r"\\.|/|\n", re.DOTALL)


class NotLalr(Exception):
    """The grammar is not LALR(1)."""


class LalrParser:
    """Parses sentences of a flat grammar. Raises ``NotLalr`` where it is not LALR(1), or too large to find out, and
    ``GrammarError`` where Lark refuses its tokens.
    """

    def __init__(self, flat: FlatGrammar):
        sizes = [len(alternative.parts) for alternative in flat.alternatives]
        is_too_large = len(sizes) > MOST_ALTERNATIVES or sum(sizes) > MOST_PARTS or max(sizes) > LONGEST
        if flat.has_overlaps or is_too_large:
            raise NotLalr
        self.flat = flat
        self.lark = self._load(lark_text(flat))

    def _load(self, text: str) -> lark.Lark:
        import lark

        try:
            with _shifts() as shifts:
                made = lark.Lark(
                    text,
                    parser="lalr",
                    start=self.flat.start,
                    propagate_positions=True,
                    maybe_placeholders=False,
                    debug=True,
                )
        except (lark.exceptions.GrammarError, RecursionError):
            raise NotLalr from None  # a reduce/reduce conflict, or tables too large for Lark's recursion
        except (lark.exceptions.LarkError, re.error) as error:
            name = self.flat.grammar.source.name
            raise GrammarError(f"{name}: Lark refuses its tokens: {error}") from None
        if shifts:
            raise NotLalr
        made.parser.parser.parser.debug = False  # else it prints its stack at every error
        return made

    def parse(self, text: str) -> Parse:
        """The parse of a text. Raises ``Unparsed`` for what is no sentence."""
        import lark

        try:
            tree = self.lark.parse(text)
        except lark.exceptions.UnexpectedInput as error:
            raise self._unparsed(text, error) from None
        return self._converted(tree)

    def _unparsed(self, text: str, error: lark.exceptions.UnexpectedInput) -> Unparsed:
        import lark

        end = len(text.rstrip())
        if isinstance(error, lark.exceptions.UnexpectedCharacters):
            offset, names = error.pos_in_stream or 0, set(error.allowed or ())
        elif isinstance(error, lark.exceptions.UnexpectedToken):
            offset = end if error.token.type == "$END" else error.pos_in_stream or 0
            names = set(error.accepts or error.expected or ())
        else:
            offset, names = end, set(getattr(error, "expected", None) or ())
        return Unparsed(offset, frozenset(names.difference(_END)), not names.isdisjoint(_END))

    def _converted(self, root: lark.Tree[lark.Token]) -> Parse:
        """Lark's tree as a parse, bottom-up and without recursion."""
        done: list[Parse] = []
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            tree, is_ready = stack.pop()
            subtrees = [child for child in tree.children if hasattr(child, "data")]
            if not is_ready:
                stack.append((tree, True))
                stack.extend((subtree, False) for subtree in reversed(subtrees))
                continue
            cut = len(done) - len(subtrees)
            below = iter(done[cut:])
            parts = tuple(
                next(below) if hasattr(child, "data") else (child.start_pos, child.end_pos) for child in tree.children
            )
            del done[cut:]
            start, end = getattr(tree.meta, "start_pos", 0), getattr(tree.meta, "end_pos", 0)
            done.append(Parse(int(tree.data[1:]), parts, start, end))
        return done[0]


def lark_text(flat: FlatGrammar) -> str:
    """A flat grammar as Lark reads it, each alternative with its index as alias."""
    rules: dict[str, list[str]] = {}
    for index, alternative in enumerate(flat.alternatives):
        rules.setdefault(alternative.symbol, []).append(f"{' '.join(alternative.parts)} -> a{index}")
    lines = [f"{name}: {' | '.join(alternatives)}" for name, alternatives in rules.items()]
    lines += [f"{name}: {_token(terminal)}" for name, terminal in flat.terminals.items()]
    lines += [f"%ignore {_regexp(pattern)}" for pattern in flat.ignored]
    return "\n".join(lines) + "\n"


def _token(terminal: Terminal) -> str:
    return _string(terminal.text) if terminal.is_plain and terminal.text is not None else _regexp(terminal.pattern)


def _string(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f"}
    return f'"{"".join(escapes.get(character, character) for character in text)}"'


def _regexp(pattern: str) -> str:
    changed = {"/": "\\/", "\n": "\\n", "\\\n": "\\n"}
    return f"/{_SLASH.sub(lambda match: changed.get(match.group(), match.group()), pattern)}/"


@contextmanager
def _shifts() -> Iterator[list[str]]:
    """The shift/reduce conflicts that Lark finds. It shifts then, and says so to its logger alone."""
    import lark

    found: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "Shift/Reduce" in record.getMessage():
                found.append(record.getMessage())

    level, others = lark.logger.level, lark.logger.handlers[:]
    lark.logger.handlers[:] = [Collector()]
    lark.logger.setLevel(logging.DEBUG)
    try:
        yield found
    finally:
        lark.logger.handlers[:] = others
        lark.logger.setLevel(level)
