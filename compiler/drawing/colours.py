"""Colours: light fills by kind of op, dark text. Ops with weights are also bold, so that print in grey shows them."""

from __future__ import annotations

from einspec.compiler.drawing.diagram import Kind

FILLS: dict[Kind, str] = {"weights": "#d6e6f7", "merging": "#d8efd2", "shape": "#fdebc4", "other": "#f3f3f3"}

INK = "#1b1b1b"
QUIET = "#4d4d4d"
WIRE = "#5a5a5a"
RIM = "#8a8a8a"
