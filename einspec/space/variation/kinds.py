"""The kinds of mutation. Each knows where it could apply, and makes one edit there; types decide afterwards."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, combinations
from typing import ClassVar

from einspec.space.deriving.choosers import below
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.members.layout import Option, Site, Structure, TooLong
from einspec.space.members.member import Member
from einspec.space.variation.edits import Edit, Moves, Slots, moves, same_ops, slots
from einspec.space.variation.elements import elements, places, with_another, without
from einspec.space.variation.once import once_each


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
    def edits(self, rng: random.Random) -> Iterator[Edit | None]:
        """Edits, one after the other, without end where what they need is drawn; each once where they are finite.

        None for a draw that found none.
        """


class Regrow(Kind):
    """Draws the subtree of a uniformly chosen node anew."""

    name = "regrow"
    nothing = "no node"
    can_apply = True

    def edits(self, rng: random.Random) -> Iterator[Edit | None]:
        nodes = self.slots.nodes
        while True:
            number = below(rng, len(nodes))
            yield Edit({number: None}, len(nodes) - nodes[number].size)


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

    def edits(self, rng: random.Random) -> Iterator[Edit | None]:
        nodes = self.slots.nodes
        for number, place in once_each(self.draw, self.every, rng):
            node = nodes[number]
            member = self.moves.alternatives(node.member)[place]
            yield Edit({number: Derivation(member, node.via, node.children)}, len(nodes))

    def draw(self, rng: random.Random) -> tuple[int, int]:
        """A node, and which of its alternatives it becomes."""
        number = self.sites[below(rng, len(self.sites))]
        members = self.moves.alternatives(self.slots.nodes[number].member)
        return number, pick([member.weight for member in members], rng)

    def every(self) -> Iterator[tuple[int, int]]:
        """All that ``draw`` could give."""
        for number in self.sites:
            for place in range(len(self.moves.alternatives(self.slots.nodes[number].member))):
                yield number, place


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

    def edits(self, rng: random.Random) -> Iterator[Edit | None]:
        if not self.places and all(self.is_whole(number) for number in self.sites):
            for number, option, place in once_each(self.draw_above, self.every_above, rng):
                yield self.above(number, option, place)
            return
        while True:
            index = below(rng, len(self.sites) + len(self.places))
            if index >= len(self.sites):
                yield self.element(rng, *self.places[index - len(self.sites)])
            else:
                yield self.above(*self.draw_above(rng, self.sites[index]))

    def is_whole(self, number: int) -> bool:
        """Whether what could stand above a node has no other child, that would have to be drawn."""
        return all(len(new.member.children) == 1 for new, *_ in self.options[number])

    def draw_above(self, rng: random.Random, number: int | None = None) -> tuple[int, int, int]:
        """A node where none is given, which of its options comes to stand above it, and its place there."""
        if number is None:
            number = self.sites[below(rng, len(self.sites))]
        options = self.options[number]
        option = pick([weight for *_, weight in options], rng)
        fitting = options[option][1]
        return number, option, fitting[below(rng, len(fitting))]

    def every_above(self) -> Iterator[tuple[int, int, int]]:
        """All that ``draw_above`` could give."""
        for number in self.sites:
            for option, (_, fitting, _) in enumerate(self.options[number]):
                for place in fitting:
                    yield number, option, place

    def above(self, number: int, option: int, place: int) -> Edit:
        """The edit that puts a new node above another."""
        new = self.options[number][option][0]
        children: list[Derivation | None] = [None] * len(new.member.children)
        children[place] = self.moves.moved(self.slots.nodes[number], new.member.children[place])
        return Edit({number: Derivation.with_children(new, tuple(children))}, len(self.slots.nodes) + 1)

    def element(self, rng: random.Random, number: int, site: Site, place: int) -> Edit | None:
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

    def edits(self, rng: random.Random) -> Iterator[Edit | None]:
        total = len(self.sites) + len(self.elements)
        for index in once_each(lambda rng: below(rng, total), lambda: range(total), rng):
            yield self.edit(index)

    def edit(self, index: int) -> Edit | None:
        """The edit of one site or element; None where its node needs that."""
        nodes = self.slots.nodes
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
        """Whether two of these could change places; looked for among neighbours, and then among all of a few."""
        return any(
            self.can_swap(number, other)
            for position, number in enumerate(numbers)
            for other in numbers[position + 1 : position + 200]
        )

    @property
    def can_apply(self) -> bool:
        return bool(self.groups)

    def edits(self, rng: random.Random) -> Iterator[Edit | None]:
        nodes = self.slots.nodes
        for first, second in once_each(self.draw, self.every, rng):
            yield Edit({first: nodes[second], second: nodes[first]}, len(nodes))

    def draw(self, rng: random.Random) -> tuple[int, int] | None:
        """Two nodes that could change places; None where the draw finds none."""
        group = self.groups[pick([len(numbers) for numbers in self.groups], rng)]
        first, second = sorted(group[below(rng, len(group))] for _ in range(2))
        return (first, second) if self.can_swap(first, second) else None

    def every(self) -> Iterator[tuple[int, int]]:
        """All that ``draw`` could give."""
        return (pair for group in self.groups for pair in combinations(group, 2) if self.can_swap(*pair))

    def can_swap(self, first: int, second: int) -> bool:
        """Whether two nodes, in preorder, are apart and different."""
        a, b = self.slots.nodes[first], self.slots.nodes[second]
        return second >= first + a.size and not same_ops(a, b)


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
