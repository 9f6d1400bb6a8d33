"""Rewriting a graph: every node is made anew from its rewritten inputs, and rules look at it as it is made.

A rule is data: its equation, its side condition, and a function from a node and what makes its inputs to
what stands for it. Inputs are in normal form when a node is made, so that one pass reaches the fixed point.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from einspec.compiler.graph.graph import Graph, Node, Port, Ports, Slot, fits, pruned
from einspec.errors import CompileError, ShapeError
from einspec.ops.declare import Primitive
from einspec.ops.opset import library_ops
from einspec.text import did_you_mean, plural
from einspec.types import Type

_MOST_STEPS_PER_NODE = 2_000
"""Rules that may fire for one node of the graph: far above what a terminating set of rules needs."""
_MOST_NESTED = 100
"""Rules that may fire inside each other: a few do, and Python's own limit says nothing to a reader."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A rewrite that keeps what the graph computes, for every input, in train and in eval mode."""

    name: str
    equation: str
    condition: str
    concerns: Callable[[Primitive | None], bool]
    """Whether the rule may say something of nodes of an op; None stands for copies of a body."""
    apply: Callable[[Rewriter, Node], Ports | None]
    """What stands for the outputs of a node that the rule concerns, or None where it says nothing."""

    def __str__(self) -> str:
        return f"<rule {self.name}: {self.equation}>"


Application = Callable[["Rewriter", Node], "Ports | None"]


def rewrite(equation: str, *ops: Primitive | str, condition: str = "") -> Callable[[Application], Rule]:
    """Makes a rule of a function; ``ops`` are the primitives, or their names, whose nodes it may say something of.

    The function is given the graph that is being made, and a node whose inputs are ports of that graph. It returns what
    stands for the outputs of the node, as many ports, or None where it says nothing. ``graph.maker(port)`` is the node
    that made an input, ``graph.apply(op, args, ports)`` makes another node, ``graph.type_of(port)`` is a type. A
    ``ShapeError`` of an op that it applies means that it says nothing.

    >>> @rewrite("relu(relu(x)) = relu(x)", "leaky_relu", condition="of slope 0")
    ... def relu_once(graph, node):
    ...     before = graph.maker(node.inputs[0])
    ...     if before is not None and before.op is node.op and before.args == node.args == (0.0,):
    ...         return node.inputs

    ``einspec.compile(arch, passes=[relu_once])`` uses it, ``einspec.testing.check_modules`` tests it. Raises
    ``TypeError`` where there is no op, or one that is none.
    """
    if not ops or not all(isinstance(op, (Primitive, str)) for op in ops):
        raise TypeError(f"rewrite({equation!r}, ...): expected primitives or their names, not {ops!r}")
    library = {name: op for name, op in library_ops().items() if isinstance(op, Primitive)}
    for op in ops:
        if isinstance(op, str) and op not in library:
            raise TypeError(f"rewrite({equation!r}, ...): {op!r} is {_what_else(op, library)}")
    known = [library[op] if isinstance(op, str) else op for op in ops]

    def decorate(function: Application) -> Rule:
        return Rule(getattr(function, "__name__", equation), equation, condition, lambda op: op in known, function)

    return decorate


def _what_else(name: str, library: Mapping[str, Primitive]) -> str:
    """What a name is that is no primitive of the library."""
    if name in library_ops():
        return (
            "a combinator, of which graphs hold none: name the primitives that it calls, as print(arch.graph) has them"
        )
    hint = did_you_mean(name, library) or "of ops of your own give the op itself"
    return f"not a primitive of the library; {hint}"


@dataclass(frozen=True, slots=True)
class Fired:
    """One step of a trace: the rule, and the node that it replaced."""

    rule: str
    node: str


class Rewriter:
    """Makes one graph from another. ``trace`` is given which rule fired where, if there is one."""

    def __init__(
        self,
        graph: Graph,
        rules: Sequence[Rule],
        choose: Callable[[Sequence[Rule]], Sequence[Rule]] | None,
        tied: frozenset[Slot] = frozenset(),
        trace: list[Fired] | None = None,
    ):
        self.graph = graph
        self.tied = tied
        """Slots of several nodes, here or in another body: one of these nodes must not get another op alone."""
        self.made: list[Ports] = []
        """What stands for the outputs of each node of the graph that is rewritten."""
        self._read: Counter[Port] | None = None
        self._readers: Counter[Port] = Counter()
        self._counted = 0
        self.rules = tuple(rules)
        self.choose = choose
        self.nodes: list[Node] = []
        self.known: dict[object, Ports] = {}
        """What stands for each node without weights, state or chance: an equal one is no second node."""
        self.lifted: dict[object, Port] = {}
        self.regions: dict[object, Any] = {}
        """What rules have found out about how ports were moved."""
        self.nonnegative: list[bool] = []
        """Of the first nodes, whether no number that each makes can be below 0."""
        self.concerning: dict[Primitive | None, Sequence[Rule]] = {}
        self.trace = trace
        self.nested = 0
        self.steps = _MOST_STEPS_PER_NODE * (1 + sum(1 + len(node.inputs) for node in graph.nodes))

    def run(self) -> Graph:
        """The rewritten graph, without nodes that no output needs."""
        ports = self.made
        for node in self.graph.nodes:
            inputs = tuple((index, out) if index < 0 else ports[index][out] for index, out in node.inputs)
            ports.append(self.make(node.with_inputs(inputs)))
        outputs = tuple((index, out) if index < 0 else ports[index][out] for index, out in self.graph.outputs)
        return pruned(Graph(self.graph.inputs, tuple(self.nodes), outputs, self.graph.scope))

    def make(self, node: Node) -> Ports:
        """The outputs of a node in normal form."""
        key = _identity(node)
        if key is not None and key in self.known:
            if self.trace is not None:
                self.trace.append(Fired("merge equal", node.text()))
            return self.known[key]
        rules = self.rules_for(node.op)
        self.nested += 1
        if self.nested > _MOST_NESTED:
            raise CompileError(
                f"simplifying does not come to an end: more than {_MOST_NESTED} rules fire inside each other at "
                f"{node.text()}; a rule or a law of an op is wrong"
            )
        ports = self._fired(rules, node)
        self.nested -= 1
        if ports is None:
            self.nodes.append(node)
            index = len(self.nodes) - 1
            ports = tuple((index, output) for output in range(len(node.outputs)))
        if key is not None:
            self.known[key] = ports
        return ports

    def rules_for(self, op: Primitive | None) -> Sequence[Rule]:
        """The rules that may say something of nodes of an op, in the order in which they are tried."""
        rules = self.concerning.get(op)
        if rules is None:
            rules = self.concerning[op] = _concerning(self.rules, op)
        return self.choose(rules) if self.choose is not None else rules

    def _fired(self, rules: Sequence[Rule], node: Node) -> Ports | None:
        """What the first rule that says something makes of a node."""
        for rule in rules:
            try:
                ports = rule.apply(self, node)
            except ShapeError:
                continue  # an op of it refuses what the rule would give it: the rule is not for these types
            if ports is not None:
                self.check(rule, ports, node)
            if ports is not None and self.stands_for(ports, node):
                self.steps -= 1
                if self.steps < 0:
                    raise CompileError(
                        f"simplifying does not come to an end: the rule {rule.name!r} fires again and again at "
                        f"{node.text()}; a rule or a law of an op is wrong"
                    )
                if self.trace is not None:
                    self.trace.append(Fired(rule.name, node.text()))
                return ports
        return None

    def check(self, rule: Rule, ports: object, node: Node) -> None:
        """Raises ``CompileError`` unless a rule has returned ports that there are, one for each output of the node."""
        count = len(node.outputs)
        if not isinstance(ports, tuple) or len(ports) != count or not all(map(self.is_port, ports)):
            raise CompileError(
                f"the rule {rule.name!r} returned {ports!r} for {node.text()}: expected None, or a tuple of ports for "
                f"its {plural(count, 'output')}"
            )

    def is_port(self, port: object) -> bool:
        """Whether something is a port of the graph that is being made."""
        if not isinstance(port, tuple) or len(port) != 2 or not all(isinstance(number, int) for number in port):
            return False
        index, output = port
        if not -1 <= index < len(self.nodes):
            return False
        count = len(self.graph.inputs) if index == -1 else len(self.nodes[index].outputs)
        return bool(0 <= output < count)

    def stands_for(self, ports: Ports, node: Node) -> bool:
        """Whether ports have the sizes, dtypes and layouts of a node's outputs: what reads them may ask for each."""
        pairs = zip(map(self.type_of, ports), node.outputs, strict=True)
        return all(kind is wanted or (fits(kind, wanted) and kind.layout == wanted.layout) for kind, wanted in pairs)

    def apply(
        self, op: Primitive, args: tuple[Any, ...], inputs: Ports, attributes: tuple[tuple[str, Any], ...] = ()
    ) -> Ports:
        """The outputs of a new node without weights."""
        kinds = tuple(self.type_of(port) for port in inputs)
        outputs = op.infer(kinds, args, dict(attributes)) if attributes else op.known(kinds, args)
        types = outputs if isinstance(outputs, tuple) else (outputs,)
        return self.make(Node(op, args, attributes, inputs, kinds, types))

    def readers(self, port: Port) -> int:
        """How often the graph that is rewritten reads what is at a port of the one that is made, as far as that goes.

        Counted when it is asked for, since few rules ask.
        """
        if self._read is None:
            self._read = Counter(port for node in self.graph.nodes for port in node.inputs)
            self._read.update(self.graph.outputs)
        for place in range(self._counted, len(self.made)):
            for output, made in enumerate(self.made[place]):
                self._readers[made] += self._read[(place, output)]
        self._counted = len(self.made)
        return self._readers[port]

    def type_of(self, port: Port) -> Type:
        """The type at a port of the graph that is being made."""
        index, output = port
        return self.graph.inputs[output] if index < 0 else self.nodes[index].outputs[output]

    def maker(self, port: Port) -> Node | None:
        """The node that a port belongs to; None for the graph's inputs."""
        return self.nodes[port[0]] if port[0] >= 0 else None


@lru_cache(maxsize=10_000)
def _concerning(rules: tuple[Rule, ...], op: Primitive | None) -> tuple[Rule, ...]:
    """Those of some rules that may say something of nodes of an op."""
    return tuple(rule for rule in rules if rule.concerns(op))


def _identity(node: Node) -> object | None:
    """Equal for nodes that compute the same from the same; None where each is one of its own."""
    if node.op is None:
        return None
    laws = node.op.laws
    if laws.owns_parameters or laws.has_buffers or laws.random:
        return None
    inputs: object = tuple(sorted(node.inputs)) if laws.commutative else node.inputs
    # Python takes 1, 1.0 and True for equal; ops need not.
    return node.op, node.args, tuple(map(type, node.args)), repr(node.attributes) if node.attributes else "", inputs
