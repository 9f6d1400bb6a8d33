"""Grammars: reading a Lark file with weights, its model, its analysis. Nothing here knows tensors."""

from __future__ import annotations

from einspec.grammar.grammar import Grammar as Grammar
from einspec.grammar.grammar import read_file as read_file
from einspec.grammar.grammar import read_text as read_text
from einspec.grammar.model.rules import Choice as Choice
from einspec.grammar.model.rules import Literal as Literal
from einspec.grammar.model.rules import Production as Production
from einspec.grammar.model.rules import Reference as Reference
from einspec.grammar.model.rules import Rule as Rule
from einspec.grammar.reading.files import bundled_names as bundled_names
