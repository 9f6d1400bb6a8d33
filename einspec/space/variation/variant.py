"""Evaluating an edit: from what changed upwards, as far as types change.

Above a subtree that takes and gives the types that it took and gave before, nothing is different. So an edit of one
subtree is evaluated there first, and then in the node above, until the types are the old ones again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from einspec.errors import ShapeError
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.derive import Chooser, Misfit, TypedChild
from einspec.space.deriving.environment import EMPTY
from einspec.space.drawing.sampling import attempt, new_run, settled
from einspec.space.variation.edits import Edit, replaced

if TYPE_CHECKING:
    from einspec.space.architecture import Architecture
    from einspec.space.deriving.limits import Limits

Address = tuple[int, ...]


class Variant(NamedTuple):
    """An architecture that an edit made of another."""

    arch: Architecture
    region: Address | None
    """Where the smallest subtree is that holds all that changed, types too; None where that is not known."""


def varied(arch: Architecture, edit: Edit, choose: Chooser | None, limits: Limits) -> Variant:
    """The architecture after an edit, what it leaves open drawn. Raises ``Rejected`` where that does not succeed."""
    known, space = arch.trace.known, arch.space
    is_climbed = known is not None and arch.trace.is_plain and not space.has_weights_per_depth
    if is_climbed and len(edit.changes) == 1:
        return _climbed(arch, edit, choose, limits)
    given = replaced(arch.derivation, edit.changes)
    if given is not None:
        given = space.at_its_depths(given, is_drawn=True)
    return Variant(attempt(space, choose, limits, given, edit.kept, known), None)


def _climbed(arch: Architecture, edit: Edit, choose: Chooser | None, limits: Limits) -> Variant:
    ((number, changed),) = edit.changes.items()
    path = arch.derivation.path_to(number)
    address = tuple([index for _, index in path])
    nonterminals = [arch.space.start]
    nonterminals += [node.member.children[index] for node, index in path]
    edges = arch.trace.edges
    known = dict(arch.trace.known or {})
    run = new_run(choose, limits, edit.kept, known)
    while True:
        inputs, before = edges[address]
        handle = TypedChild(run, None, 0, nonterminals[len(address)], EMPTY, len(address) + 1)
        handle.node = changed
        try:
            outputs = handle.enter(inputs, EMPTY)
        except ShapeError as error:
            raise Misfit(error) from None
        changed = handle.node
        assert changed is not None
        if outputs == before or not address:
            break
        known[id(changed), inputs, None] = outputs
        changed = _above(path, len(address), changed)
        address = address[:-1]
    output = outputs if not address else arch.output
    derivation = changed
    for length in range(len(address), 0, -1):
        derivation = _above(path, length, derivation)
    return Variant(settled(arch.space, derivation, output, run, limits), address if outputs == before else None)


def _above(path: list[tuple[Derivation, int]], length: int, child: Derivation) -> Derivation:
    """The node over the one at the end of so much of a path, with another child in its place."""
    node, index = path[length - 1]
    return Derivation(node.member, node.via, (*node.children[:index], child, *node.children[index + 1 :]))
