"""Ops that grammar files hold, as text: what they mean is read where ops are."""

from __future__ import annotations

from dataclasses import dataclass

from einspec.text import Source


@dataclass(frozen=True, slots=True)
class OpText:
    """A ``def`` of a grammar file, with what stands above it: Python text, ``//% `` taken away."""

    name: str
    source: Source
    text: str
    starts: tuple[int, ...]
    """Where each line of the text begins in the file."""
    start: int
    """Where its name stands."""
    end: int


@dataclass(frozen=True, slots=True)
class GuardText:
    """The condition of an alternative, after ``if``: where it stands in the file."""

    source: Source
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class OpImport:
    """An op that a grammar file takes from another, under a name of its own."""

    name: str
    alias: str
    source: Source
    """The file that it is taken from."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OpFile:
    """The ops of one grammar file."""

    source: Source
    texts: tuple[OpText, ...]
    imports: tuple[OpImport, ...]
    brought: tuple[Source, ...] = ()
    """The files whose rules it imports: their ops come with them."""
