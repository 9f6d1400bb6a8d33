"""From a simplified graph to the one that is built: passes of one's own, shared sums, fusing."""

from __future__ import annotations

from collections.abc import Sequence

from einspec.compiler.fusion import fuse as fused
from einspec.compiler.graph.graph import Graph
from einspec.compiler.graph.sharing import shared
from einspec.compiler.graph.verify import verify
from einspec.compiler.simplify.rewriting import Fired, Rule
from einspec.compiler.simplify.rules import FREE_RULES, RULES
from einspec.compiler.simplify.simplify import simplify


def built(
    graph: Graph,
    *,
    passes: Sequence[Rule] = (),
    fuse: bool = True,
    is_free: bool = False,
    trace: list[Fired] | None = None,
) -> Graph:
    """The graph that is built of a simplified one, of any size where axes are free. ``trace`` is given every rule that
    fired.

    Raises ``CompileError`` for a pass that leaves a broken graph.
    """
    if passes:
        graph = simplify(graph, rules=(*passes, *(FREE_RULES if is_free else RULES)), trace=trace)
        verify(graph)
    graph = shared(graph)
    return fused(graph, is_free=is_free, trace=trace) if fuse else graph
