"""What the compiler's tests share: how many samples they draw, and the comparison with the reference interpreter.

The environment variable ``EINSPEC_SAMPLES`` (default 1) multiplies the sample counts of these tests;
30 gives the acceptance sizes, 300 architectures of einspace at each input and 100 or more of each other space.
"""

from __future__ import annotations

import math
import os

import torch

import einspec
from einspec.compiler.emit.emit import MOST_CALLS

SAMPLES = float(os.environ.get("EINSPEC_SAMPLES", "1"))

SMALL = {"max_params": 2_000_000, "max_macs": 100_000_000}
"""Limits under which architectures of einspace are built and run."""

EINSPACE_INPUTS = [(3, 32, 32), (1, 28, 28), (3, 64, 64), (64, 48)]


def samples(count: int) -> int:
    """A sample count, multiplied."""
    return math.ceil(count * SAMPLES)


def can_run(arch: einspec.Architecture) -> bool:
    """One architecture in thousands is of a million primitives: copies of copies of tiny bodies, which compile refuses."""
    return arch.graph.written_out <= MOST_CALLS


def random_inputs(space: einspec.Space, batch: int = 2, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    """One tensor per input of a space."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(batch, *kind.sizes, generator=generator, dtype=dtype) for kind in space.inputs]


def outputs_of(arch: einspec.Architecture) -> tuple[einspec.Type, ...]:
    return arch.output if isinstance(arch.output, tuple) else (arch.output,)


def as_tuple(values: object) -> tuple[torch.Tensor, ...]:
    return values if isinstance(values, tuple) else (values,)


def scale_of(*tensors: torch.Tensor) -> float:
    """The largest finite number among tensors, 1 at least."""
    finite = [tensor[tensor.isfinite()].abs() for tensor in tensors]
    return max(1.0, *(values.max().item() for values in finite if values.numel()), 1.0)


def assert_close(found: torch.Tensor, expected: torch.Tensor, scale: float | None = None) -> None:
    """Equal up to rounding at a scale, by default the largest number expected.

    Gradients want the scale of all of them: the gradient of a bias may be what is left where large ones cancel.
    """
    scale = scale_of(expected) if scale is None else scale
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10 * scale, equal_nan=True)


def assert_compiles(arch: einspec.Architecture, seed: int = 0) -> torch.fx.GraphModule:
    """Compiles, and compares with the interpreter and with what the architecture says about itself."""
    model = einspec.compile(arch, seed=seed).double()
    assert sum(parameter.numel() for parameter in model.parameters()) == arch.params
    inputs = random_inputs(arch.space)
    for training in (True, False):
        model.train(training)
        assert_same(arch, model, inputs)
    return model


def assert_same(arch: einspec.Architecture, model: torch.nn.Module, inputs: list[torch.Tensor]) -> None:
    """Outputs of exactly the inferred shapes, equal to the interpreter's; so are the gradients of all parameters."""
    found, expected = as_tuple(model(*inputs)), as_tuple(einspec.interpret(arch, model, *inputs))
    assert [tuple(tensor.shape) for tensor in found] == [(2, *kind.sizes) for kind in outputs_of(arch)]
    assert len(found) == len(expected)
    for tensor, reference in zip(found, expected, strict=True):
        assert_close(tensor, reference)
    wanted = gradients(model, expected)
    scale = scale_of(*(reference for reference in wanted if reference is not None))
    for gradient, reference in zip(gradients(model, found), wanted, strict=True):
        if gradient is None or reference is None:  # one of them has seen that nothing depends on it
            assert all(value is None or not value.any() for value in (gradient, reference))
        else:
            assert_close(gradient, reference, scale)


def gradients(model: torch.nn.Module, outputs: tuple[torch.Tensor, ...]) -> list[torch.Tensor | None]:
    """The gradient of each parameter; None where nothing depends on it."""
    parameters = list(model.parameters())
    # Weights of every output number: a plain sum has no gradient through a softmax.
    total = sum(
        (tensor * torch.linspace(-1, 1, tensor.numel(), dtype=tensor.dtype).view_as(tensor)).sum() for tensor in outputs
    )
    if not parameters or not total.requires_grad:
        return [None] * len(parameters)
    return list(torch.autograd.grad(total, parameters, allow_unused=True))
