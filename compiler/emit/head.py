"""The head of a network: from an architecture's one output to the scores of classes, or what a function makes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from einspec.compiler.emit.modules import MeanHead
from einspec.compiler.emit.weights import as_compile_error
from einspec.errors import CompileError
from einspec.ops.declare import Outputs
from einspec.types import Type

Head = int | Callable[[Type], nn.Module] | None


def check_head(head: Head, output: Outputs) -> None:
    """Raises ``CompileError`` for an output that no head takes, ``TypeError`` or ``ValueError`` for what is no head."""
    if head is None:
        return
    if isinstance(output, tuple):
        raise CompileError(
            f"a head takes one output, and this architecture gives the tuple ({', '.join(map(str, output))}): "
            "compile it without"
        )
    if output.dtype != "float":
        raise CompileError(f"a head computes with floats, and the output is {output}: compile it without")
    if isinstance(head, bool) or not (isinstance(head, int) or callable(head)):
        raise TypeError(f"head={head!r}: expected None, a number of classes, or a function from the output type")
    if isinstance(head, int) and head < 1:
        raise ValueError(f"head={head}: expected at least one class")


def head_params(head: Head, output: Type) -> int:
    """Parameters of a head by its number of classes; those that a function makes are known once it has."""
    return head * (output.channels + 1) if isinstance(head, int) else 0


def made_head(head: int | Callable[[Type], nn.Module], output: Type) -> nn.Module:
    """The module that ends the network.

    Raises ``TypeError`` where the function returns no module, ``CompileError`` where the module cannot take the output.
    """
    if isinstance(head, int):
        with as_compile_error(f"a head of {head:,} classes for {output}"):
            axes = [axis + 1 for axis in range(output.rank) if axis != output.channel_axis]
            return MeanHead(axes, output.channels, head)
    module = head(output)
    if not isinstance(module, nn.Module):
        raise TypeError(f"head(...) returned {module!r}: expected an nn.Module")
    was_training = module.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            module.eval()(torch.zeros(2, *output.sizes))
    except Exception as error:  # whatever a module of a user's does
        raise CompileError(f"the head cannot take {output}: {str(error).splitlines()[0]}") from None
    return module.train(was_training)
