"""The rule of replicas: all copies of a body run as one, over stacks of what each copy has.

Each op of the body becomes one op over a stack, so that n copies cost about one op that is n times larger. Ops that
have no such form (weights that no stack is made for, chance, ops of one's own that are not pointwise) leave the copies
as they are, and so do weights that are not each copy's own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from einspec.compiler.fusion import ops
from einspec.compiler.graph.graph import Context, Graph, Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import POINTWISE
from einspec.ops.declare import Primitive
from einspec.ops.library import convolutions, merge, patterns, pools, resizing, tensor
from einspec.types import Type, parse_type

_SAME = frozenset({tensor.softmax, merge.dot, merge.scaled_dot, ops.attention, ops.rows, ops.pixels})
"""Ops that look at the last axes only: a stack is one more axis in front."""

_FOLDED = frozenset({tensor.flatten, tensor.im2col, tensor.to_image, pools.max_pool2d, pools.avg_pool2d, resizing.crop})
"""Ops that look at one example at a time, whatever else they do: copies are as many examples. Those of fused graphs all
do.
"""


def _in_stack(copies: int, kind: str) -> str:
    return str(ops.stack_of(parse_type(kind), copies))


def _of_stacks(pattern: str) -> str:
    """A pattern of tensors with one axis more in front, of a name that no other axis has: stacks of stacks have two."""
    known = set(re.findall(r"\w+", pattern))
    name = next(name for name in ("copies", *(f"copies{n}" for n in range(2, len(known) + 3))) if name not in known)
    return " -> ".join(f"{name} {side}" for side in pattern.split(" -> "))


_SHIFTED: dict[Primitive, Callable[..., tuple[object, ...]]] = {
    tensor.permute: lambda n, order: ("1" + "".join(str(int(digit) + 1) for digit in order),),
    tensor.group: lambda n, parts, axis: (parts, axis + 1),
    tensor.narrow: lambda n, axis, start, stop: (axis + 1, start, stop),
    merge.cat: lambda n, axis: (axis + 1,),
    patterns.rearrange: lambda n, pattern, sizes, layout: (_of_stacks(pattern), sizes, ""),
    patterns.reduce: lambda n, pattern, reduction, sizes, layout: (_of_stacks(pattern), reduction, sizes, ""),
    ops.spread: lambda n, copies, at: (copies, at + 1),
    ops.stack: lambda n, at: (at + 1,),
    ops.unstack: lambda n, at, kind: (at + 1, _in_stack(n, kind)),
    ops.split_stack: lambda n, axis, copies, at: (axis + 1, copies, at + 1),
    ops.join_stack: lambda n, at, axis, kind: (at + 1, axis + 1, _in_stack(n, kind)),
    ops.sum_stack: lambda n, at, kind: (at + 1, _in_stack(n, kind)),
    ops.join_copies: lambda n, at: (at + 1,),
    ops.part_copies: lambda n, copies, at: (copies, at + 1),
}
"""Ops whose arguments count axes: in n copies there is one more in front."""

_LAYERS: dict[Primitive, Primitive] = {
    tensor.linear: ops.linear_stack,
    convolutions.conv2d: ops.conv2d_stack,
    ops.patch_conv: ops.patch_conv_stack,
    tensor.batch_norm: ops.batch_norm_stack,
    tensor.layer_norm: ops.layer_norm_stack,
    tensor.pos: ops.pos_stack,
    ops.linear_wide: ops.linear_stack,
    ops.linear_sum: ops.linear_sum_stack,
    ops.conv2d_wide: ops.conv2d_stack,
    ops.patch_conv_wide: ops.patch_conv_stack,
}
"""Layers and what they are over a stack."""


MOST_COPIES = 1_000_000
"""Ops, with all copies counted, up to which copies are stacked: more would not run, and their sizes have no end."""


MOST_NUMBERS = 2**60
"""Numbers of a stack: a type has bounds, and no machine comes near."""


def copies_rule(graph: Graph) -> Rule:
    """The rule that stacks copies of bodies of a graph: of all in which it can be done, and in all that is around."""
    scopes = _stackable(graph)

    def stack_copies(rewriter: Rewriter, node: Node) -> Ports | None:
        assert node.body is not None
        return _Stacking(rewriter, node, node.body).run() if node.body.scope in scopes else None

    return Rule(
        "stack copies",
        "each(f, x, y) = unstack(F(stack(x, y)))",
        "every op of f is one over a stack, and has its own weights in each copy",
        lambda op: op is None,
        stack_copies,
    )


def _stackable(graph: Graph) -> frozenset[Context]:
    """The scopes of the bodies that are run as stacks, and all bodies around them too."""
    if graph.written_out > MOST_COPIES:
        return frozenset()
    tied = graph.tied
    found: set[Context] = set()
    stack: list[tuple[Graph, list[Context]]] = [(graph, [])]
    while stack:
        part, around = stack.pop()
        for node in part.nodes:
            body = node.body
            if body is not None and all(
                inner.slot not in tied and _can_stack(inner, scopes) for inner, scopes in _within(body, around)
            ):
                found.add(body.scope)
                stack.append((body, [*around, body.scope]))
    return frozenset(found)


def _within(body: Graph, around: list[Context]) -> Iterator[tuple[Node, list[Context]]]:
    """The ops of a body and of the bodies in it, each with the scopes of those around it."""
    stack = [(body, [*around, body.scope])]
    while stack:
        part, scopes = stack.pop()
        for node in part.nodes:
            if node.body is None:
                yield node, scopes
            else:
                stack.append((node.body, [*scopes, node.body.scope]))


def _can_stack(node: Node, scopes: list[Context]) -> bool:
    """Whether a node of a simplified body has a form over a stack."""
    if node.op is None or node.attributes or node.op.laws.random:
        return False
    copies = math.prod(scope[-1][2] for scope in scopes)
    if any(copies * kind.elements > MOST_NUMBERS for kind in (*node.input_types, *node.outputs)):
        return False
    if node.slot is not None:
        return _has_stack(node) and node.slot.scopes == tuple(scopes)
    known = node.op in _SAME or node.op in _FOLDED or node.op in _SHIFTED or node.op is tensor.zeros
    return known or node.op.laws.pointwise


def _has_stack(node: Node) -> bool:
    """Whether a layer has a form over a stack: a convolution without bias has."""
    return node.op in _LAYERS and not (node.op is convolutions.conv2d and node.args[-1])


class _Stacking:
    def __init__(self, rewriter: Rewriter, node: Node, body: Graph):
        self.rewriter, self.node, self.body = rewriter, node, body
        self.copies = node.copies

    def run(self) -> Ports:
        """The outputs of all copies."""
        width = len(self.body.inputs)
        inputs = [self.stack(self.node.inputs[place::width]) for place in range(width)]
        made: list[Ports] = []
        for inner in self.body.nodes:
            given = tuple(inputs[output] if index < 0 else made[index][output] for index, output in inner.inputs)
            made.append(self.stacked(inner, given))
        found = []
        for index, output in self.body.outputs:
            port = inputs[output] if index < 0 else made[index][output]
            kind = self.body.type_of((index, output))
            found.append(self.rewriter.apply(ops.unstack, (0, str(kind)), (port,)))
        return tuple(ports[copy] for copy in range(self.copies) for ports in found)

    def stack(self, ports: Ports) -> Port:
        """One input of all copies."""
        return self.rewriter.apply(ops.stack, (0,), ports)[0]

    def stacked(self, node: Node, inputs: Ports) -> Ports:
        """What a node of the body becomes."""
        op = node.op
        assert op is not None
        if op in ops.STACKED:
            (joined,) = self.rewriter.apply(ops.join_copies, (0,), inputs)
            (result,) = self.layer(node, op, node.args, joined)
            return self.rewriter.apply(ops.part_copies, (self.copies, 0), (result,))
        if op in _LAYERS:
            args = (
                (*node.args, 1) if op is ops.conv2d_wide else node.args[:-1] if op is convolutions.conv2d else node.args
            )
            return self.layer(node, _LAYERS[op], args, inputs[0])
        if op is tensor.zeros:
            return self.rewriter.apply(op, (str(ops.stack_of(node.outputs[0], self.copies)),), inputs)
        if op is tensor.to_image:
            return self.rewriter.apply(ops.pixels, node.args, inputs)
        shifted = _SHIFTED.get(op)
        if shifted is not None and len(self.rewriter.type_of(inputs[0]).axes) < 10:
            return self.rewriter.apply(op, shifted(self.copies, *node.args), inputs)
        if self.is_the_same(node, inputs):
            return self.rewriter.apply(op, node.args, inputs)
        return self.rewriter.apply(ops.folded(op, node.args, node.input_types), (), inputs)

    def layer(self, node: Node, op: Primitive, args: tuple[object, ...], port: Port) -> Ports:
        """A layer over a stack, with the slot of one over one copy."""
        kind = self.rewriter.type_of(port)
        output = op.infer((kind,), args, {})
        assert isinstance(output, Type)
        return self.rewriter.make(
            replace(node, op=op, args=args, inputs=(port,), input_types=(kind,), outputs=(output,))
        )

    def is_the_same(self, node: Node, inputs: Ports) -> bool:
        """Whether an op may be applied to stacks as it is."""
        assert node.op is not None
        if node.op in _SAME:
            return True
        kinds = tuple(map(self.rewriter.type_of, inputs))
        wanted = ops.stack_of(node.outputs[0], self.copies)
        found = node.op.accept(kinds, node.args, {}) if node.op in POINTWISE else None
        return isinstance(found, Type) and found.sizes == wanted.sizes
