"""Domains: what derivations are drawn from, and as what users get them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from einspec.ops.declare import Outputs
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.typed_derivation import TypedDerivation

A = TypeVar("A", bound=TypedDerivation)
"""What a domain makes of its derivations."""


class Domain(Ground, ABC, Generic[A]):
    """What all that draws, counts, reads and varies works on: it need not know what users hold."""

    @abstractmethod
    def made(self, derivation: Derivation, output: Outputs) -> A:
        """A derivation that type-checks, as users get it."""
