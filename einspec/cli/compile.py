"""``einspec compile``: one architecture as a torch module."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

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
from einspec.errors import EinspecError


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "compile",
        help="one architecture as a torch module",
        description="Compiles an architecture and prints the module's code, or writes it for use without einspec.",
    )
    add_space(parser)
    add_architecture(parser)
    parser.add_argument("--head", metavar="CLASSES", type=count, help="add a classifier for so many classes")
    parser.add_argument(
        "--free", metavar="AXES", help="axes that shall have any size: h,w or l; all for all but channels that can be"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the weights (default 0)")
    parser.add_argument("--no-fuse", action="store_true", help="keep the graph's own primitives, one by one")
    parser.add_argument(
        "--export",
        metavar="FILE",
        type=_exported,
        help="write the module: FILE.py as source that needs torch alone, FILE.pt2 with torch.export",
    )
    parser.add_argument("--weights", metavar="FILE.pt", type=_weights, help="write the state dict, which FILE.py loads")
    parser.add_argument(
        "--max-memory",
        metavar="SIZE",
        type=_bytes,
        help="refuse what needs more for its weights and to run one example, as in 2GiB",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def _exported(text: str) -> Path:
    if not text.endswith((".pt2", ".py")):
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a file name that ends in .py or .pt2; --weights writes a state dict"
        )
    return Path(text)


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)?", text)
    size = int(float(match[1]) * 1024 ** ("B", "KiB", "MiB", "GiB", "TiB").index(match[2] or "B")) if match else 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a size, as in 2GiB, 500MiB or a number of bytes")
    return size


def _weights(text: str) -> Path:
    if not text.endswith(".pt"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a file name that ends in .pt")
    return Path(text)


def _free(text: str | None) -> tuple[str, ...] | bool:
    """The letters of --free."""
    if text is None:
        return ()
    return True if text == "all" else tuple(letter.strip() for letter in text.split(","))


def run(args: argparse.Namespace) -> int:
    """Prints the code, or what was written."""
    import einspec

    space = load_space(args)
    arch = read_architecture(space, args.arch)
    options = {"fuse": not args.no_fuse, "seed": args.seed, "max_memory": args.max_memory}
    try:
        model = einspec.compile(arch, head=args.head, free=_free(args.free), **options)
    except ValueError as error:  # of free, which einspec checks against the inputs
        raise EinspecError(f"--free {args.free}: {str(error).partition(': ')[2]}") from None
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if args.export is not None:
        einspec.export(model, args.export)
    if args.weights is not None:
        einspec.export(model, args.weights)
    if args.json:
        files = {name: str(path) for name, path in (("export", args.export), ("weights", args.weights)) if path}
        print_json({"text": str(arch), "params": parameters, "code": model.code, "export": None, **files})
    elif args.export is None and args.weights is None:
        print(model.code.strip())
        print(f"\n{parameters:,} parameters")
    else:
        for path in (args.export, args.weights):
            if path is not None:
                print(f"{path}: {parameters:,} parameters{'' if path is args.weights else ', any batch size'}")
    return 0
