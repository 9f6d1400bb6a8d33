"""Parsing architectures: the one module that touches Lark. It gives Lark the grammar's rules with one
alias per production, so that a parse tree says which productions it is made of."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from einspec.errors import GrammarError, ParseError
from einspec.grammar.model import Grammar, Literal, Reference
from einspec.space.member import Member, Nonterminal
from einspec.space.printing import ignores_blanks
from einspec.text import Source, did_you_mean, listing

if TYPE_CHECKING:
    import lark

_MOST_SHOWN = 12
_LONGEST_TEXT = 16 << 20


@dataclass(frozen=True, slots=True)
class ParsedNode:
    """One member of a parse, its children, and where it starts and ends in the text."""

    member: Member
    children: tuple[ParsedNode, ...]
    start: int
    end: int


class TextParser:
    """Parses sentences of one grammar, with LALR(1) where the grammar allows it, else with Earley's algorithm.

    Lark is given one alternative per member: terminals that share values never collide in its lexer, and
    a parse tree names its members. Raises ``GrammarError`` when Lark accepts the grammar with neither.
    """

    def __init__(self, grammar: Grammar, nonterminals: Mapping[str, Nonterminal]):
        self.members = [member for nonterminal in nonterminals.values() for member in nonterminal.members]
        self.tokens: dict[str, str] = {}
        self.ignored = grammar.ignored
        self.ignores_blanks = ignores_blanks(grammar)
        self.lark = self._load(self._lark_text(grammar), grammar)
        self.texts = {name: text for text, name in self.tokens.items()}

    def parse(self, source: Source) -> ParsedNode:
        """The parse of a text. Raises ``ParseError`` with the place, what was found and what could stand there."""
        import lark

        if len(source.text) > _LONGEST_TEXT:
            raise ParseError(f"{source.name}: longer than {_LONGEST_TEXT >> 20} MiB, so it is not read")
        try:
            tree = self.lark.parse(source.text)
        except lark.exceptions.UnexpectedInput as error:
            raise ParseError(self._message(source, error)) from None
        except (lark.exceptions.LarkError, RecursionError) as error:
            raise ParseError(f"{source.name}: cannot be parsed: {error}") from None
        return self._convert(tree)

    def _lark_text(self, grammar: Grammar) -> str:
        rules: dict[str, list[str]] = {name: [] for name in grammar.rules}
        for number, member in enumerate(self.members):
            rules[member.production.symbol].append(f"{self._expansion(member)} -> p{number}")
        lines = [f"{_rule(name)}: {' | '.join(alternatives)}" for name, alternatives in rules.items()]
        lines += [f"{name}: {self._terminal(text)}" for text, name in self.tokens.items()]
        lines += [f"%ignore {_regexp(pattern)}" for pattern in grammar.ignored]
        return "\n".join(lines) + "\n"

    def _expansion(self, member: Member) -> str:
        texts = iter(member.texts)
        parts = []
        for item in member.production.items:
            if isinstance(item, Reference):
                parts.append(_rule(item.name))
            else:
                text = item.text if isinstance(item, Literal) else next(texts)
                parts.append(self.tokens.setdefault(text, f"T{len(self.tokens)}"))
        return " ".join(parts)

    def _terminal(self, text: str) -> str:
        """Blanks are free around the commas of joined numbers, where the grammar ignores them elsewhere."""
        if self.ignores_blanks and re.fullmatch(r"[+-]?\d+(,[+-]?\d+)+", text):
            blank = r"\s*" if any(re.fullmatch(p, "\n") for p in self.ignored) else r"[ \t]*"
            return _regexp(f"{blank},{blank}".join(map(re.escape, text.split(","))))
        return _string(text)

    def _load(self, text: str, grammar: Grammar) -> lark.Lark:
        import lark

        start = _rule(grammar.start)
        options: dict[str, Any] = {"start": start, "propagate_positions": True, "maybe_placeholders": False}
        try:
            if _is_lalr(text, options):
                return lark.Lark(text, parser="lalr", **options)
        except lark.exceptions.GrammarError:
            pass  # a reduce/reduce conflict
        except (lark.exceptions.LarkError, re.error) as error:
            raise GrammarError(f"{grammar.source.name}: Lark refuses its tokens: {error}") from None
        try:
            return lark.Lark(text, parser="earley", **options)
        except (lark.exceptions.LarkError, re.error) as error:
            raise GrammarError(f"{grammar.source.name}: Lark cannot parse with this grammar: {error}") from None

    def _convert(self, root: lark.Tree[lark.Token]) -> ParsedNode:
        """Lark's tree as ours, bottom-up and without recursion."""
        done: list[ParsedNode] = []
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            tree, is_ready = stack.pop()
            subtrees = [child for child in tree.children if hasattr(child, "data")]
            if not is_ready:
                stack.append((tree, True))
                stack.extend((subtree, False) for subtree in reversed(subtrees))
                continue
            cut = len(done) - len(subtrees)
            children = tuple(done[cut:])
            del done[cut:]
            done.append(
                ParsedNode(
                    self.members[int(tree.data[1:])],
                    children,
                    getattr(tree.meta, "start_pos", 0),
                    getattr(tree.meta, "end_pos", 0),
                )
            )
        return done[0]

    def _message(self, source: Source, error: lark.exceptions.UnexpectedInput) -> str:
        import lark

        if isinstance(error, lark.exceptions.UnexpectedCharacters):
            offset, names = error.pos_in_stream or 0, set(error.allowed or ())
        elif isinstance(error, lark.exceptions.UnexpectedToken):
            at_end = error.token.type == "$END"
            offset = len(source.text.rstrip()) if at_end else error.pos_in_stream or 0
            names = set(error.accepts or error.expected or ())
        else:
            offset, names = len(source.text.rstrip()), set(getattr(error, "expected", None) or ())
        match = re.compile(r"\w{1,60}|[^\w\s]").match(source.text, offset)
        end = match.end() if match else offset + 1
        blank = "a blank" if isinstance(error, lark.exceptions.UnexpectedCharacters) else "the end of the text"
        found = repr(match.group()) if match else blank
        expected = sorted({self._texts_of(name) for name in names}, key=_by_number)
        lines = [f"{source.place(offset)}: found {found}, which cannot stand here", source.excerpt(offset, end)]
        if expected:
            lines.append(f"      = expected {_shortened(expected)}")
        hint = did_you_mean(match.group(), expected) if match else ""
        if hint:
            lines.append(f"      = {hint}")
        return "\n".join(lines)

    def _texts_of(self, name: str) -> str:
        """What a terminal of Lark's looks like to a user."""
        return "the end of the text" if name in ("$END", "<END-OF-FILE>") else self.texts.get(name, name)


def _shortened(words: list[str]) -> str:
    if len(words) > _MOST_SHOWN:
        return f"{', '.join(words[:_MOST_SHOWN])} or one of {len(words) - _MOST_SHOWN} more"
    return listing(words)


def _is_lalr(text: str, options: dict[str, Any]) -> bool:
    """Whether the grammar is LALR(1). Lark shifts at a shift/reduce conflict and says so to its logger alone."""
    import lark

    conflicts: list[logging.LogRecord] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            conflicts.append(record)

    level, others = lark.logger.level, lark.logger.handlers[:]
    lark.logger.handlers[:] = [Collector()]
    lark.logger.setLevel(logging.DEBUG)
    try:
        lark.Lark(text, parser="lalr", debug=True, **options)
    finally:
        lark.logger.handlers[:] = others
        lark.logger.setLevel(level)
    return not any("Shift/Reduce" in record.getMessage() for record in conflicts)


def _by_number(word: str) -> tuple[int, str]:
    """Numbers by their value, before words."""
    return (int(word), "") if word.isdecimal() and len(word) < 20 else (10**20, word)


def _rule(name: str) -> str:
    """The name of a rule for Lark, which would inline one that begins with an underscore."""
    return f"r{name}"


def _string(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f"}
    return f'"{"".join(escapes.get(character, character) for character in text)}"'


def _regexp(pattern: str) -> str:
    return "/" + re.sub(r"(?<!\\)/", r"\\/", pattern).replace("\n", "\\n") + "/"
