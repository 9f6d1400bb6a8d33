"""Parsed texts as derivations that type-check; what does not fit is said at its place in the text."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from einspec.errors import ShapeError
from einspec.recursion import deep
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.evaluation import Run, evaluate
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.rebinding import at_its_depths
from einspec.space.members.member import Member
from einspec.space.text.files import read_architecture_file
from einspec.space.text.macros import Expanded, expanded, has_definitions
from einspec.text import Source

if TYPE_CHECKING:
    from einspec.space.text.parsing import ParsedNode, TextParser


def parse(space: Domain[A], text: str, name: str = "<architecture>") -> A:
    """Reads an architecture's text; ``name`` is what messages call it. Limits do not apply.

    Macros are expanded first where a line starts with ``def NAME``. Raises ``ParseError`` for a text that is not of
    the grammar, ``ShapeError`` for one that does not type-check; both show the place.
    """
    source = Source(name, text)
    return _parsed(space, expanded(source) if has_definitions(text) else source)


def read(space: Domain[A], name: str | Path) -> A:
    """Reads an architecture file with macros and ``//`` comments, or a bundled one by its name.

    Raises ``ParseError`` where there is no such file or it cannot be read, else as :func:`parse`.
    """
    return _parsed(space, expanded(read_architecture_file(name)))


def _parsed(space: Domain[A], source: Source) -> A:
    derivation, spans = derivation_of(space.remembered(_parser).parse(source))
    try:
        return checked(space, derivation)
    except ShapeError as error:
        if isinstance(source, Expanded):  # every word is one of the grammar, so none is a macro misspelt
            source = replace(source, macros=())
        raise _at_its_place(error, derivation, source, spans) from None


def _parser(space: Ground) -> TextParser:
    from einspec.space.text.parsing import TextParser  # parsers take a while to import, and only texts need them

    return TextParser(space.grammar, space.nonterminals)


def checked(space: Domain[A], derivation: Derivation) -> A:
    """A derivation that type-checks. Raises ``ShapeError`` with the node's address where types do not fit."""
    derivation = at_its_depths(space, derivation)

    def evaluation() -> A:
        run = Run(None, math.inf, math.inf)
        arch = space.made(*evaluate(run, space.start, space.inputs, derivation))
        if run.varied_ties:
            _ = arch.graph  # raises where tied calls cannot share their weights
        return arch

    return deep(derivation.depth, evaluation)


def derivation_of(parsed: ParsedNode) -> tuple[Derivation, list[tuple[int, int]]]:
    """The derivation of a parse, and the place of each of its nodes in preorder."""
    spans: list[tuple[int, int]] = []
    done: list[Derivation] = []
    stack: list[tuple[ParsedNode, tuple[Member, ...], bool]] = [(parsed, (), False)]
    while stack:
        node, via, is_ready = stack.pop()
        if is_ready:
            cut = len(done) - len(node.children)
            children = tuple(done[cut:])
            del done[cut:]
            done.append(Derivation(node.member, via, children))
            continue
        if node.member.is_transparent:
            stack.append((node.children[0], (*via, node.member), False))
            continue
        spans.append((node.start, node.end))
        stack.append((node, via, True))
        stack.extend((child, (), False) for child in reversed(node.children))
    return done[0], spans


def _at_its_place(
    error: ShapeError, derivation: Derivation, source: Source, spans: list[tuple[int, int]]
) -> ShapeError:
    """The error with the place in the text of the node that it arose at."""
    number, node = 0, derivation
    for index in error.address or ():
        number += 1 + sum(child.size for child in node.children[:index])
        node = node.children[index]
    start, end = spans[number]
    located = ShapeError(f"{source.place(start)}: {error}\n{source.excerpt(start, end)}")
    located.address = error.address
    return located
