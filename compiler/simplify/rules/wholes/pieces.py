"""Rules of concatenations that other ops hide: what is put together and taken apart again, after whatever else."""

from __future__ import annotations

from dataclasses import replace

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.along import RANGES, axis_of, form_of
from einspec.compiler.simplify.rules.common import called, library
from einspec.compiler.simplify.rules.rearrangements import (
    coarsest,
    moves_of,
)
from einspec.compiler.simplify.rules.wholes.common import (
    apply_moves,
    passes,
)


def hidden_cat(rewriter: Rewriter, port: Port, axis: int) -> Ports | None:
    """What a port consists of along an axis, where something is done to a concatenation along it: the pieces with that
    done to each. None where that is not so.
    """
    above: list[tuple[Node, int]] = []
    while True:
        maker = rewriter.maker(port)
        if maker is None or maker.op is None:
            return None
        if maker.op is library("cat") and maker.args[0] == axis:
            break
        is_range = maker.op in (library("group"), library("narrow")) and axis_of(maker) != axis
        if not is_range and not passes(maker, axis):
            return None
        above.append((maker, port[1]))
        (port,) = maker.inputs
    if not above:
        return None
    pieces = maker.inputs
    for node, output in reversed(above):
        assert node.op is not None
        pieces = tuple(rewriter.apply(node.op, node.args, (piece,), node.attributes)[output] for piece in pieces)
    return pieces


def join_pieces(rewriter: Rewriter, node: Node) -> Ports | None:
    """A concatenation of what is a concatenation but for what is done to it is one of all pieces."""
    (axis,) = node.args
    pieces = [hidden_cat(rewriter, port, axis) for port in node.inputs]
    if len(node.inputs) < 2 or not any(pieces):
        return None
    ports = tuple(
        port for whole, row in zip(node.inputs, pieces, strict=True) for port in ((whole,) if row is None else row)
    )
    return rewriter.apply(library("cat"), node.args, ports)


def split_pieces(rewriter: Rewriter, node: Node) -> Ports | None:
    """A split of what is a concatenation but for what is done to it is one of the pieces."""
    (port,) = node.inputs
    maker = rewriter.maker(port)
    if node.op is None or maker is None or (maker.op is library("cat") and maker.args[0] == axis_of(node)):
        return None
    return _split(rewriter, node, port) if has_border(rewriter, node, port) else None


def has_border(rewriter: Rewriter, node: Node, port: Port) -> bool:
    """Whether what is at a port has been put together along the axis of a split, whatever was done to it since."""
    waiting, seen = [(node, port)], set()
    while waiting:
        node, port = waiting.pop()
        maker = rewriter.maker(port)
        if maker is None or maker.op is None or (node.args, port) in seen:
            continue
        seen.add((node.args, port))
        axis = axis_of(node)
        if maker.op is library("zeros") or (maker.op is library("cat") and maker.args[0] == axis):
            return True
        before = _before(node, maker)
        if before is not None:
            waiting += [(before, source) for source in maker.inputs]
    return False


def _before(node: Node, maker: Node) -> Node | None:
    """The split that is to be made of the inputs of what makes its input; None where it cannot be made before that."""
    axis = axis_of(node)
    if maker.op in RANGES:
        return node if axis_of(maker) != axis else None
    moves = moves_of(maker)
    if moves is None or moves.reduction:
        return node if passes(maker, axis) else None
    found = form_of(node, [(coarsest(moves), maker.input_types[0])])
    if found is None:
        return None
    return replace(node, args=found[1], outputs=(found[0][1],) * len(node.outputs))


def _split(rewriter: Rewriter, node: Node, port: Port) -> Ports:
    """A split or range of a port, made as early as it can be: of the concatenation."""
    assert node.op is not None
    maker = rewriter.maker(port)
    before = _before(node, maker) if maker is not None else None
    if maker is None or maker.op is None or before is None or not has_border(rewriter, node, port):
        return rewriter.apply(node.op, node.args, (port,))
    rows = [_split(rewriter, before, source) for source in maker.inputs]
    moves = moves_of(maker)
    if moves is not None:
        found = form_of(node, [(coarsest(moves), maker.input_types[0])])
        assert found is not None, "the split passes the moves"
        return tuple(apply_moves(rewriter, found[0][0], part, node.outputs[0].layout) for part in rows[0])
    return tuple(
        rewriter.apply(maker.op, maker.args, parts, maker.attributes)[port[1]] for parts in zip(*rows, strict=True)
    )


RULES = (
    Rule(
        "join pieces",
        "cat(f(cat(a, b)), c) = cat(f(a), f(b), c)",
        "f has no weights, and is pointwise, acts along another axis, or takes a range along one",
        called("cat"),
        join_pieces,
    ),
    Rule(
        "split pieces",
        "split(f(cat(a, b))) = parts of f(a), f(b)",
        "f has no weights, and is pointwise, acts along another axis, or takes a range along one",
        lambda op: op in (library("group"), library("narrow")),
        split_pieces,
    ),
)
