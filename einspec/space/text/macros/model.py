"""What a text with macros is made of: templates as they are written, nodes as they are expanded.

All ``start`` and ``end`` are offsets in the text that the user wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

DEEPEST = 200
"""How deep macros may be nested in one another, in bodies and in arguments."""
LONGEST = 16 << 20
"""The longest text, written or expanded: what parsing accepts."""
MOST_STEPS = 2_000_000
"""The most items of templates that are expanded, a matter of seconds: some 90,000 convolutions."""


@dataclass(slots=True)
class Piece:
    """Text that stays as it is; with ``start``, so that its characters have places."""

    text: str
    start: int

    @property
    def length(self) -> int:
        """How many characters."""
        return len(self.text)

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


@dataclass(slots=True)
class Use:
    """A parameter in a body."""

    name: str
    start: int
    end: int


@dataclass(slots=True)
class Call:
    """A macro with its arguments."""

    macro: Macro
    arguments: tuple[Template, ...]
    start: int
    end: int


@dataclass(slots=True)
class Spread:
    """``xs...``: all arguments of a variadic parameter."""

    name: str
    start: int
    end: int


@dataclass(slots=True)
class Fold:
    """``f(xs, ...)``. ``macro`` is f where f is a macro with parameters, else ``opening`` is ``f(``."""

    name: str
    macro: Macro | None
    opening: Template
    comma: Piece
    closing: Piece
    argument: int
    start: int
    end: int


Item = Piece | Use | Call | Spread | Fold
Template = tuple[Item, ...]


@dataclass(slots=True)
class Macro:
    """A definition. The last parameter takes one or more arguments where ``is_variadic``."""

    name: str
    parameters: tuple[str, ...]
    is_variadic: bool
    start: int
    body: tuple[int, int]
    template: Template = ()
    steps: int = 0
    """How many parts are made from the body, counted before anything is expanded."""

    @property
    def variadic(self) -> str | None:
        """The name of the variadic parameter."""
        return self.parameters[-1] if self.is_variadic else None

    @property
    def signature(self) -> str:
        """``conv(kernel, stride)``, ``chain(parts...)`` or ``act``."""
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(self.parameters)}{'...' if self.is_variadic else ''})"

    def takes(self, count: int) -> bool:
        """Whether that many arguments are right."""
        return count >= len(self.parameters) if self.is_variadic else count == len(self.parameters)


@dataclass(slots=True)
class Node:
    """An expanded template. Nodes are shared: what a parameter stands for is expanded once."""

    parts: list[Piece | Part]
    length: int


@dataclass(slots=True)
class Part:
    """A node where it is used: the parameter or the call that stands there in the text."""

    node: Node
    start: int
    end: int
    is_call: bool = False

    @property
    def length(self) -> int:
        """How many characters it expands to."""
        return self.node.length
