"""``einspec compile``: one architecture as a torch module."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from einspec.cli.options import (
    Commands,
    add_architecture,
    add_json,
    add_space,
    count,
    load_space,
    print_json,
    read_architecture,
)
from einspec.errors import CompileError


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "compile",
        help="one architecture as a torch module",
        description="Compiles an architecture and prints the module's code, or writes it with torch.export.",
    )
    add_space(parser)
    add_architecture(parser)
    parser.add_argument("--head", metavar="CLASSES", type=count, help="add a classifier for so many classes")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the weights (default 0)")
    parser.add_argument("--export", metavar="FILE.pt2", type=_pt2, help="write the module with torch.export")
    add_json(parser)
    parser.set_defaults(run=run)


def _pt2(text: str) -> Path:
    if not text.endswith(".pt2"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a file name that ends in .pt2")
    return Path(text)


def run(args: argparse.Namespace) -> int:
    """Prints the code, or what was written."""
    import einspec

    space = load_space(args)
    arch = read_architecture(space, args.arch)
    model = einspec.compile(arch, head=args.head, seed=args.seed)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if args.export is not None:
        _export(model, list(space.inputs), args.export)
    if args.json:
        exported = str(args.export) if args.export is not None else None
        print_json({"text": str(arch), "params": parameters, "code": model.code, "export": exported})
    elif args.export is not None:
        print(f"{args.export}: {parameters:,} parameters, any batch size")
    else:
        print(model.code.strip())
        print(f"\n{parameters:,} parameters")
    return 0


def _export(model: Any, inputs: list[Any], path: Path) -> None:
    """Writes the module with a free batch size. Raises ``CompileError`` where torch or the disk refuses."""
    from einspec.compiler.export import export

    try:
        export(model, inputs, path)
    except OSError as error:
        raise CompileError(f"{path}: cannot be written: {error.strerror}") from None
