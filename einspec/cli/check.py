"""``einspec check``: problems and figures of grammar files."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from einspec.cli.explain import first_code
from einspec.cli.options import (
    Commands,
    add_input,
    add_json,
    add_ops,
    input_of,
    load_ops,
    print_error,
    print_json,
    several,
)
from einspec.errors import EinspecError

if TYPE_CHECKING:
    from einspec.grammar.grammar import Grammar
    from einspec.space import Space

_DEPTHS = 4
"""Depths up to which architectures are counted, from the least one on."""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "check",
        help="problems and figures of grammar files",
        description="Reads grammar files, binds their ops, and prints warnings, errors with their place, and figures. "
        "Where the input type is known, it also draws: how often each production is chosen among samples, beside its "
        "weight, how many attempts fail and what rejects them.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a grammar file, or a bundled name")
    add_input(parser)
    parser.add_argument(
        "--attempts", metavar="N", type=several, default=2000, help="attempts that are drawn (default 2000)"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the draws (default 0)")
    add_ops(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Checks every file; 1 if one of them has an error."""
    ops = load_ops(args)
    reports = [_report(name, ops, args) for name in args.files]
    if args.json:
        print_json(reports)
    else:
        for report in reports:
            _print(report)
        code = first_code(
            text for report in reports for text in (report.get("error"), *report.get("warnings", ())) if text
        )
        if code is not None:
            print(f"explain with: einspec explain {code}", file=sys.stderr)
    return 1 if any("error" in report for report in reports) else 0


def _report(name: str, ops: Any, args: argparse.Namespace) -> dict[str, Any]:
    import einspec
    from einspec.grammar.grammar import read_file
    from einspec.ops.expressions.files import written_ops
    from einspec.ops.opset import own_ops
    from einspec.space.members.binding import bind, check_ops

    try:
        own = own_ops(ops)
        grammar = read_file(name, check=partial(check_ops, own), trusted=args.trusted)
        given = input_of(args.input)
        if given is None and "input" not in grammar.directives:
            written = written_ops(tuple(grammar.op_files.values()), own)
            members = {n.name: len(n.members) for n in bind(grammar, written)[0].values()}
            return {"file": name, **_figures(grammar, members), "drawn": None}
        space = einspec.load(name, input=given, ops=ops, trusted=args.trusted)
        members = {n.name: len(n.members) for n in space.nonterminals.values()}
        drawn, problems = _drawn(space, args)
        report = {"file": name, **_figures(grammar, members), "drawn": drawn}
        report["warnings"] += problems
        return report
    except EinspecError as error:
        return {"file": name, "error": str(error)}


def _drawn(space: Space, args: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """What samples are like, and the warnings that this gives cause for."""
    figures = space.realised(args.attempts, rng=args.seed)
    drawn = {
        "input": space.input_text(),
        "attempts": figures.attempts,
        "seed": args.seed,
        "successes": figures.successes,
        "rejections": figures.rejections,
        "explanations": figures.explanations,
        "mean_nodes": figures.mean_nodes if figures.successes else None,
        "mean_nodes_error": figures.mean_nodes_error if figures.successes else None,
        "counts_by_depth": space.counts_by_depth(_DEPTHS),
        "guards": figures.guards,
        "root": {name: asdict(frequency) for name, frequency in figures.root.items()},
        "productions": {name: asdict(frequency) for name, frequency in figures.productions.items()},
    }
    return drawn, [str(problem) for problem in figures.problems]


def _figures(grammar: Grammar, members: dict[str, int]) -> dict[str, Any]:
    size = grammar.expected_size
    return {
        "start": grammar.start,
        "rules": len(grammar.rules),
        "productions": sum(len(rule.productions) for rule in grammar.rules.values()),
        "members": sum(members.values()),
        "branching_rate": grammar.branching_rate,
        "critical_weights": grammar.critical_weights,
        "expected_size": _finite(size),
        "expected_leaves": _finite(grammar.expected_leaves),
        "nonterminals": {
            name: {
                "expected_count": _finite(grammar.expected_counts[name]),
                "expected_size": _finite(expected),
                "minimal_depth": grammar.minimal_depths[name],
            }
            for name, expected in sorted(grammar.expected_sizes.items())
        },
        "derivations": grammar.count(),
        "directives": dict(grammar.directives),
        "warnings": [str(problem) for problem in grammar.problems],
    }


def _finite(number: float) -> float | None:
    """A number, None where it is infinite: JSON has no infinity."""
    return None if math.isinf(number) else number


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
    for name, weight in report["critical_weights"].items():
        print(f"  critical weight {weight:.5f} of {name}, at which the rate is 1")
    leaves = "" if size is None else f", {report['expected_leaves']:.4g} of them without children"
    print(f"  expected size   {'infinite' if size is None else f'{size:.4g} nodes'}{leaves}, types not considered")
    print(f"  derivations     {_count_text(derivations)}, types not considered")
    _print_nonterminals(report["nonterminals"])
    if report["drawn"] is None:
        print("  give --input to see what samples are like, as in --input 3,32,32")
    else:
        _print_drawn(report["drawn"])


def _print_nonterminals(rows: dict[str, dict[str, float | None]]) -> None:
    width = max(map(len, ["nonterminal", *rows]))
    print(f"  {'nonterminal':{width}}  expected  nodes below  least depth")
    for name, row in rows.items():
        count, size = (
            "infinite" if row[key] is None else f"{row[key]:.4g}" for key in ("expected_count", "expected_size")
        )
        print(f"  {name:{width}}  {count:>8}  {size:>11}  {row['minimal_depth']:>11.0f}")


def _print_drawn(drawn: dict[str, Any]) -> None:
    attempts, successes = drawn["attempts"], drawn["successes"]
    print(f"At the input {drawn['input']}, {attempts:,} attempts with seed {drawn['seed']}:")
    print(f"  succeed         {successes / attempts:.1%}")
    for reason, number in drawn["rejections"].items():
        why = drawn["explanations"].get(reason)
        print(f"  fail            {number / attempts:.1%} {reason}")
        if why:
            print(f"                  as in: {why}")
    if successes:
        print(f"  sample size     {drawn['mean_nodes']:.4g} \u00b1 {drawn['mean_nodes_error']:.2g} nodes")
    for depth, number in drawn["counts_by_depth"].items():
        print(f"  up to depth {depth:<3} {number:,} architectures")
    for name, share in drawn["guards"].items():
        print(f"  guard           of {name} rejects {share:.1%} of its values, where its rule is expanded")
    for title, rows in (("at the root", drawn["root"]), ("in its rule", drawn["productions"])):
        width = max(map(len, [title, *rows]))
        print(f"  {title:{width}}   weight  samples")
        for name, row in rows.items():
            realised = "-" if row["realised"] is None else f"{row['realised']:.1%}"
            print(f"  {name:{width}}  {row['nominal']:>7.1%}  {realised:>7}")


def _count_text(derivations: int | None) -> str:
    if derivations is None:
        return "infinitely many"
    return f"{derivations:,}" if derivations < 10**30 else f"10^{len(str(derivations)) - 1} or more"
