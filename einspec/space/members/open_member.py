"""Open members: members whose production has groups or repetitions. What is laid out from one is a member too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from einspec.errors import SamplingError
from einspec.grammar.model.rules import Free, Production, leaves
from einspec.space.members.layout import LONGEST, Layout, Option, Pick, Site, Structure, TooLong, laid
from einspec.space.members.member import Member, Nonterminal, Value
from einspec.space.members.odometer import Odometer

if TYPE_CHECKING:
    from einspec.ops.declare import Op
    from einspec.space.members.plan import Plan

_REMEMBERED = 20_000


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
        return self._made(self.texts, pick, room, LONGEST)

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

    def _made(
        self, texts: tuple[str, ...], pick: Pick, room: float = math.inf, longest: float = math.inf
    ) -> LaidOutMember:
        layout = Layout(iter(texts), pick, room, longest)
        values = laid(self.plan.parts, layout)
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
        self.guard = base.guard
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
        layout = Layout(iter(self.top_texts), lambda structure: next(given))
        laid(self.base.plan.parts, layout)
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
