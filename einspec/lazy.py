"""Modules that are imported when they are first used, so that light commands stay light."""

from __future__ import annotations

import importlib
from types import ModuleType


class LazyModule(ModuleType):
    """Stands for a module until an attribute of it is asked for."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # inspection of the stand-in (doctest, copy) must not import the module
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)
