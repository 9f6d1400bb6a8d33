"""The verifier: every broken invariant is named with its node. Whole graphs are verified in test_simplify."""

from __future__ import annotations

from dataclasses import replace

import pytest

from einspec import CompileError, Type
from einspec.compiler.graph.graph import Graph, Node, Slot
from einspec.compiler.graph.text import parse_graph
from einspec.compiler.graph.verify import verify
from einspec.ops import primitive
from einspec.testing import LawError, check_laws
from tests.compiler.corpus import OPS

GRAPH = parse_graph("""graph (4, 16) -> %3
  %0 = linear(16) %in : (4, 16) [1:linear_1]
  %1 = 2 copies %0 %in : 2 x (4, 16)
  %2 = add %1 %1.1 : (4, 16)
  %3 = softmax %2 : (4, 16)
  body of %1 [each:4:2] (4, 16) -> %0
    %0 = pos %in : (4, 16) [5:pos_5/each:4:2]""")

KIND = Type((4, 16))


def changed(index: int, **changes: object) -> Graph:
    nodes = list(GRAPH.nodes)
    nodes[index] = replace(nodes[index], **changes)
    return replace(GRAPH, nodes=tuple(nodes))


def in_body(**changes: object) -> Graph:
    body = GRAPH.nodes[1].body
    assert body is not None
    return changed(1, body=replace(body, nodes=(replace(body.nodes[0], **changes),)))


@primitive
def changing(x: Type) -> Type:
    """A type rule that is not the same at every call."""
    changing.calls += 1
    return x if changing.calls == 1 else Type((*x.axes, 2))


changing.calls = 0


def linear(width: int) -> Node:
    """A linear layer that reads the input, always with the same weights."""
    kinds = (KIND,), (Type((4, width)),)
    return Node(OPS["linear"], (width,), (), ((-1, 0),), *kinds, Slot(1, "linear_1", ()))


def nested(depth: int) -> Graph:
    """Two copies of two copies of two copies ..., as deep as that."""
    graph = Graph((KIND,), (Node(OPS["softmax"], (), (), ((-1, 0),), (KIND,), (KIND,)),), ((0, 0),))
    for number in range(depth):
        body = replace(graph, scope=(("each", number, 2),))
        node = Node(None, (), (), ((-1, 0),) * 2, (KIND,) * 2, (KIND,) * 2, None, body, 2)
        graph = Graph((KIND,), (node,), ((0, 0),))
    return graph


BODY = GRAPH.nodes[1].body
BROKEN = {
    "a circle": (
        changed(2, inputs=((1, 0), (3, 0))),
        "%2: input 1 comes from %3, which is not above it: a circle, or out of order",
    ),
    "a node that reads itself": (
        changed(2, inputs=((1, 0), (2, 0))),
        "%2: input 1 comes from %2, which is not above it: a circle, or out of order",
    ),
    "a node that is not there": (
        changed(2, inputs=((1, 0), (9, 0))),
        "%2: input 1 comes from %9, which is not above it: a circle, or out of order",
    ),
    "an output that is not there": (
        changed(2, inputs=((1, 0), (1, 2))),
        "%2: input 1 comes from %1.2, which does not exist",
    ),
    "an input of the graph that is not there": (
        changed(0, inputs=((-1, 1),)),
        "%0: input 0 comes from %-1.1, which does not exist",
    ),
    "a node before the first": (changed(0, inputs=((-2, 0),)), "%0: input 0 comes from %-2.0, which does not exist"),
    "an output before the first": (changed(3, inputs=((2, -1),)), "%3: input 0 comes from %2.-1, which does not exist"),
    "another type at an input": (
        changed(3, input_types=(Type((4, 8)),), outputs=(Type((4, 8)),)),
        "%3: input 0 has type (4, 16), and the node says (4, 8)",
    ),
    "another dtype at an input": (
        replace(GRAPH, inputs=(Type((4, 16), "int"),), nodes=GRAPH.nodes[:1], outputs=((0, 0),)),
        "%0: input 0 has type (4, 16) int, and the node says (4, 16)",
    ),
    "more types than inputs": (
        changed(3, input_types=(KIND, KIND)),
        "%3: 1 inputs and 2 types of inputs\n%3: softmax takes 1 input, not 2: (4, 16) and (4, 16)",
    ),
    "an output of the graph that is not there": (
        replace(GRAPH, outputs=((3, 0), (4, 0), (2, 1))),
        "output 1 comes from %4.0, which does not exist\noutput 2 comes from %2.1, which does not exist",
    ),
    "a node without inputs": (changed(2, inputs=(), input_types=()), "%2: add reads nothing"),
    "no op": (changed(3, op=None), "%3: None is no primitive, and the node has no body"),
    "something else than an op": (changed(3, op="softmax"), "%3: 'softmax' is no primitive, and the node has no body"),
    "no slot": (changed(0, slot=None), "%0: linear(16) needs a slot"),
    "a slot for nothing": (changed(3, slot=Slot(1, "x", ())), "%3: softmax has no weights, but a slot"),
    "an op that refuses": (
        changed(0, args=(0,)),
        "%0: linear(0) does not accept (4, 16): 0 is not a size: every size of a type is a whole number of at least 1",
    ),
    "arguments that are not the op's": (
        changed(0, args=()),
        "%0: linear() missing 1 required positional argument: 'width'",
    ),
    "another output": (
        changed(0, args=(8,)),
        "%0: the type rule of linear(8) gives (4, 8), and the node says (4, 16)",
    ),
    "outputs that are more": (
        changed(3, outputs=(KIND, KIND)),
        "%3: the type rule of softmax gives (4, 16), and the node says (4, 16) and (4, 16)",
    ),
    "a type rule that changes its mind": (
        Graph((KIND,), (Node(changing, (), (), ((-1, 0),), (KIND,), (changing(KIND),)),), ((0, 0),)),
        "%0: the type rule of changing gives (4, 16, 2), and the node says (4, 16)",
    ),
    "a single copy": (
        replace(changed(1, copies=1, inputs=((0, 0),), input_types=(KIND,), outputs=(KIND,)), outputs=((1, 0),)),
        "%2: input 1 comes from %1.1, which does not exist\n"
        "%1: a node with a body is two copies or more, without an op or a slot\n"
        "%1: the scope of its body does not end in a step of 1 copies",
    ),
    "copies with a slot": (
        changed(1, slot=Slot(1, "x", ())),
        "%1: a node with a body is two copies or more, without an op or a slot",
    ),
    "copies with an op": (
        changed(1, op=OPS["softmax"]),
        "%1: a node with a body is two copies or more, without an op or a slot",
    ),
    "copies of fewer inputs": (
        changed(1, inputs=((0, 0),), input_types=(KIND,)),
        "%1: inputs (4, 16) are not 2 times those of the body",
    ),
    "copies of more outputs": (
        changed(1, outputs=(KIND,) * 3),
        "%1: outputs (4, 16), (4, 16), (4, 16) are not 2 times those of the body",
    ),
    "copies of another type": (
        changed(1, outputs=(KIND, Type((4, 8)))),
        "%2: input 1 has type (4, 8), and the node says (4, 16)\n"
        "%1: outputs (4, 16), (4, 8) are not 2 times those of the body",
    ),
    "a scope of more copies": (
        changed(1, body=replace(BODY, scope=(("each", 4, 3),))),
        "%1: the scope of its body does not end in a step of 2 copies\n%1 > %0: the slot pos_5_each4_2 is in 2 copies of 4, and no body around it has their scope",
    ),
    "no scope": (
        changed(1, body=replace(BODY, scope=())),
        "%1: the scope of its body does not end in a step of 2 copies\n%1 > %0: the slot pos_5_each4_2 is in 2 copies of 4, and no body around it has their scope",
    ),
    "a slot of two ops": (
        changed(2, op=OPS["pos"], inputs=((0, 0),), input_types=(KIND,), slot=Slot(1, "linear_1", ())),
        "%2: pos has the slot of %0, linear(16): nodes of one slot have one op, arguments and weights",
    ),
    "a slot of two widths": (
        Graph((KIND,), (linear(16), linear(4)), ((0, 0), (1, 0))),
        "%1: linear(4) has the slot of %0, linear(16): nodes of one slot have one op, arguments and weights",
    ),
    "a slot of copies that are not there": (
        changed(0, slot=Slot(1, "linear_1", (("each", 1, 9),))),
        "%0: the slot linear_1_each1_9 is in 9 copies of 1, and no body around it has their scope",
    ),
    "copies of wires": (
        changed(1, body=replace(BODY, nodes=(), outputs=((-1, 0),))),
        "%1: its body has no nodes, so there is nothing to copy",
    ),
    "copies of what gives nothing": (
        Graph((KIND,), (replace(GRAPH.nodes[1], inputs=((-1, 0),) * 2, outputs=(), body=replace(BODY, outputs=())),), ()),
        "%0: its body has no outputs, so there is nothing to copy",
    ),
    "a node of a body": (in_body(slot=None), "%1 > %0: pos needs a slot"),
    "a port of a body": (in_body(inputs=((0, 0),)), "%1 > %0: input 0 comes from %0, which is not above it: a circle, or out of order"),
    "an output of a body": (
        changed(1, body=replace(BODY, outputs=((1, 0),))),
        "%1 > output 0 comes from %1.0, which does not exist",
    ),
}  # fmt: skip


def test_what_holds_together():
    verify(GRAPH)
    verify(BODY)  # a body alone: its scope is the one of its slots
    verify(in_body(op=OPS["linear"], args=(16,), slot=Slot(1, "linear_1", ())))  # one slot, outside and in all copies
    verify(replace(GRAPH, inputs=(Type(((2, 2), 16)),)))  # how an axis is composed does not matter


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken(name):
    graph, message = BROKEN[name]
    with pytest.raises(CompileError) as caught:
        verify(graph)
    assert str(caught.value) == f"this graph is broken:\n{message}"


def test_everything_that_is_broken_is_named():
    nodes = list(GRAPH.nodes)
    nodes[0] = replace(nodes[0], slot=None)
    nodes[3] = replace(nodes[3], inputs=((3, 0),))
    with pytest.raises(CompileError) as caught:
        verify(replace(GRAPH, nodes=tuple(nodes), outputs=((9, 0),)))
    assert str(caught.value).split("\n")[1:] == [
        "%0: linear(16) needs a slot",
        "%3: input 0 comes from %3, which is not above it: a circle, or out of order",
        "output 0 comes from %9.0, which does not exist",
    ]


def test_an_op_that_lies_about_its_type_rule():
    """A graph alone cannot show it: the op's tensors do."""
    liar = primitive(name="liar", torch=lambda x: lambda t: t[..., :1])(lambda x: x)
    graph = Graph((KIND,), (Node(liar, (), (), ((-1, 0),), (KIND,), (KIND,)),), ((0, 0),))
    verify(graph)
    with pytest.raises(LawError) as caught:
        check_laws(liar, [KIND])
    assert str(caught.value) == (
        "liar at (4, 16) does not keep its law 'type rule': it says (4, 16), and torch gives (4, 1)"
    )


def test_bodies_in_bodies():
    verify(nested(200))
    with pytest.raises(CompileError) as caught:
        verify(nested(201))
    assert (
        str(caught.value) == f"this graph is broken:\n{' > '.join(['%0'] * 201)}: bodies are nested more than 200 deep"
    )


def test_nodes_of_one_slot_by_number_alone():
    """Where a declaration gives only how many parameters there are, the types must be the same."""
    counted = primitive(name="counted", params=lambda x: 3)(lambda x: x)
    nodes = [
        Node(counted, (), (), ((-1, place),), (kind,), (kind,), Slot(1, "counted_1", ()))
        for place, kind in enumerate((KIND, Type(((2, 2), 16)), Type((4, 8))))
    ]
    verify(Graph((KIND, KIND), tuple(nodes[:2]), ((0, 0), (1, 0))))
    with pytest.raises(CompileError, match="%2: counted has the slot of %0, counted: nodes of one slot have one op"):
        verify(Graph((KIND, KIND, Type((4, 8))), tuple(nodes), ((0, 0), (1, 0), (2, 0))))
