"""Small spaces, one for each thing that makes a distribution or a count difficult, and their exact probabilities."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache

import einspec
from einspec import Architecture, ShapeError, Type
from einspec.ops import combinator, each, let, primitive, tie
from einspec.ops.library.merge import add, cat
from einspec.ops.library.tensor import narrow
from einspec.space.deriving.evaluation import Run, evaluate
from einspec.space.deriving.table import legal_members


@combinator
def at_two_sizes(x, body):
    """One derivation at two types: what does not fit the second is a dead end."""
    return cat(body(x), body(narrow(x, 1, 0, x.axes[0].size // 2)), axis=1)


@combinator
def tied_thrice(x, body):
    body = tie(body)
    return body(body(body(x)))


@combinator
def staged(x, body):
    """Attributes go down."""
    return body(body(x, stage=1), stage=2)


@primitive
def only_first(x: Type, *, stage) -> Type:
    if stage != 1:
        raise ShapeError("only at the first stage")
    return x


@primitive
def any_stage(x: Type, *, stage) -> Type:
    return x


@primitive
def even_rows(x: Type) -> Type:
    if x.axes[0].size % 2:
        raise ShapeError("an even number of rows")
    return x


@primitive
def halve(x: Type) -> Type:
    if x.axes[0].size % 2:
        raise ShapeError("an even number of rows")
    return x.with_axis(0, x.axes[0].size // 2)


@combinator
def widths(x, width: int, body):
    """Its argument is an attribute below."""
    return body(x, width=width)


@combinator
def bind_two(x, first, second, body):
    """Two bindings of one nonterminal: ``use`` and ``other`` below."""

    def inner(x, **names):
        return let(second, lambda *inputs, **more: body(*inputs, **names, **more), name="other")(x)

    return let(first, inner)(x)


@combinator
def other(x, *, other):
    return other(x)


@combinator
def copies(x, body):
    return add(*each(body, (x, x, x)))


@combinator
def listed(x, layers):
    """A repetition arrives as a tuple."""
    for layer in layers:
        x = layer(x)
    return x


@combinator
def gated(x, body, gate, width: int | None):
    """An optional part arrives as None."""
    y = body(x)
    y = y if gate is None else gate(y)
    return y if width is None else narrow(y, 1, 0, min(width, y.axes[0].size))


@combinator
def first_and_rest(x, first, rest):
    x = first(x)
    for layer in rest:
        x = layer(x)
    return x


@combinator
def paired(x, pairs):
    """Elements of several values arrive as tuples."""
    for first, second in pairs:
        x = x if second is None else second(x)
        x = first(x)
    return x


@primitive
def stacked(x: Type, widths: tuple[int, ...], kind: str | None) -> Type:
    if sum(widths) > 40:
        raise ShapeError("wide")
    return x if kind is None else x.with_axis(-1, widths[-1])


OPS = [
    at_two_sizes, tied_thrice, staged, only_first, any_stage, even_rows, halve, widths, bind_two, other, copies,
    listed, gated, paired, stacked, first_and_rest,
]  # fmt: skip

GRAMMARS: dict[str, tuple[str, dict[str, int]]] = {
    "branches": (
        """
start: "b" "(" s "," m "," m "," j ")" -> branch
m: "l" "(" W ")" -> linear //% 0.6
 | "r" -> relu //% 0.1
 | "h" -> halve //% 0.3
s: "clone" "(" "2" ")" -> clone //% 2/3
 | "group" "(" "2" "," A ")" -> group
j: "add" -> add //% 0.5
 | "cat" "(" A ")" -> cat //% 0.2
 | "dot" -> dot
W: "4" | "8" //% 0.3 0.7
A: "1" | "2"
""",
        {},
    ),
    "dead ends": (
        """
start: "s" "(" m "," m ")" -> seq
m: "s" "(" m "," m ")" -> seq //% 0.2
 | "h" -> halve //% 0.5
 | "e" -> even_rows //% 0.2
 | "r" -> relu //% 0.1
""",
        {"max_nodes": 7},
    ),
    "replays": (
        """
start: "t" "(" m ")" -> at_two_sizes
m: "s" "(" m "," m ")" -> seq //% 0.3
 | "e" -> even_rows //% 0.3
 | "h" -> halve //% 0.2
 | "l" -> linear8
""".replace('"l" -> linear8', '"l" "(" "8" ")" -> linear'),
        {"max_nodes": 8},
    ),
    "ties": (
        """
start: "t" "(" m ")" -> tied_thrice | "c" "(" m ")" -> copies
m: "s" "(" m "," m ")" -> seq //% 0.25
 | "l" "(" W ")" -> linear //% 0.5
 | "r" -> relu
W: "4" | "8"
""",
        {"max_nodes": 6},
    ),
    "attributes": (
        """
//% def dense(x, *, width):
//%     return linear(x, width)
start: "g" "(" m ")" -> staged | "w" "(" W "," d ")" -> widths //% 0.7 0.3
m: "s" "(" m "," m ")" -> seq //% 0.3
 | "f" -> only_first //% 0.2
 | "a" -> any_stage
d: "d" -> dense //% 0.8
 | "s" "(" d "," d ")" -> seq
W: "4" | "8" | "16" //% 0.5 0.3 0.2
""",
        {"max_nodes": 7},
    ),
    "lists": (
        """
start: layers
layers: layer | layer layers -> seq //% 0.4 0.6
layer: "r" -> relu //% 0.3
 | "l" "(" W ")" -> linear
W: "8" | "16" | "32" //% 0.2 0.3 0.5
""",
        {"max_nodes": 7, "max_depth": 4},
    ),
    "bindings": (
        """
start: "let" "(" c "," m ")" -> let
c: "h" -> halve //% 0.4
 | "r" -> relu //% 0.4
 | "s" "(" c "," c ")" -> seq
m: "u" -> use //% 0.5
 | "s" "(" m "," m ")" -> seq //% 0.3
 | "e" -> even_rows
""",
        {"max_nodes": 8},
    ),
    "two bindings": (
        """
start: "let" "(" c "," c "," m ")" -> bind_two
c: "h" -> halve //% 0.4
 | "r" -> relu
m: "u" -> use //% 0.3
 | "o" -> other //% 0.3
 | "s" "(" m "," m ")" -> seq
""",
        {"max_nodes": 8},
    ),
    "copies": (
        """
start: "r" "(" s "," m "," j ")" -> replicate
m: "s" "(" m "," m ")" -> seq //% 0.3
 | "l" "(" W ")" -> linear //% 0.4
 | "h" -> halve
s: "clone" "(" N ")" -> clone | "group" "(" N "," A ")" -> group
j: "add" -> add | "cat" "(" A ")" -> cat //% 0.4 0.6
N: "2" | "4" //% 0.4 0.6
W: "4" | "8"
A: "1" | "2"
""",
        {"max_nodes": 6},
    ),
    "weights per depth": (
        """
start: "s" "(" m "," m ")" -> seq | c
c: "b" "(" m ")" -> at_two_sizes
m: "s" "(" m "," m ")" -> seq //% depth 0 0.5 0
 | "h" -> halve //% 0.3
 | "l" "(" W ")" -> linear //% depth 0.2 0.1 0.3
 | "r" -> relu
W: "4" | "8" //% 0.3 0.7
""",
        {},
    ),
    "repetitions": (
        """
start: "[" layer* "]" -> listed //% *0.4
layer: "h" -> halve //% 0.4
 | "r" -> relu //% 0.4
 | "(" layer~1..3 ")" -> listed
""",
        {"max_nodes": 5},
    ),
    "optional parts": (
        """
start: "g" "(" m ["," m] ["w" W] ")" -> gated //% ?0.7 ?0.2
m: "h" -> halve //% 0.3
 | "e" -> even_rows //% 0.2
 | "g" "(" m (":" m)? ["w" ("4" | W)] ")" -> gated //% ?0.3 ?0.5
W: "2" | "6" //% 1/3 2/3
""",
        {"max_nodes": 5},
    ),
    "groups": (
        """
start: "p" "(" (m "/" m | "!" m)+ ")" -> paired //% *0.3
m: "h" -> halve //% 0.5
 | "r" -> relu
""",
        {"max_nodes": 4},
    ),
    "lists of arguments": (
        """
start: m m -> seq
m: "s" "(" W~1..2 ["k" K] ")" -> stacked //% 0.5 ?0.25
 | "r" -> relu
W: "4" | "16" | "32" //% 0.5 0.3 0.2
K: "a" | "b"i
""",
        {},
    ),
    "templates": (
        """
start: _list{m, ","} -> first_and_rest
_list{x, sep}: "[" x (sep x)~0..2 "]"
m: "h" -> halve //% 0.4
 | "r" -> relu
""",
        {},
    ),
    "guards": (
        """
//% def grow(x, width: int, rest):
//%     return rest(linear(x, width))
//% def between(x, low: int, high: int, rest):
//%     return rest(linear(x, (low + high) // 2))
start: "stop" -> identity //% 0.3 if x.d < 16
 | "g" "(" W "," start ")" -> grow //% 0.5 if W >= x.d and x.s == 8
 | "b" "(" W "," W "," start ")" -> between //% if W[0] < W[1] and high != x.d
W: "4" | "8" | "16" //% 0.5 0.3 0.2
""",
        {"max_nodes": 4},
    ),
    "guards on what passes on": (
        """
start: "s" "(" m ")" -> staged
m: "c" "(" m "," m ")" -> seq //% 0.3 if x.s > 2
 | few //% 0.3 if stage == 1
 | "h" -> halve //% if x.s // 2 in (4, 2)
 | "r" -> relu
few: "l" "(" W ")" -> linear //% 0.6 if width in (4, 8, 12) and not width == 12
 | "a" -> any_stage
W: "4" | "8" | "12"
""",
        {"max_nodes": 5},
    ),
    "numbers": (
        """
//% def one(x, value: int):
//%     return value
//% def pair(x, low, high):
//%     return low(x), high(x)
//% def net(x, numbers, body):
//%     low, high = numbers(x)
//%     if low > high: refuse("widths fall")
//%     for i in range(high - low):
//%         x = body(linear(x, low + i))
//%     return body(x)
start: "n" "(" numbers "," body ")" -> net
numbers: "p" one one -> pair //% 0.7
 | "t" -> twice
body: "r" -> relu | "h" -> halve //% 0.6 0.4
 | "s" "(" body "," body ")" -> seq //% 0
one: N -> one
N: "2" | "3" | "4" | "5" //% 0.4 0.3 0.2 0.1
//% def twice(x):
//%     return (3, 4)
""",
        {"max_nodes": 6},
    ),
    "fed numbers": (
        """
//% def wide(x, factor: int):
//%     return factor * x.d
//% def one(x, value: int):
//%     return value
//% def block(x, width: int, low: int, *, least=0):
//%     if width < low + least:
//%         refuse("too narrow")
//%     return linear(x, width)
//% def raised(x, block):
//%     return block(block(x, least=1), least=2)
start: "u" "(" block ")" -> raised | block
block: "(" width "," L ")" -> block //% 0.7 if L >= 2
 | "l" width -> linear
width: "w" F -> wide //% 0.5
 | "t" L -> one
F: "1" | "2" //% 2/3 1/3
L: "1" | "2" | "20"
""",
        {},
    ),
    "settings": (
        """
//% settings LR, DROP
//% def configured(x, body):
//%     return body(x)
start: body "/" LR ["," DROP] -> configured //% 0.6 ?0.3
 | body DROP //% if x.d == 8
body: "r" -> relu //% 0.4
 | "l" "(" W ";" LR ")" -> linear //% 0.4 if LR < 1 or width == 4
 | "s" "(" body "," body ")" -> seq
W: "4" | "8" //% 0.3 0.7
LR: "0.1" | "0.01" | "1" //% 0.5 0.3 0.2
DROP: "a" | "b" //% 0.9 0.1
""",
        {"max_nodes": 4},
    ),
    "settings in lists": (
        """
//% settings S
start: "[" layer (":" layer S)* "]" -> first_and_rest //% *0.3
layer: plain S | bare
bare: plain
plain: "h" -> halve //% 0.3
 | "r" -> relu
S: "1" | "2" //% 0.2 0.8
""",
        {"max_nodes": 3},
    ),
    "weights of zero": (
        """
start: "s" "(" m "," m ")" -> seq
m: "r" -> relu //% 1/3
 | "n" -> norm //% 0
 | "l" "(" W ")" -> linear
W: "4" | "8" | "16" //% 0 1/4 3/4
""",
        {},
    ),
}


@cache
def small_space(name: str) -> einspec.Space:
    text, limits = GRAMMARS[name]
    return einspec.loads(text, input=(8, 8), ops=OPS, limits=einspec.Limits(**limits), name=name)


def probability(arch: Architecture) -> Fraction:
    """Q, the product of the shares of its choices, as a fraction: from the members that apply, with no logarithm."""
    shares: list[Fraction] = []

    def record(nonterminal, member, inputs, environment):
        applying = legal_members(nonterminal, inputs, environment).members
        shares.append(member.share / sum((m.share for m in applying), Fraction(0)))

    evaluate(Run(None, math.inf, math.inf, record), arch.space.start, arch.space.inputs, arch.derivation)
    return math.prod(shares, start=Fraction(1))


def exact(space: einspec.Space) -> dict[str, Fraction]:
    """Q(. | success) by text."""
    masses = {str(arch): probability(arch) for arch in space.enumerate()}
    total = sum(masses.values())
    return {text: mass / total for text, mass in masses.items()}


def chi_squared_fits(drawn: Iterable[str], expected: dict[str, Fraction]) -> bool:
    """Pearson's test at one in ten thousand; texts that are expected less than five times count as one."""
    counts: dict[str, int] = {}
    for text in drawn:
        counts[text] = counts.get(text, 0) + 1
    total = sum(counts.values())
    if set(counts) - set(expected):
        return False
    cells: list[tuple[float, int]] = []
    rest, rest_count = 0.0, 0
    for text, share in expected.items():
        mean = float(share) * total
        if mean >= 5:
            cells.append((mean, counts.get(text, 0)))
        else:
            rest, rest_count = rest + mean, rest_count + counts.get(text, 0)
    if rest >= 5:
        cells.append((rest, rest_count))
    freedom = len(cells) - 1
    statistic = sum((count - mean) ** 2 / mean for mean, count in cells)
    # The quantile by Wilson and Hilferty's cube root (1931); 3.719 is the normal one.
    spread = 2 / (9 * freedom)
    return statistic <= freedom * (1 - spread + 3.719 * math.sqrt(spread)) ** 3


def draws(space: einspec.Space, count: int, seed: int) -> list[str]:
    return [str(arch) for arch in space.samples(count, rng=seed)]


def walk(
    space: einspec.Space, steps: int, seed: int, ratio: Callable[[float], float] = lambda value: value
) -> list[str]:
    """A Metropolis-Hastings chain over Q; ``ratio`` changes the logarithm of the ratio, to see that a test can fail."""
    rng = random.Random(seed)
    state = space.sample(rng=rng)
    found = []
    for step in range(steps):
        child, log_ratio = space.propose(state, rng=rng)
        value = ratio(log_ratio)
        if value >= 0 or rng.random() < math.exp(value):
            state = child
        if step % 10 == 0:
            found.append(str(state))
    return found
