"""A corpus of grammar files that Lark and we read alike: what one accepts as a sentence, the other does."""

from __future__ import annotations

import random

import lark
import pytest

from einspec.errors import ParseError
from einspec.grammar import bundled_names, read_file, read_text
from einspec.grammar.parsing.sentences import SentenceParser
from einspec.grammar.reading.files import BUNDLED
from einspec.text import Source
from tests.grammar.test_constructs import CASES, loaded

MORE = {
    "regular expression": 'start: "v" /[a-c]+/ "w" -> x',
    "flags of a regular expression": "start: /x y/x /Z/i -> x",
    "terminal of expressions": 'start: NUMBER -> x\nNUMBER: DIGIT+ ["." DIGIT*]\nDIGIT: "0".."9"',
    "common": "%import common (INT, WS)\nstart: INT+ -> x\n%ignore WS",
    "common under another name": "%import common.INT -> N\nstart: N -> x",
    "common numbers": '%import common.SIGNED_NUMBER\nstart: (SIGNED_NUMBER ";")+ -> x',
    "common words": "%import common.CNAME\n%import common.WS\nstart: CNAME~2 -> x\n%ignore WS",
    "nested groups": 'start: (("a" | "b") ["c"] ("d" ("e" | "f")?)*)+ "!" -> x',
    "template of templates": 'start: _list{_pair{"a", B}, ";"} -> x\n_list{x, s}: x (s x)*\n_pair{a, b}: a b\nB: "b"',
    "template of terminals": 'start: list{A} list{"b"} -> x\nlist{x}: "[" x+ "]"\nA: "a"',
    "optional alternatives": 'start: "x" ["a" | "b" "c" | D] "y" -> x\nD: "d" | "dd"',
    "priorities": 'start.2: A | "ab" -> x\nA.3: "a"',
    "inlined in Lark's tree": 'start: a ?b\n?a: "a"\nb: "b"'.replace("?b\n", "b\n"),
    "empty alternatives": 'start: a "x" b -> x\na: | "a"\nb: "b" |',
    "override and extend": 'start: a B -> x\na: "a"\nB: "b"\n%extend a: "c" -> y\n%override B: "d" | "e"\n%extend B: "f"',
    "comments": 'start: "a" // one\n  | "b" # two\n  // three\n  | "c" -> x  //% 0.2',
    "line continuation": 'start: "a" \\\n  "b" \\\n  "c" -> x',
    "escapes": r'start: "\"" "\\" "\t" /\// /\\/ /[\]"]/ -> x',
    "repetition of a range": 'start: "a".."c"~2..3 -> x',
    "einspace extended": '%import einspace (network, computation)\n%extend computation: "gelu" -> gelu\n%ignore " "',
}
SENTENCES = {
    "regular expression": ["vabcw", "vaw"],
    "flags of a regular expression": ["xyz", "xyZ"],
    "terminal of expressions": ["1.25", "12", "3."],
    "common": ["1 2 34", "5"],
    "common under another name": ["17"],
    "common numbers": ["1;-2.5;+3e4;", "7;"],
    "common words": ["ab _c1"],
    "nested groups": ["acdedf!", "b!", "abcdf!"],
    "template of templates": ["ab", "ab;ab;ab"],
    "template of terminals": ["[aa][b]"],
    "optional alternatives": ["xy", "xay", "xbcy", "xddy"],
    "priorities": ["a", "ab"],
    "inlined in Lark's tree": ["ab"],
    "empty alternatives": ["axb", "x", "ax"],
    "override and extend": ["ad", "cf"],
    "comments": ["a", "b", "c"],
    "line continuation": ["abc"],
    "escapes": ['"\\\t/\\]', '"\\\t/\\"'],
    "repetition of a range": ["abc", "ca"],
    "einspace extended": ["seq(relu, gelu)", "route(identity, gelu, identity)"],
}


def texts_of(name: str) -> list[str]:
    return SENTENCES[name] if name in MORE else [text for text in CASES[name][1] if len(text) < 12]


def grammar_of(name: str):
    return read_text(MORE[name], name) if name in MORE else loaded(name).grammar


def damaged(text: str, alphabet: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    kind = rng.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + rng.choice(alphabet) + text[at:]
    if kind == 2:
        return text[:at] + rng.choice(alphabet) + text[at + 1 :]
    return text[:at] + text[max(0, at - 2) :]


GRIDS = ("range", "linear grid", "log grid")
"""What these read besides their values, Lark alone reads."""


@pytest.mark.parametrize("name", [name for name in [*MORE, *CASES] if name not in GRIDS])
def test_lark_and_we_accept_the_same_sentences(name: str) -> None:
    grammar = grammar_of(name)
    theirs = lark.Lark(grammar.text, start=grammar.start, parser="earley", import_paths=[str(BUNDLED)])
    ours = SentenceParser(grammar)
    rng = random.Random(name)
    texts = texts_of(name)
    alphabet = "".join(sorted(set("".join(texts)))) + "z "
    tried = [*texts, *(damaged(rng.choice(texts), alphabet, rng) for _ in range(60))]
    accepted = 0
    for text in tried:
        try:
            theirs.parse(text)
            is_sentence = True
        except lark.exceptions.LarkError:
            is_sentence = False
        try:
            ours.parse(Source("text", text))
        except ParseError:
            assert not is_sentence, text
        else:
            assert is_sentence, text
            accepted += 1
    assert accepted >= len(texts)


@pytest.mark.parametrize("name", bundled_names())
def test_lark_loads_the_bundled_files(name: str) -> None:
    grammar = read_file(name)
    lark.Lark(grammar.text, start=grammar.start, parser="earley", import_paths=[str(BUNDLED)])
