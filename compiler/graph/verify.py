"""Verifying a graph: every invariant that passes rely on, each failure with its node."""

from __future__ import annotations

from collections.abc import Iterator

from einspec.compiler.fusion.ops import OF_COPIES
from einspec.compiler.graph.graph import Context, Graph, Node, Slot, all_fit, fits
from einspec.errors import CompileError
from einspec.ops.declare import Primitive

MOST_DEPTH = 200
"""Bodies in bodies: each level doubles what a graph stands for at least."""


def verify(graph: Graph) -> None:
    """Raises ``CompileError`` that names the node of every broken invariant.

    Ports lead to outputs of earlier nodes (no circle, nothing dangling); ops are primitives that accept their
    inputs and give what the node says; nodes own slots where their ops own weights, and share one where they are one
    op with one set of weights; copies fit their body.
    """
    found = []
    owners: dict[Slot, _Owner] = {}
    stack: list[tuple[Graph, str, tuple[Context, ...]]] = [(graph, "", _scopes_around(graph))]
    while stack:
        part, path, scopes = stack.pop()
        found += [f"{path}{message}" for message in _part_problems(part)]
        for index, node in enumerate(part.nodes):
            place = f"{path}%{index}"
            found += [f"{place}: {message}" for message in _slot_problems(node, place, scopes, owners)]
            if node.body is None:
                continue
            found += [f"{place}: {message}" for message in _copies_problems(node, node.body)]
            if len(scopes) < MOST_DEPTH:
                stack.append((node.body, f"{place} > ", (*scopes, node.body.scope)))
            else:
                found.append(f"{place}: bodies are nested more than {MOST_DEPTH} deep")
    if found:
        raise CompileError("\n".join(["this graph is broken:", *found]))


def _scopes_around(graph: Graph) -> tuple[Context, ...]:
    """The scopes that a graph stands in: none, unless it is a body that is looked at alone."""
    return tuple(graph.scope[:depth] for depth in range(1, len(graph.scope) + 1))


def _part_problems(graph: Graph) -> Iterator[str]:
    for index, node in enumerate(graph.nodes):
        for place, (source, output) in enumerate(node.inputs):
            if source >= index:
                yield f"%{index}: input {place} comes from %{source}, which is not above it: a circle, or out of order"
            elif not _is_there(graph, source, output):
                yield f"%{index}: input {place} comes from %{source}.{output}, which does not exist"
            elif place < len(node.input_types):
                given = graph.type_of((source, output))
                if not fits(given, node.input_types[place]):
                    yield f"%{index}: input {place} has type {given}, and the node says {node.input_types[place]}"
        if len(node.inputs) != len(node.input_types):
            yield f"%{index}: {len(node.inputs)} inputs and {len(node.input_types)} types of inputs"
        if not node.inputs:
            yield f"%{index}: {node.text()} reads nothing"
        yield from (f"%{index}: {message}" for message in _op_problems(node))
    for place, (source, output) in enumerate(graph.outputs):
        if source >= len(graph.nodes) or not _is_there(graph, source, output):
            yield f"output {place} comes from %{source}.{output}, which does not exist"


def _is_there(graph: Graph, source: int, output: int) -> bool:
    count = len(graph.inputs) if source < 0 else len(graph.nodes[source].outputs)
    return source >= -1 and 0 <= output < count


def _op_problems(node: Node) -> Iterator[str]:
    if node.body is not None or not node.inputs:
        return
    if not isinstance(node.op, Primitive):
        yield f"{node.op!r} is no primitive, and the node has no body"
        return
    if (node.slot is not None) != node.op.has_slot:
        yield f"{node.text()} {'needs' if node.op.has_slot else 'has no weights, but'} a slot"
    try:
        outputs = node.op.infer(node.input_types, node.args, dict(node.attributes))
    except Exception as error:  # a type rule was never asked about such arguments
        yield str(error)
        return
    types = outputs if isinstance(outputs, tuple) else (outputs,)
    if not all_fit(types, node.outputs):
        shown = [" and ".join(map(str, kinds)) for kinds in (types, node.outputs)]
        yield f"the type rule of {node.text()} gives {shown[0]}, and the node says {shown[1]}"


_Owner = tuple[str, str, tuple[object, ...]]
"""The first node of a slot: its place, its text, and what it needs."""


def _slot_problems(node: Node, place: str, scopes: tuple[Context, ...], owners: dict[Slot, _Owner]) -> Iterator[str]:
    slot = node.slot
    if slot is None or not isinstance(node.op, Primitive) or not node.op.has_slot:
        return
    for depth, (kind, number, count) in enumerate(slot.context, start=1):
        if kind == "each" and slot.context[:depth] not in scopes and node.op not in OF_COPIES:
            yield f"the slot {slot} is in {count} copies of {number}, and no body around it has their scope"
    try:
        needs = _needs(node, node.op)
    except Exception:  # arguments that are not the op's: its type rule refuses them too
        return
    first, text, known = owners.setdefault(slot, (place, node.text(), needs))
    if known != needs:
        yield f"{node.text()} has the slot of {first}, {text}: nodes of one slot have one op, arguments and weights"


def _needs(node: Node, op: Primitive) -> tuple[object, ...]:
    """What nodes of one slot have in common: they are one module."""
    shapes = op.shapes(node.input_types, node.args, dict(node.attributes))
    # Where a declaration gives a number only, sharing is safe at one type alone.
    wanted: object = (
        [(kind.sizes, kind.dtype) for kind in node.input_types]
        if isinstance(shapes, int)
        else sorted((name, tuple(shape)) for name, shape in shapes.items())
    )
    rank = node.input_types[0].rank if op.laws.has_buffers else 0  # torch's batch norm is another module at each rank
    return op, repr(node.args), repr(node.attributes), wanted, rank


def _copies_problems(node: Node, body: Graph) -> Iterator[str]:
    if node.op is not None or node.slot is not None or node.copies < 2:
        yield "a node with a body is two copies or more, without an op or a slot"
    if not body.nodes or not body.outputs:
        yield f"its body has no {'outputs' if body.nodes else 'nodes'}, so there is nothing to copy"
    whole = all(-1 <= source < len(body.nodes) and _is_there(body, source, output) for source, output in body.outputs)
    given_back = body.output_types * node.copies if whole else node.outputs  # what is missing is named in the body
    for what, given, wanted in (
        ("inputs", node.input_types, body.inputs * node.copies),
        ("outputs", node.outputs, given_back),
    ):
        if not all_fit(given, wanted):
            yield f"{what} {', '.join(map(str, given))} are not {node.copies} times those of the body"
    if not body.scope or body.scope[-1][0] != "each" or body.scope[-1][2] != node.copies:
        yield f"the scope of its body does not end in a step of {node.copies} copies"
