"""Random graphs of ops that own weights, so that no rule touches them: what keys are tested and measured on."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

from einspec import Type
from einspec.compiler.graph.graph import Graph, Node, Port, Slot
from einspec.ops import primitive

KIND = Type((4, 4))


@primitive(params=lambda x: {"weight": ()}, owns_parameters=True)
def own(x: Type) -> Type:
    """One input, weights of its own."""
    return x


@primitive(inputs=2, params=lambda x, y: {"weight": ()}, owns_parameters=True)
def ordered(x: Type, y: Type) -> Type:
    """Two inputs in order, weights of its own."""
    return x


@primitive(params=lambda *xs: {"weight": ()}, owns_parameters=True, commutative=True)
def unordered(*xs: Type) -> Type:
    """Any number of inputs in any order, weights of its own."""
    return xs[0]


@primitive(params=lambda x: {"weight": ()}, owns_parameters=True)
def double(x: Type) -> tuple[Type, Type]:
    """Two outputs, weights of its own."""
    return x, x


def node(op, inputs: list[Port], slot: int) -> Node:
    kinds = (KIND,) * len(inputs)
    outputs = (KIND, KIND) if op is double else (KIND,)
    return Node(op, (), (), tuple(inputs), kinds, outputs, Slot(slot, f"{op.name}_{slot}", ()))


def drawn(rng: random.Random, count: int, sharing: float = 0.3) -> Graph:
    """A graph of ops that own weights, so that nothing merges; some share a slot."""
    ports: list[Port] = [(-1, 0)]
    nodes: list[Node] = []
    slots: dict[object, list[int]] = defaultdict(list)
    for index in range(count):
        op = rng.choice([own, ordered, unordered, double])
        arity = {own: 1, double: 1, ordered: 2}.get(op) or rng.randint(1, 3)
        slot = index
        if slots[op] and rng.random() < sharing:
            slot = rng.choice(slots[op])
        slots[op].append(slot)
        nodes.append(node(op, [rng.choice(ports[-5:]) for _ in range(arity)], slot))
        ports += [(index, output) for output in range(len(nodes[-1].outputs))]
    read = {port for item in nodes for port in item.inputs}
    return Graph((KIND,), tuple(nodes), tuple(port for port in ports if port not in read) or (ports[-1],))


def shuffled(graph: Graph, rng: random.Random) -> Graph:
    """The same graph built in another order, its slots renamed, inputs of commutative ops in another order."""
    waiting = set(range(len(graph.nodes)))
    place: dict[int, int] = {-1: -1}
    nodes: list[Node] = []
    slots = sorted({item.slot for item in graph.nodes if item.slot is not None}, key=str)
    numbers = rng.sample(range(10 * len(slots) + 1), len(slots))
    renamed = {slot: Slot(number, f"w{number}", ()) for slot, number in zip(slots, numbers, strict=True)}
    readers: dict[int, list[int]] = defaultdict(list)
    missing = [len({source for source, _ in item.inputs if source >= 0}) for item in graph.nodes]
    for index, item in enumerate(graph.nodes):
        for source in {source for source, _ in item.inputs if source >= 0}:
            readers[source].append(index)
    ready = [index for index in waiting if not missing[index]]
    while ready:
        index = ready.pop(rng.randrange(len(ready)))
        item = graph.nodes[index]
        place[index] = len(nodes)
        inputs = [(place[source], output) for source, output in item.inputs]
        if item.op is not None and item.op.laws.commutative:
            rng.shuffle(inputs)
        nodes.append(replace(item, inputs=tuple(inputs), slot=renamed.get(item.slot)))
        for reader in readers[index]:
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    outputs = tuple((place[index], output) for index, output in graph.outputs)
    return Graph(graph.inputs, tuple(nodes), outputs, graph.scope)
