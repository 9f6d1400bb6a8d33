"""Spaces and architectures: derivations, types, choosers, sampling, variation."""

from __future__ import annotations

from einspec.space.counting.counting import Estimate as Estimate
from einspec.space.deriving.derivation import Derivation as Derivation
from einspec.space.deriving.limits import Limits as Limits
from einspec.space.space import Architecture as Architecture
from einspec.space.space import Space as Space
from einspec.space.space import load as load
from einspec.space.space import loads as loads
