"""The head of a network: from an architecture's one output to the scores of classes, or what a function makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from einspec.compiler.emit.modules import MeanHead
from einspec.compiler.emit.weights import as_compile_error
from einspec.errors import CompileError
from einspec.ops.declare import Outputs
from einspec.text import did_you_mean, listing, plural
from einspec.types import Type

One = int | Callable[[Type], nn.Module]
"""The head of one output: a number of classes, or what makes a module from the output's type."""
Head = One | Mapping[str, One] | None
Heads = dict[int, tuple[str, One]]
"""By the number of the output: what the module is called there, and the head."""


def heads_of(head: Head, output: Outputs, names: Sequence[str]) -> Heads:
    """The head of each output that has one. ``names`` are those that the grammar gives to outputs.

    Raises ``CompileError`` for an output that no head takes, ``TypeError`` or ``ValueError`` for what is no head.
    """
    if head is None:
        return {}
    outputs = output if isinstance(output, tuple) else (output,)
    if isinstance(head, Mapping):
        return _named(head, outputs, names)
    if isinstance(output, tuple):
        several = f"({', '.join(map(str, output))})"
        advice = f"say which: head={{{names[0]!r}: {head!r}}}" if names else "compile it without"
        raise CompileError(f"a head takes one output, and this architecture gives the tuple {several}: {advice}")
    _check(head, output)
    return {0: ("head", head)}


def _named(head: Mapping[str, One], outputs: Sequence[Type], names: Sequence[str]) -> Heads:
    if len(names) != len(outputs):
        named = f"names {', '.join(names)}" if names else "names none"
        raise CompileError(
            f"the architecture gives {plural(len(outputs), 'output')}, and its grammar {named}: write their names in "
            "order, as in   //% output logits, auxiliary"
        )
    found: Heads = {}
    for name, one in head.items():
        if name not in names:
            hint = did_you_mean(str(name), names) or f"its outputs are {listing(names, 'and')}"
            raise ValueError(f"head={dict(head)!r}: there is no output {name!r}; {hint}")
        place = names.index(name)
        _check(one, outputs[place])
        found[place] = f"head_{name}", one
    return found


def _check(head: One, output: Type) -> None:
    if output.dtype != "float":
        raise CompileError(f"a head computes with floats, and the output is {output}: compile it without")
    if isinstance(head, bool) or not (isinstance(head, int) or callable(head)):
        raise TypeError(f"head={head!r}: expected None, a number of classes, or a function from the output type")
    if isinstance(head, int) and head < 1:
        raise ValueError(f"head={head}: expected at least one class")


def heads_params(heads: Heads, outputs: Sequence[Type]) -> int:
    """Parameters of heads by their numbers of classes; those that a function makes are known once it has."""
    return sum(head * (outputs[place].channels + 1) for place, (_, head) in heads.items() if isinstance(head, int))


def made_head(head: One, output: Type) -> nn.Module:
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
