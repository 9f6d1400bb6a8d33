"""Weights: the modules that hold them, one for each slot of a graph, drawn from torch's default of each op."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from einspec.compiler.emit import stacked
from einspec.compiler.fusion import ops as fused
from einspec.compiler.graph.graph import Node, Slot
from einspec.errors import CompileError, EinspecError
from einspec.ops.declare import Primitive
from einspec.ops.library import convolutions, tensor

STACKS: dict[Primitive, Callable[[Node, int], stacked.Stack]] = {
    tensor.linear: lambda node, n: stacked.LinearStack(n, node.input_types[0].sizes[-1], *node.args),
    fused.linear_stack: lambda node, n: stacked.LinearStack(n, node.input_types[0].sizes[-1], _width(node, n)),
    fused.linear_wide: lambda node, n: stacked.LinearWide(n, node.input_types[0].sizes[-1], _width(node, n)),
    fused.linear_wide_relu: lambda node, n: stacked.LinearWideRelu(
        n, node.input_types[0].sizes[-1], _width(node, n), node.args[1]
    ),
    fused.linear_sum: lambda node, n: stacked.LinearSum(n, *_sum_sizes(node, n)),
    fused.linear_sum_stack: lambda node, n: stacked.LinearSumStack(n, *_sum_sizes(node, n)),
    convolutions.conv2d: lambda node, n: stacked.Conv2dStack(n, node.input_types[0].channels, *node.args[:-1]),
    fused.conv2d_stack: lambda node, n: stacked.Conv2dStack(
        n, node.input_types[0].sizes[1], _width(node, n), *node.args[1:]
    ),
    fused.conv2d_wide: lambda node, n: stacked.Conv2dWide(
        n, node.input_types[0].channels, _width(node, n), *(*node.args[1:], 1)
    ),
    fused.patch_conv: lambda node, n: stacked.PatchConv2dStack(n, node.input_types[0].channels, *node.args),
    fused.patch_conv_stack: lambda node, n: stacked.PatchConv2dStack(
        n, node.input_types[0].sizes[1], _width(node, n), *node.args[1:]
    ),
    fused.patch_conv_wide: lambda node, n: stacked.PatchConv2dWide(
        n, node.input_types[0].channels, _width(node, n), *node.args[1:]
    ),
    tensor.batch_norm: lambda node, n: stacked.BatchNormStack(n, node.input_types[0].channels),
    fused.batch_norm_stack: lambda node, n: stacked.BatchNormStack(n, node.input_types[0].sizes[1]),
    tensor.layer_norm: lambda node, n: stacked.LayerNormStack(n, node.input_types[0].sizes[-1]),
    fused.layer_norm_stack: lambda node, n: stacked.LayerNormStack(n, node.input_types[0].sizes[-1]),
    tensor.pos: lambda node, n: stacked.PositionStack(n, *node.input_types[0].sizes),
    fused.pos_stack: lambda node, n: stacked.PositionStack(n, *node.input_types[0].sizes[1:]),
}
"""What holds the weights of several copies of an op. Other ops have a module for each copy."""


def _width(node: Node, copies: int) -> int:
    """The width of one layer among ``copies``, where some or all of them are one wide layer."""
    groups = node.input_types[0].sizes[0] if node.op in fused.STACKED else 1
    width: int = node.args[0] * groups // copies
    return width


def _sum_sizes(node: Node, copies: int) -> tuple[int, int, int]:
    """The sizes of one layer among ``copies`` in sums of some of them, and how many terms a sum has."""
    groups = node.input_types[0].sizes[0] if node.op in fused.STACKED else 1
    terms: int = node.args[0]
    return node.input_types[0].sizes[-1] // terms, node.outputs[0].sizes[-1] * groups * terms // copies, terms


class Weights:
    """Makes the modules of slots, each once, from a seed and the place of the slot in the derivation."""

    def __init__(self, seed: int):
        self.seed = seed
        self.modules: dict[Slot, nn.Module] = {}
        self.seen: dict[int, nn.Module] = {}

    def of(self, node: Node, slot: Slot) -> nn.Module:
        """The module of a slot, which a node of it computes with."""
        if slot not in self.modules:
            self.draw_from(str(slot))
            module = _one_or_more(node, slot.copies)
            parts = list(module) if isinstance(module, stacked.Each) else [module]
            if len({id(part) for part in parts}) < len(parts) or any(id(part) in self.seen for part in parts):
                raise CompileError(
                    f"torch= of {node.text()} returned one module twice: each use has weights of its own, so make "
                    "a new one each time"
                )
            self.seen |= {id(part): part for part in parts}
            self.modules[slot] = module
        return self.modules[slot]

    def draw_from(self, place: str) -> None:
        """Sets torch's generator to where the weights at a place come from."""
        digest = hashlib.sha256(f"{self.seed}:{place}".encode()).digest()
        torch.default_generator.manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def _one_or_more(node: Node, copies: int) -> nn.Module:
    if copies == 1:
        return _module(node)
    assert node.op is not None
    stack = STACKS.get(node.op)
    if stack is None or (node.op is convolutions.conv2d and node.args[-1]):  # stacks of convolutions have no bias
        return stacked.Each([_module(node) for _ in range(copies)])
    with as_compile_error(f"the weights of {copies:,} copies of {node.op.name}"):
        return stack(node, copies)


def _module(node: Node) -> nn.Module:
    module = build(node)
    assert isinstance(module, nn.Module)
    return module


def build(node: Node) -> nn.Module | Callable[..., object]:
    """What ``torch=`` of a node's op makes at its types.

    Raises ``CompileError`` where that is neither a module nor a function, or has other weights than declared.
    """
    assert node.op is not None
    if node.op.torch is None:
        raise CompileError(
            f"the op {node.op.name} has no torch realisation: declare it with @primitive(torch=...), a function of "
            "its input types and arguments that returns a module or a function of tensors"
        )
    with as_compile_error(f"{node.text()} for {', '.join(map(str, node.input_types))}"):
        what = node.op.realise(node.input_types, node.args, dict(node.attributes))
    if not callable(what) or isinstance(what, type):
        raise CompileError(
            f"torch= of the op {node.op.name} returned {what!r}: expected an nn.Module, or a function of tensors"
        )
    if isinstance(what, nn.Module):
        with as_compile_error(f"the weights of {node.text()}"):
            _check_weights(node, node.op, what)
    elif node.op.has_slot:
        raise CompileError(
            f"torch= of the op {node.op.name} returned a function: what has weights or state is an nn.Module"
        )
    return what  # type: ignore[no-any-return]


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
def as_compile_error(what: str) -> Iterator[None]:
    """What torch refuses to make, a machine too small for it among the reasons."""
    try:
        yield
    except EinspecError:
        raise
    except (RuntimeError, MemoryError, OverflowError, ValueError) as error:
        raise CompileError(f"torch cannot make {what}: {(str(error) or 'out of memory').splitlines()[0]}") from None
