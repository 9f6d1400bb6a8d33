"""Defs and guards that nobody would write end in an error of einspec's own, soon; see fuzzing.py for longer runs."""

from __future__ import annotations

import random

from tests.compiler.helpers import samples
from tests.ops.expressions.fuzzing import run


def test_edits_of_real_files():
    outcomes = run(random.Random(1), count=samples(150))
    assert outcomes["GrammarError"] > 0
    assert outcomes["drawn"] > 0
