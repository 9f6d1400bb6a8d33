"""Checking that modules compute what their architecture says: fused or not, with passes of one's own or without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from einspec.compiler.emit.emit import compile
from einspec.compiler.emit.interpret import interpret
from einspec.compiler.emit.packed import unpacked
from einspec.compiler.pipeline import built
from einspec.compiler.simplify.rewriting import Fired, Rule
from einspec.errors import EinspecError
from einspec.space.space import Architecture

_RELATIVE, _ABSOLUTE = 1e-7, 1e-8
"""Rounding in float64, which norms over a handful of numbers make a thousand times larger."""


class ModuleError(EinspecError, AssertionError):
    """A module does not compute what its architecture says."""


@dataclass(frozen=True)
class _Run:
    """What one run gave: outputs, gradients of inputs and parameters, state afterwards."""

    outputs: list[Tensor]
    gradients: dict[str, Tensor | None]
    state: dict[str, Tensor]


def check_modules(arch: Architecture, *, passes: Sequence[Rule] = (), seed: int = 0, batch: int = 2) -> Counter[str]:
    """Compiles an architecture, fused and not, and compares both with the reference interpreter in float64.

    The three run on one random batch with the same random weights, in train mode (where no op leaves anything to
    chance) and in eval mode. Compared are outputs, gradients of all parameters and of float inputs, and the state
    afterwards; both modules have parameters of the same names and shapes. Returns how often each rule fired, those of
    simplification left out, and those of ``passes`` also where they did not. Raises ``ModuleError`` with the first
    difference.

    >>> import einspec
    >>> arch = einspec.load("einspace", input=(4, 16)).parse("replicate(clone(4), linear(16), add)")
    >>> sorted(check_modules(arch))
    ['stack copies', 'stack of one', 'sum of a stack', 'wide linear']
    """
    trace: list[Fired] = []
    built(arch.graph, passes=passes, trace=trace)
    fired = Counter({rule.name: 0 for rule in passes})
    fired.update(step.rule for step in trace)
    plain = compile(arch, fuse=False, passes=passes, seed=seed).double()
    fused = compile(arch, passes=passes, seed=seed + 1).double()
    _check_names(arch, plain, fused)
    generator = torch.Generator().manual_seed(seed)
    inputs = [_draw(kind.dtype, (batch, *kind.sizes), generator) for kind in arch.space.inputs]
    start = {name: _trained(name, value, generator) for name, value in plain.state_dict().items()}
    for is_training in (False,) if _is_random(arch) else (True, False):
        runs = []
        for model, is_read in ((plain, True), (plain, False), (fused, False)):
            model.load_state_dict(start)
            model.train(is_training)
            runs.append(_run(arch, model, inputs, is_read))
        mode = "train" if is_training else "eval"
        for name, run in (("unfused", runs[1]), ("fused", runs[2])):
            _compare(arch, f"the {name} module in {mode} mode", run, runs[0])
    return fired


def _is_random(arch: Architecture) -> bool:
    ops = (node.op for part, _ in arch.graph.graphs() for node in part.nodes)
    return any(op is not None and op.laws.random for op in ops)


def _trained(name: str, value: Tensor, generator: torch.Generator) -> Tensor:
    """As after training: a weight of one or a bias of zero hides whose it is."""
    if not value.is_floating_point():
        return value.clone()
    spread = 0.2 * torch.randn(value.shape, generator=generator, dtype=value.dtype)
    return value + (spread.abs() if name.endswith("running_var") else spread)


def _check_names(arch: Architecture, plain: nn.Module, fused: nn.Module) -> None:
    states = [{name: tuple(value.shape) for name, value in model.state_dict().items()} for model in (plain, fused)]
    if states[0] != states[1]:
        differing = sorted(set(states[0].items()) ^ set(states[1].items()))
        raise ModuleError(f"{arch}: fused and unfused have other weights: {differing[:4]}")


def _draw(dtype: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    if dtype == "int":
        return torch.randint(0, 2, shape, generator=generator)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _run(arch: Architecture, model: nn.Module, inputs: list[Tensor], is_read: bool) -> _Run:
    """One run of a module, or of the interpreter with its weights."""
    given = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    found = interpret(arch, model, *given) if is_read else model(*given)
    outputs = list(found) if isinstance(found, tuple) else [found]
    parameters: dict[str, Tensor] = dict(model.named_parameters())
    sources = parameters | {f"input {place}": x for place, x in enumerate(given) if x.requires_grad}
    # Weights of every output number: a plain sum has no gradient through a softmax.
    total = torch.stack([_weighted(y) for y in outputs if y.is_floating_point()] or [torch.zeros(())]).sum()
    gradients: list[Tensor | None] = [None] * len(sources)
    if sources and total.requires_grad:
        gradients = list(torch.autograd.grad(total, list(sources.values()), allow_unused=True))
    state = {name: value.detach().clone() for name, value in model.named_buffers()}
    by_name = unpacked(model, dict(zip(sources, gradients, strict=True)))
    return _Run([y.detach() for y in outputs], by_name, state)


def _weighted(y: Tensor) -> Tensor:
    return (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)).sum()


def _compare(arch: Architecture, what: str, run: _Run, reference: _Run) -> None:
    """Raises ``ModuleError`` unless all agree up to rounding."""
    for place, (found, wanted) in enumerate(zip(run.outputs, reference.outputs, strict=True)):
        _check(arch, f"output {place} of {what}", found, wanted, _scale([wanted]))
    # The gradient of a bias may be what is left where large ones cancel: the scale is that of all.
    scale = _scale([value for value in reference.gradients.values() if value is not None])
    for name, gradient in reference.gradients.items():
        other = run.gradients[name]
        if gradient is not None or other is not None:  # none is zero: one of them has seen that nothing depends on it
            known = gradient if gradient is not None else other
            assert known is not None
            zero = torch.zeros_like(known)
            _check(
                arch, f"the gradient of {name} in {what}", zero if other is None else other,
                zero if gradient is None else gradient, scale,
            )  # fmt: skip
    for name, state in reference.state.items():
        _check(arch, f"{name} after {what}", run.state[name], state, _scale([state]))


def _scale(values: list[Tensor]) -> float:
    finite = [value[value.isfinite()].abs().max().item() for value in values if value.isfinite().any()]
    return max([1.0, *finite])


def _check(arch: Architecture, what: str, found: Tensor, wanted: Tensor, scale: float) -> None:
    if found.shape != wanted.shape:
        raise ModuleError(
            f"{arch}: {what} has the shape {tuple(found.shape)}, and the interpreter's {tuple(wanted.shape)}"
        )
    if not torch.allclose(found, wanted, rtol=_RELATIVE, atol=_ABSOLUTE * scale, equal_nan=True):
        worst = (found - wanted).abs().nan_to_num().max().item()
        raise ModuleError(
            f"{arch}: {what} is not the interpreter's: they differ by {worst:.3g}, at a scale of {scale:.3g}"
        )
