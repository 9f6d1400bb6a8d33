"""Spaces and architectures: derivations, types, choosers, sampling, variation."""

from __future__ import annotations

from einspec.space.counting.counting import Estimate
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.limits import Limits
from einspec.space.space import Architecture, Space, load, loads

__all__ = [
    "Architecture",
    "Derivation",
    "Estimate",
    "Limits",
    "Space",
    "load",
    "loads",
]


def __dir__() -> list[str]:
    return sorted(__all__)
