"""The types on the edges of a derivation: what each node takes and gives at its first call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from einspec.ops.declare import Outputs
from einspec.recursion import deep
from einspec.space.derive import Inputs, Run, TypedChild, evaluate
from einspec.space.environment import Environment

if TYPE_CHECKING:
    from einspec.space.architecture import Architecture

Edge = tuple[Inputs, Outputs]


class _Observed(Run):
    """Notes inputs and outputs of each node that is followed, by its address."""

    __slots__ = ("edges",)

    def __init__(self) -> None:
        super().__init__(None, math.inf, math.inf)
        self.edges: dict[tuple[int, ...], Edge] = {}

    def follow(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs:
        outputs = super().follow(child, inputs, environment)
        self.edges[child.path] = (inputs, outputs)
        return outputs


def edge_types(arch: Architecture) -> dict[tuple[int, ...], Edge]:
    """Input and output types of each node, by its address (child indices from the root)."""
    run = _Observed()
    deep(arch.depth, lambda: evaluate(run, arch.space.start, arch.space.inputs, arch.derivation))
    return run.edges
