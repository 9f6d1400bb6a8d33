"""Linear layers on one value run as one, where that pays: fewer products, the same numbers, the same state dict."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from typing import Any

import pytest
import torch
from functorch.compile import make_boxed_func
from torch._dynamo.backends.common import aot_autograd

import einspec
from benchmarks import handwritten
from einspec.compiler.emit.packed import Packed, PackedPart
from tests.helpers import bundled

EINSPACE = bundled("einspace")
VIT = EINSPACE.read("vit")
PRODUCTS = ("mm", "addmm", "bmm", "baddbmm")


def products(model: torch.nn.Module, x: torch.Tensor) -> tuple[Counter[str], Counter[str]]:
    """How many matrix products the graphs have that torch.compile makes, forward and backward."""
    found: list[Counter[str]] = []

    def count(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        names = [node.target.__name__.split(".")[0] for node in graph.graph.nodes if node.op == "call_function"]
        found.append(Counter(name for name in names if name in PRODUCTS))
        return make_boxed_func(graph.forward)

    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend=aot_autograd(fw_compiler=count, bw_compiler=count))
    compiled(x).sum().backward()
    forward, backward = found
    return forward, backward


def test_torch_compile_finds_as_few_matrix_products_as_by_hand() -> None:
    x = torch.randn(2, 3, 32, 32)
    ours = einspec.compile(VIT).train()
    by_hand = handwritten.ViT(64).train()
    forward, backward = products(ours, x)
    assert (forward.total(), backward.total()) == tuple(c.total() for c in products(by_hand, x))
    unpacked_forward, unpacked_backward = products(einspec.compile(VIT, fuse=False).train(), x)
    assert forward.total() < unpacked_forward.total()
    assert backward.total() < unpacked_backward.total()
    assert sum(isinstance(module, Packed) for module in ours.modules()) == 4


def packed(arch: einspec.Architecture) -> bool:
    return any(isinstance(module, Packed) for module in einspec.compile(arch).modules())


@pytest.mark.parametrize(
    ("text", "is_packed"),
    [
        ("branch(clone(2), linear(64), seq(linear(16), linear(64)), add)", False),
        ("branch(clone(2), linear(64), linear(64), add)", True),
        ("branch(clone(2), seq(linear(64), relu), linear(64), add)", False),  # the activation is fused, or in place
        ("branch(clone(2), seq(linear(64), norm), linear(64), add)", False),
        ("branch(clone(2), linear(64), identity, add)", False),
    ],
)
def test_where_it_pays(text: str, is_packed: bool) -> None:
    space = einspec.load("einspace", input=(16, 64))
    arch = space.parse(text)
    assert packed(arch) is is_packed
    x = torch.randn(3, 16, 64)
    model = einspec.compile(arch)
    torch.testing.assert_close(model(x), einspec.compile(arch, fuse=False)(x))
    torch.testing.assert_close(model(x), einspec.interpret(arch, model, x))


def test_the_state_dict_is_that_of_the_layers() -> None:
    fused, plain = einspec.compile(VIT, head=10), einspec.compile(VIT, head=10, fuse=False)
    assert list(fused.state_dict()) == list(plain.state_dict())
    for name, value in plain.state_dict().items():
        assert torch.equal(fused.state_dict()[name], value), name
    other = einspec.compile(VIT, head=10, seed=1)
    assert str(other.load_state_dict(plain.state_dict())) == "<All keys matched successfully>"
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), fused.parameters(), strict=True))
    back = einspec.compile(VIT, head=10, seed=2, fuse=False)
    back.load_state_dict(other.state_dict())
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in back.state_dict().items())


def test_a_state_dict_that_does_not_fit() -> None:
    model = einspec.compile(VIT, head=10)
    state = dict(model.state_dict())
    name = next(path for path, module in model.named_modules() if isinstance(module, PackedPart))
    missing = {key: value for key, value in state.items() if key != f"{name}.bias"}
    with pytest.raises(RuntimeError, match=f'Missing key.* in state_dict: "{name}.bias"'):
        model.load_state_dict(missing)
    assert model.load_state_dict(missing, strict=False).missing_keys == [f"{name}.bias"]
    with pytest.raises(RuntimeError, match=f'Unexpected key.* in state_dict: "{name}.more"'):
        model.load_state_dict({**state, f"{name}.more": torch.zeros(1)})
    with pytest.raises(RuntimeError, match=f"size mismatch for {name}.weight"):
        model.load_state_dict({**state, f"{name}.weight": torch.zeros(1)})


def test_copies_pickles_and_weights_from_the_meta_device() -> None:
    model = einspec.compile(VIT, head=10).eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(again(x), model(x))
        whole = [module for module in again.modules() if isinstance(module, Packed)]
        assert {id(part.whole[0]) for part in again.modules() if isinstance(part, PackedPart)} == set(map(id, whole))
    with torch.device("meta"):
        empty = einspec.compile(VIT, head=10).eval()
    empty.load_state_dict(model.state_dict(), assign=True)
    assert torch.equal(empty(x), model(x))
    assert not any(parameter.is_meta for parameter in empty.parameters())


def test_weights_are_carried_over() -> None:
    source, target = einspec.compile(VIT, head=10, seed=1), einspec.compile(VIT, head=10, seed=2, fuse=False)
    result = einspec.transfer(source, target)
    assert not result.new
    assert not result.reshaped
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in target.state_dict().items())
