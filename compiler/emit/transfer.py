"""Carrying weights from one compiled module to another, as far as their architectures agree."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from einspec.compiler.emit.held import Held, State, held
from einspec.compiler.graph.unfold import MOST_NODES
from einspec.compiler.identity.correspondence import correspondence, partners
from einspec.errors import CompileError
from einspec.space.space import Architecture


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was carried over: names of modules in the source and in the destination."""

    carried: tuple[tuple[str, str], ...]
    """Pairs whose weights and state are now equal."""
    reshaped: tuple[tuple[str, str], ...]
    """Pairs that belong together and have weights of other shapes: left as they were."""
    new: tuple[str, ...]
    """What the destination has and the source has not: left as it was."""
    unused: tuple[str, ...]
    """What the source has and the destination has not."""

    def __str__(self) -> str:
        return (
            f"{len(self.carried)} carried over, {len(self.reshaped)} of another shape, {len(self.new)} new, "
            f"{len(self.unused)} unused"
        )


def transfer(source: nn.Module, destination: nn.Module) -> Transfer:
    """Copies weights and state of a compiled module into another, wherever their architectures have them in common.

    Isomorphic architectures correspond wholly: afterwards both modules compute the same, head included if it has
    the same shape. Otherwise what is unchanged from the root of the derivations down is carried over first, then
    equal subtrees that have moved; of the copies of a body as many as both have. Raises ``CompileError`` for modules
    that ``compile`` has not made, or of spaces with different inputs.
    """
    a, b = architecture_of(source), architecture_of(destination)
    if a.space.inputs != b.space.inputs:
        raise CompileError(
            f"the architectures take {a.space.input_text()} and {b.space.input_text()}: nothing is shared"
        )
    theirs, ours = held(a.graph, source), held(b.graph, destination)
    if a.key == b.key and a.graph.written_out <= MOST_NODES:
        slots = correspondence(a, b)
    else:
        slots = partners(theirs, ours, a.derivation, b.derivation)
    pairs = [(theirs[x], ours[y]) for x, y in slots.items() if x in theirs and y in ours]
    heads = {name: module for name, module in destination.named_children() if name == "head" or name[:5] == "head_"}
    for name, module in source.named_children():
        if name in heads:
            pairs.append((Held(name, module), Held(name, heads[name])))
    carried: list[tuple[str, str]] = []
    reshaped: list[tuple[str, str]] = []
    with torch.no_grad():
        for old, new in pairs:
            fits = _copy_state(old.state, new.state)
            (carried if fits else reshaped).append((str(old), str(new)))
    left, right = {str(old) for old, _ in pairs}, {str(new) for _, new in pairs}
    return Transfer(
        tuple(sorted(carried)),
        tuple(sorted(reshaped)),
        tuple(sorted({str(place) for place in ours.values()} - right)),
        tuple(sorted({str(place) for place in theirs.values()} - left)),
    )


def architecture_of(model: nn.Module) -> Architecture:
    """The architecture that a module was compiled from. Raises ``CompileError`` for any other module."""
    # A deep copy of a GraphModule keeps its meta, a pickle its attributes.
    arch = getattr(model, "meta", {}).get("architecture") or getattr(model, "architecture", None)
    if not isinstance(arch, Architecture):
        raise CompileError(f"a {type(model).__name__} that einspec.compile has not made: its architecture is unknown")
    return arch


def _copy_state(given: State, wanted: State) -> bool:
    """Copies parameters and buffers if all shapes agree; whether they did."""
    if given.keys() != wanted.keys() or any(given[name].shape != wanted[name].shape for name in given):
        return False
    for name, value in wanted.items():
        value.copy_(given[name])
    return True
