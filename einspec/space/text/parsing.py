"""Parsing architectures: from a parse of the text to members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from einspec.errors import ParseError
from einspec.grammar.model.rules import Choice, Free, Group, Item, Literal, Production, Reference, Repeat, RuleSet
from einspec.grammar.parsing.earley.likeliest import Parse
from einspec.grammar.parsing.flat import Meaning
from einspec.grammar.parsing.sentences import SentenceParser
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.open_member import OpenMember
from einspec.text import Source

Part = Parse | tuple[int, int]


@dataclass(frozen=True, slots=True)
class ParsedNode:
    """One member of a parse, its children, and where it starts and ends in the text."""

    member: Member
    children: tuple[ParsedNode, ...]
    start: int
    end: int


@dataclass(slots=True)
class _Written:
    """What one production is written as: its items laid out, its texts, the numbers of its options, its children."""

    items: list[Item] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    top_texts: list[str] = field(default_factory=list)
    """Of choices outside of groups and repetitions."""
    given: list[str] = field(default_factory=list)
    """Of these, and of regular expressions anywhere."""
    numbers: list[int] = field(default_factory=list)
    children: list[Parse] = field(default_factory=list)


class TextParser:
    """Parses sentences of one space. Raises ``GrammarError`` where Lark refuses the tokens of its grammar."""

    def __init__(self, grammar: RuleSet, nonterminals: Mapping[str, Nonterminal]):
        self.sentences = SentenceParser(grammar)
        self.flat = self.sentences.flat
        self.members: dict[object, Member] = {
            (member.production.symbol, member.written): member
            for nonterminal in nonterminals.values()
            for member in nonterminal.members
        }

    def parse(self, source: Source) -> ParsedNode:
        """The parse of a text, the most probable one where there are several.

        Raises ``ParseError`` with the place, what was found and what could stand there.
        """
        root = self.sentences.parse(source)
        done: list[ParsedNode] = []
        stack: list[tuple[Parse, tuple[Member, int] | None]] = [(root, None)]
        while stack:
            node, ready = stack.pop()
            if ready is None:
                member, children = self._member(node, source)
                stack.append((node, (member, len(children))))
                stack.extend((child, None) for child in reversed(children))
                continue
            member, count = ready
            cut = len(done) - count
            children_done = tuple(done[cut:])
            del done[cut:]
            done.append(ParsedNode(member, children_done, node.start, node.end))
        return done[0]

    def _member(self, node: Parse, source: Source) -> tuple[Member, list[Parse]]:
        """The member that a node of a production means, and the nodes of its children."""
        production = self._meaning(node).production
        assert production is not None
        written = _Written()
        parts = zip(production.items, self._parts(node), strict=True)
        for item, (part, name) in parts:
            self._read(item, part, name, written, source, is_top=True)
        member = self._find(production, written)
        if isinstance(member, OpenMember):
            try:
                texts = tuple(written.given) if member.is_free else None
                member = member.laid_out(written.numbers, texts)
            except ValueError as error:
                place, excerpt = source.place(node.start), source.excerpt(node.start, node.end)
                raise ParseError(f"{place}: {production.op_name} {error}\n{excerpt}") from None
        return member, written.children

    def _find(self, production: Production, written: _Written) -> Member:
        texts, items = tuple(written.texts), tuple(written.items)
        keys = [(production.index, texts, None), (production.index, tuple(written.top_texts), None)]
        if not production.is_flat:
            keys.insert(0, (production.index, texts, items))  # type: ignore[arg-type]
        return next(member for key in keys if (member := self.members.get((production.symbol, key))) is not None)

    def _meaning(self, node: Parse) -> Meaning:
        return self.flat.meanings[node.alternative]

    def _parts(self, node: Parse) -> Iterator[tuple[Part, str]]:
        """The parts of a node, each with the name of its symbol."""
        return zip(node.parts, self.flat.alternatives[node.alternative].parts, strict=True)

    def _read(
        self, item: Item, part: Part, name: str, written: _Written, source: Source, *, is_top: bool = False
    ) -> None:
        """Notes what stands for an item."""
        if isinstance(item, Group):
            assert isinstance(part, Parse)
            number = self._meaning(part).number
            written.numbers.append(number)
            self._read_all(item.alternatives[number], list(self._parts(part)), written, source)
        elif isinstance(item, Repeat):
            assert isinstance(part, Parse)
            self._read_repeat(item, part, written, source)
        elif isinstance(item, Reference):
            assert isinstance(part, Parse)
            written.items.append(item)
            written.children.append(part)
        else:
            written.items.append(item)
            if not isinstance(item, Literal):
                self._read_argument(item, part, name, written, source, is_top)

    def _read_argument(
        self, item: Choice | Free, part: Part, name: str, written: _Written, source: Source, is_top: bool
    ) -> None:
        text = self._text(item, part, name, source)
        written.texts.append(text)
        if isinstance(item, Free) or is_top:
            written.given.append(text)
        if isinstance(item, Choice) and is_top:
            written.top_texts.append(text)
        elif isinstance(item, Choice) and len(item.values) > 1:
            written.numbers.append(item.values.index(text))

    def _text(self, item: Choice | Free, part: Part, name: str, source: Source) -> str:
        """The text of an argument, as the grammar writes it."""
        if isinstance(part, Parse):
            assert isinstance(item, Choice)
            return item.values[self._meaning(part).number]
        text = self.flat.terminals[name].text
        return source.text[slice(*part)] if text is None else text

    def _read_all(
        self, items: Sequence[Item], parts: Sequence[tuple[Part, str]], written: _Written, source: Source
    ) -> None:
        for item, (part, name) in zip(items, parts, strict=True):
            self._read(item, part, name, written, source)

    def _read_repeat(self, item: Repeat, part: Parse, written: _Written, source: Source) -> None:
        """The elements of a repetition, and the numbers of its options, in the order in which they are drawn."""
        elements = self._elements(item, part)
        if item.most is not None and item.most > item.least:
            written.numbers.append(len(elements) - item.least)
        for place, element in enumerate(elements):
            if item.most is None and place >= item.least:
                written.numbers.append(1)
            self._read_all(item.items, element, written, source)
        if item.most is None:
            written.numbers.append(0)

    def _elements(self, item: Repeat, part: Parse) -> list[list[tuple[Part, str]]]:
        width = len(item.items)
        later: list[list[tuple[Part, str]]] = []
        node = part
        while self._meaning(node).kind == "more":
            parts = list(self._parts(node))
            later.append(parts[1:])
            node = parts[0][0]  # type: ignore[assignment]
        parts = list(self._parts(node))
        elements = [parts[start : start + width] for start in range(0, item.least * width, width)]
        if item.most is None:
            return elements + later[::-1]
        rest = parts[item.least * width :]
        while rest:
            node = rest[0][0]  # type: ignore[assignment]
            parts = list(self._parts(node))
            if self._meaning(node).kind == "rest":
                elements.append(parts[:width])
            rest = parts[width:]
        return elements
