"""The ops of grammar files: read together, since files take ops from one another, and given names file by file."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from einspec.grammar.model.ops import OpFile, OpText
from einspec.grammar.model.problems import Problems
from einspec.ops.declare import Op, Primitive
from einspec.ops.expressions.bounds import LONGEST_DEFS
from einspec.ops.expressions.checking import DefChecker
from einspec.ops.expressions.compiling import compiled_def, header, namespace
from einspec.ops.expressions.passage import Passage, parsed
from einspec.ops.expressions.values import HELPERS
from einspec.ops.expressions.written import MARK, PASSAGES, WrittenOp
from einspec.ops.opset import library_ops
from einspec.text import Problem, Source, listing

Ops = Mapping[str, Op]


@dataclass(frozen=True)
class WrittenOps:
    """The ops that the productions of each file can name, and what is wrong with those that files write."""

    python: Ops
    """The library's, and the user's own."""
    scopes: Mapping[Source, Ops]
    problems: tuple[Problem, ...]
    broken: Mapping[Source, frozenset[str]]
    """Names of ops that could not be read: that there is no such op is no problem of its own."""
    called: Mapping[Source, frozenset[str]]
    """Names of the ops that the defs of each file call."""

    def of(self, source: Source) -> Ops:
        """The ops that a file can name."""
        return self.scopes.get(source, self.python)

    def is_broken(self, source: Source, name: str) -> bool:
        """Whether a file holds an op of this name that could not be read."""
        return name in self.broken.get(source, ())


@lru_cache(maxsize=64)
def written_ops(files: tuple[OpFile, ...], own: tuple[Op, ...]) -> WrittenOps:
    """The ops of some files, with the user's own ops of Python. Problems are collected, not raised."""
    python = {**library_ops(), **{op.name: op for op in own}}
    reader = _Reader(files, own, python)
    for file in files:
        reader.read(file)
    for file in files:
        reader.bring(file)
    found = reader.problems.found
    broken, called = ({s: frozenset(names) for s, names in own.items()} for own in (reader.broken, reader.called))
    return WrittenOps(python, reader.scopes, tuple(found), broken, called)


def written_op(files: tuple[OpFile, ...], own: tuple[Op, ...], source: Source, name: str) -> Op:
    """The op that a file writes, found again after pickling."""
    return written_ops(files, own).scopes[source][name]


@dataclass
class _Def:
    """A ``def`` that was read, and is still to be compiled."""

    op: WrittenOp
    node: ast.FunctionDef
    passage: Passage
    calls: dict[str, ast.AST] = field(default_factory=dict)


class _Reader:
    def __init__(self, files: tuple[OpFile, ...], own: tuple[Op, ...], python: Ops):
        self.files = {file.source: file for file in files}
        self.recipe = written_op, files, own
        self.python = python
        self.scopes: dict[Source, dict[str, Op]] = {}
        self.broken: dict[Source, set[str]] = {}
        self.called: dict[Source, set[str]] = {}
        self.problems = Problems(files[0].source if files else Source("", ""))

    def read(self, file: OpFile) -> None:
        """Reads the ops of a file, those that it takes from others before."""
        if file.source in self.scopes:
            return
        problems = self.problems.of(file.source)
        scope = self.scopes[file.source] = dict(self.python)
        broken = self.broken[file.source] = set()
        for imported in file.imports:
            self.read(self.files[imported.source])
            if imported.alias in scope:
                message = f"{imported.alias} is an op of {_home(scope[imported.alias])}"
                advice = f"as in   //% from ... import {imported.name} as my_{imported.alias}"
                problems.error("E404", imported.start, imported.end, message, advice)
            elif imported.name in self.scopes[imported.source]:
                scope[imported.alias] = self.scopes[imported.source][imported.name]
            else:
                broken.add(imported.alias)
        if sum(len(text.text) for text in file.texts) > LONGEST_DEFS:
            message = f"the defs of this file are longer than {LONGEST_DEFS >> 10} KiB"
            text = file.texts[-1]
            problems.error("E105", text.start, text.end, message, "split it, and import ops with //% from")
            broken.update(text.name for text in file.texts)
            return
        before = len(self.problems.found)
        defs = [found for text in file.texts if (found := self._head(text, scope, broken, problems)) is not None]
        for found in defs:
            scope[found.op.name] = found.op
        for found in defs:
            checker = DefChecker(found.passage, _Known(scope, broken), problems)
            checker.check(found.node)
            found.calls = dict(reversed(checker.called))
            self.called.setdefault(file.source, set()).update(found.calls)
        self._check_recursion(defs, problems)
        if not any(problem.severity == "error" for problem in self.problems.found[before:]):
            self._compile(defs, scope)

    def bring(self, file: OpFile) -> None:
        """Adds the ops of the files whose rules a file imports, where a name is free."""
        for source in file.brought:
            for name, op in self.scopes.get(source, {}).items():
                self.scopes[file.source].setdefault(name, op)

    def _head(self, text: OpText, scope: Ops, broken: set[str], problems: Problems) -> _Def | None:
        """The syntax tree of a def and the op that it becomes; None where it cannot be read."""
        before = len(problems.found)
        passage = Passage(text.source, text.text, text.starts)
        found = self._signature(text, passage, scope, problems)
        if found is None or any(problem.severity == "error" for problem in problems.found[before:]):
            broken.add(text.name)
        return found

    def _signature(self, text: OpText, passage: Passage, scope: Ops, problems: Problems) -> _Def | None:
        tree = parsed(passage, "exec", problems, "E403")
        if tree is None:
            return None
        assert isinstance(tree, ast.Module)
        checker = DefChecker(passage, scope, problems)
        node = tree.body[0] if tree.body else None
        if not isinstance(node, ast.FunctionDef) or len(tree.body) > 1:
            stray = tree.body[1] if len(tree.body) > 1 else tree
            checker.error(stray, "expected one def here, and nothing else", "begin the next one after another //% line")
            return None
        inputs, overrides = self._decorators(node, checker)
        if text.name in HELPERS:
            problems.error(
                "E404", text.start, text.end, f"{text.name} is a function here", "call the op something else"
            )
        elif text.name in scope and not overrides:
            message = f"{text.name} is an op of {_home(scope[text.name])}"
            advice = "write   //% @override   above the def, or give it another name"
            problems.error("E404", text.start, text.end, message, advice)
        elif overrides and text.name not in scope:
            problems.error(
                "E404", text.start, text.end, f"there is no op {text.name} to override", "leave @override out"
            )
        before = len(problems.found)
        checker.signature(node)
        if len(problems.found) > before:
            return None
        try:
            function = header(node, f"{MARK}{text.name}>")
            return _Def(WrittenOp(function, text, inputs, self.recipe), node, passage)
        except (TypeError, SyntaxError) as error:
            message = str(error).removeprefix(f"{text.name}: ")
            problems.error("E403", text.start, text.end, message, "inputs stand first, then arguments and children")
            return None

    def _decorators(self, node: ast.FunctionDef, checker: DefChecker) -> tuple[int | None, bool]:
        """The number of inputs that is written above a def, and whether it shadows another op."""
        inputs, overrides = None, False
        for decorator in node.decorator_list:
            text = ast.unparse(decorator)
            if text == "override":
                overrides = True
            elif text.startswith("combinator(inputs=") and isinstance(decorator, ast.Call):
                value = decorator.keywords[0].value
                inputs = value.value if isinstance(value, ast.Constant) and type(value.value) is int else -1
                if len(decorator.keywords) > 1 or inputs < 1:
                    checker.error(decorator, "@combinator takes the number of inputs", "as in   @combinator(inputs=2)")
            elif text not in ("combinator", "combinator()"):
                advice = "known are @override and @combinator(inputs=2)"
                checker.error(decorator, f"there is no @{text} here", advice)
        return inputs, overrides

    def _check_recursion(self, defs: Iterable[_Def], problems: Problems) -> None:
        by_name = {found.op.name: found for found in defs}
        ends: dict[str, bool] = {}

        def visit(name: str, above: tuple[str, ...]) -> None:
            for called, node in by_name[name].calls.items():
                if called in above or called == name:
                    circle = [*above[above.index(called) :], name] if called in above else [name]
                    start, end = by_name[name].passage.span(node)
                    through = f", through {listing(circle[1:], 'and')}" if len(circle) > 1 else ""
                    message = f"{called} calls itself{through}"
                    problems.error("E404", start, end, message, "write a loop; what repeats itself is a rule's part")
                elif called in by_name and called not in ends:
                    visit(called, (*above, name))
            ends[name] = True

        for name in by_name:
            if name not in ends and len(by_name) <= _MOST_DEFS:
                visit(name, ())
        if len(by_name) > _MOST_DEFS:
            last = list(by_name.values())[-1].op.written
            message = f"a file of more than {_MOST_DEFS} defs"
            problems.error("E105", last.start, last.end, message, "split it, and import ops with //% from")

    def _compile(self, defs: Iterable[_Def], scope: Ops) -> None:
        names = namespace({name: _callable(op) for name, op in scope.items()})
        passages = names[PASSAGES] = {}
        for found in defs:
            file = f"{MARK}{found.op.name}>"
            passages[file] = found.passage
            found.op.define(compiled_def(found.node, file, names))
            names[found.op.name] = found.op.function


_MOST_DEFS = 500


class _Known(dict[str, Op]):
    """A scope in which ops that could not be read have names, and any arguments."""

    def __init__(self, scope: Ops, broken: Iterable[str]):
        super().__init__(scope)
        self.update({name: _ANY for name in broken if name not in scope})


class _Anything(Primitive):
    """Stands for an op that could not be read."""

    def __init__(self) -> None:
        self.name = "anything"

    def misfit(self, positional: int | None, keywords: Iterable[str]) -> str:
        return ""


_ANY = _Anything()


def _callable(op: Op) -> Callable[..., Any]:
    """What a text calls: of a combinator the function, since one that is called by another is no more than that."""
    return op if isinstance(op, Primitive) else op.function


def _home(op: Op) -> str:
    """Where an op is from, for messages."""
    if library_ops().get(op.name) is op:
        return "the library"
    return "Python" if not isinstance(op, WrittenOp) else op.written.source.name
