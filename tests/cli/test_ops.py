"""``einspec ops``: every op of the library is listed, with an example that runs; the page of the documentation too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import einspec
from einspec.cli import main
from einspec.ops import library_ops
from einspec.ops.catalogue import catalogue, example, markdown

PAGE = Path(__file__).parents[2] / "docs" / "ops.md"


@pytest.mark.parametrize("name", library_ops())
def test_the_example_of_each_op_runs(name):
    space = einspec.loads(example(library_ops()[name]))
    arch = space.sample(rng=0)
    used = {node.op_name for node in arch.derivation.walk()} | {node.op.name for node in arch.graph.nodes if node.op}
    written = space.grammar.text
    assert name in used or f"{name}(" in written
    assert space.parse(str(arch)) == arch


def test_every_op_says_what_it_does():
    for entry in catalogue():
        assert entry.summary.endswith((".", ")")), entry.name
        assert entry.signature.startswith(f"{entry.name}(")


def test_the_page_is_that_of_the_declarations():
    assert PAGE.read_text(encoding="utf-8") == markdown(), "write it anew: einspec ops --markdown > docs/ops.md"


def run(capsys, *arguments):
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_listing(capsys):
    code, out, err = run(capsys, "ops")
    assert (code, err) == (0, "")
    assert all(f"  {entry.signature}\n" in out for entry in catalogue())
    code, out, err = run(capsys, "ops", "norms")
    assert out.startswith("norms\n  group_norm(x, groups: int)\n")
    assert "conv2d" not in out
    code, out, err = run(capsys, "ops", "--json")
    assert {row["name"] for row in json.loads(out)} == set(library_ops())


def test_one_op(capsys):
    code, out, err = run(capsys, "ops", "attention")
    assert (code, err) == (0, "")
    assert out.startswith(
        "attention(q, k, v, causal: bool = False)    primitive, attention\n\n  softmax(q k^T / sqrt(e)) v"
    )
    assert "An example, as a grammar file:\n\n    //% input " in out
    code, out, err = run(capsys, "ops", "conv2d", "--json")
    report = json.loads(out)
    assert report["params"] == 3 * 16 * 9 + 16
    assert report["laws"] == {"owns_parameters": True, "zero": "zeros", "zero_unless": "bias"}


def test_no_such_op(capsys):
    code, out, err = run(capsys, "ops", "atention")
    assert (code, out, err) == (1, "", "einspec: there is no op 'atention' in the library; did you mean 'attention'?\n")
    code, out, err = run(capsys, "ops", "qqqqqq")
    assert (code, out) == (1, "")
    assert err.startswith("einspec: there is no op 'qqqqqq' in the library; families are activations, arithmetic, ")
