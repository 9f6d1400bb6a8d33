"""Every example and every Python snippet of the README runs."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["first_space", "own_ops", "own_loop"])
def test_example_runs(name: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_readme_snippets_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # they write files
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(snippets) >= 3
    names: dict[str, object] = {}
    for snippet in snippets:
        exec(compile(snippet, "<README.md>", "exec"), names)
    names["test_models_have_the_parameters_they_say"]()


def test_readme_grammar_is_a_space() -> None:
    import einspec

    first, mobile, _ = re.findall(r"```lark\n(.*?)```", README, re.DOTALL)
    assert einspec.loads(first).sample(rng=0)
    assert einspec.loads(mobile).count() == 12_354_322_500


def test_readme_extends_einspace_in_three_lines() -> None:
    """It samples, parses and compiles, and its weights are those of einspace, scaled by what the new op leaves."""
    import einspec
    from tests.helpers import bundled

    *_, text = re.findall(r"```lark\n(.*?)```", README, re.DOTALL)
    assert len(text.splitlines()) == 3
    space = einspec.loads(text, input=(3, 8, 8))
    *others, new = space.grammar.rules["computation"].productions
    assert (new.op_name, new.weights) == ("gelu", (Fraction(1, 14),))
    old = bundled("einspace").grammar.rules["computation"].productions
    assert [p.op_name for p in others] == [p.op_name for p in old]
    assert [p.weights[0] for p in others] == [p.weights[0] * Fraction(13, 14) for p in old]
    assert space.grammar.branching_rate == pytest.approx(0.68 * 13 / 9)
    arch = next(arch for arch in space.samples(500, rng=0, max_nodes=20) if "gelu" in str(arch))
    assert space.parse(str(arch)) == space.from_choices(arch.choices) == arch
    assert "GELU" in str(einspec.compile(arch))


def test_readme_shows_the_error_that_comes() -> None:
    import einspec

    space = einspec.load("einspace", input=(3, 32, 32))
    text = re.search(r'>>> space\.parse\("(.*?)"\)\neinspec\.ShapeError: (.*?)\n```', README, re.DOTALL)
    assert text is not None
    with pytest.raises(einspec.ShapeError) as error:
        space.parse(text[1])
    assert str(error.value) == text[2]
