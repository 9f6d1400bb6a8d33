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
from typing import TYPE_CHECKING

from einspec.errors import SamplingError
from einspec.grammar.build import value_kinds
from einspec.grammar.model import Choice, Free, Group, Item, Literal, Production, Reference, Repeat, leaves
from einspec.space.member import Member, Nonterminal, Value
from einspec.space.odometer import Odometer

if TYPE_CHECKING:
    from einspec.ops.declare import Op

Lookup = Callable[[str], Nonterminal]
Pick = Callable[["Structure"], "Option"]
LONGEST = 10_000
"""Items of one production, repeated ones each time; what grows longer is refused."""
_REMEMBERED = 20_000


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

    __slots__ = ("children", "items", "options", "pick", "room", "sites", "texts", "top")

    def __init__(self, top: Iterator[str], pick: Pick, room: float):
        self.top = top
        self.pick = pick
        self.room = room
        """How many children it may have."""
        self.items: list[Item] = []
        self.texts: list[str] = []
        self.children: list[Nonterminal] = []
        self.options: list[Option] = []
        self.sites: list[Site] = []
        """Its repetitions and optional parts."""

    def choose(self, structure: Structure) -> Option:
        """The next option. Raises ``TooLong`` past ``LONGEST`` items, and past the children that there is room for."""
        if len(self.children) > self.room:
            raise TooLong("max_nodes")
        if len(self.items) > LONGEST or len(self.options) > LONGEST:
            raise TooLong(f"{LONGEST:,} items of one repetition")
        option = self.pick(structure)
        self.options.append(option)
        return option


@dataclass(slots=True)
class Site:
    """A repetition, or an optional part, where a member is laid out. ``options`` are those that it takes, ``elements``
    those of each of its elements, ``children`` the children of each.
    """

    part: _Loop | _Fork
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


class _Word(Part):
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
            values += text.split(",") if isinstance(self.item, Choice) else [text]


class _Place(Part):
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


class _Fork(Part):
    """A group: one of several sequences, of up to ``width`` values."""

    __slots__ = ("structure", "width")

    def __init__(self, structure: Structure, width: int):
        self.structure = structure
        self.width = width

    def lay(self, layout: Layout, values: list[Value]) -> None:
        start, first = len(layout.options), len(layout.children)
        option = layout.choose(self.structure)
        found = _laid(option.content, layout)
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
                return [option.number, *_picked(option.content, pick)]

    def symbols(self) -> tuple[Nonterminal, ...]:
        return (self.structure,)


class _Loop(Part):
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
        values = _laid(self.content, layout)
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
        return _picked(self.content, pick)

    def symbols(self) -> tuple[Nonterminal, ...]:
        own = () if self.structure is None else (self.structure,)
        return symbols_of(self.content) * self.least + own


def _picked(parts: Sequence[Part], pick: Pick) -> list[int]:
    """The numbers of the options that are picked for parts."""
    layout = Layout(iter(()), pick, math.inf)
    _laid(parts, layout)
    return [option.number for option in layout.options]


def _laid(parts: Sequence[Part], layout: Layout) -> list[Value]:
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


class Plan:
    """How a production at a depth of the tree is laid out. ``structure`` are the nonterminals of its options."""

    def __init__(self, production: Production, depth: int, lookup: Lookup, names: set[str]):
        self.production = production
        self.depth = depth
        self.lookup = lookup
        self.names = names
        self.structure: list[Structure] = []
        self.endless: list[Option] = []
        """The options by which repetitions without end go on."""
        self.kinds = value_kinds(production.items)
        self.parts = self._parts(production.items, is_top=True)
        self.symbols = symbols_of(self.parts)

    def _parts(self, items: Iterable[Item], *, is_top: bool = False) -> tuple[Part, ...]:
        return tuple(self._part(item, is_top=is_top) for item in items)

    def _part(self, item: Item, *, is_top: bool) -> Part:
        if isinstance(item, Reference):
            return _Place(item, self.lookup(item.name))
        if isinstance(item, Literal) or (isinstance(item, (Choice, Free)) and is_top) or isinstance(item, Free):
            return _Word(item, None)
        if isinstance(item, Choice) and len(item.values) == 1:
            return _Word(item, item.values[0])
        if isinstance(item, Choice):
            words = [(_Word(item, text),) for text in item.values]
            return _Fork(self._fork(item.name or item.values[0], words, item.weights), len(value_kinds((item,))))
        if isinstance(item, Group):
            contents = [self._parts(alternative) for alternative in item.alternatives]
            return _Fork(self._fork(item.text, contents, item.weights), len(value_kinds((item,))))
        return self._loop(item)

    def _fork(self, text: str, contents: Sequence[tuple[Part, ...]], weights: Iterable[Fraction]) -> Structure:
        options = [
            Option(self.production, weight, content, number)
            for number, (content, weight) in enumerate(zip(contents, weights, strict=True))
        ]
        for option in options:
            option.symbols = symbols_of(option.content)
        return self._made(text, options)

    def _loop(self, item: Repeat) -> Part:
        content = self._parts(item.items)
        once = symbols_of(content)
        width = len(value_kinds(item.items))
        if item.most is None:
            stop = Option(self.production, 1 - item.going_on, (), 0)
            more = Option(self.production, item.going_on, content, 1)
            more.goes_on = True
            structure = self._made(item.text, [stop, more])
            more.symbols = (*once, structure)
            if item.going_on:
                self.endless.append(more)
            return _Loop(content, item.least, structure, width, is_endless=True)
        if item.most == item.least:
            return _Loop(content, item.least, None, width, is_endless=False)
        share = Fraction(1, item.most - item.least + 1)
        options = [Option(self.production, share, content, n) for n in range(item.most - item.least + 1)]
        for option in options:
            option.symbols = once * option.number
        return _Loop(content, item.least, self._made(item.text, options), width, is_endless=False)

    def _made(self, text: str, options: list[Option]) -> Structure:
        name = f"{self.production.symbol}: {text}"
        while name in self.names:
            name += "'"  # the same words in another place
        self.names.add(name)
        structure = Structure(name, self.depth, options)
        self.structure.append(structure)
        return structure


class _Next:
    """Picks the options that an odometer says, so many of them."""

    def __init__(self, odometer: Odometer, most: int):
        self.odometer = odometer
        self.left = most

    def __call__(self, structure: Structure) -> Option:
        self.left -= 1
        if self.left < 0:
            raise TooLong("options")
        option = structure.drawn[self.odometer.place(len(structure.drawn))]
        assert isinstance(option, Option)
        return option


class _Least:
    """Picks the options of least depth that have symbols, where the layout has none yet; then those without."""

    def __init__(self) -> None:
        self.has_child = False

    def __call__(self, structure: Structure) -> Option:
        growing = [option for option in structure.drawn if option.symbols]
        pool = growing if growing and not self.has_child else structure.drawn
        option = min(pool, key=lambda option: (option.least_depth, len(option.symbols)))
        self.has_child |= bool(option.symbols)
        assert isinstance(option, Option)
        return option


class OpenMember(Member):
    """A member whose production has groups or repetitions, or an argument that no list gives.

    It always applies; what is laid out from it is a member of its own, which has its weight and index.
    """

    __slots__ = ("_laid_out", "is_free", "plan")
    plan: Plan

    def __init__(self, production: Production, texts: tuple[str, ...], weight: Fraction, op: Op):
        super().__init__(production, texts, weight, op, is_open=True)
        self.is_free = any(isinstance(leaf, Free) for leaf in leaves(production.items))
        self._laid_out: dict[tuple[tuple[Option, ...], tuple[str, ...]], LaidOutMember] = {}

    def plan_with(self, plan: Plan) -> None:
        """Sets how it is laid out."""
        self.plan = plan
        self.symbols = plan.symbols

    def draw(self, pick: Pick, room: float = math.inf) -> LaidOutMember:
        """The member that the options come to which ``pick`` picks, with ``room`` for so many children.

        Raises ``SamplingError`` where a regular expression would have to be drawn, ``TooLong`` for a repetition
        without end, or without room.
        """
        if self.is_free:
            raise undrawable(self.production)
        return self._made(self.texts, pick, room)

    def smallest(self) -> Member | None:
        """With options of least depth, but for a repetition at its end one element, so that it has a child."""
        if self.is_free:
            return None
        return self._made(self.texts, _Least())

    def laid_out(self, numbers: Iterable[int], texts: tuple[str, ...] | None = None) -> LaidOutMember:
        """The member that options of these numbers lead to; ``texts`` are its own arguments where they are free."""
        given = iter(numbers)
        return self._made(self.texts if texts is None else texts, lambda structure: structure.options[next(given)])

    def with_children(self, children: tuple[Nonterminal, ...], most_options: int) -> Iterator[LaidOutMember]:
        """Every layout that has exactly these children, and at most so many options."""
        if self.is_free:
            return
        odometer = Odometer()
        while True:
            try:
                found = self.draw(_Next(odometer, most_options), len(children))
            except TooLong:
                pass
            else:
                if found.children == children:
                    yield found
            if not odometer.advance():
                return

    def _made(self, texts: tuple[str, ...], pick: Pick, room: float = math.inf) -> LaidOutMember:
        layout = Layout(iter(texts), pick, room)
        values = _laid(self.plan.parts, layout)
        key = (tuple(layout.options), texts)
        member = self._laid_out.get(key)
        if member is None:
            if len(self._laid_out) >= _REMEMBERED:
                self._laid_out.clear()
            member = self._laid_out[key] = LaidOutMember(self, layout, values, texts)
        return member


class LaidOutMember(Member):
    """A member with its groups and repetitions decided; ``base`` is the one that was chosen, by ``options``."""

    __slots__ = ("base", "options", "top_texts")

    def __init__(self, base: OpenMember, layout: Layout, values: list[Value], top_texts: tuple[str, ...]):
        pairs = list(zip(base.plan.kinds, values, strict=True))
        super().__init__(
            base.production,
            tuple(layout.texts),
            base.share,
            base.op,
            items=tuple(layout.items),
            values=[value for kind, value in pairs if kind == "argument"],
            arrangement=tuple(value for kind, value in pairs if kind == "child"),
        )
        self.base = base
        self.options = tuple(layout.options)
        self.top_texts = top_texts
        self.home, self.index = base.home, base.index
        self.bind(tuple(layout.children))

    @property
    def chosen(self) -> Member:
        return self.base

    @property
    def choices(self) -> tuple[Member, ...]:
        return (self.base, *self.options)

    @property
    def numbers(self) -> list[int]:
        """The numbers of its options."""
        return [option.number for option in self.options]

    def sites(self) -> list[Site]:
        """Its repetitions and optional parts; none where it holds the text of a regular expression."""
        if self.base.is_free:
            return []
        given = iter(self.options)
        layout = Layout(iter(self.top_texts), lambda structure: next(given), math.inf)
        _laid(self.base.plan.parts, layout)
        return layout.sites

    def moved_to(self, other: Member) -> Member:
        assert isinstance(other, OpenMember)
        return other.laid_out(self.numbers, self.top_texts if other.is_free else None)


def undrawable(production: Production) -> SamplingError:
    """The error for a regular expression that would have to be drawn."""
    free = next(leaf for leaf in leaves(production.items) if isinstance(leaf, Free))
    return SamplingError(
        f"{production.source.place(free.start)}: {free.name} is a regular expression, which can be parsed but not "
        "drawn: list its values, give it a range as in   //% range 1..64   , or give the alternative weight 0"
    )
