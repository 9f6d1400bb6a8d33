"""Choices and JSON: round trips, any list of whole numbers, and every kind of damage."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import einspec
from einspec import Architecture, ParseError, SamplingError, ShapeError, Type
from einspec.ops import primitive
from einspec.recursion import MAX_DEPTH
from einspec.testing import architectures
from tests.helpers import bundled

NAMES = ["einspace", "mlp", "nasbench201", "darts"]
SPACES = {name: bundled(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_round_trips(name: str) -> None:
    space = SPACES[name]

    @settings(max_examples=150, deadline=None)
    @given(architectures(space))
    def check(arch: Architecture) -> None:
        for again in (space.from_choices(arch.choices), space.from_json(arch.to_json()), space.parse(str(arch))):
            assert again == arch
            assert again.derivation.ops() == arch.derivation.ops()
            assert (again.choices, again.log_prob, again.output) == (arch.choices, arch.log_prob, arch.output)

    check()


def test_choices_are_indices_of_declared_members() -> None:
    space = SPACES["einspace"]
    # network 0 (sequential), its one member, then module 3 (computation) and its member, twice
    assert space.parse("seq(identity, relu)").choices == [0, 0, 3, 0, 3, 10]
    # those of weight 0 come last: 13 members are drawn, maxpool is the next
    assert space.parse("seq(identity, maxpool(3,2,1))").choices == [0, 0, 3, 0, 3, 13]
    assert space.parse("branch(group(2,3), relu, relu, cat(2))").choices == [1, 0, 3, 3, 10, 3, 10, 4]


def test_the_list_of_choices_is_a_copy() -> None:
    arch = SPACES["einspace"].parse("seq(relu, norm)")
    arch.choices.clear()
    assert len(arch.choices) == 6


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ([], "seq(identity, identity)"),
        ([0], "seq(identity, identity)"),
        ([3], "seq(identity, identity)"),  # modulo the three members of network
        ([-1], "route(identity, identity, identity)"),
        ([10**400 * 3], "seq(identity, identity)"),
        ([0, 0, 3, 9, 3, 10], "seq(norm, relu)"),
        ([0, 0, 3, 9, 3, 10, 5, 5, 5], "seq(norm, relu)"),  # what is left over is not read
        ([0, 0, 3, 13, 3, 10], "seq(maxpool(3,2,1), relu)"),  # exactly an index of weight 0
        ([0, 0, 3, 16, 3, 10], "seq(linear(64), relu)"),  # 16 is none: modulo 13
        ([1, 0, 1], "branch(group(2,2), identity, identity, add)"),  # group(2,1) does not apply: the next one
    ],
)
def test_numbers_that_are_no_index(choices: list[int], text: str) -> None:
    arch = SPACES["einspace"].from_choices(choices)
    assert arch.derivation.member.op is not None
    assert str(arch) == text
    assert SPACES["einspace"].from_choices(arch.choices) == arch


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.integers(), max_size=12) | st.lists(st.integers(0, 40), max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_list_of_whole_numbers(name: str, choices: list[int]) -> None:
    space = SPACES[name]
    try:
        arch = space.from_choices(choices)
    except SamplingError as error:
        assert "could not be repaired in" in str(error)  # noqa: PT017 - one of two outcomes
        return
    assert space.parse(str(arch)) == arch
    assert space.from_choices(arch.choices) == arch
    assert space.from_choices(iter(choices)) == arch


def test_choices_that_nest_too_deep_are_cut_until_they_fit() -> None:
    arch = SPACES["einspace"].from_choices([0] * 100_000)
    assert arch.choices[:1000] == [0] * 1000
    assert arch.depth <= MAX_DEPTH


def test_random_choices_are_repaired() -> None:
    rng = random.Random(0)
    for length in (5, 20, 50, 200):
        for _ in range(10):
            assert SPACES["einspace"].from_choices([int(rng.random() * 30) for _ in range(length)])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([0, 1.0], "choice 1 is 1.0: expected whole numbers"),
        ([None], "choice 0 is None: expected whole numbers"),
        ([True], "choice 0 is True: expected whole numbers"),
        ("01", "choice 0 is '0': expected whole numbers"),
        ([[0]], "choice 0 is [0]: expected whole numbers"),
    ],
)
def test_choices_that_are_no_whole_numbers(choices: Any, message: str) -> None:
    with pytest.raises(ParseError) as error:
        SPACES["einspace"].from_choices(choices)
    assert str(error.value) == message


def test_numpy_numbers_are_whole_numbers() -> None:
    import numpy as np

    arch = SPACES["einspace"].from_choices(np.array([0, 0, 3, 9, 3, 10]))
    assert str(arch) == "seq(norm, relu)"


# --- JSON ---

RECORD = json.loads(SPACES["einspace"].parse("seq(norm, relu)").to_json())


def test_the_record() -> None:
    assert {
        "einspec": 1,
        "grammar": SPACES["einspace"].grammar.digest,
        "input": "(3, 32, 32)",
        "text": "seq(norm, relu)",
        "choices": [0, 0, 3, 9, 3, 10],
    } == RECORD


NO_RECORD = "this JSON is no architecture: expected an object with text and choices, as arch.to_json() writes"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"einspec": 2}, "this JSON has format 2: expected 1; it is of another version of einspec"),
        ({"einspec": None}, "this JSON has format None: expected 1; it is of another version of einspec"),
        ({"einspec": "1"}, "this JSON has format '1': expected 1; it is of another version of einspec"),
        ({"text": None}, NO_RECORD),
        ({"text": 5}, NO_RECORD),
        (
            {"text": "seq(relu, norm)"},
            "the choices derive seq(norm, relu), and the text says seq(relu, norm): one was changed",
        ),
        (
            {"text": "x" * 100},
            f"the choices derive seq(norm, relu), and the text says {'x' * 57}...: one was changed",
        ),
        (
            {"choices": [0, 0, 3, 9, 3, 9]},
            "the choices derive seq(norm, norm), and the text says seq(norm, relu): one was changed",
        ),
        ({"choices": [0, "x"]}, "choice 1 is 'x': expected whole numbers"),
        ({"choices": [0, 1.5]}, "choice 1 is 1.5: expected whole numbers"),
        ({"choices": [0, {}]}, "choice 1 is {}: expected whole numbers"),
    ],
)
def test_damaged_records(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ParseError) as error:
        SPACES["einspace"].from_json(json.dumps({**RECORD, **changes}))
    assert str(error.value) == message


@pytest.mark.parametrize("missing", ["grammar", "input", "choices"])
@pytest.mark.parametrize("other", ["missing", None, 5, "other", {}])
def test_without_matching_choices_the_text_decides(missing: str, other: Any) -> None:
    record = {key: value for key, value in RECORD.items() if key != missing}
    if other != "missing":
        record[missing] = other
    assert str(SPACES["einspace"].from_json(json.dumps(record))) == "seq(norm, relu)"


def test_the_text_of_another_grammar_or_input() -> None:
    with pytest.raises(ParseError, match=r"^<architecture>:1:1: found 'seq'"):
        SPACES["mlp"].from_json(json.dumps(RECORD))
    other = einspec.load("einspace", input=(8, 8))
    image = SPACES["einspace"].parse("route(im2col(4,4,0), relu, col2im)")
    with pytest.raises(ShapeError, match=r"^<architecture>:1:7: im2col\(4,4,0\) does not accept \(8, 8\): "):
        other.from_json(image.to_json())
    assert str(other.from_json(json.dumps(RECORD))) == "seq(norm, relu)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is not JSON: Expecting value: line 1 column 1 (char 0); expected what arch.to_json() writes"),
        ("{", "this is not JSON: "),
        ("[" * 100_000, "this is not JSON: "),
        ('{"einspec": ' + "9" * 5000 + "}", "this is not JSON: "),
        ("5", NO_RECORD),
        ("null", NO_RECORD),
        ("[]", NO_RECORD),
        ("{}", NO_RECORD),
        ('"seq(norm, relu)"', NO_RECORD),
        (None, "this is not JSON: "),
        (b"\xff", "this is not JSON: "),
    ],
)
def test_what_is_no_record(text: Any, message: str) -> None:
    with pytest.raises(ParseError) as error:
        SPACES["einspace"].from_json(text)
    assert str(error.value).startswith(message)


@primitive
def refuse(x: Type) -> Type:
    raise ShapeError("never")


def test_choices_in_a_record_that_lead_nowhere() -> None:
    closed = einspec.loads('start: "a" -> refuse\n', input=(3, 8), ops=refuse)
    record = {"einspec": 1, "grammar": closed.grammar.digest, "input": "(3, 8)", "text": "a", "choices": [0]}
    with pytest.raises(ParseError, match=r"^the choices were changed: no architecture from these 1 choice"):
        closed.from_json(json.dumps(record))
    with pytest.raises(SamplingError) as error:
        closed.from_choices([0])
    assert str(error.value) == (
        "no architecture from these 1 choice: a dead end (no member of start fits) could not be repaired in 1 step; "
        "use other choices"
    )


def test_a_dead_end_is_repaired() -> None:
    grammar = 'start: "m" part part -> seq\npart: "l" -> linear9 | "n" -> only8 | "i" -> identity\n'
    space = einspec.loads(grammar, input=(3, 8), ops=[_only8, _linear9])
    assert str(space.from_choices([0, 0, 1])) == "mli"  # after a width of 9, only8 does not apply: the next one
    assert str(space.from_choices([0, 1, 1])) == "mnn"


@primitive(name="only8")
def _only8(x: Type) -> Type:
    if x.axes[-1].size != 8:
        raise ShapeError("not 8")
    return x


@primitive(name="linear9")
def _linear9(x: Type) -> Type:
    return x.with_axis(-1, 9)
