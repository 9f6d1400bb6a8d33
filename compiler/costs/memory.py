"""Activation memory of a fused graph, without torch: what is alive at once, and what is kept for the backward pass.

Values that are views of others take no memory of their own, weights and the inputs of the network are not counted, and
neither is what a kernel needs while it runs. A number takes 4 bytes (float32), a whole number 8.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from einspec.compiler.costs.costs import node_macs
from einspec.compiler.costs.strided import Strided
from einspec.compiler.costs.views import VIEWS, view
from einspec.compiler.fusion import ops as fused
from einspec.compiler.graph.graph import Graph, Node, Port
from einspec.compiler.graph.unfold import MOST_NODES, written_out
from einspec.ops.library import convolutions, merge, pools, tensor
from einspec.types import Type

BYTES = {"float": 4, "int": 8}

_BATCH = 2
"""Examples for which strides are worked out: any batch of more than one has the same views."""

_INPUT = frozenset(
    {
        tensor.linear, tensor.batch_norm, tensor.layer_norm, convolutions.conv2d, pools.max_pool2d, pools.avg_pool2d,
        fused.patch_conv, *fused.OF_COPIES,
    }
) - {fused.pos_stack}  # fmt: skip
"""Ops that keep their input."""

_OVER_ROWS = frozenset({tensor.linear, fused.linear_wide, fused.linear_sum, fused.linear_relu, fused.linear_wide_relu})
"""Ops that see the last axis of their input as rows of one matrix."""

_NOTHING = frozenset(
    {
        tensor.pos, fused.pos_stack, tensor.times, tensor.zeros, tensor.im2col, merge.add, merge.cat, fused.rows,
        fused.stack, fused.join_stack, fused.sum_stack, *VIEWS,
    }
) - {fused.leaky_relu_in_place}  # fmt: skip
"""Ops whose gradient needs none of the values."""

_FOLLOWING = frozenset({tensor.pos, fused.pos_stack, tensor.softmax})
"""Ops besides pointwise ones that lay their output out as their input lies."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: so many for each example of a batch, and so many whatever its size."""

    per_example: int = 0
    per_batch: int = 0

    def of(self, batch: int) -> int:
        """Bytes for a batch."""
        return self.per_example * batch + self.per_batch

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.per_example + other.per_example, self.per_batch + other.per_batch)


@dataclass(slots=True)
class _Storage:
    """One piece of memory. The network's inputs take none of what is counted."""

    size: int
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class _Value:
    """A tensor: where it lies, how, and whether gradients reach it."""

    storage: _Storage
    shape: Strided
    has_gradient: bool


@dataclass(slots=True)
class Activations:
    """What running a graph takes: ``peak`` at once where nothing is kept, ``kept`` by node for the backward pass."""

    graph: Graph
    kept: list[Memory] = field(default_factory=list)
    peak: int = 0


def activations(graph: Graph) -> Activations:
    """The activations of a fused graph, for one example. Copies that are left in it are written out where they are few;
    otherwise each is taken to keep what one of them does.
    """
    if len(list(graph.graphs())) > 1 and graph.written_out <= MOST_NODES:
        graph = written_out(graph)
    return _Run(graph).run()


class _Run:
    def __init__(self, graph: Graph):
        self.graph = graph
        self.found = Activations(graph)
        self.temporary = 0
        self.values: dict[Port, _Value] = {
            (-1, place): _Value(_Storage(0), _contiguous(kind), has_gradient=False)
            for place, kind in enumerate(graph.inputs)
        }

    def run(self) -> Activations:
        """Runs the nodes in their order; a value is freed after the last node that reads it."""
        last = {port: index for index, node in enumerate(self.graph.nodes) for port in node.inputs}
        last.update(dict.fromkeys(self.graph.outputs, len(self.graph.nodes)))
        alive: dict[Port, _Value] = {}
        for index, node in enumerate(self.graph.nodes):
            self.temporary = 0
            if node.body is not None:
                kept = self.copies(node, index)
            else:
                for output, value in enumerate(self.outputs(node)):
                    self.values[(index, output)] = value
                kept = self.keep(node, index)
            self.found.kept.append(kept)
            alive |= {(index, output): self.values[(index, output)] for output in range(len(node.outputs))}
            self.found.peak = max(self.found.peak, _total(alive.values()) + self.temporary)
            for port in (*node.inputs, *((index, output) for output in range(len(node.outputs)))):
                if last.get(port, index) <= index:
                    alive.pop(port, None)
        return self.found

    def copies(self, node: Node, index: int) -> Memory:
        """Copies that stay a node: values of their own, each with what one copy keeps and needs."""
        assert node.body is not None
        run = _Run(node.body)
        inner = run.run()
        has_weights = any(part_node.slot is not None for part, _ in node.body.graphs() for part_node in part.nodes)
        reached = has_weights or any(self.values[port].has_gradient for port in node.inputs)
        for output, kind in enumerate(node.outputs):
            storage = _Storage(kind.elements * BYTES[kind.dtype])
            self.values[(index, output)] = _Value(storage, _contiguous(kind), reached)
        self.found.peak = max(self.found.peak, inner.peak)
        one = sum(inner.kept, Memory())
        width = len(node.body.inputs)
        kept = [self.values[port] for i, port in enumerate(node.inputs) if run.values[(-1, i % width)].storage.is_kept]
        shared = sum(_keep(value.storage) for value in kept)
        return Memory(one.per_example * node.copies + shared, one.per_batch * node.copies)

    def outputs(self, node: Node) -> Iterator[_Value]:
        """The values that an op makes."""
        assert node.op is not None
        given = [self.values[port] for port in node.inputs]
        reached = node.slot is not None or any(value.has_gradient for value in given)
        seen = view(node, given[0].shape)
        if seen is not None:
            yield from (_Value(given[0].storage, seen, reached) for _ in node.outputs)
            return
        for kind in node.outputs:
            shape = _contiguous(kind)
            if node.op.laws.pointwise or node.op in _FOLLOWING:
                shape = Strided.like(shape.sizes, given[0].shape)
            elif node.op is fused.attention and kind.rank > 2:  # heads lie within tokens
                order = (0, 2, 1, 3) if kind.rank == 3 else None
                shape = Strided.contiguous(tuple(shape.sizes[a] for a in order)).permuted(order) if order else shape
            elif node.op in (fused.linear_stack, fused.linear_sum_stack):  # copies lie outside of the batch
                copies, batch, *rest = shape.sizes[1], shape.sizes[0], *shape.sizes[2:]
                shape = Strided.contiguous((copies, batch, *rest)).moved(0, 1)
            yield _Value(_Storage(kind.elements * BYTES[kind.dtype]), shape, reached)

    def keep(self, node: Node, index: int) -> Memory:
        """What an op keeps that is not kept yet."""
        assert node.op is not None
        given = [self.values[port] for port in node.inputs]
        made = [self.values[(index, output)] for output in range(len(node.outputs))]
        copied = _copied(node, given[0].shape)
        self.temporary = copied + _statistics(node).per_example
        if not any(value.has_gradient for value in made):
            return Memory()
        kept = copied + sum(_keep(value.storage) for value in _kept(node, given, made, is_copied=copied > 0))
        if node.op is fused.layer_norm_stack and not given[0].has_gradient:  # only its weights need something
            return Memory(node.input_types[0].elements * BYTES["float"])
        return Memory(kept) + _statistics(node) + _reordered_weights(node, given[0])


def _contiguous(kind: Type) -> Strided:
    return Strided.contiguous((_BATCH, *kind.sizes))


def _copied(node: Node, shape: Strided) -> int:
    """The bytes of the copy of its input that an op makes which wants rows of numbers, where strides give none."""
    if node.op in _OVER_ROWS:
        rows = shape.flattened(0, len(shape.sizes) - 1)
    elif node.op in (fused.linear_stack, fused.linear_sum_stack):
        rows = shape.moved(1, 0).flattened(1, len(shape.sizes) - 1)
    elif node.op is fused.batch_norm_stack:
        rows = shape.flattened(1, 3)
    else:
        return 0
    is_row_wise = rows is not None and (rows.strides[-1] == 1 or rows.sizes[-1] == 1)
    return 0 if is_row_wise else node.input_types[0].elements * BYTES["float"]


def _kept(node: Node, given: list[_Value], made: list[_Value], is_copied: bool) -> list[_Value]:
    """The values that the gradient of an op needs. Of ops of one's own all of them, to be safe."""
    op = node.op
    if op in _NOTHING:
        return []
    if op in (fused.linear_relu, fused.linear_wide_relu):
        return made if is_copied else [*given, *made]
    if op in (tensor.softmax, fused.leaky_relu_in_place) or (op is tensor.leaky_relu and not node.args[0]):
        return made
    if op in _INPUT or op is tensor.leaky_relu:
        return [] if is_copied else given
    if op in (merge.dot, merge.scaled_dot):
        return [value for value, other in zip(given, reversed(given), strict=True) if other.has_gradient]
    return [*given, *made]


def _statistics(node: Node) -> Memory:
    """What norms, pools and attention keep besides: means and deviations, places of maxima, sums of exponentials."""
    (kind, *_) = node.input_types
    if node.op is tensor.batch_norm:
        return Memory(per_batch=2 * kind.channels * BYTES["float"])
    if node.op is fused.batch_norm_stack:
        return Memory(per_batch=2 * math.prod(kind.sizes[:2]) * BYTES["float"])
    if node.op is tensor.layer_norm:
        return Memory(2 * math.prod(kind.sizes[:-1]) * BYTES["float"])
    if node.op is fused.layer_norm_stack:
        return Memory((2 * math.prod(kind.sizes[:-1]) + kind.elements) * BYTES["float"])
    if node.op is pools.max_pool2d:
        return Memory(node.outputs[0].elements * BYTES["int"])
    if node.op is fused.attention:
        return Memory(math.prod(kind.sizes[:-1]) * BYTES["float"])
    return Memory()


def _reordered_weights(node: Node, x: _Value) -> Memory:
    """The weights of a sum of linear layers in the order in which its product wants them."""
    if node.op not in (fused.linear_sum, fused.linear_sum_stack) or not x.has_gradient:
        return Memory()
    sizes = node.input_types[0].sizes
    rows = math.prod(sizes[:-1] if node.op is fused.linear_sum else sizes[1:-1])
    return Memory(per_batch=node_macs(node) // rows * BYTES["float"])


def _keep(storage: _Storage) -> int:
    """The bytes of a storage that nothing has kept before."""
    if storage.is_kept:
        return 0
    storage.is_kept = True
    return storage.size


def _total(values: Iterable[_Value]) -> int:
    return sum({id(value.storage): value.storage.size for value in values}.values())
