"""Damaged grammar texts: each loads or is a GrammarError, and never anything else."""

from __future__ import annotations

import contextlib
import random
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import einspec
from einspec.grammar import bundled_names, read_text
from einspec.space import Space
from tests.grammar.bombs import BOMBS
from tests.grammar.fuzzing import PIECES, Checker, damaged, one, ops_for
from tests.helpers import INPUTS, bundled

CORPUS = Path(__file__).with_name("corpus")


def load_or_refuse(text: str, name: str) -> bool:
    try:
        space = einspec.loads(text, input=INPUTS[name] or (3, 32, 32))
    except (einspec.GrammarError, einspec.ShapeError):
        return False
    str(space.grammar.problems)
    return True


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", bundled_names())
def test_damaged_bundled_grammars(name: str, part: int) -> None:
    text = bundled(name).grammar.text
    rng = random.Random(f"{name} {part}")
    loaded = sum(load_or_refuse(damaged(text, rng), name) for _ in range(60))
    assert 0 < loaded < 60


@pytest.mark.parametrize("name", bundled_names())
def test_damaged_grammars_that_load_can_be_used(name: str) -> None:
    text = bundled(name).grammar.text
    rng = random.Random(name)
    used = 0
    while used < 8:
        changed = damaged(text, rng)
        try:
            space = einspec.loads(changed, input=INPUTS[name] or (3, 32, 32))
            arch = space.sample(rng=1, max_nodes=200, attempts=50)
        except (einspec.GrammarError, einspec.SamplingError, einspec.ShapeError):
            continue
        used += 1
        try:
            assert space.from_choices(arch.choices) == arch
            space.parse(str(arch))
        except (einspec.GrammarError, einspec.ParseError):  # no comma any more: a text that reads otherwise, or not
            continue


@given(st.text(st.sampled_from('abAB:|"()/%->\n 01.?*\\{}[]'), max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_or_refuse(text, "mlp")


@given(st.lists(st.sampled_from([*PIECES, "a: ", "b ", '"x" ', "A ", "-> relu", "-> seq", "\n| "]), max_size=25))
@settings(max_examples=400, deadline=None)
def test_any_pieces(pieces: list[str]) -> None:
    load_or_refuse("".join(pieces), "mlp")


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in sorted(CORPUS.glob("*.lark"))])
def test_corpus(path: Path) -> None:
    """What once went wrong: it is refused, or all steps end well and what a comment says is a sentence comes back."""
    text = path.read_text("utf-8")
    Checker().grammar(text, random.Random(0))
    try:
        grammar = read_text(text)
    except einspec.GrammarError:
        return
    for name in grammar.rules:
        with contextlib.suppress(ValueError, einspec.GrammarError):
            grammar.reweighted({name: [1]})
    sentences = [line[len("// parses ") :] for line in text.split("\n") if line.startswith("// parses ")]
    if sentences:
        space = Space(grammar, (8, 8), ops_for(grammar))
        assert [str(space.parse(sentence)) for sentence in sentences] == sentences


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    Checker().grammar(BOMBS[name](), random.Random(0))


def test_random_inputs(tmp_path: Path) -> None:
    """A short run of ``python -m tests.grammar.fuzzing``."""
    checker = Checker()
    for number in range(300):
        one(checker, f"suite {number}", tmp_path)
    assert checker.counts["sample"] > 20
    assert checker.counts["parse text"] > 0
