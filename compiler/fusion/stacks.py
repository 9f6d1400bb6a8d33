"""Rules of stacks: what is stacked and taken apart again, split, summed or joined as a whole moves nothing."""

from __future__ import annotations

from collections import Counter

from einspec.compiler.fusion import ops
from einspec.compiler.graph.graph import Node, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import POINTWISE, called, made_by, of
from einspec.ops.library import merge, tensor


def stack(rewriter: Rewriter, node: Node) -> Ports | None:
    """A stack of one tensor, of the parts of one, or of the copies of one."""
    ports, (at,) = node.inputs, node.args
    if len(set(ports)) == 1:
        return rewriter.apply(ops.spread, (len(ports), at), ports[:1])
    index = ports[0][0]
    maker = rewriter.maker(ports[0])
    if maker is None or ports != tuple((index, output) for output in range(len(maker.outputs))):
        return None
    if maker.op is tensor.group:
        copies, axis = maker.args
        return rewriter.apply(ops.split_stack, (axis - 1, copies, at), maker.inputs)
    return maker.inputs if maker.op is ops.unstack and maker.args[0] == at else None


def join(rewriter: Rewriter, node: Node) -> Ports | None:
    """Copies of copies: of what was counted through, or the same for all."""
    (at,) = node.args
    parts = made_by(rewriter, node.inputs[0], ops.part_copies)
    if parts is not None and parts.args[1] == at:
        return parts.inputs
    inner = made_by(rewriter, node.inputs[0], ops.spread)
    outer = made_by(rewriter, inner.inputs[0], ops.spread) if inner is not None else None
    if inner is not None and outer is not None and (inner.args[1], outer.args[1]) == (at + 1, at):
        return rewriter.apply(ops.spread, (inner.args[0] * outer.args[0], at), outer.inputs)
    return None


def sum_stacks(rewriter: Rewriter, node: Node) -> Ports | None:
    """Terms that are all copies of a stack are its sum."""
    terms = list(node.inputs)
    sums: Ports = ()
    for index, copies in _stacks(rewriter, node):
        maker = rewriter.nodes[index]
        if not copies - Counter(terms):
            terms = list((Counter(terms) - copies).elements())
            sums += rewriter.apply(ops.sum_stack, (maker.args[0], str(node.outputs[0])), maker.inputs)
    if not sums:
        return None
    ports = (*sums, *terms)
    return ports if len(ports) == 1 else rewriter.apply(merge.add, (), ports)


def _stacks(rewriter: Rewriter, node: Node) -> list[tuple[int, Counter[tuple[int, int]]]]:
    """The stacks that terms are copies of: by what takes them apart, with all of its outputs."""
    found = []
    for index in dict.fromkeys(index for index, _ in node.inputs if index >= 0):
        maker = rewriter.nodes[index]
        if maker.op is ops.unstack:
            found.append((index, Counter((index, output) for output in range(len(maker.outputs)))))
    return found


def join_stacks(rewriter: Rewriter, node: Node) -> Ports | None:
    """Parts that are all copies of a stack, in order, are the stack joined along an axis."""
    parts: list[tuple[int, int]] = []
    place, axis = 0, node.args[0]
    has_joined = False
    while place < len(node.inputs):
        index, output = node.inputs[place]
        maker = rewriter.maker(node.inputs[place])
        count = len(maker.outputs) if maker is not None else 0
        whole = tuple((index, copy) for copy in range(count))
        if maker is not None and maker.op is ops.unstack and node.inputs[place : place + count] == whole:
            kind = merge.cat.infer(maker.outputs, (axis,), {})
            parts += rewriter.apply(ops.join_stack, (maker.args[0], axis - 1, str(kind)), maker.inputs)
            place += count
            has_joined = True
        else:
            parts.append((index, output))
            place += 1
    if not has_joined:
        return None
    return tuple(parts) if len(parts) == 1 else rewriter.apply(merge.cat, (axis,), tuple(parts))


def join_split(rewriter: Rewriter, node: Node) -> Ports | None:
    maker = made_by(rewriter, node.inputs[0], ops.split_stack)
    at, axis, _ = node.args
    return maker.inputs if maker is not None and (maker.args[0], maker.args[2]) == (axis, at) else None


def lift_split(rewriter: Rewriter, node: Node) -> Ports | None:
    """What looks at one place at a time may do so before the split."""
    assert node.op is not None
    makers = [maker for port in node.inputs if (maker := made_by(rewriter, port, ops.split_stack))]
    if len(makers) < len(node.inputs) or any(maker.args != makers[0].args for maker in makers):
        return None
    whole = tuple(maker.inputs[0] for maker in makers)
    kinds = tuple(map(rewriter.type_of, whole))
    if any(kind is not kinds[0] for kind in kinds) or node.op.accept(kinds, node.args, {}) is not kinds[0]:
        return None
    return rewriter.apply(ops.split_stack, makers[0].args, rewriter.apply(node.op, node.args, whole))


RULES = (
    Rule(
        "stack of one",
        "stack(x, x) = spread(x),  stack(split(x)) = split_stack(x),  stack(unstack(x)) = x",
        "all parts, in order",
        of(ops.stack),
        stack,
    ),
    Rule(
        "join of parts",
        "join_copies(part_copies(x)) = x,  join_copies(spread(spread(x))) = spread(x)",
        "",
        of(ops.join_copies),
        join,
    ),
    Rule("sum of a stack", "add(unstack(x), y) = add(sum_stack(x), y)", "all copies", called("add"), sum_stacks),
    Rule("join of a stack", "cat(unstack(x)) = join_stack(x)", "all copies, in order", called("cat"), join_stacks),
    Rule("join of a split", "join_stack(split_stack(x)) = x", "along one axis", of(ops.join_stack), join_split),
    Rule(
        "lift split",
        "f(split_stack(x)) = split_stack(f(x))",
        "f is pointwise and one of the library",
        lambda op: op in POINTWISE,
        lift_split,
    ),
)
