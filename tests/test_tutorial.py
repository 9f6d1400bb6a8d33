"""Every snippet of the tutorial runs, in its order, and prints what it says."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).resolve().parent.parent / "examples" / "tutorial.md"
BLOCK = re.compile(r"(?:`([\w.]+)`:\n\n)?```([\w-]+)\n(.*?)```", re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    kinds = []
    for name, kind, text in BLOCK.findall(TUTORIAL.read_text("utf-8")):
        kinds.append(kind)
        if kind == "lark":
            Path(name).write_text(text, encoding="utf-8")
        elif kind == "python":
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(text, "tutorial.md", "exec"), names)
            printed = output.getvalue()
        elif kind == "output":
            assert printed == text
        elif kind == "pycon":
            check(text, names)
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "lark": 5, "lark-part": 1, "output": 2, "pycon": 8, "python": 6,
    }  # fmt: skip


def check(text: str, names: dict[str, object]) -> None:
    """Runs examples as doctest does, but compares the whole message of an error."""
    test = doctest.DocTestParser().get_doctest(text, names, "tutorial.md", None, None)
    for example in test.examples:
        output = io.StringIO()
        wanted = example.want
        try:
            with contextlib.redirect_stdout(output):
                exec(compile(example.source, "tutorial.md", "single"), names)
            found = output.getvalue()
        except Exception as error:
            found = f"Traceback (most recent call last):\n    ...\neinspec.{type(error).__name__}: {error}\n"
        assert found == wanted


def test_the_template_of_the_tutorial_means_what_it_says() -> None:
    from einspec.grammar import read_text

    (part,) = [text for _, kind, text in BLOCK.findall(TUTORIAL.read_text("utf-8")) if kind == "lark-part"]
    grammar = read_text(f'{part}block: "b" -> relu\n')
    written = read_text('stage: "stage" "(" block ("," block)* ")" -> stage\nblock: "b" -> relu\n')
    assert grammar.expected_sizes == written.expected_sizes
