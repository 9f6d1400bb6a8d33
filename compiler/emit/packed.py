"""Packing: linear layers that read the same value as one layer with one packed weight.

Queries, keys and values are one matrix product then, with one gradient of the weight and one of the input. What
remains of each layer is its share of the outputs, under the layer's name; a state dict shows its weights there, as
views of the packed ones, so that packed and unpacked modules load each other's. An optimiser sees the packed ones.

It pays where what reads the outputs takes them as they lie, one row of all layers after the other: attention, matrix
products, and what goes number by number. Elsewhere they would be copied.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from einspec.compiler.emit.stacked import LinearWide

_VIEWS = ("unflatten", "movedim", "transpose", "permute")
_READERS = (
    functional.scaled_dot_product_attention,
    torch.matmul,
    torch.bmm,
    operator.matmul,
    operator.add,
    operator.mul,
)


class Packed(nn.Module):
    """Linear layers on one input: (..., in) -> for each layer (..., its outputs). Its state stands with its parts."""

    def __init__(self, in_features: int, sizes: tuple[int, ...]):
        super().__init__()
        self.in_features, self.sizes = in_features, sizes
        self.weight = nn.Parameter(torch.empty(sum(sizes), in_features))
        self.bias = nn.Parameter(torch.empty(sum(sizes)))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """All layers as one matrix product."""
        return torch.split(functional.linear(x, self.weight, self.bias), list(self.sizes), -1)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.in_features}, sizes={self.sizes}"

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Nothing: its parts do."""

    def _load_from_state_dict(self, *args: Any) -> None:
        """Nothing: its parts do."""


class PackedPart(nn.Module):
    """One layer of several that are packed: takes what all of them give, and gives its own.

    ``copies`` of a layer on one input, as a ``LinearWide`` has them, have weights with a leading axis; 0 is one layer.
    """

    def __init__(self, packed: Packed, place: int, copies: int = 0):
        super().__init__()
        self.place, self.copies = place, copies
        self.whole = (packed,)  # in a tuple, so that it is no child of this one too

    def forward(self, outputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Its share."""
        return outputs[self.place]

    def views(self) -> dict[str, torch.Tensor]:
        """Its weights by name, parts of the packed ones."""
        packed = self.whole[0]
        return {"weight": self.share(packed.weight), "bias": self.share(packed.bias)}

    def share(self, whole: torch.Tensor) -> torch.Tensor:
        """Its rows of a packed weight, or of a gradient of one."""
        sizes = self.whole[0].sizes
        start = sum(sizes[: self.place])
        rows = whole[start : start + sizes[self.place]]
        return rows.view(self.copies, len(rows) // self.copies, *rows.shape[1:]) if self.copies else rows

    def extra_repr(self) -> str:
        """Which it is."""
        return f"place={self.place}" + (f", copies={self.copies}" if self.copies else "")

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, value in self.views().items():
            destination[f"{prefix}{name}"] = value if keep_vars else value.detach()

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        for name, value in self.views().items():
            key = f"{prefix}{name}"
            given = state_dict.get(key)
            if given is None:
                if strict:
                    missing_keys.append(key)
            elif given.shape != value.shape:
                error_msgs.append(
                    f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                    f"current model is {value.shape}."
                )
            else:
                if value.is_meta and local_metadata.get("assign_to_params_buffers", False):
                    make_real(self.whole[0], name, given)
                with torch.no_grad():
                    self.views()[name].copy_(given)
        if strict:
            known = {f"{prefix}{name}" for name in ("weight", "bias")}
            unexpected_keys += [key for key in state_dict if key.startswith(prefix) and key not in known]


def make_real(packed: Packed, name: str, like: torch.Tensor) -> None:
    """Gives a meta weight memory, unless another part has: weights of others are to be assigned."""
    old = getattr(packed, name)
    if old.is_meta:
        real = torch.empty_like(old, device=like.device, dtype=like.dtype)
        setattr(packed, name, nn.Parameter(real, requires_grad=old.requires_grad))


def unpacked(model: nn.Module, values: Mapping[str, torch.Tensor | None]) -> dict[str, torch.Tensor | None]:
    """What is given for each parameter, a gradient say, under the names that the state dict has."""
    names = {id(module): path for path, module in model.named_modules() if isinstance(module, Packed)}
    found = {name: value for name, value in values.items() if name.rpartition(".")[0] not in names.values()}
    for path, part in model.named_modules():
        if isinstance(part, PackedPart):
            for name in ("weight", "bias"):
                whole = values[f"{names[id(part.whole[0])]}.{name}"]
                found[f"{path}.{name}"] = None if whole is None else part.share(whole)
    return found


def pack(trace: fx.Graph, root: nn.Module) -> None:
    """Packs the linear layers of a module that is being written, wherever that pays."""
    uses: dict[str, int] = {}
    for node in trace.nodes:
        if node.op == "call_module":
            uses[node.target] = uses.get(node.target, 0) + 1
    groups: dict[fx.Node, list[fx.Node]] = {}
    for node in trace.nodes:
        if node.op == "call_module" and len(node.args) == 1 and uses[node.target] == 1:
            layer = root.get_submodule(node.target)
            if type(layer) in (nn.Linear, LinearWide) and _pays(node.users):
                groups.setdefault(node.args[0], []).append(node)
    for layers in groups.values():
        if len(layers) > 1:
            _pack_group(trace, root, layers)


def _pays(users: Iterable[fx.Node]) -> bool:
    """Whether all that reads a value takes it as it lies."""
    return all(
        user.target in _READERS
        if user.op == "call_function"
        else user.op == "call_method" and user.target in _VIEWS and _pays(user.users)
        for user in users
    )


def _pack_group(trace: fx.Graph, root: nn.Module, nodes: list[fx.Node]) -> None:
    layers = [root.get_submodule(str(node.target)) for node in nodes]
    weights = [layer.get_parameter("weight") for layer in layers]
    sizes = tuple(weight.numel() // weight.shape[-1] for weight in weights)
    with torch.device(weights[0].device):
        packed = Packed(weights[0].shape[-1], sizes).to(weights[0].dtype)
    name = f"packed_{str(nodes[0].target).rpartition('.')[2]}"
    while hasattr(root, name):
        name += "_"
    root.add_module(name, packed)
    with trace.inserting_before(nodes[0]):
        outputs = trace.call_module(name, nodes[0].args)
    for place, (node, layer) in enumerate(zip(nodes, layers, strict=True)):
        part = PackedPart(packed, place, layer.copies if isinstance(layer, LinearWide) else 0)
        with torch.no_grad():
            for kind, view in part.views().items():
                view.copy_(layer.get_parameter(kind))
        above, _, last = str(node.target).rpartition(".")
        root.get_submodule(above).add_module(last, part)
        node.args = (outputs,)
