"""From checked syntax trees to functions: each operation becomes a call of its guard, and no builtins are in reach."""

from __future__ import annotations
import __future__

import ast
from collections.abc import Callable, Mapping, Set
from copy import deepcopy
from typing import Any

from einspec.ops.expressions.checking import BINARY, COMPARISONS, locals_of, names_in
from einspec.ops.expressions.values import HELPERS, OPERATORS

_FLAGS = __future__.annotations.compiler_flag
_SURE = (ast.Compare, ast.Constant)


def namespace(ops: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """The global names of compiled texts: ops, the functions of the subset, the guards; nothing else."""
    return {**ops, **HELPERS, **OPERATORS, "__builtins__": {}}


def compiled_def(node: ast.FunctionDef, file: str, names: dict[str, Any]) -> Callable[..., Any]:
    """The function of a checked ``def``; ``file`` is what its code objects call the text that they are from."""
    node = deepcopy(node)
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg):
        if argument is not None:
            argument.annotation = None  # what it says is in the signature, and computes nothing
    node.returns = None
    guarded = _Guarding(locals_of(node)).visit(node)
    start = ast.Expr(_call("def"))
    body = guarded.body
    has_docstring = ast.get_docstring(node, clean=False) is not None
    guarded.body = [*body[:has_docstring], start, *body[has_docstring:]]
    guarded.decorator_list = []
    module = ast.Module([guarded], [])
    ast.fix_missing_locations(module)
    found: dict[str, Any] = {}
    exec(compile(module, file, "exec", _FLAGS, dont_inherit=True), names, found)
    function: Callable[..., Any] = found[node.name]
    return function


def header(node: ast.FunctionDef, file: str) -> Callable[..., Any]:
    """A function of the signature of a ``def``, whose defaults and annotations were checked; it does nothing."""
    stub = ast.FunctionDef(node.name, node.args, [ast.copy_location(ast.Pass(), node)], [], None)
    module = ast.Module([ast.copy_location(stub, node)], [])
    ast.fix_missing_locations(module)
    found: dict[str, Any] = {}
    exec(compile(module, file, "exec", _FLAGS, dont_inherit=True), {"__builtins__": {}}, found)
    function: Callable[..., Any] = found[node.name]
    return function


def compiled_condition(
    node: ast.expr, parameters: tuple[str, ...], file: str, names: dict[str, Any]
) -> Callable[..., Any]:
    """The function of a checked condition over some names; its value is what the condition comes to."""
    value = _Guarding(frozenset(parameters)).condition(node)
    arguments = ast.arguments([], [ast.arg(name) for name in parameters], None, [], [], None, [])
    expression = ast.Expression(ast.copy_location(ast.Lambda(arguments, value), node))
    ast.fix_missing_locations(expression)
    function: Callable[..., Any] = eval(compile(expression, file, "eval", _FLAGS, dont_inherit=True), names)
    return function


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class _Guarding(ast.NodeTransformer):
    """Puts the guards in; places stay those of the text. ``names`` are those that stand for values."""

    def __init__(self, names: Set[str]):
        self.names = frozenset(names)

    def visit(self, node: ast.AST) -> Any:
        found = super().visit(node)
        if isinstance(found, (ast.expr, ast.stmt)) and found is not node and hasattr(node, "lineno"):
            for below in ast.walk(found):
                if isinstance(below, (ast.expr, ast.stmt)) and not hasattr(below, "lineno"):
                    ast.copy_location(below, node)
        return found

    def condition(self, node: ast.expr) -> ast.expr:
        """An expression whose truth is asked."""
        found: ast.expr = self.visit(node)
        if isinstance(node, _SURE) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            return found
        return ast.copy_location(_call("if", found), node)

    def visit_If(self, node: ast.If) -> ast.If:
        node.test = self.condition(node.test)
        node.body = [self.visit(statement) for statement in node.body]
        node.orelse = [self.visit(statement) for statement in node.orelse]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:
        node.test = self.condition(node.test)
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.BoolOp:
        node.values = [self.condition(value) for value in node.values]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.Not):
            node.operand = self.condition(node.operand)
            return node
        if isinstance(node.operand, ast.Constant):
            return node
        return _call("- of" if isinstance(node.op, ast.USub) else "+ of", self.visit(node.operand))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return _call(BINARY[type(node.op)], self.visit(node.left), self.visit(node.right))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.Assign:
        assert isinstance(node.target, ast.Name)
        old = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        value = ast.copy_location(_call(BINARY[type(node.op)], old, self.visit(node.value)), node)
        return ast.Assign([node.target], value)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        parts = [node.left, *node.comparators]
        pairs: list[ast.expr] = []
        for operator, left, right in zip(node.ops, parts, parts[1:], strict=False):
            # The middle of a chain stands in two comparisons: each has a tree of its own.
            first, second = self.visit(deepcopy(left)), self.visit(deepcopy(right))
            if isinstance(operator, (ast.Is, ast.IsNot)):
                pairs.append(ast.copy_location(ast.Compare(first, [operator], [second]), node))
            else:
                pairs.append(ast.copy_location(_call(COMPARISONS[type(operator)], first, second), node))
        return pairs[0] if len(pairs) == 1 else ast.BoolOp(ast.And(), pairs)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return _call(f".{node.attr}", self.visit(node.value))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.slice, ast.Slice):
            ends = [node.slice.lower, node.slice.upper, node.slice.step]
            return _call(
                "[:]", self.visit(node.value), *(ast.Constant(None) if e is None else self.visit(e) for e in ends)
            )
        return _call("[]", self.visit(node.value), self.visit(node.slice))

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        if isinstance(node.ctx, ast.Store):
            return node
        node.elts = [self.visit(part) for part in node.elts]
        return node if all(isinstance(part, ast.Constant) for part in node.elts) else _call("(,)", node)

    def visit_Starred(self, node: ast.Starred) -> ast.expr:
        node.value = ast.copy_location(_call("for", self.visit(node.value)), node)
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        node.iter = ast.copy_location(_call("for", self.visit(node.iter)), node.iter)
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        node.iter = ast.copy_location(_call("for", self.visit(node.iter)), node.iter)
        node.ifs = [self.condition(condition) for condition in node.ifs]
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        generator = ast.copy_location(ast.GeneratorExp(node.elt, node.generators), node)
        return _call("[for]", self.visit_GeneratorExp(generator))

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.GeneratorExp:
        outer = self.names
        self.names = outer.union(*(names_in(generator.target) for generator in node.generators))
        node.generators = [self.visit(generator) for generator in node.generators]
        node.elt = self.visit(node.elt)
        self.names = outer
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        assert isinstance(node.func, ast.Name)
        node.args = [self.visit(part) for part in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        if node.func.id in self.names:
            what = ast.copy_location(_call("()", node.func, ast.Constant(node.func.id)), node.func)
            return ast.copy_location(ast.Call(what, node.args, node.keywords), node)
        return node
