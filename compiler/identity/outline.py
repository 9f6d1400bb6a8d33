"""What architectures of one key share, and is quickly said: most architectures are told apart by it, without a key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from einspec.compiler.graph.graph import Node
from einspec.compiler.graph.lower import lower
from einspec.compiler.identity.form import identity_form
from einspec.compiler.simplify.rules.along import MOVING, RANGES
from einspec.compiler.simplify.rules.rearrangements import moves_of
from einspec.ops.declare import Primitive

if TYPE_CHECKING:
    from einspec.space.deriving.typed_derivation import TypedDerivation

Outline = tuple[object, ...]


def outline(arch: TypedDerivation) -> Outline:
    """Equal for architectures of equal keys: the sizes of what comes out, the layers with weights, counted, and which
    other ops there are of those that stay.

    No rule makes one layer of two, or gives a layer other arguments. Rules take layers away where nothing needs them;
    where that may be, the form of identity is looked at.
    """
    written = lower(arch)
    graph = written if written.keeps_weights else identity_form(arch.graph)
    layers: Counter[object] = Counter()
    others: set[object] = set()
    for part, times in graph.graphs():
        for node in part.nodes:
            if node.slot is not None and node.op is not None:
                layers[node.op.name, repr(node.args), node.attributes] += times
            elif node.op is not None and _stays(node, node.op):
                others.add((node.op.name, repr(node.args)))
    sizes = tuple((kind.sizes, kind.dtype) for kind in written.output_types)
    return sizes, frozenset(layers.items()), frozenset(others)


def _stays(node: Node, op: Primitive) -> bool:
    """Whether no rule takes all nodes of an op with these arguments away, or makes one of another op."""
    laws = op.laws
    is_moved = laws.permutes or laws.splits or laws.concatenates or (op in MOVING and moves_of(node) is not None)
    return not (laws.pointwise or laws.associative or is_moved or op in RANGES or op.name in _REWRITTEN)


_REWRITTEN = frozenset({"zeros", "einsum", "dot", "reduce"})
"""Zeros go where they change nothing; products and sums in einops' notation are written as others."""
