"""Rules of what looks at one place at a time, or acts along another axis: it is done to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from einspec.compiler.graph.graph import Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.along import axis_of, form_of
from einspec.compiler.simplify.rules.common import called, is_pointwise, is_zeros, library
from einspec.compiler.simplify.rules.ranges import Range, written
from einspec.compiler.simplify.rules.rearrangements import (
    REARRANGING,
    coarsest,
    moved_from,
)
from einspec.compiler.simplify.rules.wholes.common import (
    apply_moves,
    is_made_by,
    part_of,
    passes,
    ranges_of,
    taken,
)
from einspec.types import Type


def act_before_split(rewriter: Rewriter, node: Node) -> Ports | None:
    if node.op is None or len(node.inputs) != 1 or len(node.outputs) != 1:
        return None
    base, ranges = ranges_of(rewriter, node.inputs[0])
    passed = [item for item in ranges if passes(node, item.axis)]
    if not passed:
        return None
    port = taken(rewriter, base, [item for item in ranges if item not in passed])
    kind = rewriter.type_of(port)
    output = node.op.accept((kind,), node.args, dict(node.attributes))
    if not isinstance(output, Type) or output.rank != kind.rank:
        return None
    if any(output.sizes[item.axis - 1] != kind.sizes[item.axis - 1] for item in passed):
        return None
    (whole,) = rewriter.apply(node.op, node.args, (port,), node.attributes)
    return (taken(rewriter, whole, passed),)


def act_after_cat(rewriter: Rewriter, node: Node) -> Ports | None:
    """Whole chains at once: they may be long."""
    acts: list[Node] = []
    inputs = node.inputs
    while (found := _last_act(rewriter, inputs, node.args[0])) is not None:
        act, inputs = found
        acts.append(act)
    if not acts:
        return None
    ports = rewriter.apply(library("cat"), node.args, inputs)
    for act in reversed(acts):
        assert act.op is not None
        ports = rewriter.apply(act.op, act.args, ports, act.attributes)
    return ports


def _last_act(rewriter: Rewriter, ports: Ports, axis: int) -> tuple[Node, Ports] | None:
    """What was done alike to all ports at last, and to what; zeros may be what is done to zeros."""
    are_zeros = [is_zeros(rewriter, port) for port in ports]
    for act_of in (_multiplied_act, _act):
        acts: list[tuple[Node, Port]] = []
        for port in (port for port, is_zero in zip(ports, are_zeros, strict=True) if not is_zero):
            act = act_of(rewriter, port, axis)
            if act is None:
                return None
            acts.append(act)
        first, sources = _alike(acts)
        if first is not None and (not any(are_zeros) or _keeps_zeros(first)):
            waiting = iter(sources)
            return first, tuple(p if is_zero else next(waiting) for p, is_zero in zip(ports, are_zeros, strict=True))
    return None


def _multiplied_act(rewriter: Rewriter, port: Port, axis: int) -> tuple[Node, Port] | None:
    """As :func:`_act`, where a multiple of what a homogeneous op makes is what it makes of the multiple."""
    act = _act(rewriter, port, axis)
    if act is None or act[0].op is not library("times"):
        return act
    times, inner = act[0], _act(rewriter, act[1], axis)
    if inner is None or inner[0].op is None or not inner[0].op.laws.homogeneous or not is_pointwise(inner[0]):
        return act
    return inner[0], rewriter.apply(library("times"), times.args, (inner[1],))[0]


def _act(rewriter: Rewriter, port: Port, axis: int) -> tuple[Node, Port] | None:
    """The op that makes a port, and of what, also where the port is a part of what it makes; None if the op does not
    treat places along an axis alike.
    """
    maker = rewriter.maker(port)
    if maker is None:
        return None
    if passes(maker, axis):
        return maker, maker.inputs[0]
    part = part_of(rewriter, port)
    if part is None:
        return None
    found, cut = part
    maker = rewriter.maker(found.port)
    if maker is None or not passes(maker, axis) or not passes(maker, cut):
        return None
    before = rewriter.type_of(maker.inputs[0]).sizes[cut - 1]
    if before != rewriter.type_of(found.port).sizes[cut - 1]:
        return None
    return maker, written(rewriter, [Range(maker.inputs[0], found.start, found.stop, is_zeros=False)], cut)


def _alike(acts: Sequence[tuple[Node, Port] | None]) -> tuple[Node | None, Ports]:
    """One of several ops, and what they are done to, if all are one op with equal arguments."""
    known = [act for act in acts if act is not None]
    if len(known) < len(acts) or not known:
        return None, ()
    first = known[0][0]
    wanted = first.op, repr(first.args), repr(first.attributes)
    if any((node.op, repr(node.args), repr(node.attributes)) != wanted for node, _ in known):
        return None, ()
    return first, tuple(port for _, port in known)


def _keeps_zeros(node: Node) -> bool:
    """Whether a node makes zeros of zeros."""
    assert node.op is not None
    laws = node.op.laws
    return laws.zero is not None and not (laws.zero_unless and node.op.argument(laws.zero_unless, node.args))


def act_along_after_cat(rewriter: Rewriter, node: Node) -> Ports | None:
    """What acts along an axis alike, and is then moved alike, is done to the concatenation, and that is moved."""
    if not all(is_made_by(rewriter, port, REARRANGING) for port in node.inputs):
        return None
    moved = [moved_from(rewriter, port) for port in node.inputs]
    sources = [(coarsest(item[0]), item[1]) for item in moved if item is not None]
    if len(sources) < len(node.inputs):
        return None
    found = form_of(node, [(moves, rewriter.type_of(source)) for moves, source in sources])
    if found is None:
        return None
    (moves, _), args = found
    first, inputs = _alike([_act(rewriter, source, axis_of(replace(node, args=args))) for _, source in sources])
    if first is None or first.op is None or first.op.laws.along is None:
        return None
    whole = rewriter.apply(library("cat"), args, inputs)
    (made,) = rewriter.apply(first.op, first.args, whole, first.attributes)
    return (apply_moves(rewriter, moves, made, node.outputs[0].layout),)


RULES = (
    Rule(
        "act before split",
        "f(part(x)) = part(f(x))",
        "f has no weights, and is pointwise or acts along another axis",
        lambda op: op is not None and not op.has_slot and (op.laws.pointwise or op.laws.along is not None),
        act_before_split,
    ),
    Rule(
        "act after cat",
        "cat(f(x), f(y)) = f(cat(x, y))",
        "f has no weights, and is pointwise or acts along another axis",
        called("cat"),
        act_after_cat,
    ),
    Rule(
        "act along after cat",
        "cat(M(f(x)), M(f(y))) = M'(f(cat(x, y)))",
        "f has no weights and acts along another axis; M leaves the axis of the concatenation whole",
        called("cat"),
        act_along_after_cat,
    ),
)
