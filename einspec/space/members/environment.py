"""What flows down a derivation: attributes, and derivations bound by ``let``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from einspec.ops.control import Child, Children, Misuse, is_value
from einspec.types import Type

_MISSING = object()
_REMEMBERED = 1_000
"""Environments that each remembers to have been extended to; emptied when full, so that memory is bounded."""
_REMEMBERED_KINDS = frozenset({int, bool, str, type(None)})
"""Types of the attributes that most environments are extended by."""


class Environment:
    """Attributes set by the combinators above, immutable.

    ``key`` tells environments apart as far as legality goes: attribute values, and which names are bound.
    """

    __slots__ = ("_extended", "bindings", "key", "tags", "values")
    tags: tuple[tuple[str, object], ...]
    """The attributes by name, as memory is keyed by."""

    def __init__(self, values: Mapping[str, Any], bindings: Mapping[str, Child]):
        self.values = values
        self.bindings = bindings
        self._extended: dict[object, Environment] = {}
        self.tags = _tagged_items(values) if values else ()
        self.key = (self.tags, tuple(sorted(bindings))) if values or bindings else None

    def extended(self, attributes: Mapping[str, Any]) -> Environment:
        """The environment with more attributes; a child among them is a binding.

        Raises ``TypeError`` for values that flow (they are inputs, not attributes) or that are not hashable.
        """
        kinds = tuple(map(type, attributes.values()))
        if not _REMEMBERED_KINDS.issuperset(kinds):
            return self._with(attributes)
        key = (kinds, *attributes.items())  # 1 and True are equal, and two
        found = self._extended.get(key)
        return self._remembered(key, self._with(attributes)) if found is None else found

    def _remembered(self, key: object, made: Environment) -> Environment:
        if len(self._extended) >= _REMEMBERED:
            self._extended.clear()
        self._extended[key] = made
        return made

    def _with(self, attributes: Mapping[str, Any]) -> Environment:
        values, bindings = dict(self.values), dict(self.bindings)
        for name, value in attributes.items():
            if isinstance(value, Child):
                value.note_bound()
                bindings[name] = value
                values.pop(name, None)
                continue
            if type(value) is not int and type(value) is not bool:
                _check_attribute(name, value)
            values[name] = value
            bindings.pop(name, None)
        return Environment(values, bindings)

    @property
    def identity(self) -> tuple[object, ...]:
        """Tells environments apart wholly: also by which derivations are bound."""
        return self.key, tuple(id(self.bindings[name]) for name in sorted(self.bindings))

    def at(self, site: Environment) -> Environment:
        """For a bound derivation: the attributes of the place that calls it, the bindings of its own."""
        if site.values is self.values or site.tags == self.tags:
            return self
        found = self._extended.get(site.tags)
        if found is None:
            found = self._remembered(site.tags, Environment(site.values, self.bindings))
        return found

    def reading(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        """What the named attributes are here; one that is not set differs from every value, None included."""
        return tuple([tagged(self.values[name]) if name in self.values else _MISSING for name in names])


def _check_attribute(name: str, value: Any) -> None:
    """Raises ``ShapeError`` or ``Misuse`` for what is no attribute."""
    if isinstance(value, Children):
        raise value.misuse()
    if is_value(value):
        raise Misuse(f"the attribute {name} is a value that flows between ops: pass it as an input")
    if not is_plain(value):
        raise Misuse(
            f"the attribute {name}={value!r}: expected a finite number, a text, a truth value, None or a tuple"
        )


def is_plain(value: Any) -> bool:
    """Whether a value prints the same in every process, so that keys can hold it."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (bool, int, str))


def _tagged_items(values: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
    """The items in alphabetical order. Most values are whole numbers, which are their own tags."""
    items = tuple(sorted(values.items())) if len(values) > 1 else tuple(values.items())
    for _, value in items:
        if type(value) is not int:
            return tuple([(name, tagged(value)) for name, value in items])
    return items


def tagged(value: Any) -> object:
    """A plain value as memory is keyed by: 1, 1.0 and True are three, 0.0 and -0.0 two."""
    kind = type(value)
    if kind is int or kind is str or value is None or kind is Type:
        return value
    if kind is bool:
        return kind, value
    if kind is tuple:
        return kind, tuple(map(tagged, value))
    return kind, repr(value)


EMPTY = Environment({}, {})
