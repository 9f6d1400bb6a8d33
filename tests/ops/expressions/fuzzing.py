"""Defs and guards that nobody would write: edits of real ones, and texts meant to break out.

``python -m tests.ops.expressions.fuzzing --seconds 600`` goes on as long as that, and prints what it saw.
"""

from __future__ import annotations

import argparse
import dis
import random
import re
import resource
import time
from collections import Counter
from pathlib import Path
from types import CodeType

import einspec
from einspec.errors import EinspecError
from einspec.ops.expressions.values import HELPERS, OPERATORS
from einspec.ops.expressions.written import PASSAGES, WrittenOp

ROOT = Path(__file__).parents[3]
SEEDS = [*sorted((ROOT / "tests" / "networks").glob("*.lark")), *sorted((ROOT / "grammars").glob("*.lark"))]
SLOWEST = 5.0
"""Seconds that one text may take."""
LARGEST = 1 << 30
"""Bytes that the process may have."""

HOSTILE = [
    "__import__('os')", "().__class__", "x.__class__.__mro__", "x.__init__.__globals__", "10**10**10", "2**2**2**2**9",
    "(lambda: 0)()", "[i for i in range(4096) for j in range(4096)]", "range(10**9)", "'%9999999d' % 1", "'a' * 10**9",
    "(1,) * 10**9", "x.shape * 10**9", "open('/etc/passwd')", "eval('1')", "exec('1')", "getattr(x, 'c')", "globals()",
    "f'{x}'", "{**x}", "x.c.real", "x.shape.__len__", "-" * 70 + "1", "(" * 70, "not " * 70 + "x", "x if x else " * 60,
    "[" * 40 + "]" * 40, "tuple(tuple(tuple(range(4096)) for _ in range(4096)) for _ in range(9))", "max()", "1/0",
    "sum(range(4096), ())", "each(x, x)", "tie(3)", "let(x, x)", "refuse(x)", "sorted(((1, 2), (0,)))", "1e308 * 1e308",
    "(0 - 8) ** 0.5", "0 ** (0 - 1)", "round(2.5, 10**9)", "int(1e300)", "x == x", "x in (x,)", "(x,) == (x,)",
    "while True: pass", "import os", "global x", "del x", "x: int = 3", "async def g(): pass", "yield x", "return",
    "break", "\\", "\x00", "\t", "\u202e", "é", "0x" + "f" * 400, "1" * 500, "_" * 300, "#" * 50, '"""', "'''",
]  # fmt: skip
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def mutated(rng: random.Random) -> str:
    """A file with a few of the pieces of its defs and guards changed."""
    lines = rng.choice(SEEDS).read_text(encoding="utf-8").split("\n")
    inside = [i for i, line in enumerate(lines) if line.startswith("//%") or " if " in line]
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if not inside:
            break
        place = rng.choice(inside)
        if rng.random() < 0.1:
            lines[place] += f"   //% if {rng.choice(HOSTILE)}"
            continue
        if rng.random() < 0.1:
            lines.insert(place + 1, f"//%     {rng.choice(HOSTILE)}")
            continue
        tokens = TOKEN.findall(lines[place])
        at = rng.randrange(len(tokens)) if tokens else 0
        kind = rng.randrange(5)
        if kind == 0 and tokens:
            del tokens[at]
        elif kind == 1 and tokens:
            tokens.insert(at, rng.choice(tokens))
        elif kind == 2 and tokens:
            other = rng.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind == 3:
            tokens.insert(at, rng.choice(HOSTILE))
        elif tokens:
            tokens[at] = rng.choice(HOSTILE)
        lines[place] = "".join(tokens)
    return "\n".join(lines)


def tried(text: str) -> str:
    """What a text comes to: the class of its error, or that it was drawn from."""
    try:
        space = einspec.loads(text)
        for op in space.ops.values():
            if isinstance(op, WrittenOp):
                check_code(op)
        arch = space.sample(rng=0, max_nodes=40, attempts=20)
        space.parse(str(arch))
    except EinspecError as error:
        return type(error).__name__
    return "drawn"


_FORBIDDEN = {"LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR", "IMPORT_NAME", "IMPORT_FROM", "STORE_GLOBAL", "LOAD_BUILD_CLASS", "BINARY_OP", "BINARY_SUBSCR"}  # fmt: skip


def check_code(op: WrittenOp) -> None:
    """The code of a def loads no attribute, imports nothing, computes nothing itself, and names ops and guards alone."""
    names = op.function.__globals__
    assert names["__builtins__"] == {}
    assert set(names) <= {*HELPERS, *OPERATORS, PASSAGES, "__builtins__"} | {
        name for name, value in names.items() if isinstance(value, einspec.ops.Primitive) or callable(value)
    }
    codes: list[CodeType] = [op.function.__code__]
    while codes:
        code = codes.pop()
        found = {instruction.opname for instruction in dis.get_instructions(code)}
        assert not found & _FORBIDDEN, (op.name, found & _FORBIDDEN)
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def run(rng: random.Random, count: int | None = None, seconds: float = 0.0) -> Counter[str]:
    """Tries so many texts, or as many as the time allows; fails on anything but an error of einspec's own."""
    outcomes: Counter[str] = Counter()
    begin = time.perf_counter()
    while (count is not None and sum(outcomes.values()) < count) or time.perf_counter() - begin < seconds:
        text = mutated(rng)
        start = time.perf_counter()
        try:
            outcomes[tried(text)] += 1
        except BaseException:
            Path("fuzzed.lark").write_text(text, encoding="utf-8", errors="surrogatepass")
            raise
        took = time.perf_counter() - start
        assert took < SLOWEST, f"{took:.1f} s:\n{text}"
    return outcomes


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(dict(run(random.Random(args.seed), seconds=args.seconds)))
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{size >> 20} MiB at most")
    assert size < LARGEST
