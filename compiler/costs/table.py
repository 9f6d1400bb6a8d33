"""What an architecture costs, op by op and in total, without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from einspec.compiler.costs.costs import node_macs, node_params
from einspec.compiler.costs.memory import Memory, activations
from einspec.compiler.fusion.ops import OF_COPIES
from einspec.compiler.graph.graph import Graph, Node, Slot
from einspec.compiler.pipeline import built


@dataclass(slots=True)
class OpCosts:
    """What all uses of one op cost together."""

    op: str
    count: int = 0
    """How often it runs."""
    params: int = 0
    macs: int = 0
    """Multiply-accumulates for one example."""
    training: Memory = field(default_factory=Memory)
    """Bytes of activations that it is the first to keep for the backward pass."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What an architecture costs as it is built, in float32 and without a head."""

    ops: tuple[OpCosts, ...]
    """By op of the fused graph; what copies keep that run one by one, where they are many, stands under ``copies``."""
    params: int
    macs: int
    inference: int
    """Most bytes of activations that are alive at once, for one example, where nothing is kept."""
    training: Memory
    """Bytes of activations that are kept for the backward pass, inputs and weights not counted."""
    critical_ops: int
    """Ops of the simplified graph on the longest way through it: what nothing can do at the same time."""
    critical_macs: int
    """The most multiply-accumulates on one way through it."""


def costs_of(graph: Graph) -> Costs:
    """The costs of a simplified graph: parameters, multiply-accumulates and memory of its fused form."""
    fused = built(graph)
    rows = _rows(fused)
    memory = activations(fused)
    for node, kept in zip(memory.graph.nodes, memory.kept, strict=True):
        name = node.op.name if node.op is not None else "copies"
        row = rows.setdefault(name, OpCosts(name))
        row.training += kept
    return Costs(
        tuple(rows.values()),
        sum(row.params for row in rows.values()),
        sum(row.macs for row in rows.values()),
        memory.peak,
        sum(memory.kept, Memory()),
        longest_way(graph, lambda node: 1),
        longest_way(graph, node_macs),
    )


def _rows(graph: Graph) -> dict[str, OpCosts]:
    rows: dict[str, OpCosts] = {}
    seen: set[Slot] = set()
    for part, times in graph.graphs():
        for node in part.nodes:
            if node.op is None:
                continue
            row = rows.setdefault(node.op.name, OpCosts(node.op.name))
            row.count += times
            row.macs += times * node_macs(node)
            if node.slot is not None and node.slot not in seen:
                seen.add(node.slot)
                row.params += node_params(node) * (1 if node.op in OF_COPIES else node.slot.copies)
    return rows


def longest_way(graph: Graph, weight: Callable[[Node], int]) -> int:
    """The largest sum of weights of ops on a way from an input of a graph to an output."""
    known: dict[tuple[int, tuple[int, ...]], tuple[int, ...]] = {}

    def ends(part: Graph, starts: tuple[int, ...]) -> tuple[int, ...]:
        """How far it is to each output, from how far it is to each input."""
        key = (id(part), starts)
        if key not in known:
            made: list[tuple[int, ...]] = []
            for node in part.nodes:
                given = tuple(starts[output] if index < 0 else made[index][output] for index, output in node.inputs)
                made.append(through(node, given))
            known[key] = tuple(starts[output] if index < 0 else made[index][output] for index, output in part.outputs)
        return known[key]

    def through(node: Node, given: tuple[int, ...]) -> tuple[int, ...]:
        if node.body is None:
            return (max(given) + weight(node),) * len(node.outputs)
        width = len(node.body.inputs)
        copies = (given[start : start + width] for start in range(0, len(given), width))
        return tuple(end for starts in copies for end in ends(node.body, starts))

    return max(ends(graph, (0,) * len(graph.inputs)))
