"""Each construct of Lark's language and each form of weights: how many trees there are, counted by hand, and how often
each is drawn, against probabilities worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

import einspec
from einspec import Type
from einspec.ops import combinator, primitive
from tests.space.small_spaces import chi_squared_fits

COUNT = 20_000


@combinator
def one(x, a):
    return x if a is None else a(x)


@combinator
def many(x, items):
    for item in items:
        x = item(x)
    return x


@combinator
def two(x, a, b):
    for child in (a, b):
        x = x if child is None else child(x)
    return x


@combinator
def head_and_tail(x, head, tail):
    x = head(x)
    for item in tail:
        x = item(x)
    return x


@primitive
def value(x: Type, number: str | None) -> Type:
    return x


@primitive
def values(x: Type, numbers: tuple[str, ...]) -> Type:
    return x


OPS = [one, many, two, head_and_tail, value, values]
LEAVES = '\nr: "r" -> relu\nn: "n" -> norm\n'
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def geometric(goes_on: Fraction, least: int = 0, most: int = 40) -> dict[str, Fraction]:
    """Lists of r without end, by their length."""
    return {"r" * k: goes_on ** (k - least) * (1 - goes_on) for k in range(least, most)}


def uniform(*texts: str) -> dict[str, Fraction]:
    return dict.fromkeys(texts, Fraction(1, len(texts)))


def product(*columns: dict[str, Fraction]) -> dict[str, Fraction]:
    found = {"": Fraction(1)}
    for column in columns:
        found = {a + b: p * q for a, p in found.items() for b, q in column.items()}
    return found


R2N = product({"r": 2 * THIRD, "n": THIRD})

EDGES = uniform("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

CASES: dict[str, tuple[str, dict[str, Fraction]]] = {
    "alternatives share equally": ('start: "a" -> relu | "b" -> relu | "c" -> norm', uniform("a", "b", "c")),
    "optional ?": ('start: "x" r? -> one', {"xr": HALF, "x": HALF}),
    "optional ? with a weight": ('start: "x" r? -> one //% ?0.8', {"xr": Fraction(4, 5), "x": Fraction(1, 5)}),
    "optional brackets": ('start: "x" [r] -> one //% ?1/4', {"xr": Fraction(1, 4), "x": Fraction(3, 4)}),
    "optional with alternatives": ('start: "x" [r | n] -> one //% ?0.5', {"xr": Fraction(1, 4), "xn": Fraction(1, 4), "x": HALF}),
    "optional of two": ('start: "x" [r n] -> two //% ?0.3', {"xrn": Fraction(3, 10), "x": Fraction(7, 10)}),
    "star": ('start: "x" r* -> many', product({"x": Fraction(1)}, geometric(HALF))),
    "star with a weight": ('start: "x" r* -> many //% *0.3', product({"x": Fraction(1)}, geometric(Fraction(3, 10)))),
    "plus": ("start: r+ -> many", geometric(HALF, 1)),
    "plus with a weight": ("start: r+ -> many //% *2/3", geometric(2 * THIRD, 1)),
    "star that never goes on": ('start: "x" r* -> many //% *0', {"x": Fraction(1)}),
    "times": ("start: r~3 -> many", {"rrr": Fraction(1)}),
    "times from to": ("start: r~2..4 -> many", uniform("rr", "rrr", "rrrr")),
    "times from zero": ('start: "x" r~0..2 -> many', uniform("x", "xr", "xrr")),
    "group": ("start: (r | n) -> one", uniform("r", "n")),
    "group with weights": (
        "start: ( r     //% 1/4\n | n) -> one //% 1\n",
        {"r": Fraction(1, 4), "n": Fraction(3, 4)},
    ),
    "group repeated": (
        "start: (r | n)~1..2 -> many",
        {"r": Fraction(1, 4), "n": Fraction(1, 4)} | dict.fromkeys(("rr", "rn", "nr", "nn"), Fraction(1, 8)),
    ),
    "separated list": ('start: r ("," r)~0..2 -> head_and_tail', uniform("r", "r,r", "r,r,r")),
    "template": ('start: list{r} -> one\nlist{x}: x ";" (x ";")? -> head_maybe', {}),
    "inline rule": ('start: _pair -> two\n_pair: r "," n | n "," r //% 0.25 0.75', {"r,n": Fraction(1, 4), "n,r": Fraction(3, 4)}),
    "inline template": ('start: _twice{r, ","} -> two\n_twice{x, s}: x s x', {"r,r": Fraction(1)}),
    "transparent rule": ("start: a\na: r | n //% 2/3 1/3", R2N),
    "empty alternative": ('start: "x" t -> one\nt: r | -> identity', {"xr": HALF, "x": HALF}),
    "continuation": ('start: "x" \\\n r -> one', {"xr": Fraction(1)}),
    "fractions": ("start: a\na: r //% 2/3\n | n //% 1/3", R2N),
    "partial weights": ("start: a\na: r //% 2/3\n | n", R2N),
    "weight of zero": ("start: a\na: r | n //% 1 0", {"r": Fraction(1)}),
    "weights on one line": ("start: a\na: r | n //% 2/3 1/3", R2N),
    "weights per depth": (
        'start: "(" a ")" -> one\na: r //% depth 0 0.25 0.5\n | "(" a ")" -> one //% depth 1 0.75 0.5\n',
        {"(" * k + "r" + ")" * k: p for k, p in zip(range(1, 40), [Fraction(1, 4), *(Fraction(3, 4) * HALF**i for i in range(1, 39))], strict=True)},
    ),
    "values of a terminal": (
        'start: "v" V -> value\nV: "1" | "2" | "3" //% 0.2 0.3 0.5',
        {"v1": Fraction(1, 5), "v2": Fraction(3, 10), "v3": HALF},
    ),
    "terminal with a group": ('start: V -> value\nV: ("a" | "b") "c"~1..2', uniform("ac", "acc", "bc", "bcc")),
    "terminal of terminals": ('start: V -> value\nV: A | "z"\nA: "x" | "y"', {"x": Fraction(1, 4), "y": Fraction(1, 4), "z": HALF}),
    "characters": ('start: V -> value\nV: "a".."d"', uniform("a", "b", "c", "d")),
    "characters in a rule": ('start: "a".."c" -> value', uniform("a", "b", "c")),
    "range": ("start: V -> value\nV: /[0-9]+/ //% range 8..11", uniform("8", "9", "10", "11")),
    "linear grid": ("start: V -> value\nV: /[0-9.]+/ //% range 0..1 in 5", uniform("0", "0.25", "0.5", "0.75", "1")),
    "log grid": ("start: V -> value\nV: /[0-9.e-]+/ //% log 1e-4..1e-1 in 4", uniform("0.0001", "0.001", "0.01", "0.1")),
    "optional argument": ('start: "v" [V] -> value //% ?0.6\nV: "1" | "2" //% 0.25 0.75', {"v1": Fraction(3, 20), "v2": Fraction(9, 20), "v": Fraction(2, 5)}),
    "repeated argument": ('start: V~1..2 -> values\nV: "1" | "2"', {"1": Fraction(1, 4), "2": Fraction(1, 4)} | dict.fromkeys(("11", "12", "21", "22"), Fraction(1, 8))),
    "argument without end": ('start: "v" V* -> values //% *0.5\nV: "1"', {"v" + "1" * k: HALF ** (k + 1) for k in range(40)}),
    "dropped terminal": ("start: _D r -> one\n_D: \"a\" | \"b\" //% 0.1 0.9", {"ar": Fraction(1, 10), "br": Fraction(9, 10)}),
    "either case": ('start: "x"i r -> one', {"xr": Fraction(1)}),
    "extended by one": ('start: a\na: r | n\n%extend a: "z" -> relu //% 0.2', {"r": Fraction(2, 5), "n": Fraction(2, 5), "z": Fraction(1, 5)}),
    "extended without a weight": ('start: a\na: r | n //% 0.5 0.5\n%extend a: "z" -> relu', uniform("r", "n", "z")),
    "extended by two": ('start: a\na: r | n\n%extend a: "y" -> relu //% 0.1\n | "z" -> relu //% 0.3', {"r": Fraction(3, 10), "n": Fraction(3, 10), "y": Fraction(1, 10), "z": Fraction(3, 10)}),
    "extended terminal": ('start: V -> value\nV: "1" | "2"\n%extend V: "3" //% 0.5', {"1": Fraction(1, 4), "2": Fraction(1, 4), "3": HALF}),
    "overridden": ('start: a\na: "z" -> relu\n%override a: r | n //% 2/3 1/3', R2N),
    "imported": ("%import nasbench201.edge\nstart: edge", EDGES),
    "imported under another name": ("%import nasbench201.edge -> e\nstart: e", EDGES),
    "imported and extended": (
        '%import nasbench201 (cell, edge)\n%extend edge: "relu" -> relu //% 0.5\nstart: edge',
        {"relu": HALF} | {text: share / 2 for text, share in EDGES.items()},
    ),
}  # fmt: skip
CASES["template"] = (
    'start: "(" list{r} ")" -> one\nlist{x}: x ";" (x ";")? -> two //% ?1/3',
    {"(r;)": 2 * THIRD, "(r;r;)": THIRD},
)


def loaded(name: str) -> einspec.Space:
    text, _ = CASES[name]
    needed = "".join(line + "\n" for line in LEAVES.split("\n") if line and f"{line[0]}" in text)
    return einspec.loads(f"{text}\n{needed}", input=(8, 8, 8), ops=OPS, name=name)


@pytest.mark.parametrize("name", CASES)
def test_frequencies(name: str) -> None:
    _, expected = CASES[name]
    total = sum(expected.values())
    assert Fraction(999_999, 1_000_000) < total <= 1, "the case itself is wrong"
    space = loaded(name)
    drawn = [str(arch) for arch in space.samples(COUNT, rng=1)]
    if len(expected) == 1:
        assert set(drawn) == set(expected)
    else:
        assert chi_squared_fits(drawn, {text: share / total for text, share in expected.items()})


@pytest.mark.parametrize("name", CASES)
def test_trees_and_their_probabilities(name: str) -> None:
    _, expected = CASES[name]
    space = loaded(name)
    few = {text: share for text, share in expected.items() if len(text) < 9}
    is_finite = few == expected or space.grammar.count() is not None
    if name == "argument without end":
        return  # architectures of one node without end: none of the limits makes them few
    limits = {} if is_finite else {"max_nodes": 5, "max_depth": 5}
    archs = list(space.enumerate(**limits))
    assert len(archs) == space.count(**limits) == len({str(arch) for arch in archs})
    for arch in archs:
        share = 2.718281828459045**arch.log_prob
        assert share == pytest.approx(float(expected[str(arch)]), rel=1e-9)
        assert space.parse(str(arch)) == arch
        assert space.from_choices(arch.choices) == arch
    if is_finite:
        assert {str(arch) for arch in archs} == {text for text, share in expected.items() if share}


@pytest.mark.parametrize("name", CASES)
def test_the_most_probable_come_first(name: str) -> None:
    _, expected = CASES[name]
    found = loaded(name).most_probable(3)
    best = sorted((share for share in expected.values() if share), reverse=True)[:3]
    assert [2.718281828459045**arch.log_prob for arch in found] == pytest.approx([float(share) for share in best])
