"""The house has no circles: no file imports, however far round, a file that imports it; and lower layers no higher ones.

Imports for types alone and inside functions count too.
"""

from __future__ import annotations

import pytest

from tests.imports import arrows, circles, sources, upward

FACADES = ("einspec.grammar.grammar", "einspec.space.space")
"""What users hold: nothing in the same folder imports these, but for the folder's ``__init__``."""

LAYERS = (
    "einspec.version",
    "einspec.errors",
    "einspec.text",
    "einspec.types",
    "einspec.grammar",
    "einspec.ops",
    "einspec.space",
    "einspec.testing",
    "einspec.cli",
)
"""The house, the lowest first. The compiler is beside ``space``: it works on derivations, and architectures ask it."""

SPACE = (
    "einspec.space.members",
    "einspec.space.deriving",
    "einspec.space.counting.calls",
    "einspec.space.counting.answering",
    "einspec.space.counting.mass",
    "einspec.space.drawing",
    "einspec.space.counting",
    "einspec.space.variation",
    "einspec.space.text",
    "einspec.space.space",
)
"""Samplers ask masses whether there is anything to draw; everything else that counts is above them."""

GRAMMAR = (
    "einspec.grammar.regexps",
    "einspec.grammar.model",
    "einspec.grammar.syntax",
    "einspec.grammar.reading",
    "einspec.grammar.parsing",
    "einspec.grammar.analysis",
    "einspec.grammar.grammar",
)
COMPILER = (
    "einspec.compiler.graph.graph",
    "einspec.compiler.fusion.ops",
    "einspec.compiler.simplify",
    "einspec.compiler.identity",
    "einspec.compiler.fusion",
    "einspec.compiler.pipeline",
    "einspec.compiler.emit",
)


def test_there_are_no_circles():
    assert circles(arrows(sources())) == []


@pytest.mark.parametrize("layers", [LAYERS, GRAMMAR, SPACE, COMPILER], ids=["house", "grammar", "space", "compiler"])
def test_lower_layers_import_no_higher_ones(layers):
    assert upward(arrows(sources()), layers) == []


@pytest.mark.parametrize("facade", FACADES)
def test_no_file_below_imports_a_facade(facade):
    folder = facade.rpartition(".")[0]
    found = arrows(sources())
    inside = {module for module in found if module.startswith(f"{folder}.") and module != facade}
    assert {module for module in inside if facade in found[module]} == set()


@pytest.mark.parametrize(
    "statement",
    [
        "from einspec.grammar.grammar import Grammar",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from einspec.grammar.grammar import Grammar",
        "def later():\n    import einspec.grammar.grammar",
        "def later():\n    from einspec.grammar import grammar",
    ],
)
def test_a_planted_circle_is_found(statement):
    texts = sources()
    texts["einspec.grammar.analysis.counts"] += f"\n{statement}\n"
    assert ["einspec.grammar.analysis.counts", "einspec.grammar.grammar"] in circles(arrows(texts))


def test_a_planted_import_of_a_higher_layer_is_found():
    texts = sources()
    texts["einspec.grammar.analysis.counts"] += "\ndef later():\n    from einspec.space.deriving.limits import Limits\n"
    assert upward(arrows(texts), LAYERS) == [("einspec.grammar.analysis.counts", "einspec.space.deriving.limits")]
