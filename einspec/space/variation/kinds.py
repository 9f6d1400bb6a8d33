"""The kinds of mutation. Each knows where it could apply, and makes one edit there; types decide afterwards."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import ClassVar

from einspec.space.deriving.choosers import below
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.typed import TypedDerivation
from einspec.space.members.layout import Option, Site, Structure, TooLong
from einspec.space.members.member import Member
from einspec.space.variation.edits import Edit, Moves, Slots, moves, same_ops, slots
from einspec.space.variation.elements import elements, places, with_another, without


class Kind(ABC):
    """One kind of mutation, of one architecture."""

    name: ClassVar[str]
    nothing: ClassVar[str]
    """What an architecture lacks that has nowhere to apply it."""

    def __init__(self, slots: Slots, moves: Moves):
        self.slots = slots
        self.moves = moves

    @property
    @abstractmethod
    def can_apply(self) -> bool:
        """Whether there is anywhere to apply it."""

    @abstractmethod
    def edit(self, rng: random.Random) -> Edit | None:
        """One edit; None where the draw found none."""


class Regrow(Kind):
    """Draws the subtree of a uniformly chosen node anew."""

    name = "regrow"
    nothing = "no node"
    can_apply = True

    def edit(self, rng: random.Random) -> Edit | None:
        nodes = self.slots.nodes
        number = below(rng, len(nodes))
        return Edit({number: None}, len(nodes) - nodes[number].size)


class Resize(Kind):
    """Gives the op of a node other arguments; its children stay."""

    name = "resize"
    nothing = "no op of it could have other arguments"

    @cached_property
    def sites(self) -> list[int]:
        """The nodes whose op could have other arguments."""
        return [number for number, node in enumerate(self.slots.nodes) if self.moves.alternatives(node.member)]

    @property
    def can_apply(self) -> bool:
        return bool(self.sites)

    def edit(self, rng: random.Random) -> Edit | None:
        number = self.sites[below(rng, len(self.sites))]
        node = self.slots.nodes[number]
        member = by_weight(self.moves.alternatives(node.member), rng)
        return Edit({number: Derivation(member, node.via, node.children)}, len(self.slots.nodes))


class Insert(Kind):
    """Puts a new node above a node, which becomes one of its children; or one element more into a repetition, or what
    was left out into an optional part. What else it needs is drawn.
    """

    name = "insert"
    nothing = "nothing can stand above any node of it"

    @cached_property
    def options(self) -> list[list[tuple[Derivation, list[int], float]]]:
        """For each node the new nodes that could stand above it, the places where it would fit, and the weight."""
        known: dict[object, list[tuple[Derivation, list[int], float]]] = {}
        found = []
        for node, nonterminal in zip(self.slots.nodes, self.slots.nonterminals, strict=True):
            symbol = node.member.production.symbol
            key = (nonterminal, symbol)
            if key not in known:
                known[key] = []
                for via, member, weight in self.moves.expansions(nonterminal):
                    places = [i for i, child in enumerate(member.children) if self.moves.via(child, symbol) is not None]
                    if places:
                        known[key].append((Derivation(member, via, ()), places, weight))
            found.append(known[key])
        return found

    @cached_property
    def sites(self) -> list[int]:
        """The nodes that something can stand above."""
        return [number for number, options in enumerate(self.options) if options]

    @cached_property
    def places(self) -> list[tuple[int, Site, int]]:
        """Where an element could be put in: the node, its repetition or optional part, and the place there."""
        return [(number, *place) for number, node in enumerate(self.slots.nodes) for place in places(node)]

    @property
    def can_apply(self) -> bool:
        return bool(self.sites or self.places)

    def edit(self, rng: random.Random) -> Edit | None:
        index = below(rng, len(self.sites) + len(self.places))
        if index >= len(self.sites):
            return self.edit_element(rng, *self.places[index - len(self.sites)])
        number = self.sites[index]
        node, options = self.slots.nodes[number], self.options[number]
        new, places, _ = options[pick([weight for *_, weight in options], rng)]
        place = places[below(rng, len(places))]
        children: list[Derivation | None] = [None] * len(new.member.children)
        children[place] = self.moves.moved(node, new.member.children[place])
        return Edit({number: Derivation.with_children(new, tuple(children))}, len(self.slots.nodes) + 1)

    def edit_element(self, rng: random.Random, number: int, site: Site, place: int) -> Edit | None:
        """Puts an element in; None where there is no room for it."""

        def picked(structure: Structure) -> Option:
            option = by_weight(structure.drawn, rng)
            assert isinstance(option, Option)
            return option

        try:
            longer = with_another(self.slots.nodes[number], site, place, picked)
        except TooLong:
            return None
        return None if longer is None else Edit({number: longer}, len(self.slots.nodes))


class Delete(Kind):
    """Puts a child of a node in the node's place; or takes an element out of a repetition, or an optional part."""

    name = "delete"
    nothing = "no child of it could stand where its parent stands"

    @cached_property
    def sites(self) -> list[tuple[int, Derivation]]:
        """Nodes, each with a child as it would stand in its place."""
        found = []
        for number, (node, nonterminal) in enumerate(zip(self.slots.nodes, self.slots.nonterminals, strict=True)):
            for child in node.children:
                moved = self.moves.moved(child, nonterminal)
                if moved is not None:
                    found.append((number, moved))
        return found

    @cached_property
    def elements(self) -> list[tuple[int, Site, int]]:
        """The elements that could be taken out: the node, its repetition or optional part, and the place there."""
        return [(number, *element) for number, node in enumerate(self.slots.nodes) for element in elements(node)]

    @property
    def can_apply(self) -> bool:
        return bool(self.sites or self.elements)

    def edit(self, rng: random.Random) -> Edit | None:
        nodes = self.slots.nodes
        index = below(rng, len(self.sites) + len(self.elements))
        if index >= len(self.sites):
            number, site, place = self.elements[index - len(self.sites)]
            shorter = without(nodes[number], site, place)
            if shorter is None:
                return None
            return Edit({number: shorter}, len(nodes) - nodes[number].size + shorter.size)
        number, moved = self.sites[index]
        return Edit({number: moved}, len(nodes) - nodes[number].size + moved.size)


class Swap(Kind):
    """Exchanges two subtrees, neither of which holds the other."""

    name = "swap"
    nothing = "no two different subtrees of it could change places"

    @cached_property
    def groups(self) -> list[list[int]]:
        """Nodes that may stand in each other's place, as far as the grammar goes."""
        found: dict[object, list[int]] = {}
        for number, nonterminal in enumerate(self.slots.nonterminals):
            if number:
                found.setdefault(nonterminal, []).append(number)
        return [numbers for numbers in found.values() if self._differ(numbers)]

    def _differ(self, numbers: Sequence[int]) -> bool:
        """Whether two of these are apart and different; looked for among neighbours, and then among all of a few."""
        nodes = self.slots.nodes
        for position, a in enumerate(numbers):
            for b in numbers[position + 1 : position + 200]:
                if b >= a + nodes[a].size and not same_ops(nodes[a], nodes[b]):
                    return True
        return False

    @property
    def can_apply(self) -> bool:
        return bool(self.groups)

    def edit(self, rng: random.Random) -> Edit | None:
        group = self.groups[pick([len(numbers) for numbers in self.groups], rng)]
        first, second = sorted(group[below(rng, len(group))] for _ in range(2))
        nodes = self.slots.nodes
        a, b = nodes[first], nodes[second]
        if second < first + a.size or same_ops(a, b):
            return None
        return Edit({first: b, second: a}, len(nodes))


def kinds(arch: TypedDerivation) -> dict[str, Kind]:
    """The kinds of mutation, each knowing where in an architecture it could apply."""
    at, known = arch.remembered(slots), arch.space.remembered(moves)
    return {name: kind(at, known) for name, kind in KINDS.items()}


KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Regrow, Resize, Insert, Delete, Swap)}

MIX = {"regrow": 0.4, "resize": 0.2, "insert": 0.15, "delete": 0.15, "swap": 0.1}
"""How often each kind is tried when none is asked for."""


def by_weight(members: Sequence[Member], rng: random.Random) -> Member:
    """One of some members of positive weight, by their weights."""
    return members[pick([member.weight for member in members], rng)]


def pick(weights: Sequence[float], rng: random.Random) -> int:
    """An index, by weight."""
    sums = list(accumulate(weights))
    return bisect_right(sums, rng.random() * sums[-1], 0, len(sums) - 1)
