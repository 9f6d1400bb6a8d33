"""The command line: what it prints, its exit codes, and one clear message for bad input."""

from __future__ import annotations

import io
import json
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


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in ("check", "sample", "show"))])
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
    )


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
    (["sample", "einspace"], "einspace names no input type: give one, as in input=(3, 32, 32) or --input "),
    (["sample", "einspace", "--input", "0,3"], "0 is not a size: every size of a type is a whole number of at least 1"),
    (["sample", "einspace", "--input=-3,3"], "-3 is not a size: every size of a type is a whole number of at "),
    (["sample", "einspace", "--input", "abc"], "'abc' in the type 'abc' is neither a dtype (float, int) nor a layout"),
    (["sample", "mlp", "--input", "a=3", "--input", "a=4"], "--input a=3 --input a=4: expected one type, or name=TYPE"),
    (["sample", "mlp", "--ops", "no_such_module"], "--ops no_such_module: importing it failed: ModuleNotFoundError: "),
    (
        ["sample", "mlp", "--max-depth", "1"],
        "no derivation of mlp is at most 1 deep: the least depth is 2; raise max_depth",
    ),
    (["show", "mlp", "mlp(33, dense; layer)"], "<architecture>:1:5: found '33', which cannot stand here\n"),
    (["show", "mlp", "missing.arch"], "missing.arch: cannot be read: No such file or directory\n"),
    (["compile", "mlp", "mlp(32, dense; layer)", "--export", "no/dir/m.pt2"], "no/dir/m.pt2: cannot be written: "),
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
