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
    assert len({name for name, _, _ in CASES}) == len(CASES) > 200


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


DEEP_INLINE = "start: _r0 -> relu\n" + "".join(f'_r{i}: "x" _r{i + 1} | "y"\n' for i in range(120)) + '_r120: "x"\n'
DOUBLED = "start: _r0 -> relu\n" + "".join(f'_r{i}: _r{i + 1} _r{i + 1} "x"\n' for i in range(20)) + '_r20: "x"\n'

TOO_LARGE = {
    "words": (
        "start: " + '"x" ' * 200_001,
        "<text>:1:800003: error[E105]: this file has more than 200,000 words and signs",
        "split the grammar, and import its parts",
    ),
    "alternatives": (
        'start: "x" -> relu' + ' | "y" -> relu' * 20_000,
        "<text>:1:280008: error[E105]: this file has more than 20,000 alternatives",
        "give what differs in a value a terminal",
    ),
    "nested": (
        DEEP_INLINE,
        "<text>:101:7: error[E105]: groups, templates and inline rules are nested deeper than 100",
        "give the inner ones rules of their own",
    ),
    "items": (
        DOUBLED,
        "<text>:15:7: error[E105]: this grammar has more than 50,000 items, with what is inlined written out",
        "give inline rules names without underscores",
    ),
    "rules": (
        "start: r0\n" + "".join(f'r{i}: "r{i}" -> relu | r{i + 1}\n' for i in range(1000)) + 'r1000: "x" -> relu\n',
        "<text>:501:1: error[E105]: 1,002 rules at 1 depth of the tree: at most 500 rules, and 1,500 with those of all depths, can be analysed",
        "join rules, or give weights for fewer depths",
    ),
    "instances": (
        'start: list{part} -> seq\npart: "r" -> relu\nlist{x}: "s" list{other{x}} | x\nother{x}: "o" x\n',
        "<text>:3:14: error[E206]: list is filled in more than 1,000 times, or ever longer",
        "a template that uses itself with other arguments has no end: break the circle",
    ),
    "expressions": (
        f"start: \"linear\" /{'a' * 10_001}/ -> linear",
        "<text>:1:17: error[E104]: this regular expression has 10,001 characters, over 10,000",
        "leave parts of it to rules of the grammar",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large(name: str) -> None:
    text, message, advice = TOO_LARGE[name]
    with pytest.raises(einspec.GrammarError) as error:
        einspec.loads(text, input=(3, 8))
    lines = str(error.value).split("\n")
    assert (lines[0], lines[-1], len(lines)) == (message, f"      = {advice}", 4)


def test_too_many_depths_of_rules() -> None:
    rules = "".join(f'r{i}: "r{i}" -> relu | r{i + 1}\n' for i in range(99))
    text = f'start: r0 //% depth {"0.5 " * 99}0.4\n | "s" -> norm\n{rules}r99: "x" -> relu\n'
    with pytest.raises(einspec.GrammarError, match="101 rules at 100 depths of the tree: at most 500 rules"):
        einspec.loads(text, input=(3, 8))


def test_too_many_members() -> None:
    values = "A: /[0-9]+/ //% range 1..25000\n"
    text = f'start: "a" A -> linear | "b" A -> linear | "c" A -> linear\n{values}'
    with pytest.raises(einspec.GrammarError) as error:
        einspec.loads(text, input=(3, 8))
    assert str(error.value) == (
        "<text>: over 60,000 members, which are alternatives with a value for each of their arguments: give terminals "
        "fewer values, or weights for fewer depths"
    )
