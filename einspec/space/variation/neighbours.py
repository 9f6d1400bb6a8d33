"""Neighbours: the architectures that one other member makes of an architecture."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from einspec.recursion import deep
from einspec.space.architecture import Architecture
from einspec.space.derivation import Derivation
from einspec.space.derive import Rejected
from einspec.space.member import Member
from einspec.space.variation.edits import Edit
from einspec.space.variation.variant import varied

if TYPE_CHECKING:
    from einspec.space.space import Space


def neighbours(space: Space, arch: Architecture) -> Iterator[Architecture]:
    """See :meth:`Space.neighbours`."""
    depth = max(space.limits.evaluation_depth, arch.depth)
    for number, node in enumerate(arch.slots.nodes):
        for member in _others(node.member):
            edit = Edit({number: Derivation(member, node.via, node.children)}, 0)
            try:
                yield deep(depth, partial(varied, arch, edit, None, space.limits)).arch
            except Rejected:
                continue


def _others(member: Member) -> Iterator[Member]:
    """The other members of its nonterminal that have the same children."""
    for other in member.home.drawn:
        if other.is_open and other.production is member.production:
            other = member.moved_to(other)
        if other is not member and not other.is_open and not other.is_transparent and other.children == member.children:
            yield other
    yield from member.relaid()
