"""Fused = unfused = interpreted, on a few architectures of every kind; ``EINSPEC_SAMPLES=150`` gives the acceptance size."""

from __future__ import annotations

from collections import Counter

import pytest

from einspec.compiler.fusion import rules_for
from einspec.testing import ModuleError, check_modules
from einspec.testing import modules as checking
from tests.compiler.agreement import SHARES, corpus
from tests.compiler.helpers import SAMPLES, samples
from tests.compiler.ops import parse


def test_fused_and_unfused_are_the_interpreted():
    fired: Counter[str] = Counter()
    kinds = set()
    for kind, arch in corpus(samples(130), seed=4):
        fired += check_modules(arch, seed=1)
        kinds.add(kind)
    assert kinds == set(SHARES)
    if SAMPLES >= 150:
        rare = {rule.name: fired[rule.name] for rule in rules_for(arch.graph) if fired[rule.name] < 100}
        assert not rare, f"the corpus hardly shows {rare}"


def test_a_module_that_computes_something_else_is_found(monkeypatch):
    """The check itself: a product that is off by a millionth, a gradient, a state, a name."""
    arch = parse("seq(linear(16), norm)")
    right = checking.interpret
    monkeypatch.setattr(checking, "interpret", lambda *given: right(*given) * (1 + 1e-6))
    with pytest.raises(ModuleError, match=r"output 0 of the unfused module in train mode is not the interpreter's: "):
        check_modules(arch)
    monkeypatch.setattr(checking, "interpret", lambda *given: right(*given) + (given[2] - given[2].detach()) * 1e-3)
    with pytest.raises(ModuleError, match=r"the gradient of input 0 in the unfused module in train mode is not "):
        check_modules(arch)
