"""The ops that a space's productions can name: the library's and the user's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from einspec.errors import GrammarError
from einspec.ops.declare import Combinator, Op, Primitive


@cache
def library_ops() -> Mapping[str, Op]:
    """The library's ops by name."""
    from einspec.ops.library import MODULES

    ops: dict[str, Op] = {}
    for module in MODULES:
        _include(ops, _own_ops(module))
    return ops


def collect_ops(own: Any) -> dict[str, Op]:
    """The library's ops and those of ``own``: a module, a mapping, an op, or an iterable of all these.

    Raises ``GrammarError`` when two different ops have one name, ``TypeError`` for anything else.
    """
    ops = dict(library_ops())
    _include(ops, _ops_in(own))
    return ops


def own_ops(own: Any) -> tuple[Op, ...]:
    """Those of ``own`` that are not the library's. Raises as :func:`collect_ops`."""
    return tuple(op for name, op in collect_ops(own).items() if library_ops().get(name) is not op)


def _ops_in(own: Any) -> Iterable[Op]:
    if own is None:
        return []
    if isinstance(own, (Primitive, Combinator)):
        return [own]
    if isinstance(own, ModuleType):
        return _own_ops(own)
    if isinstance(own, Mapping):
        return _ops_in(list(own.values()))
    if isinstance(own, Iterable) and not isinstance(own, str):
        return [op for item in own for op in _ops_in(item)]
    raise TypeError(f"ops={own!r}: expected a module, an op, or several of them")


def _own_ops(module: ModuleType) -> list[Op]:
    """Ops among a module's names, however often they are named there."""
    return [op for op in vars(module).values() if isinstance(op, (Primitive, Combinator))]


def _include(ops: dict[str, Op], more: Iterable[Op]) -> None:
    for op in more:
        known = ops.setdefault(op.name, op)
        if known is not op:
            raise GrammarError(
                f"the op {op.name!r} is declared twice: in {known.__module__} and in {op.__module__}; "
                "declare the second under another name, with name=..."
            )
