"""The command line: what it prints, its exit codes, and one clear message for bad input."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import einspec
from einspec.cli import main

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    try:
        code = main(arguments)
    except SystemExit as exit:
        code = int(exit.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize(
    "arguments", [["--help"], *([name, "--help"] for name in ("check", "explain", "sample", "show"))]
)
def test_help_teaches(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert "einspec" in out


def test_check_prints_figures(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", "nasbench201")
    assert (code, err) == (0, "")
    assert "derivations     15,625" in out


def test_check_json(capsys: pytest.CaptureFixture[str]) -> None:
    einspace, mlp = run_json(capsys, "check", "einspace", "mlp")
    assert einspace["branching_rate"] == pytest.approx(0.68 * 13 / 9)
    assert einspace["derivations"] is None
    assert mlp["warnings"] == []


def test_check_reports_each_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.lark"
    bad.write_text('a: "x" -> liner\n')
    code, out, err = run(capsys, "check", str(bad), "mlp")
    assert code == 1
    assert "mlp: good" in out
    assert err == (
        f"{bad}:1:4: error[E401]: there is no op liner (the alias)\n"
        '    1 | a: "x" -> liner\n'
        "      |    ^^^^^^^^^^^^\n"
        "      = did you mean 'linear'?\n"
        "explain with: einspec explain E401\n"
    )


def test_check_says_where_warnings_are_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "odd: error[E999].lark"
    file.write_text('start: "x" -> relu\nother: "y" -> norm\n')
    code, out, err = run(capsys, "check", str(file))
    assert (code, err) == (0, "explain with: einspec explain W501\n")
    assert out.startswith(f"{file}:2:1: warning[W501]: the rule other is never reached from start\n")
    (report,) = run_json(capsys, "check", str(file))
    assert len(report["warnings"]) == 1
    code, _, err = run(capsys, "check", str(tmp_path / "missing.lark"))
    assert code == 1
    assert "explain with" not in err


def test_explain_prints_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "explain", "E201")
    assert (code, err) == (0, "")
    assert out.startswith("# E201: this is not defined\n\nA rule, terminal or template is used")
    assert out.endswith("```\n")
    assert run(capsys, "explain", "e201")[1] == out
    assert run_json(capsys, "explain", "E201") == {"code": "E201", "text": out}


def test_explain_lists_all_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "explain")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "E101  this cannot be read"
    assert lines[-1] == "W514  a def that nothing uses"
    rows = run_json(capsys, "explain")
    assert [f"{row['code']}  {row['title']}" for row in rows] == lines


def test_explain_knows_no_other_codes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "explain", "E2O1")
    assert (code, out, err) == (1, "", "einspec: there is no code 'E2O1'; did you mean 'E201'?\n")
    code, out, err = run(capsys, "explain", "../../x")
    assert (code, out) == (1, "")
    assert err.startswith("einspec: there is no code '../../x'; known are E101, E103, ")
    assert err.endswith(", W513 and W514\n")


def test_sample_is_what_the_space_samples(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "sample", "einspace", "--input", "3,32,32", "-n", "7", "--seed", "3")
    space = einspec.load("einspace", input=(3, 32, 32))
    assert (code, err) == (0, "")
    assert out.splitlines() == [str(arch) for arch in space.samples(7, rng=3)]


def test_sample_json_says_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run_json(capsys, "sample", "einspace", "--input", "(8,8),48", "-n", "5", "--unique", "--max-params", "9000")
    space = einspec.load("einspace", input=((8, 8), 48))
    for row in rows:
        arch = space.parse(row["text"])
        assert (row["params"], row["macs"], row["key"]) == (arch.params, arch.macs, arch.key)
        assert row["params"] <= 9000
    assert len({row["key"] for row in rows}) == 5


def test_show_prints_types_on_every_edge(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "einspace", "seq(relu, linear(64))", "--input", "3,32,32")
    assert code == 0
    assert out.splitlines()[:3] == [
        "   0  seq           (3, 32, 32) -> (3, 32, 64)",
        "   1    relu        (3, 32, 32) -> (3, 32, 32)",
        "   2    linear(64)  (3, 32, 32) -> (3, 32, 64)",
    ]
    assert "parameters  2,112" in out


def test_show_reads_files_and_standard_input(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cell.arch"
    file.write_text(CELL + "\n")
    shown = run_json(capsys, "show", "nasbench201", CELL)
    assert run_json(capsys, "show", "nasbench201", str(file)) == shown
    monkeypatch.setattr("sys.stdin", io.StringIO(CELL))
    assert run_json(capsys, "show", "nasbench201", "-") == shown
    assert shown["text"] == CELL


def test_show_reads_a_bundled_architecture_and_macros(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_json(capsys, "show", "einspace", "resnet18.arch", "--input", "3,32,32")["params"] == 11_173_632
    assert run_json(capsys, "show", "einspace", "resnet18", "--input", "3,32,32")["params"] == 11_173_632
    (tmp_path / "resnet18.arch").write_text("def act = seq(norm, relu)  // mine\nact\n")
    shown = run_json(capsys, "show", "einspace", "resnet18.arch", "--input", "3,32,32")
    assert shown["text"] == "seq(norm, relu)"
    monkeypatch.setattr("sys.stdin", io.StringIO((tmp_path / "resnet18.arch").read_text()))
    assert run_json(capsys, "show", "einspace", "-", "--input", "3,32,32") == shown


def test_compile_prints_code_and_exports(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import torch

    text = "mlp(32, dense relu; layer layer)"
    code, out, _ = run(capsys, "compile", "mlp", text, "--head", "10")
    assert code == 0
    assert "def forward(self, x):" in out
    assert "3,466 parameters" in out
    path = tmp_path / "model.pt2"
    code, out, _ = run(capsys, "compile", "mlp", text, "--head", "10", "--export", str(path))
    assert code == 0
    x = torch.randn(5, 64)
    model = einspec.compile(einspec.load("mlp").parse(text), head=10).eval()
    assert torch.equal(torch.export.load(path).module()(x), model(x))


def test_compile_writes_source_and_weights(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The source runs where einspec is not, and loads the weights."""
    text = "replicate(clone(4), seq(linear(16), relu), add)"
    source, weights = tmp_path / "model.py", tmp_path / "weights.pt"
    arguments = ["compile", "einspace", text, "--input", "8,16", "--head", "3", "--seed", "5"]
    code, out, _ = run(capsys, *arguments, "--export", str(source), "--weights", str(weights))
    assert code == 0
    assert out == f"{source}: 1,139 parameters, any batch size\n{weights}: 1,139 parameters\n"
    script = (
        "import sys; sys.path[:0] = [sys.argv[1]]; sys.modules['einspec'] = None\n"
        "import torch, model\n"
        "network = model.Network().eval()\n"
        "network.load_state_dict(torch.load(sys.argv[1] + '/weights.pt'))\n"
        "print(network(torch.ones(2, 8, 16)).tolist())\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert process.returncode == 0, process.stderr
    import torch

    network = einspec.compile(einspec.load("einspace", input=(8, 16)).parse(text), head=3, seed=5).eval()
    assert json.loads(process.stdout) == network(torch.ones(2, 8, 16)).tolist()
    shown = run_json(capsys, *arguments, "--export", str(source))
    assert (shown["export"], shown["params"]) == (str(source), 1139)


def test_compile_without_fusing(capsys: pytest.CaptureFixture[str]) -> None:
    text = "route(im2col(3,1,1), linear(16), col2im)"
    code, out, _ = run(capsys, "compile", "einspace", text, "--input", "3,8,8", "--no-fuse")
    assert code == 0
    assert "torch.nn.functional.unfold" in out
    code, out, _ = run(capsys, "compile", "einspace", text, "--input", "3,8,8")
    assert "unfold" not in out


def test_show_prints_costs(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "einspace", "seq(linear(16), seq(relu, linear(32)))", "--input", "4,8")
    assert code == 0
    table = out[out.index("op as") : out.index("\n\ninput")]
    assert table.splitlines() == [
        "op as it runs  times  parameters   MACs  first kept to train",
        "linear_relu        1         144    512                256 B",
        "linear             1         544  2,048                  0 B",
        "total              2         688  2,560                256 B",
    ]
    assert "MACs        2,560 per example, 2,560 on the longest way\n" in out
    assert "activations 768 B at once to run, 256 B kept to train; one example in float32\n" in out
    assert "longest way 3 of 3 ops before fusing\n" in out
    shown = run_json(capsys, "show", "einspace", "seq(linear(16), norm)", "--input", "4,8")
    assert shown["costs"]["ops"][0]["op"] == "linear"


def test_own_ops_and_several_inputs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two_inputs_ops.py").write_text(
        "from einspec.ops import combinator\n"
        "@combinator(inputs=2)\n"
        "def swap(a, b, body):\n"
        "    return body(b), body(a)\n"
    )
    (tmp_path / "two.lark").write_text('net: "swap" body -> swap\nbody: "relu" -> relu\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    arguments = ["two.lark", "--ops", "two_inputs_ops", "--input", "a=3,4", "--input", "b=5"]
    (row,) = run_json(capsys, "sample", *arguments, "-n", "1")
    assert (row["input"], row["output"]) == ("a=(3, 4); b=(5,)", "(5,); (3, 4)")


BAD_INPUT = [
    (
        ["sample", "einspce"],
        "'einspce' is neither a bundled space (darts, einspace, mlp, nasbench201) nor the path of a ",
    ),
    (
        ["sample", "no/such.lark"],
        "'no/such.lark': there is no such file; expected a grammar file (*.lark) or a bundled space",
    ),
    (["sample", "einspace"], "einspace names no input type: give one, as in --input "),
    (["sample", "einspace", "--input", "0,3"], "0 is not a size: every size of a type is a whole number of at least 1"),
    (["sample", "einspace", "--input=-3,3"], "-3 is not a size: every size of a type is a whole number of at "),
    (["sample", "einspace", "--input", "abc"], "'abc' in the type 'abc' is neither a dtype (float, int) nor a layout"),
    (["sample", "mlp", "--input", "a=3", "--input", "a=4"], "--input a=3 --input a=4: expected one type, or name=TYPE"),
    (["sample", "mlp", "--ops", "no_such_module"], "--ops no_such_module: importing it failed: ModuleNotFoundError: "),
    (
        ["sample", "mlp", "--max-depth", "1"],
        "no derivation of mlp is at most 1 deep: the least depth is 2; raise --max-depth",
    ),
    (["show", "mlp", "mlp(33, dense; layer)"], "<architecture>:1:5: found '33', which cannot stand here\n"),
    (["show", "mlp", "missing.arch"], "'missing.arch': there is no such file; expected an architecture "),
    (["compile", "mlp", "mlp(32, dense; layer)", "--export", "no/dir/m.pt2"], "no/dir/m.pt2: cannot be written: "),
    (["compile", "mlp", "mlp(32, dense; layer)", "--export", "no/dir/m.py"], "no/dir/m.py: cannot be written: "),
    (["compile", "mlp", "mlp(32, dense; layer)", "--weights", "no/dir/m.pt"], "no/dir/m.pt: cannot be written: "),
    (
        ["compile", "mlp", "mlp(32, dense; layer)", "--max-memory", "1KiB"],
        "the weights take 8.12 KiB and running one example takes 128 B, together 8,448 bytes: more than max_memory, 1,024 bytes; ",
    ),
    (["search", "mlp", "--task", "digts", "--out", "x"], "task 'digts': no such task; expected digits"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT, ids=lambda value: " ".join(value)[:40])
def test_bad_input_is_one_message(
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (1, "")
    assert err.startswith(message if message.startswith("<architecture>") else f"einspec: {message}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "mlp", "-n", "0"], "argument -n: 0 is not possible: expected at least 1"),
        (["sample", "mlp", "-n", "x"], "argument -n: 'x' is not a whole number"),
        (["sample", "mlp", "--max-params", "-1"], "argument --max-params: -1 is not possible: expected at least 0"),
        (["search", "mlp", "--budget", "0", "--out", "x"], "argument --budget: 0 is not possible: expected at least 1"),
        (["search", "mlp"], "the following arguments are required: --out"),
        (["compile", "mlp", "x", "--export", "m.onnx"], "argument --export: 'm.onnx': expected a file name that ends "),
        (["frobnicate"], "argument COMMAND: invalid choice: 'frobnicate'"),
        ([], "the following arguments are required: COMMAND"),
    ],
    ids=lambda value: " ".join(value)[:40],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err


# --- honest figures, counts, and what is asked for ---


def test_check_draws_where_the_input_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", "einspace", "--input", "3,32,32", "--attempts", "500", "--seed", "1")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "At the input (3, 32, 32), 500 attempts with seed 1:" in lines
    figures = einspec.load("einspace", input=(3, 32, 32)).realised(500, rng=1)
    assert f"  succeed         {figures.success_rate:.1%}" in lines
    assert "  up to depth 2   2,324 architectures" in lines
    branch = figures.root["branch"].realised
    assert branch is not None
    assert f"  branch         11.1%  {branch:>7.1%}" in lines
    assert any(line.startswith("  fail            ") and "no member of merge fits in branch" in line for line in lines)
    assert any(line.startswith("  computation: linear      61.5%") for line in lines)


def test_check_without_an_input_says_how_to_get_more(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "check", "einspace")
    assert out.endswith("  give --input to see what samples are like, as in --input 3,32,32\n")
    (report,) = run_json(capsys, "check", "einspace")
    assert report["drawn"] is None


def test_check_of_a_space_that_always_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "doomed.lark"
    path.write_text('//% input 4,8\nstart: "b" "(" m "," m ")" -> seq\nm: "c" -> col2im\n')
    code, out, err = run(capsys, "check", str(path))
    assert (code, err) == (0, "explain with: einspec explain W509\n")
    assert out.startswith(
        f"{path}:2:1: warning[W509]: none of 2,000 attempts succeeds\n"
        '    2 | start: "b" "(" m "," m ")" -> seq\n'
        "      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "      = rejected by no member of m fits in seq 100%: give what rejects less weight, or ops that fit more types\n"
    )
    assert "  succeed         0.0%\n  fail            100.0% no member of m fits in seq\n" in out
    assert "                  as in: col2im does not accept (4, 8): " in out
    (report,) = run_json(capsys, "check", str(path))
    assert report["drawn"]["mean_nodes"] is None


OWN_OPS = """
from einspec.ops import combinator, library_ops

cat = library_ops()["cat"]


@combinator
def twice(x, body):
    return joined(body(x))


def joined(y):
    return cat(y, y, 1)
"""


def test_a_mistake_in_an_op_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    grammar, ops = tmp_path / "own.lark", tmp_path / "own_ops_with_a_mistake.py"
    grammar.write_text('//% input 8,4\nstart: "t" "(" leaf ")" -> twice\nleaf: "r" -> relu\n')
    ops.write_text(OWN_OPS)
    code, out, err = run(capsys, "check", str(grammar), "--ops", str(ops))
    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert lines[:5] == [
        "einspec: TypeError: cat is called as cat(*inputs, axis: int); after any number of inputs, write axis by name",
        "raised by the op twice at (8, 4)",
        f"called by the alternative at {grammar}:2:8",
        '    2 | start: "t" "(" leaf ")" -> twice',
        "      |        ^^^^^^^^^^^^^^^^^^^^^^^^^",
    ]
    assert lines[5] == "Your code, the latest call last:"
    assert [line for line in lines[6:] if line.startswith("  File ")] == [
        f'  File "{ops}", line 9, in twice',
        f'  File "{ops}", line 13, in joined',
    ]


def test_check_warns_of_what_is_never_sampled(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "lost.lark"
    path.write_text(
        '//% input 4,8\n//% start net\nnet: "s" "(" part "," part ")" -> seq\n'
        'part: "r" -> relu | "p" -> softmax | "m" "(" "2" "," "2" "," "0" ")" -> max_pool2d\n'
    )
    code, out, err = run(capsys, "check", str(path))
    assert (code, err) == (0, "explain with: einspec explain W508\n")
    assert out.startswith(
        f"{path}:4:38: warning[W508]: part: max_pool2d is never sampled in 2,000 attempts\n"
        '    4 | part: "r" -> relu | "p" -> softmax | "m" "(" "2" "," "2" "," "0" ")" -> max_pool2d\n'
    )
    assert (
        "it never applied, as in: max_pool2d(2,2,0,1,False) does not accept (4, 8): a window slides over an image"
        in out
    )


def test_check_json_draws(capsys: pytest.CaptureFixture[str]) -> None:
    (report,) = run_json(capsys, "check", "mlp", "--attempts", "300")
    drawn = report["drawn"]
    assert drawn["attempts"] == 300
    assert drawn["successes"] + sum(drawn["rejections"].values()) == 300
    assert drawn["counts_by_depth"]["2"] == 12
    assert drawn["productions"]["plain: dense"]["nominal"] == pytest.approx(4 / 9)


def test_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "count", "einspace", "--input", "3,32,32", "--max-depth", "2") == (0, "2,324\n", "")
    assert run_json(capsys, "count", "nasbench201") == {"count": 15_625, "is_exact": True, "error": None}
    code, out, _ = run(capsys, "count", "mlp", "--max-depth", "2", "--by-output")
    assert code == 0
    assert out.splitlines()[-1] == "          12  in all"
    by_output = run_json(capsys, "count", "mlp", "--max-depth", "2", "--by-output")
    assert by_output["count"] == sum(by_output["by_output"].values()) == 12


def test_count_marks_an_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["count", "einspace", "--input", "3,32,32", "--max-depth", "2", "--max-params", "1000000000"]
    assert run_json(capsys, *arguments) == {"count": 2324, "is_exact": True, "error": None}
    found = run_json(capsys, "count", "mlp", "--max-nodes", "40", "--max-params", "100000", "--seed", "1")
    assert not found["is_exact"]
    assert 0 < found["error"] < found["count"]
    code, out, _ = run(capsys, "count", "mlp", "--max-nodes", "40", "--max-params", "100000", "--seed", "1")
    assert code == 0
    assert out.startswith("about ")
    assert out.endswith(" (an estimate)\n")


def test_sample_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run_json(
        capsys, "sample", "einspace", "--input", "3,32,32", "-n", "4",
        "--nodes", "5..12", "--depth", "..4", "--contains", "linear", "--params", "1..", "--output", "3,32,16",
    )  # fmt: skip
    assert len(rows) == 4
    for row in rows:
        assert 5 <= row["nodes"] <= 12
        assert row["depth"] <= 4
        assert row["params"] >= 1
        assert "linear(" in row["text"]
        assert row["output"] == "(3, 32, 16)"
    rows = run_json(capsys, "sample", "einspace", "--input", "3,32,32", "-n", "2", "--nodes", "20")
    assert [row["nodes"] for row in rows] == [20, 20]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--contains", "gelu"],
            "contains='gelu': no production of einspace that is drawn means that op; did you mean 'relu'?",
        ),
        (["--nodes", "0"], "--nodes 0: expected a range from 1 or more up"),
        (["--nodes", "5..", "--max-nodes", "4"], "--nodes 5.. contradicts --max-nodes 4: nothing meets both; raise "),
        (["--output", "x"], "'x' in the type 'x' is neither a dtype (float, int) nor a layout (image, matrix, "),
    ],
)
def test_sample_refuses_what_it_cannot_mean(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, out, err = run(capsys, "sample", "einspace", "--input", "3,32,32", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith(f"einspec: {message}")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["count", "einspace", "--input", "3,32,32"], "give --max-depth or --max-nodes, as in --max-depth 3"),
        (["sample", "einspace", "--input", "3,32,32", "--max-nodes", "2"], "the smallest has 3; raise --max-nodes"),
        (["sample", "einspace"], "give one, as in --input 3,32,32, "),
        (
            ["sample", "einspace", "--input", "3,32,32", "--macs", "10..20"],
            "or allow more attempts: --attempts 100000 allows ten times the work",
        ),
        (["check", "OPS"], "      = write it as   //% def   in this file, or load it with --ops MODULE"),
        (["check", "SLOW"], "or load a file that you trust with --trusted"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_hints_speak_of_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], hint: str
) -> None:
    files = {"OPS": 'start: "trusted=True" -> zzzzz\n', "SLOW": "start: A -> linear\nA: /a*a*b/\n"}
    for name, text in files.items():
        (tmp_path / name).with_suffix(".lark").write_text(text)
    names = [str(tmp_path / f"{a}.lark") if a in files else a for a in arguments]
    code, _, err = run(capsys, *names)
    assert code == 1
    assert hint in err
    if "OPS" in arguments:
        assert '    1 | start: "trusted=True" -> zzzzz\n' in err


def test_trusted_files_may_be_slow(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "slow.lark"
    path.write_text('//% input 4,8\nstart: "r" -> relu | A -> linear //% 1 0\nA: /[0-9]+[0-9]*/\n')
    assert run(capsys, "check", str(path))[0] == 1
    code, out, err = run(capsys, "check", str(path), "--trusted")
    assert (code, err) == (0, "explain with: einspec explain W510\n")
    assert out.startswith(
        f"{path}:3:4: warning[W510]: matching this can take time that grows with the square of the text, or faster\n"
        "    3 | A: /[0-9]+[0-9]*/\n"
    )
    assert run(capsys, "sample", str(path), "--trusted", "-n", "1") == (0, "r\n", "")
    space = einspec.load(path, trusted=True)
    assert space.parse("16").output.sizes == (4, 16)
    for again in (pickle.loads(pickle.dumps(space)), space.grammar.reweighted({"start": [0.5, 0.5]})):
        assert again is not None
    with pytest.raises(einspec.GrammarError, match="or load a file that you trust with trusted=True"):
        einspec.load(path)
