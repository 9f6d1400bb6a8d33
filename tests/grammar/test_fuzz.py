"""Damaged inputs: each is a result or an EinspecError, and never anything else, in little time."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import einspec
from tests.grammar.fuzzing import MACROS, PIECES, Report, damaged, grammars, try_architecture, try_grammar
from tests.helpers import bundled

CORPUS = sorted(Path(__file__).with_name("corpus").iterdir())


def load_or_refuse(text: str) -> bool:
    try:
        space = einspec.loads(text, input=(3, 32, 32))
    except (einspec.GrammarError, einspec.ShapeError):
        return False
    str(space.grammar.problems)
    return True


@pytest.mark.parametrize("part", range(8))
def test_damaged_grammars(part: int, tmp_path: Path) -> None:
    """Grammars of every construct; what loads is sampled, counted, mutated, parsed back, written out."""
    rng, report = random.Random(part), Report()
    texts = grammars()
    for _ in range(150):
        try_grammar(damaged(rng.choice(texts), rng).encode("utf-8", "replace"), report, tmp_path, rng)
    for _ in range(30):
        try_grammar(bytes(rng.randrange(256) for _ in range(rng.randrange(60))), report, tmp_path, rng)
    assert report.failures == {}
    assert 0 < report.loaded < report.tried


def test_grammars_as_they_are(tmp_path: Path) -> None:
    report = Report()
    for text in grammars():
        try_grammar(text.encode(), report, tmp_path, random.Random(0))
    assert report.failures == {}
    assert report.loaded > 50


def test_damaged_architectures() -> None:
    rng, report = random.Random(0), Report()
    space = bundled("einspace")
    for arch in space.samples(150, rng=1, max_nodes=50):
        try_architecture(damaged(str(arch), rng), report)
        try_architecture(damaged(MACROS, rng), report)
    assert report.failures == {}
    assert 0 < report.loaded < report.tried


@pytest.mark.parametrize("path", CORPUS, ids=[path.name for path in CORPUS])
def test_what_was_found_once(path: Path, tmp_path: Path) -> None:
    """Inputs that fuzzing has found, by what they broke."""
    report = Report()
    try_grammar(path.read_bytes(), report, tmp_path, random.Random(0))
    assert report.failures == {}


@given(st.text(st.sampled_from('abAB:|"()/%->\n 01.?*\\{}[]~+'), max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_or_refuse(text)


@given(st.lists(st.sampled_from([*PIECES, "a: ", "b ", '"x" ', "A ", "-> relu", "-> seq", "\n| "]), max_size=25))
@settings(max_examples=400, deadline=None)
def test_any_pieces(pieces: list[str]) -> None:
    load_or_refuse("".join(pieces))
