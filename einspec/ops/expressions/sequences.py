"""Tuples and ranges of the texts of grammar files: made, taken apart and gone through, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from einspec.errors import ShapeError
from einspec.ops.control import Child, Misuse, is_value
from einspec.ops.expressions.bounds import DEEPEST_TUPLE, MOST_LEAVES, spend
from einspec.ops.expressions.wording import wanted


def _leaves(value: Any, depth: int) -> int:
    if not isinstance(value, tuple):
        return 1
    if depth > DEEPEST_TUPLE:
        raise Misuse(f"tuples nested deeper than {DEEPEST_TUPLE}", "put what belongs together into one")
    return sum(_leaves(part, depth + 1) for part in value)


def too_long() -> Misuse:
    """The error for a tuple that is too large."""
    return Misuse(f"a tuple of more than {MOST_LEAVES:,}, with what is in it", "no op takes that many")


def tupled(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A tuple that is not too large. Raises ``Misuse``."""
    if len(values) > MOST_LEAVES:
        raise too_long()
    for value in values:
        if isinstance(value, tuple):
            count = _leaves(values, 1)
            spend(count // 16)
            if count > MOST_LEAVES:
                raise too_long()
            break
    return values


def iterated(values: Any) -> Any:
    """What a loop runs over: a tuple or a range, or what a generator gives."""
    if isinstance(values, (tuple, range)):
        spend(len(values))
        return values
    if isinstance(values, Iterator):
        return values
    raise not_several(values)


def not_several(values: Any) -> Exception:
    """The error for what is neither a tuple nor a range."""
    if is_value(values):
        return ShapeError(f"several values are expected where there is one: {getattr(values, 'type', values)}")
    if isinstance(values, Child):
        try:
            iter(values)
        except ShapeError as error:
            return error
    return wanted("a tuple or a range", "a loop", values)


def collected(values: Any) -> tuple[Any, ...]:
    """The tuple of what a comprehension or an iterable gives."""
    found = tuple(islice(iterated(values), MOST_LEAVES + 1))
    return tupled(found)


def index(values: Any, place: Any) -> Any:
    """``values[place]``. Raises ``Misuse`` for a place that is not there."""
    if not isinstance(values, (tuple, range)):
        raise not_several(values)
    if type(place) is not int:
        raise wanted("a whole number", "an index", place)
    if not -len(values) <= place < len(values):
        raise Misuse(f"the index {place} of a tuple of {len(values)}", "ask for len(...) before, or refuse")
    return values[place]


def sliced(values: Any, start: Any, stop: Any, stride: Any) -> Any:
    """``values[start:stop:stride]``, a tuple."""
    if not isinstance(values, (tuple, range)):
        raise not_several(values)
    for place in (start, stop, stride):
        if place is not None and type(place) is not int:
            raise wanted("whole numbers", "a slice", place)
    if stride == 0:
        raise Misuse("a slice in steps of 0")
    return tuple(values[start:stop:stride])
