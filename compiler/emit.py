"""Emitting: a graph as a ``torch.fx.GraphModule``. This is where torch comes in."""

from __future__ import annotations

import hashlib
import keyword
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from einspec.compiler.graph import Copy, Graph, Node, Slot
from einspec.compiler.modules import Copies, MeanHead
from einspec.compiler.sharing import shared
from einspec.errors import CompileError, EinspecError
from einspec.ops.declare import Primitive
from einspec.space.architecture import Architecture
from einspec.types import Type

MOST_CALLS = 1_000_000
"""Primitives that one forward pass may run; replicas of replicas soon ask for billions."""

Head = int | Callable[[Type], nn.Module] | None


def compile(arch: Architecture, head: Head = None, *, fuse: bool = True, seed: int = 0) -> fx.GraphModule:
    """The torch module of an architecture: (batch, *input sizes) -> (batch, *output sizes), or with a head its scores.

    ``head`` is None, a number of classes (the mean over every axis but the channel, then a linear layer), or
    a function that makes a module from the output type. Weights are drawn from torch's default of each op,
    from ``seed`` and the place of each in the derivation, and leave torch's own generator as it was. ``fuse``
    allows kernels that are faster and equal; the module of today has the graph's own primitives either way.
    Raises ``CompileError`` for an op without a torch realisation, and for what no machine could run.
    """
    if not isinstance(arch, Architecture):
        raise TypeError(f"expected an architecture, as space.parse or space.sample gives, not {type(arch).__name__}")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"seed={seed!r}: expected a whole number")
    _check_head(arch, head)
    if arch.graph.written_out > MOST_CALLS:
        raise CompileError(
            f"one forward pass would run {arch.graph.written_out:,} primitives, and the limit is {MOST_CALLS:,}: "
            "replicas of replicas multiply; sample with max_macs or max_params, or fewer nodes"
        )
    with torch.random.fork_rng(devices=[]):
        model = _Emitter(seed).module(
            shared(arch.graph), (), _identifiers(arch.space.input_types), head, is_tuple=isinstance(arch.output, tuple)
        )
    model.meta["architecture"] = arch  # a deep copy keeps meta, a pickle keeps what is in __dict__
    model.__dict__["architecture"] = arch
    return model


def _check_head(arch: Architecture, head: Head) -> None:
    if head is None:
        return
    if isinstance(arch.output, tuple):
        raise CompileError(
            f"a head takes one output, and this architecture gives the tuple ({', '.join(map(str, arch.output))}): "
            "compile it without"
        )
    if arch.output.dtype != "float":
        raise CompileError(f"a head computes with floats, and the output is {arch.output}: compile it without")
    if isinstance(head, bool) or not (isinstance(head, int) or callable(head)):
        raise TypeError(f"head={head!r}: expected None, a number of classes, or a function from the output type")
    if isinstance(head, int) and head < 1:
        raise ValueError(f"head={head}: expected at least one class")


class _Emitter:
    def __init__(self, seed: int):
        self.seed = seed
        self.owned: dict[Slot, nn.Module] = {}

    def module(
        self, graph: Graph, copies: tuple[Copy, ...], names: list[str], head: Head = None, *, is_tuple: bool = True
    ) -> fx.GraphModule:
        """A graph as a module. ``copies`` says which copy of each body around it this is."""
        root = nn.Module()
        trace = fx.Graph()
        tracer = fx.proxy.GraphAppendingTracer(trace)
        inputs = [fx.Proxy(trace.placeholder(name), tracer) for name in names]
        values: list[tuple[fx.Proxy, ...]] = []
        unnamed: Counter[str] = Counter()
        for node, name in zip(graph.nodes, graph.module_names(), strict=True):
            given = [inputs[output] if index < 0 else values[index][output] for index, output in node.inputs]
            what = self.realised(node, copies)
            if isinstance(what, nn.Module):
                if not name:  # without weights: counted
                    assert node.op is not None
                    unnamed[node.op.name] += 1
                    name = f"{node.op.name}_op{unnamed[node.op.name]}"
                root.add_module(name, what)
                result = fx.Proxy(trace.call_module(name, tuple(value.node for value in given)), tracer)
            else:
                result = _trace(what, given, node)
            values.append(_ports(node, result))
        outputs = [inputs[output] if index < 0 else values[index][output] for index, output in graph.outputs]
        if head is not None:
            root.add_module("head", self.head(head, graph.output_types[0]))
            outputs = [fx.Proxy(trace.call_module("head", (outputs[0].node,)), tracer)]
        found = tuple(value.node for value in outputs)
        trace.output(found if is_tuple else found[0])
        module = fx.GraphModule(root, trace, "Architecture" if not copies else "Body")
        if module.graph.eliminate_dead_code():
            module.recompile()
        return module

    def realised(self, node: Node, copies: tuple[Copy, ...]) -> Any:
        """The module or function that computes a node."""
        if node.body is not None:
            return self.copies(node, node.body, copies)
        assert node.op is not None
        if node.op.torch is None:
            raise CompileError(
                f"the op {node.op.name} has no torch realisation: declare it with @primitive(torch=...), a function of "
                "its input types and arguments that returns a module or a function of tensors"
            )
        if node.slot is None:
            return _build(node)
        slot = node.slot.in_copies(copies)
        if slot not in self.owned:
            digest = hashlib.sha256(f"{self.seed}:{slot}".encode()).digest()
            torch.default_generator.manual_seed(int.from_bytes(digest[:8], "big") >> 1)
            self.owned[slot] = _build(node)
        return self.owned[slot]

    def copies(self, node: Node, body: Graph, copies: tuple[Copy, ...]) -> nn.Module:
        """Copies of a body, each with its weights; a body without weights is made once."""
        names = [f"x{i}" if len(body.inputs) > 1 else "x" for i in range(len(body.inputs))]
        owns = any(part_node.slot is not None for part, _ in body.graphs() for part_node in part.nodes)
        bodies = [
            self.module(body, (*copies, (body.scope, index)), names) for index in range(node.copies if owns else 1)
        ]
        return Copies(bodies, node.copies)

    def head(self, head: Head, output: Type) -> nn.Module:
        """The module that ends the network."""
        torch.default_generator.manual_seed(
            int.from_bytes(hashlib.sha256(f"{self.seed}:head".encode()).digest()[:8], "big") >> 1
        )
        if isinstance(head, int):
            with _as_compile_error(f"a head of {head:,} classes for {output}"):
                return MeanHead(output.rank, output.channel_axis, output.channels, head)
        assert head is not None
        module = head(output)
        if not isinstance(module, nn.Module):
            raise TypeError(f"head(...) returned {module!r}: expected an nn.Module")
        return module


def _build(node: Node) -> Any:
    assert node.op is not None
    with _as_compile_error(f"{node.text()} for {', '.join(map(str, node.input_types))}"):
        what = node.op.realise(node.input_types, node.args, dict(node.attributes))
    if not callable(what) or isinstance(what, type):
        raise CompileError(
            f"torch= of the op {node.op.name} returned {what!r}: expected an nn.Module, or a function of tensors"
        )
    if isinstance(what, nn.Module):
        _check_weights(node, node.op, what)
    return what


def _check_weights(node: Node, op: Primitive, module: nn.Module) -> None:
    """Raises ``CompileError`` unless a module has the weights and state that its op declares."""
    shapes = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    total = sum(parameter.numel() for parameter in module.parameters())
    declared = op.shapes(node.input_types, node.args, dict(node.attributes))
    wanted = declared if isinstance(declared, int) else {name: tuple(shape) for name, shape in declared.items()}
    if wanted != (total if isinstance(wanted, int) else shapes):
        found = f"{total:,} parameters" if isinstance(wanted, int) else f"the parameters {shapes}"
        raise CompileError(
            f"the op {op.name} declares {f'{wanted:,} parameters' if isinstance(wanted, int) else wanted}, and the "
            f"module that torch= makes for {node.text()} has {found}: correct params="
        )
    if not op.laws.has_buffers and any(True for _ in module.buffers()):
        raise CompileError(
            f"the module that torch= makes for {node.text()} keeps buffers: declare {op.name} with has_buffers=True"
        )


@contextmanager
def _as_compile_error(what: str) -> Iterator[None]:
    """What torch refuses to make, a machine too small for it among the reasons."""
    try:
        yield
    except EinspecError:
        raise
    except (RuntimeError, MemoryError, OverflowError) as error:
        raise CompileError(f"torch cannot make {what}: {(str(error) or 'out of memory').splitlines()[0]}") from None


def _trace(function: Callable[..., Any], given: list[fx.Proxy], node: Node) -> Any:
    """The result of a function of tensors, which becomes part of the graph."""
    try:
        return function(*given)
    except fx.proxy.TraceError as error:
        raise CompileError(
            f"{node.text()} cannot be traced: {error}; let torch= return an nn.Module, which is called as it is"
        ) from None


def _ports(node: Node, result: Any) -> tuple[fx.Proxy, ...]:
    """The values at the outputs of a node. A type rule may return a tuple even of one type."""
    if node.op is not None:
        outputs = node.op.infer(node.input_types, node.args, dict(node.attributes))
        if not isinstance(outputs, tuple):
            return (result,)
    if isinstance(result, tuple):
        return result
    return tuple(operator.getitem(result, index) for index in range(len(node.outputs)))


def _identifiers(names: Iterable[str]) -> list[str]:
    """Parameter names for a space's inputs, as like them as Python allows; a single input has no name."""
    found: list[str] = []
    for name in names:
        clean = re.sub(r"\W", "_", name or "x")
        if not clean.isidentifier() or keyword.iskeyword(clean) or clean == "self":
            clean = f"input_{clean}"
        while clean in found:
            clean += "_"
        found.append(clean)
    return found
