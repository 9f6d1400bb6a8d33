"""NAS-Bench-101 and NAS-Bench-201: how many cells there are up to isomorphism, each counted a second way.

NAS-Bench-101's cells of six vertices are enumerated with ``EINSPEC_SAMPLES`` of 10 or more.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import einspec
from einspec import Type
from einspec.compiler.graph.graph import Graph, Node, Port, Slot
from einspec.compiler.identity.key import graph_key
from einspec.compiler.simplify.simplify import simplify
from einspec.ops import primitive
from tests.compiler.corpus import OPS
from tests.compiler.helpers import SAMPLES

# --- NAS-Bench-101 ---

GOLDEN = json.loads((Path(__file__).parents[2] / "goldens" / "nasbench101.json").read_text("utf-8"))["by_vertices"]
MOST_EDGES = 9
KIND = Type((4, 4))

CELL_OPS = [
    primitive(name=name, params=lambda x: {"weight": ()}, owns_parameters=True)(lambda x: x)
    for name in ("conv3x3", "conv1x1", "pool")
]
"""The benchmark labels vertices by their op alone: ops that own weights, so that no two vertices merge."""


def matrices(count: int) -> Iterator[list[tuple[int, ...]]]:
    """What each vertex but the input reads: every vertex on a path from input to output, nine edges at most."""
    choices = [
        [sources for size in range(1, vertex + 1) for sources in itertools.combinations(range(vertex), size)]
        for vertex in range(1, count)
    ]
    for chosen in itertools.product(*choices):
        read = set(itertools.chain(*chosen))
        if len(read) == count - 1 and sum(map(len, chosen)) <= MOST_EDGES:
            yield list(chosen)


def cell(reads: list[tuple[int, ...]], ops: tuple[int, ...]) -> Graph:
    """A vertex is its op of the sum of what it reads; the output is a sum."""
    nodes: list[Node] = []
    ports: list[Port] = [(-1, 0)]
    for vertex, sources in enumerate(reads, start=1):
        given = tuple(ports[source] for source in sources)
        if len(given) > 1:
            nodes.append(Node(OPS["add"], (), (), given, (KIND,) * len(given), (KIND,)))
            given = ((len(nodes) - 1, 0),)
        if vertex <= len(ops):
            op = CELL_OPS[ops[vertex - 1]]
            nodes.append(Node(op, (), (), given, (KIND,), (KIND,), Slot(vertex, f"v{vertex}", ())))
            given = ((len(nodes) - 1, 0),)
        ports.append(given[0])
    return Graph((KIND,), tuple(nodes), (ports[-1],))


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_cells_of_nasbench101(count):
    found: dict[int, set[str]] = defaultdict(set)
    labelled = 0
    shapes = list(matrices(count))
    for reads in shapes:
        for ops in itertools.product(range(3), repeat=count - 2):
            found[sum(map(len, reads))].add(graph_key(simplify(cell(reads, ops))))
            labelled += 1
    golden = GOLDEN[str(count)]
    assert (len(shapes), labelled) == (golden["matrices"], golden["labelled"])
    assert {str(edges): len(keys) for edges, keys in found.items()} == golden["unique_by_edges"]
    assert sum(map(len, found.values())) == len(set().union(*found.values())) == golden["unique"]


# --- NAS-Bench-201 ---

OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]

Value = frozenset[tuple[object, int]]
"""A sum: terms with how often each occurs. Zeros are the empty sum."""

UNIQUE_CELLS = 5_485
"""Cells that differ under the laws of the library."""


def total(*values: Value) -> Value:
    """Sums are associative and commutative, and count equal terms."""
    counts: Counter[object] = Counter()
    for value in values:
        for term, count in value:
            counts[term] += count
    return frozenset(counts.items())


def edge(operation: str, number: int, x: Value) -> Value:
    """An operation at an edge. Terms hold the edge's number where they own weights: they are equal to no other."""
    if operation == "skip_connect":
        return x
    if operation == "none" or (operation == "avg_pool_3x3" and not x):
        return frozenset()  # the mean of zeros is zeros
    if operation == "avg_pool_3x3":
        return frozenset({(("pool", x), 1)})  # without weights: one term wherever its input is the same
    if not x:  # the convolution of zeros is zeros whatever its size, and nothing depends on its weights; the norm stays
        return frozenset({(("norm of zeros", number), 1)})
    return frozenset({((operation, number, x), 1)})


def output_of(operations: tuple[str, ...]) -> Value:
    x: Value = frozenset({("x", 1)})
    first = edge(operations[0], 0, x)
    second = total(edge(operations[1], 1, x), edge(operations[2], 2, first))
    ends = [edge(operations[3], 3, x), edge(operations[4], 4, first), edge(operations[5], 5, second)]
    return total(*ends)


def numbers_in(value: Value) -> set[int]:
    """The edges whose weights a value depends on."""
    found: set[int] = set()
    for term, _ in value:
        for part in term if isinstance(term, tuple) else ():
            found |= numbers_in(part) if isinstance(part, frozenset) else {part} if isinstance(part, int) else set()
    return found


def written(value: Value, names: dict[int, int]) -> str:
    """A value as text, its weights named, terms in alphabetical order."""
    terms = []
    for term, count in value:
        parts = [
            written(part, names) if isinstance(part, frozenset) else str(names[part]) if isinstance(part, int) else part
            for part in (term if isinstance(term, tuple) else (term,))
        ]
        terms.append(f"{count} {'/'.join(parts)}")
    return f"({' + '.join(sorted(terms))})"


@cache
def canonical(operations: tuple[str, ...]) -> str:
    """The least text over all names of the weights."""
    value = output_of(operations)
    numbers = sorted(numbers_in(value))
    return min(
        written(value, dict(zip(numbers, order, strict=True))) for order in itertools.permutations(range(len(numbers)))
    )


def sentence(operations: tuple[str, ...]) -> str:
    a, b, c, d, e, f = operations
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


CELLS = list(itertools.product(OPERATIONS, repeat=6))


def assert_one_to_one(pairs: list[tuple[str, str]]) -> None:
    """Equal on the left exactly where equal on the right."""
    assert len(set(pairs)) == len({left for left, _ in pairs}) == len({right for _, right in pairs})


def test_cells_of_nasbench201():
    """One cell by itself: every one of the 15,625."""
    grammar = re.sub(r"(?m)^(//% (start|input)|network).*", "", einspec.load("nasbench201").grammar.text)
    space = einspec.loads(f"start: cell\n{grammar}", input=(16, 8, 8))
    pairs = [(canonical(operations), space.parse(sentence(operations)).key) for operations in CELLS]
    assert_one_to_one(pairs)
    assert len(set(pairs)) == UNIQUE_CELLS


def test_networks_of_nasbench201():
    """In the network, 15 times in a row: no two cells that differ alone come to be the same."""
    space = einspec.load("nasbench201")
    cells = CELLS if SAMPLES >= 10 else CELLS[:: 15_625 // 620]
    assert_one_to_one([(canonical(operations), space.parse(sentence(operations)).key) for operations in cells])
