"""Arguments of wrong kinds: a ``TypeError`` that names the argument, says what was found, and what is expected."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

Kinds = type | tuple[type, ...]


def expect(name: str, value: object, kinds: Kinds, expected: str) -> None:
    """Raises ``TypeError`` where a value is of none of these kinds."""
    if not isinstance(value, kinds):
        raise wrong(name, value, expected)


def expect_text(name: str, value: object, expected: str = "a text") -> None:
    """Raises ``TypeError`` for anything but a string."""
    expect(name, value, str, expected)


def expect_path(name: str, value: object, expected: str = "a path") -> None:
    """Raises ``TypeError`` for anything but a string or a path."""
    expect(name, value, (str, os.PathLike), expected)


def expect_function(name: str, value: object, expected: str) -> None:
    """Raises ``TypeError`` for what cannot be called."""
    if not callable(value):
        raise wrong(name, value, expected)


def expect_several(name: str, value: Any, expected: str) -> Iterable[Any]:
    """The value, where it can be gone through. Raises ``TypeError`` where it cannot."""
    expect(name, value, Iterable, expected)
    return value  # type: ignore[no-any-return]


def wrong(name: str, value: object, expected: str) -> TypeError:
    """The error for an argument of another kind."""
    return TypeError(f"{name}: expected {expected}, not {type(value).__name__}")
