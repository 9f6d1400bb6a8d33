"""The text of a derivation: its sentence, with a blank after a comma between children."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from einspec.grammar.model import Choice, Literal, Reference

if TYPE_CHECKING:
    from einspec.grammar.model import Grammar
    from einspec.space.derivation import Derivation
    from einspec.space.member import Member

_WORD = re.compile(r"\w")


def ignores_blanks(grammar: Grammar) -> bool:
    """Whether blanks may stand between the tokens of a sentence."""
    return any(re.fullmatch(pattern, " ") for pattern in grammar.ignored)


def sentence(root: Derivation, ignores_blanks: bool) -> str:
    """The text of a derivation. Blanks are added only where the grammar ignores them."""
    pieces: list[str] = []
    last = ""
    stack: list[Derivation | str] = [root]
    while stack:
        item = stack.pop()
        if not isinstance(item, str):
            children = iter(item.children)
            pieces_of = [next(children) if piece is None else piece for piece in template(item.member, ignores_blanks)]
            stack.extend(reversed(pieces_of))
            continue
        if ignores_blanks and last and _needs_blank(last, item):
            pieces.append(" ")
        pieces.append(item)
        last = item
    return "".join(pieces)


def _needs_blank(last: str, piece: str) -> bool:
    """Two words run together mean another word; after a comma or a bracket a blank reads better."""
    if last.endswith((",", ";")):
        return True
    return bool(_WORD.match(piece[0]) and (_WORD.match(last[-1]) or last[-1] in ")]}"))


@lru_cache(maxsize=100_000)
def template(member: Member, ignores_blanks: bool) -> tuple[str | None, ...]:
    """The pieces of a member's text; None stands for a child. Runs of pieces between children are one piece.

    A comma between two arguments takes no blank: ``group(4,2)``.
    """
    items = member.production.items
    texts = iter(member.texts)
    runs: list[str | None] = [""]
    for index, item in enumerate(items):
        if isinstance(item, Reference):
            runs += [None, ""]
            continue
        piece = next(texts) if isinstance(item, Choice) else item.text
        run = runs[-1] or ""
        between_arguments = (
            index > 1
            and isinstance(items[index - 2], Choice)
            and isinstance(item, Choice)
            and isinstance(items[index - 1], Literal)
        )
        if ignores_blanks and run and not between_arguments and _needs_blank(run, piece):
            run += " "
        runs[-1] = run + piece
    return tuple(run for run in runs if run != "")
