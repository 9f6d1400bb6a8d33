"""Whether a variant is another architecture: whether its key differs, told by less than the key where that can be.

Simplification takes nothing away that owns weights, unless zeros reach it or nothing reads it. Where neither can
be, an architecture whose changed subtree owns other weights than before is another one: only the subtree has
to be lowered to see that.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from einspec.space.derivation import Derivation
from einspec.space.variation.edits import Edit, same_ops

if TYPE_CHECKING:
    from einspec.ops.declare import Outputs
    from einspec.space.architecture import Architecture
    from einspec.space.derive import Inputs

_LARGEST = 60
"""Nodes of a new subtree that is lowered by itself; for larger ones the whole is about as cheap."""


def differ(arch: Architecture, child: Architecture, edit: Edit) -> bool:
    """Whether the key of what an edit made differs from that of the architecture that it was made of."""
    if len(edit.changes) > 1:
        return _graphs_differ(arch, child)
    (number,) = edit.changes
    address = tuple([index for _, index in arch.derivation.path_to(number)])
    before, after = arch.derivation.at(address), child.derivation.at(address)
    if same_ops(before, after):
        return False
    return (
        _sizes(arch) != _sizes(child)
        or _own_other_weights(arch, address, range(number, number + before.size), after)
        or _graphs_differ(arch, child)
    )


def _sizes(arch: Architecture) -> list[tuple[int, ...]]:
    """The shape of each output: isomorphic graphs of one input type agree in them."""
    return [kind.sizes for kind in (arch.output if isinstance(arch.output, tuple) else (arch.output,))]


def _own_other_weights(arch: Architecture, address: tuple[int, ...], numbers: range, after: Derivation) -> bool:
    """Whether the weights of the changed subtree decide it: False where they do not, or where nobody can tell."""
    if after.size > _LARGEST or not arch.trace.is_plain or arch.weights is None:
        return False
    inputs, outputs = arch.trace.edges[address]
    new = _weights(after, inputs, outputs)
    if new is None:
        return False
    old: Counter[object] = Counter()
    for number, what, times in arch.weights:
        if number in numbers:
            old[what] += times
    # Copies around the subtree multiply both alike.
    return set(old) != set(new) or len({old[what] / new[what] for what in old}) > 1


def _weights(node: Derivation, inputs: Inputs, outputs: Outputs) -> Counter[object] | None:
    """The ops with weights of a subtree; None where some could go, or where it gives other types than these."""
    from einspec.compiler.lower import lower_subtree, owners

    graph, given = lower_subtree(node, inputs)
    found = owners(graph) if given == outputs else None
    if found is None:
        return None
    counts: Counter[object] = Counter()
    for _, what, times in found:
        counts[what] += times
    return counts


def _graphs_differ(arch: Architecture, child: Architecture) -> bool:
    """By what isomorphic graphs have alike: parameters, products, and without copies their ops; by the key at last."""
    if (arch.params, arch.macs) != (child.params, child.macs):
        return True
    graphs = arch.graph, child.graph
    if not any(node.body is not None for graph in graphs for node in graph.nodes):
        before, after = (Counter([(node.op, node.args) for node in graph.nodes]) for graph in graphs)
        if before != after:
            return True
    return child.key != arch.key
