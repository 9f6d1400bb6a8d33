"""The ops that every grammar file can name."""

from __future__ import annotations

from einspec.ops.library import (
    activations,
    arithmetic,
    attention,
    image,
    merge,
    norms,
    patterns,
    recurrence,
    regularisers,
    tensor,
    wiring,
)

MODULES = (wiring, tensor, activations, arithmetic, merge, norms, image, patterns, attention, recurrence, regularisers)
