"""The library by family, with an example of each op that runs: what ``einspec ops`` and the documentation print."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

from einspec.errors import ShapeError
from einspec.ops.declare import Combinator, Op, Primitive
from einspec.ops.opset import library_ops
from einspec.types import parse_type

_KINDS = (
    "3,32,32",
    "16,64",
    "64",
    "16,100 sequence",
    "77 int",
    "4,16,8",
    "(4,4),64",
    "1024,64",
    "(16,16),8",
    "3,8,32,32",
)
_VALUES: Mapping[str, object] = {
    "width": 16, "kernel": 3, "n": 2, "axis": 1, "order": "213", "start": 0, "stop": 2, "height": 16, "stride": 1,
    "padding": 1, "slope": 0.1, "factor": 2, "divisor": 2, "groups": 4, "vocabulary": 1000, "rows": 1000, "columns": 64,
    "index": 0, "shift": 1, "kind": "(16, 64)", "length": 4, "causal": False, "window": 8, "top": 1, "left": 1,
    "pattern": "c h w -> (h w) c",
}  # fmt: skip
_CHILDREN: Mapping[str, str] = {
    "split": '"clone" "2" -> clone', "merge": '"add" -> add', "before": '"im2col" "3,1,1" -> im2col',
    "after": '"col2im" -> col2im',
}  # fmt: skip
"""Children that have to be of a kind: what else they are is a ReLU."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One op of the library."""

    name: str
    family: str
    signature: str
    """How it is called, inputs, arguments with their defaults, and children."""
    summary: str
    """What it does, with the types that go in and come out."""
    op: Op


def catalogue() -> list[Entry]:
    """The ops of the library, family by family, in alphabetical order."""
    found = [_entry(name, op) for name, op in library_ops().items()]
    return sorted(found, key=lambda entry: (entry.family, entry.name))


def _entry(name: str, op: Op) -> Entry:
    summary = inspect.cleandoc(op.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return Entry(name, op.__module__.rpartition(".")[2], f"{name}{_signature(op)}", summary, op)


def _signature(op: Op) -> str:
    parameters = inspect.signature(op.function).parameters.values()
    inputs = op.signature.inputs
    shown = []
    for place, parameter in enumerate(parameters):
        is_input = parameter.kind is parameter.VAR_POSITIONAL or (inputs is not None and place < inputs)
        if is_input:
            shown.append(f"*{parameter.name}" if parameter.kind is parameter.VAR_POSITIONAL else parameter.name)
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in "".join(shown):
            shown.append("*")
        shown.append(str(parameter.replace(annotation=parameter.annotation)).replace("'", ""))
    return f"({', '.join(shown)})"


_BINDING = """//% input 3,32,32
start: "let(" leaf "," use ")" -> let
leaf: "relu" -> relu
use: "use" -> use
"""


def example(op: Op) -> str:
    """A grammar file of one sentence that uses an op, and runs."""
    if op.name in ("let", "use"):
        return _BINDING
    return _of_children(op) if isinstance(op, Combinator) and op.signature.children else _of_call(op)


def _of_children(op: Combinator) -> str:
    """A production that names the op, with a child for each."""
    lines = ['leaf: "relu" -> relu']
    words = []
    for name in op.signature.order:
        if name in op.signature.children and name in _CHILDREN:
            words.append(name)
            lines.append(f"{name}: {_CHILDREN[name]}")
        elif name in op.signature.children:
            words.append("leaf")
        else:
            words.append(f'"{_VALUES.get(name, 2)}"')
    separated = ' "," '.join(words)
    return "\n".join(["//% input 3,32,32", f'start: "{op.name}(" {separated} ")" -> {op.name}', *lines, ""])


def _of_call(op: Op) -> str:
    """A def that calls the op, at the first types that it accepts."""
    given = {a.name: _VALUES.get(a.name, 2) for a in op.signature.arguments if a.is_required}
    if op.name == "einsum":
        given["pattern"] = "c h w, c h v -> c w v"
    for kinds in _inputs(op):
        try:
            op(*map(parse_type, kinds), **{**given, **_attributes(op)})
        except (ShapeError, TypeError):
            continue
        names = ["x"] if len(kinds) == 1 else [f"x{i}" for i in range(len(kinds))]
        values = [f"{name}={value!r}" for name, value in {**given, **_attributes(op)}.items()]
        call = f"{op.name}({', '.join([*names, *values])})"
        inputs = kinds[0] if len(kinds) == 1 else "; ".join(f"{n}={k}" for n, k in zip(names, kinds, strict=True))
        above = [] if len(kinds) == 1 else [f"//% @combinator(inputs={len(kinds)})"]
        lines = [f"//% input {inputs}", *above, f"//% def example({', '.join(names)}):", f"//%     return {call}"]
        return "\n".join([*lines, 'start: "example" -> example', ""])
    raise LookupError(f"no example of {op.name}: give its arguments values")


def _attributes(op: Op) -> dict[str, Any]:
    return {attribute.name: 1 for attribute in op.signature.attributes if attribute.required}


def _inputs(op: Op) -> Iterator[tuple[str, ...]]:
    if op.name == "biased_attention":
        yield ("4,16,8",) * 3 + ("4,16,16",)
    count = 2 if op.signature.inputs is None else op.signature.inputs
    yield from ((kind,) * count for kind in _KINDS)
    if count > 1:
        for kinds in combinations_with_replacement(_KINDS, count):
            yield kinds
            yield tuple(reversed(kinds))


def markdown() -> str:
    """The list as a page of the documentation."""
    lines = ["# The op library", "", "Made from the declarations by `einspec ops --markdown`."]
    family = ""
    for entry in catalogue():
        if entry.family != family:
            family = entry.family
            lines += ["", f"## {family}", ""]
        kind = "" if isinstance(entry.op, Primitive) else " *(a combinator)*"
        lines.append(f"* `{entry.signature}`{kind}: {entry.summary}")
    return "\n".join(lines) + "\n"
