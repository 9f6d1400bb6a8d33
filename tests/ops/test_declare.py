"""Declarations: calling ops over types, laws, names, pickling, and what happens when one is wrong."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import einspec
from einspec import ShapeError, Type
from einspec.ops import Laws, collect_ops, combinator, library_ops, primitive
from einspec.ops.library import convolutions, merge, tensor, wiring
from tests.helpers import module_of_ops

IMAGE = Type((3, 8, 8))


@primitive(pointwise=True)
def bump(x: Type) -> Type:
    """An activation."""
    return x


@primitive
def resize(x: Type, width: int, *, scale=1) -> Type:
    return x.with_axis(-1, width * scale)


@combinator
def twice(x, body):
    return body(body(x))


def test_primitives_are_called_over_types() -> None:
    assert bump(IMAGE) is IMAGE
    assert resize(IMAGE, 4) is Type((3, 8, 4))
    assert resize(IMAGE, width=4, scale=2) is Type((3, 8, 8))
    assert merge.cat(IMAGE, IMAGE, axis=1) is Type((6, 8, 8))
    assert tensor.group(IMAGE, 2, 3) == (Type((3, 8, 4)),) * 2
    assert wiring.clone(IMAGE, 2) == (IMAGE, IMAGE)


@pytest.mark.parametrize("call", [lambda: resize(IMAGE), lambda: resize(IMAGE, 1, 2), lambda: bump(), lambda: resize()])
def test_a_call_with_the_wrong_arguments_shows_the_right_one(call: Any) -> None:
    with pytest.raises(TypeError) as error:
        call()
    assert str(error.value) in ("bump is called as bump(input)", "resize is called as resize(input, width: int)")


def test_docstring_module_and_representation_are_the_functions() -> None:
    assert bump.__doc__ == "An activation."
    assert (bump.__module__, bump.__qualname__, bump.name) == (__name__, "bump", "bump")
    assert repr(bump) == "<primitive bump(input)>"
    assert repr(twice) == "<combinator twice(input, body)>"
    assert repr(resize) == "<primitive resize(input, width: int)>"
    assert (bump.text(()), resize.text((4,)), tensor.im2col.text((3, 2, 1))) == ("bump", "resize(4)", "im2col(3,2,1)")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tensor.permute(IMAGE, "21"), "permute(21) does not accept (3, 8, 8): 21 is not an order of 3 axes"),
        (
            lambda: merge.add(IMAGE, Type((3, 4, 8))),
            "add does not accept (3, 8, 8) and (3, 4, 8): sizes 8, 4 differ",
        ),
        (
            lambda: merge.add(IMAGE, IMAGE, Type((8, 8))),
            "add does not accept (3, 8, 8), (3, 8, 8), (8, 8): the inputs differ in rank, dtype or layout",
        ),
        (
            lambda: merge.dot.infer((IMAGE,), (), {}),
            "dot takes 2 inputs, not 1: (3, 8, 8)",
        ),
        (lambda: bump.infer((IMAGE, IMAGE), (), {}), "bump takes 1 input, not 2: (3, 8, 8) and (3, 8, 8)"),
        (
            lambda: tensor.col2im.call((Type((16, 8)),), (), (), {}),
            "col2im does not accept (16, 8): its first axis must be a composite of two, as im2col makes it: "
            "((h, w), d)",
        ),
        (lambda: tensor.softmax((IMAGE, IMAGE)), "softmax is given 2 values as one input"),
    ],
)
def test_a_shape_error_has_all_types(call: Any, message: str) -> None:
    with pytest.raises(ShapeError) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize("outputs", [None, 3, (), (IMAGE, 3), [IMAGE]])
def test_a_type_rule_that_returns_no_type(outputs: Any) -> None:
    @primitive
    def wrong(x: Type) -> Any:
        return outputs

    with pytest.raises(TypeError) as error:
        wrong(IMAGE)
    assert str(error.value) == f"the type rule of wrong returned {outputs!r}: expected a Type or a tuple of them"


def test_owning_parameters_means_saying_how_many() -> None:
    with pytest.raises(TypeError) as error:

        @primitive(owns_parameters=True)
        def weighty(x: Type) -> Type:
            return x

    assert str(error.value) == "weighty owns parameters: say how many with params=, as a function of its types"


def test_unknown_laws_are_refused() -> None:
    with pytest.raises(TypeError, match="linearity"):
        primitive(linearity=True)(lambda x: x)


LAWS = {
    "add": Laws(
        pointwise=True, commutative=True, associative=True, identity="zeros", multiple="times", keeps_nonnegative=True
    ),
    "cat": Laws(associative=True, concatenates=True, keeps_nonnegative=True),
    "linear": Laws(owns_parameters=True, along="last"),
    "conv2d": Laws(owns_parameters=True, zero="zeros", zero_unless="bias"),
    "pos": Laws(owns_parameters=True),
    "batch_norm": Laws(owns_parameters=True, has_buffers=True, along="first"),
    "layer_norm": Laws(owns_parameters=True, along="last"),
    "leaky_relu": Laws(
        pointwise=True, zero="zeros", nonnegative_unless="slope", keeps_at_nonnegative=True, homogeneous=True
    ),
    "times": Laws(pointwise=True, zero="zeros", keeps_nonnegative=True, homogeneous=True),
    "dot": Laws(zero="zeros", keeps_nonnegative=True),
    "scaled_dot": Laws(zero="zeros", keeps_nonnegative=True),
    "softmax": Laws(along="last", nonnegative=True, blind_on_one=True),
    "narrow": Laws(zero="zeros", keeps_nonnegative=True),
    "permute": Laws(permutes=True, zero="zeros", keeps_nonnegative=True),
    "group": Laws(splits=True, zero="zeros", keeps_nonnegative=True),
    "im2col": Laws(zero="zeros", keeps_nonnegative=True),
    "to_image": Laws(zero="zeros", keeps_nonnegative=True),
    "zeros": Laws(nonnegative=True),
    "max_pool2d": Laws(zero="zeros", keeps_nonnegative=True),
    "avg_pool2d": Laws(zero="zeros", keeps_nonnegative=True),
    "crop": Laws(zero="zeros", keeps_nonnegative=True),
    "flatten": Laws(zero="zeros", keeps_nonnegative=True),
}


def test_the_laws_of_the_library() -> None:
    primitives = {name: op for name, op in library_ops().items() if isinstance(op, type(bump))}
    assert {name: primitives[name].laws for name in LAWS} == LAWS
    for op in primitives.values():
        assert op.has_slot == (op.laws.owns_parameters or op.laws.has_buffers)
        for named in (op.laws.zero, op.laws.identity, op.laws.multiple):
            assert named is None or named in library_ops()


def test_the_library_is_found_whole() -> None:
    assert len(library_ops()) > 90
    assert all(op.name == name for name, op in library_ops().items())
    assert library_ops()["let"] is wiring.let_op


# --- ops of one's own ---


def test_ways_to_give_ops() -> None:
    module = module_of_ops("own_ops_of_test_declare", "@combinator\ndef thrice(x, b):\n    return b(b(b(x)))\n")
    for given in (module, module.thrice, [module], [module.thrice, bump], {"any": module.thrice}, (module, [[bump]])):
        assert collect_ops(given)["thrice"] is module.thrice
    assert collect_ops(None) == dict(library_ops())
    assert "thrice" not in library_ops()


def test_a_module_may_name_library_ops_too() -> None:
    module = module_of_ops("own_ops_with_imports", "from einspec.ops.library.merge import add\nplus = add\n")
    assert collect_ops(module) == dict(library_ops())


@pytest.mark.parametrize("given", [5, "seq", lambda x: x, [5]])
def test_what_is_no_op(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^ops=.*: expected a module, an op, or several of them$"):
        collect_ops(given)


def test_redefinition_is_an_error() -> None:
    @combinator
    def seq(x, a, b):
        return b(a(x))

    with pytest.raises(einspec.GrammarError) as error:
        collect_ops(seq)
    assert str(error.value) == (
        f"the op 'seq' is declared twice: in einspec.ops.library.wiring and in {__name__}; "
        "declare the second under another name, with name=..."
    )
    renamed = combinator(name="mine")(seq.function)
    assert collect_ops([renamed, renamed])["mine"] is renamed


@pytest.mark.parametrize("op", [bump, twice, wiring.let_op, wiring.seq, convolutions.conv2d, *library_ops().values()])
def test_ops_are_pickled_and_copied_by_reference(op: Any) -> None:
    assert pickle.loads(pickle.dumps(op)) is op
    assert copy.copy(op) is op
    assert copy.deepcopy(op) is op
