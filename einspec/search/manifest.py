"""The manifest: what decides how a search goes, so that it goes on as the same search or not at all.

Compared on resuming is all of it but the budget, which may grow, and the versions, which are for the reader:
that another version asks for the same architectures is checked key by key as the run is replayed.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einspec.errors import StoreError
from einspec.search.strategy import AbstractStrategy

if TYPE_CHECKING:
    from einspec.space import Space

_INFORMATION = {"budget", "versions"}
_SHOWN = 60
"""Longer values are cut in messages."""


def describe(strategy: AbstractStrategy, evaluate: object, *, budget: int) -> dict[str, Any]:
    """The manifest of a search, as JSON values."""
    if isinstance(strategy.seed, random.Random):
        raise TypeError(f"seed is {strategy.seed!r}; expected an int: a run that is written down needs one")
    return _json(
        {
            "space": _space(strategy.space),
            "strategy": {"name": strategy.name, **strategy.options},
            "seed": strategy.seed,
            "seeds": [str(arch) for arch in strategy.seeds],
            "task": _described(evaluate),
            "where": None if strategy.where is None else _described(strategy.where),
            "budget": budget,
            "versions": dict(_versions()),
        }
    )


def check_same(path: Path, *, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Raise a ``StoreError`` that names all differences, if there are any that matter."""
    ours, theirs = dict(_leaves(expected)), dict(_leaves(found))
    differing = [name for name in sorted(ours | theirs) if ours.get(name) != theirs.get(name)]
    if differing:
        lines = [
            f"  {name}: the run has {_shown(theirs, name)}, this search has {_shown(ours, name)}" for name in differing
        ]
        raise StoreError(
            "\n".join(
                [
                    f"{path}: a run of another search:",
                    *lines,
                    "To go on with the run give it the same settings (only the budget may differ); for a new "
                    "run choose another folder. Nothing was changed",
                ]
            )
        )


def _space(space: Space) -> dict[str, Any]:
    productions = [made for rule in space.grammar.rules.values() for made in rule.productions]
    return {
        "grammar": space.grammar.text,
        "grammar sha256": space.grammar.digest,
        "ops": sorted({made.op_name for made in productions if not made.is_transparent}),
        "input": space.input_text(),
        "limits": dataclasses.asdict(space.limits),
    }


def _described(function: object) -> Any:
    """A task describes itself; of any other function the name is all that there is to compare."""
    describe = getattr(function, "describe", None)
    if describe is not None:
        return describe()
    return getattr(function, "__qualname__", type(function).__qualname__)


def _versions() -> Iterator[tuple[str, str]]:
    """Of what is loaded: asking for a version must not import a library."""
    yield "python", platform.python_version()
    for name in ("einspec", "numpy", "torch", "sklearn"):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            yield name, str(version)


def _json(value: dict[str, Any]) -> dict[str, Any]:
    """As it will be read back: tuples become lists."""
    copied: dict[str, Any] = json.loads(json.dumps(value))
    return copied


def _leaves(manifest: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """What is compared, by dotted name. The grammar's digest stands for its text."""
    for name, value in manifest.items():
        path = prefix + name
        if path in _INFORMATION or path == "space.grammar":
            continue
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def _shown(values: dict[str, Any], name: str) -> str:
    text = json.dumps(values[name]) if name in values else "nothing"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
