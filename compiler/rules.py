"""The rules of simplification. Each follows from laws that ops declare, never from the name of an op.

Equal in exact arithmetic, for every input, in train and in eval mode; floating-point sums may be taken in
another order.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

from einspec.compiler.graph import Graph, Node, Port
from einspec.compiler.rewriting import Ports, Rewriter, Rule
from einspec.ops.declare import Laws, Primitive
from einspec.ops.opset import library_ops

MOST_TERMS = 4_096
"""Inputs of one node that nested ones are joined into; concatenations of themselves would double without end."""


def _laws(node: Node | None) -> Laws | None:
    return node.op.laws if node is not None and node.op is not None else None


@cache
def _primitive(name: str) -> Primitive:
    op = library_ops()[name]
    assert isinstance(op, Primitive)
    return op


def _is_zeros(rewriter: Rewriter, port: Port) -> bool:
    maker = rewriter.maker(port)
    return maker is not None and maker.op is _primitive("zeros")


def _zeros(rewriter: Rewriter, node: Node) -> Ports:
    """Zeros of a node's output types, hanging on the graph's first input, which only lends its batch."""
    return tuple(rewriter.apply(_primitive("zeros"), (str(kind),), ((-1, 0),))[0] for kind in node.outputs)


def _rehang_zeros(rewriter: Rewriter, node: Node) -> Ports | None:
    if node.op is not _primitive("zeros") or node.inputs == ((-1, 0),):
        return None
    return _zeros(rewriter, node)


def _absorb_zeros(rewriter: Rewriter, node: Node) -> Ports | None:
    laws = _laws(node)
    if laws is None or laws.zero != "zeros" or not any(_is_zeros(rewriter, port) for port in node.inputs):
        return None
    return _zeros(rewriter, node)


def _drop_identity(rewriter: Rewriter, node: Node) -> Ports | None:
    laws = _laws(node)
    if node.op is None or laws is None or laws.identity != "zeros" or len(node.inputs) < 2:
        return None
    kept = tuple(port for port in node.inputs if not _is_zeros(rewriter, port))
    if len(kept) == len(node.inputs):
        return None
    return rewriter.apply(node.op, node.args, kept or node.inputs[:1], node.attributes)


def _single_input(rewriter: Rewriter, node: Node) -> Ports | None:
    laws = _laws(node)
    return node.inputs if laws is not None and laws.associative and len(node.inputs) == 1 else None


def _terms(rewriter: Rewriter, node: Node) -> list[Port]:
    """The inputs of a node with nested ones of its op in their place, as far as ``MOST_TERMS`` allows."""
    terms: list[Port] = []
    for port in node.inputs:
        maker = rewriter.maker(port)
        is_nested = (
            maker is not None and maker.op is node.op and (maker.args, maker.attributes) == (node.args, node.attributes)
        )
        terms += maker.inputs if is_nested and maker is not None else [port]
    return terms


def _flatten(rewriter: Rewriter, node: Node) -> Ports | None:
    laws = _laws(node)
    if node.op is None or laws is None or not laws.associative:
        return None
    terms = _terms(rewriter, node)
    if len(terms) == len(node.inputs) or len(terms) > MOST_TERMS:
        return None
    return rewriter.apply(node.op, node.args, tuple(terms), node.attributes)


def _collect(rewriter: Rewriter, node: Node) -> Ports | None:
    laws = _laws(node)
    if node.op is None or laws is None or laws.multiple is None:
        return None
    multiple = _primitive(laws.multiple)
    counts: Counter[Port] = Counter()
    for port in node.inputs:
        maker = rewriter.maker(port)
        if maker is not None and maker.op is multiple:
            counts[maker.inputs[0]] += maker.args[0]
        else:
            counts[port] += 1
    if len(counts) == len(node.inputs):
        return None
    terms = tuple(
        port if count == 1 else rewriter.apply(multiple, (count,), (port,))[0] for port, count in counts.items()
    )
    return rewriter.apply(node.op, node.args, terms, node.attributes)


def _multiply_out(rewriter: Rewriter, node: Node) -> Ports | None:
    """A multiple of a multiple is one; a multiple of a sum is the sum of multiples."""
    if node.op is None or node.op is not _primitive("times"):
        return None
    (port,), (count,) = node.inputs, node.args
    if count == 1:
        return (port,)
    maker = rewriter.maker(port)
    if maker is None or maker.op is None:
        return None
    if maker.op is node.op:
        return rewriter.apply(node.op, (count * maker.args[0],), maker.inputs)
    if maker.op.laws.multiple == node.op.name:
        terms = tuple(rewriter.apply(node.op, (count,), (term,))[0] for term in maker.inputs)
        return rewriter.apply(maker.op, maker.args, terms, maker.attributes)
    return None


def _compose_permutations(rewriter: Rewriter, node: Node) -> Ports | None:
    laws = _laws(node)
    if node.op is None or laws is None or not laws.permutes:
        return None
    order: str = node.args[0]
    if list(order) == sorted(order):
        return node.inputs
    maker = rewriter.maker(node.inputs[0])
    if maker is None or maker.op is not node.op:
        return None
    inner: str = maker.args[0]
    return rewriter.apply(node.op, ("".join(inner[int(digit) - 1] for digit in order),), maker.inputs)


def _lift_permutation(rewriter: Rewriter, node: Node) -> Ports | None:
    """Through a whole chain of pointwise ops at once, and each op of it once: chains may be long."""
    laws = _laws(node)
    if node.op is None or laws is None or not laws.permutes or not _lets_permutations_pass(rewriter, node.inputs[0]):
        return None
    lifted = rewriter.lifted
    stack = [node.inputs[0]]
    while stack:
        port = stack[-1]
        key = (node.op.name, node.args, port)
        maker = rewriter.maker(port)
        if key in lifted:
            stack.pop()
        elif maker is None or maker.op is None or not _lets_permutations_pass(rewriter, port):
            (lifted[key],) = rewriter.apply(node.op, node.args, (port,), node.attributes)
        else:
            below = [(node.op.name, node.args, source) for source in maker.inputs]
            waiting = [source for source, name in zip(maker.inputs, below, strict=True) if name not in lifted]
            if waiting:
                stack += reversed(waiting)
            else:
                inputs = tuple(lifted[name] for name in below)
                (lifted[key],) = rewriter.apply(maker.op, maker.args, inputs, maker.attributes)
    return (lifted[(node.op.name, node.args, node.inputs[0])],)


def _lets_permutations_pass(rewriter: Rewriter, port: Port) -> bool:
    maker = rewriter.maker(port)
    laws = _laws(maker)
    return maker is not None and laws is not None and laws.pointwise and maker.slot is None and not laws.random


def _join_parts(rewriter: Rewriter, node: Node) -> Ports | None:
    """Runs of all the parts of one split, in order, become what was split."""
    laws = _laws(node)
    if node.op is None or laws is None or not laws.concatenates:
        return None
    terms: list[Port] = []
    index = 0
    while index < len(node.inputs):
        port = node.inputs[index]
        maker = rewriter.maker(port)
        below = _laws(maker)
        if maker is not None and below is not None and below.splits and maker.args[1] == node.args[0]:
            run = node.inputs[index : index + len(maker.outputs)]
            if run == tuple((port[0], output) for output in range(len(maker.outputs))):
                terms.append(maker.inputs[0])
                index += len(run)
                continue
        terms.append(port)
        index += 1
    if len(terms) == len(node.inputs):
        return None
    return rewriter.apply(node.op, node.args, tuple(terms), node.attributes)


def _split_joined(rewriter: Rewriter, node: Node) -> Ports | None:
    """A split whose borders are borders of the concatenation below it gives runs of its inputs."""
    laws = _laws(node)
    if node.op is None or laws is None or not laws.splits:
        return None
    maker = rewriter.maker(node.inputs[0])
    below = _laws(maker)
    if maker is None or maker.op is None or below is None or not below.concatenates or maker.args[0] != node.args[1]:
        return None
    axis = node.args[1] - 1
    width = node.outputs[0].axes[axis].size
    runs: list[list[Port]] = [[]]
    filled = 0
    for port in maker.inputs:
        size = rewriter.type_of(port).axes[axis].size
        if filled == width:
            runs.append([])
            filled = 0
        filled += size
        if filled > width:
            return None
        runs[-1].append(port)
    return tuple(rewriter.apply(maker.op, maker.args, tuple(run), maker.attributes)[0] for run in runs)


def _one_copy(rewriter: Rewriter, node: Node) -> Ports | None:
    """Copies of a body without weights that all get the same inputs are one run of the body."""
    body = node.body
    if body is None:
        return None
    width = len(body.inputs)
    given = node.inputs[:width]
    if node.inputs != given * node.copies or not _is_function(body):
        return None
    made: list[Ports] = []
    for inner in body.nodes:
        inputs = tuple(given[output] if index < 0 else made[index][output] for index, output in inner.inputs)
        made.append(
            rewriter.make(
                Node(inner.op, inner.args, inner.attributes, inputs, inner.input_types, inner.outputs, None,
                     inner.body, inner.copies)
            )
        )  # fmt: skip
    outputs = tuple(given[output] if index < 0 else made[index][output] for index, output in body.outputs)
    return outputs * node.copies


def _is_function(body: Graph) -> bool:
    """Whether two runs of a body on one input agree: no weights of its own, no state, no chance."""
    return not any(
        node.op is not None and (node.slot is not None or node.op.laws.random)
        for part, _ in body.graphs()
        for node in part.nodes
    )


RULES: tuple[Rule, ...] = (
    Rule("rehang zeros", "zeros(x) = zeros(in)", "only the batch of x is read", _rehang_zeros),
    Rule("absorb zeros", "f(.., 0, ..) = 0", "0 is the zero of f", _absorb_zeros),
    Rule("drop zeros", "f(.., 0, ..) = f(.., ..)", "0 is the identity of f", _drop_identity),
    Rule("single input", "f(x) = x", "f is associative", _single_input),
    Rule("flatten", "f(.., f(a, b), ..) = f(.., a, b, ..)", "f is associative, the arguments agree", _flatten),
    Rule("collect", "f(x, x, y) = f(2 x, y)", "f is commutative and has a multiple", _collect),
    Rule("multiply out", "n (m x) = nm x,  n f(a, b) = f(n a, n b)", "n is the multiple of f", _multiply_out),
    Rule("compose permutations", "P(Q(x)) = (P Q)(x),  1(x) = x", "P and Q permute axes", _compose_permutations),
    Rule("lift permutation", "P(f(x, y)) = f(P(x), P(y))", "f is pointwise and has no weights", _lift_permutation),
    Rule("join parts", "cat(split(x)) = x", "all parts, in order, along one axis", _join_parts),
    Rule("split joined", "split(cat(a, b)) = a, b", "the borders agree, along one axis", _split_joined),
    Rule("one copy", "each(f, x, x) = f(x), f(x)", "f has no weights, state or chance", _one_copy),
)
"""All rules; ``merge equal`` (f(x), f(x) = one node, where f has no weights, state or chance), the loss of
nodes that nothing needs, and the absence of nodes for identities, clones and sequences need none."""
