"""Guards of alternatives: what they can name, and the values that a member gives to these names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from einspec.grammar.model.items import value_kinds
from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import Choice, Free, Production, leaves
from einspec.ops.declare import Op
from einspec.ops.expressions.guards import Guard, Names, read_guard
from einspec.space.members.fed import FedOp
from einspec.space.members.member import Member
from einspec.space.members.settings import value_of

Place = int | str


def guard_of(production: Production, op: Op | None, problems: Problems) -> Guard | None:
    """The guard of a production that has one; None where it is wrong, and problems are noted."""
    assert production.guard is not None
    return read_guard(production.guard, _names(production, op), problems.of(production.source))


def set_guard(member: Member, op: Op | None, guard: Guard | None) -> None:
    """Gives a member its guard, with the values of the arguments that its production gives to an op."""
    if guard is not None:
        member.guard = guard.bound(_values(member, op))


def _places(production: Production) -> list[tuple[Choice, tuple[Place, ...]]]:
    """The choices outside of groups and repetitions, each with the places of its values among the op's arguments; a
    setting has one of its own.
    """
    found: list[tuple[Choice, tuple[Place, ...]]] = []
    place = 0
    for index, item in enumerate(production.items):
        count = value_kinds((item,)).count("argument")
        if isinstance(item, Choice):
            own: tuple[Place, ...] = (f"setting {index}",) if item.is_setting else tuple(range(place, place + count))
            found.append((item, own))
        place += count
    return found


def _names(production: Production, op: Op | None) -> Names:
    arguments: dict[str, list[tuple[Place, ...]]] = {}
    for choice, places in _places(production):
        if choice.name:
            arguments.setdefault(choice.name, []).append(places)
    inner = {leaf.name for leaf in leaves(production.items) if isinstance(leaf, (Choice, Free)) and leaf.name}
    hidden = frozenset(inner - set(arguments))
    if op is None:
        return Names({name: tuple(places) for name, places in arguments.items()}, {"x": 0}, None, hidden)
    top = {place for _, places in _places(production) for place in places}
    for place, argument in enumerate(op.signature.arguments):
        if place in top:
            arguments.setdefault(argument.name, [(place,)])
    names = {name: tuple(places) for name, places in arguments.items()}
    parameters = inspect.signature(_function(op)).parameters
    optional = [attribute.name for attribute in op.signature.attributes if not attribute.required]
    defaults = {name: parameters[name].default for name in optional}
    return Names(names, _inputs(op), frozenset(op.reads), hidden, defaults)


def _function(op: Op) -> Callable[..., Any]:
    return op.op.function if isinstance(op, FedOp) else op.function


def _values(member: Member, op: Op | None) -> dict[Place, Any]:
    """The values of a member's choices outside of groups and repetitions, by their places."""
    found: dict[Place, Any] = {}
    for (choice, places), text in zip(_places(member.production), _top_texts(member), strict=True):
        if choice.is_setting:
            found[places[0]] = value_of(text)
            continue
        for place, part in zip(places, text.split(","), strict=True):
            assert op is not None
            assert isinstance(place, int)
            found[place] = op.signature.arguments[place].convert(part)
    return found


def _top_texts(member: Member) -> list[str]:
    if member.is_open:
        return list(member.texts)
    tops = {id(item) for item in member.production.items}
    written = [item for item in member.items if isinstance(item, (Choice, Free))]
    return [t for i, t in zip(written, member.texts, strict=True) if id(i) in tops and isinstance(i, Choice)]


def _inputs(op: Op) -> dict[str, int | None]:
    """The names that an op has for its inputs."""
    parameters = list(inspect.signature(_function(op)).parameters.values())
    if op.signature.inputs is None:
        return {p.name: None for p in parameters if p.kind is p.VAR_POSITIONAL}
    return {parameter.name: place for place, parameter in enumerate(parameters[: op.signature.inputs])}
