"""Tools for tests of spaces and of ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from einspec.testing.laws import LawError as LawError
    from einspec.testing.laws import check_laws as check_laws

_LAWS = ("LawError", "check_laws")


def __getattr__(name: str) -> object:
    if name in _LAWS:
        from einspec.testing import laws

        return getattr(laws, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
