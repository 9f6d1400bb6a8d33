"""``einspec count``: how many architectures a space has."""

from __future__ import annotations

import argparse
from typing import Any

from einspec.cli.options import Commands, add_json, add_limits, add_space, load_space, print_json


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "count",
        help="how many architectures a space has",
        description="Counts the architectures within the limits: exactly where types tell it in a few seconds of "
        "work, else by an estimate, marked as one, with its standard error.",
    )
    add_space(parser)
    parser.add_argument(
        "--by-output", action="store_true", help="the number of each output type; an error where that is not exact"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of an estimate's draws (default 0)")
    add_limits(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the number."""
    space = load_space(args)
    if args.by_output:
        by_output = {str(output): count for output, count in space.counts_by_output().items()}
        if args.json:
            print_json({"count": sum(by_output.values()), "by_output": by_output})
            return 0
        for output, number in sorted(by_output.items(), key=lambda pair: (-pair[1], pair[0])):
            print(f"{number:>12,}  {output}")
        print(f"{sum(by_output.values()):>12,}  in all")
        return 0
    found = space.count(rng=args.seed)
    if args.json:
        print_json(describe_count(found))
    else:
        print(count_text(found))
    return 0


def describe_count(found: Any) -> dict[str, Any]:
    """What JSON says of a count: a whole number, or an estimate with its standard error."""
    error = getattr(found, "error", None)
    return {"count": found if error is None else float(found), "is_exact": error is None, "error": error}


def count_text(found: Any) -> str:
    """A count for people."""
    return f"{found:,}" if isinstance(found, int) else str(found)
