"""Outputs that a grammar names, and a head for each."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import einspec
from einspec.errors import CompileError, GrammarError

TEXT = """
//% input 3,8,8
//% output logits, auxiliary
//% def two(x):
//%     h = relu(conv2d(x, 4, 3))
//%     return conv2d(h, 6, 3), h
start: "two" -> two
"""


def test_a_head_for_each_output():
    arch = einspec.loads(TEXT).parse("two")
    x = torch.randn(2, 3, 8, 8)
    both = einspec.compile(arch, head={"logits": 10, "auxiliary": lambda kind: nn.Flatten()}, seed=0)
    assert [tuple(y.shape) for y in both(x)] == [(2, 10), (2, 4 * 36)]
    one = einspec.compile(arch, head={"auxiliary": 5}, seed=0)
    assert [tuple(y.shape) for y in one(x)] == [(2, 6, 4, 4), (2, 5)]
    assert sum(p.numel() for p in one.parameters()) == arch.params + 4 * 5 + 5
    assert {name.split(".")[0] for name, _ in both.named_parameters() if "head" in name} == {"head_logits"}


@pytest.mark.parametrize(
    ("head", "error", "message"),
    [
        ({"logit": 10}, ValueError, "head={'logit': 10}: there is no output 'logit'; did you mean 'logits'?"),
        ({"logits": 0}, ValueError, "head=0: expected at least one class"),
        (
            10,
            CompileError,
            "a head takes one output, and this architecture gives the tuple ((6, 4, 4), (4, 6, 6)): say which: head={'logits': 10}",
        ),
    ],
)
def test_heads_that_are_none(head, error, message):
    with pytest.raises(error) as caught:
        einspec.compile(einspec.loads(TEXT).parse("two"), head=head)
    assert str(caught.value) == message


def test_other_numbers_of_names():
    arch = einspec.loads(TEXT.replace("logits, auxiliary", "logits")).parse("two")
    with pytest.raises(CompileError, match="gives 2 outputs, and its grammar names logits: write their names in order"):
        einspec.compile(arch, head={"logits": 10})
    with pytest.raises(GrammarError, match=r"E303\]: the output 'a' is there twice"):
        einspec.loads(TEXT.replace("logits, auxiliary", "a, a"))
    with pytest.raises(GrammarError, match=r"E303\]: the output '3' is no name"):
        einspec.loads(TEXT.replace("logits, auxiliary", "3"))
