"""Tracing: a graph as a ``torch.fx.GraphModule``, with its bodies as modules of their own that run once per copy."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import fx, nn

from einspec.compiler.emit.code import make_readable
from einspec.compiler.emit.modules import Constant
from einspec.compiler.emit.weights import Weights, build
from einspec.compiler.graph.common import makes_common, takes_common
from einspec.compiler.graph.graph import Context, Graph, Node, Port, Ports, Slot
from einspec.errors import CompileError
from einspec.text import plural

FUNCTIONS = (
    nn.LeakyReLU, nn.ReLU, nn.Softmax, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d,
    nn.AvgPool3d,
)  # fmt: skip
"""Modules without weights that are written as the functions that they call."""


class Tracer:
    """Writes one graph. A body's code has one input more, ``copy``: which copy it is, counted over all bodies around
    it, whose ``scopes`` are given outermost first.
    """

    def __init__(self, graph: Graph, names: Sequence[str], weights: Weights, scopes: tuple[Context, ...] = ()):
        self.graph, self.weights, self.scopes = graph, weights, scopes
        self.root = nn.Module()
        self.trace = fx.Graph()
        self.appending = _Appending(self.trace, self.root)
        self.inputs = [self.placeholder(name) for name in names]
        self.copy: Any = self.placeholder("copy") if scopes else 0
        self.made: list[tuple[fx.Proxy, ...]] = []
        self.common: list[bool] = []
        """Whether what each node has made is the same for all examples, and has a batch axis of 1."""
        self.batch: Any = None

    def placeholder(self, name: str) -> fx.Proxy:
        """An input."""
        return fx.Proxy(self.trace.placeholder(name), self.appending)

    def call(self, name: str, module: nn.Module, arguments: Sequence[Any], value: str | None = None) -> fx.Proxy:
        """What a module makes of its inputs; it is put where its name, which may have dots, says."""
        *above, last = name.split(".")
        holder = self.root
        for step in above:
            if not hasattr(holder, step):
                holder.add_module(step, nn.Module())
            holder = getattr(holder, step)
        holder.add_module(last, module)
        nodes = tuple(argument.node if isinstance(argument, fx.Proxy) else argument for argument in arguments)
        return fx.Proxy(self.trace.create_node("call_module", name, nodes, name=value), self.appending)

    def run(self) -> list[fx.Proxy]:
        """The outputs of the graph."""
        for node, name in zip(self.graph.nodes, self.module_names(), strict=True):
            are_common = [self.is_common(port) for port in node.inputs]
            given = self.values(node.inputs, stretched=node.op is None or not takes_common(node.op, are_common))
            self.made.append(
                self.apply(node, name, given) if node.body is None else self.copies(node, node.body, name, given)
            )
            self.common.append(node.op is not None and makes_common(node.op, are_common))
        return self.values(self.graph.outputs, stretched=True)

    def is_common(self, port: Port) -> bool:
        """Whether what stands at a port is the same for all examples."""
        return port[0] >= 0 and self.common[port[0]]

    def values(self, ports: Ports, *, stretched: bool) -> list[fx.Proxy]:
        """What stands at ports; ``stretched``, for each example."""
        found = []
        for index, output in ports:
            value = self.inputs[output] if index < 0 else self.made[index][output]
            if stretched and self.is_common((index, output)):
                if self.batch is None:
                    self.batch = operator.getitem(self.inputs[0].shape, 0)
                value = value.expand(self.batch, *[-1] * self.graph.type_of((index, output)).rank)
            found.append(value)
        return found

    def module_names(self) -> Iterator[str]:
        """The name of the module of each node, counted where there are no weights to name it after."""
        unnamed: Counter[str] = Counter()
        for node, name in zip(self.graph.nodes, self.graph.module_names(), strict=True):
            if node.slot is not None and not self.scopes:
                yield node.slot.path
            elif name:
                yield name
            else:
                assert node.op is not None
                unnamed[node.op.name] += 1
                yield f"{node.op.name}_op{unnamed[node.op.name]}"

    def apply(self, node: Node, name: str, given: list[fx.Proxy]) -> tuple[fx.Proxy, ...]:
        """The outputs of an op."""
        if node.slot is not None:
            arguments: list[Any] = list(given)
            if self.scopes and node.slot.copies > 1:
                arguments.append(copy_index(node.slot, self.scopes, self.copy))
            return _ports(node, self.call(name, self.weights.of(node, node.slot), arguments))
        what = build(node)
        if isinstance(what, FUNCTIONS):
            what = what.forward
        if isinstance(what, nn.Module):
            return _ports(node, self.call(name, what, given))
        return _ports(node, _traced(what, given, node))

    def copies(self, node: Node, body: Graph, name: str, given: list[fx.Proxy]) -> tuple[fx.Proxy, ...]:
        """The outputs of copies of a body, one call for each."""
        names = [f"x{i}" if len(body.inputs) > 1 else "x" for i in range(len(body.inputs))]
        tracer = Tracer(body, names, self.weights, (*self.scopes, body.scope))
        has_one = len(body.outputs) == 1
        module = tracer.module(tracer.run(), "Body", is_tuple=not has_one)
        outputs: list[fx.Proxy] = []
        for place in range(node.copies):
            copy = self.copy * node.copies + place if self.scopes else place
            arguments = [*given[place * len(names) : (place + 1) * len(names)], copy]
            result = self.call(name, module, arguments, f"{name}_copy{place}")
            outputs += (
                [result] if has_one else [operator.getitem(result, output) for output in range(len(body.outputs))]
            )
        return tuple(outputs)

    def module(self, outputs: Sequence[fx.Proxy], name: str, *, is_tuple: bool = True) -> fx.GraphModule:
        """The module that returns these outputs, without what none of them needs."""
        found = tuple(value.node for value in outputs)
        self.trace.output(found if is_tuple else found[0])
        self.trace.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
        make_readable(self.trace)
        return fx.GraphModule(self.root, self.trace, name)


class _Appending(fx.proxy.GraphAppendingTracer):
    """Appends what functions do; tensors that they hold become constants of the module, which move with it."""

    def __init__(self, graph: fx.Graph, root: nn.Module):
        super().__init__(graph)
        self.root = root
        self.constants: dict[int, tuple[torch.Tensor, fx.Node]] = {}

    def create_arg(self, a: Any) -> Any:
        """As torch's own, but for tensors. Raises ``CompileError`` for weights, which an op has to declare."""
        if not isinstance(a, torch.Tensor):
            return super().create_arg(a)
        if a.requires_grad:
            raise CompileError("it holds weights: declare them with params=, and let torch= return an nn.Module")
        if id(a) not in self.constants:
            name = f"constant_{len(self.constants)}"
            self.root.add_module(name, Constant(a.detach()))
            self.constants[id(a)] = (a, self.graph.call_module(name))
        return self.constants[id(a)][1]


def _traced(function: Callable[..., Any], given: list[fx.Proxy], node: Node) -> Any:
    """The result of a function of tensors, which becomes part of the graph."""
    try:
        result = function(*given)
    except Exception as error:  # whatever a function of a user's does with what are no tensors yet
        raise CompileError(
            f"{node.text()} cannot be traced: {str(error) or type(error).__name__}; let torch= return an nn.Module, "
            "which is called as it is"
        ) from None
    if not isinstance(result, (fx.Proxy, tuple, list)):
        raise CompileError(f"{node.text()}: its function returned {result!r}: expected tensors")
    return tuple(result) if isinstance(result, list) else result


def _ports(node: Node, result: Any) -> tuple[fx.Proxy, ...]:
    """The values at the outputs of a node. A type rule may return a tuple even of one type."""
    assert node.op is not None
    is_single = not isinstance(node.op.infer(node.input_types, node.args, dict(node.attributes)), tuple)
    if is_single and not isinstance(result, tuple):
        return (result,)
    if isinstance(result, tuple):
        if is_single or len(result) != len(node.outputs):
            raise CompileError(
                f"{node.text()}: its function returned {plural(len(result), 'tensor')}, and its type rule says "
                f"{len(node.outputs)}"
            )
        return result
    return tuple(operator.getitem(result, index) for index in range(len(node.outputs)))


def copy_index(slot: Slot, scopes: tuple[Context, ...], copy: Any) -> Any:
    """Which copy of a slot stands in copy ``copy`` of the bodies around it, counted over all of their ``scopes``.

    Copies are counted as the digits of a number, the outermost body first; a slot of the outside knows fewer digits.
    """
    counts = [scope[-1][2] for scope in scopes]
    known = [slot.context[: len(scope)] == scope for scope in scopes]
    if all(known):
        return copy
    index = None
    for place in (place for place, is_known in enumerate(known) if is_known):
        below = math.prod(counts[place + 1 :])
        digit = copy // below if below > 1 else copy
        digit = digit % counts[place] if place else digit
        index = digit if index is None else index * counts[place] + digit
    return index
