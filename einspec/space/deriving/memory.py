"""What activities keep of the data that they work on: data need not know who looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Remembering:
    """Data that holds what is made of it."""

    def remembered(self, make: Callable[[Self], T]) -> T:
        """``make(self)``, made once."""
        memory: dict[Callable[[Self], Any], Any] = self.__dict__.setdefault("_memory", {})
        if make not in memory:
            memory[make] = make(self)
        made: T = memory[make]
        return made
