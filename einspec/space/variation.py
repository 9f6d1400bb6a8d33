"""Variation: new architectures from old ones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from einspec.errors import SamplingError
from einspec.recursion import deep
from einspec.space.architecture import Architecture
from einspec.space.choosers import RandomChooser, below
from einspec.space.derivation import Derivation
from einspec.space.derive import Rejected
from einspec.space.limits import Limits
from einspec.space.sampling import Rejections, attempt, evaluation_depth, exhausted
from einspec.space.wanted import Where

if TYPE_CHECKING:
    from einspec.space.space import Space


def mutate(space: Space, arch: Architecture, rng: random.Random, limits: Limits, where: Where | None) -> Architecture:
    """See :meth:`Space.mutate`."""
    choose = RandomChooser(rng)
    rejections = Rejections()

    def regrow() -> Architecture:
        for _ in range(limits.attempts):
            given, nodes = with_hole(arch.derivation, below(rng, len(arch)))
            try:
                child = attempt(space, choose, limits, given, nodes)
            except Rejected as rejected:
                rejections.note(rejected)
                continue
            if child == arch or child.key == arch.key:
                rejections.counts["the same key"] += 1
            elif where is not None and not where(child):
                rejections.counts["where"] += 1
            else:
                return child
        raise SamplingError(exhausted(f"no mutant of this architecture of {space.name}", limits, rejections))

    return deep(max(evaluation_depth(limits), arch.depth), regrow)


def with_hole(root: Derivation, number: int) -> tuple[Derivation | None, int]:
    """The derivation with the node of a preorder number left out, and how many nodes are left of it.

    ``derive`` draws what is left out. Only the nodes above it are new.
    """
    path = root.path_to(number)
    given: Derivation | None = None
    hole = root if not path else path[-1][0].children[path[-1][1]]
    for node, index in reversed(path):
        children = (*node.children[:index], given, *node.children[index + 1 :])
        given = Derivation.with_children(node, children)
    return given, root.size - hole.size
