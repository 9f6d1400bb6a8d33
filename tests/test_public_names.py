"""Tab completion lists the public names and nothing else, and each of them is there."""

from __future__ import annotations

import importlib

import pytest

NAMES = {
    "einspec": """Architecture Axis CompileError Derivation EinspecError Estimate Grammar GrammarError Limits ParseError
        SamplingError ShapeError Space StoreError Type __version__ compile correspondence export interpret isomorphic
        load loads ops rewrite search testing transfer""",
    "einspec.testing": "LawError ModuleError architectures check_laws check_modules",
    "einspec.search": """AbstractStrategy AbstractTask Candidate Evaluated Evaluation Evolution Exhausted Progress
        ProgressBar RandomSearch Record Run SearchResult draw_progress evolution load_task random_search read_run
        run_search save_best""",
    "einspec.ops": """Child Combinator Laws Op Primitive Value collect_ops combinator each let library_ops primitive refuse scan
        tie""",
    "einspec.grammar": "Choice Grammar Literal Production Reference Rule bundled_names read_file read_text",
    "einspec.space": "Architecture Derivation Estimate Limits Space load loads",
    "einspec.compiler": "compile correspondence export interpret isomorphic parse_graph rewrite transfer",
}


@pytest.mark.parametrize("module", NAMES)
def test_completion_lists_public_names(module):
    assert dir(importlib.import_module(module)) == sorted(NAMES[module].split())


@pytest.mark.parametrize("module", NAMES)
def test_each_name_is_there(module):
    found = importlib.import_module(module)
    assert all(getattr(found, name) is not None for name in dir(found))
