"""Tools for tests of spaces and of ops."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from einspec.testing.laws import LawError as LawError
    from einspec.testing.laws import check_laws as check_laws
    from einspec.testing.modules import ModuleError as ModuleError
    from einspec.testing.modules import check_modules as check_modules
    from einspec.testing.strategies import architectures as architectures

_HOMES = {
    "LawError": "laws",
    "ModuleError": "modules",
    "architectures": "strategies",
    "check_laws": "laws",
    "check_modules": "modules",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        try:
            module = importlib.import_module(f"einspec.testing.{_HOMES[name]}")
        except ModuleNotFoundError as error:
            if error.name != "hypothesis":
                raise
            raise ImportError("einspec.testing.architectures needs hypothesis: pip install 'einspec[test]'") from None
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
