"""What an evaluation over types saw: what each node takes and gives at its first call."""

from __future__ import annotations

import math
from dataclasses import dataclass

from einspec.ops.declare import Inputs, Outputs
from einspec.recursion import deep
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.evaluation import Known, Run, TypedChild, evaluate
from einspec.space.members.environment import Environment
from einspec.space.members.member import Nonterminal

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


def edge_types(start: Nonterminal, inputs: Inputs, derivation: Derivation) -> dict[tuple[int, ...], Edge]:
    """Input and output types of each node, by its address (child indices from the root)."""
    run = _Observed()
    deep(derivation.depth, lambda: evaluate(run, start, inputs, derivation))
    return run.edges


@dataclass(frozen=True, slots=True)
class Trace:
    """What evaluating an architecture comes to, so that its variants need not do it again."""

    known: Known | None
    """The outputs of each of its subtrees at the inputs that it was called with; None where these do not decide
    them, because a subtree calls what ``let`` has bound."""
    edges: dict[tuple[int, ...], Edge]
    """Input and output types of each node, by its address."""
    is_plain: bool
    """Whether every node is called at one type, without attributes."""


class _Traced(_Observed):
    """Notes outputs by node too."""

    __slots__ = ("has_bindings", "is_plain", "outcomes")

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: Known = {}
        self.has_bindings = False
        self.is_plain = True

    def follow(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs:
        outputs = super().follow(child, inputs, environment)
        self.has_bindings |= bool(environment.bindings)
        self.is_plain &= environment.key is None
        assert child.node is not None
        self.outcomes[id(child.node), inputs, environment.key] = outputs
        return outputs


def trace(start: Nonterminal, inputs: Inputs, derivation: Derivation) -> Trace:
    """Evaluates an architecture once, and notes what it sees."""
    run = _Traced()
    deep(derivation.depth, lambda: evaluate(run, start, inputs, derivation))
    is_known = not run.has_bindings and not run.varied_ties
    return Trace(run.outcomes if is_known else None, run.edges, run.is_plain and not run.replayed)
