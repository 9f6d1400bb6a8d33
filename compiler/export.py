"""Writing a compiled module for use without einspec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from einspec.types import Type


def export(model: nn.Module, inputs: Sequence[Type], path: Path) -> None:
    """Writes a module in evaluation mode with ``torch.export``; the batch size stays free. ``inputs`` are its types."""
    examples = tuple(
        torch.zeros(2, *kind.sizes, dtype=torch.long if kind.dtype == "int" else torch.float32) for kind in inputs
    )
    batch = torch.export.Dim("batch")
    was_training = model.training
    try:
        program = torch.export.export(model.eval(), examples, dynamic_shapes=tuple({0: batch} for _ in examples))
    finally:
        model.train(was_training)
    with path.open("wb") as file:
        torch.export.save(program, file)
