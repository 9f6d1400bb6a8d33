"""What is wrong with a grammar text is said in full: place, line, caret, advice. The cases are in broken.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

import einspec
from tests.helpers import golden

CASES = golden(Path(__file__).with_name("broken.txt"))


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_message_in_full(text: str, message: str) -> None:
    with pytest.raises(einspec.GrammarError) as error:
        einspec.loads(text, input=(3, 8))
    assert str(error.value) == message


def test_there_are_as_many_cases_as_names() -> None:
    assert len({name for name, _, _ in CASES}) == len(CASES) > 70


def test_many_problems_are_counted() -> None:
    text = "start: " + " | ".join(f'"w{i}" missing{i}' for i in range(30)) + "\n"
    with pytest.raises(einspec.GrammarError) as error:
        einspec.loads(text, input=(3, 8))
    assert str(error.value).count("error[E201]") == 20
    assert str(error.value).endswith("\n... and 10 errors more")


def test_messages_call_the_text_by_its_name() -> None:
    with pytest.raises(einspec.GrammarError, match=r"^mine:1:8: error\[E401\]"):
        einspec.loads('start: "a" -> nothing', input=(3, 8), name="mine")


@pytest.mark.parametrize("value", [None, 5, b"start"])
def test_a_text_is_a_string(value: object) -> None:
    with pytest.raises(TypeError, match="expected the text of a grammar, not"):
        einspec.loads(value)  # type: ignore[arg-type]
