"""Norms besides batch norm and layer norm."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import primitive
from einspec.ops.library.tensor import require_float
from einspec.types import Type

nn: Any = LazyModule("torch.nn")


def _channels_first(x: Type) -> None:
    require_float(x)
    if x.layout not in ("image", "sequence"):
        raise ShapeError("it has its channels first: an image or a sequence")


@primitive(
    torch=lambda x, groups: nn.GroupNorm(groups, x.channels),
    params=lambda x, groups: {"weight": (x.channels,), "bias": (x.channels,)},
    owns_parameters=True,
)
def group_norm(x: Type, groups: int) -> Type:
    """Group norm (Wu and He 2018): over a group of channels and all places, of an image or a sequence."""
    _channels_first(x)
    if groups < 1 or x.channels % groups:
        raise ShapeError("{} groups do not divide {} channels", groups, x.channels)
    if x.elements == groups:
        raise ShapeError("each group has one number, whose deviation is none")
    return x


@primitive(torch=lambda x: (nn.InstanceNorm2d if x.rank == 3 else nn.InstanceNorm1d)(x.channels))
def instance_norm(x: Type) -> Type:
    """Instance norm (Ulyanov et al. 2016): over the places of each channel; no weights."""
    _channels_first(x)
    if x.elements == x.channels:
        raise ShapeError("each channel has one number, whose deviation is none")
    return x


@primitive(
    torch=lambda x: nn.RMSNorm(x.axes[-1].size),
    params=lambda x: {"weight": (x.axes[-1].size,)},
    owns_parameters=True,
    along="last",
)
def rms_norm(x: Type) -> Type:
    """The last axis over its root mean square, times a learned number each (Zhang and Sennrich 2019)."""
    require_float(x)
    return x
