"""``einspec explain``: what the code of an error or a warning means."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path

from einspec.cli.options import Commands, add_json, print_json
from einspec.errors import EinspecError
from einspec.text import did_you_mean, listing

_PAGES = Path(__file__).resolve().parent.parent / "grammar" / "codes"


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "explain",
        help="what the code of an error or a warning means",
        description="Prints what a code as E201 means, a grammar that has the problem, and the grammar without it; "
        "without a code, all codes.",
    )
    parser.add_argument("code", metavar="CODE", nargs="?", help="as in E201 (default: list all codes)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the page of a code, or the titles of all."""
    if args.code is None:
        titles = {code: _page(code).partition("\n")[0].removeprefix(f"# {code}: ") for code in known_codes()}
        if args.json:
            print_json([{"code": code, "title": title} for code, title in titles.items()])
        else:
            print("\n".join(f"{code}  {title}" for code, title in titles.items()))
        return 0
    code = args.code.upper()
    if code not in known_codes():
        hint = did_you_mean(code, known_codes()) or f"known are {listing(known_codes(), 'and')}"
        raise EinspecError(f"there is no code {args.code!r}; {hint}")
    if args.json:
        print_json({"code": code, "text": _page(code)})
    else:
        print(_page(code), end="")
    return 0


def known_codes() -> list[str]:
    """All codes that have a page."""
    return sorted(path.stem for path in _PAGES.glob("*.md"))


def _page(code: str) -> str:
    return (_PAGES / f"{code}.md").read_text("utf-8")


def first_code(messages: Iterable[str]) -> str | None:
    """The code of the first problem in messages; None where there is none."""
    for message in messages:
        match = re.match(r".*?:\d+:\d+: (?:error|warning)\[([EW]\d{3})\]: ", message)
        if match is not None:
            return match[1]
    return None
