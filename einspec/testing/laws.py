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

from einspec.compiler.graph.graph import fits
from einspec.errors import EinspecError
from einspec.ops.declare import Outputs, Primitive, has_negative
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
        found = self.run(compute, tensors, "torch")
        self.check_types(found)
        self.check_parameters(compute)
        laws = self.op.laws
        if not laws.random:
            again = self.run(compute, tensors, "random")
            self.expect("random", again, found, "two calls on one input agree (random=False)")
        if laws.pointwise:
            self.check_pointwise(compute, tensors, found, is_training)
        if laws.commutative:
            self.check_commutative(compute, tensors, found)
        if laws.associative:
            self.check_associative(tensors, found, is_training)
        if laws.zero and not (laws.zero_unless and self.op.argument(laws.zero_unless, self.args)):
            self.check_zero(compute, tensors)
        if laws.identity:
            self.check_identity(tensors, is_training)
        if laws.multiple:
            self.check_multiple(is_training)
        self.check_rearrangement(tensors, found)
        self.check_values(compute, tensors, found)
        if laws.along:
            self.check_along(compute, tensors, found, is_training)
        if laws.homogeneous:
            thrice = self.run(compute, [3 * tensor for tensor in tensors], "homogeneous")
            self.expect("homogeneous", thrice, tuple(3 * t for t in found), "of three times x comes three times f(x)")

    def realise(self, kinds: tuple[Type, ...], is_training: bool, law: str = "torch") -> Callable[..., Any]:
        """The op at some types, in float64."""
        if self.op.torch is None:
            raise LawError(f"{self.op.name} has no torch realisation, so nothing can be checked: give it torch=...")
        with self.as_law_error(law):
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
        batch = 1 if self.op.laws.same_for_all else BATCH
        if shapes != wanted or any(tensor.shape[0] != batch for tensor in found):
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
        with self.as_law_error("params"):
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
            again = self.run(compute, mixed, "commutative")
            self.expect("commutative", again, found, f"inputs {index} and {index + 1} exchanged give the same")

    def check_pointwise(
        self, compute: Any, tensors: list[Tensor], found: tuple[Tensor, ...], is_training: bool
    ) -> None:
        """A change at some places shows there alone, and permuting the axes before or after is the same."""
        if len(found) != 1 or any(tensor.shape != found[0].shape for tensor in tensors):
            raise self.error("pointwise", "inputs and output do not have one shape")
        for tensor_index, tensor in enumerate(tensors):
            for place in torch.randperm(tensor.numel(), generator=self.generator)[:_PLACES].tolist():
                changed = tensor.clone()
                changed.view(-1)[place] += 1
                given = [*tensors[:tensor_index], changed, *tensors[tensor_index + 1 :]]
                again = self.run(compute, given, "pointwise")[0].clone(memory_format=torch.contiguous_format)
                again.view(-1)[place] = found[0].reshape(-1)[place]
                self.expect("pointwise", (again,), found, "a change at one place leaves the others as they were")
        if not self.op.has_slot and not self.op.laws.random:
            self.check_permuted(tensors, found[0], is_training)

    def check_permuted(self, tensors: list[Tensor], found: Tensor, is_training: bool) -> None:
        """Simplification moves permutations of axes through pointwise ops, where these accept the permuted types."""
        for order in _orders(self.kinds[0].rank):
            kinds = tuple(_permuted(kind, order) for kind in self.kinds)
            with self.as_law_error("pointwise"):
                accepted = self.op.accept(kinds, self.args, self.attributes)
            if not isinstance(accepted, Type) or not fits(accepted, _permuted(self.outputs[0], order)):
                continue
            axes = (0, *(axis + 1 for axis in order))
            after = self.apply([tensor.permute(axes) for tensor in tensors], kinds, is_training, "pointwise")
            what = f"the axes in the order {axes[1:]} before it or after it is the same"
            self.expect("pointwise", after, (found.permute(axes),), what)

    def check_associative(self, tensors: list[Tensor], found: tuple[Tensor, ...], is_training: bool) -> None:
        """f(f(a, b), c) = f(a, f(b, c)) = f(a, b, c), and f(a) = a."""
        alone = self.apply(tensors[:1], self.kinds[:1], is_training, "associative")
        self.expect("associative", alone, (tensors[0],), "one input is given back")
        if len(tensors) < 2:
            return
        three, kinds = [*tensors, self.draw(self.kinds[-1])], (*self.kinds, self.kinds[-1])
        flat = self.apply(three, kinds, is_training, "associative")
        for start, stop in ((0, 2), (1, len(three))):
            inner = self.apply(three[start:stop], kinds[start:stop], is_training, "associative")
            inner_kinds = _tuple(self.op.infer(kinds[start:stop], self.args, self.attributes))
            around = (*kinds[:start], *inner_kinds, *kinds[stop:])
            nested = self.apply([*three[:start], *inner, *three[stop:]], around, is_training, "associative")
            self.expect("associative", nested, flat, f"joining inputs {start} to {stop - 1} first gives the same")

    def check_zero(self, compute: Any, tensors: list[Tensor]) -> None:
        """Zeros as any one input make every output zeros."""
        for index, tensor in enumerate(tensors):
            given = [*tensors[:index], torch.zeros_like(tensor), *tensors[index + 1 :]]
            found = self.run(compute, given, "zero")
            self.expect("zero", found, tuple(map(torch.zeros_like, found)), f"zeros as input {index} give zeros")

    def check_identity(self, tensors: list[Tensor], is_training: bool) -> None:
        """Zeros as one more input change nothing."""
        plain = self.apply(tensors, self.kinds, is_training, "identity")
        for index in range(len(tensors) + 1):
            kinds = (*self.kinds[:index], self.kinds[0], *self.kinds[index:])
            more = [*tensors[:index], torch.zeros_like(tensors[0]), *tensors[index:]]
            found = self.apply(more, kinds, is_training, "identity")
            self.expect("identity", found, plain, f"zeros as input {index} change nothing")

    def check_multiple(self, is_training: bool) -> None:
        """f(x, x, x) is the multiple of x by 3, and f(x, x, y) is f of the multiple of x by 2, and of y."""
        multiple = library_ops()[self.op.laws.multiple or ""]
        assert isinstance(multiple, Primitive), "declarations name no other"
        x, y, kind = self.draw(self.kinds[0]), self.draw(self.kinds[0]), self.kinds[0]
        twice, thrice = (multiple.realise((kind,), (count,), {})(x) for count in (2, 3))
        found, mixed, expected = (
            self.apply(terms, (kind,) * len(terms), is_training, "multiple")
            for terms in ([x] * 3, [x, x, y], [twice, y])
        )
        self.expect("multiple", found, (thrice,), f"three times x is {multiple.name}(3) of x")
        self.expect("multiple", mixed, expected, f"twice x with y is {multiple.name}(2) of x with y")

    def check_rearrangement(self, tensors: list[Tensor], found: tuple[Tensor, ...]) -> None:
        """Permutations, splits and concatenations are torch's own."""
        laws = self.op.laws
        for law, count in (("permutes", 1), ("splits", 2), ("concatenates", 1)):
            if getattr(laws, law) and len(self.args) != count:
                raise self.error(law, f"it has {len(self.args)} arguments, and the law speaks of {count}")
        if laws.permutes:
            with self.as_law_error("permutes"):
                turned = tensors[0].permute(0, *map(int, str(self.args[0])))
            self.expect("permutes", found, (turned,), "the axes come in the order of its argument")
        if laws.splits:
            with self.as_law_error("splits"):
                parts = tensors[0].chunk(self.args[0], dim=self.args[1])
            self.expect("splits", found, parts, "the outputs are equal parts in order")
        if laws.concatenates:
            with self.as_law_error("concatenates"):
                whole = torch.cat(tensors, dim=self.args[0])
            self.expect("concatenates", found, (whole,), "the inputs stand in order")

    def check_values(self, compute: Any, tensors: list[Tensor], found: tuple[Tensor, ...]) -> None:
        """No number is below 0 where a law says so."""
        laws = self.op.laws
        unless = laws.nonnegative_unless
        if (laws.nonnegative or (unless and not self.op.argument(unless, self.args))) and _least(found) < 0:
            law = "nonnegative" if laws.nonnegative else "nonnegative_unless"
            raise self.error(law, f"a number of {_least(found):.4g} comes out")
        above = [tensor.abs() for tensor in tensors]
        if laws.keeps_nonnegative and not has_negative(self.args):
            least = _least(self.run(compute, above, "keeps_nonnegative"))
            if least < 0:
                raise self.error("keeps_nonnegative", f"of numbers of at least 0 comes {least:.4g}")
        if laws.keeps_at_nonnegative:
            with torch.enable_grad():
                x = above[0].requires_grad_()
                kept = self.run(compute, [x], "keeps_at_nonnegative")
                if not kept[0].requires_grad:
                    raise self.error("keeps_at_nonnegative", "no gradient goes back")
                (gradient,) = torch.autograd.grad(kept[0].sum(), x)
            self.expect("keeps_at_nonnegative", (kept[0].detach(),), (x.detach(),), "numbers of at least 0 stay")
            self.expect("keeps_at_nonnegative", (gradient,), (torch.ones_like(x),), "and so do their gradients")

    def check_along(self, compute: Any, tensors: list[Tensor], found: tuple[Tensor, ...], is_training: bool) -> None:
        """Other axes may be permuted, or made one, before the op as well as after it."""
        kind, output = self.kinds[0], self.outputs[0]
        own = kind.rank - 1 if self.op.laws.along == "last" else 0
        if len(tensors) != 1 or len(found) != 1 or output.rank != kind.rank:
            raise self.error("along", "it has several inputs or outputs, or makes an axis")
        others = [axis for axis in range(kind.rank) if axis != own]
        for order in itertools.islice(itertools.permutations(others), _PLACES):
            whole = (*order, own) if own else (own, *order)
            axes = (0, *(axis + 1 for axis in whole))
            again = self.at(_permuted(kind, whole), tensors[0].permute(axes), compute, is_training)
            if again is not None:
                what = f"the other axes in the order {order} before it or after it is the same"
                self.expect("along", again, (found[0].permute(axes),), what)
        if len(others) > 1:
            start = others[0] + 1
            flat = tensors[0].flatten(start, start + len(others) - 1)
            again = self.at(Type(flat.shape[1:], kind.dtype), flat, compute, is_training)
            if again is not None:
                wanted = (found[0].flatten(start, start + len(others) - 1),)
                self.expect("along", again, wanted, "the other axes as one before it or after it is the same")

        if self.op.laws.blind_on_one:
            one = kind.with_axis(own, 1)
            tried = [self.at(one, self.draw(one), compute, is_training) for _ in range(2)]
            if tried[0] is not None and tried[1] is not None:
                what = "of one place comes the same whatever it holds"
                self.expect("blind_on_one", tried[0], tried[1], what)

    def at(self, kind: Type, tensor: Tensor, compute: Any, is_training: bool) -> tuple[Tensor, ...] | None:
        """What the op computes at another type with the same weights; None where it does not accept that."""
        with self.as_law_error("along"):
            accepted = self.op.accept((kind,), self.args, self.attributes)
        if not isinstance(accepted, Type):
            return None
        other = self.realise((kind,), is_training, "along")
        if isinstance(other, nn.Module):
            shapes, wanted = ({n: tuple(v.shape) for n, v in m.state_dict().items()} for m in (other, compute))
            if shapes != wanted:
                raise self.error("along", f"at {kind} it has the weights {shapes}, and here {wanted}")
            other.load_state_dict(compute.state_dict())
        return self.run(other, [tensor], "along")

    def apply(
        self, tensors: Sequence[Tensor], kinds: tuple[Type, ...], is_training: bool, law: str
    ) -> tuple[Tensor, ...]:
        """The op at other types than the given ones, which the law wants accepted."""
        with self.as_law_error(law):
            self.op.infer(kinds, self.args, self.attributes)
        return self.run(self.realise(kinds, is_training, law), tensors, law)

    def run(self, compute: Callable[..., Any], tensors: Sequence[Tensor], law: str) -> tuple[Tensor, ...]:
        """What torch computes."""
        with self.as_law_error(law):
            return _tensors(compute(*tensors))

    @contextmanager
    def as_law_error(self, law: str) -> Iterator[None]:
        """What the type rule or torch refuses, as an error of the law that asked for it."""
        try:
            yield
        except Exception as error:  # of any kind: it is the op's own code that runs
            said = str(error).strip() or type(error).__name__
            raise self.error(law, said.splitlines()[0]) from error

    def expect(self, law: str, found: Sequence[Tensor], expected: Sequence[Tensor], what: str) -> None:
        """Raises ``LawError`` unless tensors agree."""
        if len(found) != len(expected) or any(a.shape != b.shape for a, b in zip(found, expected, strict=True)):
            shapes = [self.shown(tuple(t.shape[1:]) for t in tensors) for tensors in (found, expected)]
            raise self.error(law, f"expected that {what}, and the shapes are {shapes[0]} and {shapes[1]}")
        for one, other in zip(found, expected, strict=True):
            a, b = one.double(), other.double()  # truth values have no difference, and floats of two precisions neither
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


def _orders(rank: int) -> Iterator[tuple[int, ...]]:
    """Orders of axes: all others up to three; beyond, each exchange of neighbours, the reverse and a turn."""
    axes = tuple(range(rank))
    if rank <= 3:
        yield from itertools.islice(itertools.permutations(axes), 1, None)
        return
    for axis in range(rank - 1):
        yield (*axes[:axis], axis + 1, axis, *axes[axis + 2 :])
    yield axes[::-1]
    yield (*axes[1:], 0)


def _permuted(kind: Type, order: tuple[int, ...]) -> Type:
    return Type([kind.axes[axis] for axis in order], kind.dtype, kind.layout)


def _tuple(outputs: Outputs) -> tuple[Type, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _tensors(found: Any) -> tuple[Tensor, ...]:
    tensors = tuple(found) if isinstance(found, (tuple, list)) else (found,)
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        raise TypeError(f"torch= computes {found!r}: expected a tensor, or a tuple of them")
    return tensors


def _least(tensors: tuple[Tensor, ...]) -> float:
    return min((float(tensor.min()) for tensor in tensors if tensor.numel()), default=0.0)
