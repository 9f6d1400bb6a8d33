"""Editing derivations: replacing subtrees, leaving holes, and moving a subtree to where another nonterminal stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.members.member import Member, Nonterminal

Via = tuple[Member, ...]


_MOST_CHAINS = 1000
"""Ways through transparent members that are looked at, the shortest first."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Subtrees that change, by preorder number, None for one that is to be drawn; ``kept`` nodes are not drawn."""

    changes: dict[int, Derivation | None]
    kept: int


def replaced(root: Derivation, changes: Mapping[int, Derivation | None]) -> Derivation | None:
    """The derivation with other subtrees at some preorder numbers; None leaves a hole, which an evaluation fills.

    No changed node may be below another. Only the nodes above them are new.
    """
    found: Derivation | None = root
    for number, new in changes.items():
        path = root.path_to(number)
        found = _joined(path, new, found)
    return found


def _joined(path: list[tuple[Derivation, int]], new: Derivation | None, root: Derivation | None) -> Derivation | None:
    """What an edited root becomes when one more subtree changes; ``path`` leads there in the root as it was."""
    above: list[tuple[Derivation, int]] = []
    node = root
    for _, index in path:
        assert node is not None
        above.append((node, index))
        node = node.children[index]
    changed = new
    for node, index in reversed(above):
        changed = Derivation.with_children(node, (*node.children[:index], changed, *node.children[index + 1 :]))
    return changed


def same_ops(a: Derivation, b: Derivation) -> bool:
    """Whether two subtrees have the same ops, arguments and children."""
    if a is b:
        return True
    if a.size != b.size or a.depth != b.depth or a.kind != b.kind:
        return False
    return a.size == 1 or a.ops() == b.ops()


def slots(arch: TypedDerivation) -> Slots:
    """Where the nodes of an architecture stand."""
    return Slots(arch.space.start, arch.derivation)


class Slots:
    """Where the nodes of a derivation stand: the nonterminal of each, and which others could stand there."""

    def __init__(self, start: Nonterminal, root: Derivation):
        self.start = start
        self.root = root

    @cached_property
    def nodes(self) -> list[Derivation]:
        """All nodes in preorder."""
        return list(self.root.walk())

    @cached_property
    def nonterminals(self) -> list[Nonterminal]:
        """The nonterminal that each node was derived from."""
        return [nonterminal for nonterminal, _ in _walk(self.start, self.root)]


def _walk(start: Nonterminal, root: Derivation) -> Iterator[tuple[Nonterminal, Derivation]]:
    stack = [(start, root)]
    while stack:
        nonterminal, node = stack.pop()
        yield nonterminal, node
        stack.extend(reversed(list(zip(node.member.children, node.children, strict=True))))


def moves(space: Ground) -> Moves:
    """What the grammar of a space lets stand where."""
    return Moves()


class Moves:
    """What a grammar lets stand where: facts of a space, looked up by every operator."""

    def __init__(self) -> None:
        self._vias: dict[tuple[Nonterminal, str], Via | None] = {}
        self._expansions: dict[Nonterminal, list[tuple[Via, Member, float]]] = {}
        self._same_production: dict[object, list[Member]] = {}

    def alternatives(self, member: Member) -> list[Member]:
        """The members of positive weight that differ from this one in their arguments alone."""
        key = member.home, member.production.index
        if key not in self._same_production:
            same = [other for other in member.home.drawn if other.production is member.production]
            self._same_production[key] = same
        others = [other for other in self._same_production[key] if other is not member.chosen]
        return [laid for other in others if (laid := member.moved_to(other)).children == member.children]

    def via(self, nonterminal: Nonterminal, symbol: str) -> Via | None:
        """The transparent members that lead from a nonterminal to another; None where none do."""
        key = (nonterminal, symbol)
        if key not in self._vias:
            self._vias[key] = next((via for via, end in self._chains(nonterminal) if end.name == symbol), None)
        return self._vias[key]

    def moved(self, node: Derivation, nonterminal: Nonterminal) -> Derivation | None:
        """The subtree, derived from another nonterminal; None where that cannot be."""
        via = self.via(nonterminal, node.member.production.symbol)
        if via is None:
            return None
        return node if via == node.via else Derivation(node.member, via, node.children)

    def expansions(self, nonterminal: Nonterminal) -> list[tuple[Via, Member, float]]:
        """The members with children that a nonterminal leads to, with their weights, types left out."""
        found = self._expansions.get(nonterminal)
        if found is None:
            found = self._expansions[nonterminal] = []
            for via, end in self._chains(nonterminal):
                weight = 1.0
                for member in via:
                    weight *= member.weight
                for member in end.members[: end.positive]:
                    if member.has_children and not member.is_transparent and weight:
                        made = member.smallest()
                        if made is not None and made.children:
                            found.append((via, made, weight * member.weight))
        return found

    def _chains(self, nonterminal: Nonterminal) -> Iterator[tuple[Via, Nonterminal]]:
        """Every way through transparent members, the shortest first."""
        frontier: list[tuple[Via, Nonterminal]] = [((), nonterminal)]
        found = 0
        while frontier and found < _MOST_CHAINS:
            found += len(frontier)
            yield from frontier[:_MOST_CHAINS]
            frontier = [
                ((*via, member), member.children[0])
                for via, end in frontier[:_MOST_CHAINS]
                for member in end.drawn
                if member.is_transparent
            ]
