"""Sets of characters as bits of an integer: one for each of the first 256, and one for all later characters.

The bit of the later characters says that the set may hold some of them; two sets that both may are taken to overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

LATER = 1 << 256
ALL = (LATER << 1) - 1
_FIRST = "".join(map(chr, range(256)))
_NEWLINE = 1 << ord("\n")


def _set(characters: Iterable[str]) -> int:
    return sum(1 << ord(character) for character in characters)


# Capitals are 32 before their small letters, in ASCII and in Latin-1.
_ASCII_CAPITALS = _set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CAPITALS = _ASCII_CAPITALS | _set(c for c in map(chr, range(0xC0, 0xDF)) if c.isupper())
_TWINNED = _set("iIkKsS\xb5\xc5\xe5\xdf\xff")
"""Characters that are some later character when case is ignored, such as K and the sign for kelvin."""


def matched(item: tuple[Any, Any], flags: int) -> int:
    """The characters that a parsed item matches: a character, a dot or a set; more than those, never fewer."""
    kind, value = str(item[0]), item[1]
    if kind == "ANY":
        return ALL if flags & re.DOTALL else ALL & ~_NEWLINE
    is_negative = kind == "NOT_LITERAL" or (kind == "IN" and str(value[0][0]) == "NEGATE")
    found = 0
    for part in value if kind == "IN" else [("LITERAL", value)]:
        found |= _part(str(part[0]), part[1], flags)
    if flags & re.IGNORECASE:
        found = _any_case(found, bool(flags & re.ASCII), is_negative)
    return ALL & ~found | LATER if is_negative else found


def _part(kind: str, value: Any, flags: int) -> int:
    if kind == "RANGE":
        return _span(*value)
    if kind == "CATEGORY":
        return _category(str(value), bool(flags & re.ASCII))
    return _span(value, value) if kind == "LITERAL" else 0


def _span(low: int, high: int) -> int:
    later = LATER if high > 255 else 0
    return later | (1 << min(high, 255) + 1) - 1 & ~((1 << min(low, 256)) - 1)


@cache
def _category(name: str, is_ascii: bool) -> int:
    letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[name.rpartition("_")[2]]
    is_negative = "_NOT_" in name
    pattern = "\\" + (letter.upper() if is_negative else letter)
    found = _set(re.findall(pattern, _FIRST, re.ASCII if is_ascii else 0))
    return found if is_ascii and not is_negative else found | LATER


def _any_case(letters: int, is_ascii: bool, is_negative: bool) -> int:
    capitals = _ASCII_CAPITALS if is_ascii else _CAPITALS
    letters |= (letters & capitals) << 32 | letters >> 32 & capitals
    if is_ascii:
        return letters
    if letters & LATER and not is_negative:  # what a negated set leaves out must not be more than it does
        letters |= _TWINNED
    return letters | LATER if letters & _TWINNED else letters
