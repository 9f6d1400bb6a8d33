"""The rules of simplification. Each follows from laws that ops declare, never from the name of an op.

Equal in exact arithmetic, for every input, in train and in eval mode; floating-point sums may be taken in
another order.
"""

from __future__ import annotations

from einspec.compiler.simplify.rewriting import Rule
from einspec.compiler.simplify.rules import (
    along,
    copies,
    permutations,
    ranges,
    rearrangements,
    sums,
    values,
    wholes,
    zeros,
)

RULES: tuple[Rule, ...] = (
    *zeros.RULES, *values.RULES, *sums.RULES, *permutations.RULES, *rearrangements.RULES, *along.RULES,
    *ranges.RULES, *copies.RULES,
)  # fmt: skip
"""All rules; ``merge equal`` (f(x), f(x) = one node, where f has no weights, state or chance), the loss of
nodes that nothing needs, and the absence of nodes for identities, clones and sequences need none."""

IDENTITY_RULES: tuple[Rule, ...] = (*RULES, *wholes.RULES)
"""The rules of identity: those of what is built, and those that only choose one of several spellings."""

FREE_RULES: tuple[Rule, ...] = (*values.RULES, *sums.RULES, *permutations.RULES, *copies.RULES)
"""The rules where sizes are free: the others write sizes, which hold for one input alone."""
