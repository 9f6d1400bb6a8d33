"""The rule of copies: what all of them would compute alike stands in front of them, once."""

from __future__ import annotations

from einspec.compiler.graph.graph import Graph, Node, Port, Ports
from einspec.compiler.simplify.rewriting import Rewriter, Rule
from einspec.compiler.simplify.rules.common import is_function, library


def hoist(rewriter: Rewriter, node: Node) -> Ports | None:
    """Moves nodes without weights that only read what all copies share out of the body, and leaves the body only the
    inputs that it reads and the outputs that it makes.
    """
    assert node.body is not None
    return _Hoisting(rewriter, node, node.body).run()


class _Hoisting:
    def __init__(self, rewriter: Rewriter, node: Node, body: Graph):
        self.rewriter, self.node, self.body = rewriter, node, body
        width = len(body.inputs)
        self.given = [node.inputs[start : start + width] for start in range(0, len(node.inputs), width)]
        self.is_shared = [len({ports[place] for ports in self.given}) == 1 for place in range(width)]
        self.free: list[bool] = []
        for inner in body.nodes:
            self.free.append(is_function(inner) and (_is_zeros(inner) or all(map(self.is_free, inner.inputs))))
        self.kept = self._kept()
        self.read = self._read()

    def is_free(self, port: Port) -> bool:
        """Whether a port of the body holds the same in all copies, and needs none of their weights."""
        return self.is_shared[port[1]] if port[0] < 0 else self.free[port[0]]

    def _kept(self) -> list[int]:
        """The nodes that stay. Zeros cost nothing: they stay where the body reads them."""
        bound = [index for index, is_free in enumerate(self.free) if not is_free]
        wanted = {source for index in bound for source, _ in self.body.nodes[index].inputs if source >= 0}
        return [
            index
            for index, inner in enumerate(self.body.nodes)
            if not self.free[index] or (index in wanted and _is_zeros(inner))
        ]

    def _read(self) -> list[Port]:
        """What the nodes that stay read from outside: inputs of the body, and outputs of what is moved out."""
        stays = set(self.kept)
        ports = {
            port
            for index in self.kept
            if not _is_zeros(self.body.nodes[index])
            for port in self.body.nodes[index].inputs
            if port[0] not in stays
        }
        return sorted(ports) or ([(-1, 0)] if self.kept else [])  # zeros hang on an input

    def run(self) -> Ports | None:
        """What stands for the outputs of all copies; None where everything is in its place."""
        inputs = [(-1, place) for place in range(len(self.body.inputs))]
        moved = [i for i, inner in enumerate(self.body.nodes) if self.free[i] and not _is_zeros(inner)]
        if not moved and self.read == inputs and all(self._is_made(port) for port in self.body.outputs):
            return None
        outside = self._outside()
        made = [port for port in self.body.outputs if self._is_made(port)]
        rest = self._rest(made, outside) if made else ()
        found: list[Port] = []
        for copy, given in enumerate(self.given):
            ports = iter(rest[copy * len(made) : (copy + 1) * len(made)])
            for port in self.body.outputs:
                if self._is_made(port):
                    found.append(next(ports))
                else:
                    found.append(given[port[1]] if port[0] < 0 else outside[port])
        return tuple(found)

    def _is_made(self, port: Port) -> bool:
        """Whether an output of the body comes from a node that differs from copy to copy."""
        return port[0] >= 0 and not self.free[port[0]]

    def _outside(self) -> dict[Port, Port]:
        """The outputs of the nodes that are moved out, by what they were in the body."""
        outside: dict[Port, Port] = {(-1, place): port for place, port in enumerate(self.given[0])}
        for index, inner in enumerate(self.body.nodes):
            if not self.free[index]:
                continue
            if _is_zeros(inner):
                assert inner.op is not None
                ports = self.rewriter.apply(inner.op, inner.args, self.given[0][:1])
            else:
                ports = self.rewriter.make(inner.with_inputs(tuple(outside[port] for port in inner.inputs)))
            outside |= {(index, output): port for output, port in enumerate(ports)}
        return outside

    def _rest(self, made: list[Port], outside: dict[Port, Port]) -> Ports:
        """The outputs of the copies of what is left of the body."""
        kinds = tuple(self.body.type_of(port) for port in self.read)
        new: dict[Port, Port] = {port: (-1, place) for place, port in enumerate(self.read)}
        nodes: list[Node] = []
        for index in self.kept:
            inner = self.body.nodes[index]
            new |= {(index, output): (len(nodes), output) for output in range(len(inner.outputs))}
            if _is_zeros(inner):
                nodes.append(Node(inner.op, inner.args, inner.attributes, ((-1, 0),), kinds[:1], inner.outputs))
            else:
                nodes.append(inner.with_inputs(tuple(new[port] for port in inner.inputs)))
        body = Graph(kinds, tuple(nodes), tuple(new[port] for port in made), self.body.scope)
        inputs = tuple(given[port[1]] if port[0] < 0 else outside[port] for given in self.given for port in self.read)
        types = tuple(self.rewriter.type_of(port) for port in inputs)
        outputs = body.output_types * self.node.copies
        return self.rewriter.make(Node(None, (), (), inputs, types, outputs, None, body, self.node.copies))


def _is_zeros(node: Node) -> bool:
    return node.op is library("zeros")


RULES = (
    Rule(
        "hoist",
        "each(f g, x, x) = each(f, g(x), g(x))",
        "g has no weights, state or chance",
        lambda op: op is None,
        hoist,
    ),
)
