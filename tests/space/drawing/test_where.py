"""What a predicate of the user's raises stays its own error, with a note that says for which architecture."""

from __future__ import annotations

from typing import Any

import pytest

import einspec

SPACE = einspec.load("einspace", input=(3, 32, 32))
ARCH = SPACE.parse("seq(linear(64), seq(relu, norm))")


def missing(arch: Any) -> bool:
    return {}[str(arch)]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "call",
    [
        lambda: SPACE.sample(rng=0, where=missing),
        lambda: next(SPACE.samples(1, rng=0, where=missing)),
        lambda: SPACE.mutate(ARCH, rng=0, where=missing),
        lambda: SPACE.crossover(ARCH, SPACE.sample(rng=1, nodes=10), rng=0, where=missing),
    ],
    ids=["sample", "samples", "mutate", "crossover"],
)
def test_what_where_raises_has_a_note(call: Any) -> None:
    with pytest.raises(KeyError) as caught:
        call()
    (text,) = caught.value.args
    assert caught.value.__notes__ == [f"raised by where= for the architecture {text}"]
