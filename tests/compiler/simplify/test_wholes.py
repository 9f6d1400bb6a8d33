"""Each rule of identity alone: what it makes of a graph, and graphs that it must leave alone."""

from __future__ import annotations

import pytest

from einspec.compiler.graph.printing import format_graph
from einspec.compiler.graph.text import parse_graph
from einspec.compiler.graph.verify import verify
from einspec.compiler.simplify.rewriting import Fired
from einspec.compiler.simplify.rules import IDENTITY_RULES, RULES
from einspec.compiler.simplify.simplify import simplify
from tests.compiler.corpus import OPS
from tests.compiler.simplify.test_simplify import assert_equal_functions

BY_NAME = {rule.name: rule for rule in IDENTITY_RULES}

HELPED = {"join rows": "join ranges"}
"""Rules that say something only of what another has made."""

FIRES = [
    (
        "move before split",
        """
graph (4, 8) -> %1
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = permute('21') %0.1 : (4, 4)""",
        """
graph (4, 8) -> %1.1
  %0 = permute('21') %in : (8, 4)
  %1 = group(2, 1) %0 : 2 x (4, 4)""",
    ),
    (
        "move before split",
        """
graph (4, 8) -> %1
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = flatten %0.1 : (16,)""",
        """
graph (4, 8) -> %1.1
  %0 = flatten %in : (32,)
  %1 = group(2, 1) %0 : 2 x (16,)""",
    ),
    (
        "move before split",
        """
graph (4, 8) -> %1
  %0 = narrow(1, 1, 4) %in : (3, 8)
  %1 = rearrange('a (b c) -> (a b) c', 'c=2', '') %0 : ((3, 4), 2)""",
        """
graph (4, 8) -> %1
  %0 = rearrange('a (b c) -> (a b) c', 'c=2', '') %in : ((4, 4), 2)
  %1 = narrow(1, 4, 16) %0 : (12, 2)""",
    ),
    (
        "move before cat",
        """
graph 2 x (4, 8) -> %1
  %0 = cat(1) %in %in.1 : (8, 8)
  %1 = permute('21') %0 : (8, 8)""",
        """
graph 2 x (4, 8) -> %2
  %0 = permute('21') %in : (8, 4)
  %1 = permute('21') %in.1 : (8, 4)
  %2 = cat(2) %0 %1 : (8, 8)""",
    ),
    (
        "move before cat",
        """
graph 2 x (2, 2, 2) -> %1
  %0 = cat(1) %in %in.1 : (4, 2, 2)
  %1 = im2col(2, 2, 0) %0 : ((1, 1), 16)""",
        """
graph 2 x (2, 2, 2) -> %2
  %0 = im2col(2, 2, 0) %in : ((1, 1), 8)
  %1 = im2col(2, 2, 0) %in.1 : ((1, 1), 8)
  %2 = cat(2) %0 %1 : ((1, 1), 16)""",
    ),
    (
        "move as one",
        """
graph (2, 3, 4) -> %2
  %0 = permute('213') %in : (3, 2, 4)
  %1 = group(2, 2) %0 : 2 x (3, 1, 4)
  %2 = rearrange('a b c -> (b a) c', '', '') %1 : ((1, 3), 4)""",
        """
graph (2, 3, 4) -> %1
  %0 = group(2, 1) %in : 2 x (1, 3, 4)
  %1 = rearrange('1 a b -> a b', '', '') %0 : (3, 4)""",
    ),
    (
        "move as one",
        """
graph 2 x (2, 3, 4) -> %3
  %0 = permute('213') %in : (3, 2, 4)
  %1 = permute('213') %in.1 : (3, 2, 4)
  %2 = cat(1) %0 %1 : (6, 2, 4)
  %3 = rearrange('a b c -> (b a) c', '', '') %2 : ((2, 6), 4)""",
        """
graph 2 x (2, 3, 4) -> %1
  %0 = cat(2) %in %in.1 : (2, 6, 4)
  %1 = rearrange('a b c -> (a b) c', '', '') %0 : ((2, 6), 4)""",
    ),
    (
        "lift pixels",
        """
graph (4, 2, 2) -> %1
  %0 = leaky_relu(0.01) %in : (4, 2, 2)
  %1 = im2col(1, 1, 0) %0 : ((2, 2), 4)""",
        """
graph (4, 2, 2) -> %1
  %0 = im2col(1, 1, 0) %in : ((2, 2), 4)
  %1 = leaky_relu(0.01) %0 : ((2, 2), 4)""",
    ),
    (
        "lift pixels",
        """
graph 2 x (4, 8) -> %1
  %0 = add %in %in.1 : (4, 8)
  %1 = to_image(2, 2) %0 : (8, 2, 2)""",
        """
graph 2 x (4, 8) -> %2
  %0 = to_image(2, 2) %in : (8, 2, 2)
  %1 = to_image(2, 2) %in.1 : (8, 2, 2)
  %2 = add %0 %1 : (8, 2, 2)""",
    ),
    (
        "act before split",
        """
graph (4, 8) -> %1
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = leaky_relu(0.01) %0.1 : (4, 4)""",
        """
graph (4, 8) -> %1.1
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = group(2, 2) %0 : 2 x (4, 4)""",
    ),
    (
        "act before split",
        """
graph (4, 8) -> %2
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = group(2, 2) %0.1 : 2 x (2, 4)
  %2 = softmax %1 : (2, 4)""",
        """
graph (4, 8) -> %2.1
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = softmax %0 : (4, 4)
  %2 = group(2, 1) %1 : 2 x (2, 4)""",
    ),
    (
        "regroup",
        """
graph (4, 8) -> %1
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = cat(1) %0 %0.1 : (8, 4)""",
        """
graph (4, 8) -> %0
  %0 = rearrange('a (b c) -> (b a) c', 'c=4', '') %in : ((2, 4), 4)""",
    ),
    (
        "regroup",
        """
graph (2, 4, 2) -> %3
  %0 = group(2, 3) %in : 2 x (2, 4, 1)
  %1 = rearrange('a b 1 -> b a', '', '') %0 : (4, 2)
  %2 = rearrange('a b 1 -> b a', '', '') %0.1 : (4, 2)
  %3 = cat(2) %1 %2 : (4, 4)""",
        """
graph (2, 4, 2) -> %0
  %0 = rearrange('a b c -> b (c a)', '', '') %in : (4, (2, 2))""",
    ),
    (
        "act after cat",
        """
graph 2 x (4, 8) -> %2
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = leaky_relu(0.01) %in.1 : (4, 8)
  %2 = cat(2) %0 %1 : (4, 16)""",
        """
graph 2 x (4, 8) -> %1
  %0 = cat(2) %in %in.1 : (4, 16)
  %1 = leaky_relu(0.01) %0 : (4, 16)""",
    ),
    (
        "act after cat",
        """
graph 2 x (4, 8) -> %3
  %0 = softmax %in : (4, 8)
  %1 = softmax %in.1 : (4, 8)
  %2 = group(2, 1) %0 : 2 x (2, 8)
  %3 = cat(1) %1 %2 : (6, 8)""",
        """
graph 2 x (4, 8) -> %2
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = cat(1) %in.1 %0 : (6, 8)
  %2 = softmax %1 : (6, 8)""",
    ),
    (
        "act after cat",
        """
graph (4, 8) -> %2
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = zeros('(2, 8)') %in : (2, 8)
  %2 = cat(1) %1 %0 : (6, 8)""",
        """
graph (4, 8) -> %2
  %0 = zeros('(2, 8)') %in : (2, 8)
  %1 = cat(1) %0 %in : (6, 8)
  %2 = leaky_relu(0.01) %1 : (6, 8)""",
    ),
    (
        "common multiple",
        """
graph 2 x (4, 8) -> %2
  %0 = times(4) %in : (4, 8)
  %1 = times(6) %in.1 : (4, 8)
  %2 = cat(2) %0 %1 : (4, 16)""",
        """
graph 2 x (4, 8) -> %3
  %0 = times(2) %in : (4, 8)
  %1 = times(3) %in.1 : (4, 8)
  %2 = cat(2) %0 %1 : (4, 16)
  %3 = times(2) %2 : (4, 16)""",
    ),
    (
        "act along after cat",
        """
graph 2 x (2, 3, 4) -> %4
  %0 = softmax %in : (2, 3, 4)
  %1 = softmax %in.1 : (2, 3, 4)
  %2 = permute('312') %0 : (4, 2, 3)
  %3 = permute('312') %1 : (4, 2, 3)
  %4 = cat(2) %2 %3 : (4, 4, 3)""",
        """
graph 2 x (2, 3, 4) -> %2
  %0 = cat(1) %in %in.1 : (4, 3, 4)
  %1 = softmax %0 : (4, 3, 4)
  %2 = permute('312') %1 : (4, 4, 3)""",
    ),
    (
        "join pieces",
        """
graph 2 x (4, 8) -> %2
  %0 = cat(1) %in %in.1 : (8, 8)
  %1 = leaky_relu(0.01) %0 : (8, 8)
  %2 = cat(1) %1 %in : (12, 8)""",
        """
graph 2 x (4, 8) -> %2
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = leaky_relu(0.01) %in.1 : (4, 8)
  %2 = cat(1) %0 %1 %in : (12, 8)""",
    ),
    (
        "split pieces",
        """
graph 2 x (4, 8) -> %2.1
  %0 = cat(1) %in %in.1 : (8, 8)
  %1 = leaky_relu(0.01) %0 : (8, 8)
  %2 = group(2, 1) %1 : 2 x (4, 8)""",
        """
graph 2 x (4, 8) -> %2
  %0 = cat(1) %in %in.1 : (8, 8)
  %1 = group(2, 1) %0 : 2 x (4, 8)
  %2 = leaky_relu(0.01) %1.1 : (4, 8)""",
    ),
    (
        "split pieces",
        """
graph 2 x (4, 8) -> %2
  %0 = cat(1) %in %in.1 : (8, 8)
  %1 = flatten %0 : (64,)
  %2 = narrow(1, 32, 64) %1 : (32,)""",
        """
graph 2 x (4, 8) -> %2
  %0 = cat(1) %in %in.1 : (8, 8)
  %1 = narrow(1, 4, 8) %0 : (4, 8)
  %2 = flatten %1 : (32,)""",
    ),
    (
        "collect parts",
        """
graph (4, 8) -> %3
  %0 = times(3) %in : (4, 8)
  %1 = group(2, 1) %0 : 2 x (2, 8)
  %2 = group(2, 1) %in : 2 x (2, 8)
  %3 = add %1 %2 : (2, 8)""",
        """
graph (4, 8) -> %2
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = times(4) %0 : (2, 8)
  %2 = add %1 : (2, 8)""",
    ),
    (
        "multiply after",
        """
graph (4, 8) -> %1
  %0 = times(3) %in : (4, 8)
  %1 = leaky_relu(0.01) %0 : (4, 8)""",
        """
graph (4, 8) -> %1
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = times(3) %0 : (4, 8)""",
    ),
    (
        "multiply after",
        """
graph 2 x (4, 8) -> %3
  %0 = times(4) %in : (4, 8)
  %1 = times(6) %in.1 : (4, 8)
  %2 = add %0 %1 : (4, 8)
  %3 = leaky_relu(0.0) %2 : (4, 8)""",
        """
graph 2 x (4, 8) -> %4
  %0 = times(2) %in : (4, 8)
  %1 = times(3) %in.1 : (4, 8)
  %2 = add %0 %1 : (4, 8)
  %3 = leaky_relu(0.0) %2 : (4, 8)
  %4 = times(2) %3 : (4, 8)""",
    ),
    (
        "order splits",
        """
graph (4, 8) -> %1.1
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = group(2, 1) %0 : 2 x (2, 4)""",
        """
graph (4, 8) -> %1
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = group(2, 2) %0.1 : 2 x (2, 4)""",
    ),
    (
        "split of one",
        """
graph (4, 2, 3) -> %1.1
  %0 = rearrange('a b c -> c (b a)', '', '') %in : (3, (2, 4))
  %1 = group(2, 2) %0 : 2 x (3, 4)""",
        """
graph (4, 2, 3) -> %1.1
  %0 = im2col(1, 1, 0) %in : ((2, 3), 4)
  %1 = group(2, 1) %0 : 2 x (3, 4)""",
    ),
    (
        "order places",
        """
graph (2, 3, 4) -> %1.1
  %0 = rearrange('a b c -> (b a) c', '', '') %in : ((3, 2), 4)
  %1 = group(6, 1) %0 : 6 x (1, 4)""",
        """
graph (2, 3, 4) -> %1.3
  %0 = rearrange('a b c -> (a b) c', '', '') %in : ((2, 3), 4)
  %1 = group(6, 1) %0 : 6 x (1, 4)""",
    ),
    (
        "split after cat",
        """
graph 2 x (4, 8) -> %2
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = group(2, 2) %in.1 : 2 x (4, 4)
  %2 = cat(1) %0.1 %1.1 : (8, 4)""",
        """
graph 2 x (4, 8) -> %1.1
  %0 = cat(1) %in %in.1 : (8, 8)
  %1 = group(2, 2) %0 : 2 x (8, 4)""",
    ),
    (
        "join parts",
        """
graph 2 x (4, 8) -> %4
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = group(2, 2) %0 : 2 x (2, 4)
  %2 = group(2, 2) %0.1 : 2 x (2, 4)
  %3 = group(2, 2) %in.1 : 2 x (4, 4)
  %4 = cat(1) %1 %2 %3.1 : (8, 4)""",
        """
graph 2 x (4, 8) -> %2
  %0 = group(2, 2) %in.1 : 2 x (4, 4)
  %1 = group(2, 2) %in : 2 x (4, 4)
  %2 = cat(1) %1 %0.1 : (8, 4)""",
    ),
    (
        "join rows",
        """
graph (4, 8) -> %4
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = zeros('(2, 3)') %in : (2, 3)
  %2 = cat(2) %0 %1 : (2, 11)
  %3 = cat(2) %0.1 %1 : (2, 11)
  %4 = cat(1) %2 %3 : (4, 11)""",
        """
graph (4, 8) -> %1
  %0 = zeros('(4, 3)') %in : (4, 3)
  %1 = cat(2) %in %0 : (4, 11)""",
    ),
    (
        "order cats",
        """
graph 4 x (4, 8) -> %2
  %0 = cat(1) %in %in.1 : (8, 8)
  %1 = cat(1) %in.2 %in.3 : (8, 8)
  %2 = cat(2) %0 %1 : (8, 16)""",
        """
graph 4 x (4, 8) -> %2
  %0 = cat(2) %in %in.2 : (4, 16)
  %1 = cat(2) %in.1 %in.3 : (4, 16)
  %2 = cat(1) %0 %1 : (8, 16)""",
    ),
    (
        "move after from ranges",
        """
graph 2 x (2, 3, 4) -> %3
  %0 = permute('213') %in : (3, 2, 4)
  %1 = permute('213') %in.1 : (3, 2, 4)
  %2 = cat(2) %0 %1 : (3, 4, 4)
  %3 = linear(5) %2 : (3, 4, 5) [1:linear_1]""",
        """
graph 2 x (2, 3, 4) -> %2
  %0 = cat(1) %in %in.1 : (4, 3, 4)
  %1 = linear(5) %0 : (4, 3, 5) [1:linear_1]
  %2 = permute('213') %1 : (3, 4, 5)""",
    ),
    (
        "move after from ranges",
        """
graph (3, 2, 2) -> %1
  %0 = im2col(1, 1, 0) %in : ((2, 2), 3)
  %1 = linear(5) %0 : ((2, 2), 5) [1:linear_1]""",
        """
graph (3, 2, 2) -> %2
  %0 = permute('231') %in : (2, 2, 3)
  %1 = linear(5) %0 : (2, 2, 5) [1:linear_1]
  %2 = rearrange('a b c -> (a b) c', '', '') %1 : ((2, 2), 5)""",
    ),
    (
        "split of moves",
        """
graph (2, 1, 3) -> %1.1
  %0 = permute('213') %in : (1, 2, 3)
  %1 = group(2, 2) %0 : 2 x (1, 1, 3)""",
        """
graph (2, 1, 3) -> %0.1
  %0 = group(2, 1) %in : 2 x (1, 1, 3)""",
    ),
]

STAYS = [
    (  # of another axis than the outermost, whose range is no part
        "move before split",
        """
graph (4, 6) -> %1
  %0 = narrow(2, 0, 4) %in : (4, 4)
  %1 = flatten %0 : (16,)""",
    ),
    (  # of an axis that comes out within another
        "move before cat",
        """
graph 2 x (4, 6) -> %1
  %0 = cat(2) %in %in.1 : (4, 12)
  %1 = flatten %0 : (48,)""",
    ),
    (  # one of both is moved
        "move as one",
        """
graph (4, 4) -> %2
  %0 = permute('21') %in : (4, 4)
  %1 = cat(2) %0 %in : (4, 8)
  %2 = flatten %1 : (32,)""",
    ),
    (  # what looks at a row, and patches that overlap
        "lift pixels",
        """
graph (4, 2, 2) -> %1 %3
  %0 = softmax %in : (4, 2, 2)
  %1 = im2col(1, 1, 0) %0 : ((2, 2), 4)
  %2 = leaky_relu(0.01) %in : (4, 2, 2)
  %3 = im2col(3, 1, 1) %2 : ((2, 2), 36)""",
    ),
    (  # the axis itself is split, and weights
        "act before split",
        """
graph (4, 8) -> %1 %2
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = softmax %0 : (4, 4)
  %2 = linear(3) %0.1 : (4, 3) [2:linear_2]""",
    ),
    (  # in another order, or not all
        "regroup",
        """
graph (4, 8) -> %1 %3
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = cat(1) %0.1 %0 : (8, 4)
  %2 = group(4, 2) %in : 4 x (4, 2)
  %3 = cat(1) %2 %2.1 %2.2 : (12, 2)""",
    ),
    (  # another slope, the axis itself, weights
        "act after cat",
        """
graph (4, 8) -> %2 %4 %7
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = leaky_relu(0.02) %in : (4, 8)
  %2 = cat(1) %0 %1 : (8, 8)
  %3 = softmax %in : (4, 8)
  %4 = cat(2) %3 %3 : (4, 16)
  %5 = prelu %in : (4, 8) [5:prelu_5]
  %6 = prelu %in : (4, 8) [5:prelu_5]
  %7 = cat(1) %5 %6 : (8, 8)""",
    ),
    (  # zeros of what makes no zeros of them
        "act after cat",
        """
graph (4, 8) -> %2
  %0 = sigmoid %in : (4, 8)
  %1 = zeros('(2, 8)') %in : (2, 8)
  %2 = cat(1) %1 %0 : (6, 8)""",
    ),
    (  # nothing in common
        "common multiple",
        """
graph (4, 8) -> %2 %3
  %0 = times(2) %in : (4, 8)
  %1 = times(3) %in : (4, 8)
  %2 = cat(1) %0 %1 : (8, 8)
  %3 = cat(1) %0 %in : (8, 8)""",
    ),
    (  # the axis itself, or moved in two ways
        "act along after cat",
        """
graph (4, 4, 4) -> %2 %4
  %0 = softmax %in : (4, 4, 4)
  %1 = permute('312') %0 : (4, 4, 4)
  %2 = cat(1) %1 %1 : (8, 4, 4)
  %3 = permute('231') %0 : (4, 4, 4)
  %4 = cat(3) %1 %3 : (4, 4, 8)""",
    ),
    (  # pieces along another axis, and with weights
        "join pieces",
        """
graph (4, 4) -> %2 %4
  %0 = cat(1) %in %in : (8, 4)
  %1 = leaky_relu(0.01) %0 : (8, 4)
  %2 = cat(2) %1 %0 : (8, 8)
  %3 = prelu %0 : (8, 4) [4:prelu_4]
  %4 = cat(1) %3 %in : (12, 4)""",
    ),
    (  # pieces along another axis
        "split pieces",
        """
graph (4, 4) -> %2
  %0 = cat(1) %in %in : (8, 4)
  %1 = leaky_relu(0.01) %0 : (8, 4)
  %2 = group(2, 2) %1 : 2 x (8, 2)""",
    ),
    (  # other parts
        "collect parts",
        """
graph (4, 8) -> %3
  %0 = times(3) %in : (4, 8)
  %1 = group(2, 1) %0 : 2 x (2, 8)
  %2 = group(2, 1) %in : 2 x (2, 8)
  %3 = add %1 %2.1 : (2, 8)""",
    ),
    (  # of what is not homogeneous, or looks at a row
        "multiply after",
        """
graph (4, 8) -> %1 %2
  %0 = times(3) %in : (4, 8)
  %1 = sigmoid %0 : (4, 8)
  %2 = softmax %0 : (4, 8)""",
    ),
    (  # in their order
        "order splits",
        """
graph (4, 8) -> %1
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = group(2, 2) %0 : 2 x (2, 4)""",
    ),
    (  # what is moved within the part
        "split of moves",
        """
graph (4, 2, 3) -> %1
  %0 = permute('132') %in : (4, 3, 2)
  %1 = group(2, 1) %0 : 2 x (2, 3, 2)""",
    ),
    (  # two places, and one that stands well
        "split of one",
        """
graph (4, 2, 3) -> %1 %3
  %0 = rearrange('a b c -> c (b a)', '', '') %in : (3, (2, 4))
  %1 = group(4, 2) %0 : 4 x (3, 2)
  %2 = rearrange('a b c -> (b a) c', '', '') %in : ((2, 4), 3)
  %3 = group(2, 1) %2 : 2 x (4, 3)""",
    ),
    (  # a range that begins within a place
        "order places",
        """
graph (2, 3, 4) -> %1
  %0 = rearrange('a b (c d) -> (b a d c)', 'd=2', '') %in : ((3, 2, 4),)
  %1 = narrow(1, 5, 9) %0 : (4,)""",
    ),
    (  # a range that begins within a place
        "split of one",
        """
graph (4, 2, 3) -> %1
  %0 = rearrange('a b c -> c (b a)', '', '') %in : (3, (2, 4))
  %1 = narrow(2, 2, 6) %0 : (3, 4)""",
    ),
    (  # in their order, and several places
        "order places",
        """
graph (2, 3, 4) -> %1 %3
  %0 = rearrange('a b c -> (a b) c', '', '') %in : ((2, 3), 4)
  %1 = group(6, 1) %0 : 6 x (1, 4)
  %2 = rearrange('a b c -> (b a) c', '', '') %in : ((3, 2), 4)
  %3 = group(2, 1) %2 : 2 x (3, 4)""",
    ),
    (  # other ranges, and the axis itself
        "split after cat",
        """
graph 2 x (4, 8) -> %2 %3
  %0 = group(2, 2) %in : 2 x (4, 4)
  %1 = group(2, 2) %in.1 : 2 x (4, 4)
  %2 = cat(1) %0 %1.1 : (8, 4)
  %3 = cat(2) %0 %1 : (4, 8)""",
    ),
    (  # not one after the other, or of two tensors
        "join parts",
        """
graph 2 x (4, 8) -> %5
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = group(2, 1) %in.1 : 2 x (2, 8)
  %2 = group(2, 2) %0 : 2 x (2, 4)
  %3 = group(2, 2) %0.1 : 2 x (2, 4)
  %4 = group(2, 2) %1.1 : 2 x (2, 4)
  %5 = cat(1) %3 %2 %4.1 : (6, 4)""",
    ),
    (  # a column of two tensors
        "join rows",
        """
graph 2 x (4, 8) -> %4
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = group(2, 1) %in.1 : 2 x (2, 8)
  %2 = cat(2) %0 %1 : (2, 16)
  %3 = cat(2) %0.1 %1 : (2, 16)
  %4 = cat(1) %2 %3 : (4, 16)""",
    ),
    (  # of other sizes
        "order cats",
        """
graph (4, 8) and (4, 8) and (2, 8) and (2, 8) -> %2
  %0 = cat(1) %in %in.2 : (6, 8)
  %1 = cat(1) %in.3 %in.1 : (6, 8)
  %2 = cat(2) %0 %1 : (6, 16)""",
    ),
    (  # the axis itself is made of two, and what keeps statistics at another rank
        "move after from ranges",
        """
graph (3, 2, 2) -> %1 %3
  %0 = rearrange('a b c -> a (b c)', '', '') %in : (3, (2, 2))
  %1 = linear(5) %0 : (3, 5) [1:linear_1]
  %2 = rearrange('a b c -> a (b c)', '', sequence) %in : (3, (2, 2)) sequence
  %3 = batch_norm %2 : (3, (2, 2)) sequence [3:norm_3]""",
    ),
]


@pytest.mark.parametrize(("name", "text", "expected"), FIRES)
def test_what_a_rule_makes(name, text, expected):
    graph = parse_graph(text.strip(), OPS)
    trace: list[Fired] = []
    rules = [BY_NAME[wanted] for wanted in (name, HELPED.get(name)) if wanted is not None]
    found = simplify(graph, rules=rules, trace=trace)
    verify(found)
    assert format_graph(found) == expected.strip()
    assert name in {step.rule for step in trace}
    assert_equal_functions(graph, found)


@pytest.mark.parametrize(("name", "text"), STAYS)
def test_what_a_rule_leaves_alone(name, text):
    trace: list[Fired] = []
    assert format_graph(simplify(parse_graph(text.strip(), OPS), rules=[BY_NAME[name]], trace=trace)) == text.strip()
    assert name not in {step.rule for step in trace}


def chain(first: int, source: str, length: int, kind: str) -> list[str]:
    """Lines of activations one after the other."""
    ops = ("leaky_relu(0.01)", "tanh")
    return [f"  %{first + i} = {ops[i % 2]} %{first + i - 1 if i else source} : {kind}" for i in range(length)]


LONG = 2_000


def test_long_chains_are_passed_without_recursion():
    """Found on reading: rules fired inside each other once for each op of a chain, and walks recursed."""
    lines = [*chain(0, "in", LONG, "(4, 8)"), *chain(LONG, "in.1", LONG, "(4, 8)")]
    text = f"graph 2 x (4, 8) -> %{2 * LONG}\n" + "\n".join(lines)
    graph = simplify(
        parse_graph(f"{text}\n  %{2 * LONG} = cat(1) %{LONG - 1} %{2 * LONG - 1} : (8, 8)"), rules=IDENTITY_RULES
    )
    assert [node.text() for node in graph.nodes] == ["cat(1)", *["leaky_relu(0.01)", "tanh"] * (LONG // 2)]

    lines = ["  %0 = cat(1) %in %in.1 : (8, 8)", *chain(1, "0", LONG, "(8, 8)")]
    text = f"graph 2 x (4, 8) -> %{LONG + 1}\n" + "\n".join(lines)
    graph = simplify(parse_graph(f"{text}\n  %{LONG + 1} = narrow(1, 0, 4) %{LONG} : (4, 8)"), rules=IDENTITY_RULES)
    assert [node.text() for node in graph.nodes] == ["leaky_relu(0.01)", "tanh"] * (LONG // 2)


def test_every_rule_has_a_test_of_both_kinds():
    names = set(BY_NAME) - {rule.name for rule in RULES}
    assert {name for name, *_ in FIRES} == {name for name, _ in STAYS} == names
    assert all(rule.equation and rule.condition for rule in IDENTITY_RULES)
