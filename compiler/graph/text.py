"""Reading graphs: the text that ``printing`` beside this writes, checked line by line."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from einspec.arguments import expect_text
from einspec.compiler.graph.graph import Context, Graph, Node, Port, Slot, all_fit
from einspec.compiler.graph.printing import types_text
from einspec.compiler.graph.shown import ShownGraph, shown
from einspec.compiler.graph.verify import MOST_DEPTH
from einspec.errors import ParseError, ShapeError
from einspec.ops.declare import Op, Primitive
from einspec.ops.opset import library_ops
from einspec.space.members.environment import is_plain
from einspec.text import did_you_mean
from einspec.types import Type, parse_type

_MOST_LINES = 2_000_000
_MOST_PORTS = 2_000_000
"""Outputs of nodes and inputs of bodies in one text, copies written out: a short line can ask for any number."""
_LONGEST_MESSAGE = 2_000
_KINDS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "str": (str,), "bool": (bool,)}
_HEAD = re.compile(r"graph (?P<kinds>.+) ->(?P<ports>.*)")
_BODY = re.compile(r"body of %(?P<node>\d{1,9}) \[(?P<scope>[^\]]*)\] (?P<kinds>.+) ->(?P<ports>.*)")
_NODE = re.compile(
    r"%(?P<index>\d{1,9}) = (?:(?P<copies>\d{1,9}) copies|(?P<op>\w+)(?P<args>\(.*\))?)"
    r"(?P<inputs>(?: %(?:in|\d+)(?:\.\d+)?)*) : (?P<types>.+?)(?: \[(?P<slot>[^\[\]]*)\])?"
)
_PORT = re.compile(r"%(in|\d+)(?:\.(\d+))?")


@dataclass(slots=True)
class _Part:
    """The graph or a body that is being read: where it begins, and what holds it."""

    number: int
    depth: int
    inputs: tuple[Type, ...]
    outputs: tuple[Port, ...]
    scope: Context = ()
    parent: _Part | None = None
    holder: int = -1
    nodes: list[Node] = field(default_factory=list)
    held: set[int] = field(default_factory=set)
    """The nodes whose bodies have begun."""


def parse_graph(text: str, ops: Mapping[str, Op] | None = None) -> ShownGraph:
    """The graph that ``format_graph`` wrote. ``ops`` are those of the library unless given.

    Raises ``ParseError`` with the line and the node for a text that is no graph, an unknown op, a port that is not
    there yet, arguments or types that are not the op's.
    """
    expect_text("text", text, "the text of a graph")
    return shown(_Reader(text, ops if ops is not None else library_ops()).graph())


class _Reader:
    def __init__(self, text: str, ops: Mapping[str, Op]):
        self.lines = text.strip("\n").split("\n")
        self.ops = ops
        self.number = 0
        self.ports_left = _MOST_PORTS
        self.open: list[_Part] = []  # the graph, the body in it that is being read, the body in that body, ...

    def fail(self, message: str) -> ParseError:
        """The error at the line that is being read."""
        line = self.lines[self.number - 1]
        message = message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}..."
        return ParseError(f"graph text, line {self.number}: {message}\n{self.number:>5} | {line[:120]}")

    def graph(self) -> Graph:
        """Reads all lines."""
        if len(self.lines) > _MOST_LINES:
            raise ParseError(f"graph text: more than {_MOST_LINES:,} lines")
        parts: list[_Part] = []
        for number, line in enumerate(self.lines, start=1):
            self.number = number
            content = line.lstrip(" ")
            depth, odd = divmod(len(line) - len(content), 2)
            if not content or odd:
                raise self.fail("expected a node, indented by two blanks per level")
            if content.startswith(("graph ", "body of ")):
                parts.append(self.part(content, depth))
            elif not parts or depth != parts[-1].depth + 1:
                raise self.fail("this node belongs to no graph: expected 'graph TYPES -> PORTS' above it")
            else:
                self.node(content, parts[-1])
        for part in reversed(parts):  # bodies before what holds them
            graph = self.finished(part)
            if part.parent is not None:
                self.attach(graph, part)
        return graph

    def part(self, content: str, depth: int) -> _Part:
        """The first line of the graph, or of a body of the part above it that is one level out."""
        is_body = bool(self.open)
        match = (_BODY if is_body else _HEAD).fullmatch(content)
        if match is None or (not 1 <= depth <= len(self.open) if is_body else depth):
            raise self.fail(
                f"expected {'body of %NODE [SCOPE] TYPES -> PORTS' if is_body else 'graph TYPES -> PORTS'!r}"
            )
        if depth > MOST_DEPTH:
            raise self.fail(f"bodies are nested more than {MOST_DEPTH} deep")
        part = _Part(self.number, depth, self.types(match["kinds"]), self.ports(match["ports"]))
        if is_body:
            part.parent, part.holder = self.open[depth - 1], int(match["node"])
            part.scope = self.context(match["scope"])
            self.hold(part, part.parent)
        self.open[depth:] = [part]
        return part

    def hold(self, part: _Part, parent: _Part) -> None:
        """Checks that a node waits for a body, and that its scope is one of the copies."""
        holder = part.holder
        if holder >= len(parent.nodes) or parent.nodes[holder].op is not None:
            raise self.fail(f"%{holder} is no node with copies, so it has no body")
        if holder in parent.held:
            raise self.fail(f"%{holder} has a body already")
        parent.held.add(holder)
        copies = parent.nodes[holder].copies
        self.spend(copies * (len(part.inputs) + len(part.outputs)))
        kind, _, count = part.scope[-1] if part.scope else ("", 0, 0)
        if (kind, count) != ("each", copies):
            raise self.fail(f"expected a scope that ends in each:NODE:{copies}, as %{holder} has {copies} copies")

    def spend(self, ports: int) -> None:
        """Counts ports. Raises ``ParseError`` when they are too many."""
        self.ports_left -= ports
        if self.ports_left < 0:
            raise self.fail(f"the nodes so far have more than {_MOST_PORTS:,} inputs and outputs, copies written out")

    def finished(self, part: _Part) -> Graph:
        """A part whose nodes and bodies are all read."""
        self.number = part.number
        for port in part.outputs:
            self.type_of(port, part)
        for index, node in enumerate(part.nodes):
            if node.op is None and node.body is None:
                raise self.fail(f"%{index} has copies and no body: expected 'body of %{index} ...' below")
        if part.parent is not None and not part.nodes:
            raise self.fail(f"the body of %{part.holder} has no node: there is nothing to copy")
        return Graph(part.inputs, tuple(part.nodes), part.outputs, part.scope)

    def attach(self, body: Graph, part: _Part) -> None:
        """Makes a graph the body of the node that holds it."""
        assert part.parent is not None
        node = part.parent.nodes[part.holder]
        given = tuple(self.type_of(port, part.parent) for port in node.inputs)
        for what, text, found in (
            ("takes", given, body.inputs * node.copies),
            ("gives", node.outputs, body.output_types * node.copies),
        ):
            if not all_fit(text, found):
                copies = f"{node.copies} copies of its body {types_text(found)}"
                raise self.fail(f"%{part.holder} {what} {types_text(text)}, and {copies}")
        part.parent.nodes[part.holder] = replace(node, input_types=given, body=body)

    def node(self, content: str, part: _Part) -> None:
        """One node."""
        match = _NODE.fullmatch(content)
        if match is None:
            raise self.fail("expected a node, as in   %0 = linear(64) %in : (3, 32, 64) [1:linear_1]")
        index = int(match["index"])
        if index != len(part.nodes):
            raise self.fail(f"found %{index}, expected %{len(part.nodes)}: nodes are numbered in order")
        inputs = self.ports(match["inputs"])
        if match["copies"] is not None:
            if int(match["copies"]) < 2:
                raise self.fail(f"%{index}: expected 2 copies or more")
            part.nodes.append(Node(None, (), (), inputs, (), self.types(match["types"]), copies=int(match["copies"])))
            return
        op = self.op(match["op"])
        args, attributes = self.values(op, match["args"])
        if not inputs:
            raise self.fail(f"%{index}: {op.name} reads nothing: expected ports, as %in or %0")
        kinds = tuple(self.type_of(port, part) for port in inputs)
        try:
            outputs = op.infer(kinds, args, attributes)
        except Exception as error:  # a type rule was never asked about such arguments
            raise self.fail(f"%{index}: {error}") from None
        types = outputs if isinstance(outputs, tuple) else (outputs,)
        said = self.types(match["types"])
        if not all_fit(types, said):
            raise self.fail(f"%{index}: {op.text(args)} gives {types_text(types)}, and the text says {match['types']}")
        slot = self.slot(match["slot"]) if match["slot"] is not None else None
        if (slot is not None) != op.has_slot:
            raise self.fail(f"%{index}: {op.name} {'has' if op.has_slot else 'has no'} weights: expected "
                            f"{'a slot in brackets' if op.has_slot else 'no slot'}")  # fmt: skip
        part.nodes.append(Node(op, args, tuple(sorted(attributes.items())), inputs, kinds, said, slot))

    def op(self, name: str) -> Primitive:
        """The primitive of a name."""
        op = self.ops.get(name)
        if not isinstance(op, Primitive):
            known = [known for known, found in self.ops.items() if isinstance(found, Primitive)]
            raise self.fail(f"{name} is not a primitive; {did_you_mean(name, known) or 'pass it with ops='}")
        return op

    def values(self, op: Primitive, text: str | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments and attributes of a node."""
        source = f"f{text or '()'}"
        try:
            call = ast.parse(source, mode="eval").body
            # The text in brackets is all there is: no call of a call, no method, no comment.
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                raise ValueError(source)
            if call.end_col_offset != len(source.encode()):
                raise ValueError(source)
            args = tuple(_literal(value) for value in call.args)
            attributes = {str(named.arg): _literal(named.value) for named in call.keywords}
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
            raise self.fail(f"{op.name}{text}: expected arguments separated by commas") from None
        wanted = op.own_signature.arguments
        fit = len(args) == len(wanted) and all(
            type(a) in _KINDS[argument.kind] or (a is None and argument.may_be_none)
            for a, argument in zip(args, wanted, strict=True)
        )
        fit = fit and all(map(is_plain, (*args, *attributes.values())))
        if not fit or not set(attributes) <= set(op.reads):
            raise self.fail(f"{op.name}{text or '()'} does not fit {op.name}{op.own_signature}")
        return args, attributes

    def type_of(self, port: Port, part: _Part) -> Type:
        """The type at a port that is there already."""
        index, output = port
        kinds = part.inputs if index < 0 else part.nodes[index].outputs if index < len(part.nodes) else ()
        if output >= len(kinds):
            raise self.fail(f"%{'in' if index < 0 else index}.{output} is not there: a node reads what stands above it")
        return kinds[output]

    def types(self, text: str) -> tuple[Type, ...]:
        """One type, ``4 x`` one, or several with ``and`` between."""
        counted = re.fullmatch(r"(\d{1,7}) x (.+)", text)
        try:
            if counted is not None:
                if not int(counted[1]):
                    raise self.fail(f"found {text}, expected one type or more")
                self.spend(int(counted[1]))
                return (parse_type(counted[2]),) * int(counted[1])
            return tuple(parse_type(part) for part in text.split(" and "))
        except ShapeError as error:
            raise self.fail(str(error)) from None

    def ports(self, text: str) -> tuple[Port, ...]:
        """Ports separated by blanks."""
        found = []
        for word in text.split():
            match = _PORT.fullmatch(word)
            if match is None or len(word) > 20:
                raise self.fail(f"{word!r} is no port: expected %in, %3 or %3.1")
            found.append((-1 if match[1] == "in" else int(match[1]), int(match[2] or 0)))
        return tuple(found)

    def context(self, text: str) -> Context:
        """Calls separated by slashes."""
        steps = []
        for word in text.split("/") if text else []:
            match = re.fullmatch(r"(\w+):(\d{1,12}):(\d{1,12})", word)
            if match is None:
                raise self.fail(f"{word!r} is no call: expected KIND:NODE:INDEX, as in each:4:8")
            steps.append((match[1], int(match[2]), int(match[3])))
        return tuple(steps)

    def slot(self, text: str) -> Slot:
        """``number:name/calls``."""
        match = re.fullmatch(r"(\d{1,12}):(\w+)(?:/(.*))?", text)
        if match is None:
            raise self.fail(f"{text!r} is no slot: expected NUMBER:NAME, as in 1:linear_1")
        return Slot(int(match[1]), match[2], self.context(match[3] or ""))


def _literal(node: ast.expr) -> Any:
    """A word, a number, a text, or a tuple of such."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Tuple):
        return tuple(map(_literal, node.elts))
    value = ast.literal_eval(node)
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueError(f"a number of {value.bit_length()} bits")
    return value


_MOST_BITS = 1_000
"""Longer numbers are no arguments, and Python prints none of over 4,300 digits."""
