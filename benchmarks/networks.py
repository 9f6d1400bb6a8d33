"""Compiled networks against the same networks by hand: time, memory, and how long compiling takes.

``python -m benchmarks.networks [NAME ...]`` measures some of them alone, say ``resnet18 vit``. Times are ratios, both
sides in turn within one loop; memory is counted, so that it is the same in every run. On a machine that others use
too, ``--threads 1``: threads that wait for one that does not run make either side many times as slow, now and then.
"""

from __future__ import annotations

import argparse
import gc
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import einspec
from benchmarks import handwritten
from benchmarks.measure import Row, heading
from tests.baselines import DARTS_V2, mixer, resnet18, vit, wide_resnet_16_4

BATCH = 8
NB201_BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
"""94.37 % on CIFAR-10, the best of the table (Dong and Yang, ICLR 2020)."""

PERCEPTRONS = "replicate(clone(8), seq(linear(256), seq(relu, linear(256))), add)"


@dataclass(frozen=True)
class Network:
    """A network, its text in a space, the same by hand, and the bar for their ratio."""

    name: str
    space: str
    sizes: tuple[int, ...]
    text: str
    by_hand: Callable[[], nn.Module]
    bar: str = "at most 1.05"
    repetitions: int = 1
    """Runs that one round measures together."""

    @property
    def key(self) -> str:
        """Its name as one types it."""
        return "".join(letter for letter in self.name.lower() if letter.isalnum())

    def both(self) -> tuple[nn.Module, nn.Module]:
        """Compiled and by hand, with the same weights."""
        compiled = einspec.compile(einspec.load(self.space, input=self.sizes).parse(self.text))
        hand = self.by_hand()
        handwritten.carry(compiled, hand)
        return compiled, hand


NETWORKS = (
    Network("ResNet-18", "einspace", (3, 64, 64), resnet18(), handwritten.ResNet18),
    Network("WRN-16-4", "einspace", (3, 64, 64), wide_resnet_16_4(), handwritten.WideResNet),
    Network("ViT", "einspace", (3, 64, 64), vit(), handwritten.ViT),
    Network("MLP-mixer", "einspace", (3, 64, 64), mixer(), handwritten.Mixer),
    Network("NAS-Bench-201", "nasbench201", (3, 32, 32), NB201_BEST, handwritten.NB201),
    Network("DARTS-V2", "darts", (3, 32, 32), DARTS_V2, handwritten.Darts),
    Network("8 perceptrons", "einspace", (196, 256), PERCEPTRONS, handwritten.TwoMatmuls, "at most 1.2", 4),
)


def rows(rounds: int = 9, names: Sequence[str] = ()) -> Iterator[Row]:
    """Ratios of each network, or of some by name or key; on a GPU too, if there is one. Then compile times."""
    for network in NETWORKS:
        if names and not {network.name, network.key}.intersection(names):
            continue
        compiled, hand = network.both()
        x = torch.randn(BATCH, *network.sizes)
        memory_bar = network.bar if network.bar.endswith("1.05") else ""
        yield Row(f"{network.name} forward", ratios(compiled, hand, x, rounds, network.repetitions), "x", network.bar)
        times = ratios(compiled, hand, x, rounds, network.repetitions, is_training=True)
        yield Row(f"{network.name} forward and backward", times, "x", network.bar)
        yield Row(f"{network.name} saved activations", [saved(compiled, x) / saved(hand, x)], "x", memory_bar)
        yield Row(f"{network.name} peak memory", [peak(compiled, x) / peak(hand, x)], "x", memory_bar)
        if torch.cuda.is_available():
            yield from inductor_rows(network, torch.device("cuda"), rounds)
    if not names:
        yield from compile_rows(rounds)


def inductor_rows(network: Network, device: torch.device, rounds: int = 9, repetitions: int = 20) -> Iterator[Row]:
    """Ratios in bfloat16 with both sides under ``torch.compile``. A single run is too short for the clock of a GPU."""
    compiled, hand = (model.to(device, torch.bfloat16) for model in network.both())
    compiled.compile()
    hand.compile()
    x = torch.randn(BATCH, *network.sizes, device=device, dtype=torch.bfloat16)
    for is_training in (False, True):
        what = "forward and backward" if is_training else "forward"
        times = ratios(compiled, hand, x, rounds, repetitions, is_training=is_training)
        yield Row(f"{network.name} {what}, {device.type}, bf16, torch.compile", times, "x", "at most 1.02")


def compile_rows(rounds: int = 9) -> Iterator[Row]:
    """How long compiling takes: without the weights' values, with them, and the graph made within or before."""
    resnet = einspec.load("einspace", input=(3, 64, 64)), resnet18()
    replicas = einspec.load("einspace", input=(4, 16)), nested_copies()
    yield Row("ResNet-18 compiled without weights", milliseconds(*resnet, rounds, "meta"), "ms", "under 30")
    times = milliseconds(*resnet, rounds, "meta", with_graph=True)
    yield Row("ResNet-18 compiled without weights, graph too", times, "ms")
    yield Row("ResNet-18 compiled", milliseconds(*resnet, rounds, "cpu"), "ms")
    yield Row("8^4 linear layers compiled", milliseconds(*replicas, rounds, "cpu"), "ms", "under 1,000")


def nested_copies(levels: int = 4) -> str:
    """Eight copies of eight copies of ... a linear layer."""
    text = "linear(16)"
    for _ in range(levels):
        text = f"replicate(clone(8), {text}, add)"
    return text


def milliseconds(space: einspec.Space, text: str, rounds: int, device: str, *, with_graph: bool = False) -> list[float]:
    """How long it takes to compile for a device, the least of three in each round.

    The architecture is a new one each time, so that nothing is remembered of it, and the very first is not counted:
    it loads what torch loads late.
    """
    found = []
    for _ in range(3 * rounds + 1):
        arch = space.parse(text)
        if not with_graph:
            assert arch.graph
        start = time.perf_counter()
        with torch.device(device):
            einspec.compile(arch)
        found.append(1000 * (time.perf_counter() - start))
    return [min(found[index : index + 3]) for index in range(1, len(found), 3)]


def ratios(
    one: nn.Module, other: nn.Module, x: Tensor, rounds: int, repetitions: int, *, is_training: bool = False
) -> list[float]:
    """Wall time of one by that of the other, in turn and in changing order: torch has threads of its own."""
    one.train(is_training)
    other.train(is_training)
    for model in (one, other, one, other):
        run(model, x, is_training)
    found = []
    gc.collect()
    gc.disable()
    try:
        for index in range(rounds):
            seconds = [0.0, 0.0]
            for side in (0, 1) if index % 2 else (1, 0):
                model = (one, other)[side]
                finish(x)
                start = time.perf_counter()
                for _ in range(repetitions):
                    run(model, x, is_training)
                finish(x)
                seconds[side] = time.perf_counter() - start
            found.append(seconds[0] / seconds[1])
    finally:
        gc.enable()
    return found


def run(model: nn.Module, x: Tensor, is_training: bool) -> None:
    """A forward pass, and a backward pass to new gradients in training."""
    if is_training:
        model.zero_grad(set_to_none=True)
        model(x).sum().backward()
    else:
        with torch.inference_mode():
            model(x)


def finish(x: Tensor) -> None:
    """Waits for the device that x is on: a GPU computes while Python goes on."""
    if x.is_cuda:
        torch.cuda.synchronize(x.device)


def saved(model: nn.Module, x: Tensor) -> int:
    """Bytes that a forward pass keeps for the backward pass, beside weights and input."""
    own = {value.untyped_storage().data_ptr() for value in [*model.parameters(), *model.buffers(), x]}
    kept: dict[int, Tensor] = {}

    def pack(value: Tensor) -> Tensor:
        storage = value.untyped_storage().data_ptr()
        if storage not in own:
            kept[storage] = value
        return value

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        output = model.train()(x)
    assert output.requires_grad
    return sum(int(value.untyped_storage().nbytes()) for value in kept.values())


class Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors that are alive, those that there were before left out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sizes: dict[int, int] = {}
        self.now = self.peak = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = function(*args, **(kwargs or {}))
        given = {value.untyped_storage()._cdata for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)}
        for value in tree_leaves(found):
            if isinstance(value, Tensor):
                self.see(value.untyped_storage(), given)
        return found

    def see(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        """Counts a storage that is new."""
        name = storage._cdata
        if name in given or name in self.sizes:
            return
        self.sizes[name] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self.free, name)

    def free(self, name: int) -> None:
        """Forgets a storage."""
        self.now -= self.sizes.pop(name, 0)


def peak(model: nn.Module, x: Tensor) -> int:
    """Most bytes alive in a forward and a backward pass: weights, gradients and activations."""
    model.train()
    model.zero_grad(set_to_none=True)
    weights = sum(int(value.untyped_storage().nbytes()) for value in [*model.parameters(), *model.buffers()])
    gc.collect()
    alive = Alive()
    with alive:
        model(x).sum().backward()
    model.zero_grad(set_to_none=True)
    return weights + alive.peak


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints each row when it is measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description="Compiled against by hand.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(network.key for network in NETWORKS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args(arguments)
    unknown = set(options.names) - {network.key for network in NETWORKS}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(n.key for n in NETWORKS)}")
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, threads: {options.threads}, batch of {BATCH}\n")
    width = 58
    print(heading(width))
    for row in rows(options.rounds, options.names):
        print(row.text(width), flush=True)


if __name__ == "__main__":
    main()
