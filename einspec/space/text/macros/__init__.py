"""Macros: definitions in a text of an architecture, and how they are expanded before it is parsed."""

from __future__ import annotations

from einspec.space.text.macros.expansion import expanded as expanded
from einspec.space.text.macros.expansion import has_definitions as has_definitions
from einspec.space.text.macros.places import Expanded as Expanded
