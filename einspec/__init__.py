"""einspec: a grammar file is a neural-architecture search space.

One Lark file with weights is sampler, parser, type checker and compiler at once. Start with :func:`load`.
Nothing heavy is imported until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from einspec.errors import CompileError as CompileError
from einspec.errors import EinspecError as EinspecError
from einspec.errors import GrammarError as GrammarError
from einspec.errors import ParseError as ParseError
from einspec.errors import SamplingError as SamplingError
from einspec.errors import ShapeError as ShapeError
from einspec.errors import StoreError as StoreError
from einspec.version import VERSION

if TYPE_CHECKING:
    from einspec import ops as ops
    from einspec import search as search
    from einspec import testing as testing
    from einspec.compiler.emit.emit import compile as compile
    from einspec.compiler.emit.export import export as export
    from einspec.compiler.emit.interpret import interpret as interpret
    from einspec.compiler.emit.transfer import transfer as transfer
    from einspec.compiler.identity.correspondence import correspondence as correspondence
    from einspec.compiler.identity.correspondence import isomorphic as isomorphic
    from einspec.compiler.simplify.rewriting import rewrite as rewrite
    from einspec.grammar.grammar import Grammar as Grammar
    from einspec.space import Architecture as Architecture
    from einspec.space import Derivation as Derivation
    from einspec.space import Estimate as Estimate
    from einspec.space import Limits as Limits
    from einspec.space import Space as Space
    from einspec.space import load as load
    from einspec.space import loads as loads
    from einspec.types import Axis as Axis
    from einspec.types import Type as Type

__version__ = VERSION

_HOMES = {
    "Architecture": "einspec.space",
    "Axis": "einspec.types",
    "Derivation": "einspec.space",
    "Estimate": "einspec.space",
    "Grammar": "einspec.grammar.grammar",
    "Limits": "einspec.space",
    "Space": "einspec.space",
    "Type": "einspec.types",
    "compile": "einspec.compiler.emit.emit",
    "correspondence": "einspec.compiler.identity.correspondence",
    "export": "einspec.compiler.emit.export",
    "interpret": "einspec.compiler.emit.interpret",
    "isomorphic": "einspec.compiler.identity.correspondence",
    "load": "einspec.space",
    "loads": "einspec.space",
    "rewrite": "einspec.compiler.simplify.rewriting",
    "transfer": "einspec.compiler.emit.transfer",
}
_MODULES = ("ops", "search", "testing")
__all__ = [
    "CompileError",
    "EinspecError",
    "GrammarError",
    "ParseError",
    "SamplingError",
    "ShapeError",
    "StoreError",
    "__version__",
    *_HOMES,
    *_MODULES,
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"einspec.{name}")
    raise AttributeError(f"module 'einspec' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
