"""Layouts: which optional parts, alternatives and repetitions of a production a member has.

What a production's groups and repetitions come to is decided by *options*: members of nonterminals that no file
names, one for each group and each repetition. They are drawn after the member, in text order, and make no node: the
member that they lead to has its children and arguments laid out flat.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from einspec.grammar.model.rules import Choice, Free, Item, Literal, Production, Reference
from einspec.space.members.member import Member, Nonterminal, Value

Pick = Callable[["Structure"], "Option"]
LONGEST = 10_000
"""Items of one production, repeated ones each time; what is drawn longer is refused."""


class TooLong(Exception):
    """A repetition went on too long. ``args[0]`` is the limit that it passed."""


class Option(Member):
    """One way in which a group or a repetition can go on: a member that makes no node.

    ``content`` is what it stands for, ``goes_on`` whether the repetition is asked again after it.
    """

    __slots__ = ("content", "goes_on", "number")

    def __init__(self, production: Production, weight: Fraction, content: tuple[Part, ...], number: int):
        super().__init__(production, (), weight, None, is_open=True)
        self.content = content
        self.number = number
        self.goes_on = False

    def text(self) -> str:
        """Which option it is."""
        return f"{self.home.name}, option {self.number}"


class Layout:
    """A production being laid out: flat items, the texts of its choices, the nonterminals of its children."""

    __slots__ = ("children", "items", "longest", "options", "pick", "room", "sites", "texts", "top")

    def __init__(self, top: Iterator[str], pick: Pick, room: float = math.inf, longest: float = math.inf):
        self.top = top
        self.pick = pick
        self.room = room
        """How many children it may have."""
        self.longest = longest
        """How many items, and how many options."""
        self.items: list[Item] = []
        self.texts: list[str] = []
        self.children: list[Nonterminal] = []
        self.options: list[Option] = []
        self.sites: list[Site] = []
        """Its repetitions and optional parts."""

    def choose(self, structure: Structure) -> Option:
        """The next option. Raises ``TooLong`` where it has become too long, or has no room for more children."""
        if len(self.children) > self.room:
            raise TooLong("max_nodes")
        if len(self.items) > self.longest or len(self.options) > self.longest:
            raise TooLong(f"{self.longest:,} items of one repetition")
        option = self.pick(structure)
        self.options.append(option)
        return option


@dataclass(slots=True)
class Site:
    """A repetition, or an optional part, where a member is laid out. ``options`` are those that it takes, ``elements``
    those of each of its elements, ``children`` the children of each.
    """

    part: Loop | Fork
    options: slice
    elements: list[slice]
    children: list[slice]
    end: int
    """The number of the child after it."""

    def child_at(self, place: int) -> int:
        """The number of the child that an element put in here would begin with."""
        return self.children[place].start if place < len(self.children) else self.end

    def without(self, place: int, numbers: list[int]) -> list[int] | None:
        """The numbers of all options when an element is left out; None where it cannot be."""
        elements = [numbers[element] for element in self.elements]
        del elements[place]
        return self._spliced(self.part.numbers(elements), numbers)

    def with_another(self, place: int, numbers: list[int], pick: Pick) -> list[int] | None:
        """The numbers of all options when an element is put in, its own options picked; None where it cannot be."""
        elements = [numbers[element] for element in self.elements]
        elements.insert(place, self.part.another(pick))
        return self._spliced(self.part.numbers(elements), numbers)

    def _spliced(self, new: list[int] | None, numbers: list[int]) -> list[int] | None:
        if new is None:
            return None
        return [*numbers[: self.options.start], *new, *numbers[self.options.stop :]]


class Part(ABC):
    """One piece of a plan."""

    __slots__ = ()

    @abstractmethod
    def lay(self, layout: Layout, values: list[Value]) -> None:
        """Adds what it comes to."""

    def symbols(self) -> tuple[Nonterminal, ...]:
        """The nonterminals that it leads to, structural ones too."""
        return ()


class Word(Part):
    """A literal, or an argument that the member or an option has chosen."""

    __slots__ = ("item", "text")

    def __init__(self, item: Literal | Choice | Free, text: str | None):
        self.item = item
        self.text = text
        """The argument; None for one that is the member's own."""

    def lay(self, layout: Layout, values: list[Value]) -> None:
        layout.items.append(self.item)
        if not isinstance(self.item, Literal):
            text = next(layout.top) if self.text is None else self.text
            layout.texts.append(text)
            if isinstance(self.item, Choice):
                values += [] if self.item.is_setting else text.split(",")
            else:
                values.append(text)


class Place(Part):
    """A child."""

    __slots__ = ("item", "nonterminal")

    def __init__(self, item: Reference, nonterminal: Nonterminal):
        self.item = item
        self.nonterminal = nonterminal

    def lay(self, layout: Layout, values: list[Value]) -> None:
        values.append(len(layout.children))
        layout.items.append(self.item)
        layout.children.append(self.nonterminal)

    def symbols(self) -> tuple[Nonterminal, ...]:
        return (self.nonterminal,)


class Fork(Part):
    """A group: one of several sequences, of up to ``width`` values."""

    __slots__ = ("structure", "width")

    def __init__(self, structure: Structure, width: int):
        self.structure = structure
        self.width = width

    def lay(self, layout: Layout, values: list[Value]) -> None:
        start, first = len(layout.options), len(layout.children)
        option = layout.choose(self.structure)
        found = laid(option.content, layout)
        values += [*found, *[None] * (self.width - len(found))]
        if self.is_optional:
            whole, end = slice(start, len(layout.options)), len(layout.children)
            there = bool(option.content)
            layout.sites.append(Site(self, whole, [whole] * there, [slice(first, end)] * there, end))

    @property
    def is_optional(self) -> bool:
        """Whether it may be left out, or put in."""
        drawn = [bool(option.content) for option in self.structure.options if option.weight]
        return any(drawn) and not all(drawn)

    def numbers(self, elements: list[list[int]]) -> list[int] | None:
        """The options for no element, or for one with these."""
        if elements:
            return elements[0] if len(elements) == 1 else None
        return [next(option.number for option in self.structure.options if not option.content)]

    def another(self, pick: Pick) -> list[int]:
        """Options for an element."""
        while True:
            option = pick(self.structure)
            if option.content:
                return [option.number, *picked(option.content, pick)]

    def symbols(self) -> tuple[Nonterminal, ...]:
        return (self.structure,)


class Loop(Part):
    """A repetition of a sequence of ``width`` values: ``least`` times, and more as its options say: one at a time after
    each where it is endless, else how many before the first.
    """

    __slots__ = ("content", "is_endless", "least", "structure", "width")

    def __init__(
        self, content: tuple[Part, ...], least: int, structure: Structure | None, width: int, *, is_endless: bool
    ):
        self.content = content
        self.least = least
        self.structure = structure
        self.width = width
        self.is_endless = is_endless

    def lay(self, layout: Layout, values: list[Value]) -> None:
        times = self.least
        start = len(layout.options)
        if self.structure is not None and not self.is_endless:
            times += layout.choose(self.structure).number
        elements = [self._element(layout) for _ in range(times)]
        while self.structure is not None and self.is_endless and layout.choose(self.structure).goes_on:
            elements.append(self._element(layout))
        if self.width:
            values.append(tuple(found[0] if self.width == 1 else tuple(found) for found, _, _ in elements))
        if self.structure is not None:
            options, children = [span for _, span, _ in elements], [span for _, _, span in elements]
            whole = slice(start, len(layout.options))
            layout.sites.append(Site(self, whole, options, children, len(layout.children)))

    def _element(self, layout: Layout) -> tuple[list[Value], slice, slice]:
        """The values of one element, and the options and children that it takes."""
        options, children = len(layout.options), len(layout.children)
        values = laid(self.content, layout)
        return values, slice(options, len(layout.options)), slice(children, len(layout.children))

    def numbers(self, elements: list[list[int]]) -> list[int] | None:
        """The options for elements with these options each; None where there cannot be so many, or so few."""
        assert self.structure is not None
        more = len(elements) - self.least
        inner = [number for element in elements for number in element]
        if more < 0 or (more and self.is_endless and not self.structure.options[1].weight):
            return None
        if not self.is_endless:
            return [more, *inner] if more < len(self.structure.options) else None
        found: list[int] = []
        for place, element in enumerate(elements):
            found += [1] * (place >= self.least) + element
        return [*found, 0]

    def another(self, pick: Pick) -> list[int]:
        """Options for an element."""
        return picked(self.content, pick)

    def symbols(self) -> tuple[Nonterminal, ...]:
        own = () if self.structure is None else (self.structure,)
        return symbols_of(self.content) * self.least + own


def picked(parts: Sequence[Part], pick: Pick) -> list[int]:
    """The numbers of the options that are picked for parts."""
    layout = Layout(iter(()), pick, longest=LONGEST)
    laid(parts, layout)
    return [option.number for option in layout.options]


def laid(parts: Sequence[Part], layout: Layout) -> list[Value]:
    """Lays parts out, and gives their values."""
    values: list[Value] = []
    for part in parts:
        part.lay(layout, values)
    return values


def symbols_of(parts: Iterable[Part]) -> tuple[Nonterminal, ...]:
    """The nonterminals that parts lead to."""
    return tuple(symbol for part in parts for symbol in part.symbols())


class Structure(Nonterminal):
    """What decides on one group or one repetition: its members are options, by their number in ``options``."""

    __slots__ = ("options",)

    def __init__(self, name: str, depth: int, options: list[Option]):
        super().__init__(name, depth, list(options))
        self.is_structural = True
        self.options = tuple(options)
