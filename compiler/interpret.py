"""The reference interpreter: an architecture's combinators run over tensors, one primitive after the other.

It builds no graph, drops nothing and folds nothing: the oracle that compiled modules are tested against.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from einspec.compiler.frames import Evaluator, FlowingValue, Handle
from einspec.compiler.graph import Graph, Slot, in_copy
from einspec.compiler.transfer import slot_paths
from einspec.errors import CompileError
from einspec.ops.declare import Primitive
from einspec.recursion import deep
from einspec.types import Type

if TYPE_CHECKING:
    from einspec.space.architecture import Architecture


def interpret(arch: Architecture, model: nn.Module, *inputs: torch.Tensor) -> Any:
    """What the architecture computes, with the weights of a module that ``compile`` made of it (its head left out).

    ``inputs`` are tensors (batch, *sizes) in the order of the space's inputs. Returns a tensor, or a tuple.
    """
    modules = slot_modules(arch.graph, model)
    kinds = arch.space.inputs
    if len(inputs) != len(kinds):
        raise CompileError(f"{arch.space.name} takes {len(kinds)} inputs, not {len(inputs)}")
    interpreter = _Interpreter(modules)
    values = tuple(_TensorValue(interpreter, kind, tensor) for kind, tensor in zip(kinds, inputs, strict=True))
    result = deep(arch.derivation.depth, lambda: interpreter.run(arch.derivation, values))
    return tuple(value.tensor for value in result) if isinstance(result, tuple) else result.tensor


def slot_modules(graph: Graph, model: nn.Module) -> dict[Slot, nn.Module]:
    """The module that holds the weights of each slot, copies written out."""
    return {slot: model.get_submodule(path) for slot, path in slot_paths(graph, model).items()}


class _TensorValue(FlowingValue):
    """A tensor with its type."""

    __slots__ = ("tensor",)

    def __init__(self, evaluator: Evaluator, type: Type, tensor: torch.Tensor):
        super().__init__(evaluator, type)
        self.tensor = tensor


class _Interpreter(Evaluator):
    def __init__(self, modules: dict[Slot, nn.Module]):
        super().__init__()
        self.modules = modules

    def emit(
        self,
        op: Primitive,
        inputs: tuple[Any, ...],
        args: tuple[Any, ...],
        attributes: dict[str, Any],
        slot: Slot | None,
    ) -> Any:
        kinds = tuple(value.type for value in inputs)
        outputs = op.infer(kinds, args, attributes)
        # A slot that the graph left out has weights that nothing depends on: any will do.
        module = self.modules.get(slot) if slot is not None else None
        compute = module if module is not None else op.realise(kinds, args, attributes)
        tensors = [value.tensor for value in inputs]
        if isinstance(compute, nn.Module) and module is None:
            compute = compute.to(tensors[0])
        found = compute(*tensors)
        if isinstance(outputs, tuple):
            return tuple(_TensorValue(self, kind, tensor) for kind, tensor in zip(outputs, found, strict=True))
        return _TensorValue(self, outputs, found)

    def each(self, handle: Handle, values: tuple[Any, ...]) -> tuple[Any, ...]:
        parts = [value if isinstance(value, tuple) else (value,) for value in values]
        kinds = [tuple(value.type for value in part) for part in parts]
        if len(parts) < 2 or any(kind != kinds[0] for kind in kinds):
            return tuple(handle(*part) for part in parts)
        scope, context = handle.next_copies(len(parts))
        return tuple(
            handle.enter(part, handle.environment, in_copy(context, scope, index)) for index, part in enumerate(parts)
        )
