"""Rules of splits and concatenations, which are ranges along an axis in some order.

Along one axis every tensor is a row of ranges of others: a part of a split is one, a concatenation several.
In normal form no range is of a concatenation or of another range, adjacent ones are joined, and each is
written as the whole, as a part of an equal split, or else as a ``narrow``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import called, is_zeros, library
from einspec.compiler.simplify.rules.zeros import zeros
from einspec.ops.declare import Primitive
from einspec.ops.library.tensor import MOST_PARTS


@dataclass(frozen=True, slots=True)
class Range:
    """Places ``start`` to ``stop`` of what is at a port, along some axis; of zeros any places are alike."""

    port: Port
    start: int
    stop: int
    is_zeros: bool
    as_port: Port | None = None
    """The port that holds just this range, where there is one already."""

    def meets(self, other: Range) -> bool:
        """Whether another range goes on where this one ends."""
        if self.is_zeros or other.is_zeros:
            return self.is_zeros and other.is_zeros
        return self.port == other.port and self.stop == other.start

    def cut(self, start: int, stop: int) -> Range:
        """A part of it, in places counted from its own start."""
        if start == 0 and stop == self.stop - self.start:
            return self
        return Range(self.port, self.start + start, self.start + stop, self.is_zeros)


def split(rewriter: Rewriter, node: Node) -> Ports | None:
    """A split of one part is the whole, of a row of ranges it cuts that row."""
    parts, axis = node.args
    if parts == 1:
        return node.inputs
    row = _row(rewriter, node.inputs[0], axis)
    if row is None:
        return None
    width = node.outputs[0].axes[axis - 1].size
    pieces = _cut(row, [width * (part + 1) for part in range(parts)])
    return tuple(written(rewriter, piece, axis) for piece in pieces)


def narrow(rewriter: Rewriter, node: Node) -> Ports | None:
    """A range of a row of ranges, or one that has a simpler form."""
    axis, start, stop = node.args
    (port,) = node.inputs
    row = _row(rewriter, port, axis)
    if row is None:
        size = node.input_types[0].axes[axis - 1].size
        if not _is_part(start, stop, size) and stop - start < size:
            return None
        row = [Range(port, 0, size, is_zeros=False)]
    return (written(rewriter, _cut(row, [start, stop])[1], axis),)


def join_ranges(rewriter: Rewriter, node: Node) -> Ports | None:
    """Adjacent ranges of one tensor are one range, adjacent zeros are zeros."""
    axis = node.args[0]
    joined: list[Range] = []
    for port in node.inputs:
        new = range_of(rewriter, port, axis)
        if joined and joined[-1].meets(new):
            last = joined[-1]
            joined[-1] = Range(last.port, last.start, last.stop + new.stop - new.start, new.is_zeros)
        else:
            joined.append(new)
    return (written(rewriter, joined, axis),) if len(joined) < len(node.inputs) else None


def name_range_op(rewriter: Rewriter, node: Node) -> Ports | None:
    """Ops whose law says all there is to them are the library's: else two spellings of one range would differ."""
    name = _library_name(node.op)
    if name is None or node.attributes or len(node.args) != len(library(name).own_signature.arguments):
        return None
    found = library(name).accept(node.input_types, node.args, {})
    if found is None or (found if isinstance(found, tuple) else (found,)) != node.outputs:
        return None
    return rewriter.apply(library(name), node.args, node.inputs)


def _library_name(op: Primitive | None) -> str | None:
    """What another op is called in the library, where one of its laws says all there is to it."""
    if op is None:
        return None
    laws = op.laws
    name = "permute" if laws.permutes else "group" if laws.splits else "cat" if laws.concatenates else None
    return name if name is not None and op is not library(name) else None


def _row(rewriter: Rewriter, port: Port, axis: int) -> list[Range] | None:
    """What a tensor is along an axis; None where it is a tensor like any other."""
    maker = rewriter.maker(port)
    if maker is not None and maker.op is library("cat") and maker.args[0] == axis:
        return [range_of(rewriter, source, axis) for source in maker.inputs]
    found = range_of(rewriter, port, axis)
    return None if found.port == port and not found.is_zeros else [found]


def range_of(rewriter: Rewriter, port: Port, axis: int) -> Range:
    """The range that a port holds, of itself if of nothing else."""
    maker = rewriter.maker(port)
    size = rewriter.type_of(port).axes[axis - 1].size
    if maker is not None and maker.op is library("group") and maker.args[1] == axis:
        return Range(maker.inputs[0], size * port[1], size * (port[1] + 1), is_zeros=False, as_port=port)
    if maker is not None and maker.op is library("narrow") and maker.args[0] == axis:
        _, start, stop = maker.args
        return Range(maker.inputs[0], start, stop, is_zeros=False, as_port=port)
    return Range(port, 0, size, is_zeros(rewriter, port), as_port=port)


def _cut(row: Sequence[Range], borders: Sequence[int]) -> list[list[Range]]:
    """The row up to each border, from the one before."""
    pieces: list[list[Range]] = []
    waiting = iter(row)
    current, used, place = next(waiting), 0, 0
    for border in borders:
        piece: list[Range] = []
        while place < border:
            if used == current.stop - current.start:
                current, used = next(waiting), 0
            taken = min(border - place, current.stop - current.start - used)
            piece.append(current.cut(used, used + taken))
            used += taken
            place += taken
        pieces.append(piece)
    return pieces


def written(rewriter: Rewriter, row: Sequence[Range], axis: int) -> Port:
    """The port that holds a row of ranges."""
    ports = tuple(piece.as_port or _one_written(rewriter, piece, axis) for piece in row)
    return ports[0] if len(ports) == 1 else rewriter.apply(library("cat"), (axis,), ports)[0]


def _one_written(rewriter: Rewriter, piece: Range, axis: int) -> Port:
    kind = rewriter.type_of(piece.port)
    width = piece.stop - piece.start
    if piece.is_zeros:
        return zeros(rewriter, kind.with_axis(axis - 1, width))
    size = kind.axes[axis - 1].size
    if width == size:
        return piece.port
    if _is_part(piece.start, piece.stop, size):
        return rewriter.apply(library("group"), (size // width, axis), (piece.port,))[piece.start // width]
    return rewriter.apply(library("narrow"), (axis, piece.start, piece.stop), (piece.port,))[0]


def _is_part(start: int, stop: int, size: int) -> bool:
    """Whether a range is a part of an equal split that may be written."""
    width = stop - start
    return size % width == 0 and start % width == 0 and 1 < size // width <= MOST_PARTS


RULES = (
    Rule(
        "name range op",
        "f = cat, group or permute",
        "f declares to be nothing else, at these types",
        lambda op: _library_name(op) is not None,
        name_range_op,
    ),
    Rule(
        "split",
        "split(cat(a, b)) = parts of a, b,  split(part of x) = parts of x",
        "along one axis",
        called("group"),
        split,
    ),
    Rule(
        "narrow",
        "narrow(cat(a, b)) = ranges of a, b,  narrow(part of x) = range of x",
        "along one axis",
        called("narrow"),
        narrow,
    ),
    Rule(
        "join ranges",
        "cat(x[a:b], x[b:c]) = x[a:c],  x[:] = x,  cat(0, 0) = 0",
        "along one axis",
        called("cat"),
        join_ranges,
    ),
)
