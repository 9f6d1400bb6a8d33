"""Rules of splits and concatenations along several axes: blocks, rows of them, and parts of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.along import MOVING, RANGES, axis_of
from einspec.compiler.simplify.rules.common import called, is_zeros, library, made_by
from einspec.compiler.simplify.rules.ranges import Range, written
from einspec.compiler.simplify.rules.rearrangements import (
    Moves,
    coarsest,
    moved_from,
    regrouped,
    unmoved_axes,
)
from einspec.compiler.simplify.rules.wholes.common import (
    Cut,
    apply_moves,
    is_made_by,
    part_of,
    ranges_of,
    taken,
)
from einspec.compiler.simplify.rules.wholes.pieces import has_border


def regroup(rewriter: Rewriter, node: Node) -> Ports | None:
    """All parts of a split in order, moved alike and put side by side along another axis, are a rearrangement."""
    if not is_made_by(rewriter, node.inputs[0], MOVING):
        return None
    moved = [_moves_and_source(rewriter, port) for port in node.inputs]
    if any(moves != moved[0][0] for moves, _ in moved):
        return None
    found = _whole_of_parts(rewriter, [source for _, source in moved])
    if found is None:
        return None
    whole, axis = found
    if any(_is_joined(rewriter, whole, other) for other in range(1, rewriter.type_of(whole).rank + 1)):
        return None  # its pieces go on into the concatenation, one by one
    moves = regrouped(moved[0][0], axis - 1, len(moved), node.args[0] - 1)
    return (apply_moves(rewriter, moves, whole, node.outputs[0].layout),)


def _whole_of_parts(rewriter: Rewriter, ports: Sequence[Port]) -> tuple[Port, int] | None:
    """What ports are all parts of in order, and along which axis; also where each is the same range, along another
    axis, of such parts.
    """
    index, _ = ports[0]
    split = rewriter.maker(ports[0])
    is_split = split is not None and split.op is library("group")
    if split is not None and is_split and list(ports) == [(index, part) for part in range(split.args[0])]:
        return split.inputs[0], axis_of(split)
    parts = [part_of(rewriter, port) for port in ports]
    known = [(part[0], part[1]) for part in parts if part is not None]
    first, cut = known[0] if known else (None, 0)
    if first is None or len(known) < len(ports) or known[0][0].port == known[-1][0].port:
        return None
    if any((part.start, part.stop, axis) != (first.start, first.stop, cut) for part, axis in known):
        return None
    found = _whole_of_parts(rewriter, [part.port for part, _ in known])
    if found is None or found[1] == cut:
        return None
    return written(rewriter, [Range(found[0], first.start, first.stop, is_zeros=False)], cut), found[1]


def _is_joined(rewriter: Rewriter, port: Port, axis: int) -> bool:
    """Whether what is at a port has been put together along an axis."""
    kind = rewriter.type_of(port)
    split = Node(library("narrow"), (axis, 0, kind.sizes[axis - 1]), (), (port,), (kind,), (kind,))
    return has_border(rewriter, split, port)


def _moves_and_source(rewriter: Rewriter, port: Port) -> tuple[Moves, Port]:
    found = moved_from(rewriter, port)
    return (coarsest(found[0]), found[1]) if found is not None else (unmoved_axes(rewriter.type_of(port)), port)


def join_parts(rewriter: Rewriter, node: Node) -> Ports | None:
    """Ranges of one tensor that go on from each other are one, also where another range was taken of each."""
    (axis,) = node.args
    if not any(is_made_by(rewriter, port, RANGES) for port in node.inputs):
        return None
    joined: list[tuple[Port, list[Cut]]] = []
    for port in node.inputs:
        base, ranges = ranges_of(rewriter, port)
        if joined and joined[-1][0] == base:
            both = _joined_cuts(joined[-1][1], ranges, axis)
            if both is not None:
                joined[-1] = base, both
                continue
        joined.append((base, ranges))
    if len(joined) == len(node.inputs):
        return None
    return rewriter.apply(node.op, node.args, tuple(taken(rewriter, *item) for item in joined)) if node.op else None


def _joined_cuts(some: Sequence[Cut], others: Sequence[Cut], axis: int) -> list[Cut] | None:
    """The ranges that some and others are side by side; None where they do not go on from each other."""
    if [item for item in some if item.axis != axis] != [item for item in others if item.axis != axis]:
        return None
    (one, other) = ([item for item in cuts if item.axis == axis] for cuts in (some, others))
    if len(one) != 1 or len(other) != 1 or one[0].stop != other[0].start:
        return None
    both = replace(one[0], stop=other[0].stop)
    return [both if item.axis == axis else item for item in some]


def split_after_cat(rewriter: Rewriter, node: Node) -> Ports | None:
    """The same range of several, along another axis, is that range of them side by side."""
    (axis,) = node.args
    if not is_made_by(rewriter, node.inputs[0], RANGES):
        return None
    found = [ranges_of(rewriter, port) for port in node.inputs]
    common = [item for item in found[0][1] if item.axis != axis and all(item in ranges for _, ranges in found)]
    if not common:
        return None
    ports = tuple(taken(rewriter, port, [item for item in ranges if item not in common]) for port, ranges in found)
    (whole,) = rewriter.apply(library("cat"), node.args, ports)
    return (taken(rewriter, whole, common),)


def order_splits(rewriter: Rewriter, node: Node) -> Ports | None:
    """Parts are taken along the first axis first."""
    part = part_of(rewriter, node.inputs[0])
    if part is None or node.op is None:
        return None
    (found, cut), axis = part, axis_of(node)
    if cut <= axis:
        return None
    wholes = rewriter.apply(node.op, node.args, (found.port,))
    return tuple(written(rewriter, [Range(whole, found.start, found.stop, is_zeros=False)], cut) for whole in wholes)


def join_rows(rewriter: Rewriter, node: Node) -> Ports | None:
    """Blocks are put together along the last axis last where each column is one tensor."""
    (axis,) = node.args
    if made_by(rewriter, node.inputs[0], library("cat")) is None:
        return None
    rows = [maker for port in node.inputs if (maker := made_by(rewriter, port, library("cat"))) is not None]
    if len(rows) < len(node.inputs) or len(rows) < 2 or any(row.args != rows[0].args for row in rows):
        return None
    cut = rows[0].args[0]
    sizes = [[kind.sizes[cut - 1] for kind in row.input_types] for row in rows]
    if cut <= axis or any(other != sizes[0] for other in sizes):
        return None
    columns = list(zip(*(row.inputs for row in rows), strict=True))
    if not all(_may_join(rewriter, column, axis) for column in columns):
        return None
    blocks = tuple(rewriter.apply(library("cat"), (axis,), column)[0] for column in columns)
    if any(made_by(rewriter, ranges_of(rewriter, block)[0], library("cat")) is not None for block in blocks):
        return None
    return rewriter.apply(library("cat"), (cut,), blocks)


def _may_join(rewriter: Rewriter, column: Ports, axis: int) -> bool:
    """Whether pieces may be one tensor: cheap to say, before they are put together."""
    if all(is_zeros(rewriter, port) for port in column):
        return True
    found = [ranges_of(rewriter, port) for port in column]
    return len({base for base, _ in found}) == 1 and all(ranges for _, ranges in found)


def order_cats(rewriter: Rewriter, node: Node) -> Ports | None:
    """Blocks are put together along the first axis last."""
    (axis,) = node.args
    if not all(is_made_by(rewriter, port, RANGES) for port in node.inputs):
        return None
    for cut in range(1, axis):
        rows = [_rows(rewriter, port, cut) for port in node.inputs]
        known = [row for row in rows if row is not None]
        if len(known) < len(rows) or len({sizes for _, sizes in known}) > 1:
            continue
        columns = zip(*(_row_ports(rewriter, row) for row, _ in known), strict=True)
        blocks = tuple(rewriter.apply(library("cat"), (axis,), ports)[0] for ports in columns)
        return rewriter.apply(library("cat"), (cut,), blocks)
    return None


def _rows(rewriter: Rewriter, port: Port, axis: int) -> tuple[tuple[Ports, list[Cut]], tuple[int, ...]] | None:
    """The pieces of which a port consists along an axis, with the ranges that are taken of each, and their sizes."""
    base, ranges = ranges_of(rewriter, port)
    row = made_by(rewriter, base, library("cat"))
    if row is None or row.args[0] != axis or any(item.axis == axis for item in ranges):
        return None
    return (row.inputs, ranges), tuple(kind.sizes[axis - 1] for kind in row.input_types)


def _row_ports(rewriter: Rewriter, row: tuple[Ports, list[Cut]]) -> Ports:
    return tuple(taken(rewriter, port, row[1]) for port in row[0])


RULES = (
    Rule(
        "regroup",
        "cat(M(part 1 of x), M(part 2 of x), ..) = M'(x)",
        "all parts of one split, in order",
        called("cat"),
        regroup,
    ),
    Rule(
        "order splits",
        "part of (part of x) along 2 along 1 = part of (part of x) along 1 along 2",
        "of two axes",
        lambda op: op in (library("group"), library("narrow")),
        order_splits,
    ),
    Rule(
        "split after cat",
        "cat(part(x), part(y)) = part(cat(x, y))",
        "the same range of tensors of one size, along another axis",
        called("cat"),
        split_after_cat,
    ),
    Rule(
        "join parts",
        "cat(part(x[a:b]), part(x[b:c])) = part(x[a:c])",
        "along one axis, and the same ranges along others",
        called("cat"),
        join_parts,
    ),
    Rule(
        "join rows",
        "cat along 1 (cat(a, b), cat(c, d)) = cat along 2 (e, f)",
        "along axis 1, a and c are e, and b and d are f",
        called("cat"),
        join_rows,
    ),
    Rule(
        "order cats",
        "cat along 2 (cat(a, b), cat(c, d)) = cat along 1 (cat(a, c), cat(b, d))",
        "of two axes, and the pieces have equal sizes",
        called("cat"),
        order_cats,
    ),
)
