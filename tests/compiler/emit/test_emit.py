"""Modules: heads, seeds, ops of one's own, what torch can do with them, and clear errors."""

from __future__ import annotations

import copy
import io
import pickle
import random

import pytest
import torch
from torch import nn

import einspec
from tests.baselines import NB201_ALL_CONV
from tests.compiler.helpers import assert_compiles, assert_same, random_inputs
from tests.compiler.ops import parse

LIGHT_CELL = ", ".join(f"('{op}', {source})" for op, source in [("max_pool_3x3", 0), ("skip_connect", 1)] * 4)
LIGHT_DARTS = (
    f"Genotype(normal=[{LIGHT_CELL}], normal_concat=[2, 3, 4, 5], reduce=[{LIGHT_CELL}], reduce_concat=[2, 3, 4, 5])"
)

HANDFUL = [
    ("einspace", (3, 8, 8), "seq(route(im2col(3,1,1), linear(16), col2im), seq(norm, relu))"),
    ("einspace", (3, 8, 16), "branch(clone(2), linear(16), route(permute(132), linear(16), permute(132)), scaled_dot)"),
    ("einspace", (8, 16), "replicate(clone(4), replicate(group(4,1), seq(norm, linear(32)), cat(1)), add)"),
    ("einspace", (8, 16), "seq(identity, identity)"),
    ("nasbench201", (3, 8, 8), "|none~0|+|skip_connect~0|avg_pool_3x3~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|"),
    ("darts", (3, 8, 8), LIGHT_DARTS),
    ("mlp", (8,), "mlp(16, dense relu residual(norm dense); layer layer layer)"),
]
IDS = ["convolution", "attention", "replicas", "identity", "nasbench201", "darts", "mlp"]


def architecture(name: str, sizes: tuple[int, ...], text: str) -> einspec.Architecture:
    return einspec.load(name, input=sizes).parse(text)


def random_darts(sizes=(3, 8, 8)) -> einspec.Architecture:
    return einspec.load("darts", input=sizes).sample(rng=5)


def same_state(left: nn.Module, right: nn.Module) -> bool:
    one, other = left.state_dict(), right.state_dict()
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


# -- heads


@pytest.mark.parametrize(
    ("text", "sizes", "axes"),
    [("seq(linear(16), relu)", (3, 8, 8), (2, 3)), ("seq(linear(16), relu)", (8, 4), (1,)), ("linear(16)", (8,), ())],
    ids=["image", "matrix", "vector"],
)
def test_head_is_the_mean_then_a_linear_layer(text, sizes, axes):
    arch = parse(text, sizes)
    body, model = einspec.compile(arch), einspec.compile(arch, head=10)
    (x,) = random_inputs(arch.space, dtype=torch.float32)
    scores = model(x)
    assert scores.shape == (2, 10)
    features = body(x).mean(dim=axes) if axes else body(x)
    torch.testing.assert_close(scores, model.head.linear(features))
    assert model.head.linear.in_features == arch.output.channels
    assert sum(parameter.numel() for parameter in model.parameters()) == arch.params + (arch.output.channels + 1) * 10


def test_interpreting_leaves_the_head_out():
    arch = parse("seq(linear(16), norm)")
    model = einspec.compile(arch, head=10).double()
    body = einspec.compile(arch).double()
    (x,) = random_inputs(arch.space)
    torch.testing.assert_close(einspec.interpret(arch, model, x), body(x))


def test_head_factory_sees_the_output_type():
    seen = []

    def head(output: einspec.Type) -> nn.Module:
        seen.append(output)
        return nn.Sequential(nn.Flatten(), nn.Linear(output.elements, 3))

    arch = parse("seq(linear(32), relu)")
    model = einspec.compile(arch, head=head)
    assert seen == [einspec.Type((4, 32))]
    assert model(torch.zeros(2, 4, 16)).shape == (2, 3)


@pytest.mark.parametrize(
    ("head", "error", "message"),
    [
        (0, ValueError, "head=0: expected at least one class"),
        (-3, ValueError, "head=-3: expected at least one class"),
        (True, TypeError, "head=True: expected None, a number of classes, or a function from the output type"),
        ("ten", TypeError, "head='ten': expected None, a number of classes, or a function from the output type"),
        (2.5, TypeError, "head=2.5: expected None, a number of classes, or a function from the output type"),
        (lambda output: 3, TypeError, "head(...) returned 3: expected an nn.Module"),
        (lambda output: None, TypeError, "head(...) returned None: expected an nn.Module"),
    ],
    ids=["zero", "negative", "bool", "text", "float", "a number back", "None back"],
)
def test_bad_heads(head, error, message):
    with pytest.raises(error) as caught:
        einspec.compile(parse("relu"), head=head)
    assert str(caught.value) == message


def test_a_head_takes_one_output():
    arch = parse("extremes")
    assert einspec.compile(arch)(torch.zeros(2, 4, 16))[1].shape == (2, 4)
    with pytest.raises(einspec.CompileError) as caught:
        einspec.compile(arch, head=10)
    assert str(caught.value) == (
        "a head takes one output, and this architecture gives the tuple ((4,), (4,)): compile it without"
    )


def test_a_head_computes_with_floats():
    arch = parse("permute(21)", "4,16 int")
    with pytest.raises(einspec.CompileError) as caught:
        einspec.compile(arch, head=10)
    assert str(caught.value) == "a head computes with floats, and the output is (16, 4) int: compile it without"


def test_a_head_that_no_machine_holds():
    with pytest.raises(
        einspec.CompileError, match=r"^torch cannot make a head of 100,000,000,000,000 classes for \(4, 16\): "
    ):
        einspec.compile(parse("relu"), head=10**14)


# -- seeds


def test_one_seed_gives_the_same_weights():
    arch = random_darts()
    assert same_state(einspec.compile(arch, head=10, seed=3), einspec.compile(arch, head=10, seed=3))
    assert same_state(einspec.compile(arch), einspec.compile(arch, seed=0))


@pytest.mark.parametrize("text", ["linear(16)", "pos", "copies(linear(16))"])
def test_other_seeds_give_other_weights(text):
    arch = parse(text)
    models = [einspec.compile(arch, head=2, seed=seed) for seed in (0, 1, -1, 2**64, 2**64 + 1)]
    for name in models[0].state_dict():
        assert len({tuple(model.state_dict()[name].flatten().tolist()) for model in models}) == len(models)


def test_weights_of_different_slots_differ():
    state = einspec.compile(parse("seq(linear(16), seq(linear(16), copies(linear(16))))")).state_dict()
    stacked = [value.view(-1, 16, 16) for name, value in state.items() if name.endswith("weight")]
    weights = [tuple(weight.flatten().tolist()) for weight in torch.cat(stacked)]
    assert len(set(weights)) == len(weights) == 5


def test_weights_do_not_depend_on_what_comes_after():
    short = einspec.compile(parse("seq(linear(16), relu)"), seed=4).state_dict()
    longer = einspec.compile(parse("seq(linear(16), seq(relu, copies(linear(32))))"), seed=4, head=7).state_dict()
    assert torch.equal(short["linear_1.weight"], longer["linear_1.weight"])


def test_torchs_generator_is_left_alone():
    arch = random_darts()
    torch.manual_seed(1)
    expected = torch.rand(4)
    torch.manual_seed(1)
    random.seed(1)
    before = random.getstate()
    einspec.compile(arch, head=10)
    assert torch.equal(torch.rand(4), expected)
    assert random.getstate() == before


def test_weights_do_not_depend_on_torchs_generator():
    arch = parse("seq(linear(16), pos)")
    torch.manual_seed(1)
    first = einspec.compile(arch, head=3)
    torch.manual_seed(2)
    assert same_state(first, einspec.compile(arch, head=3))


def test_weights_are_torchs_default():
    """A linear layer of n inputs is drawn within 1 / sqrt(n), positions from N(0, 1)."""
    state = einspec.compile(parse("seq(linear(32), pos)", (64, 64))).state_dict()
    weight, position = state["linear_1.weight"], state["pos_2.position"]
    assert weight.abs().max() <= 1 / 8
    assert weight.abs().max() > 0.12
    assert abs(weight.mean()) < 0.01
    assert abs(position.mean()) < 0.1
    assert abs(position.std() - 1) < 0.1


@pytest.mark.parametrize("seed", [None, "1", 1.0, True])
def test_bad_seeds(seed):
    with pytest.raises(TypeError) as caught:
        einspec.compile(parse("relu"), seed=seed)
    assert str(caught.value) == f"seed={seed!r}: expected a whole number"


# -- what torch can do with a module


@pytest.mark.parametrize(("name", "sizes", "text"), HANDFUL, ids=IDS)
def test_copies_of_a_module(name, sizes, text):
    arch = architecture(name, sizes, text)
    model = einspec.compile(arch, head=10).eval()
    (x,) = random_inputs(arch.space, dtype=torch.float32)
    expected = model(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), saved_and_loaded(model)):
        assert torch.equal(other(x), expected)
        assert same_state(other, model)
        for parameter in other.parameters():  # its own weights, not shared with the original
            parameter.data.zero_()
        assert torch.equal(model(x), expected)


def saved_and_loaded(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize(("name", "sizes", "text"), HANDFUL, ids=IDS)
def test_state_dict_round_trip(name, sizes, text):
    arch = architecture(name, sizes, text)
    model, other = einspec.compile(arch, seed=1), einspec.compile(arch, seed=2)
    other.load_state_dict(model.state_dict())
    inputs = random_inputs(arch.space, dtype=torch.float32)
    assert torch.equal(model.eval()(*inputs), other.eval()(*inputs))
    assert same_state(model, other)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_dtypes(dtype):
    for name, sizes, text in HANDFUL:
        arch = architecture(name, sizes, text)
        (x,) = random_inputs(arch.space, dtype=dtype)
        assert einspec.compile(arch, head=10).to(dtype)(x).dtype == dtype


@pytest.mark.parametrize(("name", "sizes", "text"), HANDFUL, ids=IDS)
def test_export(name, sizes, text):
    arch = architecture(name, sizes, text)
    model = einspec.compile(arch).eval()
    inputs = tuple(random_inputs(arch.space, dtype=torch.float32))
    exported = torch.export.export(model, inputs).module()
    torch.testing.assert_close(exported(*inputs), model(*inputs))


@pytest.mark.parametrize(("name", "sizes", "text"), HANDFUL, ids=IDS)
def test_torch_compile(name, sizes, text):
    arch = architecture(name, sizes, text)
    model = einspec.compile(arch, head=10)
    inputs = random_inputs(arch.space, dtype=torch.float32)
    torch._dynamo.reset()
    compiled = torch.compile(model.eval(), fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(*inputs), model(*inputs))


def test_code_reads_well():
    model = einspec.compile(parse("seq(linear(16), branch(clone(2), relu, identity, add))"), head=10)
    assert [line.strip() for line in model.code.strip().splitlines()] == [
        "def forward(self, x):",
        "x = self.expects(x)",
        "x = self.linear_1(x)",
        "y = torch.nn.functional.leaky_relu(x, negative_slope = 0.01, inplace = False)",
        "x = y + x",
        "del y",
        "x = self.head(x)",
        "return x",
    ]
    assert isinstance(model, torch.fx.GraphModule)


def test_batch_norm_follows_the_mode():
    arch = architecture("nasbench201", (3, 8, 8), NB201_ALL_CONV)
    model = einspec.compile(arch, head=10)
    x = torch.randn(4, 3, 8, 8)
    before = model.eval()(x)
    model.train()(x)
    assert not torch.equal(model.eval()(x), before)


def test_any_batch_size():
    model = einspec.compile(parse("copies(seq(linear(16), norm))"), head=10).eval()
    x = torch.randn(5, 4, 16)
    torch.testing.assert_close(torch.cat([model(x[:1]), model(x[1:])]), model(x))


# -- ops of one's own


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("scale", 17),
        ("shaped_scale", 17),
        ("twice(scale)", 34),
        ("copies(shaped_scale)", 51),
        ("tied_twice(shaped_scale)", 17),
        ("mean_extremes(relu)", 0),
        ("extremes", 0),
    ],
)
def test_own_primitives(text, params):
    arch = parse(text)
    assert arch.params == params
    assert_compiles(arch)


def test_an_op_that_is_random():
    arch = parse("copies(dropout(0.5))", (64, 64))
    model = einspec.compile(arch)
    x = torch.ones(2, 64, 64)
    assert torch.equal(model.eval()(x), 3 * x)
    found = model.train()(x)
    assert set(found.unique().tolist()) == {0.0, 2.0, 4.0, 6.0}, "each copy draws for itself"


NAMED = {"image": (3, 4, 4), "vector": (16,)}


def test_several_inputs_and_outputs():
    arch = parse("two_outputs(linear(8), seq(linear(32), relu))", NAMED)
    assert arch.output == (einspec.Type((3, 4, 8)), einspec.Type((32,)))
    model = assert_compiles(arch).float()
    image, vector = random_inputs(arch.space, dtype=torch.float32)
    found = model(image=image, vector=vector)
    assert [tuple(value.shape) for value in found] == [(2, 3, 4, 8), (2, 32)]
    assert all(torch.equal(a, b) for a, b in zip(found, model(image, vector), strict=True))


def test_several_inputs_and_a_head():
    arch = parse("two_towers(conv(4,3,1,1,1,1), linear(32))", NAMED)
    model = einspec.compile(arch, head=10)
    assert model(*random_inputs(arch.space, dtype=torch.float32)).shape == (2, 10)
    assert_compiles(arch)


@pytest.mark.parametrize("name", ["self", "forward", "class", "a b", "1x", "x", "", "é", "torch"])
def test_inputs_of_any_name(name):
    arch = parse("two_outputs(linear(8), relu)", {name: (3, 4, 4), "vector": (16,)})
    assert_compiles(arch)


def test_inputs_whose_names_are_alike():
    arch = parse("two_outputs(linear(8), relu)", {"a b": (3, 4, 4), "a_b": (16,)})
    assert_compiles(arch)


def test_an_input_that_is_an_output():
    arch = parse("branch(clone(2), identity, identity, add)")
    assert_compiles(arch)
    arch = parse("two_outputs(identity, identity)", NAMED)
    assert_same(arch, einspec.compile(arch).double(), random_inputs(arch.space))


ERRORS = {
    "unrealised": (
        "the op unrealised has no torch realisation: declare it with @primitive(torch=...), a function of "
        "its input types and arguments that returns a module or a function of tensors"
    ),
    "realised_as_nothing": (
        "torch= of the op realised_as_nothing returned None: expected an nn.Module, or a function of tensors"
    ),
    "untraceable": (
        "untraceable cannot be traced: symbolically traced variables cannot be used as inputs to control flow; "
        "let torch= return an nn.Module, which is called as it is"
    ),
}


@pytest.mark.parametrize("op", ERRORS)
@pytest.mark.parametrize("text", ["{}", "seq(relu, {})", "copies({})"])
def test_ops_that_torch_cannot_run(op, text):
    arch = parse(text.format(op))
    assert arch.params == 0
    with pytest.raises(einspec.CompileError) as caught:
        einspec.compile(arch)
    assert str(caught.value) == ERRORS[op]


def test_weights_that_no_machine_holds():
    arch = parse("enormous")
    assert arch.params == 10**18 + 10**9
    with pytest.raises(einspec.CompileError, match=r"^torch cannot make enormous for \(4, 16\): "):
        einspec.compile(arch)


@pytest.mark.parametrize("arch", ["relu", None, 3])
def test_what_is_no_architecture(arch):
    with pytest.raises(TypeError, match=r"^arch: expected an architecture, as space.parse or space.sample gives, not "):
        einspec.compile(arch)
