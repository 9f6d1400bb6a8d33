"""Graphs as users hold them: an architecture's graph that shows itself, as text and as pictures."""

from __future__ import annotations

from einspec.compiler.drawing import to_dot, to_mermaid, to_svg
from einspec.compiler.graph.graph import Graph
from einspec.compiler.graph.printing import format_graph


class ShownGraph(Graph):
    """A graph that prints and draws itself; in a notebook it is its picture. Made by :func:`shown`."""

    __slots__ = ()

    def to_svg(self) -> str:
        """A drawing: chains of ops as one box, copies and repeated parts as frames, types on the wires."""
        return to_svg(self)

    def to_mermaid(self) -> str:
        """The drawing's boxes and wires as a mermaid flowchart."""
        return to_mermaid(self)

    def to_dot(self) -> str:
        """The drawing's boxes and wires in the DOT language."""
        return to_dot(self)

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def __str__(self) -> str:
        return format_graph(self)


def shown(graph: Graph) -> ShownGraph:
    """The graph as one that shows itself."""
    return ShownGraph(graph.inputs, graph.nodes, graph.outputs, graph.scope)
