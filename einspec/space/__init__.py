"""Spaces and architectures: derivations, types, choosers, sampling, variation."""

from __future__ import annotations

from einspec.space.architecture import Architecture as Architecture
from einspec.space.counting import Estimate as Estimate
from einspec.space.derivation import Derivation as Derivation
from einspec.space.limits import Limits as Limits
from einspec.space.space import Space as Space
from einspec.space.space import load as load
from einspec.space.space import loads as loads
