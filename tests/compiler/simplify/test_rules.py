"""Each rule of simplification by itself: what it makes of a graph, and graphs that it must leave alone."""

from __future__ import annotations

import pytest

from einspec import CompileError
from einspec.compiler.graph.graph import Slot
from einspec.compiler.graph.printing import format_graph
from einspec.compiler.graph.text import parse_graph
from einspec.compiler.simplify.rewriting import Fired, Rule
from einspec.compiler.simplify.rules import RULES
from einspec.compiler.simplify.simplify import simplify
from tests.compiler.corpus import OPS
from tests.compiler.ops import beside, extremes, halves, scale, thirds, turn, two_by_eight
from tests.compiler.simplify.test_simplify import assert_equal_functions

ALL_OPS = OPS | {op.name: op for op in (scale, extremes, halves, beside, thirds, turn, two_by_eight)}
BY_NAME = {rule.name: rule for rule in RULES}

FIRES = [
    (
        "rehang zeros",
        """
graph (4, 8) -> %1
  %0 = linear(8) %in : (4, 8) [1:linear_1]
  %1 = zeros('(2, 2)') %0 : (2, 2)""",
        """
graph (4, 8) -> %0
  %0 = zeros('(2, 2)') %in : (2, 2)""",
    ),
    (
        "rehang zeros",
        """
graph 2 x (4, 8) -> %0
  %0 = zeros('(2, 2)') %in.1 : (2, 2)""",
        """
graph 2 x (4, 8) -> %0
  %0 = zeros('(2, 2)') %in : (2, 2)""",
    ),
    (
        "absorb zeros",
        """
graph (3, 8, 8) -> %1
  %0 = zeros('(3, 8, 8)') %in : (3, 8, 8)
  %1 = conv2d(4, 3, 2, 1, 1, 1, False) %0 : (4, 4, 4) [1:conv_1]""",
        """
graph (3, 8, 8) -> %0
  %0 = zeros('(4, 4, 4)') %in : (4, 4, 4)""",
    ),
    (
        "absorb zeros",
        """
graph (4, 8) -> %1
  %0 = zeros('(8, 2)') %in : (8, 2)
  %1 = dot %in %0 : (4, 2)""",
        """
graph (4, 8) -> %0
  %0 = zeros('(4, 2)') %in : (4, 2)""",
    ),
    (
        "absorb zeros",
        """
graph (4, 8) -> %1 %1.1
  %0 = zeros('(4, 8)') %in : (4, 8)
  %1 = group(2, 2) %0 : 2 x (4, 4)""",
        """
graph (4, 8) -> %0 %0
  %0 = zeros('(4, 4)') %in : (4, 4)""",
    ),
    (
        "forget",
        """
graph (4, 1) -> %1
  %0 = linear(1) %in : (4, 1) [1:linear_1]
  %1 = softmax %0 : (4, 1)""",
        """
graph (4, 1) -> %1
  %0 = zeros('(4, 1)') %in : (4, 1)
  %1 = softmax %0 : (4, 1)""",
    ),
    (
        "drop zeros",
        """
graph (4, 8) -> %2
  %0 = zeros('(4, 8)') %in : (4, 8)
  %1 = softmax %in : (4, 8)
  %2 = add %0 %in %0 %1 : (4, 8)""",
        """
graph (4, 8) -> %1
  %0 = softmax %in : (4, 8)
  %1 = add %in %0 : (4, 8)""",
    ),
    (
        "drop zeros",
        """
graph (4, 8) -> %1
  %0 = zeros('(4, 8)') %in : (4, 8)
  %1 = add %0 %0 : (4, 8)""",
        """
graph (4, 8) -> %1
  %0 = zeros('(4, 8)') %in : (4, 8)
  %1 = add %0 : (4, 8)""",
    ),
    (
        "single input",
        """
graph (4, 8) -> %2
  %0 = softmax %in : (4, 8)
  %1 = add %0 : (4, 8)
  %2 = cat(1) %1 : (4, 8)""",
        """
graph (4, 8) -> %0
  %0 = softmax %in : (4, 8)""",
    ),
    (
        "flatten",
        """
graph (4, 8) -> %2
  %0 = softmax %in : (4, 8)
  %1 = add %0 %in : (4, 8)
  %2 = add %in %1 %0 : (4, 8)""",
        """
graph (4, 8) -> %1
  %0 = softmax %in : (4, 8)
  %1 = add %in %0 %in %0 : (4, 8)""",
    ),
    (
        "flatten",
        """
graph (4, 8) -> %2
  %0 = softmax %in : (4, 8)
  %1 = cat(1) %0 %in : (8, 8)
  %2 = cat(1) %in %1 : (12, 8)""",
        """
graph (4, 8) -> %1
  %0 = softmax %in : (4, 8)
  %1 = cat(1) %in %0 %in : (12, 8)""",
    ),
    (
        "collect",
        """
graph (4, 8) -> %2
  %0 = softmax %in : (4, 8)
  %1 = times(2) %0 : (4, 8)
  %2 = add %in %1 %0 %in %0 : (4, 8)""",
        """
graph (4, 8) -> %3
  %0 = softmax %in : (4, 8)
  %1 = times(2) %in : (4, 8)
  %2 = times(4) %0 : (4, 8)
  %3 = add %1 %2 : (4, 8)""",
    ),
    (
        "multiply out",
        """
graph (4, 8) -> %1
  %0 = times(2) %in : (4, 8)
  %1 = times(3) %0 : (4, 8)""",
        """
graph (4, 8) -> %0
  %0 = times(6) %in : (4, 8)""",
    ),
    (
        "multiply out",
        """
graph (4, 8) -> %2
  %0 = softmax %in : (4, 8)
  %1 = add %0 %in : (4, 8)
  %2 = times(3) %1 : (4, 8)""",
        """
graph (4, 8) -> %3
  %0 = softmax %in : (4, 8)
  %1 = times(3) %0 : (4, 8)
  %2 = times(3) %in : (4, 8)
  %3 = add %1 %2 : (4, 8)""",
    ),
    (
        "multiply out",
        """
graph (4, 8) -> %1
  %0 = softmax %in : (4, 8)
  %1 = times(1) %0 : (4, 8)""",
        """
graph (4, 8) -> %0
  %0 = softmax %in : (4, 8)""",
    ),
    (
        "compose permutations",
        """
graph (2, 3, 4) -> %1
  %0 = permute('312') %in : (4, 2, 3)
  %1 = permute('213') %0 : (2, 4, 3)""",
        """
graph (2, 3, 4) -> %0
  %0 = permute('132') %in : (2, 4, 3)""",
    ),
    (
        "compose permutations",
        """
graph (2, 3, 4) -> %1
  %0 = permute('231') %in : (3, 4, 2)
  %1 = permute('312') %0 : (2, 3, 4)""",
        "graph (2, 3, 4) -> %in",
    ),
    ("compose permutations", "graph (2, 3) -> %0\n  %0 = permute('12') %in : (2, 3)", "graph (2, 3) -> %in"),
    (
        "lift permutation",
        """
graph (4, 8) -> %2
  %0 = softmax %in : (4, 8)
  %1 = add %0 %in : (4, 8)
  %2 = permute('21') %1 : (8, 4)""",
        """
graph (4, 8) -> %3
  %0 = softmax %in : (4, 8)
  %1 = permute('21') %0 : (8, 4)
  %2 = permute('21') %in : (8, 4)
  %3 = add %1 %2 : (8, 4)""",
    ),
    (
        "lift permutation",
        """
graph (4, 8) -> %2 %1
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = times(3) %0 : (4, 8)
  %2 = permute('21') %1 : (8, 4)""",
        """
graph (4, 8) -> %4 %1
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = times(3) %0 : (4, 8)
  %2 = permute('21') %in : (8, 4)
  %3 = leaky_relu(0.01) %2 : (8, 4)
  %4 = times(3) %3 : (8, 4)""",
    ),
    (
        "join ranges",
        """
graph (4, 8) -> %2
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = softmax %0 : (2, 8)
  %2 = cat(1) %1 %0 %0.1 %0 %0 %0.1 : (12, 8)""",
        """
graph (4, 8) -> %2
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = softmax %0 : (2, 8)
  %2 = cat(1) %1 %in %0 %in : (12, 8)""",
    ),
    (
        "split",
        """
graph (4, 8) -> %2 %2.1
  %0 = softmax %in : (4, 8)
  %1 = cat(1) %in %0 %0 %in : (16, 8)
  %2 = group(2, 1) %1 : 2 x (8, 8)""",
        """
graph (4, 8) -> %1 %2
  %0 = softmax %in : (4, 8)
  %1 = cat(1) %in %0 : (8, 8)
  %2 = cat(1) %0 %in : (8, 8)""",
    ),
    (  # parts of x and of y, a range that is no equal part, and a run of inputs
        "split",
        """
graph (4, 8) and (2, 8) -> %1 %1.1 %1.2 %3.1
  %0 = cat(1) %in %in.1 : (6, 8)
  %1 = group(3, 1) %0 : 3 x (2, 8)
  %2 = cat(1) %in %in.1 %in : (10, 8)
  %3 = group(2, 1) %2 : 2 x (5, 8)""",
        """
graph (4, 8) and (2, 8) -> %0 %0.1 %in.1 %2
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = group(2, 1) %in.1 : 2 x (1, 8)
  %2 = cat(1) %1.1 %in : (5, 8)""",
    ),
    (  # a part of a part; the whole as one part
        "split",
        """
graph (8, 8) -> %1.1 %2
  %0 = group(2, 1) %in : 2 x (4, 8)
  %1 = group(2, 1) %0.1 : 2 x (2, 8)
  %2 = group(1, 2) %in : 1 x (8, 8)""",
        """
graph (8, 8) -> %0.3 %in
  %0 = group(4, 1) %in : 4 x (2, 8)""",
    ),
    (  # an equal part, the whole, a range of a range, a range over a border
        "narrow",
        """
graph (4, 8) and (2, 8) -> %0 %1 %3 %5
  %0 = narrow(1, 2, 4) %in : (2, 8)
  %1 = narrow(2, 0, 8) %in : (4, 8)
  %2 = narrow(1, 1, 4) %in : (3, 8)
  %3 = narrow(1, 0, 2) %2 : (2, 8)
  %4 = cat(1) %in %in.1 : (6, 8)
  %5 = narrow(1, 1, 5) %4 : (4, 8)""",
        """
graph (4, 8) and (2, 8) -> %0.1 %in %2 %4
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = narrow(1, 1, 4) %in : (3, 8)
  %2 = narrow(1, 1, 3) %in : (2, 8)
  %3 = group(2, 1) %in.1 : 2 x (1, 8)
  %4 = cat(1) %1 %3 : (4, 8)""",
    ),
    (
        "name range op",
        """
graph (4, 8) -> %2
  %0 = halves(2, 1) %in : 2 x (2, 8)
  %1 = beside(1) %0.1 %0 : (4, 8)
  %2 = turn('21') %1 : (8, 4)""",
        """
graph (4, 8) -> %2
  %0 = group(2, 1) %in : 2 x (2, 8)
  %1 = cat(1) %0.1 %0 : (4, 8)
  %2 = permute('21') %1 : (8, 4)""",
    ),
    (  # zeros, and what is no equal part
        "join ranges",
        """
graph (4, 8) -> %3
  %0 = zeros('(1, 8)') %in : (1, 8)
  %1 = zeros('(2, 8)') %in : (2, 8)
  %2 = group(4, 1) %in : 4 x (1, 8)
  %3 = cat(1) %1 %0 %2 %2.1 %2.2 %0 : (7, 8)""",
        """
graph (4, 8) -> %3
  %0 = zeros('(1, 8)') %in : (1, 8)
  %1 = zeros('(3, 8)') %in : (3, 8)
  %2 = narrow(1, 0, 3) %in : (3, 8)
  %3 = cat(1) %1 %2 %0 : (7, 8)""",
    ),
    (  # in part: what reads only what all copies share; outputs that are inputs
        "hoist",
        """
graph 2 x (4, 8) -> %1 %0.1 %0.3
  %0 = 2 copies %in %in.1 %in %in : 4 x (4, 8)
  %1 = add %0 %0.2 : (4, 8)
  body of %0 [each:2:2] 2 x (4, 8) -> %3 %in
    %0 = softmax %in : (4, 8)
    %1 = leaky_relu(0.01) %in.1 : (4, 8)
    %2 = linear(8) %0 : (4, 8) [3:linear_3/each:2:2]
    %3 = add %1 %2 %0 : (4, 8)""",
        """
graph 2 x (4, 8) -> %2 %in %in
  %0 = softmax %in : (4, 8)
  %1 = 2 copies %in.1 %0 %in %0 : 2 x (4, 8)
  %2 = add %1 %1.1 : (4, 8)
  body of %1 [each:2:2] 2 x (4, 8) -> %2
    %0 = leaky_relu(0.01) %in : (4, 8)
    %1 = linear(8) %in.1 : (4, 8) [3:linear_3/each:2:2]
    %2 = add %0 %1 %in.1 : (4, 8)""",
    ),
    (  # zeros stay where weights read them, and are seen outside
        "hoist",
        """
graph 2 x (4, 8) -> %1
  %0 = 2 copies %in %in.1 : (4, 2) and (2, 2) and (4, 2) and (2, 2)
  %1 = cat(1) %0.1 %0.3 %0 : (8, 2)
  body of %0 [each:2:2] (4, 8) -> %1 %2
    %0 = zeros('(4, 8)') %in : (4, 8)
    %1 = linear(2) %0 : (4, 2) [3:linear_3/each:2:2]
    %2 = zeros('(2, 2)') %in : (2, 2)""",
        """
graph 2 x (4, 8) -> %2
  %0 = zeros('(2, 2)') %in : (2, 2)
  %1 = 2 copies %in %in.1 : 2 x (4, 2)
  %2 = cat(1) %0 %0 %1 : (8, 2)
  body of %1 [each:2:2] (4, 8) -> %1
    %0 = zeros('(4, 8)') %in : (4, 8)
    %1 = linear(2) %0 : (4, 2) [3:linear_3/each:2:2]""",
    ),
    (
        "hoist",
        """
graph (4, 8) -> %1
  %0 = 3 copies %in %in %in : 3 x (8, 8)
  %1 = add %0 %0.1 %0.2 : (8, 8)
  body of %0 [each:2:3] (4, 8) -> %1
    %0 = permute('21') %in : (8, 4)
    %1 = dot %0 %in : (8, 8)""",
        """
graph (4, 8) -> %2
  %0 = permute('21') %in : (8, 4)
  %1 = dot %0 %in : (8, 8)
  %2 = add %1 %1 %1 : (8, 8)""",
    ),
    (
        "merge equal",
        """
graph (4, 8) -> %4
  %0 = softmax %in : (4, 8)
  %1 = softmax %in : (4, 8)
  %2 = add %0 %in : (4, 8)
  %3 = add %in %1 : (4, 8)
  %4 = cat(1) %2 %3 : (8, 8)""",
        """
graph (4, 8) -> %2
  %0 = softmax %in : (4, 8)
  %1 = add %0 %in : (4, 8)
  %2 = cat(1) %1 %1 : (8, 8)""",
    ),
    (
        "one rearrangement",
        """
graph (4, 6) -> %1
  %0 = rearrange('(g c) h -> (c g) h', 'c=2', '') %in : ((2, 2), 6)
  %1 = rearrange('n (b c) -> c n b', 'b=2', '') %0 : (3, 4, 2) tensor""",
        """
graph (4, 6) -> %0
  %0 = rearrange('(a b) (c d) -> d (b a) c', 'b=2, d=3', '') %in : (3, (2, 2), 2) tensor""",
    ),
    (
        "one rearrangement",
        """
graph (4, 6, 3) -> %1 %2
  %0 = reduce('a b c -> a b', sum, '', '') %in : (4, 6)
  %1 = reduce('a b -> b', sum, '', '') %0 : (6,)
  %2 = rearrange('x y -> (y x)', '', '') %0 : ((6, 4),)""",
        """
graph (4, 6, 3) -> %0 %1
  %0 = reduce('a b c -> b', sum, '', '') %in : (6,)
  %1 = reduce('a b c -> (b a)', sum, '', '') %in : ((6, 4),)""",
    ),
    (
        "lift rearrangement",
        """
graph 2 x (4, 6) -> %2 %3
  %0 = leaky_relu(0.01) %in : (4, 6)
  %1 = add %0 %in.1 : (4, 6)
  %2 = rearrange('a (b c) -> b (a c)', 'c=3', '') %1 : (2, (4, 3))
  %3 = flatten %0 : (24,)""",
        """
graph 2 x (4, 6) -> %3 %5
  %0 = rearrange('a (b c) -> b (a c)', 'c=3', '') %in : (2, (4, 3))
  %1 = leaky_relu(0.01) %0 : (2, (4, 3))
  %2 = rearrange('a (b c) -> b (a c)', 'c=3', '') %in.1 : (2, (4, 3))
  %3 = add %1 %2 : (2, (4, 3))
  %4 = flatten %in : (24,)
  %5 = leaky_relu(0.01) %4 : (24,)""",
    ),
    (
        "einsum",
        """
graph (4, 6) and (5, 6) -> %0 %1
  %0 = einsum('l e, m e -> l m') %in %in.1 : (4, 5)
  %1 = einsum('l e -> e') %in : (6,)""",
        """
graph (4, 6) and (5, 6) -> %3 %4
  %0 = rearrange('l e -> l e', '', '') %in : (4, 6)
  %1 = rearrange('m e -> e m', '', '') %in.1 : (6, 5)
  %2 = dot %0 %1 : (4, 5)
  %3 = rearrange('l m -> l m', '', matrix) %2 : (4, 5)
  %4 = reduce('l e -> e', sum, '', vector) %in : (6,)""",
    ),
    (
        "keep nonnegative",
        """
graph (4, 6) -> %4
  %0 = softmax %in : (4, 6)
  %1 = leaky_relu(0.0) %in : (4, 6)
  %2 = add %0 %1 : (4, 6)
  %3 = permute('21') %2 : (6, 4)
  %4 = leaky_relu(0.01) %3 : (6, 4)""",
        """
graph (4, 6) -> %3
  %0 = softmax %in : (4, 6)
  %1 = leaky_relu(0.0) %in : (4, 6)
  %2 = add %0 %1 : (4, 6)
  %3 = permute('21') %2 : (6, 4)""",
    ),
    (
        "move after",
        """
graph (2, 3, 4) -> %2 %4
  %0 = permute('213') %in : (3, 2, 4)
  %1 = leaky_relu(0.01) %0 : (3, 2, 4)
  %2 = linear(8) %1 : (3, 2, 8) [2:linear_2]
  %3 = permute('321') %in : (4, 3, 2)
  %4 = softmax %3 : (4, 3, 2)""",
        """
graph (2, 3, 4) -> %2 %5
  %0 = leaky_relu(0.01) %in : (2, 3, 4)
  %1 = linear(8) %0 : (2, 3, 8) [2:linear_2]
  %2 = permute('213') %1 : (3, 2, 8)
  %3 = permute('231') %in : (3, 4, 2)
  %4 = softmax %3 : (3, 4, 2)
  %5 = permute('213') %4 : (4, 3, 2)""",
    ),
    (
        "move after",
        """
graph (2, 3, 4) -> %1
  %0 = im2col(1, 1, 0) %in : ((3, 4), 2)
  %1 = softmax %0 : ((3, 4), 2)""",
        """
graph (2, 3, 4) -> %2
  %0 = permute('231') %in : (3, 4, 2)
  %1 = softmax %0 : (3, 4, 2)
  %2 = rearrange('a b c -> (a b) c', '', '') %1 : ((3, 4), 2)""",
    ),
]


@pytest.mark.parametrize(("name", "before", "after"), FIRES)
def test_what_a_rule_makes_of_a_graph(name, before, after):
    graph, trace = parse_graph(before.strip(), ALL_OPS), []
    rules = [BY_NAME[name]] if name in BY_NAME else []
    found = simplify(graph, rules=rules, trace=trace)
    assert format_graph(found) == after.strip()
    assert name in {step.rule for step in trace} <= {name, "merge equal"}
    assert_equal_functions(graph, found)


STAYS = [
    (  # two places, zeros already, and what does not say so
        "forget",
        """
graph (4, 2) and (4, 1) -> %0 %2 %3
  %0 = softmax %in : (4, 2)
  %1 = zeros('(4, 1)') %in : (4, 1)
  %2 = softmax %1 : (4, 1)
  %3 = rms_norm %in.1 : (4, 1) [3:rms_norm_3]""",
    ),
    ("rehang zeros", "graph 2 x (4, 8) -> %0\n  %0 = zeros('(2, 2)') %in : (2, 2)"),
    (  # a bias, or a norm's, makes numbers of zeros
        "absorb zeros",
        """
graph (4, 8) -> %2 %3 %4
  %0 = zeros('(4, 8)') %in : (4, 8)
  %1 = linear(8) %0 : (4, 8) [1:linear_1]
  %2 = pos %1 : (4, 8) [2:pos_2]
  %3 = layer_norm %0 : (4, 8) [3:norm_3]
  %4 = softmax %0 : (4, 8)""",
    ),
    (
        "absorb zeros",
        """
graph (4, 8) -> %1 %2
  %0 = zeros('(4, 8)') %in : (4, 8)
  %1 = add %in %0 : (4, 8)
  %2 = cat(1) %0 %0 : (8, 8)""",
    ),
    (
        "drop zeros",
        """
graph (4, 8) -> %1 %2
  %0 = zeros('(4, 8)') %in : (4, 8)
  %1 = cat(1) %in %0 : (8, 8)
  %2 = add %0 : (4, 8)""",
    ),
    (
        "single input",
        """
graph (4, 8) -> %2
  %0 = softmax %in : (4, 8)
  %1 = linear(8) %0 : (4, 8) [1:linear_1]
  %2 = add %in %1 : (4, 8)""",
    ),
    (  # another axis
        "flatten",
        """
graph (4, 4) -> %1
  %0 = cat(1) %in %in : (8, 4)
  %1 = cat(2) %0 %0 : (8, 8)""",
    ),
    (  # a product is not declared associative
        "flatten",
        """
graph (4, 4) -> %1
  %0 = dot %in %in : (4, 4)
  %1 = dot %in %0 : (4, 4)""",
    ),
    (  # equal weights of two slots, chance, order
        "collect",
        """
graph (4, 8) -> %6 %7
  %0 = linear(8) %in : (4, 8) [1:linear_1]
  %1 = linear(8) %in : (4, 8) [2:linear_2]
  %2 = linear(8) %in : (4, 8) [1:linear_1]
  %3 = dropout(0.5) %in : (4, 8)
  %4 = dropout(0.5) %in : (4, 8)
  %5 = scale %in : (4, 8) [3:scale_3]
  %6 = add %0 %1 %2 %3 %4 %5 : (4, 8)
  %7 = cat(1) %in %in : (8, 8)""",
    ),
    (
        "multiply out",
        """
graph (4, 8) -> %1 %2
  %0 = leaky_relu(0.01) %in : (4, 8)
  %1 = times(2) %0 : (4, 8)
  %2 = times(3) %in : (4, 8)""",
    ),
    (
        "compose permutations",
        """
graph (4, 8) -> %2
  %0 = permute('21') %in : (8, 4)
  %1 = softmax %0 : (8, 4)
  %2 = permute('21') %1 : (4, 8)""",
    ),
    (  # not pointwise, weights, chance, several outputs
        "lift permutation",
        """
graph (4, 4) -> %1 %3 %5 %7 %9
  %0 = softmax %in : (4, 4)
  %1 = permute('21') %0 : (4, 4)
  %2 = pos %in : (4, 4) [1:pos_1]
  %3 = permute('21') %2 : (4, 4)
  %4 = dropout(0.5) %in : (4, 4)
  %5 = permute('21') %4 : (4, 4)
  %6 = group(2, 1) %in : 2 x (2, 4)
  %7 = permute('21') %6.1 : (4, 2)
  %8 = cat(1) %in %0 : (8, 4)
  %9 = permute('21') %8 : (4, 8)""",
    ),
    (  # an op that accepts no other shape
        "lift permutation",
        """
graph (2, 8) -> %1
  %0 = two_by_eight %in : (2, 8)
  %1 = permute('21') %0 : (8, 2)""",
    ),
    (  # another order, another axis, parts of two splits, something between, another op's outputs, a gap
        "join ranges",
        """
graph (4, 4) and (4, 4, 4) -> %2 %3 %4 %5 %8 %9
  %0 = group(4, 1) %in : 4 x (1, 4)
  %1 = group(2, 2) %in : 2 x (4, 2)
  %2 = cat(1) %0 %0.2 %0.1 %0.3 : (4, 4)
  %3 = cat(2) %0 %0.1 %0.2 %0.3 : (1, 16)
  %4 = cat(1) %1 %1.1 : (8, 2)
  %5 = cat(1) %0 %in %0.1 : (6, 4)
  %6 = group(2, 1) %in : 2 x (2, 4)
  %7 = extremes %in.1 : 2 x (4, 4)
  %8 = cat(1) %6 %7 %7.1 %6.1 : (12, 4)
  %9 = cat(1) %0 %0.2 : (2, 4)""",
    ),
    (  # another axis, no concatenation, a part of another axis
        "split",
        """
graph (4, 8) and (2, 8) -> %1 %3 %5
  %0 = cat(1) %in %in.1 : (6, 8)
  %1 = group(2, 2) %0 : 2 x (6, 4)
  %2 = softmax %in : (4, 8)
  %3 = group(2, 1) %2 : 2 x (2, 8)
  %4 = group(2, 2) %in : 2 x (4, 4)
  %5 = group(2, 1) %4.1 : 2 x (2, 4)""",
    ),
    (  # a range that is no equal part, of an input, of another axis' concatenation
        "narrow",
        """
graph (4, 8) -> %0 %1 %3
  %0 = narrow(1, 1, 3) %in : (2, 8)
  %1 = narrow(2, 0, 7) %in : (4, 7)
  %2 = cat(2) %in %in : (4, 16)
  %3 = narrow(1, 1, 3) %2 : (2, 16)""",
    ),
    (  # the library refuses these types, or the op declares nothing of the kind
        "name range op",
        """
graph (4, 8) -> %1 %1.1
  %0 = softmax %in : (4, 8)
  %1 = thirds(2, 1) %0 : 2 x (2, 8) tensor""",
    ),
    (  # other inputs
        "hoist",
        """
graph 2 x (4, 8) -> %0 %0.1
  %0 = 2 copies %in %in.1 : 2 x (4, 8)
  body of %0 [each:2:2] (4, 8) -> %0
    %0 = softmax %in : (4, 8)""",
    ),
    (  # weights of each copy's own
        "hoist",
        """
graph (4, 8) -> %0 %0.1
  %0 = 2 copies %in %in : 2 x (4, 8)
  body of %0 [each:2:2] (4, 8) -> %0
    %0 = linear(8) %in : (4, 8) [3:linear_3/each:2:2]""",
    ),
    (  # weights that the copies share: two uses of one layer are not one
        "hoist",
        """
graph (4, 8) -> %0 %0.1
  %0 = 2 copies %in %in : 2 x (4, 8)
  body of %0 [tied:2:0/each:2:2] (4, 8) -> %0
    %0 = linear(8) %in : (4, 8) [3:linear_3/tied:2:0]""",
    ),
    (  # chance, in a body of the body
        "hoist",
        """
graph (4, 8) -> %0 %0.1
  %0 = 2 copies %in %in : 2 x (4, 8)
  body of %0 [each:2:2] (4, 8) -> %0
    %0 = 2 copies %in %in : 2 x (4, 8)
    body of %0 [each:2:2/each:3:2] (4, 8) -> %0
      %0 = dropout(0.5) %in : (4, 8)""",
    ),
    (  # slots, state, chance, arguments, the order of inputs
        "merge equal",
        """
graph (4, 4) and (3, 4, 4) -> %0 %1 %2 %3 %4 %5 %6 %7 %8 %9 %10 %11 %12
  %0 = linear(4) %in : (4, 4) [1:linear_1]
  %1 = linear(4) %in : (4, 4) [2:linear_2]
  %2 = linear(4) %in : (4, 4) [1:linear_1]
  %3 = batch_norm %in.1 : (3, 4, 4) [3:norm_3]
  %4 = batch_norm %in.1 : (3, 4, 4) [3:norm_3]
  %5 = dropout(0.5) %in : (4, 4)
  %6 = dropout(0.5) %in : (4, 4)
  %7 = leaky_relu(0.01) %in : (4, 4)
  %8 = leaky_relu(0.0) %in : (4, 4)
  %9 = dot %in %7 : (4, 4)
  %10 = dot %7 %in : (4, 4)
  %11 = cat(1) %in %7 : (8, 4)
  %12 = cat(1) %7 %in : (8, 4)""",
    ),
    (  # factors that do not fit, reductions of two kinds, and one of what is only moved
        "one rearrangement",
        """
graph (4, 6) -> %1 %3 %5
  %0 = flatten %in : (24,)
  %1 = rearrange('(a b) -> a b', 'b=4', '') %0 : (6, 4)
  %2 = reduce('a b -> b', sum, '', '') %in : (6,)
  %3 = reduce('(a b) -> a', max, 'b=2', '') %2 : (3,)
  %4 = permute('21') %in : (6, 4)
  %5 = reduce('a b -> a', sum, '', '') %4 : (6,)""",
    ),
    (  # an op that is not pointwise, and one with weights
        "lift rearrangement",
        """
graph (4, 6) -> %1 %3
  %0 = softmax %in : (4, 6)
  %1 = rearrange('a (b c) -> b (a c)', 'c=3', '') %0 : (2, (4, 3))
  %2 = prelu %in : (4, 6) [1:prelu_1]
  %3 = flatten %2 : (24,)""",
    ),
    (  # nothing that both share is summed over, and an axis of one alone is
        "einsum",
        """
graph 2 x (4, 6) -> %0 %1
  %0 = einsum('a b, a b -> a b') %in %in.1 : (4, 6)
  %1 = einsum('a b, a c -> b') %in %in.1 : (6,)""",
    ),
    (  # what may be below 0
        "keep nonnegative",
        """
graph (4, 6) -> %3
  %0 = softmax %in : (4, 6)
  %1 = add %0 %in : (4, 6)
  %2 = leaky_relu(0.01) %1 : (4, 6)
  %3 = leaky_relu(0.0) %2 : (4, 6)""",
    ),
    (  # what a negative number turns
        "keep nonnegative",
        """
graph (4, 6) -> %2
  %0 = softmax %in : (4, 6)
  %1 = times(-2) %0 : (4, 6)
  %2 = leaky_relu(0.0) %1 : (4, 6)""",
    ),
    (  # the axis itself is in its place, is made of two, or the only one
        "move after",
        """
graph (2, 3, 4) and (4, 1, 1) -> %1 %3 %5
  %0 = permute('231') %in : (3, 4, 2)
  %1 = softmax %0 : (3, 4, 2)
  %2 = rearrange('a b c -> a (b c)', '', '') %in : (2, (3, 4))
  %3 = linear(5) %2 : (2, 5) [3:linear_3]
  %4 = flatten %in.1 : (4,)
  %5 = linear(5) %4 : (5,) [5:linear_5]""",
    ),
]


@pytest.mark.parametrize(("name", "text"), STAYS)
def test_what_a_rule_leaves_alone(name, text):
    trace: list[Fired] = []
    rules = [BY_NAME[name]] if name in BY_NAME else []
    assert format_graph(simplify(parse_graph(text.strip(), ALL_OPS), rules=rules, trace=trace)) == text.strip()
    assert trace == []


def test_every_rule_has_a_test_of_both_kinds():
    names = {*BY_NAME, "merge equal"}
    assert {name for name, *_ in FIRES} == {name for name, _ in STAYS} == names
    assert all(rule.equation and rule.condition for rule in RULES)


def test_what_nothing_needs_goes():
    text = "graph (4, 8) -> %0\n  %0 = softmax %in : (4, 8)\n  %1 = linear(8) %0 : (4, 8) [1:linear_1]"
    assert format_graph(simplify(parse_graph(text), rules=[])) == "graph (4, 8) -> %0\n  %0 = softmax %in : (4, 8)"


def test_bodies_are_simplified_too_and_keep_their_slots():
    text = """
graph (4, 8) -> %1
  %0 = 2 copies %in %in : 2 x (4, 8)
  %1 = cat(1) %0 %0.1 : (8, 8)
  body of %0 [each:2:2] (4, 8) -> %2
    %0 = pos %in : (4, 8) [3:pos_3/each:2:2]
    %1 = zeros('(4, 8)') %0 : (4, 8)
    %2 = add %1 %0 : (4, 8)"""
    graph = simplify(parse_graph(text.strip()))
    assert format_graph(graph) == (
        "graph (4, 8) -> %1\n  %0 = 2 copies %in %in : 2 x (4, 8)\n  %1 = cat(1) %0 %0.1 : (8, 8)\n"
        "  body of %0 [each:2:2] (4, 8) -> %0\n    %0 = pos %in : (4, 8) [3:pos_3/each:2:2]"
    )
    body = graph.nodes[0].body
    assert body is not None
    assert body.nodes[0].slot == Slot(3, "pos_3", (("each", 2, 2),))


def test_rules_that_never_end_are_stopped():
    graph = parse_graph("graph (4, 8) -> %0\n  %0 = softmax %in : (4, 8)")
    again = Rule("again", "f(x) = f(x)", "always", lambda op: True, lambda rewriter, node: rewriter.make(node))
    with pytest.raises(CompileError) as caught:
        simplify(graph, rules=[again])
    assert str(caught.value) == (
        "simplifying does not come to an end: more than 100 rules fire inside each other at softmax; a rule or a law "
        "of an op is wrong"
    )

    def many(rewriter, node):
        for count in range(20_000):
            rewriter.apply(OPS["times"], (count,), node.inputs)

    of_softmax = Rule("many", "", "", lambda op: op is OPS["softmax"], many)
    back = Rule("back", "n x = x", "never", lambda op: op is OPS["times"], lambda rewriter, node: node.inputs)
    with pytest.raises(CompileError) as caught:
        simplify(graph, rules=[of_softmax, back])
    assert str(caught.value) == (
        "simplifying does not come to an end: the rule 'back' fires again and again at times(6000); a rule or a law of "
        "an op is wrong"
    )


def test_a_long_chain_of_pointwise_ops_is_passed_at_once():
    """Deeper than Python's stack, and alternating: a permutation after every op."""
    lines = [f"  %{i} = leaky_relu(0.01) %{i - 1 if i else 'in'} : (4, 8)" for i in range(3000)]
    text = "\n".join(["graph (4, 8) -> %3000", *lines, "  %3000 = permute('21') %2999 : (8, 4)"])
    graph = simplify(parse_graph(text))
    assert [node.text() for node in graph.nodes] == ["permute(21)", *["leaky_relu(0.01)"] * 3000]
    lines = []
    for i in range(1000):
        sizes = ("(8, 4)", "(4, 8)")[i % 2]
        lines.append(f"  %{2 * i} = permute('21') %{2 * i - 1 if i else 'in'} : {sizes}")
        lines.append(f"  %{2 * i + 1} = leaky_relu(0.01) %{2 * i} : {sizes}")
    graph = simplify(parse_graph("\n".join(["graph (4, 8) -> %1999", *lines])))
    assert [node.text() for node in graph.nodes] == ["leaky_relu(0.01)"] * 1000
