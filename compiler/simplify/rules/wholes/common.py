"""What the rules of wholes ask about ranges and what is done to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from einspec.compiler.graph.graph import Node, Port
from einspec.compiler.simplify.rewriting import Rewriter
from einspec.compiler.simplify.rules.along import axis_of
from einspec.compiler.simplify.rules.common import is_pointwise, library, made_by
from einspec.compiler.simplify.rules.ranges import Range, range_of, written
from einspec.compiler.simplify.rules.rearrangements import (
    Moves,
    steps_of,
)
from einspec.ops.declare import Primitive


@dataclass(frozen=True, slots=True)
class Cut:
    """A range along an axis, from 1, of which the whole has a size."""

    axis: int
    start: int
    stop: int
    size: int


def part_of(rewriter: Rewriter, port: Port) -> tuple[Range, int] | None:
    """The range that a port is of another, and along which axis, from 1; None for all but ranges."""
    maker = rewriter.maker(port)
    if maker is None or maker.op not in (library("group"), library("narrow")):
        return None
    axis = axis_of(maker)
    return range_of(rewriter, port, axis), axis


def passes(node: Node, axis: int) -> bool:
    """Whether a node has one input, no weights, and treats the places along an axis, from 1, alike and alone."""
    if node.op is None or len(node.inputs) != 1 or len(node.outputs) != 1 or node.slot is not None:
        return False
    laws = node.op.laws
    if laws.along is not None:
        return not laws.random and axis != (1 if laws.along == "first" else node.input_types[0].rank)
    return is_pointwise(node)


def ranges_of(rewriter: Rewriter, port: Port) -> tuple[Port, list[Cut]]:
    """What a port is ranges of, and these, the first that was taken first."""
    ranges: list[Cut] = []
    while (part := part_of(rewriter, port)) is not None:
        found, axis = part
        ranges.append(Cut(axis, found.start, found.stop, rewriter.type_of(found.port).sizes[axis - 1]))
        port = found.port
    return port, ranges[::-1]


def taken(rewriter: Rewriter, port: Port, ranges: Sequence[Cut]) -> Port:
    """Ranges of a port, one after the other."""
    for item in ranges:
        port = written(rewriter, [Range(port, item.start, item.stop, is_zeros=False)], item.axis)
    return port


def apply_moves(rewriter: Rewriter, moves: Moves, port: Port, layout: str) -> Port:
    """What is at a port, moved, with a layout."""
    for op, args in steps_of(moves, rewriter.type_of(port), layout):
        (port,) = rewriter.apply(op, args, (port,))
    return port


def is_made_by(rewriter: Rewriter, port: Port, ops: frozenset[Primitive]) -> bool:
    maker = rewriter.maker(port)
    return maker is not None and maker.op in ops


def borders(op: Primitive, args: Sequence[Any], size: int, output: int) -> tuple[int, int]:
    """Where an output of a split or a range of an axis of a size begins and ends."""
    if op is library("narrow"):
        return args[1], args[2]
    width = size // args[0]
    return width * output, width * (output + 1)


def multiple(rewriter: Rewriter, port: Port) -> tuple[int, Port] | None:
    """How many times what a port is, where it is a multiple or a part of one."""
    maker = made_by(rewriter, port, library("times"))
    return (maker.args[0], maker.inputs[0]) if maker is not None else multiple_part(rewriter, port)


def multiple_part(rewriter: Rewriter, port: Port) -> tuple[int, Port] | None:
    """How many times what part a port is, where it is a part of a multiple."""
    part = part_of(rewriter, port)
    if part is None:
        return None
    found, axis = part
    maker = made_by(rewriter, found.port, library("times"))
    if maker is None:
        return None
    (whole,) = maker.inputs
    return maker.args[0], written(rewriter, [Range(whole, found.start, found.stop, is_zeros=False)], axis)


def times(rewriter: Rewriter, count: int, port: Port) -> Port:
    return rewriter.apply(library("times"), (count,), (port,))[0]
