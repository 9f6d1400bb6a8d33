"""The choices of a derivation: the member that was picked at each, and its share among those that apply."""

from __future__ import annotations

import math
from collections.abc import Iterator

from einspec.ops.declare import Inputs
from einspec.recursion import deep
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.evaluation import Record, Run, evaluate
from einspec.space.deriving.table import legal_members
from einspec.space.members.environment import Environment
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.open_member import LaidOutMember, undrawable


def choices_of(start: Nonterminal, inputs: Inputs, derivation: Derivation) -> list[int]:
    """The index of the member of each choice, in the order in which they are drawn.

    Raises ``SamplingError`` for a derivation that holds what no choice can say, the text of a regular expression.
    """
    free = next(free_members(derivation), None)
    if free is not None:
        raise undrawable(free.production)
    indices: list[int] = []
    _follow(start, inputs, derivation, lambda nonterminal, member, types, around: indices.append(member.index))
    return indices


def log_shares(start: Nonterminal, inputs: Inputs, derivation: Derivation) -> list[float]:
    """The logarithm of each choice's share among the members that apply."""
    shares: list[float] = []

    def record(nonterminal: Nonterminal, member: Member, types: Inputs, environment: Environment) -> None:
        table = legal_members(nonterminal, types, environment)
        shares.append(math.log(member.weight / table.total) if member.weight else -math.inf)

    _follow(start, inputs, derivation, record)
    return shares + [-math.inf for _ in free_members(derivation)]


def _follow(start: Nonterminal, inputs: Inputs, derivation: Derivation, record: Record) -> None:
    run = Run(None, math.inf, math.inf, record)
    deep(derivation.depth, lambda: evaluate(run, start, inputs, derivation))


def free_members(derivation: Derivation) -> Iterator[LaidOutMember]:
    """The members of a derivation that hold the text of a regular expression."""
    for node in derivation.walk():
        if isinstance(node.member, LaidOutMember) and node.member.base.is_free:
            yield node.member
