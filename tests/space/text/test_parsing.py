"""Texts of architectures: round trips, free blanks, depth, and messages in full. The refusals are in refused.txt."""

from __future__ import annotations

import copy
import pickle
import random
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import einspec
from einspec import CompileError, ParseError, ShapeError
from einspec.grammar.parsing.spacing import Spacing
from einspec.recursion import MAX_DEPTH
from tests.baselines import DARTS_V2, NB201_ALL_CONV, resnet18, vit
from tests.helpers import bundled, golden, nested

NAMES = ["einspace", "mlp", "nasbench201", "darts"]
REFUSED = golden(Path(__file__).with_name("refused.txt"))


@pytest.mark.parametrize(("name", "text", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_the_message_in_full(name: str, text: str, message: str) -> None:
    with pytest.raises((ParseError, ShapeError)) as error:
        bundled(name.split(":")[0]).parse(text.removesuffix("\n"))
    assert f"{type(error.value).__name__}: {error.value}" == message


def test_messages_call_the_text_by_its_name() -> None:
    with pytest.raises(ParseError, match=r"^mine\.arch:1:1: found 'x'"):
        bundled("einspace").parse("x", name="mine.arch")


@pytest.mark.parametrize("text", [None, 5, b"relu"])
def test_a_text_is_a_string(text: Any) -> None:
    with pytest.raises(TypeError, match=r"^text: expected the text of an architecture, not "):
        bundled("einspace").parse(text)


# --- round trips ---


@pytest.mark.parametrize("name", NAMES)
def test_texts_read_back(name: str) -> None:
    space = bundled(name)
    for arch in space.samples(300, rng=0):
        again = space.parse(str(arch))
        assert again == arch
        assert (hash(again), str(again), len(again)) == (hash(arch), str(arch), len(arch))
        assert again.derivation.ops() == arch.derivation.ops()


@pytest.mark.parametrize("name", NAMES)
def test_blanks_and_newlines_are_free_where_the_grammar_ignores_them(name: str) -> None:
    space = bundled(name)
    rng = random.Random(0)
    for arch in space.samples(40, rng=1, max_nodes=60):
        text = str(arch)
        if not Spacing(space.grammar).ignores_blanks:
            assert not re.search(r"\s", text)
            continue
        assert space.parse(re.sub(r"(?<=\W) +| +(?=\W)", "", text)) == arch
        spread = re.sub(r"(?<=[(),;]) ?(?![\d\]])", lambda match: rng.choice([" ", "\n", "\t ", "\r\n"]), text)
        if name != "darts":  # whose words hold brackets and quotes
            assert space.parse(spread) == arch
        assert space.parse(f"\n {text}\n") == arch
        assert space.parse(text.replace(", ", ",\n\t")) == arch


@pytest.mark.parametrize(
    "text",
    [
        "route(im2col(3,2,1), linear(64), col2im)",
        "route(im2col(3, 2, 1), linear(64), col2im)",
        "route ( im2col ( 3 ,2\t,1 ) , linear ( 64 ) , col2im )",
        "route(\n  im2col(3,2,1),\r\n  linear(64),\n  col2im\n)\n",
    ],
)
def test_spellings_of_one_architecture(text: str) -> None:
    arch = bundled("einspace").parse(text)
    assert str(arch) == "route(im2col(3,2,1), linear(64), col2im)"


def test_published_architectures_read() -> None:
    assert str(bundled("nasbench201").parse(NB201_ALL_CONV)) == NB201_ALL_CONV
    assert str(bundled("darts").parse(DARTS_V2)) == DARTS_V2
    assert str(bundled("einspace").parse(resnet18())) == resnet18()
    assert str(bundled("einspace").parse(vit())) == vit()


def test_darts_reads_a_pair_in_both_orders() -> None:
    space = bundled("darts")
    turned = DARTS_V2.replace("('sep_conv_3x3', 0), ('sep_conv_3x3', 1)", "('sep_conv_3x3', 1), ('sep_conv_3x3', 0)", 1)
    arch = space.parse(turned)
    assert str(arch) == turned
    assert arch != space.parse(DARTS_V2)
    assert space.from_choices(arch.choices) == arch


def test_equality_is_that_of_op_trees() -> None:
    space, other = bundled("einspace"), einspec.load("einspace", input=(3, 32, 32))
    assert space.parse("seq(relu, norm)") == other.parse("seq(relu,norm)")
    assert hash(space.parse("seq(relu, norm)")) == hash(other.parse("seq(relu,norm)"))
    assert space.parse("seq(relu, norm)") != space.parse("seq(norm, relu)")
    assert space.parse("seq(relu, seq(relu, norm))") != space.parse("seq(seq(relu, relu), norm)")
    assert space.parse("seq(linear(16), norm)") != space.parse("seq(linear(32), norm)")
    assert space.parse("seq(relu, norm)") != "seq(relu, norm)"


def test_depth_and_length_count_nodes_that_name_an_op() -> None:
    space = bundled("einspace")
    for text, depth, length in (
        ("seq(relu, norm)", 2, 3),
        ("replicate(clone(8), relu, add)", 2, 4),
        ("seq(seq(relu, norm), relu)", 3, 5),
    ):
        arch = space.parse(text)
        assert (arch.depth, len(arch)) == (depth, length)


def test_an_architecture_is_immutable() -> None:
    arch = bundled("einspace").parse("seq(relu, norm)")
    with pytest.raises(AttributeError, match=r"^an architecture is immutable: output cannot be set$"):
        arch.output = None  # type: ignore[assignment]
    assert repr(arch) == "<architecture seq(relu, norm)>"
    assert repr(bundled("einspace").parse(nested(50))) == f"<architecture {nested(50)[:77]}...>"
    assert repr(arch.derivation) == "<derivation seq: 3 nodes, 2 deep>"


def test_lark_falls_back_to_earley_where_lalr_is_too_narrow() -> None:
    grammar = (
        'start: one | two\none: "a" tail "x" -> residual\ntwo: "a" other "y" -> residual\n'
        'tail: "r" -> relu\nother: "r" -> norm\n'
    )
    space = einspec.loads(grammar, input=(3, 8))
    assert [str(arch) for arch in space.enumerate()] == ["arx", "ary"]
    assert [space.parse(text).derivation.ops()[1][0] for text in ("arx", "ary")] == ["relu", "norm"]
    with pytest.raises(ParseError, match=r"^<architecture>:1:3: found 'z'"):
        space.parse("arz")
    with pytest.raises(ParseError, match=r"^<architecture>:1:3: found the end of the text"):
        space.parse("ar")


# --- depth and size ---


@pytest.mark.parametrize("left", [False, True])
def test_a_chain_of_2_000_goes_through_everything(left: bool) -> None:
    space = bundled("einspace")
    text = nested(2_000, left=left)
    arch = space.parse(text)
    assert str(arch) == text
    assert (arch.depth, len(arch), len(arch.choices)) == (2_001, 4_001, 4_000 * 2 + 2)
    assert arch.output.sizes == (3, 32, 32)
    assert arch.log_prob < -4_000
    assert space.from_choices(arch.choices) == arch
    assert space.from_json(arch.to_json()) == arch
    assert hash(space.parse(text)) == hash(arch)
    assert space.parse(text) == arch
    assert len(repr(arch)) < 100
    assert pickle.loads(pickle.dumps(arch)) == arch
    assert copy.deepcopy(arch) is arch
    assert arch.params == 2_000 * 6
    assert arch.macs == 0
    assert arch.key.startswith("2:")
    assert len(list(arch.derivation.walk())) == 4_001
    with pytest.raises(ShapeError) as error:
        space.parse(text.replace("relu", "route(permute(21), relu, identity)"))
    assert error.value.address is not None
    assert len(error.value.address) == 2_001


def test_mutation_of_a_chain_of_2_000() -> None:
    space = einspec.load("einspace", input=(3, 32, 32), limits=einspec.Limits(max_nodes=None, max_depth=3_000))
    arch = space.parse(nested(2_000))
    child = space.mutate(arch, rng=1)
    assert child.key != arch.key
    assert child.depth <= 3_000


def test_drawn_chains_are_deep_too() -> None:
    only_seq = 'start: "s" part start -> seq //% 0.999\n | "e" -> relu\npart: "p" -> norm\n'
    space = einspec.loads(only_seq, input=(3, 8), limits=einspec.Limits(max_nodes=None, max_depth=MAX_DEPTH))
    arch = space.sample(rng=0, where=lambda arch: arch.depth > 2_000)
    assert space.parse(str(arch)) == arch
    assert space.from_choices(arch.choices) == arch


@pytest.mark.parametrize("left", [False, True])
def test_past_the_greatest_depth(left: bool) -> None:
    space = bundled("einspace")
    assert space.parse(nested(MAX_DEPTH - 1, left=left)).depth == MAX_DEPTH
    with pytest.raises(CompileError) as error:
        space.parse(nested(MAX_DEPTH, left=left))
    assert str(error.value).startswith("a derivation nested 20,001 deep cannot be evaluated: the limit is 20,000; ")


@pytest.mark.parametrize(
    "text", ["(" * 10**6, "seq(" * 100_000, ")" * 10**6, "seq(relu, " * 50_000, "\0" * 10**5, "é" * 10**5]
)
def test_large_texts_that_are_none(text: str) -> None:
    with pytest.raises(ParseError) as error:
        bundled("einspace").parse(text)
    assert len(str(error.value)) < 600


def test_a_text_that_is_too_long() -> None:
    with pytest.raises(ParseError, match=r"^<architecture>: longer than 16 MiB, so it is not read$"):
        bundled("einspace").parse(" " * ((16 << 20) + 1))


# --- damaged texts ---


@pytest.mark.parametrize("name", NAMES)
def test_damaged_texts(name: str) -> None:
    space = bundled(name)
    rng = random.Random(name)
    pool = [str(arch) for arch in space.samples(30, rng=2, max_nodes=60)]
    for _ in range(400):
        text = rng.choice(pool)
        at, width = rng.randrange(len(text) + 1), rng.choice([0, 1, 1, 3, 20])
        other = rng.choice(pool)
        start = rng.randrange(len(other))
        text = text[:at] + other[start : start + rng.choice([0, 1, 2, 10])] + text[at + width :]
        try:
            arch = space.parse(text)
        except (ParseError, ShapeError) as error:
            assert re.match(r"<architecture>:\d+:\d+: ", str(error)), error  # noqa: PT017 - one of three outcomes
            continue
        assert space.parse(str(arch)) == arch


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("einspace", "nasbench201"):
            with pytest.raises(ParseError):
                SPACES[name].parse(text)


SPACES = {name: bundled(name) for name in NAMES}


@einspec.ops.combinator
def train(x: Any, body: Any, decay: float, size: int) -> Any:
    return body(x)


def test_printed_text_has_blanks_between_words() -> None:
    text = 'start: "wd" WD "bs" BS ":" net -> train\nWD: "1e-3"\nBS: "32"\nnet: "fc" -> relu\n'
    pair = 'start: "k" A "x" B "," C -> three\nA: "3"\nB: "5"\nC: "7"\n'

    @einspec.ops.primitive(torch=lambda x, a, b, c: None)
    def three(x: einspec.Type, a: int, b: int, c: int) -> einspec.Type:
        return x

    for grammar, blanks, none in ((text, "wd 1e-3 bs 32:fc", "wd1e-3bs32:fc"), (pair, "k 3 x 5,7", "k3x5,7")):
        ignoring = einspec.loads(grammar + '%ignore " "\n', input=(4, 8), ops=[train, three])
        assert str(ignoring.sample(rng=0)) == blanks
        assert ignoring.parse(none) == ignoring.parse(blanks)
        assert str(einspec.loads(grammar, input=(4, 8), ops=[train, three]).sample(rng=0)) == none
