"""Recurrences over the rows of a matrix: gated linear ones as a scan, LSTM and GRU."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import primitive
from einspec.ops.library.merge import check_alike, merged
from einspec.ops.library.tensor import require_float
from einspec.types import Type, interned

modules: Any = LazyModule("einspec.compiler.emit.modules")


@primitive(torch=lambda a, b: modules.LinearRecurrence())
def linear_recurrence(a: Type, b: Type) -> Type:
    """h with h[t] = a[t] h[t - 1] + b[t], row by row from zeros: (..., l, d) and (..., l, d) -> (..., l, d).

    As a parallel scan (Blelloch 1990): about log2(l) products of whole tensors.
    """
    require_float(a)
    check_alike((a, b))
    if a.rank < 2 or a.layout not in ("matrix", "tensor"):
        raise ShapeError("its last axes are rows and what is in them: (..., l, d)")
    return interned(merged((a, b), 0, None), a.dtype, a.layout)


def _recurrent(x: Type, width: int) -> Type:
    require_float(x)
    if x.layout != "matrix":
        raise ShapeError("a recurrence goes over the rows of a matrix (s, d)")
    return x.with_axis(1, width)


def _shapes(gates: int) -> Any:
    return lambda x, width: {
        "weight_ih_l0": (gates * width, x.sizes[1]),
        "weight_hh_l0": (gates * width, width),
        "bias_ih_l0": (gates * width,),
        "bias_hh_l0": (gates * width,),
    }


@primitive(
    torch=lambda x, width: modules.LSTMRows(x.sizes[1], width),
    params=_shapes(4),
    macs=lambda x, width: 4 * x.sizes[0] * width * (x.sizes[1] + width),
    owns_parameters=True,
)
def lstm(x: Type, width: int) -> Type:
    """The states of an LSTM, row by row: (l, d) -> (l, width) (Hochreiter and Schmidhuber 1997)."""
    return _recurrent(x, width)


@primitive(
    torch=lambda x, width: modules.GRURows(x.sizes[1], width),
    params=_shapes(3),
    macs=lambda x, width: 3 * x.sizes[0] * width * (x.sizes[1] + width),
    owns_parameters=True,
)
def gru(x: Type, width: int) -> Type:
    """The states of a GRU, row by row: (l, d) -> (l, width) (Cho et al. 2014)."""
    return _recurrent(x, width)
