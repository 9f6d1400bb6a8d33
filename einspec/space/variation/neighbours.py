"""Neighbours: the architectures that one other member makes of an architecture."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from einspec.recursion import deep
from einspec.space.architecture import Architecture
from einspec.space.derivation import Derivation
from einspec.space.derive import Rejected
from einspec.space.variation.edits import Edit
from einspec.space.variation.variant import varied

if TYPE_CHECKING:
    from einspec.space.space import Space


def neighbours(space: Space, arch: Architecture) -> Iterator[Architecture]:
    """See :meth:`Space.neighbours`."""
    depth = max(space.limits.evaluation_depth, arch.depth)
    for number, node in enumerate(arch.slots.nodes):
        for member in node.member.home.drawn:
            if member is node.member or member.is_transparent or member.children != node.member.children:
                continue
            edit = Edit({number: Derivation(member, node.via, node.children)}, 0)
            try:
                yield deep(depth, partial(varied, arch, edit, None, space.limits)).arch
            except Rejected:
                continue
