"""What derivations are drawn from: a grammar, the ops that its productions name, input types and limits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from einspec.errors import ShapeError
from einspec.grammar.grammar import Grammar
from einspec.grammar.model.rules import Production
from einspec.ops.opset import collect_ops, library_ops
from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rebinding import rebound
from einspec.space.drawing.sizes import SizeTable
from einspec.space.members.binding import bind
from einspec.space.members.open_member import OpenMember
from einspec.space.members.skeletons import drawn, least_nodes, reachable
from einspec.space.text.printing import Printer
from einspec.space.variation.edits import Moves
from einspec.types import Type, TypeLike, as_type

if TYPE_CHECKING:
    from einspec.ops.declare import Outputs
    from einspec.space.text.parsing import TextParser

InputLike = TypeLike | Mapping[str, TypeLike]


class Ground:
    """A grammar bound to ops, input types and limits, and what follows from these alone."""

    def __init__(self, grammar: Grammar, input: InputLike | None = None, ops: Any = None, limits: Limits | None = None):
        self.grammar = grammar
        self.ops = collect_ops(ops)
        self.own_ops = tuple(op for name, op in self.ops.items() if library_ops().get(name) is not op)
        self.limits = Limits(**limits) if isinstance(limits, Mapping) else limits if limits is not None else Limits()
        if not isinstance(self.limits, Limits):
            raise TypeError(f"limits={limits!r}: expected einspec.Limits(...), or a dict of limits")
        self.input_types = _input_types(grammar, input)
        self.inputs = tuple(self.input_types.values())
        bound = bind(grammar, self.ops)
        self.nonterminals = bound[0]
        self.has_weights_per_depth = len(bound) > 1
        self.start = self.nonterminals[grammar.start]
        self._sizes: dict[int, SizeTable] = {}
        self.masses: dict[object, dict[Outputs, Any] | None] = {}
        """What :func:`einspec.space.counting.mass.exact_masses` found."""

    @property
    def name(self) -> str:
        """What messages call the space: the grammar's name."""
        return self.grammar.source.name

    @cached_property
    def printer(self) -> Printer:
        """What prints its architectures."""
        return Printer(self.grammar)

    @cached_property
    def least_nodes(self) -> float:
        """The fewest nodes of a derivation, types left out."""
        return least_nodes(self.start)[self.start]

    @cached_property
    def undrawable(self) -> Production | None:
        """A production with a regular expression that derivations of positive weight would hold; None for none."""
        for nonterminal in reachable(self.start):
            for member in drawn(nonterminal):
                if isinstance(member, OpenMember) and member.is_free:
                    return member.production
        return None

    def input_text(self) -> str:
        """The input types as text: ``(3, 32, 32)``, or ``image=(3, 32, 32); text=(77,) int``."""
        if list(self.input_types) == [""]:
            return str(self.inputs[0])
        return "; ".join(f"{name}={kind}" for name, kind in self.input_types.items())

    def sizes(self, most: int) -> SizeTable:
        """The weight of derivations by size, types left out, up to a size at least; remembered.

        Tables of few sizes are kept apart: what a seed draws must not depend on which sizes were asked for before.
        """
        rounded = 1 << (most - 1).bit_length()
        if rounded not in self._sizes:
            self._sizes[rounded] = SizeTable(self.start, rounded, lambda member: member.weight)
        return self._sizes[rounded]

    def at_its_depths(self, derivation: Derivation, *, is_drawn: bool = False) -> Derivation:
        """The derivation with each member that of its depth, where the grammar has weights per depth.

        Raises ``Rejected`` where ``is_drawn`` and something comes to a depth at which it would never be drawn.
        """
        return rebound(derivation, self.start, is_drawn=is_drawn) if self.has_weights_per_depth else derivation

    @cached_property
    def moves(self) -> Moves:
        """What the grammar lets stand where."""
        return Moves()

    @cached_property
    def parser(self) -> TextParser:
        """What parses its texts."""
        from einspec.space.text.parsing import TextParser  # brings lark

        return TextParser(self.grammar, self.nonterminals)


def _input_types(grammar: Grammar, given: InputLike | None) -> dict[str, Type]:
    """Types by name; a single one has the name ''."""
    if given is None:
        return {"": directive_type(grammar)}
    if isinstance(given, Mapping):
        if not given:
            raise ShapeError("input={}: expected at least one named type, as in {'image': (3, 32, 32)}")
        return {str(name): as_type(kind) for name, kind in given.items()}
    return {"": as_type(given)}


def directive_type(grammar: Grammar) -> Type:
    """The input type that a grammar's directive names. Raises ``ShapeError`` when it has none, or a wrong one."""
    text = grammar.directives.get("input")
    if text is None:
        raise ShapeError(
            f"{grammar.source.name} names no input type: give one, as in input=(3, 32, 32) or --input 3,32,32, "
            "or write //% input 3,32,32 in the grammar"
        )
    try:
        return as_type(text)
    except ShapeError as error:
        raise ShapeError(f"{grammar.source.name}: in its directive  //% input {text}: {error}") from None
