"""Evaluating an edit: from what changed upwards, as far as types change.

Above a subtree that takes and gives the types that it took and gave before, nothing is different. So an edit of one
subtree is evaluated there first, and then in the node above, until the types are the old ones again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple

from einspec.errors import ShapeError
from einspec.ops.expressions.bounds import within_bounds
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.evaluation import Chooser, TypedChild
from einspec.space.deriving.rebinding import at_its_depths
from einspec.space.deriving.rejected import Misfit
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.drawing.sampling import attempt, new_run, settled
from einspec.space.members.environment import EMPTY, tagged
from einspec.space.variation.edits import Edit, replaced

if TYPE_CHECKING:
    from einspec.space.deriving.limits import Limits

Address = tuple[int, ...]


class Variant(NamedTuple, Generic[A]):
    """An architecture that an edit made of another."""

    arch: A
    region: Address | None
    """Where the smallest subtree is that holds all that changed, types too; None where that is not known."""


_COSTED = 3
"""How much more a variant costs whose parameters or products are limited."""


def work_of(arch: TypedDerivation, limits: Limits) -> int:
    """About what a variant costs that fails, in nodes drawn: most of an architecture is not evaluated again."""
    return (arch.derivation.size // 4 + 1) * (_COSTED if limits.is_costed else 1)


def varied(space: Domain[A], arch: A, edit: Edit, choose: Chooser | None, limits: Limits) -> Variant[A]:
    """The architecture after an edit, what it leaves open drawn. Raises ``Rejected`` where that does not succeed."""
    known = arch.trace.known
    is_climbed = known is not None and arch.trace.is_plain and not space.has_weights_per_depth
    if is_climbed and len(edit.changes) == 1:
        return _climbed(space, arch, edit, choose, limits)
    given = replaced(arch.derivation, edit.changes)
    if given is not None:
        given = at_its_depths(space, given, is_drawn=True)
    return Variant(attempt(space, choose, limits, given, edit.kept, known), None)


def _climbed(space: Domain[A], arch: A, edit: Edit, choose: Chooser | None, limits: Limits) -> Variant[A]:
    ((number, changed),) = edit.changes.items()
    path = arch.derivation.path_to(number)
    address = tuple([index for _, index in path])
    nonterminals = [space.start]
    nonterminals += [node.member.children[index] for node, index in path]
    edges = arch.trace.edges
    known = dict(arch.trace.known or {})
    run = new_run(choose, limits, edit.kept, known)
    while True:
        inputs, before = edges[address]
        handle = TypedChild(run, None, 0, nonterminals[len(address)], EMPTY, len(address) + 1)
        handle.node = changed
        try:
            outputs = within_bounds(partial(handle.enter, inputs, EMPTY))
        except ShapeError as error:
            raise Misfit(error) from None
        changed = handle.node
        assert changed is not None
        is_settled = tagged(outputs) == tagged(before)
        if is_settled or not address:
            break
        known[id(changed), inputs, None] = outputs
        changed = _above(path, len(address), changed)
        address = address[:-1]
    output = outputs if not address else arch.output
    derivation = changed
    for length in range(len(address), 0, -1):
        derivation = _above(path, length, derivation)
    return Variant(settled(space, derivation, output, run, limits), address if is_settled else None)


def _above(path: list[tuple[Derivation, int]], length: int, child: Derivation) -> Derivation:
    """The node over the one at the end of so much of a path, with another child in its place."""
    node, index = path[length - 1]
    return Derivation(node.member, node.via, (*node.children[:index], child, *node.children[index + 1 :]))
