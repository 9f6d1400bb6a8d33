"""NAS-Bench-101 and NAS-Bench-201: how many cells there are up to isomorphism, each counted a second way.

NAS-Bench-101's cells of six vertices are enumerated with ``EINSPEC_SAMPLES`` of 10 or more.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import einspec
from einspec import Type
from einspec.compiler.graph import Graph, Node, Port, Slot
from einspec.compiler.key import graph_key
from einspec.compiler.simplify import simplify
from einspec.ops import primitive
from tests.compiler.corpus import OPS
from tests.compiler.helpers import SAMPLES

# --- NAS-Bench-101 ---

GOLDEN = json.loads((Path(__file__).parents[1] / "goldens" / "nasbench101.json").read_text("utf-8"))["by_vertices"]
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


@pytest.mark.parametrize(
    "count",
    [2, 3, 4, 5, pytest.param(6, marks=pytest.mark.skipif(SAMPLES < 10, reason="125,145 graphs: EINSPEC_SAMPLES=10"))],
)
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
