"""Which weights of one architecture are those of another: between isomorphic ones, and in part."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from einspec.compiler.graph.graph import Slot
from einspec.compiler.graph.unfold import MOST_NODES
from einspec.compiler.identity.form import identity_form
from einspec.compiler.identity.key import numbering
from einspec.errors import CompileError
from einspec.space.deriving.typed_derivation import check_architecture

if TYPE_CHECKING:
    from einspec.space.deriving.derivation import Derivation
    from einspec.space.space import Architecture


def isomorphic(a: Architecture, b: Architecture) -> bool:
    """Whether two architectures of one input type have isomorphic simplified graphs: whether their keys are equal.

    Raises ``TypeError`` for anything but architectures.
    """
    check_architecture("a", a)
    check_architecture("b", b)
    return a.key == b.key


def correspondence(a: Architecture, b: Architecture) -> dict[Slot, Slot]:
    """The map from the slots of one architecture to those of an isomorphic one, copies written out.

    With the weights of each slot carried along it, both compute the same. Raises ``CompileError`` when they
    are not isomorphic, or too large (4,096 nodes) to be written out.
    """
    if not isomorphic(a, b):
        raise CompileError(
            f"the architectures are not isomorphic: their keys are {a.key} and {b.key}; transfer carries over what "
            "two of them share"
        )
    if a.graph.written_out > MOST_NODES:
        raise CompileError(
            f"{a.graph.written_out:,} nodes with every copy written out: slots correspond up to {MOST_NODES:,}"
        )
    first, second = (identity_form(arch.graph, most=None) for arch in (a, b))
    pairs: dict[Slot, Slot] = {}
    for i, j in zip(numbering(first), numbering(second), strict=True):
        mine, yours = first.nodes[i].slot, second.nodes[j].slot
        if mine is not None and yours is not None:
            pairs[mine] = yours
    return pairs


def common_nodes(a: Derivation, b: Derivation) -> dict[int, int]:
    """Nodes that two derivations have in common, from preorder numbers of ``a`` to those of ``b``.

    First what is unchanged from the root down: equal op, arguments and number of children, child by child. Then,
    among what is left, equal subtrees that have moved, the largest first.
    """
    pairs: dict[int, int] = {}
    left_a: list[tuple[int, Derivation]] = []
    left_b: list[tuple[int, Derivation]] = []
    stack = [(0, a, 0, b)]
    while stack:
        i, x, j, y = stack.pop()
        if (x.op_name, x.args, len(x.children)) != (y.op_name, y.args, len(y.children)):
            left_a.append((i, x))
            left_b.append((j, y))
            if (x.op_name, len(x.children)) != (y.op_name, len(y.children)):
                continue
        else:
            pairs[i] = j
        i, j = i + 1, j + 1
        for child, other in zip(x.children, y.children, strict=True):
            stack.append((i, child, j, other))
            i, j = i + child.size, j + other.size
    _pair_moved(left_a, left_b, pairs)
    return pairs


def _pair_moved(
    left_a: list[tuple[int, Derivation]], left_b: list[tuple[int, Derivation]], pairs: dict[int, int]
) -> None:
    """Pairs equal subtrees of what is left, larger ones first, earlier ones first among equals."""
    known: dict[tuple[object, ...], list[int]] = defaultdict(list)
    taken_a, taken_b = set(pairs), set(pairs.values())
    for number, node in _subtrees(left_a):
        known[_shape(node)].append(number)
    for number, node in sorted(_subtrees(left_b), key=lambda item: (-item[1].size, item[0])):
        for candidate in known.get(_shape(node), ()):
            span = range(node.size)
            if any(candidate + k in taken_a or number + k in taken_b for k in span):
                continue
            for k in span:
                pairs[candidate + k] = number + k
                taken_a.add(candidate + k)
                taken_b.add(number + k)
            break


def _subtrees(roots: list[tuple[int, Derivation]]) -> list[tuple[int, Derivation]]:
    """All subtrees below some roots, each once, with their preorder numbers, in their order."""
    found: dict[int, Derivation] = {}
    for start, root in roots:
        for offset, node in enumerate(root.walk()):
            found.setdefault(start + offset, node)
    return sorted(found.items())


_LARGEST_SHAPE = 5_000
"""Subtrees above this many nodes are not looked for elsewhere: writing each one down would be quadratic."""


def _shape(node: Derivation) -> tuple[object, ...]:
    return tuple(node.ops()) if node.size <= _LARGEST_SHAPE else (id(node),)


def partners(theirs: Iterable[Slot], ours: Iterable[Slot], a: Derivation, b: Derivation) -> dict[Slot, Slot]:
    """Slots of one derivation with those at the same place of another, as far as the two have nodes in common.

    Copies of a body correspond by their index, as many as both have.
    """
    numbers = common_nodes(a, b)
    names = [node.op_name for node in a.walk()]
    places = {_place(slot): slot for slot in ours}
    found: dict[Slot, Slot] = {}
    for slot in theirs:
        place = _moved(_place(slot), numbers, names[slot.number])
        if place in places:
            found[slot] = places[place]
    return found


def _place(slot: Slot) -> Slot:
    """The slot without how many copies there are: ``("copy4of", n, i)`` and ``("copy8of", n, i)`` are one place."""
    context = tuple((_COPY.sub("copyof", kind), number, index) for kind, number, index in slot.context)
    return Slot(slot.number, slot.name, context)


_COPY = re.compile(r"copy\d+of")


def _moved(slot: Slot, numbers: dict[int, int], op_name: str) -> Slot | None:
    """The slot at the same place under other numbers; None where a node on the way has no partner.

    ``op_name`` is the op of the slot's node: names begin with it and the number, and may hold other numbers.
    """
    number = numbers.get(slot.number)
    if number is None or any(at not in numbers for _, at, _ in slot.context):
        return None
    context = tuple((kind, numbers[at], index) for kind, at, index in slot.context)
    rest = slot.name.removeprefix(f"{op_name}_{slot.number}")
    return Slot(number, f"{op_name}_{number}{rest}", context)
