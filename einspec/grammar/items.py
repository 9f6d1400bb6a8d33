"""What items of a production come to: whether they may be empty, and which values they give to an op."""

from __future__ import annotations

from collections.abc import Sequence

from einspec.grammar.model import Choice, Free, Group, Item, Literal, Reference, Repeat, leaves


def may_be_empty(items: Sequence[Item]) -> bool:
    """Whether a sequence can have no text."""
    for item in items:
        if isinstance(item, Group) and any(may_be_empty(alternative) for alternative in item.alternatives):
            continue
        if isinstance(item, Repeat) and (item.least == 0 or may_be_empty(item.items)):
            continue
        return False
    return True


def value_kinds(items: Sequence[Item]) -> tuple[str, ...]:
    """What items give to an op, value by value: an argument or a child. A tuple that holds children is a child."""
    found: list[str] = []
    for item in items:
        if isinstance(item, Reference):
            found.append("child")
        elif isinstance(item, Choice):
            found += ["argument"] * len(item.values[0].split(","))
        elif isinstance(item, Free):
            found.append("argument")
        elif isinstance(item, Group):
            found += sorted([value_kinds(alternative) for alternative in item.alternatives], key=len)[-1]
        elif isinstance(item, Repeat) and value_kinds(item.items):
            holds_children = any(isinstance(leaf, Reference) for leaf in leaves(item.items))
            found.append("child" if holds_children else "argument")
    return tuple(found)


def items_text(items: tuple[Item, ...]) -> str:
    """How the argument of a template is named."""
    words = []
    for item in items:
        if isinstance(item, Literal):
            words.append(f'"{item.text}"')
        elif isinstance(item, (Group, Repeat)):
            words.append(item.text)
        else:
            words.append(item.name or f'"{item.values[0]}"' if isinstance(item, Choice) else item.name)
    return " ".join(words)
