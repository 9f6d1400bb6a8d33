"""``einspec.testing.check_laws``: the library keeps its laws, and every law that an op breaks is found."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from einspec import Type
from einspec.ops import Primitive, library_ops, primitive
from einspec.testing import LawError, check_laws
from tests.compiler.ops import dropout, extremes, scale, shaped_scale, unrealised
from tests.ops import families

PRIMITIVES = {name: op for name, op in library_ops().items() if isinstance(op, Primitive)}

EXAMPLES = [
    ("add", [(3, 4, 4)] * 3, ()),
    ("add", [((2, 2), 4), (4, 4)], ()),
    ("add", [Type((4,), "int")] * 2, ()),
    ("avg_pool2d", [(3, 8, 8)], (3, 1, 1, False, False)),
    ("batch_norm", [(3, 4, 4)], ()),
    ("batch_norm", [Type((3, 4), layout="sequence")], ()),
    ("batch_norm", [(5,)], ()),
    ("cat", [(3, 4, 4), (2, 4, 4)], (1,)),
    ("cat", [(4, 3), (4, 2), (4, 5)], (2,)),
    ("conv2d", [(4, 6, 6)], (8, 3, 2, 1, 1, 2, False)),
    ("conv2d", [(4, 6, 6)], (8, 3, 2, 1, 1, 2, True)),
    ("crop", [(3, 4, 4)], ()),
    ("dot", [(4, 5), (5, 3)], ()),
    ("flatten", [((2, 2), 4)], ()),
    ("group", [(4, 6)], (3, 2)),
    ("group", [((4, 4), 6)], (4, 1)),
    ("im2col", [(3, 6, 6)], (3, 2, 1)),
    ("layer_norm", [(4, 6)], ()),
    ("leaky_relu", [(4, 6)], (0.01,)),
    ("leaky_relu", [(4, 6)], (0.0,)),
    ("linear", [(4, 6)], (5,)),
    ("max_pool2d", [(3, 8, 8)], (3, 2, 1, 1, False)),
    ("narrow", [(4, 6)], (2, 1, 5)),
    ("narrow", [((2, 2), 6)], (1, 3, 4)),
    ("permute", [(2, 3, 4)], ("312",)),
    ("permute", [(4, 6)], ("21",)),
    ("pos", [(4, 6)], ()),
    ("scaled_dot", [(2, 4, 5), (2, 5, 3)], ()),
    ("softmax", [(4, 6)], ()),
    ("times", [(4, 6)], (3,)),
    ("times", [Type((4,), "int")], (3,)),
    ("to_image", [((4, 3), 5)], (4, 3)),
    ("zeros", [(4, 6)], ("(3, 2)",)),
    ("zeros", [(4, 6)], ("(3,) int",)),
    ("zeros", [Type((4,), "int")], ("(3, 2)",)),
]


@pytest.mark.parametrize(("name", "kinds", "args"), EXAMPLES)
def test_the_library_keeps_its_laws(name, kinds, args):
    check_laws(PRIMITIVES[name], kinds, *args)


def test_every_primitive_has_an_example():
    assert {name for name, *_ in EXAMPLES} | set(families.EXAMPLES) == set(PRIMITIVES)


@pytest.mark.parametrize("op", [scale, shaped_scale, extremes])
def test_ops_of_the_tests_keep_theirs(op):
    check_laws(op, [(4, 6)])
    check_laws(dropout, [(4, 6)], 0.5)


def one(**laws):
    """Declares an op of one input by its function of tensors."""
    return lambda compute: primitive(name="op", torch=lambda x: compute, **laws)(lambda x: x)


def several(**laws):
    return lambda compute: primitive(name="op", torch=lambda *xs: compute, **laws)(lambda *xs: xs[0])


class Gain(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(2))
        self.register_buffer("state", torch.zeros(1))

    def forward(self, x):
        return x * self.gain.sum()


BROKEN = {
    "numbers below 0": (
        one(nonnegative=True)(lambda t: t * 0 - 1),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'nonnegative': a number of -1 comes out",
    ),
    "numbers that come below 0": (
        one(keeps_nonnegative=True)(lambda t: t * 0 - 1),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'keeps_nonnegative': of numbers of at least 0 comes -1",
    ),
    "gradients that are lost": (
        one(keeps_at_nonnegative=True)(lambda t: t.detach()),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'keeps_at_nonnegative': no gradient goes back",
    ),
    "another shape": (
        one()(lambda t: t[:, :2]),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'type rule': it says (4, 6), and torch gives (2, 6)",
    ),
    "another batch": (
        one()(lambda t: t[:1]),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'type rule': it says (4, 6), and torch gives (4, 6)",
    ),
    "another dtype": (
        one()(lambda t: t > 0),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'type rule': it says float, and torch gives int",
    ),
    "more outputs": (
        one()(lambda t: (t, t)),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'type rule': it says (4, 6), and torch gives (4, 6) and (4, 6)",
    ),
    "weights that are not declared": (
        primitive(name="op", torch=lambda x: Gain(), has_buffers=True)(lambda x: x),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'owns_parameters': it is False, and the module has 1 parameters",
    ),
    "weights that are not there": (
        primitive(name="op", torch=lambda x: nn.ReLU(), owns_parameters=True, params=lambda x: 1)(lambda x: x),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'owns_parameters': it is True, and the module has 0 parameters",
    ),
    "buffers that are not declared": (
        primitive(name="op", torch=lambda x: Gain(), owns_parameters=True, params=lambda x: 2)(lambda x: x),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'has_buffers': it is False, and the module has 1",
    ),
    "buffers that are not there": (
        primitive(name="op", torch=lambda x: nn.ReLU(), has_buffers=True)(lambda x: x),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'has_buffers': it is True, and the module has 0",
    ),
    "another number of weights": (
        primitive(name="op", torch=lambda x: Gain(), owns_parameters=True, has_buffers=True, params=lambda x: 3)(
            lambda x: x
        ),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'params': it says 3, and the module has 2",
    ),
    "weights of another shape": (
        primitive(
            name="op", torch=lambda x: Gain(), owns_parameters=True, has_buffers=True, params=lambda x: {"gain": (3,)}
        )(lambda x: x),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'params': it says {'gain': (3,)}, and the module has {'gain': (2,)}",
    ),
    "chance": (
        one()(lambda t: torch.where(torch.rand_like(t) < 0.5, t, t + 1)),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'random': expected that two calls on one input agree (random=False), and the difference is 1",
    ),
    "no pointwise op": (
        one(pointwise=True)(lambda t: t.cumsum(-1)),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'pointwise': expected that a change at one place leaves the others as they were, and the difference is 1",
    ),
    "a pointwise op of another shape": (
        primitive(name="op", torch=lambda x: lambda t: t.mT, pointwise=True)(lambda x: Type((6, 4))),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'pointwise': inputs and output do not have one shape",
    ),
    "not commutative": (
        several(commutative=True)(lambda a, b: a + 0 * b + 1),
        [(1,), (1,)],
        "op at (1,) and (1,) does not keep its law 'commutative': expected that inputs 0 and 1 exchanged give the same, and the difference is ",
    ),
    "not associative": (
        several(associative=True)(lambda *ts: torch.stack(ts).mean(0)),
        [(4, 6), (4, 6)],
        "op at (4, 6) and (4, 6) does not keep its law 'associative': expected that joining inputs 0 to 1 first gives the same, and the difference is ",
    ),
    "one input is not given back": (
        several(associative=True)(lambda *ts: sum(ts) * 2),
        [(4, 6), (4, 6)],
        "op at (4, 6) and (4, 6) does not keep its law 'associative': expected that one input is given back, and the difference is ",
    ),
    "no zero": (
        one(zero="zeros")(lambda t: t + 1),
        [(4, 6)],
        "op at (4, 6) does not keep its law 'zero': expected that zeros as input 0 give zeros, and the difference is 1",
    ),
    "a zero of one input only": (
        several(zero="zeros")(lambda a, b: a * (b + 1)),
        [(4, 6), (4, 6)],
        "op at (4, 6) and (4, 6) does not keep its law 'zero': expected that zeros as input 1 give zeros, and the difference is ",
    ),
    "no identity": (
        several(identity="zeros")(lambda *ts: torch.stack(ts).prod(0)),
        [(4, 6), (4, 6)],
        "op at (4, 6) and (4, 6) does not keep its law 'identity': expected that zeros as input 0 change nothing, and the difference is ",
    ),
    "another multiple": (
        several(multiple="times")(lambda *ts: torch.stack(ts).amax(0)),
        [(4, 6), (4, 6)],
        "op at (4, 6) and (4, 6) does not keep its law 'multiple': expected that three times x is times(3) of x, and the difference is ",
    ),
}


@pytest.mark.parametrize(
    ("laws", "message"),
    [
        ({"multiple": "many"}, "op: multiple='many': expected 'times', or nothing"),
        ({"zero": "nothing"}, "op: zero='nothing': expected 'zeros', or nothing"),
        (
            {"associative": True, "random": True},
            "op: associative is a law of ops without weights, state or chance: leave it out",
        ),
        ({"name": "an op"}, "name='an op': expected a name as Python has them, of letters, digits and _"),
    ],
)
def test_declarations_that_mean_nothing(laws, message):
    with pytest.raises(TypeError) as error:
        primitive(**{"name": "op", **laws})(lambda *xs: xs[0])
    assert str(error.value) == message


@pytest.mark.parametrize("name", BROKEN)
def test_a_law_that_does_not_hold_is_found(name):
    op, kinds, message = BROKEN[name]
    with pytest.raises(LawError) as caught:
        check_laws(op, kinds)
    if message.endswith(" "):
        assert str(caught.value).startswith(message)
        assert float(str(caught.value)[len(message) :]) > 1e-9
    else:
        assert str(caught.value) == message


@primitive(torch=lambda x, order: lambda t: t.flip(1), permutes=True)
def turn(x: Type, order: str) -> Type:
    return x


@primitive(torch=lambda x, order: lambda t: t, permutes=True)
def stay(x: Type, order: str) -> Type:
    return x


@primitive(torch=lambda x, n, axis: lambda t: t.chunk(n, axis)[::-1], splits=True)
def cut(x: Type, n: int, axis: int) -> tuple[Type, ...]:
    return (x.with_axis(axis - 1, x.sizes[axis - 1] // n),) * n


@primitive(torch=lambda x, axis: lambda t: t.flip(axis), concatenates=True)
def join(x: Type, axis: int) -> Type:
    return x


AXES = "expected that the axes come in the order of its argument, and the difference is "
REARRANGED = [
    (turn, ("12",), f"turn(12) at (4, 4) does not keep its law 'permutes': {AXES}"),
    (stay, ("21",), f"stay(21) at (4, 4) does not keep its law 'permutes': {AXES}"),
    (
        cut,
        (2, 1),
        "cut(2,1) at (4, 4) does not keep its law 'splits': expected that the outputs are equal parts in order, and the difference is ",
    ),
    (
        join,
        (1,),
        "join(1) at (4, 4) does not keep its law 'concatenates': expected that the inputs stand in order, and the difference is ",
    ),
]


@pytest.mark.parametrize(("op", "args", "message"), REARRANGED)
def test_a_rearrangement_that_is_another_is_found(op, args, message):
    with pytest.raises(LawError) as caught:
        check_laws(op, [(4, 4)], *args)
    assert str(caught.value).startswith(message)
    assert float(str(caught.value)[len(message) :]) > 1e-9


def test_what_holds_in_eval_mode_only_is_found():
    """An op that forgets to say that it is random, where it is in train mode."""
    op = primitive(name="op", torch=lambda x: nn.Dropout(0.5))(lambda x: x)
    with pytest.raises(LawError, match="law 'random'"):
        check_laws(op, [(4, 6)])


def test_what_cannot_be_checked():
    with pytest.raises(TypeError) as caught:
        check_laws(library_ops()["seq"], [(4, 6)])
    assert str(caught.value) == "laws belong to primitives, not to <combinator seq(input, first, second)>"
    with pytest.raises(LawError) as caught:
        check_laws(unrealised, [(4, 6)])
    assert str(caught.value) == "unrealised has no torch realisation, so nothing can be checked: give it torch=..."


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    check_laws(dropout, [(4, 6)], 0.5)
    assert torch.equal(torch.get_rng_state(), before)


def with_slope(x: Type, slope: float) -> Type:
    return x


OF_VALUES_AND_AXES = {
    "nonnegative_unless": (
        primitive(name="op", torch=lambda x, slope: lambda t: t, nonnegative_unless="slope")(with_slope), [(4, 6)], (0.0,)
    ),
    "keeps_at_nonnegative": (one(keeps_at_nonnegative=True)(lambda t: t.clamp(max=0.1)), [(4, 6)], ()),
    "keeps_at_nonnegative, but not its gradient": (
        one(keeps_at_nonnegative=True)(lambda t: 2 * t - t.detach()), [(4, 6)], ()
    ),
    "along, but places differ": (one(along="last")(lambda t: t.cumsum(1)), [(2, 3, 4)], ()),
    "along the other end": (one(along="first")(lambda t: t.softmax(-1)), [(2, 3, 4)], ()),
    "along the last of images": (one(along="last")(lambda t: t - t.mean(dim=(1, 3), keepdim=True)), [(2, 3, 4)], ()),
    "along, but rows are one": (
        one(along="last")(lambda t: t - t.mean(dim=1, keepdim=True) if t.dim() == 3 else t), [(2, 3, 4)], ()
    ),
    "blind_on_one": (one(along="last", blind_on_one=True)(lambda t: t / t.norm(dim=-1, keepdim=True)), [(3, 4)], ()),
    "homogeneous": (one(homogeneous=True)(lambda t: t + 1), [(4, 6)], ()),
    "homogeneous, but bounded": (one(homogeneous=True)(lambda t: t.clamp(0, 2)), [(4, 6)], ()),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_VALUES_AND_AXES)
def test_lies_about_values_and_axes(name):
    op, kinds, args = OF_VALUES_AND_AXES[name]
    with pytest.raises(LawError, match=f"does not keep its law '{name.split(',')[0].split()[0]}'"):
        check_laws(op, kinds, *args)


def test_laws_of_axes_are_of_one_end():
    with pytest.raises(TypeError, match="along='middle': expected 'last' or 'first', or nothing"):
        one(along="middle")(lambda t: t)
    with pytest.raises(TypeError, match="op: blind_on_one speaks of the axis that along= names: give that too"):
        one(blind_on_one=True)(lambda t: t)


LIES = [
    (primitive(name="op", zero="zeros", torch=lambda x: nn.LayerNorm(6), params=lambda x: {"weight": (6,), "bias": (6,)}), [(4, 6)], "zero"),
    (primitive(name="op", zero="zeros", has_buffers=True, torch=lambda x: nn.BatchNorm1d(4, affine=False)), [(4, 6)], "zero"),
    (several(commutative=True), lambda *ts: ts[0] - sum(ts[1:]), [(4, 6)] * 4, "commutative"),
    (one(pointwise=True), lambda t: t * torch.arange(24.0).view(4, 6), [(4, 6)], "pointwise"),
    (primitive(name="op", pointwise=True, torch=lambda x: lambda t: t / x.axes[-1].size), [(4, 6)], "pointwise"),
    (several(commutative=True, multiple="times"), lambda *ts: len(ts) * torch.stack(ts).amax(0), [(4, 6)] * 2, "multiple"),
    (several(multiple="times"), lambda *ts: len(ts) * ts[0], [(4, 6)] * 2, "multiple"),
    (one(pointwise=True), lambda t: t * (t.shape[1] if t.shape[2:] == (2,) * 4 else 1), [(3, 2, 2, 2, 2)], "pointwise"),
    (one(pointwise=True), lambda t: t + t.flatten()[-1], [(3, 3)], "pointwise"),
    (several(associative=True), lambda *ts: sum(ts).float(), [(4, 6)] * 2, "associative"),
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_lies_that_once_passed(lie):
    *makers, kinds, law = lie
    op = makers[0](makers[1]) if len(makers) == 2 else makers[0](lambda x: x)
    with pytest.raises(LawError, match=rf"does not keep its law '{law}'"):
        check_laws(op, kinds)


def test_pointwise_ops_of_other_strides_and_types():
    """A tensor whose numbers stand in another order, an op that only changes in another type: both are pointwise."""
    check_laws(one(pointwise=True)(lambda t: (t.mT.contiguous() * 2).mT), [(4, 6)])

    @primitive(torch=lambda x: lambda t: t * 2, pointwise=True)
    def squared(x: Type) -> Type:
        return x if x.sizes == (4, 6) else Type((24,))

    check_laws(squared, [(4, 6)])


def module_of(make, **laws):
    return primitive(name="op", torch=lambda x: make(), **laws)(lambda x: x)


def plus2(**laws):
    return primitive(name="plus2", torch=lambda x, y: torch.add, inputs=2, **laws)(lambda x, y: x)


def matmul(x: Type, y: Type) -> Type:
    return Type((x.axes[0], y.axes[1]))


def turned(x: Type, order: str, more: int) -> Type:
    return Type(x.axes[::-1])


def parted(x: Type, parts: int) -> tuple[Type, ...]:
    return (x.with_axis(0, x.sizes[0] // parts),) * parts


def joined(*xs: Type) -> Type:
    return Type((sum(x.sizes[0] for x in xs), *xs[0].axes[1:]))


def respelled(x: Type, order: str) -> Type:
    return Type(x.axes[::-1])


ERRORS = [
    (plus2(associative=True), [(4, 6)] * 2, (), "law 'associative': plus2 takes 2 inputs, not 1: (4, 6)"),
    (plus2(identity="zeros"), [(4, 6)] * 2, (), "law 'identity': plus2 takes 2 inputs, not 3: (4, 6), (4, 6), (4, 6)"),
    (plus2(multiple="times"), [(4, 6)] * 2, (), "law 'multiple': plus2 takes 2 inputs, not 3: (4, 6), (4, 6), (4, 6)"),
    (
        primitive(torch=lambda x, y: torch.matmul, commutative=True)(matmul), [(4, 5), (5, 3)], (),
        "law 'commutative': Expected size for first two dimensions of batch2 tensor to be: [3, 3] but got: [3, 4].",
    ),
    (
        module_of(lambda: nn.Linear(7, 6), params=lambda x: 48), [(4, 6)], (),
        "law 'torch': mat1 and mat2 shapes cannot be multiplied (12x6 and 7x6)",
    ),
    (module_of(lambda: [][0]), [(4, 6)], (), "law 'torch': list index out of range"),
    (module_of(lambda: None), [(4, 6)], (), "law 'torch': 'NoneType' object is not callable"),
    (module_of(nn.ReLU, params=lambda x: {}[x]), [(4, 6)], (), "law 'owns_parameters': it is True, and the module has 0 parameters"),
    (
        module_of(lambda: nn.Linear(6, 6), params=lambda x: [][0]), [(4, 6)], (),
        "law 'params': list index out of range",
    ),
    (one()(lambda t: None), [(4, 6)], (), "law 'torch': torch= computes None: expected a tensor, or a tuple of them"),
    (
        one(zero="zeros")(lambda t: t if t.any() else None), [(4, 6)], (),
        "law 'zero': torch= computes None: expected a tensor, or a tuple of them",
    ),
    (
        primitive(torch=lambda x, order, more: lambda t: t.mT, permutes=True)(turned), [(4, 6)], ("21", 3),
        "law 'permutes': it has 2 arguments, and the law speaks of 1",
    ),
    (
        primitive(torch=lambda x, parts: lambda t: t.chunk(parts, 1), splits=True)(parted), [(4, 6)], (2,),
        "law 'splits': it has 1 arguments, and the law speaks of 2",
    ),
    (
        primitive(torch=lambda *xs: lambda *ts: torch.cat(ts, 1), concatenates=True)(joined), [(4, 6)] * 2, (),
        "law 'concatenates': it has 0 arguments, and the law speaks of 1",
    ),
    (
        primitive(torch=lambda x, order: lambda t: t.mT, permutes=True)(respelled), [(4, 6)], ("ba",),
        "law 'permutes': invalid literal for int() with base 10: 'b'",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("op", "kinds", "args", "message"), ERRORS)
def test_errors_of_torch_and_of_type_rules_are_named(op, kinds, args, message):
    with pytest.raises(LawError) as caught:
        check_laws(op, kinds, *args)
    shown = " and ".join(str(Type(kind)) for kind in kinds)
    assert str(caught.value) == f"{op.text(args)} at {shown} does not keep its {message}"
