"""What is written in boxes and at wires: ops, their kinds, and the types of ports with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from einspec.compiler.drawing.diagram import Kind, Line
from einspec.compiler.drawing.text import TIMES
from einspec.compiler.graph.graph import Graph, Node
from einspec.types import Type


@dataclass(frozen=True, slots=True)
class Home:
    """Where a port is in the diagram: block, output of the diagram in a frame, number among its siblings."""

    block: int
    dot: int
    number: int
    siblings: int
    type: Type


def line_of(graph: Graph, index: int) -> Line:
    """The line of a node."""
    node = graph.nodes[index]
    new = node.outputs != node.input_types[:1]
    outputs = ", ".join(map(str, node.outputs[:4])) + (f", ... ({len(node.outputs)})" if len(node.outputs) > 4 else "")
    note = f"%{index} = {node.text()}: {outputs}" + (f" [{node.slot}]" if node.slot is not None else "")
    return Line(_short(node), _kind(node), str(node.outputs[0]) if new else "", note)


def _short(node: Node) -> str:
    """The op without its last arguments where these are what they are by default, or truth values: the note has all."""
    assert node.op is not None, "a replica is no line"
    args = list(node.args)
    for argument in reversed(node.op.own_signature.arguments[: len(args)]):
        if argument.is_required or not (isinstance(args[-1], bool) or args[-1] == argument.default):
            break
        args.pop()
    return node.op.text(tuple(args))


def _kind(node: Node) -> Kind:
    assert node.op is not None, "a replica is no line"
    laws = node.op.laws
    if laws.owns_parameters or laws.has_buffers:
        return "weights"
    if len(node.inputs) > 1:
        return "merging"
    if laws.permutes or laws.splits or (node.outputs != node.input_types and not laws.pointwise):
        return "shape"
    return "other"


def label_of(homes: Sequence[Home]) -> str:
    """The types of a run of ports, with their numbers unless the run is all that there is."""
    numbers = [home.number for home in homes]
    kinds = list(dict.fromkeys(str(home.type) for home in homes))
    types = kinds[0] if len(homes) == 1 else f"{len(homes):,} {TIMES} {kinds[0]}"
    if len(kinds) > 1:
        types = ", ".join(str(home.type) for home in homes[:3]) + (", ..." if len(homes) > 3 else "")
    if homes[0].siblings == 1 or numbers == list(range(homes[0].siblings)):
        return types
    return f"#{_ranges(numbers)} {types}"


def _ranges(numbers: Sequence[int]) -> str:
    """``1, 2, 3, 7`` as ``2-4,8``: outputs are counted from 1, as inputs are."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [str(run[0] + 1) if len(run) == 1 else f"{run[0] + 1}-{run[-1] + 1}" for run in runs]
    return ",".join(texts[:4]) + (",..." if len(texts) > 4 else "")


def is_tied(body: Graph) -> bool:
    """Whether all copies of a body use the same weights: its slots lie outside of its scope."""
    slots = [node.slot for part, _ in body.graphs() for node in part.nodes if node.slot is not None]
    depth = len(body.scope)
    return bool(slots) and all(slot.context[:depth] != body.scope for slot in slots)
