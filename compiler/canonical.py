"""Canonical labelling of a graph: the order of its nodes that isomorphic graphs share.

Colour refinement (Weisfeiler and Leman 1968) first, in two passes that suit a DAG: inputs to outputs, then
back. Where colours leave nodes apart only in parts that do not touch each other, each part is labelled alone
and the parts are sorted: k equal copies cost k labellings, not k! orders. Where a part has no node that
stands out, one node after the other of its smallest class is singled out and the least outcome wins
(individualisation-refinement, McKay and Piperno 2014), skipping nodes that a symmetry already found maps
to one that was tried. The answer is exact: hashes only choose the way, the outcome holds every edge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from einspec.errors import CompileError

MOST_TRIALS = 20_000
"""Nodes singled out in one labelling; only built-up graphs come near it."""

_digest = hashlib.blake2b


def _hash(*parts: object) -> int:
    """A number that depends on the parts alone, on every machine."""
    return int.from_bytes(_digest(repr(parts).encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A graph to be labelled: ``labels`` of its vertices, and edges (source, place at the target) into each."""

    labels: Sequence[object]
    edges: Sequence[Sequence[tuple[int, object]]]


def canonical_order(graph: Labelled) -> list[int]:
    """The vertices in an order that every isomorphic graph has too, up to symmetries.

    The edges must make no circle, and point from lower to higher vertices. Raises ``CompileError`` for a graph
    whose symmetries need more than ``MOST_TRIALS`` trials.
    """
    return _Labelling(graph).order()


class _Labelling:
    def __init__(self, graph: Labelled):
        self.graph = graph
        count = len(graph.labels)
        self.inputs = graph.edges
        self.outputs: list[list[tuple[int, object]]] = [[] for _ in range(count)]
        for target, edges in enumerate(graph.edges):
            for source, place in edges:
                self.outputs[source].append((target, place))
        self.trials = 0

    def order(self) -> list[int]:
        """The canonical order of all vertices."""
        colours: list[int] = []
        for vertex, label in enumerate(self.graph.labels):  # edges point upwards, so inputs have their colour
            below = sorted((str(place), colours[source]) for source, place in self.inputs[vertex])
            colours.append(_hash(label, below))
        everything = list(range(len(colours)))
        if len(set(colours)) == len(colours):
            return sorted(everything, key=colours.__getitem__)
        return self.label(everything, colours)[0]

    def label(self, vertices: list[int], colours: list[int]) -> tuple[list[int], int]:
        """Canonical order and form of a part; what is outside has its colours for good."""
        colours = self.refined(vertices, colours)
        cells: dict[int, list[int]] = {}
        for vertex in vertices:
            cells.setdefault(colours[vertex], []).append(vertex)
        fixed = [cells[colour][0] for colour in sorted(cells) if len(cells[colour]) == 1]
        rest = [vertex for vertex in vertices if len(cells[colours[vertex]]) > 1]
        if not rest:
            return fixed, self.form(fixed, colours)
        parts = self.parts(rest)
        if len(parts) == 1 and len(rest) == len(vertices):
            return self.single_out(cells, vertices, colours)
        labelled = sorted((self.label(part, colours) for part in parts), key=lambda found: found[1])
        order = fixed + [vertex for part, _ in labelled for vertex in part]
        return order, self.form(order, colours)

    def refined(self, vertices: list[int], colours: list[int]) -> list[int]:
        """Colours of the part, refined until no class splits any more."""
        colours = list(colours)
        classes = len({colours[vertex] for vertex in vertices})
        while True:
            new = [
                _hash(
                    colours[vertex],
                    sorted((str(place), colours[source]) for source, place in self.inputs[vertex]),
                    sorted((str(place), colours[target]) for target, place in self.outputs[vertex]),
                )
                for vertex in vertices
            ]
            for vertex, colour in zip(vertices, new, strict=True):
                colours[vertex] = colour
            now = len(set(new))
            if now == classes:
                return colours
            classes = now
            if classes == len(vertices):
                return colours

    def parts(self, rest: list[int]) -> list[list[int]]:
        """Connected parts among vertices, by edges."""
        waiting = set(rest)
        parts = []
        for start in rest:
            if start not in waiting:
                continue
            waiting.discard(start)
            part, stack = [start], [start]
            while stack:
                vertex = stack.pop()
                for other in self.neighbours(vertex):
                    if other in waiting:
                        waiting.discard(other)
                        part.append(other)
                        stack.append(other)
            parts.append(part)
        return parts

    def neighbours(self, vertex: int) -> Iterable[int]:
        """What an edge joins to a vertex."""
        yield from (source for source, _ in self.inputs[vertex])
        yield from (target for target, _ in self.outputs[vertex])

    def single_out(self, cells: dict[int, list[int]], vertices: list[int], colours: list[int]) -> tuple[list[int], int]:
        """The least outcome over the vertices of the smallest class, each singled out in turn."""
        cell = min(cells.items(), key=lambda item: (len(item[1]), item[0]))[1]
        same = _Orbits(vertices)
        best: tuple[list[int], int] | None = None
        found: list[tuple[list[int], int]] = []
        tried: list[int] = []
        for vertex in cell:
            if any(same.find(vertex) == same.find(other) for other in tried):
                continue
            self.trials += 1
            if self.trials > MOST_TRIALS:
                raise CompileError(
                    f"this graph is too symmetric to be identified: more than {MOST_TRIALS:,} trials; "
                    "its key cannot be computed"
                )
            tried.append(vertex)
            marked = list(colours)
            marked[vertex] = _hash("singled out", colours[vertex])
            order, form = self.label(vertices, marked)
            for other, other_form in found:
                if other_form == form and self.is_symmetry(other, order):
                    for a, b in zip(other, order, strict=True):
                        same.join(a, b)
            found.append((order, form))
            if best is None or form < best[1]:
                best = order, form
        assert best is not None
        return best

    def is_symmetry(self, order: list[int], other: list[int]) -> bool:
        """Whether mapping one order to the other keeps labels and edges."""
        image = dict(zip(order, other, strict=True))
        for a, b in image.items():
            if self.graph.labels[a] != self.graph.labels[b]:
                return False
            edges = sorted((image.get(source, source), str(place)) for source, place in self.inputs[a])
            if edges != sorted((source, str(place)) for source, place in self.inputs[b]):
                return False
            outside = sorted((t, str(place)) for t, place in self.outputs[a] if t not in image)
            if outside != sorted((t, str(place)) for t, place in self.outputs[b] if t not in image):
                return False
        return True

    def form(self, order: list[int], colours: list[int]) -> int:
        """The part written down in an order: labels, edges within by position, edges outwards by colour."""
        position = {vertex: index for index, vertex in enumerate(order)}

        def name(vertex: int) -> tuple[int, int]:
            return (0, position[vertex]) if vertex in position else (1, colours[vertex])

        rows = [
            (
                self.graph.labels[vertex],
                sorted((str(place), name(source)) for source, place in self.inputs[vertex]),
                sorted((str(place), name(target)) for target, place in self.outputs[vertex] if target not in position),
            )
            for vertex in order
        ]
        return int.from_bytes(_digest(repr(rows).encode(), digest_size=32).digest(), "big")


class _Orbits:
    """Which vertices are known to be alike: disjoint sets."""

    def __init__(self, vertices: list[int]):
        self.parent = {vertex: vertex for vertex in vertices}

    def find(self, vertex: int) -> int:
        """The representative of a vertex."""
        while self.parent[vertex] != vertex:
            self.parent[vertex] = self.parent[self.parent[vertex]]
            vertex = self.parent[vertex]
        return vertex

    def join(self, a: int, b: int) -> None:
        """Makes two vertices alike."""
        self.parent[self.find(a)] = self.find(b)
