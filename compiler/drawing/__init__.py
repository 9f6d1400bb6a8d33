"""Drawings of graphs: SVG without any other program, mermaid and DOT.

All three show one diagram: chains of ops as one box, replicas and repeated parts as frames, types on the wires.

Weighed against it: Graphviz (a program of its own, which many machines lack; a record node for each op, so that a
ResNet-18 is a ribbon of a hundred boxes), torchview and torchviz on top of it (they need a run of the module, and show
no repeats), and the layout engines of networkx, grandalf and mermaid (layers are right, frames within frames and labels
on wires are not placed without overlap). What makes these pictures small is the folding, which comes before any layout
and which none of them has; with it, placing a few dozen boxes is little code. DOT and mermaid are written for those who
want other engines.
"""

from __future__ import annotations

from einspec.compiler.drawing.dot import to_dot as to_dot
from einspec.compiler.drawing.mermaid import to_mermaid as to_mermaid
from einspec.compiler.drawing.svg import to_svg as to_svg
