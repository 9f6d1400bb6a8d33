"""Writing a compiled module for use without einspec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

import torch
from torch import nn

from einspec.arguments import expect_path
from einspec.compiler.emit.modules import Expects
from einspec.compiler.emit.source import source_of
from einspec.compiler.emit.transfer import architecture_of
from einspec.errors import CompileError


def export(model: nn.Module, path: str | Path) -> None:
    """Writes a module that ``compile`` has made.

    * ``.pt2``: a program of ``torch.export`` in evaluation mode, weights included, for any batch size;
    * ``.py``: readable source that needs torch alone, with a class ``Network`` that loads the module's state dict;
    * ``.pt``: that state dict.

    Raises ``CompileError`` for another suffix, for what torch cannot export, and where the disk refuses.
    """
    expect_path("path", path, "the path of a file")
    path = Path(path)
    architecture_of(model)
    writers: dict[str, Callable[[nn.Module, Path], object]] = {
        ".pt2": lambda model, path: _save_program(_program(model), path),
        ".py": lambda model, path: path.write_text(source_of(model), encoding="utf-8"),
        ".pt": lambda model, path: _write(path, lambda file: torch.save(model.state_dict(), file)),
    }
    if path.suffix not in writers:
        raise CompileError(
            f"{path}: expected a file name that ends in .py (source), .pt (weights) or .pt2 (a program of torch)"
        )
    try:
        writers[path.suffix](model, path)
    except (OSError, ValueError) as error:  # a path may hold what no file system takes
        reason = error.strerror if isinstance(error, OSError) else error
        raise CompileError(f"{path}: cannot be written: {reason}") from None


def _write(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    with path.open("wb") as file:
        write(file)


def _save_program(program: torch.export.ExportedProgram, path: Path) -> None:
    _write(path, lambda file: torch.export.save(program, file))


def _expected(model: nn.Module) -> list[tuple[tuple[int | None, ...], bool]]:
    """The sizes that a module expects, None for free ones."""
    expects = next(module for module in model.modules() if isinstance(module, Expects))
    return list(expects.kinds)


def _program(model: nn.Module) -> torch.export.ExportedProgram:
    inputs = architecture_of(model).space.inputs
    like = next((value for value in model.parameters()), torch.empty(0))
    examples = tuple(
        torch.zeros(2, *kind.sizes, dtype=torch.long if kind.dtype == "int" else like.dtype, device=like.device)
        for kind in inputs
    )
    batch = torch.export.Dim("batch")
    shapes = [
        {0: batch, **{place + 1: torch.export.Dim.AUTO for place, size in enumerate(sizes) if size is None}}
        for sizes, _ in _expected(model)
    ]
    was_training = model.training
    try:
        return torch.export.export(model.eval(), examples, dynamic_shapes=tuple(shapes))
    except Exception as error:  # torch.export has many kinds
        raise CompileError(f"torch cannot export this module: {str(error).strip().splitlines()[0]}") from None
    finally:
        model.train(was_training)
