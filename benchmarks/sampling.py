"""How fast architectures are drawn, also of a given size, mutated and crossed, against a bare loop over the same rules.

The bare loop knows no types and builds no objects: it expands nonterminals with their probabilities until none is
left. It is the speed limit of a sampler in Python. Both are run in turn, so that a busy machine slows both alike.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import einspec
from benchmarks.measure import Row, cpu_seconds
from tests.baselines import resnet18

MAX_NODES = 2000

Pair = tuple[einspec.Architecture, einspec.Architecture]

# Each rule of einspace: (members, probability of all of them, nonterminals that one expands to).
RULES: dict[str, list[tuple[int, float, tuple[str, ...]]]] = {
    "network": [(1, 1 / 3, ("sequential",)), (1, 1 / 3, ("branching",)), (1, 1 / 3, ("routing",))],
    "module": [
        (1, 0.68 / 3, ("sequential",)),
        (1, 0.68 / 3, ("branching",)),
        (1, 0.68 / 3, ("routing",)),
        (1, 0.32, ("computation",)),
    ],
    "sequential": [(1, 1.0, ("module", "module"))],
    "routing": [(1, 1.0, ("prerouting", "module", "postrouting"))],
    "branching": [(1, 1 / 3, ("split2", "module", "module", "merge")), (1, 2 / 3, ("splitn", "module", "merge"))],
    "split2": [(4, 1.0, ())],
    "splitn": [(8, 1.0, ())],
    "merge": [(6, 1.0, ())],
    "prerouting": [(14, 1.0, ())],
    "postrouting": [(8, 1.0, ())],
    "computation": [(13, 1.0, ())],
}


class Rule:
    """A rule with its members written out, and the running sums of their probabilities."""

    def __init__(self) -> None:
        self.cumulative: list[float] = []
        self.members: list[tuple[Rule, ...]] = []
        self.counts = 0


def bare_rules() -> dict[str, Rule]:
    """The rules as objects that know each other."""
    rules = {name: Rule() for name in RULES}
    for name, alternatives in RULES.items():
        rule = rules[name]
        weights = [weight / count for count, weight, _ in alternatives for _ in range(count)]
        rule.cumulative = [*list(accumulate(weights))[:-1], 1.0]
        rule.members = [
            tuple(rules[child] for child in children) for count, _, children in alternatives for _ in range(count)
        ]
        rule.counts = 0 if all(len(children) == 1 for _, _, children in alternatives) else 1
    return rules


def bare_sample(start: Rule, draw: Callable[[], float]) -> int:
    """Expands from the start until no nonterminal is left, from the start again past the limit; returns the nodes."""
    while True:
        nodes = 0
        stack = [start]
        while stack and nodes <= MAX_NODES:
            rule = stack.pop()
            nodes += rule.counts
            children = rule.members[bisect_right(rule.cumulative, draw())]
            if children:
                stack.extend(children)
        if nodes <= MAX_NODES:
            return nodes


def bare_samples(start: Rule, count: int, seed: int) -> None:
    """Expands and forgets."""
    draw = random.Random(seed).random
    for _ in range(count):
        bare_sample(start, draw)


def our_samples(space: einspec.Space, count: int, seed: int) -> None:
    """Draws complete architectures and forgets them."""
    for _ in space.samples(count, rng=seed):
        pass


def mutants(space: einspec.Space, arch: einspec.Architecture, count: int, seed: int) -> None:
    """Mutates one architecture and forgets the mutants."""
    rng = random.Random(seed)
    for _ in range(count):
        space.mutate(arch, rng=rng)


def sampling_rows(rounds: int = 15, count: int = 2000) -> list[Row]:
    """Complete architectures a second, the bare loop's derivations a second, and their ratio."""
    space = einspec.load("einspace", input=(3, 32, 32))
    start = bare_rules()["network"]
    our_samples(space, 5 * count, seed=rounds)  # fills the tables
    ours, bare = [], []
    for seed in range(rounds):
        bare.append(count / cpu_seconds(bare_samples, start, count, seed))
        ours.append(count / cpu_seconds(our_samples, space, count, seed))
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    return [
        Row("einspace at 3x32x32, complete architectures", ours, "/s", "about 5,000 idle"),
        Row("bare loop over the same rules", bare, "/s"),
        Row("ratio of the two", ratios, "", "at least 0.125"),
    ]


def slowest_row(count: int = 5000) -> Row:
    """The slowest single draw."""
    space = einspec.load("einspace", input=(3, 32, 32))
    rng = random.Random(0)
    times = [1000 * cpu_seconds(our_sample, space, rng) for _ in range(count)]
    return Row(f"slowest of {count:,} draws", [max(times)], "ms", "at most 1,000")


def our_sample(space: einspec.Space, rng: random.Random) -> None:
    """Draws one architecture."""
    space.sample(rng=rng)


def mutation_row(rounds: int = 7, count: int = 200) -> Row:
    """Mutants of ResNet-18 a second, each with a key of its own."""
    space = einspec.load("einspace", input=(3, 32, 32))
    arch = space.parse(resnet18())
    rates = [count / cpu_seconds(mutants, space, arch, count, seed) for seed in range(rounds)]
    return Row("mutants of ResNet-18", rates, "/s", "at least 1,000")


def sized_samples(space: einspec.Space, nodes: int, count: int, seed: int) -> None:
    """Draws architectures of exactly so many nodes and forgets them."""
    for _ in space.samples(count, rng=seed, nodes=nodes):
        pass


def size_rows(rounds: int = 5, seconds: int = 1) -> list[Row]:
    """Architectures of exactly so many nodes a second."""
    space = einspec.load("einspace", input=(3, 32, 32))
    rows = []
    for nodes, bar in ((60, 20), (200, 1)):
        count = 5 * bar * seconds
        sized_samples(space, nodes, 1, seed=rounds)  # fills the table of sizes
        rates = [count / cpu_seconds(sized_samples, space, nodes, count, seed) for seed in range(rounds)]
        rows.append(Row(f"einspace at 3x32x32, exactly {nodes} nodes", rates, "/s", f"at least {bar}"))
    return rows


def crosses(
    space: einspec.Space, pair: tuple[einspec.Architecture, einspec.Architecture], count: int, seed: int
) -> None:
    """Crosses two architectures and forgets the children."""
    rng = random.Random(seed)
    for _ in range(count):
        space.crossover(*pair, rng=rng)


def crossover_row(rounds: int = 7, count: int = 100) -> Row:
    """Crossovers of ResNet-18 and a mutant of it a second, two children each."""
    space = einspec.load("einspace", input=(3, 32, 32))
    arch = space.parse(resnet18())
    pair = arch, space.mutate(arch, rng=0, kind="regrow")
    crosses(space, pair, 1, seed=rounds)
    rates = [count / cpu_seconds(crosses, space, pair, count, seed) for seed in range(rounds)]
    return Row("crossovers of ResNet-18 and a mutant of it", rates, "/s", "at least 500")


def rows() -> list[Row]:
    """All rows of this file."""
    return [*sampling_rows(), slowest_row(), *size_rows(), mutation_row(), crossover_row()]
