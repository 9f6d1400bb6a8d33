"""The text of a derivation: its sentence, with a blank after a comma between children."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from einspec.grammar.model import Choice, Literal, Reference

if TYPE_CHECKING:
    from einspec.grammar.model import Grammar
    from einspec.space.derivation import Derivation
    from einspec.space.member import Member

_WORD = re.compile(r"\w")
_REMEMBERED = 100_000


def ignores_blanks(grammar: Grammar) -> bool:
    """Whether blanks may stand between the tokens of a sentence."""
    return any(re.fullmatch(pattern, " ") for pattern in grammar.ignored)


@dataclass(frozen=True, slots=True)
class _Token:
    """One token of a member's text; ``is_joined`` after the comma between two arguments, as in ``group(4,2)``."""

    text: str
    is_joined: bool


class Printer:
    """Prints derivations of one grammar. Blanks are added only where the grammar ignores them."""

    def __init__(self, grammar: Grammar):
        self.ignores_blanks = ignores_blanks(grammar)
        self.longer = _longer_tokens(grammar)
        self.templates: dict[Member, tuple[_Token | None, ...]] = {}

    def sentence(self, root: Derivation) -> str:
        """The text of a derivation, which parses back to it."""
        tokens = self._tokens(root)
        if not self.ignores_blanks:
            return "".join(token.text for token in tokens)
        pieces: list[str] = []
        last = ""
        for index, token in enumerate(tokens):
            text = token.text
            if last and not token.is_joined and (_reads_better(last, text) or self._glues(last, tokens, index)):
                pieces.append(" ")
            pieces.append(text)
            last = text
        return "".join(pieces)

    def _tokens(self, root: Derivation) -> list[_Token]:
        tokens: list[_Token] = []
        stack: list[Derivation | _Token] = [root]
        while stack:
            item = stack.pop()
            if isinstance(item, _Token):
                tokens.append(item)
                continue
            children = iter(item.children)
            stack.extend([next(children) if token is None else token for token in self._template(item.member)][::-1])
        return tokens

    def _glues(self, last: str, tokens: list[_Token], index: int) -> bool:
        """Whether a token and what follows it, run together, would begin with a longer token."""
        rests = self.longer.get(last)
        if rests is None:
            return False
        ahead = ""
        longest = max(map(len, rests))
        while len(ahead) < longest and index < len(tokens):
            ahead += tokens[index].text
            index += 1
        return any(ahead.startswith(rest) for rest in rests)

    def _template(self, member: Member) -> tuple[_Token | None, ...]:
        """The tokens of a member's text; None stands for a child."""
        tokens = self.templates.get(member)
        if tokens is None:
            if len(self.templates) >= _REMEMBERED:
                self.templates.clear()
            tokens = self.templates[member] = tuple(_member_tokens(member))
        return tokens


def _member_tokens(member: Member) -> Iterator[_Token | None]:
    items = member.production.items
    texts = iter(member.texts)
    for index, item in enumerate(items):
        if isinstance(item, Reference):
            yield None
        elif isinstance(item, Choice):
            before = items[max(0, index - 2) : index]
            is_joined = len(before) == 2 and isinstance(before[0], Choice) and isinstance(before[1], Literal)
            yield _Token(next(texts), is_joined)
        else:
            yield _Token(item.text, False)


def _reads_better(last: str, token: str) -> bool:
    """After a comma, and between two words, or a bracket and a word."""
    if last.endswith((",", ";")):
        return True
    return bool(_WORD.match(token[0]) and (_WORD.match(last[-1]) or last[-1] in ")]}"))


def _longer_tokens(grammar: Grammar) -> dict[str, list[str]]:
    """What must follow a token to make a longer one of the grammar."""
    tokens = {
        text
        for rule in grammar.rules.values()
        for production in rule.productions
        for item in production.items
        if not isinstance(item, Reference)
        for text in ((item.text,) if isinstance(item, Literal) else item.values)
    }
    longer: dict[str, list[str]] = {}
    for token in sorted(tokens):
        for cut in range(1, len(token)):
            if token[:cut] in tokens:
                longer.setdefault(token[:cut], []).append(token[cut:])
    return longer
