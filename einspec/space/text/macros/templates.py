"""Templates: a body or a sentence, cut into text that stays, parameters and uses of macros.

One pass without recursion; every character is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from einspec.space.text.macros.definitions import CLOSING
from einspec.space.text.macros.model import DEEPEST, Call, Fold, Item, Macro, Piece, Spread, Template, Use
from einspec.space.text.macros.places import mistake, wrong_number
from einspec.text import Source, did_you_mean

_TOKEN = re.compile(
    r"(?P<comment>(?<!\S)//[^\n]*)|(?P<word>\w+)|(?P<dots>\.\.\.)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)"
)
_OPENING = re.compile(r"\s*\(")
_FOLD = re.compile(r"(?P<open>\s*\()\s*(?P<name>\w+)\s*(?P<comma>,)\s*\.\.\.\s*(?P<close>\))")


@dataclass(slots=True)
class _Frame:
    """A call whose arguments are being read; without a macro, the template itself."""

    macro: Macro | None
    start: int
    opening: int
    items: list[Item] = field(default_factory=list)
    arguments: list[Template] = field(default_factory=list)
    spread: Spread | None = None


class TemplateReader:
    """Reads the body of ``owner``, or a sentence where it is None, and notes which macros it uses."""

    def __init__(self, source: Source, macros: Mapping[str, Macro], owner: Macro | None = None):
        self.source, self.text, self.macros, self.owner = source, source.text, macros, owner
        self.parameters = frozenset(owner.parameters) if owner is not None else frozenset[str]()
        self.variadic = owner.variadic if owner is not None else None
        self.uses: list[tuple[Macro, int, int]] = []
        self.frames = [_Frame(None, 0, 0)]
        self.brackets: list[int] = []
        """Brackets that are open in the arguments of calls, those of the calls among them."""
        self.begin = 0
        self.last_word = ""

    def read(self, spans: Iterable[tuple[int, int]]) -> Template:
        """The template of some spans of the text. Raises ``ParseError`` for a wrong use of a macro."""
        for start, end in spans:
            self._read_span(start, end)
        if len(self.frames) > 1:
            frame = self.frames[-1]
            opening = self.brackets[-1]
            what = f"this {self.text[opening]!r} is never closed"
            raise mistake(self.source, opening, opening + 1, what, f"it stands in the arguments of {_name(frame)}")
        return _trimmed(self.frames[0].items)

    def _read_span(self, start: int, end: int) -> None:
        position = self.begin = start
        while (match := _TOKEN.search(self.text, position, end)) is not None:
            position = match.end()
            kind = match.lastgroup
            if kind == "word":
                position = self._word(match, end)
                self.last_word = match.group()
            elif kind == "comment":
                self._flush(match.start(), match.end())
            elif kind == "dots" and self.parameters:
                raise self._stray_dots(match)
            elif len(self.frames) > 1:
                self._punctuation(match.group(), match.start())
        self._flush(end, end)

    def _flush(self, until: int, begin: int) -> None:
        """Takes the text up to a place; goes on from another."""
        if until > self.begin:
            self.frames[-1].items.append(Piece(self.text[self.begin : until], self.begin))
        self.begin = begin

    def _take(self, item: Item, start: int, end: int) -> int:
        self._flush(start, end)
        self.frames[-1].items.append(item)
        return end

    def _word(self, match: re.Match[str], limit: int) -> int:
        """Looks at a word; gives where to go on."""
        name, (start, end) = match.group(), match.span()
        if self.variadic is not None:
            fold = _FOLD.match(self.text, end, limit)
            if fold is not None and fold["name"] == self.variadic:
                return self._fold(match, fold)
        if name == self.variadic:
            return self._spread(name, start, end)
        if name in self.parameters:
            return self._take(Use(name, start, end), start, end)
        macro = self.macros.get(name)
        if macro is None:
            return end
        self.uses.append((macro, start, end))
        if not macro.parameters:
            return self._take(Call(macro, (), start, end), start, end)
        opening = _OPENING.match(self.text, end, limit)
        if opening is None:
            raise wrong_number(self.source, macro, 0, start, end)
        if len(self.frames) > DEEPEST:
            raise too_deep(self.source, start, end)
        self._flush(start, opening.end())
        self.frames.append(_Frame(macro, start, opening.end() - 1))
        self.brackets.append(opening.end() - 1)
        return opening.end()

    def _spread(self, name: str, start: int, end: int) -> int:
        if not self.text.startswith("...", end):
            what = f"{name} stands for several arguments, so it cannot stand here alone"
            advice = f"write {name}... for all of them, or f({name}, ...) for f(first, f(second, ...))"
            raise mistake(self.source, start, end, what, advice)
        spread = Spread(name, start, end + 3)
        frame = self.frames[-1]
        if len(self.frames) > 1 and self.brackets[-1] == frame.opening:
            frame.spread = spread
        return self._take(spread, start, end + 3)

    def _fold(self, match: re.Match[str], fold: re.Match[str]) -> int:
        name, (start, end) = match.group(), match.span()
        macro = None if name in self.parameters else self.macros.get(name)
        if name == self.variadic:
            raise self._stray_dots(fold)
        if macro is not None:
            self.uses.append((macro, start, end))
            if macro.parameters and not macro.takes(2):
                raise wrong_number(self.source, macro, 2, start, fold.end())
        opening: list[Item] = [Piece(self.text[start : fold.end("open")], start)]
        if name in self.parameters or macro is not None:
            head = Use(name, start, end) if macro is None else Call(macro, (), start, end)
            opening = [head, Piece(fold["open"], end)]
        item = Fold(
            self.variadic or "",
            macro if macro is not None and macro.parameters else None,
            tuple(opening),
            Piece(", ", fold.start("comma")),
            Piece(")", fold.start("close")),
            fold.start("name"),
            start,
            fold.end(),
        )
        return self._take(item, start, fold.end())

    def _punctuation(self, found: str, position: int) -> None:
        """Brackets and commas in the arguments of a call."""
        frame = self.frames[-1]
        is_own = self.brackets[-1] == frame.opening
        if found in CLOSING:
            self.brackets.append(position)
        elif found == "," and is_own:
            self._finish_argument(position)
        elif found != ",":
            opening = self.brackets.pop()
            if CLOSING[self.text[opening]] != found:
                what = f"{found!r} does not close the {self.text[opening]!r} at {self.source.place(opening)}"
                advice = f"it stands in the arguments of {_name(frame)}; expected {CLOSING[self.text[opening]]!r}"
                raise mistake(self.source, position, position + 1, what, advice)
            if is_own:
                self._finish_call(position)

    def _finish_argument(self, position: int) -> None:
        self._flush(position, position + 1)
        frame = self.frames[-1]
        argument = _trimmed(frame.items)
        if not argument:
            what = f"an argument of {_name(frame)} is empty"
            raise mistake(self.source, position, position + 1, what, "write something there, or leave the comma out")
        if frame.spread is not None and len(argument) > 1:
            name = frame.spread.name
            what = f"{name}... stands for several arguments, so it must be an argument of its own"
            raise mistake(self.source, frame.spread.start, frame.spread.end, what, f"put commas around {name}...")
        frame.arguments.append(argument)
        frame.items, frame.spread = [], None

    def _finish_call(self, position: int) -> None:
        frame = self.frames[-1]
        assert frame.macro is not None
        self._flush(position, position)
        if frame.arguments or _trimmed(frame.items):
            self._finish_argument(position)
        call = Call(frame.macro, tuple(frame.arguments), frame.start, position + 1)
        if not has_spread(call) and not frame.macro.takes(len(call.arguments)):
            raise wrong_number(self.source, frame.macro, len(call.arguments), call.start, call.end)
        self.frames.pop()
        self.begin = position + 1
        self.frames[-1].items.append(call)

    def _stray_dots(self, match: re.Match[str]) -> Exception:
        assert self.owner is not None
        start = self.text.find("...", match.start())
        advice = f"write {self.owner.parameters[-1]}... in the parameters of {self.owner.name} to take several"
        if self.variadic is not None:
            advice = did_you_mean(self.last_word, [self.variadic]) if self.last_word != self.variadic else ""
            advice = advice or f"write {self.variadic}..., or f({self.variadic}, ...) with f a word"
        return mistake(self.source, start, start + 3, "'...' does not follow a parameter that takes several", advice)


def has_spread(call: Call) -> bool:
    """Whether how many arguments a call has depends on how many a variadic parameter has."""
    return any(len(argument) == 1 and isinstance(argument[0], Spread) for argument in call.arguments)


def too_deep(source: Source, start: int, end: int) -> Exception:
    """The error of macros that are nested too deep."""
    what = f"macros are nested more than {DEEPEST} deep here"
    return mistake(source, start, end, what, "write it flatter, or with a parameter that takes several arguments")


def _name(frame: _Frame) -> str:
    return frame.macro.name if frame.macro is not None else "a macro"


def _trimmed(items: list[Item]) -> Template:
    """The items without blanks at both ends."""
    first, last = 0, len(items)
    while first < last and isinstance(item := items[first], Piece) and not item.text.strip():
        first += 1
    while first < last and isinstance(item := items[last - 1], Piece) and not item.text.strip():
        last -= 1
    kept = items[first:last]
    if kept and isinstance(item := kept[0], Piece):
        text = item.text.lstrip()
        kept[0] = Piece(text, item.end - len(text))
    if kept and isinstance(item := kept[-1], Piece):
        kept[-1] = Piece(item.text.rstrip(), item.start)
    return tuple(kept)
