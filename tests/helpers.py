"""What several test files share: no torch here."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import einspec
from einspec.space import Space

INPUTS = {"einspace": (3, 32, 32), "nasbench201": None, "darts": None, "mlp": None}
"""The bundled spaces with the input that tests use; None is the grammar's own."""


def bundled(name: str) -> Space:
    return einspec.load(name, input=INPUTS[name])


def golden(path: Path) -> list[tuple[str, str, str]]:
    """Cases of a file: ``==== name``, the input, ``----``, the message that it gets."""
    cases = []
    for section in ("\n" + path.read_text("utf-8")).split("\n==== ")[1:]:
        name, _, rest = section.partition("\n")
        given, _, message = rest.partition("----\n")
        cases.append((name, given, message.rstrip("\n")))
    return cases


def module_of_ops(name: str, source: str) -> ModuleType:
    """A module that is imported as ``name``, of declarations in its source."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(f"from einspec.ops import *\n{source}", name, "exec"), module.__dict__)
    return module


def nested(depth: int, *, left: bool = False) -> str:
    """A chain of nested seq of einspace, as deep as given."""
    if left:
        return "seq(" * depth + "relu" + ", norm)" * depth
    return "seq(norm, " * depth + "relu" + ")" * depth


def frequencies(found: Iterable[object]) -> dict[object, int]:
    counts: dict[object, int] = {}
    for item in found:
        counts[item] = counts.get(item, 0) + 1
    return counts
