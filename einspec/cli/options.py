"""Options and arguments that several commands share, and how what they name is loaded."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from einspec.errors import EinspecError, ParseError

if TYPE_CHECKING:
    from einspec.space import Architecture, Limits, Space

LIMITS = ("max_nodes", "max_depth", "max_params", "max_macs", "attempts")
_LONGEST_INPUT = 16 << 20

Commands = Any
"""argparse gives what ``add_subparsers`` returns no public name."""


def count(text: str) -> int:
    """An option that is a whole number of at least 1."""
    return _at_least(1, text)


def several(text: str) -> int:
    """An option that is a whole number of at least 2."""
    return _at_least(2, text)


def amount(text: str) -> int:
    """An option that is a whole number of at least 0."""
    return _at_least(0, text)


def number_range(text: str) -> int | tuple[int | None, int | None]:
    """An option that is a whole number, or a range as ``10..60``, ``10..`` or ``..60``."""
    if ".." not in text:
        try:
            return int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is neither a whole number nor a range as 10..60") from None
    low, _, high = text.partition("..")
    least, most = amount(low) if low else None, amount(high) if high else None
    if least is not None and most is not None and most < least:
        raise argparse.ArgumentTypeError(f"{text} is not possible: the range ends before it begins")
    return least, most


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < least:
        raise argparse.ArgumentTypeError(f"{text} is not possible: expected at least {least}")
    return value


def add_space(parser: argparse.ArgumentParser) -> None:
    """SPACE, --input, --ops and --trusted."""
    parser.add_argument("space", metavar="SPACE", help="a bundled name, or a grammar file")
    add_input(parser)
    add_ops(parser)


def add_input(parser: argparse.ArgumentParser) -> None:
    """--input."""
    parser.add_argument(
        "--input",
        metavar="TYPE",
        action="append",
        help="input type without the batch, as in 3,32,32 (default: the grammar's own); for several inputs, "
        "give --input name=TYPE several times",
    )


def add_ops(parser: argparse.ArgumentParser) -> None:
    """--ops and --trusted."""
    parser.add_argument(
        "--ops",
        metavar="MODULE",
        action="append",
        help="a Python module, or its file, with ops of your own; it is imported",
    )
    parser.add_argument(
        "--trusted",
        action="store_true",
        help="the grammar is your own: regular expressions that can be slow to match are a warning",
    )


def add_architecture(parser: argparse.ArgumentParser) -> None:
    """ARCH."""
    parser.add_argument(
        "arch",
        metavar="ARCH",
        help="the text of an architecture, a .arch file, a bundled one (resnet18), or - for standard input",
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """--max-nodes and the like."""
    for name in LIMITS:
        kind = amount if name in ("max_params", "max_macs") else count
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="N", type=kind, help=_LIMIT_HELP[name])


_LIMIT_HELP = {
    "max_nodes": "at most so many nodes that name an op (default 2000)",
    "max_depth": "nested at most so deep (default 200)",
    "max_params": "at most so many parameters",
    "max_macs": "at most so many multiply-accumulates for one example",
    "attempts": "give a draw up after so many attempts (default 10000)",
}


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def given_limits(args: argparse.Namespace) -> dict[str, int]:
    """The limits that were given."""
    return {name: getattr(args, name) for name in LIMITS if getattr(args, name) is not None}


def load_space(args: argparse.Namespace, input: Any = None) -> Space:
    """The space that the arguments name; ``input`` is the type where neither they nor the grammar give one.

    Limits that were given replace the defaults.
    """
    import einspec
    from einspec.grammar.grammar import read_file

    own = given_limits(args) if hasattr(args, "max_nodes") else {}
    limits: Limits | None = einspec.Limits(**own) if own else None
    kind = input_of(args.input)
    if kind is None and input is not None and "input" not in read_file(args.space, trusted=args.trusted).directives:
        kind = input
    return einspec.load(args.space, input=kind, ops=load_ops(args), limits=limits, trusted=args.trusted)


def load_ops(args: argparse.Namespace) -> Any:
    """The modules of --ops. Raises ``EinspecError`` for one that cannot be imported or declares no op."""
    from einspec.ops import Combinator, Primitive

    modules = []
    for name in args.ops or ():
        try:
            modules.append(_import(name))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may even ask Python to exit
            raise EinspecError(f"--ops {name}: importing it failed: {type(error).__name__}: {error}") from error
        if not any(isinstance(value, (Primitive, Combinator)) for value in vars(modules[-1]).values()):
            raise EinspecError(f"--ops {name}: the module declares no ops; expected @primitive or @combinator in it")
    return modules or None


def _import(name: str) -> ModuleType:
    """A module by its name, found from here or installed, or by the path of its file."""
    if not name.endswith(".py"):
        if "" not in sys.path:
            sys.path.insert(0, "")  # a module beside the user's grammar, as with python -m
        return importlib.import_module(name)
    path = Path(name)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # where pickle looks for its ops
    spec.loader.exec_module(module)
    return module


def input_of(texts: list[str] | None) -> Any:
    """The input types of --input; None where it was not given. Raises ``ParseError`` for what is none."""
    if not texts:
        return None
    if len(texts) == 1 and "=" not in texts[0]:
        return texts[0]
    named = dict(text.partition("=")[::2] for text in texts)
    if len(named) != len(texts) or any(not name.isidentifier() or not kind for name, kind in named.items()):
        raise ParseError(f"--input {' --input '.join(texts)}: expected one type, or name=TYPE with different names")
    return named


def read_architecture(space: Space, text: str) -> Architecture:
    """The architecture of ARCH; standard input may end in a newline. Raises ``ParseError`` if it cannot be read.

    The name of a bundled architecture means that one, unless it is a sentence of the space.
    """
    from einspec.space.text.files import SUFFIX, bundled_architectures

    if text == "-":
        return space.parse(_standard_input().rstrip(), name="<stdin>")
    if text.endswith(SUFFIX):
        return space.read(text)
    try:
        return space.parse(text)
    except ParseError:
        if text not in bundled_architectures():
            raise
    return space.read(text)


def _standard_input() -> str:
    """What comes on standard input. Raises ``ParseError`` where it is closed, too long or not text."""
    try:
        text = sys.stdin.read(_LONGEST_INPUT + 1) if sys.stdin is not None else ""
    except (OSError, ValueError) as error:
        raise ParseError(f"<stdin>: cannot be read: {error}") from None
    if len(text) > _LONGEST_INPUT:
        raise ParseError(f"<stdin>: longer than {_LONGEST_INPUT >> 20} MiB, so it is not read")
    return text


_KEYWORD = re.compile(r"\b(ops|trusted|attempts|nodes|depth|params|macs|max_\w+)=(\.\.\.|\(\w+, \w+\)|\w+)")
_LIMIT = re.compile(r"\bmax_(depth|nodes|params|macs)\b(?!=| \d)|(?<=raise )max_(depth|nodes|params|macs)\b")
_QUOTED_LINE = re.compile(r" *\d* \| ")


def as_options(message: str) -> str:
    """A message in the words of the command line: ``max_depth=3`` of Python is ``--max-depth 3`` there.

    Lines of a user's file, which messages quote, stay as they are.
    """
    lines = message.replace("input=(3, 32, 32) or --input", "--input").split("\n")
    return "\n".join(line if _QUOTED_LINE.match(line) else _line_with_options(line) for line in lines)


def _line_with_options(line: str) -> str:
    return _LIMIT.sub(lambda match: f"--max-{match[1] or match[2]}", _KEYWORD.sub(_as_option, line))


def _as_option(match: re.Match[str]) -> str:
    name, value = match[1].replace("_", "-"), match[2]
    if value == "True":
        return f"--{name}"
    if value.startswith("("):  # a range
        value = "..".join("" if end == "None" else end for end in value[1:-1].split(", "))
    return f"--{name} {'MODULE' if value == '...' else value}"


def print_error(message: str) -> None:
    """A message on standard error. One that begins with a place stays as it is, for editors to jump there."""
    message = as_options(message)
    is_placed = re.match(r"\S+:\d+:\d+: ", message) is not None
    print(message if is_placed else f"einspec: {message}", file=sys.stderr)


def print_json(value: Any) -> None:
    """A JSON value on standard output."""
    print(json.dumps(value, indent=2))
