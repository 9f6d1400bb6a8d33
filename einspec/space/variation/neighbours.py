"""Neighbours: the architectures that one other member makes of an architecture."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from einspec.recursion import deep
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.rejected import Rejected
from einspec.space.members.member import Member
from einspec.space.members.open_member import OpenMember
from einspec.space.variation.edits import Edit, slots
from einspec.space.variation.variant import varied

_MORE_OPTIONS = 4
"""Options that a neighbour may have more: repetitions of arguments have no end."""


def neighbours(space: Domain[A], arch: A) -> Iterator[A]:
    """See :meth:`Space.neighbours`."""
    depth = max(space.limits.evaluation_depth, arch.depth)
    for number, node in enumerate(arch.remembered(slots).nodes):
        for other in _variants(node):
            edit = Edit({number: other}, 0)
            try:
                yield deep(depth, partial(varied, space, arch, edit, None, space.limits)).arch
            except Rejected:
                continue


def _variants(node: Derivation) -> Iterator[Derivation]:
    """The node with another of its members: of an alternative that passes on, one with other settings."""
    for place, passed in enumerate(node.via):
        for other in passed.home.drawn:
            if other is not passed and other.production is passed.production:
                yield Derivation(node.member, (*node.via[:place], other, *node.via[place + 1 :]), node.children)
    for member in _others(node.member):
        yield Derivation(member, node.via, node.children)


def _others(member: Member) -> Iterator[Member]:
    """The other members of its nonterminal that have the same children, laid out in every way."""
    most_options = len(member.choices) + _MORE_OPTIONS
    for other in member.home.drawn:
        if isinstance(other, OpenMember):
            yield from (found for found in other.with_children(member.children, most_options) if found is not member)
        elif other is not member and not other.is_transparent and other.children == member.children:
            yield other
