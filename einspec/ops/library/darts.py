"""DARTS (Liu et al., ICLR 2019): the operations, the cells, and the CIFAR-10 skeleton around them.

The attribute ``stride`` is 2 on the edges of a reduction cell that come from its inputs, else 1.
"""

from __future__ import annotations

from einspec.errors import ShapeError
from einspec.ops.declare import combinator
from einspec.ops.library.image import conv2d, factorized_reduce, relu_conv_norm
from einspec.ops.library.merge import add, cat
from einspec.ops.library.tensor import batch_norm, leaky_relu

LAYERS = 20
CHANNELS = 36


def _separable(x, kernel: int, stride: int, dilation: int):
    """ReLU, depthwise convolution, pointwise convolution, batch norm."""
    channels = x.axes[0].size
    padding = dilation * (kernel - 1) // 2
    x = conv2d(leaky_relu(x, 0.0), channels, kernel, stride, padding, dilation, channels)
    return batch_norm(conv2d(x, channels, 1))


@combinator
def sep_conv_3x3(x, *, stride=1):
    """Two separable 3x3 convolutions; the first may halve."""
    return _separable(_separable(x, 3, stride, 1), 3, 1, 1)


@combinator
def sep_conv_5x5(x, *, stride=1):
    """Two separable 5x5 convolutions; the first may halve."""
    return _separable(_separable(x, 5, stride, 1), 5, 1, 1)


@combinator
def dil_conv_3x3(x, *, stride=1):
    """One separable 3x3 convolution of dilation 2."""
    return _separable(x, 3, stride, 2)


@combinator
def dil_conv_5x5(x, *, stride=1):
    """One separable 5x5 convolution of dilation 2."""
    return _separable(x, 5, stride, 2)


@combinator
def darts_node(*states, first, first_from: int, second, second_from: int, reduction=False):
    """The sum of two operations on two of the states: the cell's inputs (0, 1) and its nodes so far (2, ...)."""

    def edge(operation, source: int):
        if not 0 <= source < len(states):
            raise ShapeError(f"state {source} is not there: the node sees {len(states)}")
        return operation(states[source], stride=2 if reduction and source < 2 else 1)

    return add(edge(first, first_from), edge(second, second_from))


@combinator(inputs=2)
def darts_cell(previous, x, node2, node3, node4, node5):
    """Four nodes, each over all states before it; the output is their concatenation."""
    states = [previous, x]
    for node in (node2, node3, node4, node5):
        states.append(node(*states))
    return cat(*states[2:], axis=1)


@combinator
def darts(x, normal, reduce):
    """Stem and 20 cells of 36 channels; the cells at one and two thirds halve the image and double the width."""
    width = CHANNELS
    before = x = batch_norm(conv2d(x, 3 * width, 3, padding=1))
    halved = False
    for layer in range(LAYERS):
        halve = layer in (LAYERS // 3, 2 * LAYERS // 3)
        width *= 2 if halve else 1
        old = factorized_reduce(before, width) if halved else relu_conv_norm(before, width, 1, 1)
        cell = reduce if halve else normal
        before, x = x, cell(old, relu_conv_norm(x, width, 1, 1), reduction=halve)
        halved = halve
    return x
