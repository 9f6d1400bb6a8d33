"""Nothing heavy is imported before it is needed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

HEAVY = ("torch", "numpy", "lark", "sklearn", "matplotlib", "hypothesis")

SPACE = (
    "import einspec\nspace = einspec.load('einspace', input=(3, 32, 32))\narch = space.sample(rng=2, max_nodes=10)\n"
)


def command_line(*arguments: str) -> str:
    """A statement that runs the command line and forgets what it prints."""
    return (
        "import contextlib, io\nfrom einspec.cli import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    assert main({list(arguments)!r}) == 0\n"
    )


def loaded_after(statements: str) -> list[str]:
    """Which heavy libraries a fresh interpreter has loaded after some statements."""
    code = f"{statements}\nimport sys\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


@pytest.mark.parametrize(
    ("statements", "loaded"),
    [
        ("import einspec", []),
        ("import einspec; dir(einspec); einspec.__version__; einspec.ShapeError", []),
        ("import einspec.ops, einspec.space, einspec.search, einspec.cli", []),
        (SPACE, []),
        (SPACE + "str(arch), arch.log_prob, arch.choices, arch.to_json(), hash(arch)", []),
        (SPACE + "arch.key, arch.params, arch.macs, str(arch.graph)", []),
        (SPACE + "space.mutate(arch, rng=0), list(space.samples(3, rng=0, unique=True))", []),
        (SPACE + "space.parse('seq(relu, norm)')", ["lark"]),
        (SPACE + "einspec.loads('start: \"relu\" -> relu', input=(3,)).sample(rng=0)", []),
        ("import einspec\nfor name in ('nasbench201', 'darts', 'mlp'): einspec.load(name).sample(rng=0).params", []),
        # Eigenvalues of the mean matrix are what check prints, and what numpy is for.
        (command_line("check", "einspace"), ["numpy"]),
        (command_line("check", "--json", "grammars/einspace.lark", "grammars/mlp.lark"), ["numpy"]),
        (command_line("sample", "einspace", "--input", "3,32,32", "-n", "3", "--seed", "0"), []),
        (command_line("sample", "darts", "-n", "2", "--seed", "0", "--unique", "--json"), []),
        (command_line("show", "mlp", "mlp(16, dense; layer)"), ["lark"]),
    ],
    ids=lambda value: str(value)[-60:] if isinstance(value, str) else "",
)
def test_what_is_loaded(statements, loaded):
    assert loaded_after(statements) == loaded


@pytest.mark.parametrize("module", HEAVY)
def test_this_test_can_fail(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    assert module in loaded_after(f"import {module}")


def test_compiling_loads_torch():
    """The other half of the meta-test: what is lazy does come when it is asked for."""
    assert "torch" in loaded_after(SPACE + "einspec.compile(arch)")
