"""Lark's grammar language as a syntax tree: what was written, and where."""

from __future__ import annotations

from dataclasses import dataclass, field

from einspec.grammar.syntax.tokens import Token


@dataclass(frozen=True, slots=True)
class Expression:
    """One piece of an alternative.

    ``kind`` is rule, terminal, string, regexp, range, group (of ``alternatives``), optional (``[...]``), repeat
    (``inner``, and the operator as ``text``) or template (with ``arguments``).
    """

    kind: str
    text: str
    start: int
    end: int
    alternatives: tuple[Alternative, ...] = ()
    inner: Expression | None = None
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """What stands between two ``|``, with its alias."""

    items: tuple[Expression, ...]
    alias: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Definition:
    """A rule, terminal or template with its alternatives; ``start`` is where its name begins."""

    name: str
    is_terminal: bool
    alternatives: tuple[Alternative, ...]
    start: int
    end: int
    parameters: tuple[str, ...] = ()
    keyword: str = ""
    """``%extend`` or ``%override``, where it is one of these."""


@dataclass(frozen=True, slots=True)
class Import:
    """``%import`` of some names, each with the name that it gets here."""

    path: tuple[str, ...]
    is_relative: bool
    names: tuple[tuple[Token, str], ...]
    start: int
    end: int


@dataclass(slots=True)
class SyntaxTree:
    """A grammar file as it was written."""

    definitions: list[Definition] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    ignored: list[Expression] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Names in statements with errors, which are left out: that they are not defined is no problem of its own."""
