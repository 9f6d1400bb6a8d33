"""The errors that bad input raises: one class per arrow of the pipeline.

A message holds the place, what was found, what was expected and a way out.
Wrong Python argument types are ``TypeError`` or ``ValueError`` as everywhere else.
"""

from __future__ import annotations


class EinspecError(Exception):
    """The base of every error that einspec raises for bad input."""


class GrammarError(EinspecError):
    """A grammar text, a missing grammar file or an unknown bundled name."""


class ParseError(EinspecError):
    """An architecture text, JSON or list of choices that is not of the grammar."""


class ShapeError(EinspecError):
    """An input type that is impossible, or values that an op does not accept.

    ``ShapeError("{} does not divide {}", n, size)`` writes its message when somebody reads it: type rules refuse
    all the time while architectures are drawn, and seldom does anybody.
    """

    names_types: bool = False
    """Whether the message says which op refused which types; a type rule gives only the reason."""
    address: tuple[int, ...] | None = None
    """Where in a derivation: the child indices from the root, when it was one that did not type-check."""

    place: object = None
    """Where in the text of a grammar file, when an op that is written there raised it."""

    def __str__(self) -> str:
        message, *values = self.args
        text = message.format(*values) if values else str(message)
        return text if self.place is None else f"{text}\n{self.place}"


class SamplingError(EinspecError):
    """Limits that nothing met within the attempts, or a space of dead ends."""


class CompileError(EinspecError):
    """An architecture that cannot be turned into a graph or a module."""


class StoreError(EinspecError):
    """A run folder or file that is damaged, foreign, or of another space."""


for _error in (EinspecError, GrammarError, ParseError, ShapeError, SamplingError, CompileError, StoreError):
    _error.__module__ = "einspec"  # users see and catch einspec.ShapeError; pickle finds it there
