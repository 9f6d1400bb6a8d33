"""The Metropolis-Hastings kernel: one proposal with the exact logarithm of its ratio (Hastings 1970)."""

from __future__ import annotations

import math
import random

from einspec.ops.declare import Inputs, Outputs
from einspec.recursion import deep
from einspec.space.deriving.choosers import RandomChooser, below
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.evaluation import Run, TypedChild, evaluate
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Rejected
from einspec.space.deriving.table import legal_members
from einspec.space.members.environment import Environment
from einspec.space.members.member import Member, Nonterminal
from einspec.space.variation.edits import Edit, moves, same_ops
from einspec.space.variation.kinds import by_weight
from einspec.space.variation.variant import varied


def propose(space: Domain[A], arch: A, rng: random.Random, limits: Limits) -> tuple[A, float]:
    """See :meth:`Space.propose`.

    Each node with each of the two kinds is a reversible kernel of its own: the ratio weighs the way there against
    the way back through the same node. What is drawn in the subtree cancels against Q, so that the ratio is that of
    the chances of the node, and of the shares of the choices outside.
    """
    number = below(rng, len(arch))
    regrows = rng.random() < 0.5
    address = tuple(index for _, index in arch.derivation.path_to(number))
    node = arch.derivation.at(address)
    if regrows:
        edit = Edit({number: None}, len(arch) - node.size)
    else:
        others = space.remembered(moves).alternatives(node.member)
        if not others:
            return arch, 0.0
        member = by_weight([*others, node.member] if node.member.weight else others, rng)
        edit = Edit({number: Derivation(member, node.via, node.children)}, len(arch))
    depth = max(limits.evaluation_depth, arch.depth)
    try:
        child = deep(depth, lambda: varied(space, arch, edit, RandomChooser(rng), limits)).arch
    except Rejected:
        return arch, 0.0
    if same_ops(node, child.derivation.at(address)):
        return arch, 0.0
    before, after = _outside(arch, address, regrows), _outside(child, address, regrows)
    if not before.is_drawn:
        return child, math.inf  # away from what Q never draws
    # The same choices in both, though what is bound may be made at another time.
    shares = math.fsum(map(math.log, before.totals)) - math.fsum(map(math.log, after.totals))
    return child, math.log(len(arch) / len(child)) + shares


def _outside(arch: A, address: tuple[int, ...], whole_subtree: bool) -> _Outside:
    run = _Outside(address, whole_subtree)
    deep(arch.depth, lambda: evaluate(run, arch.space.start, arch.space.inputs, arch.derivation))
    return run


class _Outside(Run):
    """The weight of all members that applied at each choice outside of a subtree, or of its root alone."""

    __slots__ = ("address", "inside", "insiders", "is_drawn", "totals", "whole_subtree")

    def __init__(self, address: tuple[int, ...], whole_subtree: bool):
        super().__init__(None, math.inf, math.inf, self.note)
        self.address = address
        self.whole_subtree = whole_subtree
        self.inside = False
        self.insiders: set[TypedChild | None] = set()
        self.is_drawn = True
        self.totals: list[float] = []

    def follow(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs:
        # Where a node stands decides, not who calls it: what ``let`` has bound may be called first from inside.
        around = self.inside
        is_root = child.depth == len(self.address) + 1 and child.path == self.address
        self.inside = is_root or (self.whole_subtree and child.parent in self.insiders)
        if self.inside:
            self.insiders.add(child)
        try:
            return super().follow(child, inputs, environment)
        finally:
            self.inside = around

    def note(self, nonterminal: Nonterminal, member: Member, inputs: Inputs, environment: Environment) -> None:
        """Notes one choice; inside, only whether Q could make it."""
        if self.inside:
            self.is_drawn &= member.weight > 0
        else:
            self.totals.append(legal_members(nonterminal, inputs, environment).total)
