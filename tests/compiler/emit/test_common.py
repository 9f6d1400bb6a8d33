"""What is the same for all examples, as learned tables are, stands beside inputs of any batch."""

from __future__ import annotations

import pytest
import torch

import einspec

HEADER = "//% input 5,8\n"
SPACES = {
    "a class token": ("cat(parameter(x, 1, 8), x, axis=1)", (6, 8)),
    "added": ("add(x, parameter(x, 5, 8))", (5, 8)),
    "multiplied and stretched": ("mul(x, parameter(x, 1, 8, init='ones'))", (5, 8)),
    "computed before it meets an input": ("add(linear(x, 4), linear(gelu(parameter(x, 5, 3)), 4))", (5, 4)),
    "given alone": ("linear(parameter(x, 7, 3), 2)", (7, 2)),
    "a product": ("dot(x, parameter(x, 8, 3))", (5, 3)),
    "chance": ("add(x, dropout(parameter(x, 5, 8), 0.5))", (5, 8)),
    "state": ("batch_norm(parameter(x, 6, init='normal'))", (6,)),
    "of attention": ("attention(x, parameter(x, 9, 8), parameter(x, 9, 4))", (5, 4)),
    "with biases": ("attention(x, x, x, parameter(x, 5, 5), parameter(x, 1, 5), causal=True)", (5, 8)),
    "a query": ("attention(parameter(x, 2, 8), x, x)", (2, 8)),
}


def arch_of(expression: str) -> einspec.Architecture:
    return einspec.loads(f'{HEADER}//% def whole(x):\n//%     return {expression}\nstart: "w" -> whole').parse("w")


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("batch", [1, 3])
def test_compiled_is_interpreted(name, fuse, batch):
    expression, sizes = SPACES[name]
    arch = arch_of(expression)
    model = einspec.compile(arch, fuse=fuse, seed=0)
    x = torch.randn(batch, 5, 8)
    model.eval()
    found = model(x)
    assert tuple(found.shape) == (batch, *sizes)
    torch.testing.assert_close(found, einspec.interpret(arch, model, x))
    if batch > 1:
        model.train()(x).sum().backward()
        assert all(parameter.grad is not None for parameter in model.parameters())


def test_chance_is_of_each_example():
    model = einspec.compile(arch_of("dropout(parameter(x, 5, 8), 0.5)"), seed=0).train()
    torch.manual_seed(0)
    found = model(torch.randn(4, 5, 8))
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("sizes", [(1, 3), (2, 5)])
def test_copies_take_them(sizes):
    """A table that a body holds, and one that is given to it."""
    defs = (
        "//% def whole(x, cell):\n//%     t = parameter(x, 5, 4)\n//%     return add(*each(cell, ((a, t) for a in split(x, 2, 2))))\n"
        "//% @combinator(inputs=2)\n//% def cell(x, t):\n//%     return add(x, t, parameter(x, 5, 4))\n"
    )
    arch = einspec.loads(f'{HEADER}{defs}start: cell -> whole\ncell: "c" -> cell').parse("c")
    model = einspec.compile(arch, seed=0).eval()
    x = torch.randn(*sizes, 5, 8)[0]
    torch.testing.assert_close(model(x), einspec.interpret(arch, model, x))


def test_export_and_source_keep_the_batch_free(tmp_path):
    arch = arch_of(SPACES["a class token"][0])
    model = einspec.compile(arch, seed=0).eval()
    einspec.export(model, tmp_path / "m.pt2")
    exported = torch.export.load(tmp_path / "m.pt2").module()
    for batch in (1, 4):
        x = torch.randn(batch, 5, 8)
        torch.testing.assert_close(exported(x), model(x))


def test_attention_with_biases_by_hand():
    arch = arch_of(SPACES["with biases"][0])
    model = einspec.compile(arch, seed=0).eval()
    tables = [parameter for _, parameter in sorted(model.named_parameters())]
    whole, row = sorted(tables, key=lambda table: -table.numel())
    x = torch.randn(3, 5, 8)
    scores = x @ x.transpose(1, 2) / 8**0.5 + whole + row
    scores = scores.masked_fill(torch.ones(5, 5, dtype=torch.bool).triu(1), float("-inf"))
    torch.testing.assert_close(model(x), scores.softmax(-1) @ x)
