"""Verifying a graph: every invariant that passes rely on, each failure with its node."""

from __future__ import annotations

from collections.abc import Iterator

from einspec.compiler.graph import Graph, Node, all_fit, fits
from einspec.errors import CompileError
from einspec.ops.declare import Primitive


def verify(graph: Graph) -> None:
    """Raises ``CompileError`` that names the node of every broken invariant.

    Ports lead to outputs of earlier nodes (no circle, nothing dangling); ops are primitives that accept their
    inputs and give what the node says; nodes own slots where their ops own weights; copies fit their body.
    """
    found = []
    stack = [(graph, "")]
    while stack:
        part, path = stack.pop()
        found += [f"{path}{message}" for message in _part_problems(part)]
        for index, node in enumerate(part.nodes):
            if node.body is not None:
                found += [f"{path}%{index}: {message}" for message in _copies_problems(node, node.body)]
                stack.append((node.body, f"{path}%{index} > "))
    if found:
        raise CompileError("\n".join(["this graph is broken:", *found]))


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


def _copies_problems(node: Node, body: Graph) -> Iterator[str]:
    if node.op is not None or node.slot is not None or node.copies < 2:
        yield "a node with a body is two copies or more, without an op or a slot"
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
