"""Damaged grammar texts: each loads or is a GrammarError, and never anything else."""

from __future__ import annotations

import random
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import einspec
from einspec.grammar import bundled_names
from tests.helpers import INPUTS, bundled

PIECES = [
    "//%", "//", "/", '"', "(", ")", "[", "]", "{", "}", "|", "->", ":", ",", "?", "*", "+", "~2", "..", "!", "%ignore",
    "%import", "\\", "\n", "\r", "\t", " ", "0", "1/3", "-", "e9", "start", "WIDTH", "_", "é", "\0", "\u2028", "\ud800",
    "A: B", "\\x4",
]  # fmt: skip


def damaged(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        width = rng.choice([1, 1, 1, 2, 5, 20, 200])
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + text[at + width :]
        elif kind == 1:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind == 2:
            text = text[:at] + rng.choice(PIECES) + text[at + width :]
        elif kind == 3:  # two pieces change places
            to = rng.randrange(len(text) + 1)
            at, to = sorted((at, to))
            one, other = text[at : at + width], text[to : to + width]
            text = text[:at] + other + text[at + width : to] + one + text[to + width :]
        else:
            text = text[: at + width] + text[at:]
    return text


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
    loaded = sum(load_or_refuse(damaged(text, rng), name) for _ in range(200))
    assert 0 < loaded < 200


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
