"""``einspec sample``: architectures drawn from a space."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from einspec.cli.options import Commands, add_json, add_limits, add_space, count, load_space, number_range, print_json
from einspec.errors import EinspecError

if TYPE_CHECKING:
    from einspec.space import Architecture, Space

_RANGES = {
    "nodes": "nodes that name an op; sizes are drawn first where the grammar allows it",
    "depth": "how deep they nest",
    "params": "parameters",
    "macs": "multiply-accumulates for one example",
}
"""What can be asked for as a range."""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "sample",
        help="architectures drawn from a space",
        description="Draws valid architectures, one per line. The same seed draws the same ones everywhere.",
    )
    add_space(parser)
    parser.add_argument("-n", metavar="N", type=count, default=10, help="how many (default 10)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the draws (default 0)")
    parser.add_argument("--unique", action="store_true", help="no two of the same key")
    for name, what in _RANGES.items():
        parser.add_argument(f"--{name}", metavar="N..M", type=number_range, help=f"{what}: a number, or a range")
    parser.add_argument("--output", metavar="TYPE", help="only architectures of this output type, as in 64,8,8")
    parser.add_argument(
        "--contains", metavar="OP", action="append", help="only with this op, as in linear or linear(64); repeatable"
    )
    add_limits(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the samples as they are drawn."""
    space = load_space(args)
    asked = {name: value for name in (*_RANGES, "output", "contains") if (value := getattr(args, name)) is not None}
    samples = _asked(space, args, asked)
    if args.json:
        print_json([describe(arch) for arch in samples])
    else:
        for arch in samples:
            print(arch)
    return 0


def _asked(space: Space, args: argparse.Namespace, asked: dict[str, Any]) -> Iterator[Architecture]:
    """The samples. Raises ``EinspecError`` for an op that the grammar does not have."""
    try:
        return space.samples(args.n, rng=args.seed, unique=args.unique, **asked)
    except ValueError as error:
        raise EinspecError(str(error)) from None


def describe(arch: Architecture) -> dict[str, Any]:
    """What JSON says of an architecture."""
    output = arch.output if isinstance(arch.output, tuple) else (arch.output,)
    return {
        "text": str(arch),
        "input": arch.space.input_text(),
        "output": "; ".join(map(str, output)),
        "nodes": len(arch),
        "depth": arch.depth,
        "params": arch.params,
        "macs": arch.macs,
        "log_prob": arch.log_prob if arch.log_prob > float("-inf") else None,
        "key": arch.key,
        "identity": arch.identity,
        "settings": arch.settings,
    }
