"""The reference interpreter: an architecture's combinators run over tensors, one primitive after the other.

It builds no graph, drops nothing and folds nothing: the oracle that compiled modules are tested against.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.func import functional_call

from einspec.compiler.emit.held import Held, held
from einspec.compiler.emit.weights import STACKS
from einspec.compiler.graph.common import makes_common, takes_common
from einspec.compiler.graph.frames import Attributes, Evaluator, FlowingValue, Handle, Values
from einspec.compiler.graph.graph import Slot, in_copy
from einspec.errors import CompileError
from einspec.ops.declare import Primitive
from einspec.ops.expressions.bounds import within_bounds
from einspec.recursion import deep
from einspec.space.deriving.typed_derivation import check_architecture
from einspec.types import Type

if TYPE_CHECKING:
    from einspec.space.space import Architecture


def interpret(arch: Architecture, model: nn.Module, *inputs: torch.Tensor) -> Any:
    """What the architecture computes, with the weights of a module that ``compile`` made of it (its head left out).

    ``inputs`` are tensors (batch, *sizes) in the order of the space's inputs. Returns a tensor, or a tuple.
    Raises ``TypeError`` for arguments of other kinds, ``CompileError`` for another number of inputs.
    """
    check_architecture("arch", arch)
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: expected a module that einspec.compile made, not {type(model).__name__}")
    kinds = arch.space.inputs
    for place, tensor in enumerate(inputs):
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"input {place}: expected a tensor (batch, *sizes), not {type(tensor).__name__}")
    if len(inputs) != len(kinds):
        raise CompileError(f"{arch.space.name} takes {len(kinds)} inputs, not {len(inputs)}")
    floats = [value for value in (*model.parameters(), *model.buffers(), *inputs) if value.is_floating_point()]
    like = floats[0] if floats else torch.empty(0, device=inputs[0].device)
    interpreter = _Interpreter(held(arch.graph, model), model.training, inputs[0].shape[0], like)
    values = tuple(_TensorValue(interpreter, kind, tensor) for kind, tensor in zip(kinds, inputs, strict=True))
    run = partial(interpreter.run, arch.derivation, values)
    result = deep(arch.derivation.depth, lambda: within_bounds(run))
    batch = interpreter.batch
    return tuple(v.stretched(batch) for v in result) if isinstance(result, tuple) else result.stretched(batch)


class _TensorValue(FlowingValue):
    """A tensor with its type; ``is_common`` where it is the same for all examples, and its batch axis 1."""

    __slots__ = ("is_common", "tensor")

    def __init__(self, evaluator: Evaluator, type: Type, tensor: torch.Tensor, *, is_common: bool = False):
        super().__init__(evaluator, type)
        self.tensor = tensor
        self.is_common = is_common

    def stretched(self, batch: int) -> torch.Tensor:
        """The tensor, for each of so many examples."""
        return self.tensor.expand(batch, *self.tensor.shape[1:]) if self.is_common else self.tensor


class _Interpreter(Evaluator):
    def __init__(self, weights: dict[Slot, Held], is_training: bool, batch: int, like: torch.Tensor):
        super().__init__()
        self.batch = batch
        self.like = like
        self.weights = weights
        self.is_training = is_training

    def emit(self, op: Primitive, inputs: Values, args: Values, attributes: Attributes, slot: Slot | None) -> Any:
        kinds = tuple(value.type for value in inputs)
        outputs = op.infer(kinds, args, attributes)
        are_common = [value.is_common for value in inputs]
        takes_them = takes_common(op, are_common)
        tensors = [value.tensor if takes_them else value.stretched(self.batch) for value in inputs]
        is_common = makes_common(op, are_common)
        compute = self.computing(op, slot, kinds, args, attributes)
        if isinstance(compute, nn.Module) and slot not in self.weights:
            # A slot that the graph left out has weights that nothing depends on: any will do.
            compute = compute.to(self.like).train(self.is_training)
        found = compute(*tensors)
        if isinstance(outputs, tuple):
            pairs = zip(outputs, found, strict=True)
            return tuple(_TensorValue(self, kind, tensor, is_common=is_common) for kind, tensor in pairs)
        return _TensorValue(self, outputs, found, is_common=is_common)

    def computing(self, op: Primitive, slot: Slot | None, *realised: Any) -> Callable[..., Any]:
        """The op's own module or function at some types, with weights if there are any."""
        weights = self.weights.get(slot) if slot is not None else None
        if weights is None:
            return op.realise(*realised)  # type: ignore[no-any-return]
        if op not in STACKS:
            return weights.module
        with torch.device("meta"):  # what holds the weights may have another form
            module = op.realise(*realised).train(self.is_training)
        return partial(functional_call, module, weights.state)

    def copies(self, handle: Handle, parts: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        scope, context = handle.next_copies(len(parts))
        return tuple(
            handle.enter(part, handle.environment, in_copy(context, scope, index)) for index, part in enumerate(parts)
        )
