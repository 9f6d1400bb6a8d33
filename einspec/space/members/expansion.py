"""Expansion: the members of a production, one for each combination of values of its arguments.

Groups and repetitions of a production without children are combinations too, where these are few; elsewhere their
members stay open, and a layout is drawn after them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from einspec.grammar.model.items import uneven, value_kinds
from einspec.grammar.model.rules import Choice, Free, Group, Item, Production, Reference, Repeat, leaves
from einspec.ops.declare import Op
from einspec.ops.opset import library_ops
from einspec.ops.signature import Argument
from einspec.space.members.member import Member, Value
from einspec.space.members.open_member import OpenMember

MOST_MEMBERS = 30_000
_LONGEST = 100
"""Items of a production that is written out."""
_MOST_FLAT = 5_000
"""Combinations of groups and repetitions without children that are members of their own."""


def production_members(production: Production, depth: int, op: Op | None) -> list[Member]:
    """All members of a production, with their weights at a depth.

    Raises ``ValueError`` for arguments that are not the op's, or too many members.
    """
    if math.prod(len(choice.values) for choice in production.choices) > MOST_MEMBERS:
        raise ValueError(f"has more than {MOST_MEMBERS:,} combinations of argument values: give terminals fewer")
    weight = production.weight_at(depth)
    if op is not None:
        _check_tuples(production, op)
    if op is None or (production.is_flat and not _is_free(production)):
        return _flat_members(production, weight, op)
    choice = uneven(production.items)
    if choice is not None:
        raise ValueError(
            f"has groups or repetitions, and {choice.name} has values of several numbers of arguments: give each "
            "number a terminal of its own"
        )
    check_arguments(production, op)
    if library_ops().get(op.name) is op:
        _check_plain(production, op)
    has_children = any(isinstance(leaf, Reference) for leaf in leaves(production.items))
    is_short = len(production.items) <= _LONGEST
    if is_short and not has_children and not _is_free(production) and _combinations(production.items) <= _MOST_FLAT:
        return _expanded_members(production, weight, op)
    pairs = [list(zip(choice.values, choice.weights, strict=True)) for choice in production.choices]
    return [
        OpenMember(
            production,
            tuple(text for text, _ in combination),
            weight * math.prod((share for _, share in combination), start=Fraction(1)),
            op,
        )
        for combination in itertools.product(*pairs)
    ]


def _is_free(production: Production) -> bool:
    return any(isinstance(leaf, Free) for leaf in leaves(production.items))


def _flat_members(production: Production, weight: Fraction, op: Op | None) -> list[Member]:
    members = []
    pairs = [list(zip(choice.values, choice.weights, strict=True)) for choice in production.choices]
    for combination in itertools.product(*pairs):
        texts = tuple(text for text, _ in combination)
        share = weight * math.prod((share for _, share in combination), start=Fraction(1))
        members.append(Member(production, texts, share, op))
    return members


Flat = tuple[Fraction, tuple[Item, ...], tuple[str, ...], tuple[Value, ...]]
"""One way to write items: its probability, the items laid out, the texts of the choices, the values."""


def _expanded_members(production: Production, weight: Fraction, op: Op) -> list[Member]:
    return [
        Member(production, texts, weight * share, op, items=items, values=values)
        for share, items, texts, values in _written_out(production.items)
    ]


def _written_out(items: Sequence[Item]) -> Iterator[Flat]:
    """All ways to write items, in text order."""
    if not items:
        yield Fraction(1), (), (), ()
        return
    for share, left, texts, values in _ways(items[0]):
        for rest_share, rest, rest_texts, rest_values in _written_out(items[1:]):
            yield share * rest_share, left + rest, texts + rest_texts, values + rest_values


def _ways(item: Item) -> Iterator[Flat]:
    if isinstance(item, Choice):
        for text, share in zip(item.values, item.weights, strict=True):
            yield share, (item,), (text,), () if item.is_setting else tuple(text.split(","))
    elif isinstance(item, Group):
        width = len(value_kinds((item,)))
        for alternative, weight in zip(item.alternatives, item.weights, strict=True):
            for share, items, texts, values in _written_out(alternative):
                yield weight * share, items, texts, (*values, *[None] * (width - len(values)))
    elif isinstance(item, Repeat):
        yield from _repeated(item)
    else:
        yield Fraction(1), (item,), (), ()


def _repeated(item: Repeat) -> Iterator[Flat]:
    assert item.most is not None
    width = len(value_kinds(item.items))
    once = list(_written_out(item.items))
    for times in range(item.least, item.most + 1):
        for ways in itertools.product(once, repeat=times):
            share = math.prod((way[0] for way in ways), start=Fraction(1, item.most - item.least + 1))
            elements = tuple(values[0] if width == 1 else values for _, _, _, values in ways)
            items = tuple(part for way in ways for part in way[1])
            texts = tuple(text for way in ways for text in way[2])
            yield share, items, texts, (elements,) if width else ()


def _combinations(items: Sequence[Item]) -> float:
    """How many ways there are to write items."""
    total = 1.0
    for item in items:
        if isinstance(item, Choice):
            total *= len(item.values)
        elif isinstance(item, Group):
            total *= sum(map(_combinations, item.alternatives))
        elif isinstance(item, Repeat):
            once = _combinations(item.items)
            most = math.inf if item.most is None else item.most
            if most * math.log(max(once, 2)) > math.log(2 * _MOST_FLAT):
                return math.inf
            total *= sum(once**times for times in range(item.least, int(most) + 1))
    return total


def _check_plain(production: Production, op: Op) -> None:
    """Raises ``ValueError`` where an op of the library, which takes plain arguments, is given others."""
    place = 0
    for item in production.items:
        kinds = value_kinds((item,))
        arguments = op.signature.arguments[place : place + len(kinds)]
        place += kinds.count("argument")
        if not kinds or not isinstance(item, (Group, Repeat)):
            continue
        have_defaults = "child" not in kinds and not any(argument.is_required for argument in arguments)
        is_optional = (
            isinstance(item, Group)
            and not have_defaults
            and any(len(value_kinds(alternative)) < len(kinds) for alternative in item.alternatives)
        )
        if isinstance(item, Repeat) or is_optional:
            what = "a tuple" if isinstance(item, Repeat) else "None where it is left out"
            raise ValueError(
                f"takes plain arguments and children, and {item.text} gives {what}: declare an op of your own"
            )


def _check_tuples(production: Production, op: Op) -> None:
    """Raises ``ValueError`` where an op takes a tuple and the production gives one value."""
    is_tuple: list[bool] = []
    for item in production.items:
        if value_kinds((item,)) and value_kinds((item,))[0] == "argument":
            is_tuple += [isinstance(item, Repeat)] * len(value_kinds((item,)))
    for argument, given in zip(op.signature.arguments, is_tuple, strict=False):
        if argument.is_tuple and not given:
            raise ValueError(
                f"takes {argument.name}: tuple[{argument.kind}, ...], and is given one value: repeat it with +, or ~1"
            )


def check_arguments(production: Production, op: Op) -> None:
    """Raises ``ValueError`` where values of a production with groups or repetitions are not the op's arguments."""
    texts = [texts for kind, texts in _values(production.items) if kind == "argument"]
    op.signature.check_count(len(texts))
    for argument, found in zip(op.signature.arguments, texts, strict=False):
        _check_values(argument, found)


def _check_values(argument: Argument, texts: set[str | None]) -> None:
    given = {text for text in texts if text is not None}
    if argument.kind == "bool" and given != texts and not given & {"true", "false"}:
        return  # that it is there is what it says
    for text in sorted(given):
        try:
            argument.convert(text)
        except ValueError:
            raise ValueError(f"takes {argument.name}: {argument.kind}, and {text!r} is none") from None


Column = tuple[str, set[str | None]]


def _values(items: Sequence[Item]) -> list[Column]:
    """The kind of each value that items give, and the texts that it may have, None where it may be left out."""
    found: list[Column] = []
    for item in items:
        if isinstance(item, Reference):
            found.append(("child", set()))
        elif isinstance(item, Free):
            found.append(("argument", set()))
        elif isinstance(item, Choice) and not item.is_setting:
            parts = [text.split(",") for text in item.values]
            found += [("argument", set(column)) for column in zip(*parts, strict=False)]
        elif isinstance(item, Group):
            found += _merged([_values(alternative) for alternative in item.alternatives])
        elif isinstance(item, Repeat):
            inner = _values(item.items)
            kinds = value_kinds((item,))
            found += [(kind, set().union(*(texts for _, texts in inner))) for kind in kinds]
    return found


def _merged(columns: Sequence[list[Column]]) -> list[Column]:
    longest = max(columns, key=len)
    return [
        (kind, set().union(*(column[place][1] if place < len(column) else {None} for column in columns)))
        for place, (kind, _) in enumerate(longest)
    ]
