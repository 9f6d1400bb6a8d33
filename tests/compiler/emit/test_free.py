"""Free axes: one module for any size of the axes on which nothing that it holds depends."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import einspec
from einspec.compiler.emit.source import source_of
from einspec.errors import CompileError, ShapeError
from einspec.types import Type

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


OF_ANY_SIZE = {
    "a product over rows": ("4,6,6", 'scaled_dot(x, permute(x, "132"))'),
    "parts": ("4,6,6", "global_avg_pool(add(*group(x, 2, 2)))"),
    "parts of an axis": ("4,6,6", "add(*split(x, 3, 3))"),
    "all places": ("4,6,6", "global_avg_pool(narrow(x, 2, 0, 6))"),
    "joined": ("4,6,6", "global_avg_pool(cat(narrow(x, 2, 0, 3), narrow(x, 2, 3, 6), axis=2))"),
    "a number that is 1 / sqrt(4)": ("3,6,4", 'dot(softmax(scale_by(dot(x, permute(x, "132")), 0.5)), x)'),
    "a norm of the last axis": ("4,6,6", "layer_norm(x, affine=False)"),
    "causal": ("6,4", "attention(x, x, x, parameter(x, 1, 1), causal=True)"),
    "causal by rows": ("6,4", "attention(x, x, x, causal=True)"),
    "windows": ("3,8,8", 'rearrange(gelu(rearrange(x, "c (y h) (z w) -> (y z) c h w", h=4, w=4)), "n c h w -> n h w c")'),
    "mean": ("4,6,6", 'reduce(x, "c h w -> c")'),
    "pooled": ("4,8,8", "max_pool2d(x, 3, 2, 1)"),
    "shifted": ("4,8,8", "shift(x, 3, 1)"),
    "rolled": ("4,8,8", "roll(x, 2, 3)"),
    "cropped": ("4,8,8", "crop(x, 1, 1, 2, 2)"),
    "a place": ("8,4", "unbind(x, 1)[1]"),
    "sequences": ("4,9 sequence", "conv1d(relu(x), 3, 3, padding=1)"),
    "recurrent": ("5,3", "gru(x, 4)"),
    "positions": ("5,4", "rotary(sinusoidal_positions(x))"),
    "as the rows say": ("6,4", "scale_by(x, x.s ** -0.5)"),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_ANY_SIZE)
@pytest.mark.parametrize("fuse", [True, False])
def test_what_is_free_computes_as_at_that_size(name, fuse):
    """Compiled once with all axes free that can be, and again at each other size."""
    kind, body = OF_ANY_SIZE[name]
    text = f'//% def whole(x):\n//%     return {body}\nstart: "w" -> whole'
    arch = einspec.loads(text, input=kind).parse("w")
    model = einspec.compile(arch, free=True, seed=0, fuse=fuse).eval()
    torch.manual_seed(0)
    first = arch.inputs[0]
    for factors in ((1, 1, 1), (1, 2, 1), (1, 1, 2), (1, 2, 2), (2, 1, 1)):
        sizes = [size * factor for size, factor in zip(first.sizes, factors, strict=False)]
        x = torch.randn(2, *sizes)
        try:
            found = model(x)
        except ShapeError:
            assert sizes != list(first.sizes)
            continue
        other = einspec.loads(text, input=Type(sizes, layout=first.layout)).parse("w")
        at_size = einspec.compile(other, seed=0, fuse=fuse).eval()
        torch.testing.assert_close(found, at_size(x))


@pytest.mark.parametrize(
    ("name", "letters"), [("parts", "w"), ("a norm of the last axis", "h"), ("causal", "s"), ("mean", "hw")]
)
def test_which_axes_can_be(name, letters):
    kind, body = OF_ANY_SIZE[name]
    arch = einspec.loads(f'//% def whole(x):\n//%     return {body}\nstart: "w" -> whole', input=kind).parse("w")
    model = einspec.compile(arch, free=True)
    axes = "chw" if arch.inputs[0].rank == 3 else "sd"
    free = {axis for axis, size in zip(axes, model.expects.kinds[0][0], strict=True) if size is None}
    assert set(letters) <= free
