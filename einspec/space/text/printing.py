"""The text of a derivation: its sentence, with a blank after a comma between children."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from einspec.grammar.model.rules import Choice, Free, Item, Literal, Reference
from einspec.grammar.parsing.spacing import Spacing, Token

if TYPE_CHECKING:
    from einspec.grammar.model.rules import RuleSet
    from einspec.space.deriving.derivation import Derivation
    from einspec.space.deriving.ground import Ground
    from einspec.space.members.member import Member

_REMEMBERED = 100_000


def sentence(space: Ground, derivation: Derivation) -> str:
    """The text of a derivation, which parses back to it."""
    return space.remembered(_printer).sentence(derivation)


def _printer(space: Ground) -> Printer:
    return Printer(space.grammar)


class Printer:
    """Prints derivations of one grammar."""

    def __init__(self, grammar: RuleSet):
        self.spacing = Spacing(grammar)
        self.templates: dict[Member, tuple[Token | None, ...]] = {}

    def sentence(self, root: Derivation) -> str:
        """The text of a derivation, which parses back to it."""
        return self.spacing.joined(self._tokens(root))

    def _tokens(self, root: Derivation) -> list[Token]:
        tokens: list[Token] = []
        stack: list[Derivation | Token] = [root]
        while stack:
            item = stack.pop()
            if isinstance(item, Token):
                tokens.append(item)
                continue
            children = iter(item.children)
            stack.extend([next(children) if token is None else token for token in self._chain(item)][::-1])
        return tokens

    def _chain(self, node: Derivation) -> tuple[Token | None, ...]:
        """The tokens of a node's text, with the settings of the alternatives that pass on to it."""
        tokens = self._template(node.member)
        for member in reversed(node.via):
            if member.texts:
                around = self._template(member)
                place = around.index(None)
                tokens = (*around[:place], *tokens, *around[place + 1 :])
        return tokens

    def _template(self, member: Member) -> tuple[Token | None, ...]:
        """The tokens of a member's text; None stands for a child."""
        tokens = self.templates.get(member)
        if tokens is None:
            if len(self.templates) >= _REMEMBERED:
                self.templates.clear()
            tokens = self.templates[member] = tuple(_member_tokens(member))
        return tokens


def _member_tokens(member: Member) -> Iterator[Token | None]:
    items = member.items
    texts = iter(member.texts)
    for index, item in enumerate(items):
        if isinstance(item, Reference):
            yield None
        elif isinstance(item, (Choice, Free)):
            before = items[max(0, index - 2) : index]
            yield Token(next(texts), len(before) == 2 and _is_list(*before))
        else:
            assert isinstance(item, Literal), "a member that is not laid out has no text"
            yield Token(item.text, False)


def _is_list(argument: Item, between: Item) -> bool:
    """Whether what follows an argument and what stands between goes on with a list: after a comma, not after a word."""
    return isinstance(argument, (Choice, Free)) and isinstance(between, Literal) and not between.text[-1].isalnum()
