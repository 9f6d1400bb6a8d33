"""Primitives that are two behind one name: ``linear(x, 16, bias=False)`` is another one than ``linear(x, 16)``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from einspec.ops.control import Misuse
from einspec.ops.declare import Primitive
from einspec.ops.signature import Argument, Signature


class WithTwin(Primitive):
    """A primitive that is called with one argument more; where that is not what it is by default, its twin is meant.

    The compiler knows many forms of these ops, none of which has that argument. The twin takes it if it is no truth
    value.
    """

    flag: Argument | None = None
    plain: Signature
    twin: Primitive

    def set_twin(self, twin: Primitive, flag: str, default: bool | int) -> None:
        """Adds the argument. Both primitives are complete only then."""
        self.flag = Argument(flag, type(default).__name__, default=default)
        self.twin = twin
        own = self.plain = self.signature
        self.signature = replace(own, arguments=(*own.arguments, self.flag), order=(*own.order, flag))

    @property
    def own_signature(self) -> Signature:
        """Without the argument that tells the twins apart."""
        return self.plain if self.flag is not None else self.signature

    def settled(self, args: tuple[Any, ...]) -> tuple[Primitive, tuple[Any, ...]]:
        """Itself or its twin, by the last argument."""
        assert self.flag is not None
        *own, value = args
        if value == self.flag.default:
            return self, tuple(own)
        return self.twin, tuple(own) if isinstance(value, bool) else args

    def __call__(self, *values: Any, **keywords: Any) -> Any:
        """Applies the op, or its twin."""
        assert self.takes is not None
        assert self.flag is not None
        name = self.flag.name
        if len(values) == self.takes + len(self.signature.arguments) and name not in keywords:
            values, keywords = values[:-1], {**keywords, name: values[-1]}
        if name not in keywords:
            return super().__call__(*values, **keywords)
        try:
            value = self.flag.exact(keywords.pop(name))
        except ValueError as error:
            raise Misuse(f"{self.name} {error}") from None
        if value == self.flag.default:
            return super().__call__(*values, **keywords)
        return self.twin(*values, **keywords, **({} if isinstance(value, bool) else {name: value}))
