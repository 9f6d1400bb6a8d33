"""The house has no circles: no file imports, however far round, a file that imports it; and lower layers no higher ones.

Imports for types alone and inside functions count too.
"""

from __future__ import annotations

import pytest

from tests.imports import arrows, circles, sources, upward

FACADES = ("einspec.grammar.grammar",)
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

STILL_ROUND = {
    "einspec.compiler.graph.lower",
    "einspec.space.architecture",
    "einspec.space.text.codec",
    "einspec.space.counting.counting",
    "einspec.space.drawing.coverage",
    "einspec.space.deriving.edges",
    "einspec.space.counting.mass",
    "einspec.space.counting.probable",
    "einspec.space.drawing.realised",
    "einspec.space.drawing.sampling",
    "einspec.space.space",
    "einspec.space.variation.crossover",
    "einspec.space.variation.difference",
    "einspec.space.variation.kernel",
    "einspec.space.variation.mutation",
    "einspec.space.variation.neighbours",
    "einspec.space.variation.variant",
    "einspec.space.drawing.wanted",
}
"""The one circle that is left, through ``Space`` and ``Architecture``. Files may only leave it."""


def test_no_new_circles():
    assert {module for ring in circles(arrows(sources())) for module in ring} <= STILL_ROUND


def test_what_left_the_circle_is_not_excused():
    assert {module for ring in circles(arrows(sources())) for module in ring} >= STILL_ROUND


def test_lower_layers_import_no_higher_ones():
    assert upward(arrows(sources()), LAYERS) == []


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
