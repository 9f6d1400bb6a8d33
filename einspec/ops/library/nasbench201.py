"""NAS-Bench-201 (Dong and Yang, ICLR 2020): the operations, the cell, and the skeleton around it."""

from __future__ import annotations

from einspec.ops.declare import combinator
from einspec.ops.library.image import avgpool, conv2d, relu_conv_norm
from einspec.ops.library.merge import add
from einspec.ops.library.tensor import batch_norm, leaky_relu, zeros_like


@combinator
def none(x):
    """No edge: zeros of the input's shape."""
    return zeros_like(x)


@combinator
def nor_conv_1x1(x):
    """ReLU, 1x1 convolution, batch norm."""
    return relu_conv_norm(x, x.axes[0].size, 1, 1)


@combinator
def nor_conv_3x3(x):
    """ReLU, 3x3 convolution, batch norm."""
    return relu_conv_norm(x, x.axes[0].size, 3, 1)


@combinator
def nb201_cell(x, e1, e2, e3, e4, e5, e6):
    """Four nodes, an operation on each of the six edges; a node is the sum of what arrives."""
    n1 = e1(x)
    n2 = add(e2(x), e3(n1))
    return add(e4(x), e5(n1), e6(n2))


@combinator
def nasbench201(x, cell):
    """Stem, five cells at 16, 32 and 64 channels with a residual block before the last two stages."""
    x = batch_norm(conv2d(x, 16, 3, padding=1))
    for width in (16, 32, 64):
        if width > 16:
            x = _halve(x, width)
        for _ in range(5):
            x = cell(x)
    return leaky_relu(batch_norm(x), 0.0)


def _halve(x, width: int):
    """The residual block of stride 2 between two stages: (c, h, w) -> (width, h / 2, w / 2)."""
    deep = relu_conv_norm(relu_conv_norm(x, width, 3, 2), width, 3, 1)
    return add(conv2d(avgpool(x, 2, 2, 0), width, 1), deep)
