"""Grammars: reading a Lark file with weights, its model, its analysis. Nothing here knows tensors."""

from __future__ import annotations

from einspec.grammar.grammar import Grammar, read_file, read_text
from einspec.grammar.model.rules import Choice, Literal, Production, Reference, Rule
from einspec.grammar.reading.files import bundled_names

__all__ = [
    "Choice",
    "Grammar",
    "Literal",
    "Production",
    "Reference",
    "Rule",
    "bundled_names",
    "read_file",
    "read_text",
]


def __dir__() -> list[str]:
    return sorted(__all__)
