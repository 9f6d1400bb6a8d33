"""The tutorial: every file is read, every snippet runs, and what is shown is what comes; so does its reference."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import einspec
from einspec.cli import main
from einspec.grammar import read_file, read_text
from einspec.grammar.reading.build import value_kinds
from einspec.ops import combinator

TUTORIAL = (Path(__file__).resolve().parent.parent / "examples" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:^`([\w.]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(.*?)` \|", re.MULTILINE)


def blocks() -> Iterator[tuple[str | None, str, str, int]]:
    """The blocks of code: the name of a file, the language, the text and its line."""
    for match in BLOCK.finditer(TUTORIAL):
        yield match[1], match[2], match[3], TUTORIAL.count("\n", 0, match.start(3)) + 1


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where one types along: modules are found there, and forgotten in the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in {Path(name).stem for name, language, *_ in blocks() if name and language == "python"} - known:
        sys.modules.pop(name, None)


def test_what_is_shown_is_what_comes(folder: Path) -> None:
    names: dict[str, Any] = {}
    for name, language, text, line in blocks():
        if name is not None:
            (folder / name).write_text(text, encoding="utf-8")
        elif language == "console":
            check_console(text, line)
        elif ">>>" in text:
            check_doctest(text, line, names)
        else:
            assert language == "python", f"line {line}: a block of {language} has no name"
            exec(compile(text, f"tutorial.md:{line}", "exec"), names)


def check_console(text: str, line: int) -> None:
    """Runs the commands of a block, and compares what they print."""
    printed = io.StringIO()
    commands = [shown for shown in text.splitlines() if shown.startswith("$ ")]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        for command in commands:
            print(command)
            program, *arguments = shlex.split(command[2:])
            assert program == "einspec"
            main(arguments)
    assert printed.getvalue() == text, f"tutorial.md:{line}"


def check_doctest(text: str, line: int, names: dict[str, Any]) -> None:
    """Runs the examples of a block, with the names of the blocks before."""
    test = doctest.DocTestParser().get_doctest(text, {}, f"tutorial.md:{line}", "tutorial.md", line - 1)
    test.globs = names
    report = io.StringIO()
    doctest.DocTestRunner(verbose=False).run(test, out=report.write, clear_globs=False)
    assert not report.getvalue(), report.getvalue()


def table(title: str) -> list[str]:
    """The first column of the table after a title."""
    return [row.replace("\\|", "|") for row in ROW.findall(TUTORIAL.split(f"**{title}")[1].split("\n\n**")[0])]


# --- the reference ---

DEFINITIONS = {
    "start": "start: a -> residual",
    "a": 'a: "ax" -> relu | "ay" -> norm',
    "b": 'b: "b" -> relu',
    "N": 'N: "1" | "2"',
    "_MARK": '_MARK: "!"',
    "_pair": '_pair: a "," b',
    "_list": '_list{item}: item ("," item)*',
}
CHILD = "child"
ARRIVALS: dict[str, set[tuple[object, ...]]] = {
    "a": {(CHILD,)},
    "N": {("1",), ("2",)},
    '"word"': {()},
    '"word"i': {()},
    '"3,1"': {("3", "1")},
    "_MARK": {()},
    '"p".."r"': {("p",), ("q",), ("r",)},
    "/[a-z]+/": set(),
    "[a]": {(CHILD,), (None,)},
    "[N a]": {("1", CHILD), ("2", CHILD), (None, None)},
    "a*": {((),), ((CHILD,),), ((CHILD, CHILD),)},
    "a+": {((CHILD,),), ((CHILD, CHILD),)},
    "a~2": {((CHILD, CHILD),)},
    "a~1..3": {((CHILD,),), ((CHILD, CHILD),)},
    '(N ",")*': {((),), (("1",),), (("2",),), *(((m, n),) for m in "12" for n in "12")},
    '(a ":" b)*': {((),), (((CHILD, CHILD),),), (((CHILD, CHILD), (CHILD, CHILD)),)},
    'a ("," a)*': {(CHILD, ()), (CHILD, (CHILD,)), (CHILD, (CHILD, CHILD))},
    "(a | b)": {(CHILD,)},
    "_pair": {(CHILD, CHILD)},
    "_list{a}": {(CHILD, ()), (CHILD, (CHILD,)), (CHILD, (CHILD, CHILD))},
}
"""What reaches an op; tuples of more than two are left out."""
HALVES = {"[a]", "[N a]", "a*", "a+", '(N ",")*', '(a ":" b)*', 'a ("," a)*', "_list{a}"}


def grammar_with(code: str) -> str:
    """A grammar of what a row says, after what it needs besides; one more alternative is one of ``a``."""
    if code.startswith("|"):
        code = f"{DEFINITIONS['a']}\n {code}"
    defined = re.findall(r"^\??(\w+)(?:\{\w+\})?:", code) + re.findall(r"^%import .* -> (\w+)$", code)
    return "\n".join([*(text for name, text in DEFINITIONS.items() if name not in defined), code]) + "\n"


def arriving(value: Any) -> object:
    """What an op was given, with a word for each child."""
    if isinstance(value, tuple):
        return tuple(map(arriving, value))
    return value if value is None or isinstance(value, str) else CHILD


def test_the_reference_has_the_rows_that_are_checked() -> None:
    assert table("In an alternative.") == list(ARRIVALS)


def test_the_defaults_that_are_said_to_be_halves_are_checked() -> None:
    rows = TUTORIAL.split("**In an alternative.**")[1].split("\n\n**")[0].splitlines()
    assert {ROW.findall(row)[0] for row in rows if row.startswith("| `") and "| 1/2" in row} == HALVES - {"_list{a}"}


@pytest.mark.parametrize("code", ARRIVALS)
def test_what_arrives(code: str) -> None:
    text = grammar_with(f'start: "<" {code} ">" -> probe')
    items = read_text(text).rules["start"].productions[0].items
    parameters = [f"v{i}: str" if kind == "argument" else f"v{i}" for i, kind in enumerate(value_kinds(items))]
    found: list[tuple[object, ...]] = []

    def called(x: Any, *values: Any) -> Any:
        found.append(tuple(map(arriving, values)))
        return call_all(x, values)

    names: dict[str, Any] = {"called": called}
    listed = "".join(f", v{i}" for i in range(len(parameters)))
    exec(f"def probe({', '.join(['x', *parameters])}):\n    return called(x{listed})", names)
    space = einspec.loads(text, input=(64,), ops=[combinator(names["probe"])])
    if not ARRIVALS[code]:
        assert space.parse("<word>")
        with pytest.raises(einspec.SamplingError, match="can be parsed but not drawn"):
            space.sample(rng=0)
        return
    drawn = list(space.samples(400, rng=0))
    assert {values for values in found if all(len(v) <= 2 for v in values if isinstance(v, tuple))} == ARRIVALS[code]
    del found[:]
    for arch in drawn:
        assert space.parse(str(arch)) == arch
    if code in HALVES:
        shortest = min(len(str(arch)) for arch in drawn)
        share = sum(len(str(arch)) == shortest for arch in drawn) / len(drawn)
        assert share == pytest.approx(0.5, abs=0.1)


def call_all(x: Any, values: Any) -> Any:
    """Calls every child, one after the other."""
    for value in values:
        if isinstance(value, tuple):
            x = call_all(x, value)
        elif value is not None and not isinstance(value, str):
            x = value(x)
    return x


@pytest.mark.parametrize("code", [*table("Definitions and statements."), *table("Weights**")])
def test_definitions_and_weights_are_read(code: str, tmp_path: Path) -> None:
    for name, _, text, _ in blocks():
        if name == "stages.lark":
            (tmp_path / name).write_text(text, encoding="utf-8")
    file = tmp_path / "row.lark"
    file.write_text(grammar_with(code), encoding="utf-8")
    assert read_file(file).rules
