"""From graphs to diagrams: chains become blocks, replicas and repeats become frames, edges become wires."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from einspec.compiler.drawing.diagram import Block, Diagram, Line, Wire
from einspec.compiler.drawing.labels import Home, is_tied, label_of, line_of
from einspec.compiler.drawing.segments import Part, Region, Repeat, Section, fold
from einspec.compiler.drawing.summary import summary_of
from einspec.compiler.drawing.text import TIMES
from einspec.compiler.graph.graph import Graph, Node, Port
from einspec.compiler.graph.sharing import shared

MOST_BOXES = 400
"""Blocks of a drawing, all levels together; a level with more is summed up."""

MOST_WIRES = 1200
MOST_NODES = 20_000
"""Nodes of one level; above that no repeats are looked for, and the level is summed up."""

DEEPEST = 16
"""Frames within frames; bodies below are summed up."""

LONGEST_CHAIN = 12
"""Lines of one block."""

MOST_PORTS = 40
"""Inputs and outputs of a frame, and those that are drawn apart beside a summary."""


MOST_OPEN = 60
"""Blocks of a drawing that fits on a screen; in a larger one, what is there several times is drawn once."""


def diagram_of(graph: Graph) -> Diagram:
    """The diagram of a graph; what has too many blocks or levels is a summary with counts."""
    whole = shared(graph)
    found = _whole(whole, 0)
    return found if found.boxes <= MOST_OPEN else _whole(whole, 0, sections=True)


def _whole(graph: Graph, depth: int, sections: bool = False) -> Diagram:
    """The diagram of a graph, or of the body of a replica."""
    inputs = [(-1, i) for i in range(len(graph.inputs))]
    if len(graph.nodes) > MOST_NODES or depth > DEEPEST:
        return _summary(graph, range(len(graph.nodes)), inputs, graph.outputs, depth, 1)
    return _level(graph, fold(graph, sections=sections), range(len(graph.nodes)), inputs, graph.outputs, depth, 1)


def _level(
    graph: Graph,
    parts: Sequence[Part],
    nodes: Sequence[int],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    depth: int,
    closing: int,
) -> Diagram:
    builder = _Builder(graph, depth)
    builder.take(inputs)
    builder.count_uses(parts, outputs)
    for part in parts:
        builder.add(part)
    builder.give(outputs, closing)
    found = builder.diagram()
    if found.boxes > MOST_BOXES or found.links > MOST_WIRES:
        return _summary(graph, nodes, inputs, outputs, depth, closing)
    return found


def _summary(
    graph: Graph, nodes: Sequence[int], inputs: Sequence[Port], outputs: Sequence[Port], depth: int, closing: int
) -> Diagram:
    """Inputs, one block of counts, outputs."""
    builder = _Builder(graph, depth)
    builder.take(inputs, together=True)
    block = builder.add_block(summary_of(graph, nodes, "too many to draw" if depth <= DEEPEST else "nested too deeply"))
    builder.connect_runs(inputs, block, False, edges=0)
    made = [port for port in dict.fromkeys(outputs) if port not in builder.homes]
    for i, port in enumerate(made):
        builder.homes[port] = Home(block, 0, i, len(made), graph.type_of(port))
    builder.give(outputs, closing, together=True)
    return builder.diagram()


class _Builder:
    """Collects the blocks and wires of one level."""

    def __init__(self, graph: Graph, depth: int):
        self.graph = graph
        self.depth = depth
        self.blocks: list[Block] = []
        self.wires: list[Wire] = []
        self.homes: dict[Port, Home] = {}
        self.uses: Counter[Port] = Counter()
        self.last_node: dict[int, int] = {}
        self.exits: list[dict[tuple[int, str], int]] = []

    def take(self, ports: Sequence[Port], together: bool = False) -> None:
        """Inputs of the level: named on the outside, dots in a frame; many may be one block."""
        if together and len(ports) > MOST_PORTS:
            index = self.add_block(Block("input", text=f"{len(ports):,} inputs"))
            for i, port in enumerate(ports):
                self.homes[port] = Home(index, 0, i, len(ports), self.graph.type_of(port))
            return
        for i, port in enumerate(ports):
            name = "" if self.depth else "input" if len(ports) == 1 else f"input {i + 1}"
            index = self.add_block(Block("input", text=name))
            self.homes[port] = Home(index, 0, 0, 1, self.graph.type_of(port))

    def give(self, ports: Sequence[Port], edges: int, together: bool = False) -> None:
        """Outputs of the level; ``edges`` is 0 where a wire to an output only goes on to the edge it belongs to."""
        if together and len(ports) > MOST_PORTS:
            self.connect_runs(ports, self.add_block(Block("output", text=f"{len(ports):,} outputs")), False)
            return
        for i, port in enumerate(ports):
            name = "" if self.depth else "output" if len(ports) == 1 else f"output {i + 1}"
            self.connect([port], self.add_block(Block("output", text=name)), edges=edges)

    def count_uses(self, parts: Iterable[Part], outputs: Iterable[Port]) -> None:
        """How often each port is used at this level."""
        self.uses.update(outputs)
        for part in parts:
            if isinstance(part, Section):
                self.uses.update(part.region.inputs)
            else:
                self.uses.update(part.inputs if isinstance(part, Repeat) else self.graph.nodes[part].inputs)

    def add(self, part: Part) -> None:
        """A node or a repeat, with its wires."""
        if isinstance(part, Repeat):
            title = f"{TIMES} {part.times:,} in a row" + (", same weights" if part.tied else "")
            self._add_frame(title, part.region, part.parts, part.inputs, part.times)
        elif isinstance(part, Section):
            if part.parts:
                self._add_frame(f"part {part.name}", part.region, part.parts, part.region.inputs, 1)
            else:
                self._add_again(part)
        elif self.graph.nodes[part].body is not None:
            self._add_replica(part)
        else:
            self._add_op(part)

    def _add_op(self, index: int) -> None:
        node = self.graph.nodes[index]
        line = line_of(self.graph, index)
        block = self._chain_before(node)
        if block is None:
            free = node.op is not None and node.op.laws.commutative
            block = self.add_block(Block("ops", (line,), any_order=free, nodes=1))
            self.connect_runs(node.inputs, block, free)
        else:
            before = self.blocks[block]
            lines = (*before.lines, line)
            self.blocks[block] = replace(before, lines=lines, nodes=before.nodes + 1, edges=before.edges + 1)
        self.last_node[block] = index
        for i, kind in enumerate(node.outputs):
            self.homes[index, i] = Home(block, 0, i, len(node.outputs), kind)

    def _chain_before(self, node: Node) -> int | None:
        """The block that a node of one input goes on with, if that node's output has no other use."""
        if len(node.inputs) != 1 or self.uses[node.inputs[0]] != 1:
            return None
        home = self.homes[node.inputs[0]]
        block = self.blocks[home.block]
        if block.role != "ops" or len(block.lines) >= LONGEST_CHAIN or home.siblings != 1:
            return None
        return home.block

    def _add_replica(self, index: int) -> None:
        node = self.graph.nodes[index]
        assert node.body is not None, "a replica has a body"
        if len(node.body.inputs) + len(node.body.outputs) > MOST_PORTS:
            block = self.add_block(summary_of(self.graph, [index], "too many to draw", inside=True))
            self.connect_runs(node.inputs, block, False)
            for i, kind in enumerate(node.outputs):
                self.homes[index, i] = Home(block, 0, i, len(node.outputs), kind)
            return
        tied = is_tied(node.body)
        title = f"{TIMES} {node.copies:,} side by side" + (", same weights" if tied else "")
        inner = _whole(node.body, self.depth + 1)
        block = self.add_block(Block("frame", text=title, inner=inner, times=node.copies, side_by_side=True))
        width = len(node.body.inputs)
        for entry in range(width):
            ports = node.inputs[entry::width]
            if len(set(ports)) == 1:  # each copy is given the same
                self.connect(ports[:1], block, entry, len(ports))
            else:
                self.connect_runs(ports, block, False, entry)
        given = len(node.body.outputs)
        for i, kind in enumerate(node.outputs):
            self.homes[index, i] = Home(block, i % given, i // given, node.copies, kind)

    def _add_again(self, part: Section) -> None:
        """One block for what is drawn elsewhere, at sizes that may be others."""
        region = part.region
        block = summary_of(self.graph, region.nodes, "")
        title = Line(f"part {part.name} again")
        index = self.add_block(replace(block, lines=(title,)))
        self.connect_runs(region.inputs, index, False, edges=0)
        for i, port in enumerate(region.outputs):
            self.homes[port] = Home(index, 0, i, len(region.outputs), self.graph.type_of(port))

    def _add_frame(self, title: str, region: Region, parts: Sequence[Part], inputs: Sequence[Port], times: int) -> None:
        inner = _level(self.graph, parts, region.nodes, region.inputs, region.outputs, self.depth + 1, 0)
        block = self.add_block(Block("frame", text=title, inner=inner, times=times))
        for entry, port in enumerate(inputs):
            self.connect([port], block, entry, 0)
        for dot, port in enumerate(region.outputs):
            self.homes[port] = Home(block, dot, 0, 1, self.graph.type_of(port))

    def add_block(self, block: Block) -> int:
        """The index of a new block."""
        self.blocks.append(block)
        self.exits.append({})
        return len(self.blocks) - 1

    def connect_runs(
        self, ports: Sequence[Port], target: int, free: bool, entry: int | None = None, edges: int = 1
    ) -> None:
        """One wire for each run of inputs from one block; where the order is free, all from one block are a run."""

        def place(port: Port) -> tuple[int, int]:
            return self.homes[port].block, self.homes[port].dot

        for _, run in groupby(sorted(ports, key=place) if free else ports, key=place):
            group = list(run)
            self.connect(group, target, entry, edges * len(group))

    def connect(self, ports: Sequence[Port], target: int, entry: int | None = None, edges: int = 1) -> None:
        """A wire for ports of one block, at a new entry unless one is given."""
        homes = [self.homes[port] for port in ports]
        source, dot = homes[0].block, homes[0].dot
        exits = self.exits[source]
        exit = exits.setdefault((dot, label_of(homes)), len(exits))
        block = self.blocks[target]
        if entry is None:
            entry = block.entries
        self.blocks[target] = replace(block, entries=max(block.entries, entry + 1))
        self.wires.append(Wire(source, exit, target, entry, edges))

    def diagram(self) -> Diagram:
        """What was collected."""
        blocks = [
            replace(block, exits=tuple(label for _, label in exits), dots=tuple(dot for dot, _ in exits))
            for block, exits in zip(self.blocks, self.exits, strict=True)
        ]
        for index, block in enumerate(blocks):
            if block.inner is not None:
                entering = {w.entry: blocks[w.source].exits[w.exit] for w in self.wires if w.target == index}
                leaving = dict(zip(block.dots, block.exits, strict=True))
                blocks[index] = replace(block, inner=_without_repeated_labels(block.inner, entering, leaving))
        return Diagram(tuple(blocks), tuple(self.wires))


def _without_repeated_labels(inner: Diagram, entering: dict[int, str], leaving: dict[int, str]) -> Diagram:
    """A type that stands at a wire outside of a frame is not written again where the wire goes on inside."""
    blocks = list(inner.blocks)
    inputs = [i for i, block in enumerate(blocks) if block.role == "input"]
    outputs = [i for i, block in enumerate(blocks) if block.role == "output"]
    for entry, text in entering.items():
        dot = blocks[inputs[entry]]
        blocks[inputs[entry]] = replace(dot, exits=tuple("" if label == text else label for label in dot.exits))
    uses = Counter((wire.source, wire.exit) for wire in inner.wires)
    for wire in inner.wires:
        block = blocks[wire.source]
        if wire.target not in outputs or uses[wire.source, wire.exit] > 1 or block.role == "frame":
            continue
        if leaving.get(outputs.index(wire.target)) == block.exits[wire.exit]:
            exits = (*block.exits[: wire.exit], "", *block.exits[wire.exit + 1 :])
            blocks[wire.source] = replace(block, exits=exits)
    return Diagram(tuple(blocks), inner.wires)
