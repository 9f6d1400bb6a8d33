"""Graph texts: what they hold, and what is said of a text that is no graph. Round trips are in test_simplify."""

from __future__ import annotations

import random

import pytest

import einspec
from einspec import ParseError, Type
from einspec.compiler.graph.graph import Graph, Node
from einspec.compiler.graph.printing import format_graph
from einspec.compiler.graph.text import parse_graph
from einspec.compiler.graph.verify import verify
from einspec.ops import primitive
from tests.compiler.corpus import OPS, random_graphs
from tests.compiler.helpers import samples
from tests.compiler.ops import parse

GRAPH = """
graph (4, 16) -> %2
  %0 = linear(16) %in : (4, 16) [1:linear_1]
  %1 = 2 copies %0 %in : 2 x (4, 16)
  %2 = add %1 %1.1 : (4, 16)
  body of %1 [each:4:2] (4, 16) -> %0
    %0 = pos %in : (4, 16) [5:pos_5/each:4:2]
""".strip()


def test_it_is_read_back():
    graph = parse_graph(GRAPH)
    verify(graph)
    assert format_graph(graph) == str(graph) == GRAPH
    assert graph.nodes[0].args == (16,)
    assert graph.nodes[1].copies == 2
    assert graph.written_out == 4


CHANGES = [
    ("graph (4, 16) -> %2", "", "line 1: this node belongs to no graph: expected 'graph TYPES -> PORTS' above it\n    1 |   %0 = linear(16) %in : (4, 16) [1:linear_1]"),
    ("graph (4, 16) -> %2", "graph (4, 16)", "line 1: expected 'graph TYPES -> PORTS'\n    1 | graph (4, 16)"),
    ("graph (4, 16) -> %2", "  graph (4, 16) -> %2", "line 1: expected 'graph TYPES -> PORTS'\n    1 |   graph (4, 16) -> %2"),
    ("graph (4, 16) -> %2", "graph (4, x) -> %2", "line 1: '(4, x)' is not a type: expected sizes separated by commas, as in 3,32,32 or (4,4),8\n    1 | graph (4, x) -> %2"),
    ("graph (4, 16) -> %2", "graph (4, 16) -> %3", "line 1: %3.0 is not there: a node reads what stands above it\n    1 | graph (4, 16) -> %3"),
    ("graph (4, 16) -> %2", "graph (4, 16) -> %1.2", "line 1: %1.2 is not there: a node reads what stands above it\n    1 | graph (4, 16) -> %1.2"),
    ("graph (4, 16) -> %2", "graph (4, 16) -> two", "line 1: 'two' is no port: expected %in, %3 or %3.1\n    1 | graph (4, 16) -> two"),
    ("  %0 = linear(16) %in : (4, 16) [1:linear_1]", " %0 = relu %in : (4, 16)", "line 2: expected a node, indented by two blanks per level\n    2 |  %0 = relu %in : (4, 16)"),
    ("  %0 = linear(16) %in : (4, 16) [1:linear_1]", "", "line 2: found %1, expected %0: nodes are numbered in order\n    2 |   %1 = 2 copies %0 %in : 2 x (4, 16)"),
    ("  %0 = linear(16)", "    %0 = linear(16)", "line 2: this node belongs to no graph: expected 'graph TYPES -> PORTS' above it\n    2 |     %0 = linear(16) %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16) %in", "%0 = linear(16) in", "line 2: expected a node, as in   %0 = linear(64) %in : (3, 32, 64) [1:linear_1]\n    2 |   %0 = linear(16) in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16) %in", "%0 = linear(16) %2", "line 2: %2.0 is not there: a node reads what stands above it\n    2 |   %0 = linear(16) %2 : (4, 16) [1:linear_1]"),
    ("%0 = linear(16) %in", "%0 = linear(16) %0", "line 2: %0.0 is not there: a node reads what stands above it\n    2 |   %0 = linear(16) %0 : (4, 16) [1:linear_1]"),
    ("%0 = linear(16) %in", "%0 = linear(16) %in.1", "line 2: %in.1 is not there: a node reads what stands above it\n    2 |   %0 = linear(16) %in.1 : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = liner(16)", "line 2: liner is not a primitive; did you mean 'linear'?\n    2 |   %0 = liner(16) %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = relu", "line 2: relu is not a primitive; did you mean 'prelu'?\n    2 |   %0 = relu %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = zyxw(16)", "line 2: zyxw is not a primitive; pass it with ops=\n    2 |   %0 = zyxw(16) %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = linear(16, 3)", "line 2: linear(16, 3) does not fit linear(input, width: int)\n    2 |   %0 = linear(16, 3) %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = linear(16, bias=3)", "line 2: linear(16, bias=3) does not fit linear(input, width: int)\n    2 |   %0 = linear(16, bias=3) %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = linear", "line 2: linear() does not fit linear(input, width: int)\n    2 |   %0 = linear %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = linear(wide)", "line 2: linear(wide) does not fit linear(input, width: int)\n    2 |   %0 = linear(wide) %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = linear(True)", "line 2: linear(True) does not fit linear(input, width: int)\n    2 |   %0 = linear(True) %in : (4, 16) [1:linear_1]"),
    ("add %1 %1.1", "add", "line 4: %2: add reads nothing: expected ports, as %in or %0\n    4 |   %2 = add : (4, 16)"),
    ("%0 = linear(16)", "%0 = linear(16 +)", "line 2: linear(16 +): expected arguments separated by commas\n    2 |   %0 = linear(16 +) %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = linear(f())", "line 2: linear(f()): expected arguments separated by commas\n    2 |   %0 = linear(f()) %in : (4, 16) [1:linear_1]"),
    ("%0 = linear(16)", "%0 = linear(0)", "line 2: %0: linear(0) does not accept (4, 16): 0 is not a size: every size of a type is a whole number of at least 1\n    2 |   %0 = linear(0) %in : (4, 16) [1:linear_1]"),
    ("%in : (4, 16) [1:linear_1]", "%in %in : (4, 16) [1:linear_1]", "line 2: %0: linear(16) takes 1 input, not 2: (4, 16) and (4, 16)\n    2 |   %0 = linear(16) %in %in : (4, 16) [1:linear_1]"),
    ("%in : (4, 16) [1:linear_1]", "%in : (4, 8) [1:linear_1]", "line 2: %0: linear(16) gives (4, 16), and the text says (4, 8)\n    2 |   %0 = linear(16) %in : (4, 8) [1:linear_1]"),
    ("%in : (4, 16) [1:linear_1]", "%in : 2 x (4, 16) [1:linear_1]", "line 2: %0: linear(16) gives (4, 16), and the text says 2 x (4, 16)\n    2 |   %0 = linear(16) %in : 2 x (4, 16) [1:linear_1]"),
    ("%in : (4, 16) [1:linear_1]", "%in : (4, 16)", "line 2: %0: linear has weights: expected a slot in brackets\n    2 |   %0 = linear(16) %in : (4, 16)"),
    ("[1:linear_1]", "[linear_1]", "line 2: 'linear_1' is no slot: expected NUMBER:NAME, as in 1:linear_1\n    2 |   %0 = linear(16) %in : (4, 16) [linear_1]"),
    ("[1:linear_1]", "[1:linear_1/each]", "line 2: 'each' is no call: expected KIND:NODE:INDEX, as in each:4:8\n    2 |   %0 = linear(16) %in : (4, 16) [1:linear_1/each]"),
    ("%1.1 : (4, 16)", "%1.1 : (4, 16) [2:add_2]", "line 4: %2: add has no weights: expected no slot\n    4 |   %2 = add %1 %1.1 : (4, 16) [2:add_2]"),
    ("%1.1 : (4, 16)", "%1.2 : (4, 16)", "line 4: %1.2 is not there: a node reads what stands above it\n    4 |   %2 = add %1 %1.2 : (4, 16)"),
    ("2 copies %0 %in", "2 copies %0", "line 5: %1 takes (4, 16), and 2 copies of its body 2 x (4, 16)\n    5 |   body of %1 [each:4:2] (4, 16) -> %0"),
    ("2 copies %0 %in : 2 x", "2 copies %0 %in : 3 x", "line 5: %1 gives 3 x (4, 16), and 2 copies of its body 2 x (4, 16)\n    5 |   body of %1 [each:4:2] (4, 16) -> %0"),
    ("[each:4:2] (4, 16) -> %0", "[each:4:2] (4, 16) -> %1", "line 5: %1.0 is not there: a node reads what stands above it\n    5 |   body of %1 [each:4:2] (4, 16) -> %1"),
    ("body of %1", "body of %2", "line 5: %2 is no node with copies, so it has no body\n    5 |   body of %2 [each:4:2] (4, 16) -> %0"),
    ("body of %1", "body of %7", "line 5: %7 is no node with copies, so it has no body\n    5 |   body of %7 [each:4:2] (4, 16) -> %0"),
    ("body of %1 [each:4:2]", "body of %1", "line 5: expected 'body of %NODE [SCOPE] TYPES -> PORTS'\n    5 |   body of %1 (4, 16) -> %0"),
    ("  body of %1 [each:4:2]", "graph [each:4:2]", "line 5: expected 'body of %NODE [SCOPE] TYPES -> PORTS'\n    5 | graph [each:4:2] (4, 16) -> %0"),
    ("  body of %1 [each:4:2] (4, 16) -> %0\n    %0 = pos %in : (4, 16) [5:pos_5/each:4:2]", "", "line 1: %1 has copies and no body: expected 'body of %1 ...' below\n    1 | graph (4, 16) -> %2"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), CHANGES)
def test_what_is_no_graph(old, new, message):
    assert GRAPH.count(old) == 1 or old.startswith(("%1.1 : ", "graph"))
    text = "\n".join(line for line in GRAPH.replace(old, new, 1).split("\n") if line)
    with pytest.raises(ParseError) as caught:
        parse_graph(text)
    assert str(caught.value) == f"graph text, {message}"


@pytest.mark.parametrize("text", ["", "\n\n", "nothing", "graph", "  ", "\x00", "graph (4, 16) -> %in\n\n  %0 = x"])
def test_what_is_nothing_like_a_graph(text):
    with pytest.raises(ParseError, match=r"^graph text, line \d+: "):
        parse_graph(text)


def test_more_lines_than_any_graph_has(monkeypatch):
    monkeypatch.setattr("einspec.compiler.graph.text._MOST_LINES", 5)
    with pytest.raises(ParseError) as caught:
        parse_graph(GRAPH)
    assert str(caught.value) == "graph text: more than 5 lines"


@primitive
def noted(x: Type, what: str, factor: float, exact: bool) -> Type:
    """Arguments of every kind."""
    return x


@primitive
def staged(x: Type, *, stage=1, name="none") -> Type:
    """Attributes."""
    return x


@pytest.mark.parametrize(
    "node",
    [
        "noted(word, 0.5, True)", "noted('two words', 1e-08, False)", "noted('21', -1.0, True)", "noted('', 2.0, False)",
        "noted('a, b)', 2.0, False)", "noted('%in : (4,) [1:x]', 2.0, False)", 'noted("it\'s", 2.0, False)',
        "noted(True_, 2.0, False)", "staged", "staged(stage=2)", "staged(name=deep, stage=2)", "staged(stage=(1, 2))",
        "noted('True', 2.0, True)", "noted('\\n', 2.0, True)", "noted('ü', 2.0, True)", "noted(class_, 2.0, True)",
        "noted('class', 2.0, True)", "noted('None', 2.0, True)",
    ],
)  # fmt: skip
def test_values_of_every_kind(node):
    text = f"graph (4,) -> %0\n  %0 = {node} %in : (4,)"
    graph = parse_graph(text, {"noted": noted, "staged": staged})
    again = parse_graph(format_graph(graph), {"noted": noted, "staged": staged})
    assert (again.nodes[0].args, again.nodes[0].attributes) == (graph.nodes[0].args, graph.nodes[0].attributes)
    assert format_graph(again) == format_graph(graph)


def test_values_are_what_they_were():
    for value in ["word", "nan", "two words", "21", "1e5", "True", "None", "class", "not", "inf", "a'b\"c", "\\", "\n", "", "0x1", "1_000", "ü", "x" * 200]:  # fmt: skip
        arch_text = f"graph (4,) -> %0\n  %0 = noted({value!r}, 0.1, True) %in : (4,)"
        graph = parse_graph(arch_text, {"noted": noted})
        assert graph.nodes[0].args == (value, 0.1, True)
        again = parse_graph(format_graph(graph), {"noted": noted})
        assert again.nodes[0].args == (value, 0.1, True)


@pytest.mark.parametrize("factor", [0.1, 1e300, 5e-324, -0.0, 3.0])
def test_numbers_are_what_they_were(factor):
    node = Node(noted, ("a", factor, True), (), ((-1, 0),), (Type((4,)),), (Type((4,)),))
    graph = Graph((Type((4,)),), (node,), ((0, 0),))
    again = parse_graph(format_graph(graph), {"noted": noted})
    assert repr(again.nodes[0].args) == repr(node.args)


@pytest.mark.parametrize("sizes", [(3, 32, 32), ((4, 4), 8), Type((77,), "int"), Type((3, 4), layout="sequence"), (2,) * 7])  # fmt: skip
def test_types_of_every_kind(sizes):
    kind = Type(sizes) if isinstance(sizes, tuple) else sizes
    text = f"graph {kind} and {kind} and (1,) -> %0 %in.2\n  %0 = times(2) %in.1 : {kind}"
    graph = parse_graph(text)
    assert graph.inputs == (kind, kind, Type((1,)))
    assert format_graph(graph) == text


def test_broken_texts_fail_cleanly():
    """A word gone, a letter changed, lines swapped: a ParseError or a graph that holds together, never another error."""
    rng = random.Random(0)
    for graph in random_graphs(samples(30), seed=3, nodes=12):
        text = format_graph(graph)
        for _ in range(20):
            lines = text.split("\n")
            kind = rng.randrange(4)
            index = rng.randrange(len(lines))
            if kind == 0:
                del lines[index]
            elif kind == 1:
                other = rng.randrange(len(lines))
                lines[index], lines[other] = lines[other], lines[index]
            elif kind == 2:
                words = lines[index].split(" ")
                del words[rng.randrange(len(words))]
                lines[index] = " ".join(words)
            else:
                at = rng.randrange(len(lines[index]) + 1)
                lines[index] = lines[index][:at] + rng.choice("0129%.:()[]x ,'") + lines[index][at + 1 :]
            try:
                found = parse_graph("\n".join(lines), OPS)
            except ParseError:
                continue
            assert format_graph(parse_graph(format_graph(found), OPS)) == format_graph(found)


def test_ops_of_ones_own_are_passed():
    arch = parse("mean_extremes(softmax)")
    with pytest.raises(ParseError) as caught:
        parse_graph(str(arch.graph))
    assert str(caught.value).startswith("graph text, line 2: extremes is not a primitive; ")
    assert str(parse_graph(str(arch.graph), arch.space.ops)) == str(arch.graph)


def test_graphs_of_the_baselines_are_read_back():
    arch = einspec.load("darts", input=(3, 16, 16)).sample(rng=0)
    assert str(parse_graph(str(arch.graph))) == str(arch.graph)


HOSTILE = [
    ("graph (4,) -> %0\n  %0 = 2 copies %in %in : 9999999 x (4,)", "line 2: the nodes so far have more than 2,000,000 inputs and outputs, copies written out"),
    ("graph (4,) -> %0\n  %0 = 900000000 copies %in : (4,)\n  body of %0 [each:1:900000000] (4,) -> %0\n    %0 = softmax %in : (4,)", "line 3: the nodes so far have more than 2,000,000 inputs and outputs, copies written out"),
    ("graph (4,) -> %0\n  %" + "9" * 5000 + " = softmax %in : (4,)", "line 2: expected a node, as in"),
    ("graph (4,) -> %0\n  %0 = " + "9" * 5000 + " copies %in : (4,)", "line 2: expected a node, as in"),
    ("graph (4,) -> %0\n  %0 = 2 copies %in %in : 2 x (4,)\n  body of %0 [] (4,) -> %0\n    %0 = softmax %in : (4,)", "line 3: expected a scope that ends in each:NODE:2, as %0 has 2 copies"),
    ("graph (4,) -> %0\n  %0 = 1 copies %in : (4,)", "line 2: %0: expected 2 copies or more"),
    ("graph (4,) -> %0\n  %0 = 2 copies %in %in : 2 x (4,)\n  body of %0 [each:1:2] (4,) -> %in", "line 3: the body of %0 has no node: there is nothing to copy"),
    ("graph (4,) -> %0\n  %0 = 2 copies %in %in : 2 x (4,)\n" + "  body of %0 [each:1:2] (4,) -> %0\n    %0 = softmax %in : (4,)\n" * 2, "line 5: %0 has a body already"),
    ("graph (4,) -> %0\n  %0 = linear(7)(16) %in : (16,) [1:linear_1]", "line 2: linear(7)(16): expected arguments separated by commas"),
    ("graph (4,) -> %0\n  %0 = linear(16)#(zap) %in : (16,) [1:linear_1]", "line 2: linear(16)#(zap): expected arguments separated by commas"),
    ("graph (4,) -> %0\n  %0 = 2 copies %in %in : 0 x (4,)", "line 2: found 0 x (4,), expected one type or more"),
    ("graph (4,) -> %0\n  %0 = 9 copies %in : (4,)\n  body of %" + "9" * 5000 + " [each:1:9] (4,) -> %0", "line 3: expected 'body of %NODE [SCOPE] TYPES -> PORTS'"),
    ("graph (4,) -> %0\n  %0 = 200000 copies %in : (4,)\n  body of %0 [each:1:200000] (4,) and (5,) -> %0\n    %0 = softmax %in : (4,)", "line 3: %0 takes (4,), and 200000 copies of its body (4,) and (5,) and (4,) and (5,)"),
    ("graph (4,) -> %0\n  %0 = linear(1).zap(16) %in : (16,) [1:linear_1]", "line 2: linear(1).zap(16): expected arguments separated by commas"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), HOSTILE)
def test_hostile_texts(text, message):
    with pytest.raises(ParseError) as error:
        parse_graph(text.rstrip("\n"))
    assert str(error.value).startswith(f"graph text, {message}")
    assert len(str(error.value)) < 2_500


@pytest.mark.parametrize("arguments", ["(1e999)", "(1e999-1e999)", "(1.0, around=(1, -1e999))"])
def test_infinite_numbers_are_none(arguments):
    @primitive(name="bend", torch=lambda x, slope, *, around=None: lambda t: t)
    def bend(x: Type, slope: float, *, around=None) -> Type:
        return x

    text = f"graph (4,) -> %0\n  %0 = bend{arguments} %in : (4,)"
    with pytest.raises(ParseError, match=r"does not fit bend\(|expected arguments separated by commas"):
        parse_graph(text, {"bend": bend})


def test_a_graph_without_outputs():
    text = "graph (4,) ->"
    assert format_graph(parse_graph(text)) == text


@pytest.mark.parametrize("value", ["[1]", "{1}", "{[1]}", "{}", "b'x'", "1j", "...", "([1],)", "0x" + "f" * 5000])
def test_attributes_that_are_not_plain(value):
    with pytest.raises(ParseError) as error:
        parse_graph(f"graph (4,) -> %0\n  %0 = staged(stage={value}) %in : (4,)", {"staged": staged})
    assert str(error.value).startswith(f"graph text, line 2: staged(stage={value})"[:1000])


def nested(depth: int) -> str:
    """Two copies of two copies of two copies ..., as deep as that."""
    lines = ["graph (4,) -> %0"]
    for level in range(depth):
        lines.append("  " * level + "  %0 = 2 copies %in %in : 2 x (4,)")
        lines.append("  " * level + f"  body of %0 [each:{level}:2] (4,) -> %0")
    return "\n".join([*lines, "  " * depth + "  %0 = softmax %in : (4,)"])


def test_bodies_in_bodies():
    assert format_graph(parse_graph(nested(200))) == nested(200)
    with pytest.raises(ParseError) as error:
        parse_graph(nested(201))
    assert str(error.value).startswith("graph text, line 403: bodies are nested more than 200 deep\n  403 | ")


def test_a_body_belongs_to_the_part_around_it():
    """Not to a body of the right depth that ended further up."""
    text = """
graph (4,) -> %0
  %0 = 2 copies %in %in : 2 x (4,)
  %1 = 2 copies %in %in : 2 x (4,)
  body of %0 [each:1:2] (4,) -> %0
    %0 = 2 copies %in %in : 2 x (4,)
    body of %0 [each:2:2] (4,) -> %0
      %0 = 2 copies %in %in : 2 x (4,)
  body of %1 [each:3:2] (4,) -> %0
    %0 = softmax %in : (4,)
      body of %0 [each:4:2] (4,) -> %0
        %0 = softmax %in : (4,)"""
    with pytest.raises(ParseError) as error:
        parse_graph(text)
    assert str(error.value) == (
        "graph text, line 10: expected 'body of %NODE [SCOPE] TYPES -> PORTS'\n"
        "   10 |       body of %0 [each:4:2] (4,) -> %0"
    )
