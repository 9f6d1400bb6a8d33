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
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from einspec.errors import CompileError

MOST_WORK = 2_000_000
"""Colours computed in one labelling, some seconds; only built-up graphs come near it."""

_MASK = (1 << 64) - 1
_SPREAD, _OUT_OF, _OWN, _SINGLED_OUT = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F
"""Odd numbers with well-spread bits, one for each role that a colour plays."""


def _mix(number: int) -> int:
    """64 well-spread bits of a number, the same on every machine. Sums of them tell multisets apart."""
    number &= _MASK
    number = ((number ^ (number >> 32)) * _SPREAD) & _MASK
    return number ^ (number >> 29)


@lru_cache(maxsize=20_000)
def _hash(value: object) -> int:
    """64 bits of a label or of a place, the same on every machine. Graphs of one space have few different ones."""
    return int.from_bytes(hashlib.blake2b(repr(value).encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A graph to be labelled: ``labels`` of its vertices, and edges (source, place at the target) into each."""

    labels: Sequence[str]
    edges: Sequence[Sequence[tuple[int, object]]]


def canonical_order(graph: Labelled) -> list[int]:
    """The vertices in an order that every isomorphic graph has too, up to symmetries.

    The edges must make no circle, and point from lower to higher vertices. Raises ``CompileError`` for a graph
    whose symmetries need more than ``MOST_WORK``.
    """
    return _Labelling(graph).order()


class _Labelling:
    def __init__(self, graph: Labelled):
        self.labels = graph.labels
        self.hashes = [_hash(label) for label in graph.labels]
        # A place is an odd factor, of its own for each direction: colours times factors, summed, tell multisets apart.
        self.inputs = [[(source, _hash(place) | 1) for source, place in edges] for edges in graph.edges]
        self.outputs: list[list[tuple[int, int]]] = [[] for _ in self.hashes]
        for target, edges in enumerate(self.inputs):
            for source, place in edges:
                self.outputs[source].append((target, place * _OUT_OF & _MASK))
        self.work = 0
        self.most_work = max(MOST_WORK, 100 * len(self.hashes))
        self.is_quick = False
        self.symmetries: list[list[tuple[int, int]]] = []

    def order(self) -> list[int]:
        """The canonical order of all vertices."""
        colours: list[int] = []
        for label, edges in zip(self.hashes, self.inputs, strict=True):  # edges point upwards: inputs are coloured
            colours.append(_mix(label * _OWN + sum([colours[source] * place for source, place in edges])))
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
        counts = Counter([colours[vertex] for vertex in vertices])
        classes = len(counts)
        while classes < len(vertices):
            # What has a colour of its own keeps it: nothing tells it better apart.
            several = [vertex for vertex in vertices if counts[colours[vertex]] > 1]
            self.work += len(several)
            if self.work > self.most_work:
                raise CompileError(
                    f"this graph is too symmetric to be identified: more than {self.most_work:,} steps; its key cannot "
                    "be computed"
                )
            new = [
                _mix(
                    colours[vertex] * _OWN
                    + sum([colours[source] * place for source, place in self.inputs[vertex]])
                    + sum([colours[target] * place for target, place in self.outputs[vertex]])
                )
                for vertex in several
            ]
            for vertex, colour in zip(several, new, strict=True):
                colours[vertex] = colour
            found = Counter(new)
            now = classes - sum(count > 1 for count in counts.values()) + len(found)
            if now == classes:
                break
            counts, classes = found, now
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
        """The least outcome over the vertices of the smallest class, each singled out in turn.

        A vertex that a symmetry maps to one that was tried gives the same outcome. Symmetries are those found below,
        which leave everything singled out so far in its place, and those that one quick outcome of each vertex shows.
        """
        _, cell = min(cells.items(), key=lambda item: (len(item[1]), item[0]))
        if self.is_quick:
            return self.label(vertices, self.marked(colours, cell[0]))
        cell = self.least_refined(cell, vertices, colours)
        orbits = _Orbits(vertices)
        known = len(self.symmetries)
        found: list[tuple[int, list[int]]] = []
        tried: list[int] = []
        quick = self.quick_outcome(vertices, colours, cell[0])
        for vertex in cell:
            for pairs in self.symmetries[known:]:
                for a, b in pairs:
                    orbits.join(a, b)
            known = len(self.symmetries)
            if any(orbits.find(vertex) == orbits.find(other) for other in tried):
                continue
            if tried and self.note_symmetry(quick, self.quick_outcome(vertices, colours, vertex)):
                continue
            tried.append(vertex)
            order = self.label(vertices, self.marked(colours, vertex))
            form = self.form(order, colours)
            for other_form, other in found:
                if other_form == form:
                    self.note_symmetry(other, order)
            found.append((form, order))
        return min(found, key=lambda outcome: outcome[0])[1]

    def least_refined(self, cell: list[int], vertices: list[int], colours: list[int]) -> list[int]:
        """The vertices of a class whose singling out gives the least colours: the others are told apart already."""
        shapes: dict[int, list[int]] = {}
        for vertex in cell:
            refined = self.refined(vertices, self.marked(colours, vertex))
            shapes.setdefault(_mix(sum(_mix(refined[other]) for other in vertices)), []).append(vertex)
        return min(shapes.items(), key=lambda item: (len(item[1]), item[0]))[1]

    def marked(self, colours: list[int], vertex: int) -> list[int]:
        """The colours with one vertex singled out."""
        marked = list(colours)
        marked[vertex] = _mix(colours[vertex] * _SINGLED_OUT + 1)
        return marked

    def quick_outcome(self, vertices: list[int], colours: list[int], vertex: int) -> list[int]:
        """Some outcome with a vertex singled out: below it the first vertex of each class is, whichever it is."""
        self.is_quick = True
        order = self.label(vertices, self.marked(colours, vertex))
        self.is_quick = False
        return order

    def note_symmetry(self, order: list[int], other: list[int]) -> bool:
        """Whether mapping one order to the other is a symmetry; remembered if so."""
        if not self.is_symmetry(order, other):
            return False
        self.symmetries.append([(a, b) for a, b in zip(order, other, strict=True) if a != b])
        return True

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
