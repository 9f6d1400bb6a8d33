"""From a simplified graph to the one that is built: passes of one's own, shared sums, fusing."""

from __future__ import annotations

from collections.abc import Sequence

from einspec.compiler.fusion import fuse as fused
from einspec.compiler.graph.graph import Graph
from einspec.compiler.graph.sharing import shared
from einspec.compiler.graph.verify import verify
from einspec.compiler.simplify.rewriting import Fired, Rule
from einspec.compiler.simplify.rules import RULES
from einspec.compiler.simplify.simplify import simplify


def built(graph: Graph, *, passes: Sequence[Rule] = (), fuse: bool = True, trace: list[Fired] | None = None) -> Graph:
    """The graph that is built of a simplified one. ``trace`` is given every rule that fired.

    Raises ``CompileError`` for a pass that leaves a broken graph.
    """
    if passes:
        graph = simplify(graph, rules=(*passes, *RULES), trace=trace)
        verify(graph)
    graph = shared(graph)
    return fused(graph, trace=trace) if fuse else graph
