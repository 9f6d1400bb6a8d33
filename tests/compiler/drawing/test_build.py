"""Diagrams: they account for every node and edge, and say which output goes where."""

from __future__ import annotations

import random
from collections.abc import Iterator

from einspec.compiler.drawing.build import MOST_BOXES, diagram_of
from einspec.compiler.drawing.diagram import Diagram
from einspec.compiler.graph.graph import Graph, Node
from tests.compiler.drawing.pictures import ROWS, chain, edges_of, graph_of, graphs, halves, minus, other, plus, unary


def diagrams(diagram: Diagram) -> Iterator[Diagram]:
    yield diagram
    for block in diagram.blocks:
        if block.inner is not None:
            yield from diagrams(block.inner)


def test_every_node_and_edge_is_accounted_for():
    for name, graph in graphs().items():
        diagram = diagram_of(graph)
        assert diagram.nodes == graph.written_out, name
        assert diagram.edges == edges_of(graph), name


def test_wires_join_what_exists_and_go_down():
    for graph in graphs().values():
        for diagram in diagrams(diagram_of(graph)):
            for wire in diagram.wires:
                assert wire.source < wire.target
                assert wire.exit < len(diagram.blocks[wire.source].exits)
                assert wire.entry < diagram.blocks[wire.target].entries


def test_chains_are_one_block():
    blocks = diagram_of(chain(unary, other, unary)).blocks
    assert [[line.text for line in block.lines] for block in blocks] == [[], ["unary", "other", "unary"], []]


def test_merges_begin_a_chain_and_splits_end_one():
    graph = graph_of(
        (unary, ((-1, 0),)), (halves, ((0, 0),)), (other, ((1, 0),)), (plus, ((2, 0), (1, 1))), (unary, ((3, 0),))
    )
    blocks = diagram_of(graph).blocks
    assert [[line.text for line in block.lines] for block in blocks[1:-1]] == [
        ["unary", "halves"],
        ["other"],
        ["plus", "unary"],
    ]
    assert blocks[1].exits == ("#1 (4, 8)", "#2 (4, 8)")


def test_outputs_that_go_one_way_are_one_wire():
    graph = graph_of((halves, ((-1, 0),)), (minus, ((0, 0), (0, 1))))
    assert diagram_of(graph).blocks[1].exits == ("2 \N{MULTIPLICATION SIGN} (4, 8)",)


def test_swapped_outputs_are_named():
    graph = graph_of((halves, ((-1, 0),)), (minus, ((0, 1), (0, 0))))
    assert diagram_of(graph).blocks[1].exits == ("#2,1 2 \N{MULTIPLICATION SIGN} (4, 8)",)


def test_the_order_of_inputs_is_kept():
    """minus(x, f(x)): the wire of x enters first."""
    graph = graph_of((unary, ((-1, 0),)), (minus, ((-1, 0), (0, 0))))
    entries = {wire.source: wire.entry for wire in diagram_of(graph).wires if wire.target == 2}
    assert entries == {0: 0, 1: 1}


def test_no_nodes():
    diagram = diagram_of(Graph((ROWS,), (), ((-1, 0),)))
    assert [block.text for block in diagram.blocks] == ["input", "output"]
    assert diagram.edges == 1


def test_an_unused_input_is_drawn():
    graph = Graph((ROWS, ROWS), chain(unary).nodes, ((0, 0),))
    assert [block.text for block in diagram_of(graph).blocks] == ["input 1", "input 2", "", "output"]


def ladder(rungs: int) -> Graph:
    """Two chains joined at every step, their ops drawn at random: there is little to fold."""
    rng = random.Random(0)
    steps, left, right = [], (-1, 0), (-1, 0)
    for _ in range(rungs):
        steps += [(rng.choice((unary, other)), (left,)), (rng.choice((minus, plus)), (right, left))]
        left, right = (len(steps) - 2, 0), (len(steps) - 1, 0)
    return graph_of(*steps, outputs=(left, right))


def test_large_graphs_are_summed_up():
    graph = ladder(MOST_BOXES)
    diagram = diagram_of(graph)
    assert diagram.boxes < 10
    assert (diagram.nodes, diagram.edges) == (graph.written_out, edges_of(graph))
    (summary,) = [block for block in diagram.blocks if block.role == "summary"]
    assert summary.lines[0].text == "800 nodes, too many to draw"
    assert summary.exits == ("#1 (4, 8)", "#2 (4, 8)")


def nested(depth: int) -> Graph:
    body = chain(unary)
    for _ in range(depth):
        replica = Node(None, (), (), ((-1, 0),) * 8, (ROWS,) * 8, (ROWS,) * 8, None, body, 8)
        merge = Node(plus, (), (), tuple((0, i) for i in range(8)), (ROWS,) * 8, (ROWS,))
        body = Graph((ROWS,), (replica, merge), ((1, 0),), (("each", 0, 8),))
    return body


def test_many_inputs_and_outputs_are_one_block():
    fan = [Node(unary, (), (), ((-1, i),), (ROWS,), (ROWS,)) for i in range(500)]
    graph = Graph((ROWS,) * 500, tuple(fan), tuple((i, 0) for i in range(500)))
    diagram = diagram_of(graph)
    assert [block.text for block in diagram.blocks] == ["500 inputs", "", "500 outputs"]
    assert (diagram.nodes, diagram.edges) == (500, edges_of(graph))


def test_wide_bodies_are_summed_up():
    fan = [Node(unary, (), (), ((-1, i),), (ROWS,), (ROWS,)) for i in range(100)]
    body = Graph((ROWS,) * 100, tuple(fan), tuple((i, 0) for i in range(100)), (("each", 0, 2),))
    node = Node(None, (), (), ((-1, 0),) * 200, (ROWS,) * 200, (ROWS,) * 200, None, body, 2)
    graph = Graph((ROWS,), (node,), ((0, 0), (0, 199)))
    diagram = diagram_of(graph)
    assert [block.role for block in diagram.blocks] == ["input", "summary", "output", "output"]
    assert (diagram.nodes, diagram.edges) == (200, edges_of(graph))
    assert diagram.blocks[1].exits == ("#1 (4, 8)", "#200 (4, 8)")


def test_deep_bodies_are_summed_up():
    """Copies of copies: 8^5000 has more digits than Python prints."""
    graph = nested(5000)
    diagram = diagram_of(graph)
    assert diagram.boxes < 100
    assert diagram.nodes == graph.written_out
    (summary,) = [b for level in diagrams(diagram) for b in level.blocks if b.role == "summary"]
    assert summary.lines[0].text == "10^4500 nodes, nested too deeply"
