"""Graphs that the tests of simplification and of keys run on, and an evaluator of graphs that knows no pass."""

from __future__ import annotations

import math
import random
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import torch

import einspec
from einspec import Type
from einspec.compiler.graph.graph import Context, Copy, Graph, Node, Port, Slot, pruned
from einspec.compiler.graph.lower import lower
from einspec.errors import ShapeError
from einspec.ops import Primitive, combinator, each, library_ops, tie
from einspec.ops.library.merge import add, cat
from einspec.ops.library.tensor import permute, zeros_like
from tests.baselines import DARTS_V2, NB201_ALL_CONV, mixer, resnet18, vit, wide_resnet_16_4
from tests.compiler.helpers import EINSPACE_INPUTS, samples
from tests.compiler.ops import beside, dropout, halves

OPS = {name: op for name, op in library_ops().items() if isinstance(op, Primitive)} | {
    op.name: op for op in (dropout, halves, beside)
}

MOST_NODES = 600
"""Larger graphs, copies written out, are left to the tests that need no tensors."""


# --- graphs of random nodes ---


class Drawing:
    """A graph that is drawn node by node: any op on any earlier ports that it accepts."""

    WIRING = (
        "add", "add", "cat", "cat", "group", "rejoin", "rejoin", "resplit", "permute", "permute", "leaky_relu",
        "leaky_relu", "times", "zeros", "narrow",
    )  # fmt: skip
    OTHERS = ("softmax", "dot", "linear", "pos", "layer_norm", "copies")

    def __init__(self, rng: random.Random, inputs: tuple[Type, ...], scope: Context = (), depth: int = 0):
        self.rng, self.inputs, self.scope, self.depth = rng, inputs, scope, depth
        self.ports: list[tuple[Port, Type]] = [((-1, i), kind) for i, kind in enumerate(inputs)]
        self.nodes: list[Node] = []
        self.read: set[Port] = set()

    def graph(self, count: int, outputs: int = 1) -> Graph:
        while len(self.nodes) < count:
            self.grow()
        # The outputs read what nothing else does, so that most of the graph is alive.
        ends = [port for port, _ in self.ports if port not in self.read] or [self.ports[-1][0]]
        chosen = tuple(self.rng.choice(ends) for _ in range(outputs))
        return pruned(Graph(self.inputs, tuple(self.nodes), chosen, self.scope))

    def grow(self) -> None:
        rng = self.rng
        name = rng.choice(self.WIRING if rng.random() < 0.75 else self.OTHERS)
        port, kind = self.pick()
        if name == "copies":
            self.copies()
        elif name == "add":
            self.node("add", (), [port, *self.others(kind, rng.randint(0, 3))])
        elif name == "cat":
            self.node(
                rng.choice(["cat", "cat", "cat", "beside"]),
                (rng.randint(1, 2),),
                [port, *self.others(kind, rng.randint(0, 2))],
            )
        elif name == "rejoin":
            self.rejoin()
        elif name == "resplit":
            axis = rng.randint(1, 2)
            if self.node("cat", (axis,), [port, *self.others(kind, rng.choice([1, 1, 3]))]):
                self.node("group", (rng.choice([2, 2, 4]), axis), [(len(self.nodes) - 1, 0)])
        elif name == "group":
            name = rng.choice(["group", "group", "group", "halves"])
            self.node(name, (rng.choice([1, 2, 2, 3, 4]), rng.randint(1, 2)), [self.pick("cat")[0]])
        elif name == "narrow":
            port, kind = self.pick("cat")
            axis = rng.randint(1, min(2, kind.rank))
            start, stop = sorted(rng.sample(range(kind.sizes[axis - 1] + 1), 2))
            self.node("narrow", (axis, start, stop), [port])
        elif name == "permute":
            self.node("permute", (rng.choice(["21", "21", "12"]),), [port])
        elif name == "leaky_relu":
            self.node("leaky_relu", (0.01,), [port])
        elif name == "times":
            self.node("times", (rng.randint(1, 3),), [self.pick("add")[0]])
        elif name == "zeros":
            wanted = rng.choice([kind, rng.choice(self.ports)[1]])
            self.node("zeros", (str(wanted),), [rng.choice(self.ports)[0]])
        elif name == "linear":
            self.node("linear", (kind.sizes[-1],), [port])
        elif name == "dot":
            self.node("dot", (), [port, *self.others(kind, 1)])
        else:
            self.node(name, (), [port])

    def pick(self, made_by: str = "") -> tuple[Port, Type]:
        """A port, one of the later ones more often; by preference the output of an op of this name."""
        rng = self.rng
        if made_by and rng.random() < 0.5:
            found = [item for item in self.ports if item[0][0] >= 0 and self.named(item[0]) == made_by]
            if found:
                return rng.choice(found)
        unread = [item for item in self.ports if item[0] not in self.read]
        return rng.choice(unread if unread and rng.random() < 0.6 else self.ports)

    def named(self, port: Port) -> str:
        op = self.nodes[port[0]].op
        return op.name if op else "copies"

    def others(self, kind: Type, count: int) -> list[Port]:
        """Ports of one type."""
        fitting = [port for port, other in self.ports if other.sizes == kind.sizes]
        return [self.rng.choice(fitting[-5:] if self.rng.random() < 0.7 else fitting) for _ in range(count)]

    def rejoin(self) -> None:
        """Concatenates the outputs of a split, most often in order and all of them."""
        splits = [index for index, node in enumerate(self.nodes) if node.op is OPS["group"]]
        if not splits:
            port, _ = self.pick()
            self.node("group", (2, self.rng.randint(1, 2)), [port])
            return
        index = self.rng.choice(splits)
        parts: list[Port] = [(index, output) for output in range(len(self.nodes[index].outputs))]
        if self.rng.random() < 0.25:
            self.rng.shuffle(parts)
        if self.rng.random() < 0.25:
            parts = parts[1:] or parts
        parts += self.others(self.nodes[index].outputs[0], self.rng.choice([0, 0, 1]))
        axis = self.nodes[index].args[1] if self.rng.random() < 0.8 else self.rng.randint(1, 2)
        self.node("cat", (axis,), parts)

    def node(self, name: str, args: tuple[object, ...], inputs: list[Port]) -> bool:
        op = OPS[name]
        kinds = tuple(self.type_of(port) for port in inputs)
        try:
            found = op.infer(kinds, args, {})
        except ShapeError:
            return False
        types = found if isinstance(found, tuple) else (found,)
        if any(kind.elements > 512 for kind in types):
            return False
        self.add(Node(op, args, (), tuple(inputs), kinds, types, self.slot(op, kinds, args) if op.has_slot else None))
        return True

    def slot(self, op: Primitive, kinds: tuple[Type, ...], args: tuple[object, ...]) -> Slot:
        """A slot of its own, or now and then one that an equal node owns already."""
        shapes = op.shapes(kinds, args, {})
        tied = [n.slot for n in self.nodes if n.op is op and op.shapes(n.input_types, n.args, {}) == shapes]
        if op.laws.has_buffers:  # a call that nothing needs is not made, and would change the statistics of the others
            tied = []
        if tied and self.rng.random() < 0.3:
            assert tied[0] is not None
            return tied[0]
        number = len(self.nodes) + 1
        if self.scope and self.rng.random() < 0.2:  # tied to the outside: all copies share it
            size = "_".join(str(size) for shape in shapes.values() for size in shape)
            return Slot(number, f"{op.name}_{size}_out_{self.scope[-1][1]}", ())
        return Slot(number, f"{op.name}_{number}", self.scope)

    def copies(self) -> None:
        """A few copies of a small graph."""
        rng = self.rng
        if self.depth > 1:
            return
        (_, kind), count = self.pick(), rng.randint(2, 3)
        width = rng.randint(1, 2)
        scope: Context = (*self.scope, ("each", len(self.nodes) + 1, count))
        body = Drawing(rng, (kind,) * width, scope, self.depth + 1).graph(rng.randint(1, 5), rng.randint(1, 2))
        if not body.nodes:
            return
        fitting = [port for port, other in self.ports if other is kind]
        given = tuple(rng.choice(fitting) for _ in range(width)) * count
        if rng.random() < 0.5:
            given = tuple(rng.choice(fitting) for _ in range(width * count))
        types = body.output_types * count
        self.add(Node(None, (), (), given, tuple(self.type_of(port) for port in given), types, None, body, count))

    def add(self, node: Node) -> None:
        index = len(self.nodes)
        self.nodes.append(node)
        self.read.update(node.inputs)
        self.ports += [((index, output), kind) for output, kind in enumerate(node.outputs)]

    def type_of(self, port: Port) -> Type:
        return self.inputs[port[1]] if port[0] < 0 else self.nodes[port[0]].outputs[port[1]]


class Rearranging(Drawing):
    """The same with rearrangements, reductions and products in einops' notation, of which axes come and go."""

    def grow(self) -> None:
        rng = self.rng
        if rng.random() < 0.4:
            super().grow()
            return
        port, kind = self.pick()
        name = rng.choice(
            ["rearrange", "rearrange", "rearrange", "back", "reduce", "flatten", "einsum", "einsum", "scale_by"]
        )
        if name == "rearrange":
            self.node(name, (*random_pattern(rng, kind.sizes), ""), [port])
        elif name == "back":  # undone at once
            pattern, sizes = random_pattern(rng, kind.sizes)
            if self.node("rearrange", (pattern, sizes, ""), [port]):
                there, back = pattern.split(" -> ")
                names = {part for part in back.replace("(", " ").replace(")", " ").split() if part != "1"}
                told = dict(pair.split("=") for pair in sizes.split(", ") if pair)
                self.node("rearrange", (f"{back} -> {there}", _all_sizes(there, kind.sizes, told, names), kind.layout), [
                    (len(self.nodes) - 1, 0)
                ])  # fmt: skip
        elif name == "reduce":
            left = " ".join("abc"[: kind.rank])
            kept = [letter for letter in "abc"[: kind.rank] if rng.random() < 0.6] or ["a"]
            rng.shuffle(kept)
            self.node(name, (f"{left} -> {' '.join(kept)}", rng.choice(["sum", "max", "mean"]), "", ""), [port])
        elif name == "einsum":
            pattern = rng.choice(["a b, a c -> b c", "a b, c b -> c a", "a b, a c -> c b", "a b, a b -> a b"])
            if kind.rank == 2:
                self.node(name, (pattern,), [port, *self.others(kind, 1)])
        else:
            self.node(name, (0.5,) if name == "scale_by" else (), [port])


class Turning(Drawing):
    """Permutations of images and what acts along one axis of them, and activations of what is never negative."""

    def grow(self) -> None:
        rng = self.rng
        port, kind = self.pick()
        name = rng.choice(["permute"] * 4 + ["along"] * 4 + ["softmax", "leaky_relu", "leaky_relu", "add", "patches"])
        if name == "permute":
            order = "123"[: kind.rank]
            self.node(name, ("".join(rng.sample(order, len(order))),), [port])
        elif name == "along":
            name = rng.choice(["linear", "layer_norm", "batch_norm", "softmax", "rms_norm"])
            self.node(name, (rng.choice([2, 4]),) if name == "linear" else (), [port])
        elif name == "leaky_relu":
            self.node(name, (rng.choice([0.0, 0.01]),), [port])
        elif name == "add":
            self.node(name, (), [port, *self.others(kind, rng.randint(0, 2))])
        elif name == "patches" and kind.rank == 2:
            width = rng.choice([1, 2])
            self.node("to_image", (kind.sizes[0] // width, width), [port])
        elif name == "patches":
            size = rng.choice([1, 2])
            self.node("im2col", (size, size, 0), [port])
        else:
            self.node(name, (), [port])


class Blocks(Drawing):
    """Splits into parts, what is done to each, and their concatenation along the same or another axis; now and then of
    the parts of parts, of multiples, and with moves between.
    """

    MADE = (
        "parts",
        "parts",
        "parts",
        "cat",
        "act",
        "move",
        "grid",
        "range",
        "times",
        "along",
        "layer",
        "add",
        "shares",
    )

    def grow(self) -> None:
        rng = self.rng
        port, kind = self.pick()
        axis, other = rng.randint(1, kind.rank), rng.randint(1, kind.rank)
        made = rng.choice(self.MADE)
        if made == "parts":
            self.parts(port, axis, other)
        elif made == "grid":
            self.grid(port, axis, other)
        elif made == "cat":
            self.node("cat", (axis,), [port, *self.others(kind, rng.randint(1, 2))])
        elif made == "range":
            size = kind.sizes[axis - 1]
            start, stop = sorted(rng.sample(range(size + 1), 2))
            self.node("narrow", (axis, start, stop), [port])
        elif made == "add":
            self.node("add", (), [port, *self.others(kind, rng.randint(1, 2))])
        elif made == "layer":
            self.node(rng.choice(["layer_norm", "pos"]), (), [port])
        elif made == "shares":  # what is multiplied, in part, and added up
            self.shares(port, axis)
        else:
            self.done(made, port)

    def done(self, made: str, port: Port) -> Port | None:
        """Something is done to a port."""
        rng, kind = self.rng, self.type_of(port)
        if made == "times":
            done = self.node("times", (rng.choice([2, 2, 4]),), [port])
        elif made == "along":
            done = self.node("softmax", (), [port])
        elif made == "act":
            done = self.node("leaky_relu", (rng.choice([0.0, 0.01]),), [port])
        elif kind.rank == 3 and rng.random() < 0.3:
            done = self.node("im2col", (1, 1, 0), [port])
        elif kind.rank == 2 and rng.random() < 0.3:
            width = rng.choice([n for n in (1, 2, 3, 4) if kind.sizes[0] % n == 0])
            done = self.node("to_image", (kind.sizes[0] // width, width), [port])
        elif rng.random() < 0.2:
            done = self.node("flatten", (), [port])
        else:
            order = "123"[: kind.rank]
            done = self.node("permute", ("".join(rng.sample(order, len(order))),), [port])
        return (len(self.nodes) - 1, 0) if done else None

    def split(self, port: Port, axis: int) -> list[Port]:
        size = self.type_of(port).sizes[axis - 1]
        counts = [n for n in (2, 3, 4) if size % n == 0]
        if not counts or not self.node("group", (self.rng.choice(counts), axis), [port]):
            return [port]
        index = len(self.nodes) - 1
        return [(index, output) for output in range(len(self.nodes[index].outputs))]

    def parts(self, port: Port, axis: int, other: int) -> None:
        """Parts, the same done to each, or to most, and all side by side."""
        rng = self.rng
        if self.type_of(port).elements > 200:
            return
        steps = rng.choices(["act", "along", "move", "times"], k=rng.randint(0, 3))
        seed = rng.random()
        found = []
        for part in self.split(port, axis):
            after: Port | None = part
            self.rng = random.Random(seed)  # moves and arguments are the same for each part
            for step in steps:
                after = self.done(step, after) if after is not None else None
            if after is None:
                self.rng = rng
                return
            found.append(after)
        self.rng = rng
        if rng.random() < 0.1:
            rng.shuffle(found)
        if rng.random() < 0.15 and self.node("leaky_relu", (0.0,), [found[-1]]):
            found[-1] = (len(self.nodes) - 1, 0)
        rank = self.type_of(found[0]).rank
        if rng.random() < 0.25:
            self.node("add", (), found)
        else:
            self.node("cat", (axis if axis <= rank and rng.random() < 0.4 else min(other, rank),), found)

    def grid(self, port: Port, axis: int, other: int) -> None:
        """Parts of parts, put together again row by row."""
        if self.type_of(port).elements > 200 or axis == other:
            return
        rows = []
        for row in self.split(port, axis):
            if not self.node("cat", (other,), self.split(row, other)):
                return
            rows.append((len(self.nodes) - 1, 0))
        columns = self.rng.random() < 0.5
        for index, row in enumerate(rows):
            if columns and self.node("cat", (other,), [row, row]):
                rows[index] = (len(self.nodes) - 1, 0)
        self.node("cat", (axis,), rows)

    def shares(self, port: Port, axis: int) -> None:
        """Some parts of a tensor and of a multiple of it, added up."""
        parts = self.split(port, axis)
        if len(parts) > 1 and self.node("times", (2,), [port]):
            doubled = len(self.nodes) - 1
            if self.node("group", (len(parts), axis), [(doubled, 0)]):
                self.node("add", (), [parts[0], (len(self.nodes) - 1, 0)])


class Pairs(Blocks):
    """What random graphs seldom hold: each draws what one rule of identity is about, and something after it."""

    def grow(self) -> None:
        rng = self.rng
        ports = [port for port, kind in self.ports if kind.rank == 3 and kind.elements <= 64] or [(-1, 0)]
        x, y = rng.choice(ports), rng.choice(ports)
        if self.type_of(x).rank != 3 or self.type_of(x).sizes != self.type_of(y).sizes:
            x = y = (-1, rng.randrange(len(self.inputs)))
        made = {
            self.along: 3, self.moved: 12, self.twice: 18, self.rows: 4, self.within: 2, self.multiples: 4, self.pixels: 2,
            self.one: 6, self.pieces: 6, self.layers: 5, self.places: 2, self.square: 3, self.still: 6, self.halved: 4,
        }  # fmt: skip
        (draw,) = rng.choices(list(made), list(made.values()))
        draw(x, y)
        if rng.random() < 0.3:
            self.node("leaky_relu", (0.0,), [(len(self.nodes) - 1, 0)])

    def then(self, name: str, args: tuple[object, ...], *ports: Port) -> Port:
        """A node, or its first input where it is refused."""
        return (len(self.nodes) - 1, 0) if self.node(name, args, list(ports)) else ports[0]

    def along(self, x: Port, y: Port) -> None:
        order = self.rng.choice(["321", "312", "132", "213"])
        rows = [self.then("permute", (order,), self.then("softmax", (), port)) for port in (x, y)]
        axis = self.rng.choice([place + 1 for place, digit in enumerate(order) if digit != "3"])
        self.then("cat", (axis,), *rows)

    def moved(self, x: Port, y: Port) -> None:
        order = self.rng.choice(["213", "132", "321"])
        whole = self.then("cat", (self.rng.randint(1, 3),), *(self.then("permute", (order,), port) for port in (x, y)))
        pattern = self.rng.choice(["a b c -> (b a) c", "a b c -> b (c a)", "a b c -> (c b a)", "a b c -> c (b a)"])
        self.then("rearrange", (pattern, "", ""), whole)

    def twice(self, x: Port, y: Port) -> None:
        first, second = self.rng.sample([1, 2, 3], 2)
        if self.type_of(x).sizes[first - 1] % 2 or self.type_of(x).sizes[second - 1] % 2:
            return
        parts = [self.split_in(part, 2, second)[0] for part in self.split_in(x, 2, first)]
        other = self.split_in(self.split_in(y, 2, first)[0], 2, second)[1]
        self.then("cat", (first,), *(parts if self.rng.random() < 0.5 else [*parts, other]))

    def rows(self, x: Port, y: Port) -> None:
        """Two rows of which one column is one tensor, and the other zeros or ranges of another."""
        kind = self.type_of(x)
        if kind.sizes[0] % 2:
            return
        halves = self.split_in(x, 2, 1)
        zeros = self.then("zeros", (str(kind.with_axis(0, kind.sizes[0] // 2)),), y)
        axis = self.rng.choice([2, 3])
        self.then("cat", (1,), *(self.then("cat", (axis,), half, zeros) for half in halves))

    def layers(self, x: Port, y: Port) -> None:
        """A layer over ranges of what was moved."""
        rng = self.rng
        order, axis = rng.choice(["213", "132", "321", "231", "312"]), rng.randint(1, 3)
        moved = [self.then("permute", (order,), port) for port in (x, y)]
        whole = self.then("cat", (axis,), *moved) if rng.random() < 0.6 else self.split_in(moved[0], 2, axis)[0]
        name = rng.choice(["layer_norm", "linear", "softmax"])
        self.then(name, (rng.choice([2, 4]),) if name == "linear" else (), whole)

    def within(self, x: Port, y: Port) -> None:
        pattern, axis = self.rng.choice([("a b c -> (a b) c", 1), ("a b c -> a (b c)", 2), ("a b c -> (a b c)", 1)])
        parts = self.split_in(self.then("rearrange", (pattern, "", ""), x), self.type_of(x).sizes[axis - 1], axis)
        self.then("add", (), *parts[:2])

    def multiples(self, x: Port, y: Port) -> None:
        terms = [self.then("times", (self.rng.choice([2, 4, 6]),), port) for port in (x, y)]
        if self.rng.random() < 0.5:
            terms = [self.split_in(term, 2, 2)[0] for term in terms]
        self.then("cat", (3,), *terms)
        self.then("leaky_relu", (0.01,), self.then("add", (), *terms))

    def pixels(self, x: Port, y: Port) -> None:
        acted = self.then("leaky_relu", (0.01,), self.then("add", (), x, y) if x != y else x)
        self.then("im2col", (1, 1, 0), acted)

    def square(self, x: Port, y: Port) -> None:
        """Columns side by side."""
        first, second = sorted(self.rng.sample([1, 2, 3], 2))
        self.then("cat", (second,), self.then("cat", (first,), x, y), self.then("cat", (first,), y, x))

    def still(self, x: Port, y: Port) -> None:
        """A part of what was moved, in which nothing is."""
        axis = self.rng.choice([1, 2])
        part = self.split_in(x, self.type_of(x).sizes[axis - 1], axis)[0]
        moved = self.then("permute", ("213" if axis == 1 else "132",), part)
        other = 2 if axis == 1 else 3
        self.then("add", (), *self.split_in(moved, self.type_of(moved).sizes[axis - 1], axis)[:2])
        turned = self.then("permute", ("213" if axis == 1 else "132",), y)
        self.then("leaky_relu", (0.0,), self.split_in(turned, self.type_of(turned).sizes[other - 1], other)[0])

    def halved(self, x: Port, y: Port) -> None:
        """Parts of a tensor and of a multiple of it."""
        doubled = self.then("times", (2,), x)
        axis = self.rng.randint(1, 3)
        self.then("add", (), self.split_in(x, 2, axis)[0], self.split_in(doubled, 2, axis)[0])

    def places(self, x: Port, y: Port) -> None:
        """Parts of one place of several factors."""
        a, b, _ = self.type_of(x).sizes
        pattern, count = self.rng.choice([("a b c -> (b a) c", a * b), ("a b c -> (b a c)", a * b)])
        parts = self.split_in(self.then("rearrange", (pattern, "", ""), x), count, 1)
        self.then("add", (), parts[0], parts[-2])

    def one(self, x: Port, y: Port) -> None:
        """Parts of one place, moved before or after."""
        if self.rng.random() < 0.5:
            whole = self.then("rearrange", ("a b c -> c (b a)", "", ""), x)
            self.then("add", (), *self.split_in(whole, self.type_of(x).sizes[1], 2)[:2])
            return
        axis = self.rng.randint(1, 3)
        order = self.rng.choice(["213", "132", "321", "231", "312"])
        parts = self.split_in(self.then("permute", (order,), x), self.type_of(x).sizes[int(order[axis - 1]) - 1], axis)
        moved = [self.then("rearrange", ("a b c -> c (b a)", "", ""), part) for part in parts]
        self.then("add", (), *moved[:2])

    def pieces(self, x: Port, y: Port) -> None:
        axis, other = self.rng.sample([1, 2, 3], 2)
        acted = self.then("leaky_relu", (0.0,), self.then("cat", (axis,), x, y))
        part = self.split_in(acted, 2, other if self.rng.random() < 0.5 else axis)[0]
        self.then("cat", (axis,), part, self.split_in(x, 2, other)[0])

    def split_in(self, port: Port, count: int, axis: int) -> list[Port]:
        """Parts along an axis, or what is split again and again where that is refused."""
        if count < 2 or not self.node("group", (count, axis), [port]):
            return [port] * max(count, 2)
        return [(len(self.nodes) - 1, output) for output in range(count)]


def pair_graphs(count: int, seed: int = 0) -> Iterator[Graph]:
    """Graphs of what random ones seldom hold."""
    rng = random.Random(seed)
    for _ in range(count):
        kind = Type(rng.choice([(4, 2, 2), (2, 2, 4), (2, 4, 2), (2, 3, 2)]))
        yield Pairs(rng, (kind, kind)).graph(rng.randint(2, 30), rng.choice([2, 8]))


def block_graphs(count: int, seed: int = 0, nodes: int = 30) -> Iterator[Graph]:
    """Graphs of parts and what is done to them."""
    rng = random.Random(seed)
    for _ in range(count):
        kind = Type(rng.choice([(4, 4), (2, 4, 2), (4, 2, 2), (1, 4, 4), (6, 4), (4, 1)]))
        yield Blocks(rng, (kind,)).graph(rng.randint(3, nodes), rng.choice([1, 1, 2]))


def turned_graphs(count: int, seed: int = 0, nodes: int = 30) -> Iterator[Graph]:
    """Graphs of permutations and what they may pass."""
    rng = random.Random(seed)
    for _ in range(count):
        kind = Type(rng.choice([(2, 3, 4), (4, 2, 2), (4, 6)]))
        yield Turning(rng, (kind,) * rng.randint(1, 2)).graph(rng.randint(3, nodes), rng.choice([1, 3]))


def _all_sizes(side: str, sizes: Sequence[int], told: Mapping[str, str], names: set[str]) -> str:
    """The sizes of all parts of a side, whose axes have these sizes, where all but the first of each are told."""
    found = {name: int(size) for name, size in told.items()}
    for axis, size in zip(re.findall(r"\([^()]*\)|\w+", side), sizes, strict=True):
        first, *rest = axis.strip("()").split()
        found[first] = size // math.prod(found[name] for name in rest)
    return ", ".join(f"{name}={found[name]}" for name in sorted(names))


def random_pattern(rng: random.Random, sizes: Sequence[int]) -> tuple[str, str]:
    """A rearrangement of axes of these sizes, and the sizes of all factors but the first of each axis."""
    letters, left, told = iter("abcdefghijklmnop"), [], {}
    for size in sizes:
        axis = [next(letters)]
        divisors = [n for n in range(2, size) if size % n == 0]
        if divisors and rng.random() < 0.6:
            axis.append(next(letters))
            told[axis[1]] = rng.choice(divisors)
        left.append(axis)
    parts = [name for axis in left for name in axis]
    if rng.random() < 0.7:
        rng.shuffle(parts)
    right: list[list[str]] = [[parts[0]]]
    for name in parts[1:]:
        if len(right) == 3 or rng.random() < 0.4:
            right[-1].append(name)
        else:
            right.append([name])
    shown = [" ".join(f"({' '.join(axis)})" if len(axis) > 1 else axis[0] for axis in side) for side in (left, right)]
    return " -> ".join(shown), ", ".join(f"{name}={told[name]}" for name in sorted(told))


def rearranged_graphs(count: int, seed: int = 0, nodes: int = 50) -> Iterator[Graph]:
    """Graphs of random rearrangements, and of what stands between them."""
    rng = random.Random(seed)
    for _ in range(count):
        kind = Type(rng.choice([(4, 8), (4, 4), (2, 6), (2, 3, 4)]))
        yield Rearranging(rng, (kind,) * rng.randint(1, 2)).graph(rng.randint(3, nodes), rng.choice([1, 3]))


def random_graphs(count: int, seed: int = 0, nodes: int = 60) -> Iterator[Graph]:
    """Graphs of random nodes over one or two matrices."""
    rng = random.Random(seed)
    for _ in range(count):
        kind = Type(rng.choice([(4, 8), (4, 4), (2, 6), ((2, 2), 4)]))
        inputs = (kind,) * rng.randint(1, 2)
        yield Drawing(rng, inputs).graph(rng.randint(3, nodes), rng.choice([1, 3, 8]))


# --- architectures of random combinators ---


@combinator
def plus(x, left, right):
    return add(left(x), right(x))


@combinator
def thrice(x, body):
    """Copies that a loop writes out."""
    return add(*(body(x) for _ in range(3)))


@combinator
def thrice_each(x, body):
    """The same, folded."""
    return add(*each(body, (x, x, x)))


@combinator
def thrice_tied(x, body):
    return add(*each(tie(body), (x, x, x)))


@combinator
def beside(x, left, right):
    """Two results side by side, and taken apart again by whoever splits them."""
    return cat(left(x), right(x), axis=1)


@combinator
def nothing(x):
    return zeros_like(x)


WIRED = [plus, thrice, thrice_each, thrice_tied, beside, nothing]

WIRED_GRAMMAR = r"""
start: m
m: "p" "(" m "," m ")"             -> plus         //% 3/40
 | "s" "(" m "," m ")"             -> seq          //% 6/40
 | "h" "(" s "," m "," m "," j ")" -> branch       //% 2/40
 | "r" "(" s "," m "," j ")"       -> replicate    //% 1/40
 | "l" "(" m ")"                   -> thrice       //% 1/40
 | "e" "(" m ")"                   -> thrice_each  //% 1/40
 | "t" "(" m ")"                   -> thrice_tied  //% 1/40
 | "b" "(" m "," m ")"             -> beside       //% 2/40
 | "zero"                          -> nothing      //% 3/40
 | "i"                             -> identity     //% 3/40
 | "relu"                          -> relu         //% 5/40
 | "T"                             -> transpose    //% 5/40
 | "soft"                          -> softmax      //% 2/40
 | "pos"                           -> pos          //% 2/40
 | "lin" "(" N ")"                 -> linear       //% 3/40
s: "clone" "(" TWO ")" -> clone | "group" "(" TWO "," A ")" -> group
j: "add" -> add | "cat" "(" A ")" -> cat
TWO: "2"
A: "1" | "2"
N: "4" | "8"
%ignore " "
"""


@combinator
def transpose(x):
    return permute(x, "21")


@cache
def wired_space() -> einspec.Space:
    return einspec.loads(WIRED_GRAMMAR, input=(8, 8), ops=[*WIRED, transpose], name="wired")


def is_small(arch: einspec.Architecture) -> bool:
    return lower(arch).written_out <= MOST_NODES


def is_wired(arch: einspec.Architecture) -> bool:
    return len(arch) >= 8 and is_small(arch)


# --- corpora ---

LIGHT = {"max_params": 300_000, "max_macs": 5_000_000}
"""Architectures of einspace whose tensors cost little."""


def of_einspace(sizes: tuple[int, ...], count: int) -> Iterator[einspec.Architecture]:
    space = einspec.load("einspace", input=sizes)
    yield from space.samples(samples(count), rng=7, where=is_small, **LIGHT)


def baselines() -> Iterator[einspec.Architecture]:
    """The networks that einspace is known for, at small inputs."""
    for text, sizes in [
        (resnet18(), (3, 16, 16)), (wide_resnet_16_4(), (3, 16, 16)), (vit(1), (3, 16, 16)), (mixer(1), (3, 64, 64)),
    ]:  # fmt: skip
        yield einspec.load("einspace", input=sizes).parse(text)


def mutants(count: int) -> Iterator[einspec.Architecture]:
    """Mutants of the baselines, one after the other."""
    known = list(baselines())
    rng = random.Random(5)
    for index in range(samples(count)):
        arch = known[index % len(known)]
        for _ in range(20):
            found = arch.space.mutate(arch, rng=rng.randrange(2**32))
            if is_small(found) and found.params < 20_000_000 and found.macs < 200_000_000:
                yield found
                break


def of_cells(name: str, sizes: tuple[int, ...], count: int) -> Iterator[einspec.Architecture]:
    space = einspec.load(name, input=sizes)
    if name == "darts":
        yield space.parse(DARTS_V2)
    else:
        yield space.parse(NB201_ALL_CONV)
    yield from space.samples(samples(count), rng=8)


def of_wired(count: int) -> Iterator[einspec.Architecture]:
    yield from wired_space().samples(samples(count), rng=9, where=is_wired, max_nodes=60)


CORPORA = {
    **{f"einspace {sizes}": lambda n=sizes: (lower(arch) for arch in of_einspace(n, 8)) for sizes in EINSPACE_INPUTS},
    "mutants": lambda: (lower(arch) for arch in mutants(4)),
    "nasbench201": lambda: (lower(arch) for arch in of_cells("nasbench201", (3, 8, 8), 2)),
    "darts": lambda: (lower(arch) for arch in of_cells("darts", (3, 8, 8), 0.5)),
    "wired": lambda: (lower(arch) for arch in of_wired(60)),
    "random": lambda: random_graphs(samples(450)),
    "turned": lambda: turned_graphs(samples(300)),
    "rearranged": lambda: rearranged_graphs(samples(350)),
    "blocks": lambda: block_graphs(samples(600)),
    "pairs": lambda: pair_graphs(samples(2000)),
}
"""Graphs as they are lowered, by name: functions, so that nothing is drawn before it is needed."""


# --- an evaluator ---


class Weights:
    """Modules by slot, made when a slot is first met; the same for equal slots, wherever they are made."""

    def __init__(self) -> None:
        self.modules: dict[Slot, torch.nn.Module] = {}

    def of(self, node: Node, slot: Slot) -> torch.nn.Module:
        if slot not in self.modules:
            assert node.op is not None
            module = node.op.realise(node.input_types, node.args, dict(node.attributes)).double()
            generator = torch.Generator().manual_seed(zlib.crc32(repr(slot).encode()))
            with torch.no_grad():
                for parameter in module.parameters():
                    spread = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                    parameter.copy_(spread * (0.5 if parameter.dim() < 2 else parameter[0].numel() ** -0.5))
            self.modules[slot] = module
        return self.modules[slot]


def evaluate(
    graph: Graph, weights: Weights, inputs: tuple[torch.Tensor, ...], training: bool, copies: tuple[Copy, ...] = ()
) -> tuple[torch.Tensor, ...]:
    """What a graph computes, node by node."""
    values: list[tuple[torch.Tensor, ...]] = []
    for node in graph.nodes:
        given = tuple(inputs[output] if index < 0 else values[index][output] for index, output in node.inputs)
        if node.body is not None:
            width = len(node.body.inputs)
            found: list[torch.Tensor] = []
            for copy in range(node.copies):
                below = given[copy * width : (copy + 1) * width]
                found += evaluate(node.body, weights, below, training, (*copies, (node.body.scope, copy)))
            values.append(tuple(found))
            continue
        assert node.op is not None
        if node.slot is not None:
            compute = weights.of(node, node.slot.in_copies(copies)).train(training)
        else:
            compute = node.op.realise(node.input_types, node.args, dict(node.attributes))
        result = compute(*given)
        values.append(tuple(result) if isinstance(result, (tuple, list)) else (result,))
    return tuple(inputs[output] if index < 0 else values[index][output] for index, output in graph.outputs)
