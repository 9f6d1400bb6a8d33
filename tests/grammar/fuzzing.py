"""Fuzzing the loader and the parser: ``python -m tests.grammar.fuzzing --minutes 10 --seed 0``.

Grammar files of every construct are damaged, loaded, and used as a user would. What is neither a result nor an
``EinspecError``, takes too long, or breaks a law of the library is a failure; failing inputs go to ``--out``.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import einspec
from einspec.grammar import bundled_names, read_text
from tests.grammar.test_constructs import CASES, LEAVES
from tests.grammar.test_constructs import OPS as CONSTRUCT_OPS
from tests.grammar.test_lark_corpus import MORE
from tests.helpers import bundled
from tests.space.small_spaces import GRAMMARS
from tests.space.small_spaces import OPS as SMALL_OPS

SECONDS = 5
"""That a step may take on an idle core; the watchdog lets a busy one take twice as long."""
OPS = [*CONSTRUCT_OPS, *SMALL_OPS]
INPUT = (8, 8, 8)

PIECES = [
    "//%", "//", "/", '"', "(", ")", "[", "]", "{", "}", "|", "->", ":", ",", "?", "*", "+", "~2", "..", "!", "%ignore",
    "%import", "\\", "\n", "\r", "\t", " ", "0", "1/3", "-", "e9", "start", "WIDTH", "_", "é", "\0", "\u2028", "\ud800",
    "A: B", "\\x4", "~2..4", "~3", "%extend ", "%override ", "%import einspace.module\n", "%import common.INT\n",
    "//% ?0.5", "//% *0.3", "//% range 1..9", "//% log 1..9 in 3", "//% depth 0.1 0.2", " | ", "\n | ", "/a+b/",
    "/(a|b)*/", '"x"i', '"a".."z"', "-> seq", "-> one", "-> many", "{x}", "{r}", "%ignore /\\s+/\n", "99999999999",
]  # fmt: skip
MACROS = """\
def conv(kernel, stride, padding, width) = route(im2col(kernel,stride,padding), linear(width), col2im)
def chain(parts...) = seq(parts, ...)
def act = seq(norm, relu)
chain(conv(3,2,1, 64), act, maxpool(3,2,1))  // a comment
"""


class Hang(BaseException):
    """A step takes too long."""


@dataclass
class Report:
    """What a run of fuzzing found."""

    tried: int = 0
    loaded: int = 0
    failures: dict[str, bytes] = field(default_factory=dict)
    slowest: float = 0.0

    def note(self, what: str, data: bytes) -> None:
        """Notes a failure, by what it is; the shortest input of each is kept."""
        if what not in self.failures or len(data) < len(self.failures[what]):
            self.failures[what] = data


def damaged(text: str, rng: random.Random) -> str:
    """A text with up to four mistakes."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        width = rng.choice([1, 1, 1, 2, 5, 20, 200])
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + text[at + width :]
        elif kind == 1:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind == 2:
            text = text[:at] + rng.choice(PIECES) + text[at + width :]
        elif kind == 3:  # two pieces change places
            at, to = sorted((at, rng.randrange(len(text) + 1)))
            one, other = text[at : at + width], text[to : to + width]
            text = text[:at] + other + text[at + width : to] + one + text[to + width :]
        else:
            text = text[: at + width] + text[at:]
    return text


@cache
def grammars() -> list[str]:
    """Grammar files of every construct."""
    texts = [f"{text}\n{LEAVES}" for text, _ in CASES.values()]
    texts += [*MORE.values(), *(text for text, _ in GRAMMARS.values())]
    return [*texts, *(bundled(name).grammar.text for name in bundled_names())]


@contextmanager
def watched(seconds: float) -> Iterator[None]:
    """Raises ``Hang`` in what takes longer."""

    def ring(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def try_grammar(data: bytes, report: Report, folder: Path, rng: random.Random) -> None:
    """Loads a grammar file and uses it."""
    path = folder / "fuzzed.lark"
    path.write_bytes(data)
    report.tried += 1
    step = "load"
    try:
        with watched(2 * SECONDS), suppress(einspec.EinspecError):
            space = einspec.load(path, input=INPUT, ops=OPS)
            report.loaded += 1
            for step in _use(space, rng):  # noqa: B007 - named where something goes wrong
                pass
    except Hang:
        report.note(f"{step}: takes too long", data)
    except (Exception, RecursionError) as error:
        report.note(f"{step}: {type(error).__name__}: {str(error)[:100]}", data)


def _use(space: einspec.Space, rng: random.Random) -> Iterator[str]:
    """What users do with a space, and laws that hold then, step by step."""
    yield "problems"
    codes = {problem.code for problem in space.grammar.problems}
    yield "to_lark"
    known = dict(space.grammar.imported)
    assert read_text(space.grammar.to_lark(), space.name, imported=known) == space.grammar
    yield "sample"
    arch = space.sample(rng=rng.randrange(100), max_nodes=100, attempts=30)
    yield "text"
    text = str(arch)
    yield "from_choices"
    assert space.from_choices(arch.choices) == arch
    yield "log_prob"
    assert -1e9 < arch.log_prob < 1e-9
    yield "count"
    with suppress(einspec.SamplingError):
        space.count(max_nodes=5, max_depth=3)
    yield "mutate"
    with suppress(einspec.SamplingError):
        space.mutate(arch, rng=1, attempts=10)
    yield "parse"
    try:
        assert space.parse(text) == arch or codes & {"W503", "W507"}, text
    except einspec.ParseError:
        assert codes & {"W503", "W507"}, text
    yield "parse damaged"
    with suppress(einspec.EinspecError):
        space.parse(damaged(text, rng))


@cache
def einspace() -> einspec.Space:
    """The space that architectures are parsed in."""
    return bundled("einspace")


def try_architecture(text: str, report: Report) -> None:
    """Parses an architecture text of einspace, with macros perhaps."""
    report.tried += 1
    try:
        with watched(2 * SECONDS), suppress(einspec.ParseError, einspec.ShapeError):
            einspace().parse(text)
            report.loaded += 1
    except Hang:
        report.note("architecture: takes too long", text.encode("utf-8", "surrogatepass"))
    except (Exception, RecursionError) as error:
        what = f"architecture: {type(error).__name__}: {str(error)[:100]}"
        report.note(what, text.encode("utf-8", "surrogatepass"))


def fuzz(rng: random.Random, report: Report, folder: Path) -> None:
    """One input of some kind."""
    kind = rng.randrange(10)
    start = time.perf_counter()
    if kind == 0:
        try_architecture(damaged(rng.choice([MACROS, str(einspace().sample(rng=rng))]), rng), report)
    elif kind == 1:
        try_grammar(bytes(rng.randrange(256) for _ in range(rng.randrange(60))), report, folder, rng)
    else:
        text = rng.choice(grammars())
        data = damaged(text, rng).encode("utf-8", "surrogatepass" if rng.random() < 0.01 else "replace")
        try_grammar(data, report, folder, rng)
    report.slowest = max(report.slowest, time.perf_counter() - start)


def main() -> None:
    """Fuzzes for some minutes and prints what was found."""
    parser = argparse.ArgumentParser(description="Fuzzes the loader and the parser.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a folder for inputs that fail")
    args = parser.parse_args()
    warnings.simplefilter("error")
    rng, report = random.Random(args.seed), Report()
    end = time.monotonic() + 60 * args.minutes
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            fuzz(rng, report, Path(folder))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{report.tried:,} inputs, {report.loaded:,} loaded, slowest {report.slowest:.1f} s, {memory:,.0f} MiB")
    for what, data in report.failures.items():
        print(f"==== {what}\n{data[:2000].decode('utf-8', 'replace')}")
        if args.out is not None:
            args.out.mkdir(parents=True, exist_ok=True)
            (args.out / f"{hashlib.sha256(data).hexdigest()[:12]}.lark").write_bytes(data)
    raise SystemExit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
