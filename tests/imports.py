"""Who imports whom: every import in the source, also for types alone and inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOMES = {"einspec": ROOT / "einspec", "einspec.compiler": ROOT / "compiler"}
"""The folder of each package; ``einspec/compiler`` is a link to the other."""

Arrows = dict[str, set[str]]
"""The modules that each module imports."""


def sources() -> dict[str, str]:
    """The text of each module, by its name."""
    found: dict[str, str] = {}
    for package, folder in HOMES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if package == "einspec" and parts[0] in ("compiler", "grammars"):
                continue
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join([package, *parts])] = path.read_text(encoding="utf-8")
    return found


def arrows(texts: Mapping[str, str]) -> Arrows:
    """What each of these modules imports of the others.

    ``from package import name`` counts as the module of that name where there is one, else as the package.
    """
    return {
        module: {name for name in _imported(ast.parse(text), texts) if name in texts and name != module}
        for module, text in texts.items()
    }


def _imported(tree: ast.AST, known: Iterable[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, "relative imports are not used"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in known else node.module


def circles(found: Arrows) -> list[list[str]]:
    """The sets of modules that import each other, round and round (Tarjan 1972), each sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_modules: list[str] = []
    rings: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        open_modules.append(module)
        for other in sorted(found[module]):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in open_modules:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            start = open_modules.index(module)
            ring = sorted(open_modules[start:])
            del open_modules[start:]
            if len(ring) > 1:
                rings.append(ring)

    for module in sorted(found):
        if module not in index:
            visit(module)
    return sorted(rings)


def within(found: Arrows, package: str) -> Arrows:
    """The arrows between the modules of one package."""
    inside = {module for module in found if module == package or module.startswith(f"{package}.")}
    return {module: found[module] & inside for module in inside}


def upward(found: Arrows, layers: Iterable[str]) -> list[tuple[str, str]]:
    """Imports from a layer into one above it; ``layers`` are packages or modules, the lowest first.

    A module belongs to the layer with the longest name that begins its own.
    """
    order = {layer: height for height, layer in enumerate(layers)}

    def height(module: str) -> int | None:
        fitting = [layer for layer in order if module == layer or module.startswith(f"{layer}.")]
        return order[max(fitting, key=len)] if fitting else None

    pairs = [(module, other, height(module), height(other)) for module in found for other in found[module]]
    return sorted((module, other) for module, other, a, b in pairs if a is not None and b is not None and a < b)
