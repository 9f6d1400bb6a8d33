"""Graphs that the tests of drawings share, and how to walk over what is drawn of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import einspec
from einspec.compiler.drawing.build import diagram_of
from einspec.compiler.drawing.diagram import Block
from einspec.compiler.drawing.layout import Box, Picture, lay_out
from einspec.compiler.graph.graph import Graph, Node, Port
from einspec.compiler.graph.sharing import shared
from einspec.ops.declare import Primitive, primitive
from einspec.types import Type
from tests import baselines

SAMPLES = 200

ROWS = Type((4, 8))


@cache
def graphs() -> dict[str, Graph]:
    """The baselines and samples of einspace."""
    einspace = einspec.load("einspace", input=(3, 32, 32))
    found = {
        "resnet18": einspace.parse(baselines.resnet18()).graph,
        "wide_resnet_16_4": einspace.parse(baselines.wide_resnet_16_4()).graph,
        "vit": einspace.parse(baselines.vit()).graph,
        "mixer": einspace.parse(baselines.mixer()).graph,
        "nasbench201": einspec.load("nasbench201").parse(baselines.NB201_ALL_CONV).graph,
        "darts": einspec.load("darts").parse(baselines.DARTS_V2).graph,
    }
    for i, arch in enumerate(einspace.samples(SAMPLES, rng=0)):
        found[f"sample {i}"] = arch.graph
    return found


@cache
def pictures() -> dict[str, Picture]:
    """The picture of each graph, with its diagram."""
    return {name: lay_out(diagram_of(graph)) for name, graph in graphs().items()}


def levels(picture: Picture) -> Iterator[Picture]:
    """A picture and those in its frames."""
    yield picture
    for box in picture.boxes:
        if box.inner is not None:
            yield from levels(box.inner)


def all_levels() -> Iterator[tuple[str, Picture]]:
    """Every level of every picture."""
    for name, picture in pictures().items():
        for level in levels(picture):
            yield name, level


def block_of(picture: Picture, box: Box) -> Block:
    return picture.diagram.blocks[box.block]


def edges_of(graph: Graph) -> int:
    """Edges of the graph as it is drawn, every copy written out."""
    return sum(
        times * (sum(len(node.inputs) for node in part.nodes) + len(part.outputs))
        for part, times in shared(graph).graphs()
    )


@primitive(pointwise=True)
def unary(x: Type) -> Type:
    return x


@primitive(pointwise=True)
def other(x: Type) -> Type:
    return x


@primitive(commutative=True)
def plus(*xs: Type) -> Type:
    return xs[0]


@primitive
def minus(x: Type, y: Type) -> Type:
    return x


@primitive
def halves(x: Type) -> tuple[Type, Type]:
    return x, x


def graph_of(*steps: tuple[Primitive, tuple[Port, ...]], outputs: tuple[Port, ...] | None = None) -> Graph:
    """A graph of nodes that are given as (op, inputs), over one input."""
    nodes = []
    for op, inputs in steps:
        kinds = (ROWS, ROWS) if op is halves else (ROWS,)
        nodes.append(Node(op, (), (), inputs, (ROWS,) * len(inputs), kinds))
    return Graph((ROWS,), tuple(nodes), outputs or ((len(nodes) - 1, 0),))


def chain(*ops: Primitive) -> Graph:
    """A graph of one op after the other."""
    return graph_of(*((op, ((i - 1, 0),)) for i, op in enumerate(ops)))
