"""Free axes: those on which nothing that an architecture holds depends, so that one module computes for any size.

An axis is free where the same derivation type-checks at other sizes and comes to the same ops with the same weights.
That is tried, and then the module is run at these sizes on the meta device.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from einspec.compiler.graph.graph import Graph, Node
from einspec.compiler.graph.lower import lower
from einspec.errors import CompileError, GrammarError, ShapeError
from einspec.ops.declare import Outputs
from einspec.recursion import deep
from einspec.space.deriving.evaluation import Run, evaluate
from einspec.text import listing
from einspec.types import LETTERS, Type

if TYPE_CHECKING:
    from einspec.space.deriving.derivation import Derivation
    from einspec.space.space import Architecture

Free = Sequence[str] | bool
Letters = tuple[str, ...]

_CHANNELS = ("c", "d")
"""Axes that layers have weights for; they are asked for by name alone."""
_ENOUGH = 2
"""Other sizes that have to do, for an axis to be free."""


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """An architecture's derivation at other input types, and what it gives there."""

    derivation: Derivation
    inputs: tuple[Type, ...]
    output: Outputs


def free_axes(arch: Architecture, free: Free) -> Letters:
    """The letters of the axes that are to be free. Raises ``CompileError`` for one that cannot be, ``TypeError`` and
    ``ValueError`` for what names no axes.
    """
    known = {letter for kind in arch.inputs for letter in LETTERS[kind.layout]}
    if free is False or (not isinstance(free, bool) and not free):
        return ()
    if free is True:
        found: Letters = ()
        for letter in sorted(known.difference(_CHANNELS)):
            if _obstacle(arch, (*found, letter)) is None:
                found = (*found, letter)
        return found
    if isinstance(free, str) or not all(isinstance(letter, str) for letter in free):
        raise TypeError(f"free={free!r}: expected letters of axes, as in free=('h', 'w'), or True")
    letters = tuple(dict.fromkeys(free))
    for letter in letters:
        if letter not in known:
            raise ValueError(
                f"free={tuple(free)!r}: no input has the axis {letter}; there are {listing(sorted(known), 'and')}"
            )
    obstacle = _obstacle(arch, letters)
    if obstacle is not None:
        raise CompileError(f"{listing(letters, 'and')} cannot be free: {obstacle}")
    return letters


def places(kinds: Iterable[Type], letters: Letters) -> list[dict[int, str]]:
    """The places of free axes in each input, from 0, with their letters."""
    found = []
    for kind in kinds:
        axes = LETTERS[kind.layout]
        found.append({axes[letter] % kind.rank: letter for letter in letters if letter in axes})
    return found


def check_module(arch: Architecture, model: nn.Module, letters: Letters, *, has_head: bool) -> None:
    """Raises ``CompileError`` where a module does not compute at the sizes that its architecture is the same at."""
    for elsewhere in _others(arch, letters):
        if isinstance(elsewhere, str) or _differs(arch, elsewhere) is not None:
            continue
        wanted = elsewhere.output if isinstance(elsewhere.output, tuple) else (elsewhere.output,)
        made = _on_meta(model, elsewhere.inputs)
        shapes = [tuple(tensor.shape[1:]) for tensor in made] if isinstance(made, tuple) else made
        if isinstance(made, str) or (not has_head and shapes != [kind.sizes for kind in wanted]):
            what = f"it gives {shapes}" if isinstance(made, tuple) else f"torch says: {made}"
            sizes = " and ".join(map(str, elsewhere.inputs))
            raise CompileError(f"{listing(letters, 'and')} cannot be free: at {sizes} {what}")


def _on_meta(model: nn.Module, kinds: Sequence[Type]) -> tuple[torch.Tensor, ...] | str:
    """What a module makes of tensors without numbers, or what torch says."""
    try:
        with torch.no_grad():
            given = [
                torch.zeros(2, *kind.sizes, device="meta", dtype=torch.long if kind.dtype == "int" else None)
                for kind in kinds
            ]
            found = copy.deepcopy(model).to("meta").eval()(*given)
    except Exception as error:  # whatever an op does at sizes that it was not made for
        return str(error).strip().split("\n")[0]
    return found if isinstance(found, tuple) else (found,)


def _obstacle(arch: Architecture, letters: Letters) -> str | None:
    """Why axes cannot be free; None where they can."""
    first, good = None, 0
    for elsewhere in _others(arch, letters):
        problem = elsewhere if isinstance(elsewhere, str) else _differs(arch, elsewhere)
        if problem is None:
            good += 1
            if good == _ENOUGH:
                return None
        elif first is None:
            first = problem
    return first or "there are no other sizes to try"


def _others(arch: Architecture, letters: Letters) -> Iterator[_Elsewhere | str]:
    """The architecture at other sizes, or why it cannot be there."""
    for factor in (2, 4, 0.5, 0.25):
        inputs = tuple(_scaled(kind, letters, factor) for kind in arch.inputs)
        if inputs == arch.inputs:
            continue
        try:
            run = Run(None, math.inf, math.inf)
            at = arch.space.start, inputs, arch.derivation
            derivation, output = deep(arch.depth, lambda at=at, run=run: evaluate(run, *at))  # type: ignore[misc]
        except (ShapeError, GrammarError) as error:
            yield str(error).partition("\n")[0]
            continue
        yield _Elsewhere(derivation, inputs, output)


def _scaled(kind: Type, letters: Letters, factor: float) -> Type:
    """A type with other sizes of some axes, each another factor where there are several."""
    for place, letter in places([kind], letters)[0].items():
        own = factor * factor if len(letters) > 1 and letter == letters[-1] and factor > 1 else factor
        kind = kind.with_axis(place, max(1, int(kind.sizes[place] * own)))
    return kind


def _differs(arch: Architecture, elsewhere: _Elsewhere) -> str | None:
    """The op that is another one elsewhere, or has other weights; None where there is none."""
    here, there = lower(arch), lower(elsewhere)
    for node, other in zip(_nodes(here), _nodes(there), strict=False):
        if node.op is not other.op or node.args != other.args or node.copies != other.copies:
            return f"{node.text()} would be {other.text()}"
        if node.op is not None and node.slot is not None and _weights(node) != _weights(other):
            return f"{node.text()} has weights for {' and '.join(map(str, node.input_types))}"
    if sum(1 for _ in _nodes(here)) != sum(1 for _ in _nodes(there)):
        return "there would be another number of ops"
    return None


def _nodes(graph: Graph) -> Iterator[Node]:
    for part, _ in graph.graphs():
        yield from part.nodes


def _weights(node: Node) -> object:
    assert node.op is not None
    found = node.op.shapes(node.input_types, node.args, dict(node.attributes))
    return found if isinstance(found, int) else sorted(found.items())
