"""What masses are counted of: calls of children, what they give, and what is promised of what ``let`` has bound."""

from __future__ import annotations

from typing import Any

from einspec.ops.control import Child, Stop
from einspec.ops.declare import Inputs, Outputs
from einspec.space.members.environment import Environment, tagged
from einspec.space.members.member import Nonterminal
from einspec.types import Type

Number = Any
"""A whole number, a fraction, or a rounded one."""
Sizes = dict[int, Number]
"""By number of nodes; everything under 0 where sizes do not matter."""
Room = tuple[int, int | None]
"""The depth and the number of nodes that a derivation may have; None where sizes do not matter."""


class TooMuch(Stop):
    """The computation would take more runs than it may, or needs what types do not tell. ``args[0]`` says which."""


class NoAnswer(Stop):
    """No derivation goes on from here."""


class Call:
    """Inputs and attributes of a call. ``key`` tells calls apart."""

    __slots__ = ("environment", "inputs", "key")

    def __init__(self, inputs: Inputs, environment: Environment):
        self.inputs = inputs
        self.environment = environment
        self.key: object = inputs if environment.key is None else (inputs, environment_key(environment))


def environment_key(environment: Environment) -> object:
    """Tells environments apart, also by what their names are bound to."""
    bound = tuple(sorted((name, child.key) for name, child in environment.bindings.items() if isinstance(child, Bound)))
    return environment.key, bound


class Bound(Child):
    """What ``let`` has bound: a nonterminal, and where its derivation stands."""

    __slots__ = ("environment", "index", "is_tied", "key", "nonterminal", "room")

    def __init__(self, nonterminal: Nonterminal, index: int, environment: Environment, room: Room, is_tied: bool):
        self.nonterminal = nonterminal
        self.index = index
        self.environment = environment
        self.room = room
        self.is_tied = is_tied
        # Bindings nest, and what is bound further out stands in the environment of what is bound further in.
        self.key = (nonterminal.name, index, environment_key(environment), room, is_tied)

    def __call__(self, *inputs: Type, **attributes: object) -> Outputs:
        raise TypeError("a bound child is called where it is read")

    def tied(self) -> Child:
        return Bound(self.nonterminal, self.index, self.environment, self.room, is_tied=True)


class _Told:
    """Numbers that a call gives, told apart by their types: 1, 1.0 and True are three answers."""

    __slots__ = ("_key", "outputs")

    def __init__(self, outputs: Any):
        self.outputs = outputs
        self._key = tagged(outputs)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Told) and self._key == other._key


Answer = Outputs | _Told
"""What a call gives, as tables are keyed by."""


def told(outputs: Outputs) -> Answer:
    """What a call gives as an answer: types are answers themselves."""
    return (
        outputs
        if type(outputs) is Type or (type(outputs) is tuple and set(map(type, outputs)) == _TYPES)
        else _Told(outputs)
    )


def untold(answer: Answer) -> Outputs:
    """What an answer says that a call gives."""
    return answer.outputs if type(answer) is _Told else answer  # type: ignore[return-value]


_TYPES = {Type}
Promise = tuple[Bound, Call, Answer]
"""A bound child, a call of it, and what it is promised to give."""
Answers = tuple[Answer, ...]
"""What each call gives, in the order of the calls."""
Entry = dict[tuple[Promise, ...], Sizes]


class MassTable(dict[Answers, Entry]):
    """The mass of derivations by what their calls give, and what that is promised."""

    def __init__(self) -> None:
        super().__init__()
        self._options: dict[Answers, list[Answer]] | None = None

    def options(self, known: Answers) -> list[Answer]:
        """What the last call can give where the others give this."""
        if self._options is None:
            self._options = {}
            for answers in self:
                self._options.setdefault(answers[:-1], []).append(answers[-1])
            self._options = {given: list(dict.fromkeys(options)) for given, options in self._options.items()}
        return self._options.get(known, [])
