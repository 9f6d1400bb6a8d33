"""What the LALR parser relies on in Lark, and does not find in its documentation; and when it is asked at all."""

from __future__ import annotations

import logging

import lark
import pytest

import einspec
from einspec.errors import ParseError
from einspec.grammar import read_text
from einspec.grammar.parsing.earley.chart import Unparsed
from einspec.grammar.parsing.flat import FlatGrammar
from einspec.grammar.parsing.lalr import LalrParser, NotLalr, lark_text
from einspec.grammar.parsing.sentences import SentenceParser
from einspec.text import Source
from tests.grammar.test_constructs import OPS
from tests.helpers import bundled

DANGLING = 'start: "if" start -> a | "if" start "else" start -> b | "x" -> c\n'


def test_a_shift_reduce_conflict_is_told_to_the_logger_alone() -> None:
    """Lark resolves it by shifting: that is why its messages are read."""
    text = 'start: "if" start | "if" start "else" start | "x"\n'
    lark.Lark(text, parser="lalr")
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    lark.logger.addHandler(handler)
    level = lark.logger.level
    lark.logger.setLevel(logging.DEBUG)
    try:
        lark.Lark(text, parser="lalr", debug=True)
    finally:
        lark.logger.removeHandler(handler)
        lark.logger.setLevel(level)
    assert any("Shift/Reduce" in record for record in records)
    with pytest.raises(NotLalr):
        LalrParser(FlatGrammar(read_text(DANGLING)))


def test_the_logger_is_left_as_it_was() -> None:
    before = lark.logger.level, lark.logger.handlers[:]
    for text in (DANGLING, 'start: "a" -> x\n'):
        SentenceParser(read_text(text))
    assert (lark.logger.level, lark.logger.handlers[:]) == before


def test_a_reduce_reduce_conflict_is_an_error() -> None:
    with pytest.raises(lark.exceptions.GrammarError, match="Reduce/Reduce"):
        lark.Lark('start: a | b\na: "q"\nb: "q"\n', parser="lalr")
    with pytest.raises(NotLalr):
        LalrParser(FlatGrammar(read_text('start: a -> x | b -> y\na: "q" -> z\nb: "q" -> w\n')))


def test_tokens_stand_in_the_tree_with_their_offsets() -> None:
    tree = lark.Lark('start: T "b" -> a\nT: "t"\n', parser="lalr", propagate_positions=True).parse("tb")
    (token,) = tree.children
    assert (token.start_pos, token.end_pos, tree.meta.start_pos, tree.meta.end_pos) == (0, 1, 0, 2)
    empty = lark.Lark('start: e "b" -> a\ne: -> nothing\n', parser="lalr", propagate_positions=True).parse("b")
    assert not hasattr(empty.children[0].meta, "start_pos")


def test_errors_say_where_and_what_was_expected() -> None:
    parser = lark.Lark('start: A B\nA: "a"\nB: "b"\n', parser="lalr")
    with pytest.raises(lark.exceptions.UnexpectedCharacters) as characters:
        parser.parse("az")
    assert (characters.value.pos_in_stream, set(characters.value.allowed)) == (1, {"B"})
    with pytest.raises(lark.exceptions.UnexpectedToken) as token:
        parser.parse("a")
    assert (token.value.token.type, set(token.value.accepts or token.value.expected)) == ("$END", {"B"})


@pytest.mark.parametrize(("text", "offset", "may_end"), [("a,", 2, False), ("a,,b", 2, False), ("a b", 2, True)])
def test_both_parsers_fail_at_the_same_place(text: str, offset: int, may_end: bool) -> None:
    flat = FlatGrammar(read_text('start: W ("," W)* ";"? -> x\nW: "a" | "b" | "abc"\n%ignore " "\n'))
    lalr = LalrParser(flat)
    earley = SentenceParser(flat.grammar).earley
    with pytest.raises(Unparsed) as theirs:
        lalr.parse(text)
    with pytest.raises(Unparsed) as ours:
        earley.parse(text)
    assert theirs.value.offset == ours.value.offset == offset
    assert theirs.value.expected == ours.value.expected
    assert theirs.value.may_end == ours.value.may_end == may_end


def test_bundled_grammars_are_lalr() -> None:
    """But for DARTS, whose numerals are values of several terminals."""
    assert [SentenceParser(bundled(name).grammar).lalr is not None for name in ("einspace", "mlp", "nasbench201")] == [
        True
    ] * 3


def test_every_alternative_has_its_index_as_alias() -> None:
    flat = FlatGrammar(read_text('start: "a" [W] -> x | "c" -> y\nW: "1" | "2"\n'))
    aliases = {rule.alias for rule in lark.Lark(lark_text(flat), start=flat.start, parser="lalr").rules}
    assert {f"a{index}" for index in range(len(flat.alternatives))} == aliases


def test_large_grammars_are_not_given_to_lark() -> None:
    text = "start: " + " | ".join(f'"w{number}" -> relu' for number in range(3000))
    space = einspec.loads(text, input=(3, 8))
    assert SentenceParser(space.grammar).lalr is None
    assert str(space.parse("w2999")) == "w2999"


# --- by probability ---


def test_an_ambiguous_text_is_its_most_probable_derivation() -> None:
    text = 'start: a -> one //% 0.1\n | b -> one\na: "x" -> relu\nb: "x" -> norm //% 0.2\n | "y" -> norm'
    space = einspec.loads(text, input=(3, 8), ops=OPS)
    assert space.parse("x").derivation.children[0].op_name == "norm"  # 0.9 * 0.2 > 0.1
    rare = einspec.loads(text.replace("0.2", "0.05"), input=(3, 8), ops=OPS)
    assert rare.parse("x").derivation.children[0].op_name == "relu"  # 0.1 > 0.9 * 0.05


def test_an_ambiguous_text_is_best_by_brute_force() -> None:
    """Against all derivations of each text that a small ambiguous space has."""
    text = 'start: net\nnet: net net -> seq //% 0.3\n | "a" -> relu //% 0.5\n | "a" "a" -> norm\n | "b" net? -> one\n'
    space = einspec.loads(text, input=(3, 8), ops=OPS)
    best: dict[str, float] = {}
    for arch in space.enumerate(max_nodes=6, max_depth=6):
        best[str(arch)] = max(best.get(str(arch), -1e9), arch.log_prob)
    assert any("aaa" in sentence for sentence in best)
    for sentence, log_prob in best.items():
        if len(sentence) < 4:
            assert space.parse(sentence).log_prob == pytest.approx(log_prob)
    assert [problem.code for problem in space.grammar.problems] == ["W503"]


def test_a_text_of_too_many_derivations_is_refused() -> None:
    space = einspec.loads('net: net net -> seq //% 0.3\n | "x" -> relu', input=(3, 8))
    assert len(space.parse("x" * 100)) == 199
    with pytest.raises(ParseError) as error:
        space.parse("x" * 5000, name="long")
    assert str(error.value) == (
        "long: the grammar is ambiguous, and this text can be read in too many ways: give the grammar words or "
        "brackets that tell them apart, or parse the text in shorter pieces"
    )


@einspec.ops.combinator
def valued(x, number: str, body):
    return body(x)


def test_what_larks_lexer_takes_apart_wrongly_is_parsed() -> None:
    """The longest token need not be the right one."""
    text = 'start: A r "c" -> valued | A "bc" -> value\nA: "a" | "ab"\nr: "b" -> relu\n'
    space = einspec.loads(text, input=(3, 8), ops=[*OPS, valued])
    assert [str(space.parse(text)) for text in ("abc", "abbc")] == ["abc", "abbc"]


def test_errors_of_the_parser_name_the_place() -> None:
    parser = SentenceParser(read_text('start: "a" /[0-9]+/ -> x\n%ignore " "\n'))
    with pytest.raises(ParseError) as error:
        parser.parse(Source("text", "a b"))
    assert str(error.value) == (
        "text:1:3: found 'b', which cannot stand here\n    1 | a b\n      |   ^\n      = expected /[0-9]+/"
    )
