"""What ends an attempt: a limit, types that do not fit, a nonterminal of which no member applies."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.ops.control import Stop
from einspec.ops.declare import Inputs, Op
from einspec.space.members.environment import Environment
from einspec.space.members.member import Nonterminal


class Rejected(Stop):
    """This attempt ends here: a dead end, or a limit. ``args[0]`` says which."""

    @property
    def reason(self) -> str:
        """What rejects, for counting."""
        return str(self.args[0])

    def explanation(self) -> str | None:
        """What refused, with the types, where there is more to say."""
        return None


class Misfit(Rejected):
    """Types do not fit. ``args[0]`` is the ``ShapeError``."""

    def __init__(self, error: ShapeError):
        super().__init__(error)
        error.__traceback__ = error.__context__ = None  # which would keep the whole attempt

    @property
    def reason(self) -> str:
        """The op that refused."""
        return str(self.args[0]).split(" does not accept ")[0].split(":")[0].split("(")[0]

    def explanation(self) -> str | None:
        """The message."""
        return str(self.args[0])


class DeadEnd(Rejected):
    """No member of a nonterminal applies."""

    def __init__(self, nonterminal: Nonterminal, inputs: Inputs, environment: Environment, within: Op | None):
        super().__init__(nonterminal)
        self.nonterminal, self.inputs, self.environment = nonterminal, inputs, environment
        self.within = within
        """The op whose child has none; None at the root."""

    @property
    def reason(self) -> str:
        """The nonterminal."""
        return f"no member of {self.nonterminal.name} fits"

    def explanation(self) -> str | None:
        """What the ops of the nonterminal say to these types, the first few."""
        found: dict[Any, str] = {}
        for member in self.nonterminal.members[: self.nonterminal.positive]:
            if member.op in found or not member.is_leaf(self.environment):
                continue
            try:
                member.infer(self.inputs, self.environment)
            except ShapeError as error:
                found[member.op] = str(error)
        shown = "; ".join(list(found.values())[:_SHOWN])
        return f"{shown}; and so on" if len(found) > _SHOWN else shown or None


_SHOWN = 3
"""Refusals that one message quotes."""
