"""``einspec check``: problems and figures of grammar files."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any

from einspec.cli.options import Commands, add_json, add_ops, load_ops, print_error, print_json
from einspec.errors import EinspecError

if TYPE_CHECKING:
    from einspec.grammar.model import Grammar


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "check",
        help="problems and figures of grammar files",
        description="Reads grammar files, binds their ops, and prints warnings, errors with their place, and figures.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a grammar file, or a bundled name")
    add_ops(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Checks every file; 1 if one of them has an error."""
    ops = load_ops(args)
    reports = [_report(name, ops) for name in args.files]
    if args.json:
        print_json(reports)
    else:
        for report in reports:
            _print(report)
    return 1 if any("error" in report for report in reports) else 0


def _report(name: str, own_ops: Any) -> dict[str, Any]:
    from einspec.grammar.read import read_file
    from einspec.ops.opset import collect_ops
    from einspec.space.binding import bind
    from einspec.space.space import directive_type

    try:
        grammar = read_file(name)
        if "input" in grammar.directives:
            directive_type(grammar)
        members = {n.name: len(n.members) for n in bind(grammar, collect_ops(own_ops)).values()}
    except EinspecError as error:
        return {"file": name, "error": str(error)}
    return {"file": name, **_figures(grammar, members)}


def _figures(grammar: Grammar, members: dict[str, int]) -> dict[str, Any]:
    size = grammar.expected_size
    return {
        "start": grammar.start,
        "rules": len(grammar.rules),
        "productions": sum(len(rule.productions) for rule in grammar.rules.values()),
        "members": sum(members.values()),
        "branching_rate": grammar.branching_rate,
        "expected_size": None if math.isinf(size) else size,
        "derivations": grammar.count(),
        "directives": dict(grammar.directives),
        "warnings": [str(problem) for problem in grammar.problems],
    }


def _print(report: dict[str, Any]) -> None:
    if "error" in report:
        print_error(report["error"])
        return
    for warning in report["warnings"]:
        print(warning)
    size, derivations = report["expected_size"], report["derivations"]
    print(f"{report['file']}: good")
    print(f"  start           {report['start']}")
    for name, value in report["directives"].items():
        if name != "start":
            print(f"  {name:15} {value}")
    print(f"  rules           {report['rules']}, {report['productions']} productions, {report['members']} members")
    print(f"  branching rate  {report['branching_rate']:.5f} (from 1 on, the expected size is infinite)")
    print(f"  expected size   {'infinite' if size is None else f'{size:.4g} nodes'}, types not considered")
    print(f"  derivations     {_count_text(derivations)}")


def _count_text(derivations: int | None) -> str:
    if derivations is None:
        return "infinitely many"
    return f"{derivations:,}" if derivations < 10**30 else f"10^{len(str(derivations)) - 1} or more"
