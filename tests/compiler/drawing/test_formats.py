"""Mermaid and DOT: balanced, every name declared before it is used, all text quoted."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from einspec.compiler.drawing import to_dot, to_mermaid
from tests.compiler.drawing.pictures import graph_of, graphs, minus, unary
from tests.compiler.drawing.test_svg import HOSTILE, hostile

WIRE = {"mermaid": re.compile(r'(n[\d_]+) -->(?:\|"[^"]*"\|)? (n[\d_]+)'), "dot": re.compile(r"(n[\d_]+) -> (n[\d_]+)")}
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def checked(text: str, kind: str, opens: str, closes: str) -> tuple[int, int]:
    """How many nodes and wires there are; names are declared first, and once."""
    declared, wires, depth = set(), 0, 0
    for line in text.splitlines()[1:]:
        line = line.strip()
        if match := WIRE[kind].match(line):
            assert set(match.groups()) <= declared
            wires += 1
        elif line.startswith("subgraph"):
            assert line.removesuffix(" {").split()[1] not in declared
            depth += 1
        elif line == closes:
            depth -= 1
            assert depth >= -1
        elif match := re.match(r"n[\d_]+", line):
            assert match[0] not in declared
            declared.add(match[0])
    assert depth == (0 if kind == "mermaid" else -1)
    return len(declared), wires


def test_mermaid():
    for graph in graphs().values():
        text = to_mermaid(graph)
        assert text.startswith("flowchart TD\n")
        nodes, wires = checked(text, "mermaid", "subgraph", "end")
        assert wires >= nodes - 2
        bare = re.sub(r'"[^"]*"', "", text)
        for pair in ("()", "[]", "{}"):
            assert bare.count(pair[0]) == bare.count(pair[1])


def test_dot():
    for graph in graphs().values():
        text = to_dot(graph)
        checked(text, "dot", "subgraph", "}")
        bare = STRING.sub("", text)
        assert '"' not in bare
        for pair in ("{}", "[]"):
            assert bare.count(pair[0]) == bare.count(pair[1])


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_quoted(name):
    mermaid = to_mermaid(hostile(name))
    (line,) = [line for line in mermaid.splitlines() if line.startswith("  n1[")]
    assert re.fullmatch(r'  n1\["[^"<>`\\{}]*"\]:::other', line)
    dot = to_dot(hostile(name))
    (line,) = [line for line in dot.splitlines() if line.startswith("  n1 [")]
    assert re.fullmatch(r'  n1 \[label="(?:[^"\\]|\\.)*", fillcolor="#\w+"\]', line)


def test_the_order_of_inputs_is_written():
    graph = graph_of((unary, ((-1, 0),)), (minus, ((-1, 0), (0, 0))))
    assert 'n0 -->|"1: (4, 8)"| n2' in to_mermaid(graph)
    assert 'n1 -> n2 [label="2: (4, 8)"]' in to_dot(graph)


def test_the_same_every_time():
    for graph in list(graphs().values())[:30]:
        assert to_dot(graph) == to_dot(graph)
        assert to_mermaid(graph) == to_mermaid(graph)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_it():
    for name in ("resnet18", "vit", "darts", "sample 0"):
        subprocess.run(["dot", "-Tplain"], input=to_dot(graphs()[name]).encode(), check=True, capture_output=True)
