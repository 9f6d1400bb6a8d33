"""Networks by hand against compiled ones whose norms are not the identity, and the command line around them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

import einspec
from benchmarks import handwritten, networks
from tests.baselines import mixer, resnet18, vit, wide_resnet_16_4

TOKENS = {"vit": lambda: handwritten.ViT(16), "mlpmixer": lambda: handwritten.Mixer(16)}


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads that wait for each other make these small networks slow beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def small(network):
    """The network on small inputs."""
    sizes = (5, 256) if network.space == "einspace" and network.sizes[0] != 3 else (3, 16, 16)
    return replace(network, sizes=sizes, by_hand=TOKENS.get(network.key, network.by_hand))


NETWORKS = {network.key: small(network) for network in networks.NETWORKS}


def disturb(model):
    """Other scales, shifts and statistics than those that norms begin with, under which they do nothing."""
    generator = torch.Generator().manual_seed(1)
    for value in [*model.parameters(), *model.buffers()]:
        if value.is_floating_point() and value.dim() == 1:
            value.data.add_(torch.rand(value.shape, generator=generator, dtype=value.dtype), alpha=0.5)


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("key", NETWORKS)
def test_same_outputs_and_gradients(key, fuse):
    """In eval mode, then in train mode with the gradient of the input, then with the statistics that this left."""
    network = NETWORKS[key]
    arch = einspec.load(network.space, input=network.sizes).parse(network.text)
    compiled, hand = einspec.compile(arch, fuse=fuse).double(), network.by_hand().double()
    assert arch.params == sum(value.numel() for value in hand.parameters())
    disturb(compiled)
    handwritten.carry(compiled, hand)
    x = torch.randn(3, *network.sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for is_training in (False, True, False):
        inputs = [x.clone().requires_grad_() for _ in range(2)]
        found, expected = compiled.train(is_training)(inputs[0]), hand.train(is_training)(inputs[1])
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < 1e-9 * expected.abs().max()
        if is_training:
            direction = torch.randn(found.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
            found.backward(direction)
            expected.backward(direction)
            ours, theirs = (given.grad for given in inputs)
            assert (ours - theirs).abs().max() < 1e-8 * theirs.abs().max()


@pytest.mark.parametrize(
    ("file", "text"),
    [("resnet18", resnet18()), ("wrn16_4", wide_resnet_16_4()), ("vit", vit()), ("mixer", mixer())],
)
def test_what_is_measured_is_what_the_bundled_files_say(file, text):
    space = einspec.load("einspace", input=(3, 64, 64))
    assert space.read(file).key == space.parse(text).key
    assert text in [network.text for network in networks.NETWORKS]


def test_weights_that_do_not_fit_are_refused():
    """A transposed weight has as many numbers, and is another."""
    with pytest.raises(ValueError, match=r"a weight of the shape \(4, 6\) does not fit one of \(6, 4\)"):
        handwritten.carry(nn.Linear(6, 4), nn.Linear(4, 6))
    with pytest.raises(ValueError, match="zip"):
        handwritten.carry(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), nn.Linear(4, 4))


def test_saved_activations_are_counted_once():
    """Of x -> sigmoid -> square one tensor is kept, by two ops; views of it, weights and the input are not counted."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(10))

        def forward(self, x):
            y = torch.sigmoid(x * self.scale)
            return y.view(-1) * y.view(-1)

    assert networks.saved(Network(), torch.randn(3, 10)) == 30 * 4


def test_peak_memory_is_exact():
    """Weights, what sigmoid keeps, the gradient of what it was given; the sum and its gradient."""
    model = nn.Sequential(nn.Linear(100, 100, bias=False), nn.Sigmoid())
    x = torch.randn(1000, 100)
    assert [networks.peak(model, x) for _ in range(2)] == [40_000 + 2 * 400_000 + 2 * 4] * 2


def test_memory_is_no_more_than_by_hand():
    """Counted, not timed, so that it holds on every machine: at most 1.05 of what a network by hand takes."""
    for network in networks.NETWORKS[:4]:
        compiled, hand = network.both()
        x = torch.randn(2, *network.sizes)
        assert networks.saved(compiled, x) <= 1.05 * networks.saved(hand, x), network.name
        assert networks.peak(compiled, x) <= 1.05 * networks.peak(hand, x), network.name


def test_compile_times():
    space = einspec.load("einspace", input=(4, 16))
    assert len(networks.milliseconds(space, networks.nested_copies(2), 2, "meta", with_graph=True)) == 2
    assert space.parse(networks.nested_copies()).params == 8**4 * (16 * 16 + 16)


def test_command_line(capsys):
    networks.main(["8perceptrons", "--rounds", "1", "--threads", "1"])
    first, _, _, *lines = capsys.readouterr().out.splitlines()
    assert first.endswith("threads: 1, batch of 8")
    assert [line[:58].strip() for line in lines] == [
        "8 perceptrons forward", "8 perceptrons forward and backward", "8 perceptrons saved activations",
        "8 perceptrons peak memory",
    ]  # fmt: skip
    with pytest.raises(SystemExit):
        networks.main(["resnet19"])
    assert "unknown: resnet19; known are resnet18, wrn164, vit" in capsys.readouterr().err
