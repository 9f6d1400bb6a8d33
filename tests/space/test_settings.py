"""Settings: values that a sentence names and no op takes. They tell architectures apart, and their graphs not."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
import random
from fractions import Fraction

import pytest

import einspec
from tests.space.small_spaces import chi_squared_fits, exact, small_space

TEXT = """
//% settings LR, OPT, NOTE
//% def trained(x, body): return body(x)
start: body "lr" LR OPT -> trained
body: "relu" -> relu //% 0.5
 | "linear" W -> linear
 | "seq(" body "," body ")" [NOTE] -> seq //% 0.2
W: "4" | "8"
LR: "0.1" | "1e-3" //% 0.3 0.7
OPT: "sgd" | "adam"
NOTE: "1" | "two"
%ignore / +/
"""


@pytest.fixture(scope="module")
def space() -> einspec.Space:
    return einspec.loads(TEXT, input=(8,), limits=einspec.Limits(max_nodes=6))


def test_settings_are_values_by_name_in_text_order(space):
    arch = space.parse("seq(seq(relu, relu) 1, relu) two lr 1e-3 adam")
    assert arch.settings == {"note": (1, "two"), "lr": 0.001, "opt": "adam"}
    assert space.parse("relu lr 0.1 sgd").settings == {"lr": 0.1, "opt": "sgd"}
    assert einspec.load("mlp").sample(rng=0).settings == {}
    arch.settings["lr"] = 3
    assert arch.settings["lr"] == 0.001


def test_identity_is_the_key_with_the_settings(space):
    one, other, third = (space.parse(text) for text in ("relu lr 0.1 sgd", "relu lr 0.1 adam", "relu lr 1e-3 sgd"))
    assert one.key == other.key == third.key
    assert len({one.identity, other.identity, third.identity}) == 3
    assert one.identity == f"{one.key}/{one.identity[-16:]}"
    assert one != other
    plain = einspec.load("mlp").sample(rng=0)
    assert plain.identity == plain.key


def test_the_digest_is_that_of_the_values():
    """The same on every machine: a number is what it is, however it is written."""
    space = einspec.loads('//% settings A\nstart: "r" A -> relu\nA: "1e-3" | "0.001" | "x"', input=(4,))
    first, second, third = (space.parse(f"r{a}").identity for a in ("1e-3", "0.001", "x"))
    assert first == second != third
    assert first[-16:] == hashlib.sha256(b'{"a":0.001}').hexdigest()[:16]


def test_round_trips(space):
    for arch in space.enumerate():
        assert space.parse(str(arch)) == arch
        assert space.from_choices(arch.choices) == arch
        assert space.from_json(arch.to_json()) == arch
        again = pickle.loads(pickle.dumps(arch))
        assert (again, again.settings, again.identity) == (arch, arch.settings, arch.identity)


def test_counts_and_probabilities(space):
    archs = list(space.enumerate())
    assert space.count() == len(archs) == len({str(arch) for arch in archs})
    assert math.exp(space.parse("relu lr 0.1 sgd").log_prob) == pytest.approx(0.5 * 0.3 * 0.5)


def test_samples_follow_the_distribution(space):
    found = [str(arch) for arch in space.samples(20_000, rng=3)]
    assert chi_squared_fits(found, exact(space))
    wrong = dict(exact(space))
    wrong["relu lr 0.1 sgd"] += Fraction(1, 40)
    wrong["relu lr 1e-3 adam"] -= Fraction(1, 40)
    assert not chi_squared_fits(found, wrong)


def test_unique_samples_differ_in_identity(space):
    archs = list(space.samples(60, rng=0, unique=True))
    assert len({arch.identity for arch in archs}) == 60 > len({arch.key for arch in archs})


def test_mutation_changes_a_setting_alone(space):
    arch = space.parse("relu lr 0.1 sgd")
    mutants = [space.mutate(arch, rng=seed) for seed in range(60)]
    assert all(mutant.identity != arch.identity for mutant in mutants)
    assert any(mutant.key == arch.key for mutant in mutants)
    resized = {str(space.mutate(arch, rng=seed, kind="resize")) for seed in range(40)}
    assert resized == {"relu lr 0.1 adam", "relu lr 1e-3 sgd", "relu lr 1e-3 adam"}
    assert {"relu lr 0.1 adam", "relu lr 1e-3 adam"} < {str(other) for other in space.neighbours(arch)}


def test_a_walk_leaves_the_distribution_as_it_is():
    space = small_space("settings")
    expected = exact(space)
    rng = random.Random(5)
    archs = list(space.samples(4_000, rng=rng))
    for _ in range(3):
        moved = []
        for arch in archs:
            child, ratio = space.propose(arch, rng=rng)
            moved.append(child if math.log(rng.random() or 1e-300) < ratio else arch)
        archs = moved
    assert chi_squared_fits(list(map(str, archs)), expected)


def test_a_search_evaluates_each_setting(space, tmp_path):
    from einspec.search import RandomSearch

    strategy = RandomSearch(space, seed=1)
    archs = []
    for _ in range(12):
        candidate = strategy.ask()
        archs.append(candidate.arch)
        strategy.tell(candidate, 1.0)
    assert len({arch.identity for arch in archs}) == 12


def test_settings_stand_beside_what_passes_on():
    space = einspec.loads(
        '//% settings LR\nstart: body LR | LR body "!" -> wrap\n//% def wrap(x, body): return body(x)\n'
        'body: "r" -> relu | "s" -> softmax\nLR: "1" | "2"', input=(4,),
    )  # fmt: skip
    assert sorted(map(str, space.enumerate())) == sorted(["r1", "r2", "s1", "s2", "1r!", "1s!", "2r!", "2s!"])
    arch = space.parse("s2")
    assert (len(arch), arch.depth, arch.settings) == (1, 1, {"lr": 2})
    assert space.parse("1s!").settings == {"lr": 1}


def test_guards_know_settings():
    space = einspec.loads(
        '//% settings LR\nstart: "l" W LR -> linear //% if LR < 0.05 or W == 4\nW: "4" | "8"\nLR: "0.1" | "0.01"',
        input=(4,),
    )
    assert sorted(map(str, space.enumerate())) == ["l40.01", "l40.1", "l80.01"]
    with pytest.raises(einspec.ShapeError, match=r"LR < 0.05 or W == 4 is false"):
        space.parse("l80.1")


def test_the_command_line_shows_them(tmp_path, capsys):
    from einspec.cli import main

    path = tmp_path / "s.lark"
    path.write_text(TEXT)
    assert main(["sample", str(path), "--input", "8", "-n", "1", "--seed", "0", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert set(row["settings"]) >= {"lr", "opt"}
    assert row["identity"].startswith(row["key"] + "/")
    assert main(["show", str(path), "relu lr 0.1 sgd", "--input", "8"]) == 0
    assert "lr 0.1, opt sgd" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("//% settings LRR", "E407]: the setting LRR is not defined"),
        ("//% settings body", "E407]: the setting body is a rule, and settings are terminals"),
        ("//% settings", "E303]: the directive settings says nothing"),
        ("//% settings FREE", "E407]: FREE is a setting, and a regular expression has no values to draw"),
    ],
)
def test_what_is_no_setting(text, message):
    grammar = f'{text}\nstart: body | "f" FREE -> relu\nbody: "r" LR -> linear\nLR: "1" | "2"\nFREE: /x+/\n'
    with pytest.raises(einspec.GrammarError) as caught:
        einspec.loads(grammar, input=(4,))
    assert message in str(caught.value)
