"""Derivations that type-check: what all work on architectures is done on. Users hold them as architectures."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

from einspec.arguments import expect
from einspec.space.deriving.choices import choices_of, free_members, log_shares
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.edges import Trace, trace
from einspec.space.deriving.memory import Remembering
from einspec.space.deriving.settings import Settings, settings_digest, settings_of
from einspec.types import Type

if TYPE_CHECKING:
    from einspec.compiler.costs.table import Costs
    from einspec.compiler.graph.shown import ShownGraph
    from einspec.ops.declare import Outputs
    from einspec.space.deriving.ground import Ground


class TypedDerivation(Remembering):
    """A derivation with its output types. Immutable; equal to another iff their op trees are."""

    space: Ground
    """What it type-checks in."""
    derivation: Derivation
    """How its sentence was derived."""
    output: Outputs
    """The output type, or the tuple of several."""

    def __init__(self, space: Ground, derivation: Derivation, output: Outputs):
        self.__dict__.update(space=space, derivation=derivation, output=output)

    @property
    def inputs(self) -> tuple[Type, ...]:
        """The input types."""
        return self.space.inputs

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an architecture is immutable: {name} cannot be set")

    @cached_property
    def _op_tree(self) -> list[tuple[object, ...]]:
        return self.derivation.ops()

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(self._op_tree))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TypedDerivation):
            return NotImplemented
        if self.derivation is other.derivation:
            return True
        return len(self) == len(other) and self._op_tree == other._op_tree

    def __len__(self) -> int:
        """Nodes that name an op; a replica counts once."""
        return self.derivation.size

    @property
    def depth(self) -> int:
        """Longest path of nodes that name an op: 2 for ``seq(relu, norm)``."""
        return self.derivation.depth

    @cached_property
    def log_prob(self) -> float:
        """log Q, the natural logarithm of the probability of its choices among the members that apply.

        -inf when a choice has weight 0. Samples follow Q up to the constant of
        ``space.success_probability``, whatever the limits.
        """
        return math.fsum(log_shares(self.space.start, self.inputs, self.derivation))

    @cached_property
    def _choices(self) -> tuple[int, ...]:
        return tuple(choices_of(self.space.start, self.inputs, self.derivation))

    @property
    def choices(self) -> list[int]:
        """One whole number per nonterminal expanded, in the order in which they are drawn: the index of the member.

        A group or a repetition has the number of its option besides. Raises ``SamplingError`` for an architecture that
        holds the text of a regular expression, which no number says.
        """
        return list(self._choices)

    @property
    def replayable(self) -> list[int] | None:
        """Its choices; None where these do not say all."""
        return None if next(free_members(self.derivation), None) is not None else self.choices

    @cached_property
    def trace(self) -> Trace:
        """What evaluating it over types saw; its variants start from there."""
        return trace(self.space.start, self.inputs, self.derivation)

    @cached_property
    def _simplified(self) -> tuple[ShownGraph, int]:
        from einspec.compiler.graph.lower import lower
        from einspec.compiler.graph.shown import shown
        from einspec.compiler.simplify.simplify import normal_form

        written = lower(self)
        return shown(normal_form(written)), len(written.nodes)

    @property
    def graph(self) -> ShownGraph:
        """The simplified graph of primitives that the architecture denotes."""
        return self._simplified[0]

    @property
    def written_nodes(self) -> int:
        """How many nodes its graph had before it was simplified."""
        return self._simplified[1]

    @cached_property
    def key(self) -> str:
        """The canonical identity of the simplified graph, ``2:<hex>``."""
        from einspec.compiler.identity.key import graph_key

        return graph_key(self.graph)

    @cached_property
    def _settings(self) -> Settings:
        return settings_of(self.derivation) if self.space.has_settings else {}

    @property
    def settings(self) -> Settings:
        """The values of what the grammar calls settings, by their names in small letters: numbers where they read as
        such, a tuple where there are several, in text order.

        >>> import einspec
        >>> text = '''//% settings LR
        ... start: "relu" "lr" LR -> relu
        ... LR: "0.1" | "0.01"
        ... %ignore " "'''
        >>> einspec.loads(text, input=(8,)).parse("relu lr 0.01").settings
        {'lr': 0.01}
        """
        return dict(self._settings)

    @property
    def identity(self) -> str:
        """What two architectures share that need not both be evaluated: the key, and a digest of the settings where
        there are any.
        """
        return f"{self.key}/{settings_digest(self._settings)}" if self._settings else self.key

    @cached_property
    def _costs(self) -> tuple[int, int]:
        from einspec.compiler.costs.costs import costs

        return costs(self.graph)

    @property
    def params(self) -> int:
        """Number of parameters of what gets built, the head not counted."""
        return self._costs[0]

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one example: the products in linear layers, convolutions and matrix products."""
        return self._costs[1]

    @cached_property
    def costs(self) -> Costs:
        """What it costs to run and to train, op by op and in total, without torch and without a head."""
        from einspec.compiler.costs.table import costs_of

        return costs_of(self.graph)

    def __copy__(self) -> TypedDerivation:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> TypedDerivation:
        return self


def check_architecture(name: str, value: object) -> None:
    """Raises ``TypeError``, naming the argument, for anything but an architecture."""
    expect(name, value, TypedDerivation, "an architecture, as space.parse or space.sample gives")
