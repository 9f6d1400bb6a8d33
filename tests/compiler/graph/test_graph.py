"""Graphs: what they hold, how they print, what they cost to make, and where they end."""

from __future__ import annotations

import time
import tracemalloc

import pytest

import einspec
from einspec.compiler.emit import emit
from einspec.compiler.graph import lower
from tests.compiler.ops import parse


def test_sequences_are_flat_and_identities_have_no_node():
    graph = parse("seq(identity, seq(seq(relu, identity), branch(clone(2), identity, softmax, add)))").graph
    assert [node.text() for node in graph.nodes] == ["leaky_relu(0.01)", "softmax", "add"]
    assert len(graph) == graph.written_out == 3


def test_what_no_output_needs_is_left_out():
    arch = parse("two_outputs(identity, identity)", {"image": (3, 4, 4), "vector": (16,)})
    assert len(arch.graph) == 0
    assert arch.graph.outputs == ((-1, 0), (-1, 1))


def test_replicas_stay_folded():
    graph = parse("copies(copies(seq(linear(16), relu)))").graph
    assert len(graph) == 2 + 1 + 1
    assert graph.written_out == 9 * 2 + 3 + 1
    assert graph.nodes[0].copies == 3


def test_copies_of_a_wire_have_no_node():
    assert [node.text() for node in lower.lower(parse("copies(identity)")).nodes] == ["add"]
    assert [node.text() for node in parse("copies(identity)").graph.nodes] == ["times(3)"]


def test_one_copy_is_no_replica():
    arch = parse("replicate(clone(1), linear(16), add)")
    assert [node.text() for node in lower.lower(arch).nodes] == ["linear(16)", "add"]
    assert [node.text() for node in arch.graph.nodes] == ["linear(16)"]


def test_text():
    arch = parse("seq(linear(16), replicate(group(4,1), seq(pos, relu), cat(1)))")
    assert str(arch.graph) == "\n".join(
        [
            "graph (4, 16) -> %3",
            "  %0 = linear(16) %in : (4, 16) [1:linear_1]",
            "  %1 = group(4, 1) %0 : 4 x (1, 16)",
            "  %2 = 4 copies %1 %1.1 %1.2 %1.3 : 4 x (1, 16)",
            "  %3 = cat(1) %2 %2.1 %2.2 %2.3 : (4, 16)",
            "  body of %2 [each:4:4] (1, 16) -> %1",
            "    %0 = pos %in : (1, 16) [5:pos_5/each:4:4]",
            "    %1 = leaky_relu(0.01) %0 : (1, 16)",
        ]
    )


def test_text_of_several_outputs():
    arch = parse("two_outputs(relu, mean_extremes(softmax))", {"image": (3, 4, 4), "rows": (5, 16)})
    assert str(arch.graph) == "\n".join(
        [
            "graph (3, 4, 4) and (5, 16) -> %0 %4",
            "  %0 = leaky_relu(0.01) %in : (3, 4, 4)",
            "  %1 = extremes %in.1 : 2 x (5,)",
            "  %2 = softmax %1 : (5,)",
            "  %3 = softmax %1.1 : (5,)",
            "  %4 = add %2 %3 : (5,)",
        ]
    )


def test_several_outputs_of_which_one_is_several():
    with pytest.raises(einspec.ShapeError, match="two_outputs: one of several outputs is itself several"):
        parse("two_outputs(relu, extremes)", {"image": (3, 4, 4), "rows": (5, 16)})


def nested(depth: int, count: int = 8) -> str:
    text = "linear(16)"
    for _ in range(depth):
        text = f"replicate(clone({count}), {text}, add)"
    return text


@pytest.mark.parametrize("depth", [7, 30, 150])
def test_what_no_machine_could_run_is_refused_at_once(depth):
    arch = parse(nested(depth))
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(einspec.CompileError) as caught:
        einspec.compile(arch, head=10)
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(caught.value) == (
        f"one forward pass would run {sum(8**k for k in range(depth + 1)):,} primitives, and the limit is 1,000,000: "
        "replicas of replicas multiply; sample with max_macs or max_params, or fewer nodes"
    )
    assert seconds < 2
    assert peak < 10_000_000


def test_folded_graphs_need_no_room():
    arch = parse(nested(100))
    assert len(arch.graph) == 101
    assert arch.key != parse(nested(99)).key
    assert arch.params == 8**100 * 16 * 17
    assert len(str(arch.graph).splitlines()) == 302


def test_a_combinator_that_loops_is_written_out_to_a_bound(monkeypatch):
    monkeypatch.setattr(lower, "MOST_NODES", 100)
    text = "relu"
    for _ in range(7):
        text = f"twice({text})"
    with pytest.raises(einspec.CompileError) as caught:
        _ = parse(text).graph
    assert str(caught.value) == (
        "the graph has more than 100 nodes: a combinator that calls children in a loop is "
        "written out; use each(child, values), which keeps copies folded"
    )


def test_the_bound_itself_compiles(monkeypatch):
    arch = parse(nested(2))
    monkeypatch.setattr(emit, "MOST_CALLS", arch.graph.written_out)
    einspec.compile(arch)
    monkeypatch.setattr(emit, "MOST_CALLS", arch.graph.written_out - 1)
    with pytest.raises(einspec.CompileError, match=r"would run 73 primitives, and the limit is 72: "):
        einspec.compile(arch)
