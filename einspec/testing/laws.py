"""Checking that an op keeps what it declares: its type rule, its parameters and its laws.

Simplification and identity rely on laws. One that does not hold would change what networks compute, silently.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from einspec.errors import EinspecError, ShapeError
from einspec.ops.declare import Outputs, Primitive
from einspec.ops.opset import library_ops
from einspec.types import Type, TypeLike, as_type

BATCH = 3
_TOLERANCE = 1e-9
_PLACES = 16
"""Places that are changed one at a time, in each draw."""


class LawError(EinspecError, AssertionError):
    """An op does not keep what it declares."""


def check_laws(
    op: Primitive, inputs: Sequence[TypeLike], *args: Any, trials: int = 5, seed: int = 0, **attributes: Any
) -> None:
    """Runs an op on random float64 tensors of these types, in train and in eval mode, and compares.

    Checked are the output types, the shapes of the parameters, whether there are parameters, buffers and chance
    as declared, and every law of :class:`einspec.ops.Laws`. For an op of any number of inputs, give two or
    more types. Raises ``LawError`` with the law, what was computed and what was expected.

    >>> from einspec.ops import library_ops
    >>> check_laws(library_ops()["add"], [(3, 8, 8), (3, 8, 8)])
    >>> check_laws(library_ops()["linear"], [(4, 8)], 16)
    """
    if not isinstance(op, Primitive):
        raise TypeError(f"laws belong to primitives, not to {op!r}")
    kinds = tuple(as_type(kind) for kind in inputs)
    checker = _Checker(op, kinds, args, attributes, torch.Generator().manual_seed(seed))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(seed)
        for is_training, _ in itertools.product((True, False), range(trials)):
            checker.check(is_training)


class _Checker:
    def __init__(
        self, op: Primitive, kinds: tuple[Type, ...], args: tuple[Any, ...], attributes: dict[str, Any],
        generator: torch.Generator,
    ):  # fmt: skip
        self.op, self.kinds, self.args, self.attributes = op, kinds, args, attributes
        self.generator = generator
        self.outputs = _tuple(op.infer(kinds, args, attributes))

    def check(self, is_training: bool) -> None:
        """All checks on one draw of tensors."""
        compute = self.realise(self.kinds, is_training)
        tensors = [self.draw(kind) for kind in self.kinds]
        with self.as_law_error("torch"):
            found = _tensors(compute(*tensors))
        self.check_types(found)
        self.check_parameters(compute)
        laws = self.op.laws
        if not laws.random:
            self.expect("random", _tensors(compute(*tensors)), found, "two calls on one input agree (random=False)")
        if laws.pointwise:
            self.check_pointwise(compute, tensors, found)
        if laws.commutative:
            self.check_commutative(compute, tensors, found)
        if laws.associative:
            self.check_associative(tensors, found, is_training)
        if laws.zero:
            self.check_zero(compute, tensors)
        if laws.identity:
            self.check_identity(tensors, is_training)
        if laws.multiple:
            self.check_multiple(is_training)
        self.check_rearrangement(tensors, found)

    def realise(self, kinds: tuple[Type, ...], is_training: bool) -> Callable[..., Any]:
        """The op at some types, in float64."""
        if self.op.torch is None:
            raise LawError(f"{self.op.name} has no torch realisation, so nothing can be checked: give it torch=...")
        compute: Callable[..., Any] = self.op.realise(kinds, self.args, self.attributes)
        if not isinstance(compute, nn.Module):
            return compute
        compute.double().train(is_training)
        # As trained, not as initialised: a bias of zeros or a running mean of zeros hides what it does.
        for name, value in itertools.chain(compute.named_parameters(), compute.named_buffers()):
            if value.is_floating_point():
                spread = torch.randn(value.shape, generator=self.generator, dtype=value.dtype)
                value.copy_(spread.abs() + 0.1 if name.endswith("running_var") else spread)
        return compute

    def draw(self, kind: Type) -> Tensor:
        """A random tensor of a type."""
        shape = (BATCH, *kind.sizes)
        if kind.dtype == "int":
            return torch.randint(0, 2, shape, generator=self.generator)
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def check_types(self, found: tuple[Tensor, ...]) -> None:
        """The type rule says what torch gives."""
        shapes = [tuple(tensor.shape[1:]) for tensor in found]
        wanted = [kind.sizes for kind in self.outputs]
        if shapes != wanted or any(tensor.shape[0] != BATCH for tensor in found):
            raise self.error("type rule", f"it says {self.shown(wanted)}, and torch gives {self.shown(shapes)}")
        given = ["float" if tensor.is_floating_point() else "int" for tensor in found]
        if given != [kind.dtype for kind in self.outputs]:
            said = self.shown(kind.dtype for kind in self.outputs)
            raise self.error("type rule", f"it says {said}, and torch gives {self.shown(given)}")

    def check_parameters(self, compute: Any) -> None:
        """Parameters and buffers are those that are declared."""
        is_module = isinstance(compute, nn.Module)
        shapes = {name: tuple(p.shape) for name, p in compute.named_parameters()} if is_module else {}
        laws = self.op.laws
        if bool(shapes) != laws.owns_parameters:
            raise self.error(
                "owns_parameters", f"it is {laws.owns_parameters}, and the module has {len(shapes)} parameters"
            )
        if is_module and bool(list(compute.buffers())) != laws.has_buffers:
            raise self.error(
                "has_buffers", f"it is {laws.has_buffers}, and the module has {len(list(compute.buffers()))}"
            )
        declared = self.op.shapes(self.kinds, self.args, self.attributes)
        if isinstance(declared, int):
            total = sum(torch.Size(shape).numel() for shape in shapes.values())
            if declared != total:
                raise self.error("params", f"it says {declared:,}, and the module has {total:,}")
        elif {name: tuple(shape) for name, shape in declared.items()} != shapes:
            raise self.error("params", f"it says {dict(declared)}, and the module has {shapes}")

    def check_commutative(self, compute: Any, tensors: list[Tensor], found: tuple[Tensor, ...]) -> None:
        """Neighbours change places: these exchanges make every other order."""
        for index in range(len(tensors) - 1):
            mixed = [*tensors[:index], tensors[index + 1], tensors[index], *tensors[index + 2 :]]
            with self.as_law_error("commutative"):
                again = _tensors(compute(*mixed))
            self.expect("commutative", again, found, f"inputs {index} and {index + 1} exchanged give the same")

    def check_pointwise(self, compute: Any, tensors: list[Tensor], found: tuple[Tensor, ...]) -> None:
        """A change at some places shows there alone, and permuting the axes before or after is the same."""
        if len(found) != 1 or any(tensor.shape != found[0].shape for tensor in tensors):
            raise self.error("pointwise", "inputs and output do not have one shape")
        for tensor_index, tensor in enumerate(tensors):
            for place in torch.randperm(tensor.numel(), generator=self.generator)[:_PLACES].tolist():
                changed = tensor.clone()
                changed.view(-1)[place] += 1
                again = _tensors(compute(*tensors[:tensor_index], changed, *tensors[tensor_index + 1 :]))[0].clone()
                again.reshape(-1)[place] = found[0].reshape(-1)[place]
                self.expect("pointwise", (again,), found, "a change at one place leaves the others as they were")
        if not self.op.has_slot and not self.op.laws.random:
            self.check_permuted(tensors, found[0])

    def check_permuted(self, tensors: list[Tensor], found: Tensor) -> None:
        """Simplification moves permutations of axes through pointwise ops, where these accept the permuted types."""
        rank = self.kinds[0].rank
        for order in itertools.islice(itertools.permutations(range(rank)), 1, 7):
            kinds = tuple(Type([kind.axes[axis] for axis in order], kind.dtype, kind.layout) for kind in self.kinds)
            if self.op.accept(kinds, self.args, self.attributes) is None:
                continue
            axes = (0, *(axis + 1 for axis in order))
            with self.as_law_error("pointwise"):
                after = _tensors(self.realise(kinds, True)(*[tensor.permute(axes) for tensor in tensors]))
            what = f"the axes in the order {tuple(axis + 1 for axis in order)} before it or after it is the same"
            self.expect("pointwise", after, (found.permute(axes),), what)

    def check_associative(self, tensors: list[Tensor], found: tuple[Tensor, ...], is_training: bool) -> None:
        """f(f(a, b), c) = f(a, f(b, c)) = f(a, b, c), and f(a) = a."""
        alone = self.apply(tensors[:1], self.kinds[:1], is_training)
        self.expect("associative", alone, (tensors[0],), "one input is given back")
        if len(tensors) < 2:
            return
        three, kinds = [*tensors, self.draw(self.kinds[-1])], (*self.kinds, self.kinds[-1])
        flat = self.apply(three, kinds, is_training)
        for start, stop in ((0, 2), (1, len(three))):
            with self.as_law_error("associative"):
                inner_kind = _tuple(self.op.infer(kinds[start:stop], self.args, self.attributes))
            inner = self.apply(three[start:stop], kinds[start:stop], is_training)
            nested = self.apply(
                [*three[:start], *inner, *three[stop:]], (*kinds[:start], *inner_kind, *kinds[stop:]), is_training
            )
            self.expect("associative", nested, flat, f"joining inputs {start} to {stop - 1} first gives the same")

    def check_zero(self, compute: Any, tensors: list[Tensor]) -> None:
        """Zeros as any one input make every output zeros."""
        for index, tensor in enumerate(tensors):
            given = [*tensors[:index], torch.zeros_like(tensor), *tensors[index + 1 :]]
            found = _tensors(compute(*given))
            self.expect("zero", found, tuple(map(torch.zeros_like, found)), f"zeros as input {index} give zeros")

    def check_identity(self, tensors: list[Tensor], is_training: bool) -> None:
        """Zeros as one more input change nothing."""
        plain = self.apply(tensors, self.kinds, is_training)
        for index in range(len(tensors) + 1):
            kinds = (*self.kinds[:index], self.kinds[0], *self.kinds[index:])
            more = [*tensors[:index], torch.zeros_like(tensors[0]), *tensors[index:]]
            self.expect(
                "identity", self.apply(more, kinds, is_training), plain, f"zeros as input {index} change nothing"
            )

    def check_multiple(self, is_training: bool) -> None:
        """f(x, x, x) is the multiple of x by 3."""
        name = self.op.laws.multiple
        multiple = library_ops().get(name or "")
        if not isinstance(multiple, Primitive):
            raise self.error("multiple", f"{name!r} is no primitive of the library")
        x, kind = self.draw(self.kinds[0]), self.kinds[0]
        found = self.apply([x] * 3, (kind,) * 3, is_training)
        expected = _tensors(multiple.realise((kind,), (3,), {})(x))
        self.expect("multiple", found, expected, f"three times x is {name}(3) of x")
        y, twice = self.draw(kind), multiple.realise((kind,), (2,), {})(x)
        found, expected = (self.apply(terms, (kind,) * len(terms), is_training) for terms in ([x, x, y], [twice, y]))
        self.expect("multiple", found, expected, f"twice x with y is {name}(2) of x with y")

    def check_rearrangement(self, tensors: list[Tensor], found: tuple[Tensor, ...]) -> None:
        """Permutations, splits and concatenations are torch's own."""
        laws = self.op.laws
        for law, count in (("permutes", 1), ("splits", 2), ("concatenates", 1)):
            if getattr(laws, law) and len(self.args) != count:
                raise self.error(law, f"it has {len(self.args)} arguments, and the law speaks of {count}")
        if laws.permutes:
            axes = [int(digit) for digit in str(self.args[0])]
            self.expect(
                "permutes", found, (tensors[0].permute(0, *axes),), "the axes come in the order of its argument"
            )
        if laws.splits:
            parts, axis = self.args
            self.expect("splits", found, tensors[0].chunk(parts, dim=axis), "the outputs are equal parts in order")
        if laws.concatenates:
            self.expect("concatenates", found, (torch.cat(tensors, dim=self.args[0]),), "the inputs stand in order")

    def apply(self, tensors: Sequence[Tensor], kinds: tuple[Type, ...], is_training: bool) -> tuple[Tensor, ...]:
        """The op at other types than the given ones."""
        with self.as_law_error("type rule"):
            return _tensors(self.realise(kinds, is_training)(*tensors))

    @contextmanager
    def as_law_error(self, law: str) -> Iterator[None]:
        """What the type rule or torch refuses, as an error of the law that asked for it."""
        try:
            yield
        except (ShapeError, TypeError, RuntimeError, AttributeError, IndexError, ValueError) as error:
            if isinstance(error, LawError):
                raise
            raise self.error(law, (str(error) or type(error).__name__).splitlines()[0]) from None

    def expect(self, law: str, found: Sequence[Tensor], expected: Sequence[Tensor], what: str) -> None:
        """Raises ``LawError`` unless tensors agree."""
        if len(found) != len(expected) or any(a.shape != b.shape for a, b in zip(found, expected, strict=True)):
            shapes = [self.shown(tuple(t.shape[1:]) for t in tensors) for tensors in (found, expected)]
            raise self.error(law, f"expected that {what}, and the shapes are {shapes[0]} and {shapes[1]}")
        for a, b in zip(found, expected, strict=True):
            if not torch.allclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True):
                worst = float((a - b).abs().max())
                raise self.error(law, f"expected that {what}, and the difference is {worst:.3g}")

    def error(self, law: str, message: str) -> LawError:
        """What is wrong, with the op and the types at which it shows."""
        kinds = " and ".join(map(str, self.kinds))
        return LawError(f"{self.op.text(self.args)} at {kinds} does not keep its law {law!r}: {message}")

    def shown(self, shapes: Any) -> str:
        """Shapes in one line."""
        return " and ".join(map(str, shapes))


def _tuple(outputs: Outputs) -> tuple[Type, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _tensors(found: Any) -> tuple[Tensor, ...]:
    tensors = tuple(found) if isinstance(found, (tuple, list)) else (found,)
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise TypeError(f"torch= computes {found!r}: expected a tensor, or a tuple of them")
    return tensors
