"""``einspec ops``: the ops of the library, by family, and one of them with an example that runs."""

from __future__ import annotations

import argparse
import inspect
import textwrap
from typing import Any

from einspec.cli.options import Commands, add_json, print_json
from einspec.errors import EinspecError
from einspec.text import did_you_mean, listing

CONTROL = ("each", "let", "refuse", "scan", "tie")
"""Functions that combinators call, which are no ops: they take children."""


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "ops",
        help="the ops that every grammar file can name",
        description="Lists the ops of the library by family, with what they take and give; with a name, that op, its "
        "laws, and a grammar file with it that runs.",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="an op or a family, as in conv2d (default: list all)")
    parser.add_argument("--markdown", action="store_true", help="the list as a page of Markdown")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the list, a family, or one op."""
    from einspec.ops.catalogue import catalogue, markdown

    if args.markdown:
        print(markdown(), end="")
        return 0
    if args.name in CONTROL:
        _print_control(args.name, is_json=args.json)
        return 0
    entries = catalogue()
    names, families = [entry.name for entry in entries], list(dict.fromkeys(entry.family for entry in entries))
    if args.name in names:
        report = _report(next(entry for entry in entries if entry.name == args.name))
        if args.json:
            print_json(report)
        else:
            _print(report)
        return 0
    if args.name is not None and args.name not in families:
        hint = did_you_mean(args.name, [*names, *families, *CONTROL]) or f"families are {listing(families, 'and')}"
        raise EinspecError(f"there is no op {args.name!r} in the library; {hint}")
    shown = [entry for entry in entries if args.name in (None, entry.family)]
    if args.json:
        rows = [{"name": e.name, "family": e.family, "signature": e.signature, "summary": e.summary} for e in shown]
        print_json(rows)
        return 0
    family = ""
    for entry in shown:
        if entry.family != family:
            family = entry.family
            print(family)
        print(f"  {entry.signature}\n      {entry.summary}")
    if args.name is None:
        print(f"what combinators call besides: {listing(CONTROL, 'and')}")
    return 0


def _print_control(name: str, *, is_json: bool) -> None:
    """One of the functions by which combinators call their children."""
    from einspec.ops import control

    function = getattr(control, name)
    signature = f"{name}{inspect.signature(function)}"
    if is_json:
        print_json({"name": name, "signature": signature, "documentation": inspect.getdoc(function)})
    else:
        print(f"{signature}\n\n{textwrap.indent(inspect.getdoc(function) or '', '  ')}")


def _report(entry: Any) -> dict[str, Any]:
    """One op: what it is, its laws, and what its example comes to."""
    import einspec
    from einspec.ops.catalogue import example
    from einspec.ops.declare import Primitive

    text = example(entry.op)
    space = einspec.loads(text)
    arch = space.sample(rng=0)
    laws = entry.op.laws.declared() if isinstance(entry.op, Primitive) else {}
    return {
        "name": entry.name,
        "family": entry.family,
        "signature": entry.signature,
        "documentation": entry.op.__doc__ or "",
        "kind": "primitive" if isinstance(entry.op, Primitive) else "combinator",
        "laws": laws,
        "example": text,
        "sentence": str(arch),
        "input": space.input_text(),
        "output": " and ".join(map(str, arch.output if isinstance(arch.output, tuple) else (arch.output,))),
        "params": arch.params,
        "macs": arch.macs,
    }


def _print(report: dict[str, Any]) -> None:
    import inspect

    print(f"{report['signature']}    {report['kind']}, {report['family']}")
    print()
    print("\n".join(f"  {line}".rstrip() for line in inspect.cleandoc(report["documentation"]).split("\n")))
    laws = [name if value is True else f"{name} {value}" for name, value in report["laws"].items()]
    if laws:
        print(f"\nlaws: {', '.join(laws)}")
    print("\nAn example, as a grammar file:\n")
    print("\n".join(f"    {line}".rstrip() for line in report["example"].rstrip().split("\n")))
    print(f"\n{report['sentence']}: {report['input']} -> {report['output']}, ", end="")
    print(f"{report['params']:,} parameters, {report['macs']:,} MACs")
