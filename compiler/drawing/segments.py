"""Folding: consecutive equal segments of a graph become one part that says how often it is repeated.

A *cut* is a place in the order of the nodes that few ports cross; a *segment* lies between two cuts. Where a
single port crosses, all paths go through it and the cut does not depend on the order of the nodes. Regions
without such a cut are tried with two and three ports: cells of DARTS take the outputs of two cells before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from einspec.compiler.graph.graph import Graph, Node, Port
from einspec.types import Type

MOST_CROSSING = 3
"""Ports that may cross a cut."""

LONGEST_PERIOD = 256
"""Atoms of a segment that is looked for; an atom has no cut inside."""

LEAST_SAVED = 4
"""Nodes that a fold must save: a frame takes room too."""

DEEPEST = 8
"""Repeats within repeats."""

LEAST_SECTION = 8
"""Nodes of a section that is drawn once and named after that."""

LEAST_SIZE = 8
"""Numbers from here on that are sizes of a node's types are taken for these, and not for a window or a stride."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Nodes of a graph in topological order, the ports that they use from outside and those used outside."""

    nodes: tuple[int, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """Consecutive equal segments: the last of them, folded in turn, and how many there are.

    Types are equal up to composition, and the first layer is where ``((8, 8), 512)`` becomes ``(64, 512)``.
    """

    region: Region
    parts: tuple[Part, ...]
    times: int
    inputs: tuple[Port, ...]
    """For each input of the region the port that enters the first segment."""
    tied: bool
    """All segments share their weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A segment that is there several times, not in a row and perhaps at other sizes: drawn once, named after that."""

    region: Region
    parts: tuple[Part, ...]
    """What is in it; nothing where it stands for one that is drawn already."""
    label: int
    name: str = ""


Part = int | Repeat | Section
"""The index of a node, a repeat, or a section."""


def fold(graph: Graph, *, sections: bool = False) -> tuple[Part, ...]:
    """The nodes of a graph, bodies aside, with repeated segments folded; with ``sections`` those apart too."""
    used = {port for node in graph.nodes for port in node.inputs} | set(graph.outputs)
    inputs = tuple((-1, i) for i in range(len(graph.inputs)) if (-1, i) in used)
    whole = Region(tuple(range(len(graph.nodes))), inputs, tuple(dict.fromkeys(graph.outputs)))
    parts = _Folder(graph, sections).fold(whole, 1, 0)
    counts = Counter(section.label for section in _sections(parts))
    return tuple(_named(parts, {label for label, count in counts.items() if count > 1}, {}))


def _sections(parts: Sequence[Part]) -> Iterator[Section]:
    """All sections, also those inside of others."""
    for part in parts:
        if isinstance(part, Section):
            yield part
        if not isinstance(part, int):
            yield from _sections(part.parts)


def _named(parts: Sequence[Part], several: set[int], names: dict[int, str]) -> Iterator[Part]:
    """The parts with names for sections that there are several of; the others are what is in them."""
    for part in parts:
        if isinstance(part, int):
            yield part
        elif isinstance(part, Repeat):
            yield replace(part, parts=tuple(_named(part.parts, several, names)))
        elif part.label not in several:
            yield from _named(part.parts, several, names)
        elif part.label in names:
            yield replace(part, parts=(), name=names[part.label])
        else:
            name = names[part.label] = _letters(len(names))
            yield replace(part, parts=tuple(_named(part.parts, several, names)), name=name)


def _letters(number: int) -> str:
    """A, B, ..., Z, AA, AB, ..."""
    before, last = divmod(number, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


@dataclass(frozen=True, slots=True)
class _Run:
    """``times`` equal segments of ``period`` atoms from atom ``start``."""

    start: int
    period: int
    times: int

    @property
    def end(self) -> int:
        return self.start + self.period * self.times


class _Folder:
    """Folds regions of one graph; equal nodes and atoms have equal numbers."""

    def __init__(self, graph: Graph, sections: bool):
        self.graph = graph
        self.sections = sections
        self.numbers: dict[Any, int] = {}
        self.bodies: dict[int, int] = {}
        for node in graph.nodes:
            if node.body is not None:
                self._number_body(node.body)
        self.weights = [1 if node.body is None else 2 + len(node.body) for node in graph.nodes]

    def fold(self, region: Region, crossing: int, depth: int) -> tuple[Part, ...]:
        """The parts of a region, with cuts that so many ports may cross."""
        atoms = self._atoms(region, crossing)
        labels = [self._label(atom) for atom in atoms]
        parts: list[Part] = []
        position = 0
        for run in self._runs(atoms, labels) if depth < DEEPEST else []:
            for atom in atoms[position : run.start]:
                parts += self._inside(atom, crossing, depth)
            parts.append(self._repeat(atoms, run, crossing, depth))
            position = run.end
        for atom in atoms[position:]:
            parts += self._inside(atom, crossing, depth)
        return tuple(parts)

    def _atoms(self, region: Region, crossing: int) -> list[Region]:
        """The region cut wherever at most so many ports cross."""
        last = dict.fromkeys(region.outputs, len(region.nodes))
        ending: list[list[Port]] = [[] for _ in region.nodes]
        for position in reversed(range(len(region.nodes))):
            for port in self.graph.nodes[region.nodes[position]].inputs:
                if port not in last:
                    last[port] = position
                    ending[position].append(port)
        live = dict.fromkeys(region.inputs)
        atoms, start, entering = [], 0, region.inputs
        for position, index in enumerate(region.nodes[:-1]):
            made = ((index, i) for i in range(len(self.graph.nodes[index].outputs)))
            live.update((port, None) for port in made if port in last)
            for port in ending[position]:
                live.pop(port, None)
            if len(live) <= crossing:
                atoms.append(Region(region.nodes[start : position + 1], entering, tuple(live)))
                start, entering = position + 1, tuple(live)
        if start < len(region.nodes):
            atoms.append(Region(region.nodes[start:], entering, region.outputs))
        return atoms

    def _inside(self, atom: Region, crossing: int, depth: int) -> tuple[Part, ...]:
        """An atom that is not repeated in a row."""
        parts = self._branched(atom, crossing, depth)
        if not self.sections or len(atom.nodes) < LEAST_SECTION or parts[0] != atom.nodes[0]:
            return parts
        outputs = tuple(port for port in atom.outputs if port not in atom.inputs)
        region = self._without_passing(atom, outputs)
        return (Section(region, parts, self._label(region, is_loose=True)),)

    def _branched(self, atom: Region, crossing: int, depth: int) -> tuple[Part, ...]:
        """The branches of an atom, folded each by itself."""
        if len(atom.nodes) <= LEAST_SAVED:
            return atom.nodes
        branches = self._branches(atom)
        if branches is None:
            if crossing == MOST_CROSSING or len(atom.nodes) < 6 * LEAST_SAVED:
                return atom.nodes
            return self.fold(atom, crossing + 1, depth)
        parts = [part for branch in branches for part in self.fold(branch, 1, depth)]
        return (*parts, atom.nodes[-1])

    def _branches(self, atom: Region) -> list[Region] | None:
        """What lies side by side above the last node, where each has one output; None where it is one piece."""
        *nodes, end = atom.nodes
        leader = {index: index for index in nodes}

        def find(index: int) -> int:
            while leader[index] != index:
                leader[index] = leader[leader[index]]
                index = leader[index]
            return index

        for index in nodes:
            for source, _ in self.graph.nodes[index].inputs:
                if source in leader:
                    leader[find(source)] = find(index)
        groups: dict[int, list[int]] = {}
        for index in nodes:
            groups.setdefault(find(index), []).append(index)
        after: dict[int, dict[Port, None]] = {top: {} for top in groups}
        for port in (*self.graph.nodes[end].inputs, *atom.outputs):
            if port[0] in leader:
                after[find(port[0])][port] = None
        branches = []
        for top, group in groups.items():
            outputs = tuple(after[top])
            used = {port for index in group for port in self.graph.nodes[index].inputs}
            inputs = tuple(port for port in atom.inputs if port in used)
            if len(outputs) != 1 or len(inputs) != 1:
                return None
            branches.append(Region(tuple(group), inputs, outputs))
        return branches

    def _repeat(self, atoms: list[Region], run: _Run, crossing: int, depth: int) -> Repeat:
        """The part that stands for a run, without the ports that pass it by."""
        first = _joined(atoms[run.start : run.start + run.period])
        last = _joined(atoms[run.end - run.period : run.end])
        outputs = tuple(port for port in last.outputs if port not in first.inputs)
        region = self._without_passing(last, outputs)
        kept = [i for i, port in enumerate(last.inputs) if port in region.inputs]
        parts = self.fold(region, crossing, depth + 1)
        tied = self._slots(first) == self._slots(last) != []
        return Repeat(region, parts, run.times, tuple(first.inputs[i] for i in kept), tied)

    def _without_passing(self, region: Region, outputs: tuple[Port, ...]) -> Region:
        """A region without the ports that pass it by."""
        used = {port for index in region.nodes for port in self.graph.nodes[index].inputs} | set(outputs)
        return Region(region.nodes, tuple(port for port in region.inputs if port in used), outputs)

    def _slots(self, region: Region) -> list[Any]:
        nodes = (self.graph.nodes[index] for index in region.nodes)
        return [node.slot for node in nodes if node.slot is not None]

    def _runs(self, atoms: list[Region], labels: list[int]) -> list[_Run]:
        """Runs that do not overlap, in order; those that save most are taken first."""
        totals = [0]
        for atom in atoms:
            totals.append(totals[-1] + sum(self.weights[index] for index in atom.nodes))
        found: list[_Run] = []
        pieces = [(0, len(atoms))]
        while pieces:
            start, end = pieces.pop()
            best, saved = None, LEAST_SAVED - 1
            for run in _candidates(labels, totals, start, end):
                value = totals[run.end] - totals[run.start + run.period]
                if value > saved:
                    best, saved = run, value
            if best is not None:
                found.append(best)
                pieces += [(start, best.start), (best.end, end)]
        return sorted(found, key=lambda run: run.start)

    def _label(self, region: Region, is_loose: bool = False) -> int:
        """The number of a region up to its place: equal for equal ops, arguments, types and wiring; a loose one also
        where all sizes are others, the same ones in the same places.
        """
        sizes: dict[int, int] | None = {} if is_loose else None
        local: dict[Port, tuple[int, int]] = {port: (-1, i) for i, port in enumerate(region.inputs)}
        nodes = []
        for position, index in enumerate(region.nodes):
            node = self.graph.nodes[index]
            inputs = [local[port] for port in node.inputs]
            local.update({(index, i): (position, i) for i in range(len(node.outputs))})
            nodes.append(self._signature(node, inputs, sizes))
        entering = region.inputs if not is_loose else ()  # how wide what comes in is does not matter
        kinds = tuple(_sizes(self.graph.type_of(port)) for port in entering)
        return self._number((is_loose, kinds, tuple(nodes), tuple(local[port] for port in region.outputs)))

    def _number_body(self, body: Graph) -> None:
        for part in reversed([part for part, _ in body.graphs()]):  # inner bodies first
            nodes = tuple(self._signature(node, node.inputs) for node in part.nodes)
            self.bodies[id(part)] = self._number((tuple(map(_sizes, part.inputs)), nodes, part.outputs))

    def _signature(self, node: Node, inputs: Sequence[Port], sizes: dict[int, int] | None = None) -> int:
        """The number of a node; with ``sizes`` these are told apart by their first place alone."""
        body = None if node.body is None else self.bodies[id(node.body)]
        free = node.op is not None and node.op.laws.commutative
        wiring = tuple(sorted(inputs)) if free else tuple(inputs)
        kinds: Any = tuple(map(_sizes, node.outputs))
        args: Any = node.args
        if sizes is not None:
            own = {size for kind in (*node.input_types, *node.outputs) for size in kind.sizes if size >= LEAST_SIZE}
            for size in sorted(own):
                sizes.setdefault(size, len(sizes))
            args = tuple(("size", sizes[a]) if isinstance(a, int) and a in own else a for a in node.args)
            kinds = tuple((len(kind.sizes), kind.dtype, kind.layout) for kind in node.outputs)
        return self._number((node.op, repr(args), repr(node.attributes), wiring, kinds, body, node.copies))

    def _number(self, key: Any) -> int:
        return self.numbers.setdefault(key, len(self.numbers))


def _sizes(kind: Type) -> tuple[Any, ...]:
    """A type up to the composition of its axes."""
    return kind.sizes, kind.dtype, kind.layout


def _joined(atoms: Sequence[Region]) -> Region:
    nodes = tuple(index for atom in atoms for index in atom.nodes)
    return Region(nodes, atoms[0].inputs, atoms[-1].outputs)


def _candidates(labels: list[int], totals: list[int], start: int, end: int) -> Iterator[_Run]:
    """All longest runs between two atoms, short periods first."""
    for period in range(1, min((end - start) // 2, LONGEST_PERIOD) + 1):
        length = 0
        for position in range(start, end - period + 1):
            if position < end - period and labels[position] == labels[position + period]:
                length += 1
                continue
            if length >= period:
                times, rest = divmod(length + period, period)
                first = position - length
                # A block reads best when it begins with what is largest: the branches, then what follows them.
                begin = max(range(first, first + rest + 1), key=lambda i: (totals[i + 1] - totals[i], -i))
                yield _Run(begin, period, times)
            length = 0
