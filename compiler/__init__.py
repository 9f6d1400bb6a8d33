"""The compiler: architecture -> graph -> simplified -> identity and costs, and fused -> torch modules.

Only ``emit`` imports torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from einspec.compiler.emit.emit import compile as compile
    from einspec.compiler.emit.export import export as export
    from einspec.compiler.emit.interpret import interpret as interpret
    from einspec.compiler.emit.transfer import transfer as transfer
    from einspec.compiler.graph.text import parse_graph as parse_graph
    from einspec.compiler.identity.correspondence import correspondence as correspondence
    from einspec.compiler.identity.correspondence import isomorphic as isomorphic
    from einspec.compiler.simplify.rewriting import rewrite as rewrite

_HOMES = {
    "compile": "einspec.compiler.emit.emit",
    "correspondence": "einspec.compiler.identity.correspondence",
    "export": "einspec.compiler.emit.export",
    "interpret": "einspec.compiler.emit.interpret",
    "isomorphic": "einspec.compiler.identity.correspondence",
    "parse_graph": "einspec.compiler.graph.text",
    "rewrite": "einspec.compiler.simplify.rewriting",
    "transfer": "einspec.compiler.emit.transfer",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'einspec.compiler' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
