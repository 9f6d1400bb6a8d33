"""The best architecture of a search as files: weights, JSON and text.

best.pt      the ``state_dict`` of its module
best.json    for ``space.from_json``
best.arch    its text, for ``space.parse`` and the command line
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from einspec.arguments import expect_path, wrong
from einspec.search.files import write_whole

if TYPE_CHECKING:
    from einspec.space import Architecture


def save_best(out: str | os.PathLike[str], arch: Architecture, model: nn.Module) -> list[Path]:
    """Write ``best.pt``, ``best.json`` and ``best.arch`` into a folder; their paths.

    Each file is replaced as a whole: a process that is killed leaves the old or the new one. Raises
    ``StoreError`` if they cannot be written.
    """
    expect_path("out", out, "the path of a folder")
    for name, value, method, expected in (
        ("arch", arch, "to_json", "an architecture"),
        ("model", model, "state_dict", "a module"),
    ):
        if not callable(getattr(value, method, None)):
            raise wrong(name, value, expected)
    contents: dict[str, Callable[[Path], object]] = {
        "best.pt": lambda path: path.write_bytes(_serialised(model)),
        "best.json": lambda path: path.write_text(arch.to_json() + "\n", encoding="utf-8"),
        "best.arch": lambda path: path.write_text(f"{arch}\n", encoding="utf-8"),
    }
    return [write_whole(Path(out) / name, write) for name, write in contents.items()]


def _serialised(model: nn.Module) -> bytes:
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return buffer.getvalue()
