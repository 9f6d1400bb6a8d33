"""A grammar file is a Lark file: Lark accepts it, and strings mean what they mean to Lark."""

from __future__ import annotations

import lark
import pytest

import einspec
from einspec.grammar import bundled_names, read_text
from einspec.grammar.model.rules import Choice, Literal
from einspec.grammar.reading.files import BUNDLED
from tests.baselines import DARTS_V2, NB201_ALL_CONV, resnet18, vit
from tests.helpers import bundled

SENTENCES = {
    "einspace": [resnet18(), vit(), "seq(relu, norm)"],
    "darts": [DARTS_V2],
    "nasbench201": [NB201_ALL_CONV],
    "mlp": ["mlp(16,dense residual(relu);layer layer)"],
}


@pytest.mark.parametrize("name", bundled_names())
@pytest.mark.parametrize("parser", ["lalr", "earley"])
def test_lark_accepts_the_bundled_grammars(name: str, parser: str) -> None:
    grammar = bundled(name).grammar
    lark.Lark((BUNDLED / f"{name}.lark").read_text("utf-8"), start=grammar.start, parser=parser)


@pytest.mark.parametrize("name", bundled_names())
def test_lark_itself_parses_the_sentences(name: str) -> None:
    space = bundled(name)
    # DARTS' numerals are tokens of several terminals, which only Earley's dynamic lexer tells apart.
    by_lark = lark.Lark(space.grammar.text, start=space.grammar.start, parser="earley")
    short = [text for text in SENTENCES[name] if len(text) < 1000]
    for text in [*short, *(str(arch) for arch in space.samples(10, rng=0, max_nodes=30))]:
        by_lark.parse(text)
    for text in SENTENCES[name]:
        assert str(space.parse(text)).replace(" ", "") == text.replace(" ", "")


STRINGS = [
    r"a", r"a b", r"\"", r"\\", r"\\\\", r"\"\\", r"\n", r"\t", r"\r", r"\f", r"\x41", r"\u00e9", r"\U0001F600",
    r"é", r"'", r"\'", r"\d", r"\.", r"\(", r"\q\\d", r"//% 0.5", r"# no comment", r"//", r"%ignore", r"|", r"->",
    r"{}[]()~*+?",
]  # fmt: skip


@pytest.mark.parametrize("string", STRINGS)
def test_strings_mean_what_they_mean_to_lark(string: str) -> None:
    text = f'start: "{string}" -> relu\n'
    item = read_text(text).rules["start"].productions[0].items[0]
    assert isinstance(item, Literal)
    assert lark.Lark(text).parse(item.text).data == "relu"
    space = einspec.loads(text, input=(3, 8))
    assert str(space.sample(rng=0)) == item.text
    assert space.parse(item.text) == space.sample(rng=0)


@pytest.mark.parametrize("string", [r"\x4", r"\xgg", r"\u12", r"\U00110000", r"\U1"])
def test_strings_that_lark_refuses(string: str) -> None:
    text = f'start: "{string}" -> relu\n'
    with pytest.raises(Exception):  # noqa: B017, PT011 - which one differs by Lark's version
        lark.Lark(text)
    with pytest.raises(einspec.GrammarError, match="is no character"):
        read_text(text)


@pytest.mark.parametrize("numeral", ["1", "-1", "+2", "0.5", "1e-3", "3,2,1", "3, 2 , 1"])
def test_quoted_numerals_are_arguments(numeral: str) -> None:
    item = read_text(f'start: "{numeral}" -> relu\n').rules["start"].productions[0].items[0]
    assert isinstance(item, Choice)
    assert (item.name, item.values) == ("", (numeral,))


@pytest.mark.parametrize("word", ["1a", "a1", "1,", ",1", "1.", "0x10", "1 2", "~0|+|"])
def test_other_words_are_not(word: str) -> None:
    assert read_text(f'start: "{word}" -> relu\n').rules["start"].productions[0].items == (Literal(word),)


@pytest.mark.parametrize("name", ["WS", "WS_INLINE", "NEWLINE", "CPP_COMMENT", "SH_COMMENT", "C_COMMENT"])
def test_the_common_terminals_match_what_larks_do(name: str) -> None:
    blank = {
        "WS": " \n\t", "WS_INLINE": " \t", "NEWLINE": "\r\n\n", "CPP_COMMENT": "// a", "SH_COMMENT": "# a",
        "C_COMMENT": "/* a\n * b */",
    }[name]  # fmt: skip
    text = f'%import common.{name} -> BLANK\n%ignore BLANK\nstart: "a" "b" -> relu\n'
    sentence = f"ab{blank}" if name in ("CPP_COMMENT", "SH_COMMENT") else f"a{blank}b"
    lark.Lark(text).parse(sentence)
    assert str(einspec.loads(text, input=(3, 8)).parse(sentence)).replace(" ", "") == "ab"


@pytest.mark.parametrize(
    "text",
    [
        'start: "a" "b" -> relu\n%ignore " "\n',
        'start: "a" "b" -> relu\n%ignore / +/\n',
        'start: "a" "b" -> relu\nSPACE: " "\n%ignore SPACE\n',
        'start: "a" "b" -> relu\nSPACE: / +/\n%ignore SPACE\n',
        'start: "a" "b" -> relu\nA: " "\nB: A | "\\t"\n%ignore B\n',
        'start: "a" "b" -> relu\n%ignore " " | "\\t"\n',
        'start: "a" "b" -> relu\n%ignore /[ \\/]+/\n',
        'start: "a" "b" -> relu\n%ignore /x /i\n%ignore /\\s/\n',
        'start: "a" \\\n "b" -> relu\n%ignore " "\n',
        '?start: "a" "b" -> relu\n%ignore " "\n',
        'start: _part\n_part: "a" "b" -> relu\n%ignore " "\n',
        'start: _A "b" -> relu\n_A: "a"\n%ignore " "\n',
    ],
)
def test_spellings_of_one_language(text: str) -> None:
    space = einspec.loads(text, input=(3, 8))
    assert str(space.parse("a b")) == str(space.sample(rng=0)) == "a b"
    assert space.parse("ab") == space.parse("a b")


def test_rules_that_begin_with_an_underscore_make_nodes() -> None:
    text = 'start: "s" "(" _part "," _part ")" -> seq\n_part: "relu" -> relu | "q" "(" _part "," _part ")" -> seq\n'
    space = einspec.loads(text, input=(3, 8))
    arch = space.parse("s(q(relu,relu),relu)")
    assert (str(arch), len(arch), arch.depth) == ("s(q(relu,relu),relu)", 5, 3)
