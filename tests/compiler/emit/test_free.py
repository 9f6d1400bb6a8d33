"""Free axes: one module for any size of the axes on which nothing that it holds depends."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import einspec
from einspec.compiler.emit.source import source_of
from einspec.errors import CompileError, ShapeError

NETWORKS = Path(__file__).parents[2] / "networks"
CONVS = """
//% input 3,16,16
//% def unit(x, width: int):
//%     return relu(batch_norm(conv2d(x, width, 3, padding=1)))
start: "u" W start -> step | "mean" -> meaned | "flat" -> flat
//% def step(x, width: int, rest):
//%     return rest(max_pool2d(unit(x, width), 2))
//% def meaned(x):
//%     return linear(reduce(x, "c h w -> c"), 10)
//% def flat(x):
//%     return linear(flatten(x), 10)
W: "4" | "8"
%ignore " "
"""


def gpt(length: int = 16) -> einspec.Architecture:
    return einspec.load(NETWORKS / "gpt2.lark", input=f"{length} int").parse("gpt(768,2,12)")


def test_a_language_model_takes_any_length():
    arch = gpt()
    model = einspec.compile(arch, free=("l",), seed=0).eval()
    fixed = einspec.compile(arch, seed=0).eval()
    tokens = torch.randint(0, 50_257, (2, 16))
    with torch.no_grad():
        whole = model(tokens)
        torch.testing.assert_close(whole, fixed(tokens))
        for length in (1, 5, 9):
            torch.testing.assert_close(model(tokens[:, :length]), whole[:, :length], rtol=1e-4, atol=1e-4)
        with pytest.raises(ShapeError, match=r"expected \(batch, 16\)"):
            fixed(tokens[:, :5])
        with pytest.raises(ShapeError, match=r"expected \(batch, any\) and whole numbers"):
            model(tokens.float())


@pytest.mark.parametrize("fuse", [True, False])
def test_a_convolutional_network_takes_any_image(fuse):
    space = einspec.loads(CONVS)
    arch = space.parse("u 8 u 4 mean")
    model = einspec.compile(arch, free=("h", "w"), seed=0, fuse=fuse).eval()
    for height, width in ((16, 16), (20, 12), (5, 33)):
        other = einspec.loads(CONVS, input=(3, height, width)).parse("u 8 u 4 mean")
        at_size = einspec.compile(other, seed=0, fuse=fuse).eval()
        x = torch.randn(2, 3, height, width)
        with torch.no_grad():
            torch.testing.assert_close(model(x), at_size(x))
    assert einspec.compile(arch, free=True, seed=0).expects.kinds == (((3, None, None), True),)


REFUSED = [
    ("u 8 flat", ("h",), "h cannot be free: linear(10) has weights for (512,)"),
    ("u 8 flat", ("h", "w"), "h and w cannot be free: linear(10) has weights for (512,)"),
    ("mean", ("c",), "c cannot be free: linear(10) has weights for (3,)"),
]


@pytest.mark.parametrize(("text", "free", "message"), REFUSED)
def test_an_axis_that_a_weight_depends_on_is_refused_with_the_op(text, free, message):
    with pytest.raises(CompileError) as caught:
        einspec.compile(einspec.loads(CONVS).parse(text), free=free)
    assert str(caught.value) == message


def test_all_that_can_be():
    assert einspec.compile(einspec.loads(CONVS).parse("u 8 flat"), free=True).expects.kinds == (((3, 16, 16), True),)
    vit = einspec.load(NETWORKS / "vit.lark", input="3,32,32").parse("vit(192,12,3,16)")
    with pytest.raises(CompileError, match=r"h cannot be free: learned_positions\(0\) has weights for \(5, 192\)"):
        einspec.compile(vit, free=("h",))


@pytest.mark.parametrize(
    ("free", "error"), [("h", TypeError), ((1,), TypeError), (("l",), ValueError), (("x",), ValueError)]
)
def test_what_names_no_axes(free, error):
    with pytest.raises(error, match=r"^free="):
        einspec.compile(einspec.loads(CONVS).parse("mean"), free=free)


def test_export_and_source_keep_them_free(tmp_path):
    arch = einspec.loads(CONVS).parse("u 8 mean")
    model = einspec.compile(arch, free=True, seed=0).eval()
    einspec.export(model, tmp_path / "m.pt2")
    exported = torch.export.load(tmp_path / "m.pt2").module()
    names: dict[str, object] = {}
    exec(compile(source_of(model), "<standalone>", "exec"), names)
    standalone = names["Network"]().eval()  # type: ignore[operator]
    standalone.load_state_dict(model.state_dict())
    compiled = torch.compile(model, fullgraph=True, backend="eager", dynamic=True)
    with torch.no_grad():
        for size in ((16, 16), (24, 10), (7, 9)):
            x = torch.randn(3, 3, *size)
            expected = model(x)
            for other in (exported, standalone, compiled):
                torch.testing.assert_close(other(x), expected)


def test_a_head_is_over_any_size():
    space = einspec.loads('start: "c" -> unit\n//% def unit(x): return relu(conv2d(x, 4, 3))', input=(3, 16, 16))
    model = einspec.compile(space.parse("c"), head=5, free=("h", "w"), seed=0).eval()
    assert model(torch.randn(2, 3, 9, 20)).shape == (2, 5)

    def rigid(kind: einspec.Type) -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(kind.elements, 5))

    with pytest.raises(CompileError, match=r"^h and w cannot be free: at \(3, 32, 64\) torch says: "):
        einspec.compile(space.parse("c"), head=rigid, free=("h", "w"))
