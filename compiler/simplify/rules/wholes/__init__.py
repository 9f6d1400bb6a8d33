"""Rules of identity alone: what may act before or after a split or a concatenation acts on the whole.

They choose one spelling of several that cost about the same, and what is built is not made of it: an activation after a
concatenation is one op for several, and computed twice where its input is read before it too. In normal form
concatenations come first and splits last, except that what moves axes comes before all that looks at one place at a
time.
"""

from __future__ import annotations

from einspec.compiler.simplify.rules.along import FROM_RANGES, MOVING
from einspec.compiler.simplify.rules.common import library
from einspec.compiler.simplify.rules.wholes import acting, blocks, moving, multiples, pieces

RULES = (
    *moving.RULES, *acting.RULES, *multiples.RULES, *pieces.RULES, *blocks.RULES, *FROM_RANGES,
)  # fmt: skip

ACTED_ON = frozenset({*MOVING, library("times")} - {library("permute")})
"""Ops of which the rules of identity need one: where there is none, they say nothing."""
