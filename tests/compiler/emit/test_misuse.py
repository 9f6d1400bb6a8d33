"""Modules of odd ops and odd uses: what fresh eyes found, each by name."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

import einspec
from einspec import Type
from einspec.compiler.emit.modules import LineBatchNorm
from einspec.compiler.emit.source import source_of
from einspec.ops import combinator, each, primitive, tie
from einspec.ops.library.merge import add, cat, dot
from einspec.ops.library.tensor import group, im2col, linear, permute, softmax
from einspec.testing import check_modules

TABLE = torch.arange(8.0)
CAPTURED = nn.Linear(8, 8)


def of(body: object, input: object = (4, 8), around: object = None) -> einspec.Architecture:
    """One op, or a combinator around it."""
    if around is None:
        return einspec.loads('net: "a" -> one', input=input, ops=[renamed(body)]).parse("a")
    grammar = 'net: "a" p -> around\np: "b" -> one'
    return einspec.loads(grammar, input=input, ops=[renamed(around, "around"), renamed(body)]).parse(
        "a b".replace(" ", "")
    )


def renamed(op: object, name: str = "one") -> object:
    op.name = name
    return op


def rule(**declared):
    """A primitive of one input that keeps its type."""

    @primitive(**declared)
    def one(x: Type) -> Type:
        return x

    return one


def two_copies():
    @combinator
    def around(x, body):
        return add(*each(body, (x, softmax(x))))

    return around


def wide():
    @combinator
    def one(x):
        return linear(x, 5)

    return one


# -- weights that several nodes share, or that are read twice


def test_a_tied_layer_over_two_windows():
    """One set of weights cannot be two convolutions, which differ in their padding."""

    @combinator
    def around(x, body):
        tied = tie(body)
        return add(tied(im2col(x, 3, 4, 0)), tied(im2col(x, 3, 4, 1)))

    check_modules(of(wide(), (2, 7, 7), around))


def test_a_tied_layer_over_patches_and_over_rows():
    @combinator
    def around(x, body):
        tied = tie(body)
        return add(tied(im2col(x, 1, 1, 0)), tied(permute(im2col(x, 1, 1, 0), "12")), tied(softmax(im2col(x, 1, 1, 0))))

    check_modules(of(wide(), (2, 3, 3), around))


def test_a_copy_that_is_summed_and_read():
    """The sum of the copies as one layer would run the layers twice."""

    @combinator
    def around(x, body):
        a, b = each(body, group(x, 2, 2))
        return cat(add(a, b), a, axis=2)

    arch = of(wide(), (4, 8), around)
    check_modules(arch)
    assert arch.costs.macs == arch.macs


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("replicate(group(4,2), replicate(clone(4), linear(16), cat(2)), add)", (8, 16)),
        ("replicate(group(4,2), replicate(group(4,2), replicate(clone(4), linear(16), cat(2)), add), add)", (8, 16)),
        (
            "replicate(clone(4), seq(linear(16), replicate(clone(4), seq(linear(32), seq(relu, linear(16))), add)), add)",
            (8, 16),
        ),
    ],
)
def test_sums_of_wide_layers(text, sizes):
    """The layers of a sum may each be those of several copies."""
    arch = einspec.load("einspace", input=sizes).parse(text)
    assert check_modules(arch)["sum of linears"]
    source_works(arch)


def test_scores_that_are_read_twice():
    """Attention as one op would compute them again for each reader."""

    @combinator
    def one(x):
        weights = softmax(dot(x, permute(x, "21")))
        return add(dot(weights, linear(x, 8)), dot(weights, linear(x, 8)))

    arch = of(one, (16, 8))
    check_modules(arch)
    assert arch.costs.macs == arch.macs


def test_layers_of_two_inputs_in_copies():
    @primitive(torch=lambda x, y: nn.Bilinear(8, 8, 6), params=lambda x, y: {"weight": (6, 8, 8), "bias": (6,)})
    def one(x: Type, y: Type) -> Type:
        return x.with_axis(-1, 6)

    @combinator
    def around(x, body):
        return add(*each(body, ((x, x), (x, softmax(x)))))

    arch = of(one, (4, 8), around)
    check_modules(arch)
    assert source_works(arch) is None


# -- functions of tensors


def source_works(arch: einspec.Architecture) -> None:
    model = einspec.compile(arch)
    names: dict[str, object] = {"__name__": "standalone"}
    exec(compile(source_of(model), "<standalone>", "exec"), names)
    network = names["Network"]()
    network.load_state_dict(model.state_dict())
    x = torch.randn(2, *arch.space.inputs[0].sizes)
    assert torch.equal(network.eval()(x), model.eval()(x))


def test_functions_that_hold_tensors():
    arch = of(rule(torch=lambda x: lambda t: t + TABLE + torch.arange(8)), around=two_copies())
    check_modules(arch)
    assert not einspec.compile(arch).state_dict()
    source_works(arch)
    (constant, _) = einspec.compile(arch).double().buffers()
    assert (constant.dtype, TABLE.dtype) == (torch.float64, torch.float32)


REFUSED = [
    (
        rule(torch=lambda x: lambda t: CAPTURED(t)),
        "one cannot be traced: it holds weights: declare them with params=, and let torch= return an nn.Module; let torch= "
        "return an nn.Module, which is called as it is",
    ),
    (rule(torch=lambda x: lambda t: None), "one: its function returned None: expected tensors"),
    (
        rule(torch=lambda x: lambda t: (t, t)),
        "one: its function returned 2 tensors, and its type rule says 1",
    ),
    (
        rule(torch=lambda x: CAPTURED, params=lambda x: {"weight": (8, 8), "bias": (8,)}),
        "torch= of one returned one module twice: each use has weights of its own, so make a new one each time",
    ),
    (
        rule(torch=lambda x: lambda t: t, params=lambda x: 0),
        "torch= of the op one returned a function: what has weights or state is an nn.Module",
    ),
]


@pytest.mark.parametrize(("op", "message"), REFUSED, ids=["weights", "nothing", "too many", "shared", "no module"])
def test_functions_that_are_refused(op, message):
    with pytest.raises(einspec.CompileError) as caught:
        einspec.compile(of(op, around=two_copies()))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "function",
    [lambda t, u: t, lambda t: int(t.size(0)), lambda t: torch.zeros(t.shape[0], 3), lambda t: torch.tensor(t)],
)
def test_functions_that_cannot_be_traced(function):
    with pytest.raises(
        einspec.CompileError, match=r"^one cannot be traced: .*; let torch= return an nn.Module, which is"
    ):
        einspec.compile(of(rule(torch=lambda x: function)))


def test_pointwise_ops_that_look_at_their_types():
    """Copies of one's own op are realised at its types, not at those of a stack."""
    check_modules(of(rule(torch=lambda x: lambda t: t / x.elements, pointwise=True), around=two_copies()))


def test_sums_of_small_whole_numbers():
    @combinator
    def around(x, body):
        return add(*each(body, (x, permute(x, "21"), x)))

    arch = of(rule(torch=lambda x: lambda t: t * 3), einspec.Type((2, 2), "int"), around)
    x = torch.full((1, 2, 2), 100, dtype=torch.int8)
    fused, plain = einspec.compile(arch)(x), einspec.compile(arch, fuse=False)(x)
    assert fused.dtype == plain.dtype == torch.int8
    assert torch.equal(fused, plain)


# -- source


def shared_relu(x: Type) -> nn.Module:
    relu = nn.ReLU()
    return nn.Sequential(nn.Linear(8, 8), relu, nn.Linear(8, 8), relu)


@pytest.mark.parametrize(
    "op",
    [
        rule(torch=lambda x: lambda t: t.clamp(-float("inf"), 1e30).to(torch.device("cpu"))),
        rule(torch=shared_relu, params=lambda x: 144),
        rule(torch=lambda x: nn.Sequential(OrderedDict(a=nn.Linear(8, 8), b=nn.ReLU())), params=lambda x: 72),
    ],
    ids=["inf", "a module twice", "named parts"],
)
def test_source_of_odd_ops(op):
    source_works(of(op))


def test_source_of_what_torch_does_not_print():
    hooked = nn.Tanh()
    hooked.register_forward_hook(lambda *given: given[-1] * 2)
    with pytest.raises(einspec.CompileError, match=r"^Tanh has hooks, which no source tells: export to a .pt2 file$"):
        source_of(einspec.compile(of(rule(torch=lambda x: hooked))))
    pool = rule(torch=lambda x: nn.FractionalMaxPool2d(2, output_size=3))
    with pytest.raises(
        einspec.CompileError, match=r"^nn.FractionalMaxPool2d does not print all that makes it, so that no source"
    ):
        source_of(einspec.compile(of(pool)))


@pytest.mark.parametrize("name", ["functional", "nn", "math", "operator", "\ufb01", "\uff53\uff45\uff4c\uff46"])
def test_inputs_of_names_that_code_uses(name):
    arch = einspec.loads('net: "r" -> relu', input={name: (4, 8)}).parse("r")
    source_works(arch)


def test_names_that_python_reads_as_others():
    with pytest.raises(TypeError, match=r": expected a name as Python has them"):
        primitive(name="\uff2e")(lambda x: x)
    both = combinator(inputs=2)(lambda a, b, body: add(body(a), b))
    arch = einspec.loads(
        'net: "a" p -> around\np: "b" -> one', input={"\ufb01": (4, 8), "fi": (4, 8)},
        ops=[renamed(both, "around"), renamed(rule(torch=lambda x: lambda t: t))],
    ).parse("ab")  # fmt: skip
    einspec.compile(arch)(torch.zeros(1, 4, 8), torch.zeros(1, 4, 8))


# -- what torch gets wrong


def test_batch_norms_of_images_of_one_column():
    """torch 2.13: nn.BatchNorm2d gives wrong gradients where an image of one row or column is not in one piece."""
    text = "route(permute(312), replicate(group(8,3), replicate(group(4,3), norm, add), cat(3)), permute(321))"
    check_modules(einspec.load("einspace", input=(3, 32, 32)).parse(text))
    x = torch.randn(2, 5, 1, 4, dtype=torch.float64).permute(0, 3, 1, 2).requires_grad_()
    layer = LineBatchNorm(4).double()
    upstream = torch.randn(2, 4, 5, 1, dtype=torch.float64)
    found = torch.autograd.grad((layer(x) * upstream).sum(), [x, layer.weight])
    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
    weight = torch.ones(4, dtype=torch.float64, requires_grad=True)
    by_hand = (x - mean) / (variance + 1e-5).sqrt() * weight.view(1, 4, 1, 1)
    for one, other in zip(found, torch.autograd.grad((by_hand * upstream).sum(), [x, weight]), strict=True):
        torch.testing.assert_close(one, other)


# -- batches, limits, files


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("replicate(group(4,1), route(im2col(3,1,1), linear(16), col2im), cat(1))", (8, 8, 8)),
        ("replicate(clone(4), seq(linear(32), seq(relu, linear(16))), add)", (8, 16)),
        ("replicate(group(4,1), seq(maxpool(3,2,1), norm), cat(1))", (8, 8, 8)),
        ("replicate(group(4,1), replicate(group(4,2), seq(norm, linear(16)), add), cat(1))", (8, 16)),
        ("seq(linear(16), relu)", (8, 8, 8)),
    ],
)
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "unfused"])
def test_empty_batches(text, sizes, fuse):
    arch = einspec.load("einspace", input=sizes).parse(text)
    assert einspec.compile(arch, fuse=fuse).eval()(torch.zeros(0, *sizes)).shape == (0, *arch.output.sizes)


def test_costs_of_more_copies_than_there_are_numbers():
    text = "linear(64)"
    for _ in range(20):
        text = f"replicate(clone(8), {text}, add)"
    arch = einspec.load("einspace", input=(8, 8, 8)).parse(text)
    assert (arch.costs.params, arch.costs.macs) == (arch.params, arch.macs)
    assert arch.costs.critical_ops == 21


def test_costs_of_tensors_that_fit_in_no_machine():
    """A stack of them would have more numbers than a type may: none of the copies in copies is stacked."""
    text = "linear(64)"
    for _ in range(4):
        text = f"replicate(clone(8), {text}, add)"
    arch = einspec.load("einspace", input=(2**45, 64)).parse(text)
    assert (arch.costs.params, arch.costs.macs) == (arch.params, arch.macs)


def test_a_limit_of_memory():
    arch = einspec.load("einspace", input=(8, 16)).parse("seq(linear(16), norm)")
    assert einspec.compile(arch, max_memory=10_000)
    with pytest.raises(einspec.CompileError) as caught:
        einspec.compile(arch, max_memory=1_500)
    assert str(caught.value) == (
        "the weights take 1.19 KiB and running one example takes 1.06 KiB, together 2,304 bytes: more than max_memory, 1,500 "
        "bytes; sample with max_params or max_macs, or allow more"
    )
    with pytest.raises(ValueError, match=r"^max_memory=0: expected at least one byte$"):
        einspec.compile(arch, max_memory=0)
    with pytest.raises(TypeError, match=r"^max_memory=1.5: expected a whole number of bytes$"):
        einspec.compile(arch, max_memory=1.5)
    with pytest.raises(
        einspec.CompileError, match=r"^the weights take 66.4 MiB and running one example takes 1.06 KiB, "
    ):
        einspec.compile(arch, head=1_024_000, max_memory=10_000)
    convolution = einspec.load("einspace", input=(3, 32, 32)).parse("route(im2col(3,1,1), linear(16), col2im)")
    assert einspec.compile(convolution, max_memory=100_000)
    with pytest.raises(einspec.CompileError, match=r"running one example takes 172 KiB"):
        einspec.compile(convolution, fuse=False, max_memory=100_000)


def test_a_limit_of_memory_takes_none():
    """Refused from the figures, before anything is made."""
    text = "linear(64)"
    for _ in range(6):
        text = f"replicate(clone(8), {text}, add)"
    arch = einspec.load("einspace", input=(64, 64)).parse(text)
    with pytest.raises(einspec.CompileError, match=r"^the weights take 4.0\d GiB and running one example takes "):
        einspec.compile(arch, max_memory=2**31)


class Undecided(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_files_are_kept_where_export_fails(tmp_path):
    path = tmp_path / "model.pt2"
    path.write_text("kept")
    model = einspec.compile(of(rule(torch=lambda x: Undecided())))
    with pytest.raises(einspec.CompileError, match=r"^torch cannot export this module: "):
        einspec.export(model, path)
    assert path.read_text() == "kept"


def test_what_cannot_be_exported(tmp_path):
    model = einspec.compile(of(rule(torch=lambda x: lambda t: t)))
    with pytest.raises(einspec.CompileError) as caught:
        einspec.export(model, "model.onnx")
    assert str(caught.value) == (
        "model.onnx: expected a file name that ends in .py (source), .pt (weights) or .pt2 (a program of torch)"
    )
    with pytest.raises(einspec.CompileError, match=r"cannot be written: embedded null byte$"):
        einspec.export(model, "a\0.py")
    with pytest.raises(einspec.CompileError, match=r"cannot be written: No such file or directory$"):
        einspec.export(model, tmp_path / "no" / "model.py")
    with pytest.raises(einspec.CompileError, match=r"^a Linear that einspec.compile has not made"):
        einspec.export(nn.Linear(2, 2), tmp_path / "a.pt")


def test_inputs_that_are_no_tensors():
    model = einspec.compile(of(rule(torch=lambda x: lambda t: t)))
    for x, kind in ((None, "NoneType"), ([1.0], "list")):
        with pytest.raises(TypeError) as caught:
            model(x)
        assert str(caught.value) == f"x is of the type {kind}: expected a tensor"
    for dtype in (torch.bool, torch.complex64):
        whole = einspec.compile(of(rule(torch=lambda x: lambda t: t), einspec.Type((4,), "int")))
        with pytest.raises(einspec.ShapeError, match=r"expected \(batch, 4\) and whole numbers$"):
            whole(torch.zeros(1, 4, dtype=dtype))


def test_heads_that_do_not_fit():
    with pytest.raises(einspec.CompileError) as caught:
        einspec.compile(of(rule(torch=lambda x: lambda t: t)), head=lambda output: nn.Linear(7, 3))
    assert str(caught.value) == ("the head cannot take (4, 8): mat1 and mat2 shapes cannot be multiplied (8x8 and 7x3)")


def test_seeds_of_numpy():
    numpy = pytest.importorskip("numpy")
    arch = of(wide(), (4, 8))
    assert torch.equal(
        next(einspec.compile(arch, seed=numpy.int64(3)).parameters()), next(einspec.compile(arch, seed=3).parameters())
    )
