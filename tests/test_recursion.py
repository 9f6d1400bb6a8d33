"""The one place that lifts the recursion limit puts it back, whatever happens."""

from __future__ import annotations

import sys
import threading

import pytest

from einspec import CompileError
from einspec.recursion import MAX_DEPTH, deep


def nest(levels: int) -> int:
    return 0 if levels == 0 else 1 + nest(levels - 1)


@pytest.mark.parametrize("depth", [1, 250, 251, 5_000, MAX_DEPTH])
def test_room_for_as_many_levels(depth: int) -> None:
    before = sys.getrecursionlimit()
    assert deep(depth, lambda: nest(4 * depth)) == 4 * depth
    assert sys.getrecursionlimit() == before


def test_past_the_limit() -> None:
    with pytest.raises(CompileError) as error:
        deep(MAX_DEPTH + 1, lambda: 0)
    assert str(error.value) == (
        "a derivation nested 20,001 deep cannot be evaluated: the limit is 20,000; "
        "write it flatter, or lower Limits(max_depth=...)"
    )


@pytest.mark.parametrize("depth", [1, 1_000])
@pytest.mark.parametrize("error", [ValueError("inside"), KeyboardInterrupt()])
def test_errors_come_out_and_the_limit_goes_back(depth: int, error: BaseException) -> None:
    before = sys.getrecursionlimit(), threading.stack_size()

    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        deep(depth, fail)
    assert (sys.getrecursionlimit(), threading.stack_size()) == before


def test_nested_and_in_several_threads() -> None:
    before = sys.getrecursionlimit()
    found: list[int] = []

    def work(depth: int) -> None:
        found.append(deep(depth, lambda: deep(2_000, lambda: nest(3_000)) + nest(2 * depth)))

    threads = [threading.Thread(target=work, args=(depth,)) for depth in (10, 300, 1_500, 700)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(3_000 + 2 * depth for depth in (10, 300, 1_500, 700))
    assert sys.getrecursionlimit() == before
