"""Whether a variant is another architecture: whether its settings or its key differ, told by less where that can be.

Simplification takes nothing away that owns weights, unless zeros reach it or nothing reads it. Where neither can
be, an architecture that owns other weights than before is another one. To see that, only what the edit changed has to
be lowered: the smallest subtree around it that takes and gives the types that it took and gave before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from einspec.recursion import deep
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.domain import A
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.variation.edits import Edit, same_ops
from einspec.space.variation.variant import Address, Variant

if TYPE_CHECKING:
    from einspec.ops.declare import Inputs


def differ(arch: A, variant: Variant[A], edit: Edit) -> bool:
    """Whether the key of what an edit made differs from that of the architecture that it was made of."""
    child = variant.arch
    if len(edit.changes) > 1:
        return (arch.space.has_settings and arch.settings != child.settings) or _graphs_differ(arch, child)
    (number,) = edit.changes
    address = tuple([index for _, index in arch.derivation.path_to(number)])
    before, after = arch.derivation.at(address), child.derivation.at(address)
    if same_ops(before, after):
        return False
    if arch.space.has_settings and arch.settings != child.settings:
        return True
    return _sizes(arch) != _sizes(child) or _own_other_weights(arch, variant) or _graphs_differ(arch, child)


def _sizes(arch: A) -> list[tuple[int, ...]]:
    """The shape of each output: isomorphic graphs of one input type agree in them."""
    return [kind.sizes for kind in (arch.output if isinstance(arch.output, tuple) else (arch.output,))]


def _own_other_weights(arch: A, variant: Variant[A]) -> bool:
    """Whether weights decide it: False where they do not, or where nobody can tell."""
    region = variant.region
    owned = arch.remembered(_owned)
    if region is None or owned is None:
        return False
    inputs, _ = arch.trace.edges[region]
    new = _weights(variant.arch.derivation.at(region), inputs)
    if new is None:
        return False
    number = sum(1 + sum(sibling.size for sibling in node.children[:index]) for node, index in _steps(arch, region))
    numbers = range(number, number + arch.derivation.at(region).size)
    old: Counter[object] = Counter()
    for owner, what, times in owned:
        if owner in numbers:
            old[what] += times
    # Copies around the subtree multiply both alike.
    return set(old) != set(new) or len({old[what] / new[what] for what in old}) > 1


def _owned(arch: TypedDerivation) -> list[tuple[int, object, int]] | None:
    """Its ops with weights: the node that each belongs to, what it is, and in how many copies.

    None where simplification could take some of them away.
    """
    from einspec.compiler.graph.lower import Lowering, owners

    return owners(deep(arch.depth, lambda: Lowering(prunes=False).graph(arch)))


def _steps(arch: A, address: Address) -> Iterator[tuple[Derivation, int]]:
    node = arch.derivation
    for index in address:
        yield node, index
        node = node.children[index]


def _weights(node: Derivation, inputs: Inputs) -> Counter[object] | None:
    """The ops with weights of a subtree; None where some could go."""
    from einspec.compiler.graph.lower import lower_subtree, owners

    found = owners(lower_subtree(node, inputs))
    if found is None:
        return None
    counts: Counter[object] = Counter()
    for _, what, times in found:
        counts[what] += times
    return counts


def _graphs_differ(arch: A, child: A) -> bool:
    """By what isomorphic graphs have alike: parameters, products, and without copies their ops; by the key at last."""
    if (arch.params, arch.macs) != (child.params, child.macs):
        return True
    graphs = arch.graph, child.graph
    if not any(node.body is not None for graph in graphs for node in graph.nodes):
        before, after = (Counter([(node.op, node.args) for node in graph.nodes]) for graph in graphs)
        if before != after:
            return True
    return child.key != arch.key
