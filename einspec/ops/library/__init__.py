"""The ops that every grammar file can name."""

from __future__ import annotations

from einspec.ops.library import darts, image, merge, mlp, nasbench201, tensor, wiring

MODULES = (wiring, tensor, merge, image, nasbench201, darts, mlp)
