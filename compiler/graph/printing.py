"""Graphs as text; ``text`` beside this reads them back.

    graph (3, 32, 32) -> %2
      %0 = linear(64) %in : (3, 32, 64) [1:linear_1]
      %1 = 4 copies %0 %0 %0 %0 : 4 x (3, 32, 64)
      %2 = add %1 %1.1 %1.2 %1.3 : (3, 32, 64)
      body of %1 [each:4:4] (3, 32, 64) -> %0
        %0 = batch_norm %in : (3, 32, 64) [5:norm_5_batch_norm/each:4:4]

A port is ``%node`` or ``%node.output``; ``%in`` are the inputs. What stands in brackets after a node is its slot:
the number in the derivation, the name, and the calls that lead to it.
"""

from __future__ import annotations

import keyword
from typing import Any

from einspec.compiler.graph.graph import Context, Graph, Node, Port
from einspec.types import Type


def format_graph(graph: Graph) -> str:
    """The graph as text, bodies after the nodes of what holds them."""
    lines: list[str] = []
    stack: list[tuple[Graph, int, str]] = [(graph, 0, "graph")]
    while stack:
        part, depth, title = stack.pop()
        indent = "  " * depth
        lines.append(f"{indent}{title} {types_text(part.inputs)} -> {_ports_text(part.outputs)}".rstrip())
        lines += [f"{indent}  {_node_text(index, node)}" for index, node in enumerate(part.nodes)]
        bodies = [(index, node.body) for index, node in enumerate(part.nodes) if node.body is not None]
        stack += [
            (body, depth + 1, f"body of %{index} [{_context_text(body.scope)}]") for index, body in reversed(bodies)
        ]
    return "\n".join(lines)


def types_text(types: tuple[Type, ...]) -> str:
    """One type, or several; equal ones are counted: ``4 x (3, 8, 8)``."""
    if len(types) > 1 and all(kind is types[0] for kind in types):
        return f"{len(types)} x {types[0]}"
    return " and ".join(map(str, types))


def _node_text(index: int, node: Node) -> str:
    values = [_value_text(value) for value in node.args]
    values += [f"{name}={_value_text(value)}" for name, value in node.attributes]
    what = f"{node.copies} copies" if node.op is None else node.op.name + (f"({', '.join(values)})" if values else "")
    slot = f" [{node.slot.number}:{node.slot.name}{_calls_text(node.slot.context)}]" if node.slot else ""
    return f"%{index} = {what} {_ports_text(node.inputs)} : {types_text(node.outputs)}{slot}"


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        is_word = value.isidentifier() and value.isascii() and not keyword.iskeyword(value)
        return value if is_word else repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_value_text, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _ports_text(ports: tuple[Port, ...]) -> str:
    return " ".join(f"%{'in' if index < 0 else index}" + (f".{output}" if output else "") for index, output in ports)


def _context_text(context: Context) -> str:
    return "/".join(f"{kind}:{number}:{k}" for kind, number, k in context)


def _calls_text(context: Context) -> str:
    return f"/{_context_text(context)}" if context else ""
