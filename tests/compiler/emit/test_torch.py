"""What torch does with compiled modules: compile, export, pickle, dtypes, devices; and their standalone source.

``EINSPEC_SAMPLES=17`` gives the acceptance size, 300 architectures and more.
"""

from __future__ import annotations

import copy
import pickle
from itertools import islice

import pytest
import torch
from torch import nn

import einspec
from einspec.compiler.emit.source import source_of
from tests.compiler.agreement import SHARES
from tests.compiler.helpers import as_tuple, random_inputs, samples
from tests.compiler.ops import parse

TIED = [
    "tied_copies(copies(linear(16)))",
    "copies(tied_copies(linear(16)))",
    "copies(copies(twice(linear(16))))",
    "bind_tied(copies(linear(16)), copies(use))",
    "copies(bind_tied(linear(16), seq(use, use)))",
    "two_outputs(linear(8), relu)",
    "extremes",
]


def corpus() -> list[einspec.Architecture]:
    """A few of every kind, and what is tied in odd ways."""
    found = []
    for name, (_, drawn) in SHARES.items():
        count = {"darts": 1, "mutants": 2, "nasbench201": 2}.get(name, samples(2))
        found += list(islice(drawn(6), count))
    named = {"image": (3, 4, 4), "vector": (16,)}
    return found + [parse(text, named if text.startswith("two") else (4, 16)) for text in TIED]


CORPUS = corpus()
each = pytest.mark.parametrize("arch", CORPUS, ids=lambda arch: str(arch)[:40])


def inputs_of(arch: einspec.Architecture, batch: int = 3) -> list[torch.Tensor]:
    return random_inputs(arch.space, batch, torch.float32)


def assert_alike(found: object, expected: object) -> None:
    for one, other in zip(as_tuple(found), as_tuple(expected), strict=True):
        # torch.compile and torch.export may sum in another order, which norms make larger.
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@each
def test_compiles_without_a_graph_break(arch):
    model = einspec.compile(arch)
    backend = "aot_eager" if arch.graph.written_out < 300 else "eager"  # what traces for gradients takes half a minute
    for is_training in (True, False):
        model.train(is_training)
        torch._dynamo.reset()
        compiled = torch.compile(copy.deepcopy(model), fullgraph=True, backend=backend, dynamic=False)
        assert_alike(compiled(*inputs_of(arch)), model(*inputs_of(arch)))


@each
def test_exports_for_any_batch(arch):
    model = einspec.compile(arch).eval()
    batch = torch.export.Dim("batch")
    inputs = tuple(inputs_of(arch))
    program = torch.export.export(model, inputs, dynamic_shapes=tuple({0: batch} for _ in inputs)).module()
    for size in (3, 5):
        assert_alike(program(*inputs_of(arch, size)), model(*inputs_of(arch, size)))


@each
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "unfused"])
def test_pickles_and_copies(arch, fuse):
    model = einspec.compile(arch, fuse=fuse).eval()
    expected = model(*inputs_of(arch))
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert list(other.state_dict()) == list(model.state_dict())
        for one, wanted in zip(as_tuple(other(*inputs_of(arch))), as_tuple(expected), strict=True):
            assert torch.equal(one, wanted)


@each
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "unfused"])
def test_standalone_source(arch, fuse):
    model = einspec.compile(arch, fuse=fuse)
    network = loaded(source_of(model))
    assert set(network.state_dict()) == set(model.state_dict())
    network.load_state_dict(model.state_dict())
    for is_training in (True, False):
        found = network.train(is_training)(*inputs_of(arch))
        for one, wanted in zip(as_tuple(found), as_tuple(model.train(is_training)(*inputs_of(arch))), strict=True):
            assert torch.equal(one, wanted)
    for name, value in network.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), f"{name} after training"


def loaded(source: str) -> nn.Module:
    """The network of a source, which must not import einspec."""
    assert "einspec." not in source.split("ARCHITECTURE = ")[0].replace(f"by einspec {einspec.__version__}", "")
    names: dict[str, object] = {"__name__": "standalone"}
    exec(compile(source, "<standalone>", "exec"), names)
    network = names["Network"]
    assert callable(network)
    made = network()
    assert isinstance(made, nn.Module)
    return made


@each
def test_other_forms(arch):
    """channels_last, autocast, bfloat16, and a module made on the meta device that is filled later."""
    model = einspec.compile(arch).eval()
    expected = model(*inputs_of(arch))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert [y.shape for y in as_tuple(model(*inputs_of(arch)))] == [y.shape for y in as_tuple(expected)]
    with torch.device("meta"):
        empty = einspec.compile(arch)
    assert all(value.is_meta for value in empty.parameters())
    filled = empty.to_empty(device="cpu")
    filled.load_state_dict(model.state_dict())
    assert_alike(filled.eval()(*inputs_of(arch)), expected)
    moved = copy.deepcopy(model).to(memory_format=torch.channels_last)
    assert_alike(moved(*inputs_of(arch)), expected)
    halved = copy.deepcopy(model).to(torch.bfloat16)
    for x in as_tuple(halved(*random_inputs(arch.space, 3, torch.bfloat16))):
        assert x.dtype == torch.bfloat16


def test_initial_weights_are_those_of_the_unfused():
    for arch in CORPUS:
        one, other = einspec.compile(arch, seed=3).state_dict(), einspec.compile(arch, fuse=False, seed=3).state_dict()
        assert set(one) == set(other)
        assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_hooks_see_the_ops_of_an_unfused_module():
    model = einspec.compile(parse("seq(linear(16), norm)"), fuse=False)
    seen = []
    for name, module in model.named_modules():
        module.register_forward_hook(lambda *args, name=name: seen.append(name))
    model(torch.randn(2, 4, 16))
    assert seen == ["expects", "linear_1", "norm_2_layer_norm", ""]


# -- what is wrong at run time


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            torch.zeros(2, 4, 15),
            "x has the shape (2, 4, 15) and the dtype torch.float32: expected (batch, 4, 16) and floats",
        ),
        (torch.zeros(4, 16), "x has the shape (4, 16) and the dtype torch.float32: expected (batch, 4, 16) and floats"),
        (
            torch.zeros(2, 4, 16, dtype=torch.long),
            "x has the shape (2, 4, 16) and the dtype torch.int64: expected (batch, 4, 16) and floats",
        ),
        (
            torch.zeros(2, 4, 16, dtype=torch.float64),
            "x has the dtype torch.float64, and the weights have torch.float32: convert one of them with .to(...)",
        ),
    ],
    ids=["size", "no batch", "whole numbers", "double"],
)
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "unfused"])
def test_inputs_of_another_type(x, message, fuse):
    model = einspec.compile(parse("seq(linear(16), norm)"), fuse=fuse, head=10)
    with pytest.raises(einspec.ShapeError) as caught:
        model(x)
    assert str(caught.value) == message
    with pytest.raises(ValueError, match=r"^x has the "):
        loaded(source_of(model))(x)


def test_inputs_of_a_converted_module():
    model = einspec.compile(parse("linear(16)")).double()
    assert model(torch.zeros(2, 4, 16, dtype=torch.float64)).dtype == torch.float64
    with pytest.raises(einspec.ShapeError, match=r"the weights have torch.float64"):
        model(torch.zeros(2, 4, 16))
    assert einspec.compile(parse("relu"))(torch.zeros(2, 4, 16, dtype=torch.float64)).dtype == torch.float64


def test_several_inputs_of_another_type():
    model = einspec.compile(parse("two_outputs(linear(8), relu)", {"image": (3, 4, 4), "vector": (16,)}))
    with pytest.raises(einspec.ShapeError) as caught:
        model(torch.zeros(2, 3, 4, 4), torch.zeros(2, 15))
    assert str(caught.value) == (
        "vector has the shape (2, 15) and the dtype torch.float32: expected (batch, 16) and floats"
    )


# -- source


def test_source_of_modules_that_are_not_torchs():
    with pytest.raises(einspec.CompileError) as caught:
        source_of(einspec.compile(parse("scale")))
    assert str(caught.value) == (
        "tests.compiler.ops.Scale is not torch's: let torch= of its op return a function of tensors or a module of torch.nn, or export to a .pt2 file"
    )
    with pytest.raises(einspec.CompileError, match=r"^a Linear that einspec.compile has not made"):
        source_of(nn.Linear(2, 2))


def test_heads_in_source():
    arch = parse("seq(linear(16), norm)")
    for head in (10, lambda output: nn.Sequential(nn.Flatten(), nn.Linear(output.elements, 3), nn.Dropout(0.5))):
        model = einspec.compile(arch, head=head).eval()
        network = loaded(source_of(model)).eval()
        network.load_state_dict(model.state_dict())
        x = torch.randn(2, 4, 16)
        assert torch.equal(network(x), model(x))


def test_no_text_of_a_user_is_code():
    """A grammar may hold any text, and an architecture with it."""
    nasty = '\\"\'\n""" + __import__("os").abort() #\u2028'
    grammar = 'start: "a" TEXT -> own\nTEXT: ' + " | ".join(f'"{word}"' for word in ["b", "c"])
    assert grammar

    @einspec.ops.primitive(torch=lambda x, text: nn.Identity())
    def own(x: einspec.Type, text: str) -> einspec.Type:
        """Takes any text."""
        return x

    words = nasty.encode("unicode_escape").decode().replace("\\\\", "").replace('"', "")
    space = einspec.loads(f'start: "a" TEXT -> own\nTEXT: "{words}"', input=(4,), ops=[own], name=nasty)
    model = einspec.compile(space.sample(rng=0))
    source = source_of(model)
    network = loaded(source)
    assert network(torch.ones(1, 4)).tolist() == [[1.0] * 4]
    names: dict[str, object] = {}
    exec(compile(source, "<standalone>", "exec"), names)
    assert names["SPACE"] == nasty
    assert names["ARCHITECTURE"] == str(space.sample(rng=0))
