"""Settings: what a sentence names and no op takes, as a learning rate of whoever trains the network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from einspec.grammar.model.rules import Choice, Free, Reference
from einspec.space.members.settings import Setting, value_of

if TYPE_CHECKING:
    from einspec.space.deriving.derivation import Derivation
    from einspec.space.members.member import Member

Settings = dict[str, Setting | tuple[Setting, ...]]


def settings_of(derivation: Derivation) -> Settings:
    """The values that a derivation gives to settings, by their names in small letters; a tuple where there are several,
    in text order.
    """
    found: dict[str, list[Setting]] = {}
    stack: list[Derivation | tuple[str, str]] = [derivation]
    while stack:
        entry = stack.pop()
        if isinstance(entry, tuple):
            name, text = entry
            found.setdefault(name.lower(), []).append(value_of(text))
            continue
        children = iter(entry.children)
        parts: list[Derivation | tuple[str, str]] = []
        for part in chained((*entry.via, entry.member)):
            parts.append(next(children) if part is None else part)
        stack += reversed(parts)
    return {name: values[0] if len(values) == 1 else tuple(values) for name, values in found.items()}


def chained(members: tuple[Member, ...]) -> Iterator[tuple[str, str] | None]:
    """Names and texts of the settings of members each of which passes on to the next; None for a child of the last."""
    member, rest = members[0], members[1:]
    texts = iter(member.texts)
    for item in member.items:
        if isinstance(item, Reference):
            if rest:
                yield from chained(rest)
            else:
                yield None
        elif isinstance(item, Choice):
            text = next(texts)
            if item.is_setting:
                yield item.name, text
        elif isinstance(item, Free):
            next(texts)


def settings_digest(settings: Settings) -> str:
    """A digest of settings, the same for the same values on every machine."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
