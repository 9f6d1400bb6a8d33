"""Passes of one's own: a rule in a few lines, what it is tested by, and what is wrong with one."""

from __future__ import annotations

import functools

import pytest

import einspec
from einspec.compiler.pipeline import built
from einspec.testing import ModuleError, check_modules
from tests.compiler.ops import parse


@einspec.rewrite("softmax(softmax(x)) = softmax(x)", "softmax")
def softmax_once(graph, node):
    """Wrong, but of the right types."""
    before = graph.maker(node.inputs[0])
    return node.inputs if before is not None and before.op is node.op else None


@einspec.rewrite("f(f(x)) = f^2(x)", "leaky_relu", condition="f is a leaky ReLU; the product of slopes is one")
def join_relus(graph, node):
    before = graph.maker(node.inputs[0])
    if before is not None and before.op is node.op:
        return graph.apply(node.op, (node.args[0] * before.args[0],), before.inputs)
    return None


def test_a_rule_in_a_few_lines():
    arch = parse("seq(linear(16), seq(relu, seq(relu, relu)))")
    assert (join_relus.name, join_relus.equation) == ("join_relus", "f(f(x)) = f^2(x)")
    assert check_modules(arch, passes=[join_relus])["join_relus"] == 2
    ops = [node.text() for node in built(arch.graph, passes=[join_relus], fuse=False).nodes]
    assert ops == ["linear(16)", f"leaky_relu({0.01 * 0.01 * 0.01})"]
    assert einspec.compile(arch, passes=[join_relus]).code.count("leaky_relu") == 0, "it is part of the linear layer"


def test_passes_leave_key_and_costs():
    arch = parse("seq(linear(16), seq(relu, relu))")
    key, costs = arch.key, arch.costs
    einspec.compile(arch, passes=[join_relus])
    assert (parse(str(arch)).key, parse(str(arch)).costs) == (key, costs)


def test_a_wrong_rule_is_found():
    with pytest.raises(ModuleError, match=r"output 0 of the unfused module in train mode is not the interpreter's"):
        check_modules(parse("seq(linear(16), seq(softmax, softmax))"), passes=[softmax_once])


def test_a_rule_that_drops_weights():
    @einspec.rewrite("norm(x) = x", "layer_norm")
    def drop(graph, node):
        return node.inputs

    arch = parse("seq(linear(16), norm)")
    model = einspec.compile(arch, passes=[drop])
    assert sorted(model.state_dict()) == ["linear_1.bias", "linear_1.weight"]
    report = einspec.transfer(model, einspec.compile(arch))
    assert (report.carried, report.new) == ((("linear_1", "linear_1"),), ("norm_2_layer_norm",))
    with pytest.raises(ModuleError):
        check_modules(arch, passes=[drop])


@pytest.mark.parametrize(
    ("returned", "shown"),
    [
        (lambda node: node.inputs * 2, "((0, 0), (0, 0))"),
        (lambda node: 3, "3"),
        (lambda node: ((99, 0),), "((99, 0),)"),
        (lambda node: ((0, 1),), "((0, 1),)"),
        (lambda node: "ab", "'ab'"),
        (lambda node: [(0, 0)], "[(0, 0)]"),
    ],
)
def test_what_a_rule_must_not_return(returned, shown):
    @einspec.rewrite("softmax(x) = ?", "softmax")
    def odd(graph, node):
        return returned(node)

    with pytest.raises(einspec.CompileError) as caught:
        einspec.compile(parse("seq(linear(16), softmax)"), passes=[odd])
    assert str(caught.value) == (
        f"the rule 'odd' returned {shown} for softmax: expected None, or a tuple of ports for its 1 output"
    )


def test_what_is_no_rule():
    with pytest.raises(TypeError) as caught:
        einspec.rewrite("x", "sofmax")
    assert str(caught.value) == (
        "rewrite('x', ...): 'sofmax' is not a primitive of the library; did you mean 'softmax'?"
    )
    with pytest.raises(TypeError, match=r"^rewrite\('x', ...\): expected primitives or their names, not \(\)$"):
        einspec.rewrite("x")
    with pytest.raises(TypeError) as caught:
        einspec.rewrite("x", "relu")
    assert str(caught.value) == (
        "rewrite('x', ...): 'relu' is a combinator, of which graphs hold none: name the primitives that it calls, as "
        "print(arch.graph) has them"
    )
    with pytest.raises(TypeError) as caught:
        einspec.compile(parse("relu"), passes=join_relus)
    assert str(caught.value) == (
        "passes=<rule join_relus: f(f(x)) = f^2(x)>: expected a list of rules; did you mean [join_relus]?"
    )
    assert check_modules(parse("linear(16)"), passes=[join_relus])["join_relus"] == 0
    assert "join_relus" in check_modules(parse("linear(16)"), passes=[join_relus])
    for passes in (None, 3, [len]):
        with pytest.raises(TypeError, match=r"expected a list of rules, as @einspec.rewrite makes them$"):
            einspec.compile(parse("relu"), passes=passes)
    rule = einspec.rewrite("relu(x) = x", "leaky_relu")(functools.partial(lambda graph, node: None))
    assert rule.name == "relu(x) = x"
