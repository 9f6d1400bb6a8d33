"""Regular expressions as trees of a few kinds of nodes, read from what Python's own parser makes of them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from einspec.grammar.regexps.letters import matched

# The parser has no public name, but its trees have kept their form since Python 3.11.
_python: Any = importlib.import_module("re._parser")

_MOST_WIDE_SETS = 100
"""Sets with characters after U+00FF: Python takes a tenth of a millisecond to compile one."""
_MOST_FOLDED = 100_000
"""Characters in ranges that ignore case: Python goes through all of them to compile one."""


class Refused(Exception):
    """An expression cannot be a token: why, and what to write instead."""

    def __init__(self, message: str, advice: str):
        super().__init__(message)
        self.message = message
        self.advice = advice


class Slow(Refused):
    """An expression is right, and matching it can take too long."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One character out of a set."""

    letters: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other; without parts it matches the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of its parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Its body, again and again; without a bound where ``high`` is None."""

    body: Node
    low: int
    high: int | None

    @property
    def is_loop(self) -> bool:
        """Whether the body can come twice."""
        return self.high is None or self.high > 1


@dataclass(frozen=True, slots=True)
class Look:
    """A look at what comes next or came before; it consumes nothing."""

    body: Node
    is_behind: bool
    is_negative: bool


Node: TypeAlias = Letter | Sequence | Choice | Repeat | Look


def read(pattern: str) -> Node:
    """The tree of an expression.

    Raises ``re.error``, ``OverflowError`` or ``RecursionError`` as Python's parser does, and ``Refused``.
    """
    parsed = _python.parse(pattern)
    if parsed.state.groupdict:
        raise Refused("this regular expression names a group, and names of groups are taken", "write (?:...)")
    return _Reader().sequence(parsed, parsed.state.flags)


class _Reader:
    def __init__(self) -> None:
        self.wide_sets = 0
        self.folded = 0
        self.in_look = False

    def sequence(self, items: Iterable[tuple[Any, Any]], flags: int) -> Node:
        parts = tuple([self.item(item, flags) for item in items])
        return parts[0] if len(parts) == 1 else Sequence(parts)

    def item(self, item: tuple[Any, Any], flags: int) -> Node:
        kind, value = str(item[0]), item[1]
        match kind:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                if kind == "IN":
                    self.count_set(value, flags)
                return Letter(matched(item, flags))
            case "AT":  # an anchor; that it can fail only leaves fewer ways to match
                return Sequence(())
            case "BRANCH":
                return Choice(tuple([self.sequence(branch, flags) for branch in value[1]]))
            case "SUBPATTERN":
                return self.sequence(value[3], _combined(flags, value[1], value[2]))
            case "ATOMIC_GROUP":
                return self.sequence(value, flags)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, high, body = value
                self.check_look()
                return Repeat(self.sequence(body, flags), int(low), None if high == _python.MAXREPEAT else int(high))
            case "ASSERT" | "ASSERT_NOT":
                return self.look(value[0] < 0, kind == "ASSERT_NOT", value[1], flags)
            case "FAILURE":
                return Letter(0)
            case "GROUPREF":
                raise Refused("this regular expression refers back to a group", "write out what the group can match")
            case "GROUPREF_EXISTS":
                raise Refused("this regular expression asks whether a group matched", "write the cases out, with |")
        raise Refused("this regular expression holds what only newer versions of Python know", "write it without")

    def look(self, is_behind: bool, is_negative: bool, body: Any, flags: int) -> Look:
        self.check_look()
        self.in_look = True
        found = Look(self.sequence(body, flags), is_behind, is_negative)
        self.in_look = False
        return found

    def check_look(self) -> None:
        if self.in_look:
            raise Refused(
                "this regular expression looks ahead or behind for something with a repeat or another look in it",
                "look only for characters one after the other, with | where there are several cases",
            )

    def count_set(self, items: Any, flags: int) -> None:
        ranges = [value for kind, value in items if str(kind) == "RANGE"]
        highest = [high for _, high in ranges] + [value for kind, value in items if str(kind) == "LITERAL"]
        self.wide_sets += max(highest, default=0) > 255
        if flags & re.IGNORECASE:
            self.folded += sum(high - low for low, high in ranges)
        if self.wide_sets > _MOST_WIDE_SETS or self.folded > _MOST_FOLDED:
            raise Refused(
                "this regular expression has too many large sets of characters after U+00FF",
                "leave some sets out, or the flag i",
            )


def _combined(flags: int, added: int, removed: int) -> int:
    if added & (re.ASCII | re.UNICODE):
        flags &= ~(re.ASCII | re.UNICODE)
    return (flags | added) & ~removed
