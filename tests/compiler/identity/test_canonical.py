"""Keys against brute-force isomorphism, networkx, relabelings, and graphs that Weisfeiler-Lehman cannot tell apart.

``EINSPEC_SAMPLES`` multiplies the number of graphs: 25 gives the 10,000 relabelings.
"""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import replace

import networkx
import pytest

import einspec
from einspec import Type
from einspec.compiler.graph.graph import Graph, Node, Port, Slot
from einspec.compiler.graph.unfold import written_out
from einspec.compiler.identity.canonical import Labelled, canonical_order
from einspec.compiler.identity.key import canonical_digest, graph_key
from einspec.compiler.simplify.simplify import simplify
from tests.compiler.corpus import CORPORA, OPS, WIRED, WIRED_GRAMMAR, is_wired, random_graphs, transpose
from tests.compiler.helpers import samples
from tests.compiler.identity.labelled import KIND, drawn, node, own, shuffled, unordered
from tests.compiler.ops import parse


def are_isomorphic(a: Graph, b: Graph) -> bool:
    """By trying every assignment of nodes to nodes."""
    if len(a.nodes) != len(b.nodes) or len(a.outputs) != len(b.outputs):
        return False
    candidates = [
        [j for j, other in enumerate(b.nodes) if other.op is item.op and len(other.inputs) == len(item.inputs)]
        for item in a.nodes
    ]
    return any(len(set(image)) == len(image) and keeps_all(a, b, image) for image in itertools.product(*candidates))


def keeps_all(a: Graph, b: Graph, image: tuple[int, ...]) -> bool:
    """Whether a map of nodes keeps inputs, outputs and which nodes share weights."""

    def mapped(port: Port) -> Port:
        return port if port[0] < 0 else (image[port[0]], port[1])

    slots: dict[Slot, Slot] = {}
    for item, j in zip(a.nodes, image, strict=True):
        given, wanted = [mapped(port) for port in item.inputs], list(b.nodes[j].inputs)
        if item.op is unordered:
            given, wanted = sorted(given), sorted(wanted)
        if given != wanted or slots.setdefault(item.slot, b.nodes[j].slot) != b.nodes[j].slot:
            return False
    return len(set(slots.values())) == len(slots) and tuple(map(mapped, a.outputs)) == b.outputs


def as_networkx(graph: Graph) -> networkx.MultiDiGraph:
    """Vertices for nodes, slots, inputs and outputs; each input of a node is a vertex too, so that edges are plain."""
    found = networkx.DiGraph()
    for index in range(len(graph.inputs)):
        found.add_node((-1, index), label=f"input {index}")
    for index, item in enumerate(graph.nodes):
        found.add_node(index, label=item.op.name)
        found.add_node(("slot", item.slot), label="slot")
        found.add_edge(("slot", item.slot), index)
        for output in range(len(item.outputs)):
            found.add_node((index, output), label=f"output {output}")
            found.add_edge(index, (index, output))
        for place, port in enumerate(item.inputs):
            found.add_node((index, "in", place), label="place" if item.op is unordered else f"place {place}")
            found.add_edge(port, (index, "in", place))
            found.add_edge((index, "in", place), index)
    for place, port in enumerate(graph.outputs):
        found.add_node(("out", place), label=f"out {place}")
        found.add_edge(port, ("out", place))
    return found


def same_by_networkx(a: Graph, b: Graph) -> bool:
    match = networkx.algorithms.isomorphism.categorical_node_match("label", None)
    return networkx.is_isomorphic(as_networkx(a), as_networkx(b), node_match=match)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7])
def test_keys_agree_with_brute_force_on_all_pairs(size):
    rng = random.Random(size)
    graphs = [drawn(rng, size) for _ in range(samples(40))]
    graphs += [shuffled(graph, rng) for graph in graphs[: len(graphs) // 3]]
    graphs += [rewired(graph, rng) for graph in graphs]
    equal = 0
    for a, b in itertools.combinations(graphs, 2):
        same = graph_key(a) == graph_key(b)
        assert same == are_isomorphic(a, b), f"{a}\n{b}"
        equal += same
    assert equal >= len(graphs) // 5
    for a, b in rng.sample(list(itertools.combinations(graphs, 2)), samples(150)):
        assert (graph_key(a) == graph_key(b)) == same_by_networkx(a, b)
    for a in graphs[: samples(13)]:
        assert same_by_networkx(a, shuffled(a, rng))


def rewired(graph: Graph, rng: random.Random) -> Graph:
    """One input of one node read elsewhere, or one slot shared otherwise: as near as two graphs can be."""
    index = rng.randrange(len(graph.nodes))
    item = graph.nodes[index]
    if rng.random() < 0.3:
        others = [other.slot for other in graph.nodes if other.op is item.op]
        changed = replace(item, slot=rng.choice(others))
    else:
        place = rng.randrange(len(item.inputs))
        ports = [(-1, 0)] + [(i, o) for i in range(index) for o in range(len(graph.nodes[i].outputs))]
        inputs = list(item.inputs)
        inputs[place] = rng.choice(ports)
        changed = replace(item, inputs=tuple(inputs))
    return replace(graph, nodes=(*graph.nodes[:index], changed, *graph.nodes[index + 1 :]))


@pytest.mark.parametrize(("size", "count"), [(20, 260), (60, 90), (200, 35), (1000, 6)])
def test_keys_survive_relabelings(size, count):
    rng = random.Random(size)
    for trial in range(samples(count) // 5 + 1):
        # Few ops and no sharing: many symmetries. The last kind has all nodes alike.
        graph = [drawn(rng, size), drawn(rng, size, 0.0), symmetric(rng, size)][trial % 3]
        key = graph_key(graph)
        assert {graph_key(shuffled(graph, rng)) for _ in range(5)} == {key}


def symmetric(rng: random.Random, size: int) -> Graph:
    """Layers of equal nodes that read two of the layer before: only the wiring tells them apart."""
    width = 5
    layer: list[Port] = [(-1, 0)] * width
    nodes: list[Node] = []
    while len(nodes) < size:
        start = len(nodes)
        nodes += [node(unordered, rng.sample(layer, 2), start + i) for i in range(width)]
        layer = [(start + i, 0) for i in range(width)]
    nodes.append(node(unordered, layer, len(nodes)))
    return Graph((KIND,), tuple(nodes), ((len(nodes) - 1, 0),))


@pytest.mark.parametrize("name", CORPORA)
def test_keys_of_the_corpora_survive_relabelings(name):
    rng = random.Random(3)
    for graph in itertools.islice(CORPORA[name](), samples(40)):
        normal = simplify(graph)
        if any(item.body is not None for item in normal.nodes):
            normal = simplify(written_out(normal))
        assert graph_key(shuffled(normal, rng)) == graph_key(normal)
        assert graph_key(simplify(shuffled(written_out(graph), rng))) == graph_key(simplify(written_out(graph)))


# --- pairs that colours alone do not tell apart ---


def of_edges(count: int, edges: list[tuple[int, int]]) -> Graph:
    """An undirected graph: a node per vertex, a node per edge that reads both ends, one that reads all edges."""
    nodes = [node(own, [(-1, 0)], vertex) for vertex in range(count)]
    nodes += [node(unordered, [(a, 0), (b, 0)], count + i) for i, (a, b) in enumerate(edges)]
    nodes.append(node(unordered, [(count + i, 0) for i in range(len(edges))], count + len(edges)))
    return Graph((KIND,), tuple(nodes), ((len(nodes) - 1, 0),))


def sums(count: int, edges: list[tuple[int, int]]) -> Graph:
    """The same of library ops: a linear layer per vertex, relu(a + b) per edge, the sum of all."""
    linear, add, relu = OPS["linear"], OPS["add"], OPS["leaky_relu"]
    nodes = [
        Node(linear, (4,), (), ((-1, 0),), (KIND,), (KIND,), Slot(vertex, f"linear_{vertex}", ()))
        for vertex in range(count)
    ]
    ends: list[Port] = []
    for a, b in edges:
        nodes.append(Node(add, (), (), ((a, 0), (b, 0)), (KIND, KIND), (KIND,)))
        nodes.append(Node(relu, (0.01,), (), ((len(nodes) - 1, 0),), (KIND,), (KIND,)))
        ends.append((len(nodes) - 1, 0))
    nodes.append(Node(add, (), (), tuple(ends), (KIND,) * len(ends), (KIND,)))
    return Graph((KIND,), tuple(nodes), ((len(nodes) - 1, 0),))


def cycle(count: int, start: int = 0) -> list[tuple[int, int]]:
    return [(start + i, start + (i + 1) % count) for i in range(count)]


def rook() -> list[tuple[int, int]]:
    """The 4 x 4 rook's graph: strongly regular (16, 6, 2, 2)."""
    cells = list(itertools.product(range(4), repeat=2))
    return [(i, j) for (i, (a, b)), (j, (c, d)) in itertools.combinations(enumerate(cells), 2) if (a == c) != (b == d)]


def shrikhande() -> list[tuple[int, int]]:
    """The other graph with these parameters: Z4 x Z4, differences (1,0), (0,1), (1,1) and their negatives."""
    cells = list(itertools.product(range(4), repeat=2))
    steps = {(1, 0), (3, 0), (0, 1), (0, 3), (1, 1), (3, 3)}
    return [
        (i, j)
        for (i, (a, b)), (j, (c, d)) in itertools.combinations(enumerate(cells), 2)
        if ((a - c) % 4, (b - d) % 4) in steps
    ]


PAIRS = {
    "C6 and two C3": (6, cycle(6), cycle(3) + cycle(3, 3)),
    "C8 and two C4": (8, cycle(8), cycle(4) + cycle(4, 4)),
    "C10 and two C5": (10, cycle(10), cycle(5) + cycle(5, 5)),
    "K33 and the prism": (
        6,
        [(a, b) for a in range(3) for b in range(3, 6)],
        [*cycle(3), *cycle(3, 3), (0, 3), (1, 4), (2, 5)],
    ),
    "the cube and two K4": (
        8,
        [*cycle(4), *cycle(4, 4), (0, 4), (1, 5), (2, 6), (3, 7)],
        [*itertools.combinations(range(4), 2), *itertools.combinations(range(4, 8), 2)],
    ),
    "the cube and the Wagner graph": (
        8,
        [*cycle(4), *cycle(4, 4), (0, 4), (1, 5), (2, 6), (3, 7)],
        [*cycle(8), (0, 4), (1, 5), (2, 6), (3, 7)],
    ),
    "the Petersen graph and the pentagonal prism": (
        10,
        [*cycle(5), (5, 7), (7, 9), (9, 6), (6, 8), (8, 5), *((i, i + 5) for i in range(5))],
        [*cycle(5), *cycle(5, 5), *((i, i + 5) for i in range(5))],
    ),
    "the rook's graph and Shrikhande's": (16, rook(), shrikhande()),
}  # fmt: skip


@pytest.mark.parametrize("encode", [of_edges, sums])
@pytest.mark.parametrize("name", PAIRS)
def test_regular_graphs_are_told_apart(name, encode):
    count, first, second = PAIRS[name]
    assert len(first) == len(second)
    keys = []
    for edges in (first, second):
        degrees = [sum(vertex in edge for edge in edges) for vertex in range(count)]
        assert len(set(degrees)) == 1
        graph = encode(count, edges)
        rng = random.Random(0)
        found = {graph_key(graph)}
        for _ in range(samples(3)):
            order = rng.sample(range(count), count)
            mixed = [(order[a], order[b]) for a, b in edges]
            rng.shuffle(mixed)
            found |= {graph_key(encode(count, mixed)), graph_key(shuffled(graph, rng))}
        assert len(found) == 1
        keys += found
    assert keys[0] != keys[1]


def test_all_cubic_graphs_of_eight_vertices_have_keys_of_their_own():
    """networkx's atlas ends at seven vertices; these are found by trying, and there are six with two K4."""
    rng = random.Random(0)
    found: dict[str, networkx.Graph] = {}
    for _ in range(samples(60)):
        graph = networkx.random_regular_graph(3, 8, seed=rng.randrange(10**6))
        key = graph_key(of_edges(8, list(graph.edges)))
        if key in found:
            assert networkx.is_isomorphic(found[key], graph)
        else:
            assert not any(networkx.is_isomorphic(graph, other) for other in found.values())
            found[key] = graph
    assert 5 <= len(found) <= 6


def test_the_atlas():
    """All 1,253 graphs of up to seven vertices, no two alike."""
    atlas = [graph for graph in networkx.graph_atlas_g() if graph.number_of_edges()]
    atlas = atlas[:: 5 if samples(1) == 1 else 1]
    keys = {graph_key(of_edges(graph.number_of_nodes(), list(graph.edges))) for graph in atlas}
    assert len(keys) == len(atlas)


def test_orders_are_those_of_any_numbering():
    """The labelling itself: a relabelled graph, taken in canonical order, has the same labels and edges."""
    rng = random.Random(4)
    for graph in random_graphs(samples(40), seed=2, nodes=30):
        flat = simplify(written_out(graph))
        edges = [[(source, (place, output)) for place, (source, output) in enumerate(item.inputs) if source >= 0]
                 for item in flat.nodes]  # fmt: skip
        labels = [str(item.op.name) for item in flat.nodes]
        forms = set()
        for _ in range(3):
            order = topological(edges, rng)
            number = {vertex: index for index, vertex in enumerate(order)}
            given = Labelled(
                [labels[vertex] for vertex in order],
                [[(number[source], place) for source, place in edges[vertex]] for vertex in order],
            )
            found = canonical_order(given)
            assert sorted(found) == list(range(len(labels)))
            position = {vertex: index for index, vertex in enumerate(found)}
            forms.add(str([
                (given.labels[v], sorted((position[source], place) for source, place in given.edges[v])) for v in found
            ]))  # fmt: skip
        assert len(forms) == 1


def topological(edges: list[list[tuple[int, object]]], rng: random.Random) -> list[int]:
    """A random order in which sources come first."""
    order: list[int] = []
    waiting = set(range(len(edges)))
    while waiting:
        ready = [v for v in waiting if all(source not in waiting for source, _ in edges[v])]
        vertex = rng.choice(ready)
        waiting.discard(vertex)
        order.append(vertex)
    return order


# --- sharing, and copies ---


@pytest.mark.parametrize(("body", "owns"), [("linear(16)", True), ("pos", True), ("norm", True), ("softmax", False), ("relu", False), ("permute(21)", False)])  # fmt: skip
def test_one_function_twice_or_two_functions(body, owns):
    """f(x) + g(x) is 2 f(x) exactly where f owns no weights."""
    two = parse(f"branch(clone(2), {body}, {body}, add)").key
    tied = parse(f"bind_tied({body}, branch(clone(2), use, use, add))").key
    doubled = parse(f"seq({body}, branch(clone(2), identity, identity, add))").key
    assert (two == tied) == (not owns)
    assert (two == doubled) == (not owns)


@pytest.mark.parametrize("input", [(8, 8), (4, 8)])
def test_a_loop_in_python_is_each(input):
    """The key does not depend on whether copies were written out: a loop against each(), at all depths."""
    space = einspec.loads(WIRED_GRAMMAR, input=input, ops=[*WIRED, transpose])
    looped = folded = 0
    for arch in space.samples(samples(40), rng=4, where=is_wired, max_nodes=60):
        text = str(arch)
        other = space.parse(re.sub(r"\bl\(", "e(", text))
        again = space.parse(re.sub(r"\be\(", "l(", text))
        assert other.key == again.key == arch.key
        looped += other.graph.written_out > len(other.graph)
        folded += other != again
    assert min(looped, folded) > samples(40) // 10


def test_equal_keys_mean_equal_costs():
    body = "seq(branch(clone(2), softmax, seq(relu, softmax), dot), linear(16))"
    pair = f"branch(clone(2), {body}, {body}, add)"
    space = einspec.load("einspace", input=(16, 16))
    folded, flat = (
        space.parse(f"replicate(clone(4), {body}, add)"),
        space.parse(f"branch(clone(2), {pair}, {pair}, add)"),
    )
    assert folded.key == flat.key
    assert folded.params == flat.params
    assert folded.macs == flat.macs


def test_a_looser_graph_differs():
    """The digest covers ops, arguments, outputs and the types of inputs."""
    graph = drawn(random.Random(1), 6, 0.0)
    digests = {canonical_digest(graph)}
    digests.add(canonical_digest(replace(graph, inputs=(Type((4, 5)),))))
    digests.add(canonical_digest(replace(graph, outputs=(*graph.outputs, graph.outputs[0]))))
    digests.add(canonical_digest(replace(graph, outputs=((-1, 0),))))
    assert len(digests) == 4
