"""What items of a production come to: whether they may be empty, and which values they give to an op."""

from __future__ import annotations

import json
from collections.abc import Sequence

from einspec.grammar.model.rules import Choice, Free, Group, Item, Literal, Reference, Repeat, leaves


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
        elif isinstance(item, Choice) and item.is_setting:
            continue
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


def items_text(items: Sequence[Item]) -> str:
    """How the argument of a template is named: the same only for the same items."""
    return " ".join(map(_item_text, items))


def _item_text(item: Item) -> str:
    if isinstance(item, Literal):
        return json.dumps(item.text, ensure_ascii=False) + ("i" if item.pattern else "")
    if isinstance(item, Group):
        weights = ":".join(map(str, item.weights)) if len(set(item.weights)) > 1 else ""
        return f"({weights}{'|'.join(map(items_text, item.alternatives))})"
    if isinstance(item, Repeat):
        most = "" if item.most is None else item.most
        return f"({items_text(item.items)})~{item.least}..{most}{item.going_on or ''}"
    if isinstance(item, Choice) and not item.name:
        return json.dumps(item.values[0])
    return item.name


def uneven(items: Sequence[Item]) -> Choice | None:
    """A choice whose values are of several numbers of numbers, as ``"1" | "1,2"``; None for none."""
    for leaf in leaves(items):
        if isinstance(leaf, Choice) and not leaf.is_setting and len({value.count(",") for value in leaf.values}) > 1:
            return leaf
    return None
