"""Each code has a page: a title, what it means, a file that has the problem, and the file without it."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest

import einspec
import einspec.grammar
from einspec.grammar import read_text

FOLDER = Path(einspec.grammar.__file__).parent
PAGES = {path.stem: path.read_text("utf-8") for path in sorted((FOLDER / "codes").glob("*.md"))}


def codes_in_the_sources() -> set[str]:
    texts = [path.read_text("utf-8") for path in FOLDER.parent.rglob("*.py") if path.name != "explain.py"]
    return {code for text in texts for code in re.findall(r'"([EW][0-9]{3})"', text)}


def codes_of(text: str, trusted: bool = False) -> set[str]:
    """The codes of the errors of a text, or of its warnings where it has none, those of drawing among them."""
    try:
        space = einspec.loads(text, input=(3, 8), trusted=trusted)
        problems = space.grammar.problems
        with suppress(einspec.SamplingError):  # a regular expression that cannot be drawn
            problems += space.realised(rng=0).problems
        return {problem.code for problem in problems}
    except einspec.GrammarError as error:
        return set(re.findall(r"^\S+: error\[(\w+)\]", str(error), re.MULTILINE))


def test_every_code_has_a_page() -> None:
    assert set(PAGES) == codes_in_the_sources()


@pytest.mark.parametrize("code", PAGES)
def test_a_page(code: str) -> None:
    page = PAGES[code]
    assert re.match(rf"# {code}: \S.*\n\n\S", page)
    text = page.partition("```")[0].partition("\n")[2]
    assert 3 <= len(re.findall(r"[.:](?=\s)", text)) <= 12
    wrong, right = re.findall(r"^```lark\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert codes_of(wrong, trusted=code == "W510") == {code}
    assert codes_of(right) == set()
    if code.startswith("W") and code not in ("W508", "W509", "W510", "W511", "W512", "W514"):
        assert [problem.severity for problem in read_text(wrong).problems] == ["warning"]
