"""Elements: what a repetition or an optional part of a node can get or lose, its other children kept."""

from __future__ import annotations

from collections.abc import Iterator

from einspec.space.deriving.derivation import Derivation
from einspec.space.members.layout import Pick, Site
from einspec.space.members.open_member import LaidOutMember


def places(node: Derivation) -> Iterator[tuple[Site, int]]:
    """Where an element could be put into a node."""
    if isinstance(node.member, LaidOutMember):
        for site in node.member.sites():
            for place in range(len(site.elements) + 1):
                yield site, place


def elements(node: Derivation) -> Iterator[tuple[Site, int]]:
    """The elements that a node has."""
    if isinstance(node.member, LaidOutMember):
        for site in node.member.sites():
            for place in range(len(site.elements)):
                yield site, place


def with_another(node: Derivation, site: Site, place: int, pick: Pick) -> Derivation | None:
    """The node with one element more, its children left open; None where there is no room for it."""
    member = node.member
    assert isinstance(member, LaidOutMember)
    numbers = site.with_another(place, member.numbers, pick)
    if numbers is None:
        return None
    new = member.base.laid_out(numbers)
    at = site.child_at(place)
    holes = [None] * (len(new.children) - len(node.children))
    return Derivation.with_children(Derivation(new, node.via, ()), (*node.children[:at], *holes, *node.children[at:]))


def without(node: Derivation, site: Site, place: int) -> Derivation | None:
    """The node with one element less; None where it needs that."""
    member = node.member
    assert isinstance(member, LaidOutMember)
    numbers = site.without(place, member.numbers)
    if numbers is None:
        return None
    gone = site.children[place]
    return Derivation(
        member.base.laid_out(numbers), node.via, (*node.children[: gone.start], *node.children[gone.stop :])
    )
