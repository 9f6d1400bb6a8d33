"""What derivations are drawn from: a grammar, the ops that its productions name, input types and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from einspec.errors import ShapeError
from einspec.grammar.grammar import Grammar
from einspec.ops.expressions.files import written_ops
from einspec.ops.opset import own_ops
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.memory import Remembering
from einspec.space.members.binding import bind
from einspec.types import Type, TypeLike, as_type

InputLike = TypeLike | Mapping[str, TypeLike]


class Ground(Remembering):
    """A grammar bound to ops, input types and limits, and what follows from these alone."""

    def __init__(self, grammar: Grammar, input: InputLike | None = None, ops: Any = None, limits: Limits | None = None):
        self.grammar = grammar
        self.own_ops = own_ops(ops)
        written = written_ops(tuple(grammar.op_files.values()), self.own_ops)
        self.ops = written.of(grammar.source)
        self.limits = Limits(**limits) if isinstance(limits, Mapping) else limits if limits is not None else Limits()
        if not isinstance(self.limits, Limits):
            raise TypeError(f"limits={limits!r}: expected einspec.Limits(...), or a dict of limits")
        self.input_types = _input_types(grammar, input)
        self.inputs = tuple(self.input_types.values())
        bound = bind(grammar, written)
        self.nonterminals = bound[0]
        self.has_weights_per_depth = len(bound) > 1
        self.start = self.nonterminals[grammar.start]
        productions = [production for rule in grammar.rules.values() for production in rule.productions]
        self.has_settings = any(production.has_settings for production in productions)

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the grammar calls its outputs, in order; nothing where it names none."""
        return tuple(name.strip() for name in self.grammar.directives.get("output", "").split(",") if name.strip())

    @property
    def name(self) -> str:
        """What messages call the space: the grammar's name."""
        return self.grammar.source.name

    def input_text(self) -> str:
        """The input types as text: ``(3, 32, 32)``, or ``image=(3, 32, 32); text=(77,) int``."""
        if list(self.input_types) == [""]:
            return str(self.inputs[0])
        return "; ".join(f"{name}={kind}" for name, kind in self.input_types.items())


def _input_types(grammar: Grammar, given: InputLike | None) -> dict[str, Type]:
    """Types by name; a single one has the name ''."""
    if given is None:
        return directive_types(grammar)
    if isinstance(given, str) and "=" in given:
        return named_types(given)
    if isinstance(given, Mapping):
        if not given:
            raise ShapeError("input={}: expected at least one named type, as in {'image': (3, 32, 32)}")
        return {str(name): as_type(kind) for name, kind in given.items()}
    return {"": as_type(given)}


def named_types(text: str) -> dict[str, Type]:
    """Types by name, ``image=3,32,32; text=77 int``. Raises ``ShapeError`` where a name is none, or is there twice."""
    found: dict[str, Type] = {}
    for part in text.split(";"):
        name, _, kind = (piece.strip() for piece in part.partition("="))
        if not name.isidentifier() or name in found:
            what = "stands there twice" if name in found else "is no name"
            raise ShapeError(f"{name!r} in the input {text!r} {what}: expected names, as in image=3,32,32; text=77 int")
        found[name] = as_type(kind)
    return found


def directive_types(grammar: Grammar) -> dict[str, Type]:
    """The input types that a grammar's directive names. Raises ``ShapeError`` when it has none, or a wrong one."""
    text = grammar.directives.get("input")
    if text is None:
        raise ShapeError(
            f"{grammar.source.name} names no input type: give one, as in input=(3, 32, 32) or --input 3,32,32, "
            "or write //% input 3,32,32 in the grammar"
        )
    try:
        return named_types(text) if "=" in text else {"": as_type(text)}
    except ShapeError as error:
        raise ShapeError(f"{grammar.source.name}: in its directive  //% input {text}: {error}") from None
