"""The code of a module is as a person would write it, and frees what it no longer needs as soon as before."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
import torch

import einspec
from einspec.compiler.emit.code import make_readable
from tests.helpers import bundled

EINSPACE = bundled("einspace")
ARCHS = [EINSPACE.read("resnet18"), EINSPACE.read("vit"), *EINSPACE.samples(30, rng=0, max_nodes=60)]


@pytest.mark.parametrize("number", range(len(ARCHS)))
def test_code_holds_as_little_as_the_code_of_fx_and_sets_nothing_to_none(number: int) -> None:
    model = einspec.compile(ARCHS[number], head=10)
    for module in (m for m in model.modules() if isinstance(m, torch.fx.GraphModule)):
        plain = torch.fx.GraphModule(module, module.graph)
        plain.graph.set_codegen(torch.fx.graph.CodeGen())
        plain.recompile()
        assert held(module.code) == held(plain.code)
        assert re.search(r"; +\w+ = ", plain.code)
        assert not re.search(r"(^|;) *\w+ = (\w+ = )*None$", module.code, re.MULTILINE)


def held(code: str) -> list[int]:
    """How many values there are after each call."""
    function = ast.parse(code.strip()).body[0]
    assert isinstance(function, ast.FunctionDef)
    live = {argument.arg for argument in function.args.args} - {"self", "copy"}
    found: list[int] = []
    for statement in function.body:
        match statement:
            case ast.Assign(targets, ast.Constant(None)):
                live -= {target.id for target in targets if isinstance(target, ast.Name)}
                found[-1] = len(live - {"copy"})
            case ast.Delete(targets):
                live -= {target.id for target in targets if isinstance(target, ast.Name)}
                found[-1] = len(live - {"copy"})
            case ast.Assign([ast.Name(name)], _):
                live.add(name)
                found.append(len(live - {"copy"}))
    return found


def test_code_of_a_residual_block() -> None:
    arch = EINSPACE.parse("branch(clone(2), seq(linear(32), relu), identity, add)")
    code = einspec.compile(arch, fuse=False).code.strip()
    assert code.splitlines() == [
        "def forward(self, x):",
        "    x = self.expects(x)",
        "    y = self.linear_3(x)",
        "    y = torch.nn.functional.leaky_relu(y, negative_slope = 0.01, inplace = False)",
        "    x = y + x",
        "    del y",
        "    return x",
    ]


def test_names_that_functions_have_are_not_given_to_values() -> None:
    graph = torch.fx.Graph()
    x = graph.placeholder("x")
    both = graph.call_function(y, (x, graph.call_function(y, (x, x))))
    graph.output(graph.call_function(torch.add, (both, x)))
    make_readable(graph)
    module = torch.fx.GraphModule(torch.nn.Module(), graph)
    assert module(torch.ones(1)).item() == y(1, y(1, 1)) + 1


def y(a: Any, b: Any) -> Any:
    return 2 * a + b
