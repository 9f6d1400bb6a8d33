"""The subset of Python that grammar files hold: what is not on this list is refused, with its place and a way out.

Nothing else is ever compiled. Conditions and loops are over numbers, so that each evaluation is a straight line.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from einspec.grammar.model.problems import Problems
from einspec.ops.declare import Op
from einspec.ops.expressions.bounds import LARGEST
from einspec.ops.expressions.passage import Passage
from einspec.ops.expressions.values import ATTRIBUTES, HELPERS
from einspec.text import did_you_mean, listing

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip
_ANNOTATION = re.compile(
    r"Type|(int|float|str|bool)( \| None)?|tuple\[(int|float|str|bool), \.\.\.\]( \| None)?|Child|Children"
)
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.While: ("while", "loop over a range, which has an end"),
    ast.Lambda: ("lambda", "write a def of its own"),
    ast.ClassDef: ("class", "write defs"),
    ast.FunctionDef: ("a def within a def", "write it above, as a def of its own"),
    ast.AsyncFunctionDef: ("async", "write def"),
    ast.Import: ("import", "ops of this file and of the library are there; others: //% from file import op"),
    ast.ImportFrom: ("an import within a def", "write it above, on a line of its own: //% from file import op"),
    ast.Global: ("global", "pass values on as arguments"),
    ast.Nonlocal: ("nonlocal", "pass values on as arguments"),
    ast.Try: ("try", "ask with if, before"),
    ast.With: ("with", "leave it out"),
    ast.Raise: ("raise", 'write   refuse("why")'),
    ast.Assert: ("assert", 'write   if ...: refuse("why")'),
    ast.Delete: ("del", "leave it out"),
    ast.JoinedStr: ("an f-string", "say it in plain words"),
    ast.List: ("a list", "write a tuple, in round brackets"),
    ast.Dict: ("a dict", "write a tuple, and loops or conditions over it"),
    ast.Set: ("a set", "write a tuple, in round brackets"),
    ast.DictComp: ("a dict", "write a tuple"),
    ast.SetComp: ("a set", "write a tuple"),
    ast.NamedExpr: (":=", "assign on a line of its own"),
    ast.Await: ("await", "leave it out"),
    ast.Yield: ("yield", "collect a tuple, and return it"),
    ast.YieldFrom: ("yield", "collect a tuple, and return it"),
    ast.AnnAssign: ("an annotation here", "leave it out"),
    ast.Break: ("break", "loop over fewer"),
    ast.Continue: ("continue", "turn the condition round, and indent what is left"),
}

Scope = Mapping[str, Op]


class Checker:
    """Checks expressions and statements; problems are noted at their place, under one code."""

    def __init__(self, passage: Passage, scope: Scope, problems: Problems, code: str, name_code: str):
        self.passage = passage
        self.scope = scope
        self.problems = problems
        self.code = code
        self.name_code = name_code
        self.locals: set[str] = set()
        self.used: set[str] = set()
        self.called: list[tuple[str, ast.AST]] = []
        """The ops that are called, in order, and where."""

    def error(self, node: ast.AST, message: str, advice: str, code: str | None = None) -> None:
        """Notes a problem at a node."""
        self.problems.error(code or self.code, *self.passage.span(node), message, advice)

    def refused(self, node: ast.AST) -> None:
        """Notes that something is not of the subset."""
        what, advice = _REFUSED.get(type(node), (f"this ({type(node).__name__})", "say it in other words"))
        self.error(node, f"{what} is not of the Python that grammar files hold", advice)

    # statements

    def body(self, statements: Sequence[ast.stmt]) -> None:
        """Checks the statements of a def or a block."""
        for place, statement in enumerate(statements):
            is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if is_docstring and place == 0 and isinstance(statement.value.value, str):  # type: ignore[attr-defined]
                continue
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        """Checks one statement."""
        if isinstance(node, ast.Assign):
            self.expression(node.value)
            for target in node.targets:
                self.target(target)
        elif isinstance(node, ast.AugAssign):
            self.expression(node.value)
            if not isinstance(node.target, ast.Name):
                self.error(node.target, "only a name can be assigned to", "give the value a name")
            elif type(node.op) not in BINARY:
                self.error(node, "there is no such operator here", f"known are {listing(BINARY.values(), 'and')}")
            else:
                self.used.add(node.target.id)
        elif isinstance(node, ast.For):
            self.expression(node.iter)
            self.target(node.target)
            self.body(node.body)
            if node.orelse:
                self.error(node.orelse[0], "for has no else here", "write it after the loop")
        elif isinstance(node, ast.If):
            self.expression(node.test)
            self.body(node.body)
            self.body(node.orelse)
        elif isinstance(node, ast.Return):
            if node.value is None:
                self.error(node, "this returns nothing", "return a value, or numbers")
            else:
                self.expression(node.value)
        elif isinstance(node, ast.Expr):
            before = len(self.problems.found)
            if isinstance(node.value, ast.Call):
                self.expression(node.value)
            if not _is_refusal(node) and len(self.problems.found) == before:
                self.error(node, "what this gives is dropped", "give it a name, return it, or leave it out")
        elif not isinstance(node, ast.Pass):
            self.refused(node)

    def target(self, node: ast.expr) -> None:
        """What is assigned to: a name, or a tuple of names."""
        if isinstance(node, ast.Tuple):
            for part in node.elts:
                self.target(part)
        elif not isinstance(node, ast.Name):
            self.error(node, "only names can be assigned to", "a tuple is made anew:   parts = (*parts, value)")

    # expressions

    def expression(self, node: ast.AST) -> None:
        """Checks an expression."""
        check: Callable[[ast.AST], None] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if check is None:
            self.refused(node)
        else:
            check(node)

    def _constant(self, node: ast.Constant) -> None:
        value = node.value
        if type(value) is int and abs(value) > LARGEST:
            self.error(node, "a whole number past 2**62", "no size of a network is that large")
        elif type(value) is float and not math.isfinite(value):
            self.error(node, "this number is infinite", "write a smaller one")
        elif type(value) not in (int, float, str, bool, type(None)):
            self.error(node, f"{ast.unparse(node)} is no number, text, truth value or None", "write one of these")

    def _name(self, node: ast.Name) -> None:
        name = node.id
        if name in self.locals:
            self.used.add(name)
        elif name in HELPERS or name in self.scope:
            self.error(node, f"{name} is called here, and is no value by itself", f"as in   {name}(...)")
        else:
            advice = did_you_mean(name, self.locals) or self.known()
            self.error(node, f"there is no {name} here", advice, self.name_code)

    def known(self) -> str:
        """The names that there are, for advice."""
        return f"known are {listing(sorted(self.locals), 'and')}" if self.locals else "write a number"

    def _tuple(self, node: ast.Tuple) -> None:
        for part in node.elts:
            self.expression(part.value if isinstance(part, ast.Starred) else part)

    def _binop(self, node: ast.BinOp) -> None:
        if type(node.op) not in BINARY:
            self.error(node, "there is no such operator here", f"known are {listing(BINARY.values(), 'and')}")
        for part in (node.left, node.right):
            self._no_text(part, BINARY.get(type(node.op), "this"))
            self.expression(part)

    def _no_text(self, node: ast.expr, where: str) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.error(node, f"{where} takes numbers, and this is a text", "texts are compared, with == or in")

    def _unaryop(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Invert):
            self.error(node, "there is no ~ here", "write not")
        elif not isinstance(node.op, ast.Not):
            self._no_text(node.operand, "-" if isinstance(node.op, ast.USub) else "+")
        self.expression(node.operand)

    def _boolop(self, node: ast.BoolOp) -> None:
        for part in node.values:
            self.expression(part)

    def _compare(self, node: ast.Compare) -> None:
        parts = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, parts, parts[1:], strict=False):
            if isinstance(operator, (ast.Is, ast.IsNot)):
                if not (isinstance(right, ast.Constant) and right.value is None):
                    self.error(node, "is asks for None alone", "compare with ==")
            elif not isinstance(operator, (ast.Eq, ast.NotEq, ast.In, ast.NotIn)):
                self._no_text(left, COMPARISONS[type(operator)])
                self._no_text(right, COMPARISONS[type(operator)])
        for middle in parts[1:-1]:
            if any(isinstance(part, ast.Call) for part in ast.walk(middle)):
                self.error(middle, "the middle of a chain of comparisons is read twice", "give it a name before")
        for part in parts:
            self.expression(part)

    def _ifexp(self, node: ast.IfExp) -> None:
        for part in (node.test, node.body, node.orelse):
            self.expression(part)

    def _attribute(self, node: ast.Attribute) -> None:
        if node.attr not in ATTRIBUTES:
            advice = did_you_mean(node.attr, ATTRIBUTES) or f"a value has {listing(ATTRIBUTES, 'and')}"
            if node.attr in ("append", "extend"):
                advice = "a tuple is made anew:   parts = (*parts, value)"
            elif node.attr == "axes":
                advice = "axes have letters, as x.c, x.h, x.w of an image; all sizes are x.shape"
            self.error(node, f"there is no .{node.attr} here", advice)
        self.expression(node.value)

    def _subscript(self, node: ast.Subscript) -> None:
        self.expression(node.value)
        if isinstance(node.slice, ast.Slice):
            for part in (node.slice.lower, node.slice.upper, node.slice.step):
                if part is not None:
                    self.expression(part)
        else:
            self.expression(node.slice)

    def _listcomp(self, node: ast.ListComp) -> None:
        self._comprehension(node.elt, node.generators)

    def _generatorexp(self, node: ast.GeneratorExp) -> None:
        self.error(node, "a comprehension stands alone in brackets", "write [... for ...], or tuple(... for ...)")

    def _comprehension(self, element: ast.expr, generators: Sequence[ast.comprehension]) -> None:
        outer = set(self.locals)
        for generator in generators:
            if generator.is_async:
                self.error(generator.iter, "async is not of the Python that grammar files hold", "leave it out")
            self.expression(generator.iter)
            self.target(generator.target)
            names = names_in(generator.target)
            self._check_locals(names, generator.target)
            self.locals |= names
            for condition in generator.ifs:
                self.expression(condition)
        self.expression(element)
        self.locals = outer

    def _check_locals(self, names: set[str], node: ast.AST) -> None:
        for name in sorted(names):
            if name in HELPERS:
                self.error(
                    node,
                    f"{name} is a function here, and cannot be a name for something else",
                    "call it something else",
                )
            elif name.startswith("__") or not name.isascii():
                self.error(node, f"{name} is no name here", "write it in plain letters, without __ before it")

    def _call(self, node: ast.Call) -> None:
        positional = self._arguments(node)
        if not isinstance(node.func, ast.Name):
            advice = "give what is called a name, on a line of its own"
            if isinstance(node.func, ast.Attribute):
                word = node.func.attr
                if word in ("append", "extend"):
                    advice = "a tuple is made anew:   parts = (*parts, value)"
                elif word in self.scope or word in HELPERS:
                    advice = f"write   {word}(...)"
            self.error(node.func, "only names are called", advice)
            return
        name = node.func.id
        if name in self.locals:
            self.used.add(name)
        elif name in HELPERS:
            self._check_helper(node, name, positional)
        elif name in self.scope:
            self.called.append((name, node))
            self._check_op(node, self.scope[name], positional)
        else:
            known = {*self.scope, *HELPERS, *self.locals}
            advice = did_you_mean(name, known) or "write it as a def of this file, or load it with ops=..."
            self.error(node.func, f"there is no op {name}", advice, self.name_code)

    def _arguments(self, node: ast.Call) -> int | None:
        """Checks the arguments of a call; how many stand before those with names, None where a ``*`` hides it."""
        count: int | None = len(node.args)
        for part in node.args:
            if isinstance(part, ast.Starred):
                count = None
                self.expression(part.value)
            elif isinstance(part, ast.GeneratorExp) and isinstance(node.func, ast.Name) and node.func.id in HELPERS:
                self._comprehension(part.elt, part.generators)
            else:
                self.expression(part)
        for keyword in node.keywords:
            if keyword.arg is None:
                self.error(keyword.value, "** is not of the Python that grammar files hold", "name each argument")
            self.expression(keyword.value)
        return count

    def _check_helper(self, node: ast.Call, name: str, positional: int | None) -> None:
        for keyword in node.keywords:
            self.error(keyword.value, f"{name} takes no arguments by name here", "write them in order")
        least, most = _ARITIES.get(name, (1, 1))
        if positional is not None and not least <= positional <= most:
            self.error(node, f"{name} takes {_count(least, most)}, not {positional}", f"as in   {_USES[name]}")
        if name == "refuse" and not (
            len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
        ):
            self.error(node, "refuse takes a text, which messages give as the reason", 'as in   refuse("why")')

    def _check_op(self, node: ast.Call, op: Op, positional: int | None) -> None:
        keywords = [keyword.arg for keyword in node.keywords if keyword.arg is not None]
        if len(keywords) < len(node.keywords):
            return  # ** is refused already
        if len(set(keywords)) != len(keywords):
            self.error(node, "an argument is given twice", "leave one out")
            return
        found = op.misfit(positional, keywords)
        if found:
            self.error(node, f"{op.name} {found}", f"its declaration is {op.name}{op.signature}")


_ARITIES = {
    "scan": (3, 255), "let": (2, 3), "tie": (1, 1), "each": (2, 2), "min": (1, 255), "max": (1, 255), "sum": (1, 2),
    "round": (1, 2), "enumerate": (1, 2), "zip": (1, 255), "range": (1, 3), "tuple": (0, 1),
}  # fmt: skip
_USES = {
    **{name: f"{name}(value)" for name in HELPERS},
    "let": "let(cell, body)", "each": "each(child, values)", "scan": "scan(cell, values, state)",
    "min": "min(a, b)", "max": "max(a, b)",
    "sum": "sum(values)", "round": "round(value, 2)", "enumerate": "enumerate(values)", "zip": "zip(these, those)",
    "range": "range(4)", "refuse": 'refuse("why")', "tie": "tie(child)", "len": "len(values)", "any": "any(values)",
    "all": "all(values)", "reversed": "reversed(values)", "sorted": "sorted(values)", "tuple": "tuple(values)",
}  # fmt: skip


def _count(least: int, most: int) -> str:
    if least == most:
        return f"{least} argument{'s' if least != 1 else ''}"
    return f"{least} or more arguments" if most == 255 else f"{least} to {most} arguments"


class DefChecker(Checker):
    """Checks a whole ``def``."""

    def __init__(self, passage: Passage, scope: Scope, problems: Problems):
        super().__init__(passage, scope, problems, "E403", "E404")

    def check(self, node: ast.FunctionDef) -> None:
        """Checks the parameters and the body of a ``def``."""
        self.signature(node)
        self.locals = locals_of(node)
        for parameter in _parameters(node):
            self._check_locals({parameter.arg}, parameter)
        for statement in ast.walk(node):
            if isinstance(statement, (ast.Assign, ast.AugAssign, ast.For)):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for target in targets:
                    self._check_locals(names_in(target), target)
        self.body(node.body)
        if not _ends(node.body):
            self.error(node, "there is a way through this def that returns nothing", "end it with return or refuse")
        for parameter in _parameters(node)[1:]:
            if parameter.arg not in self.used and not parameter.arg.startswith("_"):
                start, end = self.passage.span(parameter)
                message = f"{node.name} never uses its parameter {parameter.arg}"
                self.problems.warning("W511", start, end, message, "use it, or leave it out")

    def signature(self, node: ast.FunctionDef) -> None:
        """Checks annotations and defaults."""
        arguments = node.args
        if arguments.posonlyargs:
            self.error(arguments.posonlyargs[-1], "/ is not of the Python that grammar files hold", "leave it out")
        if arguments.kwarg is not None:
            self.error(arguments.kwarg, "an op names its attributes one by one", "write   *, name=default")
        for parameter in _parameters(node):
            annotation = parameter.annotation
            if annotation is not None and not _ANNOTATION.fullmatch(ast.unparse(annotation)):
                known = "Type, int, float, str, bool, int | None, tuple[int, ...]"
                self.error(annotation, f"{ast.unparse(annotation)} is no annotation here", f"known are {known}")
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                try:
                    ast.literal_eval(default)
                except (ValueError, TypeError, MemoryError, RecursionError):
                    self.error(default, "a default is a number, a text, a truth value, None or a tuple", "write one")
                else:
                    self.expression(default)


def _parameters(node: ast.FunctionDef) -> list[ast.arg]:
    arguments = node.args
    variadic = [arguments.vararg] if arguments.vararg is not None else []
    return [*arguments.posonlyargs, *arguments.args, *variadic, *arguments.kwonlyargs]


def locals_of(node: ast.FunctionDef) -> set[str]:
    """The names that stand for values in all of a ``def``: its parameters, and what is assigned."""
    return {parameter.arg for parameter in _parameters(node)} | assigned(node.body)


def names_in(target: ast.expr) -> set[str]:
    """The names that a target assigns to."""
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}


def assigned(statements: Sequence[ast.stmt]) -> set[str]:
    """The names that statements assign to, in all their blocks."""
    return set(_assigned(statements))


def _assigned(statements: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from names_in(target)
        elif isinstance(statement, ast.AugAssign):
            yield from names_in(statement.target)
        elif isinstance(statement, ast.For):
            yield from names_in(statement.target)
            yield from _assigned(statement.body)
        elif isinstance(statement, ast.If):
            yield from _assigned([*statement.body, *statement.orelse])


def _is_refusal(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "refuse"
    )


def _ends(statements: Sequence[ast.stmt]) -> bool:
    """Whether every way through statements returns or refuses."""
    return any(
        isinstance(statement, ast.Return)
        or _is_refusal(statement)
        or (isinstance(statement, ast.If) and _ends(statement.body) and _ends(statement.orelse))
        for statement in statements
    )
