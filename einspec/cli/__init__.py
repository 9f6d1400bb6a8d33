"""The command line: one file per command, this one to choose among them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from einspec.cli import check, compile, count, explain, ops, sample, search, show
from einspec.cli.options import print_error
from einspec.errors import EinspecError

COMMANDS = (check, explain, ops, sample, count, show, compile, search)

_EPILOG = """\
SPACE is a bundled name (einspace, nasbench201, darts, mlp) or a grammar file.
ARCH is the text of an architecture, a file that ends in .arch, or - for standard input.
Input types are written without the batch: 3,32,32 is an image, 64,48 a matrix, (8,8),48 a matrix of patches.

  einspec check einspace
  einspec explain E201
  einspec ops conv2d
  einspec sample einspace --input 3,32,32 -n 5
  einspec count einspace --input 3,32,32 --max-depth 2
  einspec show nasbench201 "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
  einspec search einspace --task digits --budget 50 --out run/

Exit codes: 0, 1 for bad input, 2 for wrong usage.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code. Bad input is one message on standard error."""
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        code: int = args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except EinspecError as error:
        print_error(str(error))
        return 1
    except KeyboardInterrupt:
        print("einspec: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone, as with "| head": nothing is wrong. What is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from einspec.cli.own_errors import is_own, print_own_error

        if is_own(error):
            print_own_error(error)
        elif isinstance(error, (OSError, UnicodeEncodeError)):
            print_error(f"the output cannot be written: {error}")
        else:
            raise
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    import einspec

    parser = argparse.ArgumentParser(
        prog="einspec",
        description="A grammar file is a neural-architecture search space: check it, sample it, compile it, search it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"einspec {einspec.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return parser
