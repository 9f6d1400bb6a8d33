"""Guards of alternatives: what they can name, and the values that a member gives to these names."""

from __future__ import annotations

import inspect
from typing import Any

from einspec.grammar.model.items import value_kinds
from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import Choice, Free, Production, leaves
from einspec.ops.declare import Op
from einspec.ops.expressions.guards import Guard, Names, read_guard
from einspec.space.members.fed import FedOp
from einspec.space.members.member import Member


def guard_of(production: Production, op: Op | None, problems: Problems) -> Guard | None:
    """The guard of a production that has one; None where it is wrong, and problems are noted."""
    assert production.guard is not None
    return read_guard(production.guard, _names(production, op), problems.of(production.source))


def set_guard(member: Member, guard: Guard | None) -> None:
    """Gives a member its guard, with the values of its arguments."""
    if guard is None:
        return
    member.guard = guard.bound(_top_values(member) if member.is_open else dict(enumerate(member.args)))


def _places(production: Production) -> list[tuple[Choice, tuple[int, ...]]]:
    """The arguments outside of groups and repetitions, each with its places among the arguments of the op."""
    found = []
    place = 0
    for item in production.items:
        count = value_kinds((item,)).count("argument")
        if isinstance(item, Choice):
            found.append((item, tuple(range(place, place + count))))
        place += count
    return found


def _names(production: Production, op: Op | None) -> Names:
    arguments: dict[str, list[tuple[int, ...]]] = {}
    for choice, places in _places(production):
        if choice.name:
            arguments.setdefault(choice.name, []).append(places)
    plain = {choice.name for choice, _ in _places(production)}
    inner = {leaf.name for leaf in leaves(production.items) if isinstance(leaf, (Choice, Free)) and leaf.name}
    hidden = frozenset(inner - plain)
    if op is None:
        return Names({name: tuple(places) for name, places in arguments.items()}, {"x": 0}, None, hidden)
    top = {place for _, places in _places(production) for place in places}
    for place, argument in enumerate(op.signature.arguments):
        if place in top:
            arguments.setdefault(argument.name, [(place,)])
    names = {name: tuple(places) for name, places in arguments.items()}
    return Names(names, _inputs(op), frozenset(op.reads), hidden)


def _inputs(op: Op) -> dict[str, int | None]:
    """The names that an op has for its inputs."""
    function = op.op.function if isinstance(op, FedOp) else op.function
    parameters = list(inspect.signature(function).parameters.values())
    if op.signature.inputs is None:
        return {p.name: None for p in parameters if p.kind is p.VAR_POSITIONAL}
    return {parameter.name: place for place, parameter in enumerate(parameters[: op.signature.inputs])}


def _top_values(member: Member) -> dict[int, Any]:
    """The values of the arguments that an open member has before it is laid out."""
    assert member.op is not None
    arguments = member.op.signature.arguments
    found: dict[int, Any] = {}
    for (_, places), text in zip(_places(member.production), member.texts, strict=True):
        for place, part in zip(places, text.split(","), strict=True):
            found[place] = arguments[place].convert(part)
    return found
