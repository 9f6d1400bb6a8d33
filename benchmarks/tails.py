"""What the slowest of many take: drawing, mutating, telling apart and compiling architectures, one by one.

A search pays the mean, and waits for the slowest: a median says little where sizes differ a thousandfold.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

import einspec
from benchmarks.measure import Row, cpu_seconds, tail

LIMITS = {"max_nodes": 60}


def rows(count: int = 3_000) -> list[Row]:
    """Mean, 99th percentile and maximum, in milliseconds, of samples of einspace at 3x32x32 up to 60 nodes."""
    space = einspec.load("einspace", input=(3, 32, 32))
    texts = [str(arch) for arch in space.samples(count, rng=0, **LIMITS)]
    rng = random.Random(1)
    few = {"max_params": 2_000_000, "max_macs": 100_000_000, **LIMITS}
    light = [str(arch) for arch in space.samples(count // 10, rng=0, **few)]
    return [
        *tail("drawing", _times(lambda _: space.sample(rng=rng, **LIMITS), range(count))),
        *tail(
            "mutation", _times(lambda arch: space.mutate(arch, rng=rng, **LIMITS), _parsed(space, texts[: count // 3]))
        ),
        *tail(
            "graph and key", _times(lambda arch: arch.key, _parsed(space, texts)), "under 1", "under 10", "at most 50"
        ),
        *tail(
            "compiling, up to 2 million parameters", _times(lambda arch: einspec.compile(arch), _parsed(space, light))
        ),
        unique_row(space, count),
    ]


def unique_row(space: einspec.Space, count: int) -> Row:
    """How fast samples are told apart: the same draws, with those dropped that were drawn before."""
    ratios = []
    for seed in range(5):
        plain = cpu_seconds(_draw, space, count, seed, False)
        distinct = len({arch.key for arch in space.samples(count, rng=seed, **LIMITS)})
        ratios.append(plain / cpu_seconds(_draw, space, distinct, seed, True))
    return Row("unique samples, duplicates counted, by samples", ratios, "x", "at least 0.5")


def _draw(space: einspec.Space, count: int, seed: int, unique: bool) -> None:
    for _ in space.samples(count, rng=seed, unique=unique, **LIMITS):
        pass


def _parsed(space: einspec.Space, texts: Iterable[str]) -> Iterator[einspec.Architecture]:
    """Architectures that know nothing of themselves yet, one at a time: the collector of garbage has little to do."""
    return (space.parse(text) for text in texts)


def _times(work: Callable[[object], object], arguments: Iterable[object]) -> list[float]:
    return [1000 * cpu_seconds(work, argument) for argument in arguments]


if __name__ == "__main__":
    from benchmarks.measure import table

    print(table(rows()))
