"""Compiled modules that were wrong once."""

from __future__ import annotations

import pytest
import torch

import einspec
from einspec.compiler.emit.source import source_of
from einspec.errors import EinspecError
from einspec.testing import check_modules


def arch_of(body: str, kind: str) -> einspec.Architecture:
    lines = "".join(f"//%     {line}\n" for line in body.split("\n"))
    return einspec.loads(f'//% input {kind}\n//% def whole(x):\n{lines}start: "w" -> whole').parse("w")


@pytest.mark.parametrize("layer", ["conv2d(p, 2, 1)", "depthwise(p, 3, padding=1)", "conv2d(p, 2, 1, bias=False)"])
@pytest.mark.parametrize("fuse", [True, False])
def test_copies_of_a_convolution_keep_their_bias(layer, fuse):
    text = (
        f"//% input 4,6,6\n//% def cell(p):\n//%     return {layer}\n//% def whole(x, body):\n"
        '//%     return add(*each(body, (x, relu(x))))\nstart: "w" "(" c ")" -> whole\nc: "c" -> cell'
    )
    arch = einspec.loads(text).parse("w(c)")
    model = einspec.compile(arch, seed=0, fuse=fuse)
    assert arch.params == sum(parameter.numel() for parameter in model.parameters())
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(model(x), einspec.interpret(arch, model, x))
    check_modules(arch)


@pytest.mark.parametrize("dead", ["embedding(x, 3, 2)", "parameter(x, 3)", "relative_positions(x, 2, 3)"])
def test_what_nothing_reads_may_be_of_tokens(dead):
    arch = arch_of(f"p = {dead}\nreturn embedding(x, 3, 2)", "6 int")
    model = einspec.compile(arch, seed=0)
    x = torch.zeros(1, 6, dtype=torch.long)
    torch.testing.assert_close(einspec.interpret(arch, model, x), model(x))


def test_zeros_beside_tokens_have_the_precision_of_the_network():
    arch = arch_of("e = embedding(x, 3, 6)\nreturn linear(shift(e, 1, 1), 3)", "4 int")
    x = torch.zeros(1, 4, dtype=torch.long)
    for dtype in (torch.bfloat16, torch.float64):
        model = einspec.compile(arch, seed=0).to(dtype)
        assert model(x).dtype == dtype
    check_modules(arch)


def test_a_pool_whose_window_lies_in_the_padding_is_refused():
    with pytest.raises(EinspecError, match="a window of 2 with dilation 2 lies in the padding alone"):
        arch_of("return max_pool1d(x, 2, 1, 1, 2)", "4,1 sequence")
    arch = arch_of("return max_pool1d(zeros_like(x), 2, 1, 1, 2)", "4,3 sequence")
    check_modules(arch)


@pytest.mark.parametrize(
    "pool", ["avg_pool1d(x, 2, 2, 0, True)", "avg_pool1d(x, 3, 2, 1, False, False)", "max_pool1d(x, 3, 2, 1, 1, True)"]
)
def test_pools_have_a_source(pool):
    arch = arch_of(f"return {pool}", "4,7 sequence")
    model = einspec.compile(arch)
    names: dict[str, object] = {}
    exec(compile(source_of(model), "<standalone>", "exec"), names)
    x = torch.randn(2, 4, 7)
    torch.testing.assert_close(names["Network"]()(x), model(x))  # type: ignore[operator]


def test_a_tensor_of_very_many_axes_has_a_key():
    arch = arch_of("for i in range(120):\n    x = stack(x, axis=1)\nreturn flatten(x)", "2")
    assert arch.key.startswith("2:")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return shift(x, 1, None)", "shift takes n: int, and None is none"),
        ("return shift(x, 1, 1.5)", "shift takes n: int, and 1.5 is none"),
        ("return shift(x, 1, x)", "shift takes n: int, and the value (4, 6, 6) is none"),
        ("return window_mask(x, -4, -4, 2, 1)", "windows of 2 rolled by 1 do not fill a grid of -4 times -4"),
        ('return rearrange(x, "(a b) c d -> a b c d", "b=2", a=2)', "rearrange is given sizes by name and as a text"),
        ('return rearrange(x, "(a b) c d -> a b c d", sizes="b=2", a=2)', "rearrange is given sizes by name and as a"),
        ('return parameter(x, "4,6", layout="sequence")', "parameter takes layout= beside sizes"),
        ('return einsum(x, pattern="a a b -> a")', "names an axis twice"),
        ("return linear(x, 3, width=4)", "linear is given width twice"),
    ],
)
def test_calls_that_were_other_errors(body, message):
    with pytest.raises(EinspecError) as error:
        arch_of(body, "4,6,6")
    assert message in str(error.value)
