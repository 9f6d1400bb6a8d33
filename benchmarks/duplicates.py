"""``python -m benchmarks.duplicates``: how many functions the architectures of different keys are.

Each is given weights by the shapes of its parameters, so that architectures that differ in which layer comes first are
taken for the same too, and computes in float64, in evaluation and in training. Those that agree under several weights,
and have parameters of the same shapes, are one function: a key that a law is missing for. Others may agree by chance,
as the sum of two equal layers is twice one of them: the shapes of their parameters differ.
"""

from __future__ import annotations

import math
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

import einspec
from einspec.compiler.graph.unfold import MOST_NODES, written_out
from einspec.compiler.identity.key import canonical_digest
from einspec.compiler.simplify.simplify import simplify
from einspec.search import Evolution

WEIGHTLESS = """
start: m
m: "(" m m ")" -> seq //% 0.3
 | "branch(" s m m j ")" -> branch //% 0.1
 | "replicate(" s m j ")" -> replicate //% 0.1
 | "route(" p m p ")" -> route //% 0.1
 | "relu" -> relu | "softmax" -> softmax | p
p: "permute" ORDER -> permute | "im2col1" -> im2col1 | "col2im" -> col2im
s: "clone" TWO -> clone | "group" TWO A -> group
j: "add" -> add | "cat" A -> cat
//% def im2col1(x):
//%     return im2col(x, 1, 1, 0)
ORDER: "21" | "132" | "213" | "231" | "312" | "321"
TWO: "2"
A: "1" | "2" | "3"
%ignore " "
"""
"""A space without weights: two architectures that agree on random numbers are one function."""

_LIGHT = {"max_nodes": 25, "max_params": 2_000_000, "max_macs": 20_000_000}
SPACES: dict[str, tuple[Any, dict[str, int]]] = {
    "einspace (3, 8, 8)": (lambda: einspec.load("einspace", input=(3, 8, 8)), _LIGHT),
    **{
        f"no weights {sizes}": (lambda sizes=sizes: einspec.loads(WEIGHTLESS, input=sizes), {"max_nodes": 25})
        for sizes in ((2, 2), (4, 4), (2, 2, 2), (4, 2, 2))
    },
}  # fmt: skip

_SEEDS = 2
_BATCH = 3
_CLOSE = 1e-8


@dataclass(frozen=True)
class Report:
    """What samples of a space come to."""

    samples: int
    keys: int
    functions: int
    pairs: tuple[tuple[einspec.Architecture, einspec.Architecture], ...]
    """The two shortest of each function that has several keys, the shortest first."""

    @property
    def excess(self) -> float:
        """Keys by functions: how often a search evaluates what it has evaluated before."""
        return self.keys / self.functions


def measure(space: einspec.Space, count: int, seed: int = 0, **limits: int) -> Report:
    """Draws so many architectures, and compares those of different keys."""
    archs: dict[str, einspec.Architecture] = {}
    for arch in space.samples(count, rng=seed, **limits):
        archs.setdefault(arch.key, arch)
    found = [sorted(group, key=lambda arch: len(str(arch))) for group in same_functions(archs.values())]
    pairs = sorted(((g[0], g[1]) for g in found if len(g) > 1), key=lambda pair: len(str(pair[0])) + len(str(pair[1])))
    return Report(count, len(archs), len(found), tuple(pairs))


def same_functions(archs: Iterable[einspec.Architecture]) -> list[list[einspec.Architecture]]:
    """The architectures in groups that compute the same."""
    by_form: dict[object, list[tuple[list[float], einspec.Architecture]]] = defaultdict(list)
    for arch in archs:
        form, values = signature(arch)
        by_form[form].append((values, arch))
    found: list[list[einspec.Architecture]] = []
    for alike in by_form.values():
        groups: list[tuple[list[float], list[einspec.Architecture]]] = []
        for values, arch in sorted(alike, key=lambda item: item[0]):
            # In ascending order, what is close stands near.
            near = next((group for wanted, group in reversed(groups[-50:]) if _are_close(wanted, values)), None)
            if near is None:
                groups.append((values, [arch]))
            else:
                near.append(arch)
        found += [group for _, group in groups]
    return found


def _are_close(some: Sequence[float], others: Sequence[float]) -> bool:
    return all(abs(a - b) <= _CLOSE * max(1, abs(a), abs(b)) for a, b in zip(some, others, strict=True))


def signature(arch: einspec.Architecture) -> tuple[object, list[float]]:
    """The form of what an architecture computes with, and numbers that tell functions of one form apart."""
    model = einspec.compile(arch, fuse=False).double()
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.randn(_BATCH, *kind.sizes, generator=generator, dtype=torch.float64) for kind in arch.inputs]
    values: list[float] = []
    with torch.no_grad():
        for seed in range(_SEEDS):
            for name, parameter in model.named_parameters():
                # By shape and what it is called in its layer: a bias is no scale.
                own = repr((tuple(parameter.shape), name.rpartition(".")[2], seed))
                generator.manual_seed(zlib.crc32(own.encode()))
                spread = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter.copy_(spread * (0.5 if parameter.dim() < 2 else parameter[0].numel() ** -0.5))
            for is_training in (False, True):
                state = {name: value.clone() for name, value in model.named_buffers()}
                found = model.train(is_training)(*inputs)
                for name, value in model.named_buffers():
                    value.copy_(state[name])
                generator.manual_seed(2)
                weights = torch.randn(found.shape, generator=generator, dtype=torch.float64)
                values += [float((found * weights).sum()), float(found.abs().sum())]
    shapes = tuple(sorted(tuple(parameter.shape) for parameter in model.parameters()))
    return (tuple(found.shape), shapes), values


class _Watched(Evolution):
    """Evolution that notes the graphs that it proposes as they would be built, those that a key drops too."""

    def __init__(self, space: einspec.Space, **options: Any) -> None:
        super().__init__(space, **options)
        self.built: set[str] = set()

    def _all_proposals(self) -> Iterator[tuple[einspec.Architecture, int | None]]:
        for arch, parent in super()._all_proposals():
            graph = arch.graph
            flat = simplify(written_out(graph)) if graph.written_out <= MOST_NODES else graph
            self.built.add(canonical_digest(flat))
            yield arch, parent


def evaluated(sizes: tuple[int, ...], nodes: int, proposals: int, seed: int = 0) -> tuple[int, int]:
    """How many different graphs an evolution proposes until these are so many, and how many of them it evaluates: the
    others have the key of one that it has.

    In place of an accuracy stands a number that prefers some depth and some 100,000 parameters.
    """
    search = _Watched(einspec.load("einspace", input=sizes), seed=seed, where=lambda arch: len(arch) <= nodes)
    while len(search.built) < proposals:
        candidate = search.ask()
        arch = candidate.arch
        search.tell(candidate, -abs(math.log10(1 + arch.params) - 5) - 0.2 * abs(math.log2(1 + len(arch)) - 4))
    return len(search.built), search.asked


if __name__ == "__main__":
    torch.set_num_threads(1)
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 6_000
    for what, (load, limits) in SPACES.items():
        report = measure(load(), wanted, **limits)
        compared = f"{report.keys:,} keys of {wanted:,} samples are {report.functions:,} functions"
        print(f"{what}: {compared}, {report.excess:.4f}")
        for one, other in report.pairs[:10]:
            print(f"    {one}\n  = {other}")
    built, asked = evaluated((3, 8, 8), 25, 5_000)
    print(
        f"evolution in einspace (3, 8, 8), up to 25 nodes: {built:,} graphs that differ as built, {asked:,} evaluations"
    )
