"""Where a compiled module holds the weights of each slot, copies written out: what transfer and the interpreter ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import nn

from einspec.compiler.emit import stacked
from einspec.compiler.emit.packed import PackedPart
from einspec.compiler.graph.graph import Graph, Slot

State = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Held:
    """Where a compiled module holds the weights of a slot: the module, and which copy of a stack."""

    path: str
    module: nn.Module
    copy: int | None = None

    @property
    def state(self) -> State:
        """Weights and state by their names in the op's own module."""
        whole = dict(self.module.named_parameters()) | dict(self.module.named_buffers())
        if isinstance(self.module, PackedPart):
            whole = self.module.views()
        return whole if self.copy is None else {name: value[self.copy] for name, value in whole.items()}

    def __str__(self) -> str:
        return self.path if self.copy is None else f"{self.path}[{self.copy}]"


def held(graph: Graph, model: nn.Module) -> dict[Slot, Held]:
    """What a compiled module holds for each slot, copies written out."""
    found: dict[Slot, Held] = {}
    for slot, path in slot_paths(graph).items():
        try:
            module = model.get_submodule(path)
        except AttributeError:
            continue  # a pass has left it out
        if slot.copies == 1:
            found[slot] = Held(path, module)
            continue
        for copy, one in enumerate(_copies(slot)):
            is_stack = isinstance(module, (stacked.Stack, PackedPart))
            found[one] = (
                Held(path, module, copy) if is_stack else Held(f"{path}.{copy}", module.get_submodule(str(copy)))
            )
    return found


def slot_paths(graph: Graph) -> dict[Slot, str]:
    """The name of the module that holds the weights of each slot of a graph."""
    found: dict[Slot, str] = {}
    stack = [(graph, "")]
    while stack:
        part, path = stack.pop()
        for node, name in zip(part.nodes, part.module_names(), strict=True):
            if node.slot is not None:
                found.setdefault(node.slot, f"{path}{name}")
            if node.body is not None:
                stack.append((node.body, f"{path}{name}."))
    return found


def _copies(slot: Slot) -> Iterator[Slot]:
    """The slots that a slot of a folded graph stands for, in the order of a stack."""
    scopes = slot.scopes
    for copies in product(*(range(scope[-1][2]) for scope in scopes)):
        yield slot.in_copies(tuple(zip(scopes, copies, strict=True)))
