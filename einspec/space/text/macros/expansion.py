"""Expanding macros: from a text with definitions to a plain sentence whose places are known.

Arguments are expanded where they are written, and what a parameter stands for is never looked at again. Expanded
templates are shared, so a text that would be too long is refused by its length, before it is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from einspec.errors import ParseError
from einspec.recursion import deep
from einspec.space.text.macros.checks import MULTIPLIED, check_steps, too_many_steps, used_first
from einspec.space.text.macros.definitions import Definitions
from einspec.space.text.macros.model import (
    DEEPEST,
    LONGEST,
    MOST_STEPS,
    Call,
    Fold,
    Macro,
    Node,
    Part,
    Piece,
    Spread,
    Template,
    Use,
)
from einspec.space.text.macros.places import Expanded, mistake, wrong_number
from einspec.space.text.macros.templates import TemplateReader, has_spread, too_deep
from einspec.text import Source

Environment = Mapping[str, list[Node]]
"""What the parameters of a body stand for; only a variadic one stands for several."""

_DEFINITION = re.compile(r"^[ \t]*def[ \t]+[^\W\d]", re.MULTILINE)


def has_definitions(text: str) -> bool:
    """Whether a line of the text starts with ``def NAME``."""
    return "def" in text and _DEFINITION.search(text) is not None


def expanded(source: Source) -> Expanded:
    """The sentence of a text, without comments and with its macros expanded.

    Raises ``ParseError`` for wrong definitions, wrong uses, recursion, and what expands to too much.
    """
    if len(source.text) > LONGEST:
        raise ParseError(f"{source.name}: longer than {LONGEST >> 20} MiB, so it is not read")
    definitions = Definitions(source)
    macros = definitions.macros
    uses = {name: _read_body(source, macros, macro) for name, macro in macros.items()}
    order = used_first(source, uses)
    sentence = TemplateReader(source, macros).read(definitions.sentence)
    end = sentence[-1].end if sentence else len(source.text.rstrip())
    if macros and not sentence:
        advice = f"write the architecture after them, as in   {next(iter(macros.values())).signature}"
        raise mistake(source, end, end + 1, "there is no architecture here, only definitions", advice)
    check_steps(source, [macros[name] for name in order], sentence)
    root = deep(DEEPEST, lambda: _Expansion(source).node(sentence, {}, 0))
    return Expanded(source.name, _text_of(root), source, root, end, tuple(macros))


def _read_body(source: Source, macros: Mapping[str, Macro], macro: Macro) -> list[tuple[Macro, int, int]]:
    """Gives a macro its template, and the macros that it uses."""
    reader = TemplateReader(source, macros, macro)
    macro.template = reader.read([macro.body])
    if not macro.template:
        start = macro.body[0] - 1
        advice = "start the body on the same line; it goes on over more lines while brackets are open"
        raise mistake(source, start, start + 1, f"the macro {macro.name} has no body", advice)
    return reader.uses


class _Expansion:
    """Expands templates, without recursion among them and not too many."""

    def __init__(self, source: Source):
        self.source = source
        self.steps = 0
        self.without_parameters: dict[str, Node] = {}

    def node(self, template: Template, environment: Environment, depth: int) -> Node:
        """A template with its parameters replaced and its macros expanded."""
        parts: list[Piece | Part] = []
        for item in template:
            if isinstance(item, Piece):
                parts.append(item)
            elif isinstance(item, Use):
                parts.append(Part(environment[item.name][0], item.start, item.end))
            elif isinstance(item, Call):
                arguments = self.arguments(item, environment, depth)
                parts.append(Part(self.call(item.macro, arguments, item, depth), item.start, item.end, True))
            elif isinstance(item, Spread):
                parts.append(Part(self.spread(item, environment[item.name]), item.start, item.end))
            else:
                parts.append(self.fold(item, environment, depth))
        return self.made(parts)

    def made(self, parts: list[Piece | Part]) -> Node:
        """The node of some parts. Raises ``ParseError`` at the longest where it comes to too much."""
        length = sum(part.length for part in parts)
        if length > LONGEST:
            worst = max(parts, key=lambda part: part.length)
            what = f"this expands to a text longer than {LONGEST >> 20} MiB"
            raise mistake(self.source, worst.start, worst.end, what, MULTIPLIED)
        return Node(parts, length)

    def count(self, steps: int, item: Spread | Fold) -> None:
        """Counts what :func:`check_steps` cannot know. Raises ``ParseError`` where it comes to too much."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise too_many_steps(self.source, item.start, item.end)

    def arguments(self, call: Call, environment: Environment, depth: int) -> list[Node]:
        """The expanded arguments of a call, with those that a variadic parameter stands for."""
        found: list[Node] = []
        for argument in call.arguments:
            item = argument[0]
            if len(argument) == 1 and isinstance(item, Spread):
                self.count(len(environment[item.name]), item)
                found += environment[item.name]
            else:
                found.append(self.node(argument, environment, self.deeper(depth, call)))
        if has_spread(call) and not call.macro.takes(len(found)):
            raise wrong_number(self.source, call.macro, len(found), call.start, call.end)
        return found

    def call(self, macro: Macro, arguments: list[Node], item: Call | Fold, depth: int) -> Node:
        """The body of a macro with these arguments."""
        if not macro.parameters and macro.name in self.without_parameters:
            return self.without_parameters[macro.name]
        environment = {name: [argument] for name, argument in zip(macro.parameters, arguments, strict=False)}
        if macro.is_variadic:
            environment[macro.parameters[-1]] = arguments[len(macro.parameters) - 1 :]
        node = self.node(macro.template, environment, self.deeper(depth, item))
        if not macro.parameters:
            self.without_parameters[macro.name] = node
        return node

    def deeper(self, depth: int, item: Call | Fold) -> int:
        """One level deeper. Raises ``ParseError`` past the deepest."""
        if depth >= DEEPEST:
            raise too_deep(self.source, item.start, item.end)
        return depth + 1

    def spread(self, item: Spread, arguments: list[Node]) -> Node:
        """``x1, x2, x3``"""
        self.count(2 * len(arguments), item)
        parts: list[Piece | Part] = []
        for argument in arguments:
            parts += [Piece(", ", item.start), Part(argument, item.start, item.end)]
        return self.made(parts[1:])

    def fold(self, item: Fold, environment: Environment, depth: int) -> Part:
        """``f(x1, f(x2, x3))``; a single argument is just that."""
        arguments = environment[item.name]
        end = item.argument + len(item.name)
        last = Part(arguments[-1], item.argument, end)
        if len(arguments) == 1:
            return last
        self.count(5 * len(arguments), item)
        if item.macro is not None:
            for argument in reversed(arguments[:-1]):
                self.count(item.macro.steps, item)
                pair = [argument, self.made([last])]
                last = Part(self.call(item.macro, pair, item, depth), item.start, item.end, True)
            return last
        opening = self.node(item.opening, environment, depth).parts
        parts: list[Piece | Part] = []
        for argument in arguments[:-1]:
            parts += [*opening, Part(argument, item.argument, end), item.comma]
        return Part(self.made([*parts, last, *[item.closing] * (len(arguments) - 1)]), item.start, item.end)


def _text_of(root: Node) -> str:
    """The text of a node, without recursion."""
    texts: list[str] = []
    ahead: list[Piece | Part] = root.parts[::-1]
    while ahead:
        part = ahead.pop()
        if isinstance(part, Piece):
            texts.append(part.text)
        else:
            ahead.extend(reversed(part.node.parts))
    return "".join(texts)
