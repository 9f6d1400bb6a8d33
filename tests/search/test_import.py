import subprocess
import sys

import pytest

HEAVY = ("torch", "numpy", "sklearn", "matplotlib", "lark")


def loaded_after(statement):
    """Which heavy libraries a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_importing_search_loads_nothing_heavy():
    assert loaded_after("import einspec.search; from einspec.search import *") == []


def test_this_test_can_fail():
    assert "torch" in loaded_after("from einspec.search import save_best")


def test_an_unknown_name_is_an_attribute_error():
    import einspec.search

    with pytest.raises(AttributeError, match=r"module 'einspec.search' has no attribute 'randomsearch'"):
        einspec.search.randomsearch  # noqa: B018
