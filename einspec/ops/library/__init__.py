"""The ops that every grammar file can name."""

from __future__ import annotations

from einspec.ops.library import image, merge, tensor, wiring

MODULES = (wiring, tensor, merge, image)
