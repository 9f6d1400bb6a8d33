"""Enumeration: the smallest first, each size before the next, each derivation once, without end where there is none."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import einspec
from tests.helpers import bundled
from tests.space.small_spaces import GRAMMARS, small_space


@einspec.ops.combinator
def two(x: Any, a: Any, b: Any) -> Any:
    return b(a(x))


LEFT = 'net: net "b" leaf -> two | leaf\nleaf: "r" -> relu | "n" -> norm\n//% start net\n'


def test_an_infinite_space_begins_with_its_smallest() -> None:
    space = einspec.loads(LEFT, input=(4, 8), ops=[two])
    first = list(itertools.islice(space.enumerate(), 2 + 4 + 8 + 16))
    assert [str(arch) for arch in first[:8]] == ["r", "n", "rbr", "rbn", "nbr", "nbn", "rbrbr", "rbrbn"]
    assert [len(arch) for arch in first] == [1] * 2 + [3] * 4 + [5] * 8 + [7] * 16
    assert len(set(map(str, first))) == len(first)


def test_a_space_without_limits_is_enumerated_lazily() -> None:
    space = einspec.loads(LEFT, input=(4, 8), ops=[two], limits=einspec.Limits(max_nodes=None, max_depth=None))
    assert len(list(itertools.islice(space.enumerate(), 100))) == 100


@pytest.mark.parametrize("name", GRAMMARS)
def test_sizes_rise_and_everything_is_there_once(name: str) -> None:
    space = small_space(name)
    limits = {"max_depth": 4, "max_nodes": 6}
    archs = list(itertools.islice(space.enumerate(**limits), 3000))
    sizes = [len(arch) for arch in archs]
    assert sizes == sorted(sizes)
    assert len({tuple(arch.choices) for arch in archs}) == len(archs)
    count = space.count(**limits)
    assert len(archs) == min(3000, count) or not isinstance(count, int)
    assert all(arch.depth <= 4 and len(arch) <= 6 and arch.log_prob > -float("inf") for arch in archs)


def test_the_2324_of_einspace_by_size() -> None:
    archs = list(bundled("einspace").enumerate(max_depth=2))
    sizes = [len(arch) for arch in archs]
    assert len(archs) == len(set(map(str, archs))) == 2324
    assert sizes == sorted(sizes)
    assert set(sizes) == {3, 4, 5}


def test_a_size_that_no_derivation_has_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from einspec.space.drawing import enumeration

    passes = []
    script = enumeration._Script.__init__

    def counted(self: Any, space: Any, known: Any, size: int, max_depth: float) -> None:
        passes.append(size)
        script(self, space, known, size, max_depth)

    monkeypatch.setattr(enumeration._Script, "__init__", counted)
    assert sum(1 for _ in itertools.islice(bundled("darts").enumerate(), 10)) == 10
    assert len(passes) == 1
    passes.clear()
    assert sum(1 for _ in bundled("nasbench201").enumerate()) == 15_625
    assert passes == [8]
