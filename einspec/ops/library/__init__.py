"""The ops that every grammar file can name."""

from __future__ import annotations

from einspec.ops.library import (
    activations,
    arithmetic,
    attention,
    convolutions,
    merge,
    norms,
    patterns,
    pools,
    recurrence,
    regularisers,
    resizing,
    tensor,
    wiring,
)

MODULES = (
    wiring, tensor, activations, arithmetic, merge, norms, convolutions, pools, resizing, patterns, attention,
    recurrence, regularisers,
)  # fmt: skip
