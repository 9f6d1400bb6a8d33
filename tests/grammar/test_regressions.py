"""What was wrong once, by what it was."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

import einspec
from einspec.grammar import read_text
from tests.grammar.test_constructs import OPS
from tests.space.small_spaces import OPS as SMALL_OPS


def space_of(text: str) -> einspec.Space:
    return einspec.loads(text, input=(3, 8), ops=OPS)


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ('"a"', '"a"i', "a!.A!"),
        ('("a" "b")', '"a\\" \\"b"', 'ab!.a" "b!'),
        ('("a" | "b")', '("a" | "c")', "b!.c!"),
        ('("a"~2)', '("a"~3)', "aa!.aaa!"),
    ],
)
def test_instances_of_a_template_with_arguments_that_look_alike(first: str, second: str, sentence: str) -> None:
    space = space_of(f'start: u{{{first}}} "." u{{{second}}} -> two\nu{{y}}: y "!" -> relu\n')
    assert str(space.parse(sentence)).lower() == sentence.lower()


def test_an_argument_that_holds_a_parameter_of_its_template() -> None:
    text = 'start: t{a} "." t{b} -> two\nt{x}: "(" u{(x | "q")} ")" -> one\nu{y}: y "!" -> one\n'
    space = space_of(text + 'a: "a" -> relu\nb: "b" -> norm\n')
    assert str(space.parse("(a!).(b!)")) == "(a!).(b!)"


def test_a_slash_after_a_backslash() -> None:
    space = space_of('start: "\\\\/"i r -> one\nr: "x" -> relu\n')
    assert str(space.parse("\\/x")) == "\\/x"


def test_values_of_several_numbers_of_arguments_beside_an_optional_part() -> None:
    with pytest.raises(einspec.GrammarError) as error:
        space_of('start: m W? -> two\nm: "x" -> relu\nW: "1" | "1,2"\n')
    assert "two takes 2 children, and this alternative has 1" in str(error.value)
    with pytest.raises(einspec.GrammarError) as error:
        space_of('start: W "x"? -> value\nW: "1" | "1,2"\n')
    assert str(error.value) == (
        "<text>:1:8: error[E402]: value has groups or repetitions, and W has values of several numbers of arguments: give "
        "each number a terminal of its own\n"
        '    1 | start: W "x"? -> value\n'
        "      |        ^^^^^^^^^^^^^^^\n"
        "      = its declaration is value(input, number: str)"
    )


def test_reweighting_what_is_overridden() -> None:
    grammar = read_text('start: "a" -> f | "b" -> g\n%override start: "c" -> h | "d" -> k\n')
    assert grammar.reweighted({"start: k": 0.25}).text.endswith('%override start: "c" -> h | "d" -> k  //% 0.75 0.25\n')


def test_a_repetition_in_a_part_that_is_never_there() -> None:
    space = space_of('start: "s" ["x"+] c -> one //% ?0\nc: "c" c~0..2 -> many | "y" -> relu\n')
    assert space.count(max_depth=3, max_nodes=5) == sum(1 for _ in space.enumerate(max_depth=3, max_nodes=5))


def test_options_of_elements_that_must_be_there_come_after_their_number() -> None:
    space = space_of('start: (r | n)~1..2 -> many\nr: "r" -> relu\nn: "n" -> norm\n')
    for sentence in ("r", "n", "rn", "nr"):
        assert space.from_choices(space.parse(sentence).choices) == space.parse(sentence)


MISUSED = sorted(Path(__file__).with_name("misused").iterdir())


@pytest.mark.parametrize("path", MISUSED, ids=[path.stem for path in MISUSED])
def test_ops_that_get_what_they_do_not_expect(path: Path) -> None:
    """A repetition for one child, one child for a repetition, None for what must be there: refused, or a result."""
    with suppress(einspec.EinspecError):
        space = einspec.load(path, input=(8, 8, 8), ops=[*OPS, *SMALL_OPS])
        assert space.grammar.problems is not None
        with suppress(einspec.SamplingError):
            space.count(max_nodes=5, max_depth=3)
        arch = space.sample(rng=0, max_nodes=100, attempts=30)
        assert space.from_choices(arch.choices) == arch == space.parse(str(arch))


def test_what_an_op_does_not_expect_in_full() -> None:
    with pytest.raises(einspec.GrammarError) as refused:
        space_of('start: r r~3 -> seq\nr: "r" -> relu\n')
    assert str(refused.value) == (
        "<text>:1:8: error[E402]: seq takes plain arguments and children, and r~3 gives a tuple: declare an op of your own\n"
        "    1 | start: r r~3 -> seq\n"
        "      |        ^^^^^^^^^^^^\n"
        "      = its declaration is seq(input, first, second)"
    )
    with pytest.raises(
        einspec.SamplingError, match="a repetition of the grammar arrives as a tuple, here of 3, and the"
    ):
        space_of('start: r~3 -> one\nr: "r" -> relu\n').sample(rng=0)
    with pytest.raises(einspec.SamplingError, match="one child of the grammar stands where the op takes a tuple"):
        space_of('start: r -> many\nr: "r" -> relu\n').sample(rng=0)


def test_ops_that_there_are_not_are_said_together_with_all_else() -> None:
    with pytest.raises(einspec.GrammarError) as error:
        space_of('start: "l" WIDHT -> linear | "r" -> rleu\nWIDTH: "1"\n')
    assert str(error.value) == (
        "<text>:1:12: error[E201]: the terminal WIDHT is used and not defined\n"
        '    1 | start: "l" WIDHT -> linear | "r" -> rleu\n'
        "      |            ^^^^^\n"
        "      = did you mean 'WIDTH'?\n"
        "<text>:1:30: error[E401]: there is no op rleu (the alias)\n"
        '    1 | start: "l" WIDHT -> linear | "r" -> rleu\n'
        "      |                              ^^^^^^^^^^^\n"
        "      = did you mean 'relu'?"
    )
