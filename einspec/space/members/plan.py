"""Plans: a production as parts that can be laid out, with an option for every way in which they can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from einspec.grammar.model.items import value_kinds
from einspec.grammar.model.rules import Choice, Free, Group, Item, Literal, Production, Reference, Repeat
from einspec.space.members.layout import Fork, Loop, Option, Part, Place, Structure, Word, symbols_of
from einspec.space.members.member import Nonterminal

Lookup = Callable[[str], Nonterminal]


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
            return Place(item, self.lookup(item.name))
        if isinstance(item, Literal) or (isinstance(item, (Choice, Free)) and is_top) or isinstance(item, Free):
            return Word(item, None)
        if isinstance(item, Choice) and len(item.values) == 1:
            return Word(item, item.values[0])
        if isinstance(item, Choice):
            words = [(Word(item, text),) for text in item.values]
            return Fork(self._fork(item.name or item.values[0], words, item.weights), len(value_kinds((item,))))
        if isinstance(item, Group):
            contents = [self._parts(alternative) for alternative in item.alternatives]
            return Fork(self._fork(item.text, contents, item.weights), len(value_kinds((item,))))
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
            return Loop(content, item.least, structure, width, is_endless=True)
        if item.most == item.least:
            return Loop(content, item.least, None, width, is_endless=False)
        share = Fraction(1, item.most - item.least + 1)
        options = [Option(self.production, share, content, n) for n in range(item.most - item.least + 1)]
        for option in options:
            option.symbols = once * option.number
        return Loop(content, item.least, self._made(item.text, options), width, is_endless=False)

    def _made(self, text: str, options: list[Option]) -> Structure:
        name = f"{self.production.symbol}: {text}"
        while name in self.names:
            name += "'"  # the same words in another place
        self.names.add(name)
        structure = Structure(name, self.depth, options)
        self.structure.append(structure)
        return structure
