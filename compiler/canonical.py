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

_MASK = (1 << 64) - 1
_INTO, _OUT_OF, _OWN, _SINGLED_OUT = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F
"""Odd numbers with well-spread bits, one for each role that a colour plays."""


def _mix(number: int) -> int:
    """64 well-spread bits of a number, the same on every machine. Sums of them tell multisets apart."""
    number &= _MASK
    number = ((number ^ (number >> 32)) * _INTO) & _MASK
    return number ^ (number >> 29)


def _hash(value: object) -> int:
    """64 bits of a label, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(repr(value).encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A graph to be labelled: ``labels`` of its vertices, and edges (source, place at the target) into each."""

    labels: Sequence[str]
    edges: Sequence[Sequence[tuple[int, object]]]


def canonical_order(graph: Labelled) -> list[int]:
    """The vertices in an order that every isomorphic graph has too, up to symmetries.

    The edges must make no circle, and point from lower to higher vertices. Raises ``CompileError`` for a graph
    whose symmetries need more than ``MOST_TRIALS`` trials.
    """
    return _Labelling(graph).order()


class _Labelling:
    def __init__(self, graph: Labelled):
        self.labels = graph.labels
        hashes: dict[object, int] = {}

        def hashed(value: object) -> int:
            found = hashes.get(value)
            if found is None:
                found = hashes[value] = _hash(value)
            return found

        self.hashes = [hashed(label) for label in graph.labels]
        self.inputs = [[(source, hashed(place)) for source, place in edges] for edges in graph.edges]
        self.outputs: list[list[tuple[int, int]]] = [[] for _ in self.hashes]
        for target, edges in enumerate(self.inputs):
            for source, place in edges:
                self.outputs[source].append((target, place))
        self.trials = 0

    def order(self) -> list[int]:
        """The canonical order of all vertices."""
        colours: list[int] = []
        for label, edges in zip(self.hashes, self.inputs, strict=True):  # edges point upwards: inputs are coloured
            below = sum([_mix(colours[source] * _INTO + place) for source, place in edges])
            colours.append(_mix(label * _OWN + below))
        everything = list(range(len(colours)))
        if len(set(colours)) == len(colours):
            return sorted(everything, key=colours.__getitem__)
        return self.label(everything, colours)

    def label(self, vertices: list[int], colours: list[int]) -> list[int]:
        """Canonical order of a part; what is outside has its colours for good."""
        colours = self.refined(vertices, colours)
        cells: dict[int, list[int]] = {}
        for vertex in vertices:
            cells.setdefault(colours[vertex], []).append(vertex)
        fixed = [cells[colour][0] for colour in sorted(cells) if len(cells[colour]) == 1]
        rest = [vertex for vertex in vertices if len(cells[colours[vertex]]) > 1]
        if not rest:
            return fixed
        parts = self.parts(rest)
        if len(parts) == 1 and len(rest) == len(vertices):
            return self.single_out(cells, vertices, colours)
        orders = [self.label(part, colours) for part in parts]
        orders.sort(key=lambda order: self.form(order, colours))
        return fixed + [vertex for order in orders for vertex in order]

    def refined(self, vertices: list[int], colours: list[int]) -> list[int]:
        """Colours of the part, refined until no class splits any more."""
        colours = list(colours)
        classes = len({colours[vertex] for vertex in vertices})
        while classes < len(vertices):
            new = [
                _mix(
                    colours[vertex] * _OWN
                    + sum([_mix(colours[source] * _INTO + place) for source, place in self.inputs[vertex]])
                    + sum([_mix(colours[target] * _OUT_OF + place) for target, place in self.outputs[vertex]])
                )
                for vertex in vertices
            ]
            for vertex, colour in zip(vertices, new, strict=True):
                colours[vertex] = colour
            now = len(set(new))
            if now == classes:
                break
            classes = now
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

    def single_out(self, cells: dict[int, list[int]], vertices: list[int], colours: list[int]) -> list[int]:
        """The least outcome over the vertices of the smallest class, each singled out in turn."""
        cell = min(cells.items(), key=lambda item: (len(item[1]), item[0]))[1]
        orbits = _Orbits(vertices)
        found: list[tuple[int, list[int]]] = []
        tried: list[int] = []
        for vertex in cell:
            if any(orbits.find(vertex) == orbits.find(other) for other in tried):
                continue
            self.trials += 1
            if self.trials > MOST_TRIALS:
                raise CompileError(
                    f"this graph is too symmetric to be identified: more than {MOST_TRIALS:,} trials; "
                    "its key cannot be computed"
                )
            tried.append(vertex)
            marked = list(colours)
            marked[vertex] = _mix(colours[vertex] * _SINGLED_OUT + 1)
            order = self.label(vertices, marked)
            form = self.form(order, colours)
            for other_form, other in found:
                if other_form == form and self.is_symmetry(other, order):
                    for a, b in zip(other, order, strict=True):
                        orbits.join(a, b)
            found.append((form, order))
        return min(found, key=lambda outcome: outcome[0])[1]

    def is_symmetry(self, order: list[int], other: list[int]) -> bool:
        """Whether mapping one order to the other keeps labels and edges."""
        image = dict(zip(order, other, strict=True))
        for a, b in image.items():
            if self.labels[a] != self.labels[b]:
                return False
            edges = sorted((image.get(source, source), place) for source, place in self.inputs[a])
            if edges != sorted(self.inputs[b]):
                return False
            outside = sorted(edge for edge in self.outputs[a] if edge[0] not in image)
            if outside != sorted(edge for edge in self.outputs[b] if edge[0] not in image):
                return False
        return True

    def form(self, order: list[int], colours: list[int]) -> int:
        """The part written down in an order: labels, edges within by position, edges outwards by colour."""
        position = {vertex: index for index, vertex in enumerate(order)}

        def name(vertex: int) -> tuple[int, int]:
            return (0, position[vertex]) if vertex in position else (1, colours[vertex])

        rows = [
            (
                self.hashes[vertex],
                sorted((place, name(source)) for source, place in self.inputs[vertex]),
                sorted((place, name(target)) for target, place in self.outputs[vertex] if target not in position),
            )
            for vertex in order
        ]
        return int.from_bytes(hashlib.blake2b(repr(rows).encode(), digest_size=32).digest(), "big")


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
