"""What cannot succeed is refused after bounded work; what is finite is tried once each, without replacement."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

import einspec
from einspec.errors import SamplingError
from einspec.space.variation.edits import moves, slots
from einspec.space.variation.kinds import KINDS
from einspec.space.variation.once import once_each

EINSPACE = einspec.load("einspace", input=(3, 32, 32))
NETWORK = EINSPACE.parse("seq(seq(linear(64), branch(clone(2), relu, norm, add)), seq(linear(16), softmax))")
ROUTE = EINSPACE.parse("route(permute(132), linear(1024), permute(132))")


def test_a_million_choices_are_read_in_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from einspec.space.text import codec

    nodes = []
    evaluate = codec.evaluate

    def counted(run: Any, *rest: Any) -> Any:
        try:
            return evaluate(run, *rest)
        finally:
            nodes.append(run.nodes)

    monkeypatch.setattr(codec, "evaluate", counted)
    arch = EINSPACE.from_choices(range(1_000_000))
    assert EINSPACE.from_choices(arch.choices) == arch
    assert sum(nodes) < 4 * max(nodes) < 200_000  # before: 18 attempts of up to 60,000 nodes


@pytest.mark.parametrize(
    "asked",
    [
        {"macs": (10, 20)},
        {"params": (1, 2)},
        {"max_params": 0, "contains": "linear"},
        {"depth": 150},
        {"nodes": 1500},
        {"output": (7,)},
        {"where": lambda arch: False},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_a_wish_that_nothing_meets_is_refused_after_bounded_work(asked: dict[str, Any]) -> None:
    with pytest.raises(
        SamplingError, match=r" attempts, as much work as 200,000 nodes, within .*; rejected by "
    ) as error:
        EINSPACE.sample(rng=0, **asked)
    assert "loosen what rejects most, or allow more attempts: attempts=100000 allows ten times the work" in str(
        error.value
    )


def test_more_attempts_allow_more_work() -> None:
    with pytest.raises(SamplingError, match=r"as much work as 400,000 nodes, within .*: attempts=200000 allows"):
        EINSPACE.sample(rng=0, macs=(10, 20), attempts=20_000)


def test_few_attempts_are_all_made() -> None:
    with pytest.raises(SamplingError, match=r"in 50 attempts within .*, or allow more attempts$"):
        EINSPACE.sample(rng=0, macs=(10, 20), attempts=50)


def test_a_crossover_tries_each_exchange_once() -> None:
    with pytest.raises(SamplingError) as error:
        EINSPACE.crossover(ROUTE, ROUTE, rng=0)
    assert str(error.value) == (
        "no crossover of these architectures of einspace among all 3 exchanges within max_nodes=2000, max_depth=200, "
        "attempts=10000; rejected by equal subtrees 3; loosen what rejects most"
    )


@pytest.mark.parametrize("kind", ["resize", "delete", "swap"])
def test_a_mutation_of_a_finite_kind_tries_each_edit_once(kind: str) -> None:
    asked = []

    def where(arch: einspec.Architecture) -> bool:
        asked.append(str(arch))
        return False

    with pytest.raises(SamplingError, match=r"among all \d+ edits within") as error:
        EINSPACE.mutate(NETWORK, rng=0, kind=kind, where=where)
    found = KINDS[kind](slots(NETWORK), EINSPACE.remembered(moves))
    edits = list(found.edits(random.Random(1)))
    assert f"among all {len(edits)} edits" in str(error.value)
    marks = [tuple((number, str(new)) for number, new in sorted(edit.changes.items())) for edit in edits if edit]
    assert len(set(marks)) == len(marks) == len(edits)
    assert set(Counter(asked).values()) == {1} or kind == "swap"


def test_an_insertion_without_anything_to_draw_is_finite() -> None:
    space = einspec.loads(
        'net: "a" "(" net ")" -> above | "b" "(" net ")" -> below | "r" -> relu\n', ops=[above, below], input=(4, 8)
    )
    seen = []
    with pytest.raises(SamplingError, match="among all 4 edits within"):
        space.mutate(space.parse("a(r)"), rng=0, kind="insert", where=lambda arch: bool(seen.append(str(arch))))
    assert sorted(seen) == ["a(a(r))", "a(a(r))", "a(b(r))", "b(a(r))"]  # two edits come to the same


def test_draws_without_replacement_give_everything_once() -> None:
    rng = random.Random(0)
    for total in (1, 2, 5, 100):
        found = list(once_each(lambda rng: int(rng.random() ** 8 * total), lambda: range(total), rng))  # noqa: B023
        assert sorted(found) == list(range(total))


@einspec.ops.combinator
def above(x: Any, body: Any) -> Any:
    return einspec.ops.library_ops()["linear"](body(x), 3)


@einspec.ops.combinator
def below(x: Any, body: Any) -> Any:
    return body(einspec.ops.library_ops()["linear"](x, 5))
