"""Drawings of graphs: SVG without any other program, mermaid and DOT.

All three show one diagram: chains of ops as one box, replicas and repeated parts as frames, types on the wires.
"""

from __future__ import annotations

from einspec.compiler.drawing.dot import to_dot as to_dot
from einspec.compiler.drawing.mermaid import to_mermaid as to_mermaid
from einspec.compiler.drawing.svg import to_svg as to_svg
