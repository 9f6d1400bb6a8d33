"""Lowering: an architecture's combinators run over values of a graph. Sequences are flat, identities and
clones have no node, replicas stay folded, and what no output needs is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from einspec.compiler.graph.frames import Attributes, Evaluator, FlowingValue, Handle, Values
from einspec.compiler.graph.graph import Graph, Node, Port, Slot, pruned
from einspec.errors import CompileError, ShapeError
from einspec.ops.declare import Primitive
from einspec.ops.expressions.bounds import within_bounds
from einspec.recursion import deep
from einspec.types import Type

if TYPE_CHECKING:
    from einspec.space.deriving.derivation import Derivation

MOST_NODES = 500_000
"""Nodes of a graph with its replicas folded; a combinator that loops in Python is written out, up to here."""


class Denoting(Protocol):
    """What denotes a graph: a derivation at some inputs."""

    @property
    def derivation(self) -> Derivation:
        """The derivation."""

    @property
    def inputs(self) -> tuple[Type, ...]:
        """The input types."""


def lower(arch: Denoting) -> Graph:
    """The graph of an architecture.

    Raises ``CompileError`` past ``MOST_NODES``, ``ShapeError`` for tied calls that would need different weights.
    """
    return deep(arch.derivation.depth, lambda: within_bounds(lambda: Lowering().graph(arch)))


def lower_subtree(node: Derivation, inputs: tuple[Type, ...]) -> Graph:
    """The graph of a derivation at some inputs, with all that it makes, read or not.

    The derivation must read no attributes and call nothing that is bound around it.
    """
    lowering = Lowering(prunes=False)
    return deep(node.depth, lambda: within_bounds(lambda: lowering.derived(node, inputs)[0]))


def owners(graph: Graph) -> list[tuple[int, object, int]] | None:
    """The nodes with weights of a graph that is not pruned: which node of the derivation each belongs to, its op,
    arguments and input types, and in how many copies. None where simplification could take some of them away.
    """
    if not graph.keeps_weights:
        return None
    return [
        (node.slot.number, (node.op, node.args, node.attributes, node.input_types), times)
        for part, times in graph.graphs()
        for node in part.nodes
        if node.slot is not None
    ]


class GraphValue(FlowingValue):
    """A port of the graph that is being made."""

    __slots__ = ("port",)

    def __init__(self, evaluator: Evaluator, type: Type, port: Port):
        self.evaluator, self.type, self.port = evaluator, type, port


class Lowering(Evaluator):
    """Collects nodes as primitives are applied."""

    def __init__(self, *, prunes: bool = True) -> None:
        super().__init__()
        self.pruned = pruned if prunes else _as_it_is
        self.nodes: list[Node] = []
        self.total = 0
        self.owners: dict[Slot, Any] = {}
        self.named: dict[str, Primitive] = {}

    def graph(self, arch: Denoting) -> Graph:
        """The graph of an architecture, pruned."""
        return self.derived(arch.derivation, arch.inputs)[0]

    def derived(self, node: Derivation, inputs: tuple[Type, ...]) -> tuple[Graph, Any]:
        """The graph of a derivation at some inputs, and the values at its outputs."""
        values = tuple(GraphValue(self, kind, (-1, i)) for i, kind in enumerate(inputs))
        result = self.run(node, values)
        ports = tuple(value.port for value in _as_tuple(result) if isinstance(value, GraphValue))
        return self.pruned(Graph(inputs, tuple(self.nodes), ports)), result

    def emit(self, op: Primitive, inputs: Values, args: Values, attributes: Attributes, slot: Slot | None) -> Any:
        kinds = tuple([value.type for value in inputs])
        if self.named.setdefault(op.name, op) is not op:
            raise CompileError(
                f"two primitives are called {op.name}, of {self.named[op.name].__module__} and of {op.__module__}: "
                "nodes are told apart by the names of their ops; give one of them another, with name=..."
            )
        pairs = tuple(sorted(attributes.items())) if attributes else ()
        outputs = op.infer(kinds, args, attributes) if pairs else op.known(kinds, args)
        if slot is not None:
            self._own(op, kinds, args, attributes, slot)
        types = outputs if isinstance(outputs, tuple) else (outputs,)
        index = self._add(Node(op, args, pairs, tuple([value.port for value in inputs]), kinds, types, slot))
        if isinstance(outputs, tuple):
            return tuple([GraphValue(self, kind, (index, i)) for i, kind in enumerate(types)])
        return GraphValue(self, outputs, (index, 0))

    def copies(self, handle: Handle, parts: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        kinds = tuple(value.type for value in parts[0])
        scope, context = handle.next_copies(len(parts))
        outer, self.nodes = self.nodes, []
        inputs = tuple(GraphValue(self, kind, (-1, i)) for i, kind in enumerate(kinds))
        result = handle.enter(inputs, handle.environment, context)
        outputs = _as_tuple(result)
        if not all(isinstance(value, GraphValue) for value in outputs):
            self.nodes = outer  # numbers among them: one call after the other
            return tuple(handle(*part) for part in parts)
        body = self.pruned(Graph(kinds, tuple(self.nodes), tuple(value.port for value in outputs), scope))
        self.nodes = outer
        found = self._copied(body, parts)
        return found if isinstance(result, tuple) else tuple(value for (value,) in found)

    def _copied(self, body: Graph, parts: list[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
        """The outputs of each copy: those of a replica node, or the inputs themselves where the body is a wire."""
        if not body.nodes:
            return tuple(tuple(part[output] for _, output in body.outputs) for part in parts)
        ports = tuple(value.port for part in parts for value in part)
        kinds = tuple(value.type for part in parts for value in part)
        types = body.output_types * len(parts)
        index = self._add(Node(None, (), (), ports, kinds, types, None, body, len(parts)))
        values = [GraphValue(self, kind, (index, i)) for i, kind in enumerate(types)]
        width = len(body.outputs)
        return tuple(tuple(values[start : start + width]) for start in range(0, len(values), width))

    def _add(self, node: Node) -> int:
        self.total += 1
        if self.total > MOST_NODES:
            raise CompileError(
                f"the graph has more than {MOST_NODES:,} nodes: a combinator that calls children in a loop is "
                "written out; use each(child, values), which keeps copies folded"
            )
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _own(
        self, op: Primitive, kinds: tuple[Type, ...], args: tuple[Any, ...], attributes: dict[str, Any], slot: Slot
    ) -> None:
        use = (op, kinds, args, attributes)
        known = self.owners.setdefault(slot, use)
        if known is use or known == use:
            return
        old, new = _needs(*known), _needs(*use)
        if old != new:
            both = f"{_needs_text(old[2])}, and {_needs_text(new[2])}"
            error = ShapeError(f"{op.text(args)} is tied, and its calls need different weights: {both}")
            error.names_types = True
            raise error


def _needs(op: Primitive, kinds: tuple[Type, ...], args: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """What calls must agree in to share weights."""
    shapes = op.shapes(kinds, args, attributes)
    # Where a declaration gives a number only, sharing is safe at one type alone.
    wanted: Any = kinds if isinstance(shapes, int) else sorted(shapes.items())
    if op.laws.has_buffers and not isinstance(shapes, int):
        wanted = [*wanted, ("of rank", kinds[0].rank)]  # torch's batch norm is another module at each rank
    return op.name, (args, sorted(attributes.items())), wanted


def _as_it_is(graph: Graph) -> Graph:
    return graph


def _needs_text(needed: Any) -> str:
    """Shapes by name, or the input types."""
    return (
        ", ".join(f"{name} {shape}" for name, shape in needed)
        if isinstance(needed, list)
        else (f"those for {' and '.join(map(str, needed))}")
    )


def _as_tuple(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)
