"""Rules of concatenations that other ops hide: what is put together and taken apart again, after whatever else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    if node.op is None or maker is None or (_is_border(node, maker) and maker.op is library("cat")):
        return None
    steps = _steps(rewriter, node, port)
    borders = _borders(steps)
    if not borders[node.args, port]:
        return None
    needed = {(node.args, port)}
    for step in reversed(steps):
        if step.key in needed and step.before is not None and borders[step.key]:
            needed.update(step.sources)
    made: dict[_Key, Ports] = {}
    for step in steps:
        if step.key in needed and step.before is not None and borders[step.key]:
            made[step.key] = _redone(rewriter, step, [made[source] for source in step.sources])
        elif step.key in needed:
            made[step.key] = rewriter.apply(node.op, step.split.args, (step.port,))
    return made[node.args, port]


def has_border(rewriter: Rewriter, node: Node, port: Port) -> bool:
    """Whether what is at a port has been put together along the axis of a split, whatever was done to it since."""
    return _borders(_steps(rewriter, node, port))[node.args, port]


_Key = tuple[tuple[object, ...], Port]
"""The arguments of a split, and a port that it is to be made of."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A split that is to be made of a port, and that of what the port is made from, where it can be made before."""

    split: Node
    port: Port
    maker: Node | None
    before: Node | None

    @property
    def key(self) -> _Key:
        """What tells it from others."""
        return self.split.args, self.port

    @property
    def sources(self) -> list[_Key]:
        """Those that come before it."""
        if self.maker is None or self.before is None:
            return []
        return [(self.before.args, source) for source in self.maker.inputs]


def _steps(rewriter: Rewriter, split: Node, port: Port) -> list[_Step]:
    """All splits that come before one, each after those before it: without recursion, since chains may be long."""
    done: dict[_Key, _Step] = {}
    stack = [(split, port)]
    while stack:
        node, place = stack[-1]
        maker = rewriter.maker(place)
        step = _Step(node, place, maker, _before(node, maker) if maker is not None else None)
        waiting = [source for _, source in step.sources if (step.sources[0][0], source) not in done]
        if step.key in done or not waiting:
            stack.pop()
            done.setdefault(step.key, step)
        elif step.before is not None:
            stack += [(step.before, source) for source in waiting]
    return list(done.values())


def _borders(steps: Sequence[_Step]) -> dict[_Key, bool]:
    """Of each split, whether the port has been put together along its axis."""
    known: dict[_Key, bool] = {}
    for step in steps:
        known[step.key] = _is_border(step.split, step.maker) or any(known[source] for source in step.sources)
    return known


def _is_border(split: Node, maker: Node | None) -> bool:
    return maker is not None and (
        maker.op is library("zeros") or (maker.op is library("cat") and maker.args[0] == axis_of(split))
    )


def _before(split: Node, maker: Node) -> Node | None:
    """The split that is to be made of the inputs of what makes its input; None where it cannot be made before that."""
    axis = axis_of(split)
    if maker.op in RANGES:
        return split if axis_of(maker) != axis else None
    moves = moves_of(maker)
    if moves is None or moves.reduction:
        return split if passes(maker, axis) else None
    found = form_of(split, [(coarsest(moves), maker.input_types[0])])
    if found is None:
        return None
    return replace(split, args=found[1], outputs=(found[0][1],) * len(split.outputs))


def _redone(rewriter: Rewriter, step: _Step, rows: Sequence[Ports]) -> Ports:
    """What made the port, done to the parts of what it was made from."""
    maker, layout = step.maker, step.split.outputs[0].layout
    assert maker is not None
    assert maker.op is not None
    moves = moves_of(maker)
    if moves is not None:
        found = form_of(step.split, [(coarsest(moves), maker.input_types[0])])
        assert found is not None, "the split passes the moves"
        return tuple(apply_moves(rewriter, found[0][0], part, layout) for part in rows[0])
    return tuple(
        rewriter.apply(maker.op, maker.args, parts, maker.attributes)[step.port[1]] for parts in zip(*rows, strict=True)
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
