"""Graphs: the typed DAG of primitives that an architecture denotes.

Replicas stay folded: one node with a body and a count. Every node that owns parameters names its slot.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from einspec.ops.declare import Primitive
from einspec.types import Type

Step = tuple[str, int, int]
"""How a call differs from the plain first one: ``("call", n, k)`` is call k > 0 of node n, ``("use", n, k)``
call k of what is bound from the ``use`` at node n, ``("tied", n, 0)`` any call of the tied node n,
``("each", n, c)`` one of c copies of node n and ``("copy<c>of", n, i)`` the copy i of them."""

Context = tuple[Step, ...]

Copy = tuple[Context, int]
"""The scope of a body, and the index of the copy that stands in it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where weights live: the node of the derivation, by preorder number, and the calls that lead to it."""

    number: int
    name: str
    context: Context

    def local_name(self, scope: Context) -> str:
        """A Python name that is unique within a scope: op, number, and the calls below the scope."""
        inner = self.context[len(scope) :] if self.context[: len(scope)] == scope else self.context
        return self.name + "".join(f"_{kind}{number}_{k}" for kind, number, k in inner)

    @property
    def scopes(self) -> tuple[Context, ...]:
        """The scopes of the bodies in whose copies it is another one, outermost first."""
        return tuple(self.context[:depth] for depth, step in enumerate(self.context, start=1) if step[0] == "each")

    @property
    def copies(self) -> int:
        """How many sets of weights it stands for."""
        return math.prod(scope[-1][2] for scope in self.scopes)

    @property
    def path(self) -> str:
        """The name of the module that holds its weights: those of the bodies around it, then its own."""
        scopes = ((), *self.scopes)
        names = [copies_name(scope) for scope in scopes[1:]]
        return ".".join([*names, self.local_name(scopes[-1])])

    def in_copy(self, scope: Context, index: int) -> Slot:
        """The slot of one copy; a slot from outside the copies (tied there) stays as it is."""
        context = in_copy(self.context, scope, index)
        return self if context is self.context else Slot(self.number, self.name, context)

    def in_copies(self, copies: tuple[Copy, ...]) -> Slot:
        """The slot in one copy of each scope, outermost first."""
        slot = self
        for scope, index in reversed(copies):  # an inner scope holds the outer ones as they were
            slot = slot.in_copy(scope, index)
        return slot

    def __str__(self) -> str:
        return self.local_name(())


def copies_name(scope: Context) -> str:
    """The name of the module that holds the copies of a body, within the body around it."""
    outer = max((i for i, step in enumerate(scope[:-1]) if step[0] == "each"), default=-1)
    calls = "".join(f"_{kind}{number}_{k}" for kind, number, k in scope[outer + 1 : -1])
    return f"copies_{scope[-1][1]}{calls}"


def in_copy(context: Context, scope: Context, index: int) -> Context:
    """A context in one of the copies that a scope stands for; a context outside of the scope stays as it is."""
    depth = len(scope)
    if context[:depth] != scope:
        return context
    _, number, count = scope[-1]
    return (*context[: depth - 1], (f"copy{count}of", number, index), *context[depth:])


Port = tuple[int, int]
"""An output of a node: (index of the node, index of the output); node -1 stands for the graph's inputs."""

Ports = tuple[Port, ...]


@dataclass(slots=True, eq=False)
class Node:
    """One primitive with its resolved arguments, or ``copies`` of a body with weights of their own.

    A replica takes the inputs of copy 0, then of copy 1, ..., and gives its outputs in the same order. Nobody changes
    one; it is not frozen because that would make it eight times as slow to make, and lowering makes little else.
    """

    op: Primitive | None
    args: tuple[Any, ...]
    attributes: tuple[tuple[str, Any], ...]
    inputs: Ports
    input_types: tuple[Type, ...]
    outputs: tuple[Type, ...]
    slot: Slot | None = None
    body: Graph | None = None
    copies: int = 1

    def with_inputs(self, inputs: Ports) -> Node:
        """The node with other inputs of the same types."""
        if inputs == self.inputs:
            return self
        return Node(
            self.op, self.args, self.attributes, inputs, self.input_types, self.outputs, self.slot, self.body,
            self.copies,
        )  # fmt: skip

    def text(self) -> str:
        """The op with its arguments, or the count of copies."""
        return self.op.text(self.args) if self.op else f"{self.copies} copies"


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Nodes in topological order, the types of the inputs, the ports of the outputs.

    ``scope`` is the context of a body: it ends in the step ``("each", ...)`` that its copies replace.
    """

    inputs: tuple[Type, ...]
    nodes: tuple[Node, ...]
    outputs: Ports
    scope: Context = ()

    def module_names(self) -> list[str]:
        """For each node with weights or a body the name of its module, which says where it comes from; else ''.

        Nodes of one slot share a module. Bodies do not, also where they share all weights (tied copies). The modules of
        slots of the outside have their place in this graph too.
        """
        names: list[str] = []
        taken: Counter[str] = Counter()
        for node in self.nodes:
            if node.body is None:
                names.append(node.slot.local_name(self.scope) if node.slot is not None else "")
                continue
            name = copies_name(node.body.scope)
            taken[name] += 1
            names.append(name if taken[name] == 1 else f"{name}_again{taken[name] - 1}")
        return names

    @property
    def output_types(self) -> tuple[Type, ...]:
        """The types of the outputs."""
        return tuple(self.type_of(port) for port in self.outputs)

    def type_of(self, port: Port) -> Type:
        """The type at a port."""
        index, output = port
        return self.inputs[output] if index < 0 else self.nodes[index].outputs[output]

    def graphs(self) -> Iterator[tuple[Graph, int]]:
        """The graph and all bodies in it, outermost first, each with how often it runs."""
        stack = [(self, 1)]
        while stack:
            graph, times = stack.pop()
            yield graph, times
            stack += [(node.body, times * node.copies) for node in graph.nodes if node.body is not None]

    def __len__(self) -> int:
        """Nodes, bodies counted once."""
        return sum(sum(node.op is not None for node in graph.nodes) for graph, _ in self.graphs())

    @property
    def tied(self) -> frozenset[Slot]:
        """The slots that several nodes share, of the graph and of all bodies in it."""
        slots = Counter(node.slot for part, _ in self.graphs() for node in part.nodes if node.slot is not None)
        return frozenset(slot for slot, count in slots.items() if count > 1)

    @property
    def keeps_weights(self) -> bool:
        """Whether simplification can take away nothing that owns weights: all that is made is read, whole, and nothing
        is zeros or looks at nothing.
        """
        for part, _ in self.graphs():
            read = {port for node in part.nodes for port in node.inputs} | set(part.outputs)
            made = len(part.inputs) + sum(len(node.outputs) for node in part.nodes)
            if len(read) < made or any(node.op is not None and _may_lose(node, node.op) for node in part.nodes):
                return False
        return True

    @property
    def written_out(self) -> int:
        """Nodes if every copy were written out."""
        return sum(times * sum(node.op is not None for node in graph.nodes) for graph, times in self.graphs())

    def __repr__(self) -> str:
        return f"<graph of {len(self)} nodes>"


def is_blind(node: Node) -> bool:
    """Whether a node makes the same whatever it is given, since the axis that it acts along has one place."""
    laws = node.op.laws if node.op is not None else None
    return laws is not None and laws.blind_on_one and node.input_types[0].sizes[0 if laws.along == "first" else -1] == 1


def _may_lose(node: Node, op: Primitive) -> bool:
    return op.name in ("zeros", "narrow") or (op.laws.blind_on_one and is_blind(node))


def fits(given: Type, wanted: Type) -> bool:
    """Sizes and dtype agree: how an axis is composed does not matter to a tensor, and rewriting may change it."""
    return given.sizes == wanted.sizes and given.dtype == wanted.dtype


def all_fit(given: tuple[Type, ...], wanted: tuple[Type, ...]) -> bool:
    """As many types, each of which fits."""
    return len(given) == len(wanted) and all(map(fits, given, wanted))


def pruned(graph: Graph) -> Graph:
    """The graph without the nodes that no output needs."""
    needed = [False] * len(graph.nodes)
    stack = [index for index, _ in graph.outputs if index >= 0]
    while stack:
        index = stack.pop()
        if not needed[index]:
            needed[index] = True
            stack += [source for source, _ in graph.nodes[index].inputs if source >= 0]
    if all(needed):
        return graph
    new_index = {-1: -1}
    nodes: list[Node] = []
    for index, node in enumerate(graph.nodes):
        if needed[index]:
            new_index[index] = len(nodes)
            nodes.append(node.with_inputs(tuple((new_index[source], output) for source, output in node.inputs)))
    outputs = tuple((new_index[index], output) for index, output in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.scope)
