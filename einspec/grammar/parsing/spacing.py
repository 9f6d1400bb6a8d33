"""Spacing: tokens as a text that is read as these tokens again. Blanks stand only where the grammar ignores them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from einspec.grammar.model.rules import Choice, Literal, RuleSet, leaves

_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text; ``is_joined`` after the comma between two arguments, as in ``group(4,2)``."""

    text: str
    is_joined: bool


class Spacing:
    """Writes the tokens of one grammar."""

    def __init__(self, grammar: RuleSet):
        self.ignores_blanks = any(re.fullmatch(pattern, " ") for pattern in grammar.ignored)
        self.longer = _longer_tokens(grammar)

    def joined(self, tokens: Sequence[Token]) -> str:
        """The text, with a blank after a comma, between words, and where two tokens would be read as another one."""
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

    def _glues(self, last: str, tokens: Sequence[Token], index: int) -> bool:
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


def _reads_better(last: str, token: str) -> bool:
    """After a comma, and between two words, or a bracket and a word."""
    if last.endswith((",", ";")):
        return True
    return bool(_WORD.match(token[0]) and (_WORD.match(last[-1]) or last[-1] in ")]}"))


def _longer_tokens(grammar: RuleSet) -> dict[str, list[str]]:
    """What must follow a token to make a longer one of the grammar."""
    tokens = {
        text
        for rule in grammar.rules.values()
        for production in rule.productions
        for leaf in leaves(production.items)
        for text in (leaf.values if isinstance(leaf, Choice) else (leaf.text,) if isinstance(leaf, Literal) else ())
    }
    longer: dict[str, list[str]] = {}
    for token in sorted(tokens):
        for cut in range(1, len(token)):
            if token[:cut] in tokens:
                longer.setdefault(token[:cut], []).append(token[cut:])
    return longer
