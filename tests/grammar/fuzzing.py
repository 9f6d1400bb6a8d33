"""Random grammar files, architecture texts and macros, and what must hold for each of them.

``python -m tests.grammar.fuzzing --minutes 10 --seed 0 --out FOLDER`` runs for long: it prints each failure with its
input, then the slowest inputs and the peak of memory, and saves inputs that fail in the folder.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import einspec
from einspec.grammar import Grammar, bundled_names, read_text
from einspec.grammar.model.items import value_kinds
from einspec.grammar.parsing.earley.chart import TooMuchWork, Unparsed
from einspec.grammar.parsing.sentences import SentenceParser
from einspec.ops import combinator, primitive
from einspec.ops.declare import Op
from einspec.ops.opset import library_ops
from einspec.space import Space
from einspec.types import Type
from tests.helpers import INPUTS, bundled

SLOW = 5.0
"""Seconds that one step may take."""
_INPUT = (8, 8)
_AMBIGUOUS = ("W503", "W507")
PIECES = [
    "//%", "//", "/", '"', "(", ")", "[", "]", "{", "}", "|", "->", ":", ",", "?", "*", "+", "~2", "..", "!", "%ignore",
    "%import", "\\", "\n", "\r", "\t", " ", "0", "1/3", "-", "e9", "start", "WIDTH", "_", "é", "\0", "\u2028", "\ud800",
    "A: B", "\\x4", "%extend ", "%override ", "~0..2", "//% depth 0.1 0.2", "?0.8", "*0.3", "//% range 1..4",
    "common.INT", "{a, b}", "\u202e", "\u0301", "{}", "%s", "{0}", ".2", "i", "_a", "einspace__module",
]  # fmt: skip


def damaged(text: str, rng: random.Random) -> str:
    """A text with a few pieces left out, put in, swapped or doubled."""
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
            to = rng.randrange(len(text) + 1)
            at, to = sorted((at, to))
            one, other = text[at : at + width], text[to : to + width]
            text = text[:at] + other + text[at + width : to] + one + text[to + width :]
        else:
            text = text[: at + width] + text[at:]
    return text


# ---- ops that take anything --------------------------------------------------------------------


def _through(x: Any, value: Any) -> Any:
    if value is None or isinstance(value, str):
        return x
    if not isinstance(value, tuple):
        return value(x)
    for part in value:
        x = _through(x, part)
    return x


def any_op(name: str, kinds: tuple[str, ...]) -> Op:
    """An op of these arguments and children: it calls all its children, one after the other."""
    parameters = [f"a{i}: str" if kind == "argument" else f"c{i}" for i, kind in enumerate(kinds)]
    children = [f"c{i}" for i, kind in enumerate(kinds) if kind == "child"]
    space: dict[str, Any] = {"through": _through, "Type": Type}
    if children:
        exec(f"def op(x, {', '.join(parameters)}):\n  return through(x, ({', '.join(children)},))", space)
    else:
        exec(f"def op(x: Type, {', '.join(parameters)}) -> Type:\n  return x", space)
    space["op"].__name__ = space["op"].__qualname__ = name
    made: Op = (combinator if children else primitive)(space["op"])
    return made


def ops_for(grammar: Grammar) -> list[Op]:
    """Ops for all names of a grammar that the library lacks, as its first production of each name needs them."""
    found: dict[str, Op] = {}
    for rule in grammar.rules.values():
        for production in rule.productions:
            name = production.op_name
            if not production.is_transparent and name not in found and name not in library_ops():
                found[name] = any_op(name, value_kinds(production.items))
    return list(found.values())


# ---- grammars ------------------------------------------------------------------------------------

_RULES = ["a", "b", "c0", "n0", "n1", "p3", "t", "x__y", "einspace__m", "_i", "_j", "_k__l", "lambda_", "class"]
_TERMINALS = ["T1", "T0", "W", "X__Y", "_P", "A", "EINSPACE__W"]
_WORDS = [
    '"(" ', '")"', '","', '"seq"', '"a"', '"ab"', '"b"', '"é"', '"{}"', '"%s"', '"{0}"', '"\\""', '"\\\\"', '"/"',
    '"\\u2028"', '"\\n"', '" "', '"3"', '"4,2"', '"Relu"i', '"\u202e"', '"\u0301"', '"#"', '"//"', '"\\x00"', '"_"',
]  # fmt: skip
_REGEXPS = [
    "/[0-9]+/", "/a/", "/[a-c]/i", "/x(y|z)/s", "/\\w+/", "/(?!a)./", "/\\//", "/ /", "/[^a]/", "/1|2/", "/./",
    "/\\\\/", "/[\\]]/", "/a{2,3}/", "/é+/", "/(a|b)+c/",
]  # fmt: skip
_NUMBERS = ["0", "0.5", "1/3", "0.25", "1e-9", "1", ".1", "1/7", "1e-99", "0.000001"]
_WRONG_IMPORTS = ["%import .self.a", "%import missing.a", "%import mlp.nothing", "%import einspace"]
_IMPORTS = [
    "%import einspace.computation -> c0", "%import einspace (module -> a, WIDTH)", "%import common.INT -> T1",
    "%import common (DIGIT, WS)", "%import mlp.mlp -> b", "%import nasbench201.network -> c0",
    "%import einspace.network\n%extend network: a", "%import einspace.module\n%override module: a | module",
    "%import darts (cell -> n0)", "%import common.SIGNED_NUMBER -> A", "%import mlp (block -> b, WIDTH -> W)",
]  # fmt: skip


class Writer:
    """Writes random grammar files out of all constructs."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.ops = 0
        self.is_inline = False
        self.rules = rng.sample(_RULES, rng.randint(1, 6))
        self.terminals = rng.sample(_TERMINALS, rng.randint(0, 4))
        self.templates = {f"u{i}": rng.randint(1, 2) for i in range(rng.choice([0, 0, 1, 2]))}
        if rng.random() < 0.2:
            self.templates["_v"] = 1

    def text(self) -> str:
        """A grammar file."""
        rng = self.rng
        lines = []
        if rng.random() < 0.3:
            lines.append(rng.choice(["//% start start", "//% input 8,8", "// comment", "//% reference x"]))
        imports = rng.sample(_IMPORTS, rng.choice([0, 0, 0, 1, 2]))
        if rng.random() < 0.02:
            imports.append(rng.choice(_WRONG_IMPORTS))
        given = " ".join(imports)
        self.rules = [name for name in self.rules if f" {name}" not in given or rng.random() < 0.05] or ["q"]
        self.terminals = [name for name in self.terminals if f" {name}" not in given]
        lines += imports
        lines += self.rule("start", ends=True)
        for name in self.rules:
            lines += self.rule(rng.choice(["", "", "", "?"]) + name, ends=True)
        for name, count in self.templates.items():
            names = ["y", "z"][:count]
            lines += self.rule(f"{name}{{{', '.join(names)}}}", ends=False, names=names)
        lines += map(self.terminal, self.terminals)
        for name in rng.sample(self.rules, 1) if rng.random() < 0.15 else ():
            lines.append(rng.choice(["%extend ", "%override "]) + "\n".join(self.rule(name, ends=True)))
        if rng.random() < 0.6:
            ignored = ["/\\s+/", "/[ \\t]+/", '" "', '"a"', "/.+/", '"\\n"', "/[^x]/", "WS"]
            lines.append("%ignore " + rng.choice(ignored[:3] if rng.random() < 0.8 else ignored))
        end = rng.choice(["\n"] * 60 + ["\r\n"] * 5 + ["\r", "\u2028\n"])
        return end.join(lines) + rng.choice(["\n", ""])

    def rule(self, head: str, *, ends: bool, names: list[str] | None = None) -> list[str]:
        """The lines of a rule; the first alternative has no rules where it ``ends``."""
        rng = self.rng
        name = head.lstrip("?").split("{")[0]
        lines = []
        count = rng.randint(1, 3)
        shares = self.shares(count)
        for index in range(count):
            self.ops += 1
            alone = ends and index == 0
            self.is_inline = name.startswith("_") and rng.random() < 0.95
            body = f'"{name}{self.ops}"' if alone else self.sequence(3, names or [])
            if alone and self.terminals and not self.is_inline and rng.random() < 0.4:
                body += f" {rng.choice(self.terminals)}"
            alias = f" -> op{self.ops}" if (alone or rng.random() < 0.7) and not name.startswith("_") else ""
            if name.startswith("_") and rng.random() < 0.1:
                alias = f" -> op{self.ops}"
            share = shares[index]
            if rng.random() < 0.2:
                marks = [mark for mark, signs in (("?", "?["), ("*", "*+")) for sign in _bare(body) if sign in signs]
                share = (share or "  //%") + "".join(
                    f" {mark}{rng.choice(['0.5', '0.2', '1/3', '0'])}" for mark in marks
                )
            lines.append((f"{head}: " if index == 0 else "   | ") + body + alias + share)
        return lines

    def shares(self, count: int) -> list[str]:
        """Weights at the ends of lines."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.55:
            return [""] * count
        if kind < 0.85:
            parts = [rng.randint(0, 3) for _ in range(count)]
            total = sum(parts)
            if total:
                return [f"  //% {part}/{total}" for part in parts]
        if kind < 0.93:
            depths = " ".join(rng.choice(["0.1", "0.2", "0", "1/3"]) for _ in range(rng.randint(1, 4)))
            return [f"  //% depth {depths}" if count > 1 else "", *[""] * (count - 1)]
        return [f"  //% {rng.choice(['', '', '?', '*'])}{rng.choice(_NUMBERS)}", *[""] * (count - 1)]

    def sequence(self, depth: int, names: list[str], mode: str = "any") -> str:
        """Some items. Groups of several alternatives hold rules, or terminals, and seldom ``any``."""
        return " ".join(self.item(depth, names, mode) for _ in range(self.rng.choice([1, 1, 2, 2, 3, 4])))

    def item(self, depth: int, names: list[str], mode: str) -> str:
        """One item, with an operator or without."""
        rng = self.rng
        atom = self.atom(depth, names, mode)
        if atom[0] == "[":
            return atom
        operators = ["?", "*", "+", "~2", "~0..2", "~1..3", "~1"]
        return atom + (rng.choice(operators) if rng.random() < 0.2 else "")

    def atom(self, depth: int, names: list[str], mode: str) -> str:
        """One item without an operator."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.35:
            word = rng.choice(_WORDS)
            is_argument = word in ('"3"', '"4,2"')
            return word if rng.random() < 0.4 and not (is_argument and mode == "rules") else f'"w{rng.randrange(9)}"'
        if kind < 0.6 and mode != "terminals":
            plain = [name for name in self.rules if name[0] != "_" or not self.is_inline]
            return rng.choice([*plain, *names, *names] or ["start"])
        if mode != "rules" and kind < 0.72 and self.terminals:
            return rng.choice([name for name in self.terminals if name[0] != "_"] or self.terminals)
        if mode != "rules" and kind < 0.73:
            return rng.choice(_REGEXPS)
        if mode != "rules" and kind < 0.76:
            return '"a".."c"'
        if kind < 0.84 and self.templates and depth and mode != "terminals":
            name, count = rng.choice(list(self.templates.items()))
            arguments = []
            for _ in range(count):
                argument = self.atom(depth - 1, names, mode)
                arguments.append(f"({argument})" if argument[0] == "[" else argument)
            return f"{name}{{{', '.join(arguments)}}}"
        if depth:
            if mode == "any" and rng.random() < 0.95:
                mode = rng.choice(["rules", "rules", "terminals"])
            inner = " | ".join(self.sequence(depth - 1, names, mode) for _ in range(rng.choice([1, 1, 2, 3])))
            return f"({inner})" if rng.random() < 0.6 else f"[{inner}]"
        return '"z"'

    def terminal(self, name: str) -> str:
        """The line of a terminal."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.45:
            values = rng.sample(["1", "2", "4,2", "3,1", "16", "x", "relu", "é", "a", "ab", ",", "-1", "1e3"], 3)
            if rng.random() < 0.7:
                values = [value for value in values if "," not in value] or ["1"]
            shares = f"  //% {' '.join(f'1/{len(values)}' for _ in values)}" if rng.random() < 0.4 else ""
            return f"{name}: " + " | ".join(f'"{value}"' for value in values) + shares
        if kind < 0.6:
            return f"{name}: /[-+.e0-9]+/  //% " + rng.choice(
                ["range 1..5", "range 0..1 in 3", "log 1e-3..1 in 4", "range -2..2"] * 4
                + ["log 1..1 in 2", "range 1..99999"]
            )
        if kind < 0.7:
            return f"{name}: {rng.choice(_REGEXPS)}"
        if kind < 0.8 and len(self.terminals) > 1:
            return f'{name}: "k" {rng.choice(self.terminals)}'
        return f"{name}: " + rng.choice(
            ['("a"|"b")~1..2', '"a".."d"', '"x" "y"?', '["q"] "r"', '("a" | "b" "c") "d"', '"Abc"i', '"0".."9"+']
        )


def _bare(body: str) -> str:
    """A text of a grammar without what is quoted."""
    return re.sub(r'"(?:\\.|[^"\\])*"i?|/(?:\\.|[^/\\])+/', "x", body)


def grammar_text(rng: random.Random) -> str:
    """A grammar file: written at random, bundled or both, and damaged at times."""
    kind = rng.random()
    if kind < 0.1:
        return damaged(bundled(rng.choice(bundled_names())).grammar.text, rng)
    text = Writer(rng).text()
    return damaged(text, rng) if kind < 0.4 else text


def random_bytes(rng: random.Random) -> bytes:
    """Bytes of a file: any, or a grammar with some changed."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(200))
    found = bytearray(grammar_text(rng).encode("utf-8", "surrogatepass"))
    for _ in range(rng.randint(0, 3)):
        found[rng.randrange(len(found) or 1) : rng.randrange(len(found) or 1)] = rng.randbytes(rng.randint(0, 3))
    return bytes(found)


# ---- what must hold ------------------------------------------------------------------------------


class Failure(Exception):
    """What went wrong, in which step, with which input."""

    def __init__(self, step: str, given: str, what: str):
        super().__init__(f"{step}: {what}")
        self.step, self.given, self.what = step, given, what


class Hang(BaseException):
    """A step took too long. No ``Exception``, so that nobody catches it."""


@contextlib.contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Raises ``Hang`` after so many seconds of this process, whatever its neighbours do."""

    def bark(*_: object) -> None:
        raise Hang

    usual = signal.signal(signal.SIGPROF, bark)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, usual)


class Checker:
    """Runs steps on inputs. ``slowest`` are the longest steps: seconds, step, input."""

    def __init__(self, seconds: float = SLOW):
        self.seconds = seconds
        self.slowest: list[tuple[float, str, str]] = []
        self.counts: dict[str, int] = {}

    def step(self, name: str, given: str, function: Callable[[], Any], *errors: type[Exception]) -> Any:
        """What a step gives; None where it raises an error that it may raise. Raises ``Failure`` for all else."""
        begin = time.process_time()
        try:
            with watchdog(self.seconds):
                found = function()
        except (einspec.EinspecError, *errors) as error:
            str(error).encode("utf-8", "replace")
            found = None
        except Hang:
            frames = traceback.extract_tb(sys.exc_info()[2])
            place = next((f for f in reversed(frames) if "/einspec/" in f.filename), frames[-1])
            where = f"{Path(place.filename).name}:{place.lineno} {place.name}"
            raise Failure(name, given, f"over {self.seconds:.0f} s, at {where}") from None
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)[-4:]
            where = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
            raise Failure(name, given, f"{type(error).__name__}: {str(error)[:200]}, at {where}") from error
        seconds = time.process_time() - begin
        if seconds > 0.2:
            self.slowest = sorted([*self.slowest, (seconds, name, given)], key=lambda entry: -entry[0])[:10]
        self.counts[name] = self.counts.get(name, 0) + (found is not None)
        return found

    def holds(self, name: str, given: str, condition: object) -> None:
        """Raises ``Failure`` unless a property holds."""
        if not condition:
            raise Failure(name, given, "does not hold")

    def grammar(self, text: str, rng: random.Random) -> Space | None:
        """Reads a grammar and does all that one can do with it; gives its space."""
        grammar = self.step("read", text, lambda: read_text(text))
        if grammar is None:
            return None
        self.holds("to_lark", text, read_text(grammar.to_lark()) == grammar)
        problems = self.step("problems", text, lambda: grammar.problems)
        self.step("str(problems)", text, lambda: "\n".join(map(str, problems)))
        self.step("branching", text, lambda: (grammar.expected_size, grammar.count(), grammar.minimal_depths))
        self.reweighted(grammar, rng)
        space: Space | None = self.step("bind", text, lambda: Space(grammar, _INPUT, ops_for(grammar)))
        if space is None:
            return None
        codes = {problem.code for problem in problems}
        for seed in range(4):
            arch = self.step("sample", text, lambda seed=seed: space.sample(rng=seed, max_nodes=200, attempts=50))
            if arch is not None:
                self.architecture(space, arch, seed, codes)
        self.step("count", text, lambda: space.count(max_nodes=6, max_depth=3))
        choices = [rng.choice([-1, 0, 1, 2, 7, 10**30]) for _ in range(rng.randint(0, 12))]
        self.step("from_choices", text, lambda: space.from_choices(choices))
        return space

    def architecture(self, space: Space, arch: einspec.Architecture, seed: int, codes: set[str]) -> None:
        """What must hold for an architecture that was drawn."""
        text = space.grammar.text
        shown = self.step("str", text, lambda: str(arch))
        given = f"{text}\n---- {shown!r}"
        again = self.step("parse", given, lambda: space.parse(shown))
        if again != arch and codes.isdisjoint(_AMBIGUOUS) and not self.is_ambiguous(space, shown, given):
            self.holds("parse(str(arch)) == arch", given, False)
        replayed = self.step("replay", given, lambda: space.from_choices(arch.choices))
        self.holds("from_choices(arch.choices) == arch", given, replayed == arch)
        log_prob = self.step("log_prob", given, lambda: arch.log_prob)
        self.holds("log_prob", given, math.isfinite(log_prob) and log_prob <= 1e-9)
        if seed == 0:
            other = Space(read_text(text), _INPUT, space.own_ops)
            twin = self.step("twin", text, lambda: other.sample(rng=0, max_nodes=200, attempts=50))
            self.holds("one seed, one sample", given, twin is not None and str(twin) == shown)
        self.step("mutate", given, lambda: space.mutate(arch, rng=0, attempts=50))

    def is_ambiguous(self, space: Space, shown: str, given: str) -> bool:
        """Whether a text has several derivations: a grammar's problems are found by drawing, and can miss that."""
        parser = SentenceParser(space.grammar).earley
        return bool(self.step("is it ambiguous", given, lambda: parser.parse_all(shown)[1], Unparsed, TooMuchWork))

    def reweighted(self, grammar: Grammar, rng: random.Random) -> None:
        """Other weights for one rule, as likely wrong as right."""
        rule = rng.choice(list(grammar.rules.values()))
        production = rng.choice(rule.productions)
        text = grammar.text[production.start : production.end]
        name = rng.choice([rule.name, f"{rule.name}: {production.label}", f"{rule.name}: {text}", "start: a*"])
        value: Any = rng.choice([0.5, 0, 1, "1/3", [0.2, 0.3], [0.5] * len(rule.productions), -1, "x", 1e-300])
        given = f"{grammar.text}\n---- { ({name: value})!r}"
        self.step("reweighted", given, lambda: grammar.reweighted({name: value}), ValueError, TypeError)

    def texts(self, space: Space, rng: random.Random) -> None:
        """Architecture texts and macros, right and wrong."""
        arch = self.step("sample", space.grammar.text, lambda: space.sample(rng=rng, max_nodes=40, attempts=50))
        shown = "seq(relu, norm)" if arch is None else str(arch)
        for text in (
            damaged(shown, rng) if shown else "",
            macro_text(shown, rng),
            damaged(macro_text(shown, rng), rng),
        ):
            given = f"{text!r} in\n{space.grammar.text[:2000]}"
            self.step("parse text", given, lambda text=text: space.parse(text))

    def file(self, data: bytes, folder: Path) -> None:
        """Bytes of a grammar file and of an architecture file."""
        path = folder / "self.lark"
        path.write_bytes(data)
        self.step("load", repr(data), lambda: einspec.load(path, input=_INPUT))
        self.step("read architecture", repr(data), lambda: bundled("mlp").read(path))


def macro_text(body: str, rng: random.Random) -> str:
    """A text with definitions that may be right."""
    words = ["relu", "norm", "linear(16)", body[: rng.randint(1, 40)], "x", "y", "f(x)", "g", "xs...", "seq(xs, ...)"]
    lines = []
    for name in rng.sample(["f", "g", "h", "seq", "relu", "é"], rng.randint(1, 3)):
        head = rng.choice(["", "(x)", "(x, y)", "(xs...)", "(x, xs...)"])
        lines.append(
            f"def {name}{head} = "
            + rng.choice(["seq({}, {})", "{}", "f({}, {})", "({}\n{})"]).format(rng.choice(words), rng.choice(words))
        )
    return "\n".join([*lines, rng.choice([body, "f(relu)", "g", "f(g, h(relu))", "f(relu, norm, relu)", ""])])


def one(checker: Checker, seed: str, folder: Path) -> None:
    """All checks of one seed."""
    rng = random.Random(seed)
    kind = rng.random()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if kind < 0.1:
            checker.file(random_bytes(rng), folder)
        elif kind < 0.2:
            name = rng.choice(bundled_names())
            checker.texts(einspec.load(name, input=INPUTS[name]), rng)
        else:
            space = checker.grammar(grammar_text(rng), rng)
            if space is not None:
                checker.texts(space, rng)


def main() -> None:
    """The long run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=SLOW, help="what a step may take")
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    checker = Checker(asked.seconds)
    kinds: dict[str, int] = {}
    end = time.monotonic() + 60 * asked.minutes
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            number += 1
            try:
                one(checker, f"{asked.seed} {number}", Path(folder))
            except Failure as failure:
                _report(failure, f"{asked.seed}-{number}", kinds, asked.out)
    print(f"{number} inputs; steps that gave a result: {checker.counts}")
    for seconds, step, given in checker.slowest:
        print(f"{seconds:.2f} s: {step}: {given[:300]!r}")
    for kind, count in sorted(kinds.items(), key=lambda pair: -pair[1]):
        print(f"{count} times: {kind}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB")


def _report(failure: Failure, name: str, kinds: dict[str, int], out: Path | None) -> None:
    kind = f"{failure.step}: {failure.what.split(', at ')[0][:60]} {failure.what.split(', at ')[-1][:90]}"
    kinds[kind] = kinds.get(kind, 0) + 1
    if kinds[kind] <= 3:
        print(
            f"==== {name}: {failure}\n{failure.given[:3000]}\n".encode("utf-8", "backslashreplace").decode(), flush=True
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.txt").write_bytes(f"{failure}\n----\n{failure.given}".encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    main()
