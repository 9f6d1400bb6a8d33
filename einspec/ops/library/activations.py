"""Activations: functions of one number, applied at every place. Names and defaults are torch's."""

from __future__ import annotations

from typing import Any

from einspec.errors import ShapeError
from einspec.lazy import LazyModule
from einspec.ops.declare import primitive
from einspec.ops.library.tensor import require_float
from einspec.types import Type

nn: Any = LazyModule("torch.nn")


@primitive(torch=lambda x, approximate: nn.GELU(approximate), pointwise=True, zero="zeros")
def gelu(x: Type, approximate: str = "none") -> Type:
    """x times the normal distribution function of x (Hendrycks and Gimpel 2016); ``tanh`` approximates it."""
    require_float(x)
    if approximate not in ("none", "tanh"):
        raise ShapeError("{} is no approximation: none or tanh", approximate)
    return x


@primitive(torch=lambda x: nn.SiLU(), pointwise=True, zero="zeros")
def silu(x: Type) -> Type:
    """x sigmoid(x), also called swish."""
    require_float(x)
    return x


@primitive(torch=lambda x: nn.Hardswish(), pointwise=True, zero="zeros")
def hardswish(x: Type) -> Type:
    """x min(max(x + 3, 0), 6) / 6 (MobileNetV3, Howard et al. 2019)."""
    require_float(x)
    return x


@primitive(torch=lambda x: nn.Sigmoid(), pointwise=True, nonnegative=True)
def sigmoid(x: Type) -> Type:
    """1 / (1 + exp(-x))."""
    require_float(x)
    return x


@primitive(torch=lambda x: nn.Hardsigmoid(), pointwise=True, nonnegative=True)
def hardsigmoid(x: Type) -> Type:
    """min(max(x + 3, 0), 6) / 6."""
    require_float(x)
    return x


@primitive(torch=lambda x: nn.Tanh(), pointwise=True, zero="zeros")
def tanh(x: Type) -> Type:
    """The hyperbolic tangent."""
    require_float(x)
    return x


@primitive(torch=lambda x: nn.Softplus(), pointwise=True, nonnegative=True)
def softplus(x: Type) -> Type:
    """log(1 + exp(x))."""
    require_float(x)
    return x


@primitive(torch=lambda x, alpha: nn.ELU(alpha), pointwise=True, zero="zeros")
def elu(x: Type, alpha: float = 1.0) -> Type:
    """x above 0, alpha (exp(x) - 1) below."""
    require_float(x)
    return x


@primitive(torch=lambda x: nn.ReLU6(), pointwise=True, zero="zeros", nonnegative=True)
def relu6(x: Type) -> Type:
    """min(max(x, 0), 6)."""
    require_float(x)
    return x


@primitive(torch=lambda x: nn.PReLU(), params=lambda x: {"weight": (1,)}, owns_parameters=True, zero="zeros")
def prelu(x: Type) -> Type:
    """x above 0, a learned factor times x below; one factor for all channels, 0.25 at first."""
    require_float(x)
    return x
