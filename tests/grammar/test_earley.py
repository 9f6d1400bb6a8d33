"""The Earley parser against enumerations that share nothing with it, against Lark, and on long and deep texts."""

from __future__ import annotations

import itertools
import re
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from random import Random

import lark
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from einspec.grammar.parsing.earley import parser as earley
from einspec.grammar.parsing.earley.parser import Alternative, EarleyParser, Parse, TooMuchWork, Unparsed

TERMINALS = {"a": "a", "b": "b", "ab": "ab", "lp": r"\(", "as": "a+", "any": "[ab(]"}
SYMBOLS = ["S", "A", "B", "C"]

# --- Grammars as short texts ------------------------------------------------------------------------------------------


def grammar(text: str) -> list[Alternative]:
    """``S: A x 0.5 | 0.5`` line by line: the last number of an alternative, if any, is its weight, 1 otherwise."""
    found = []
    for line in text.strip().splitlines():
        symbol, right = line.split(":")
        for alternative in right.split("|"):
            parts, weight = alternative.split(), 1.0
            if parts and re.fullmatch(r"[\d.]+", parts[-1]):
                weight = float(parts.pop())
            found.append(Alternative(symbol.strip(), tuple(parts), weight))
    return found


def parser(text: str, ignored: Sequence[str] = (" +",), **terminals: str) -> EarleyParser:
    """A parser of a short text; what is no nonterminal and is not named is a terminal of its own text."""
    alternatives = grammar(text)
    names = {a.symbol for a in alternatives}
    parts = {part for a in alternatives for part in a.parts if part not in names}
    return EarleyParser(
        alternatives, {p: terminals.get(p, re.escape(p)) for p in sorted(parts)}, ignored, alternatives[0].symbol
    )


def nodes(root: Parse) -> Iterator[Parse]:
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack += [part for part in reversed(node.parts) if isinstance(part, Parse)]


def brief(parse: Parse) -> str:
    """A small tree as text: the index of its alternative and its parts."""
    parts = [brief(part) if isinstance(part, Parse) else f"{part[0]}-{part[1]}" for part in parse.parts]
    return f"{parse.alternative}({' '.join(parts)})"


# --- The oracle -------------------------------------------------------------------------------------------------------

Score = tuple[int, Fraction]
Span = tuple[str, int, int]


class Oracle:
    """All there is to know of a short text, by going over all spans until nothing changes."""

    def __init__(self, alternatives: Sequence[Alternative], terminals: Mapping[str, str], ignored: str, text: str):
        self.alternatives = alternatives
        self.terminals = terminals
        self.ignored = ignored
        self.text = text
        self.symbols = {a.symbol for a in alternatives}
        self.first = self.skip(0)
        self.root = ("S", self.first, len(text))

    def skip(self, place: int) -> int:
        while self.ignored and place < len(self.text) and self.text[place] == self.ignored:
            place += 1
        return place

    def token(self, name: str, start: int) -> tuple[int, int] | None:
        """Where a terminal ends and where the next one starts."""
        match = re.compile(self.terminals[name]).match(self.text, start)
        return (match.end(), self.skip(match.end())) if match and match.end() > start else None

    def cuts(self, parts: Sequence[str], start: int, end: int) -> Iterator[tuple[int, ...]]:
        """The ways to cut a span into parts, as the places where parts start and end."""
        if not parts:
            if start == end:
                yield (end,)
            return
        if parts[0] in self.symbols:
            nexts: Sequence[int] = range(start, end + 1)
        else:
            token = self.token(parts[0], start)
            nexts = [token[1]] if token and token[1] <= end else []
        for middle in nexts:
            for rest in self.cuts(parts[1:], middle, end):
                yield (start, *rest)

    @cached_property
    def ways(self) -> dict[Span, list[tuple[int, tuple[Span, ...]]]]:
        """By nonterminal and span: the alternatives and the spans of their nonterminals."""
        found: dict[Span, list[tuple[int, tuple[Span, ...]]]] = {}
        for start, end in itertools.combinations_with_replacement(range(len(self.text) + 1), 2):
            for index, alternative in enumerate(self.alternatives):
                for cut in self.cuts(alternative.parts, start, end):
                    inner = zip(alternative.parts, cut, cut[1:], strict=False)
                    children = tuple((part, i, j) for part, i, j in inner if part in self.symbols)
                    found.setdefault((alternative.symbol, start, end), []).append((index, children))
        return found

    @cached_property
    def counts(self) -> dict[Span, int]:
        """The number of derivations, where two stands for more."""
        counts = dict.fromkeys(self.ways, 0)
        while True:
            before = dict(counts)
            for span, ways in self.ways.items():
                total = 0
                for _, children in ways:
                    product = 1
                    for child in children:
                        product *= counts.get(child, 0)
                    total += product
                counts[span] = min(2, total)
            if counts == before:
                return counts

    @cached_property
    def best(self) -> dict[Span, Score]:
        """The fewest alternatives of weight 0, negated, and the greatest product of the other weights."""
        best: dict[Span, Score] = {}
        while True:
            before = dict(best)
            for span, ways in self.ways.items():
                for index, children in ways:
                    if all(child in best for child in children):
                        score = self.score(index, [best[child] for child in children])
                        if span not in best or score > best[span]:
                            best[span] = score
            if best == before:
                return best

    def score(self, index: int, below: Sequence[Score]) -> Score:
        weight = Fraction(self.alternatives[index].weight)
        zeros, product = (0, weight) if weight else (-1, Fraction(1))
        for more, factor in below:
            zeros, product = zeros + more, product * factor
        return zeros, product

    def preferred(self, span: Span, above: tuple[Span, ...] = ()) -> str | None:
        """The tree that the documented tie-break chooses among the best; weights 1 must not go round in circles."""
        for index, alternative in enumerate(self.alternatives):
            if alternative.symbol != span[0]:
                continue
            cuts = list(self.cuts(alternative.parts, span[1], span[2]))
            for cut in sorted(cuts, key=lambda cut: cut[::-1], reverse=True):
                inner = list(zip(alternative.parts, cut, cut[1:], strict=False))
                children = [(part, i, j) for part, i, j in inner if part in self.symbols]
                if any(child not in self.best or child in (*above, span) for child in children):
                    continue
                if self.score(index, [self.best[child] for child in children]) < self.best[span]:
                    continue
                texts = []
                for part, i, j in inner:
                    if part in self.symbols:
                        texts.append(self.preferred((part, i, j), (*above, span)))
                    else:
                        token = self.token(part, i)
                        assert token
                        texts.append(f"{i}-{token[0]}")
                return f"{index}({' '.join(map(str, texts))})"
        return None

    def failure(self) -> tuple[int, frozenset[str], bool]:
        """Where a plain Earley recogniser without lookahead gets stuck, what it expects there, and if it may end."""
        sets: dict[int, set[tuple[int, int, int]]] = {self.first: set()}
        for index, alternative in enumerate(self.alternatives):
            if alternative.symbol == "S":
                sets[self.first].add((index, 0, self.first))
        furthest = self.first
        while True:
            before = {place: set(items) for place, items in sets.items()}
            for place, items in before.items():
                furthest = max(furthest, place)
                for index, dot, origin in items:
                    self.step(sets, place, index, dot, origin)
            if sets == before:
                break
        expected, may_end = set(), False
        for index, dot, origin in sets[furthest]:
            alternative = self.alternatives[index]
            if dot == len(alternative.parts):
                may_end |= alternative.symbol == "S" and origin == self.first
            elif alternative.parts[dot] not in self.symbols:
                expected.add(alternative.parts[dot])
        return furthest, frozenset(expected), may_end

    def step(self, sets: dict[int, set[tuple[int, int, int]]], place: int, index: int, dot: int, origin: int) -> None:
        alternative = self.alternatives[index]
        if dot == len(alternative.parts):
            for other, place_of_dot, start in list(sets[origin]):
                if self.alternatives[other].parts[place_of_dot : place_of_dot + 1] == (alternative.symbol,):
                    sets[place].add((other, place_of_dot + 1, start))
        elif alternative.parts[dot] in self.symbols:
            for other, candidate in enumerate(self.alternatives):
                if candidate.symbol == alternative.parts[dot]:
                    sets[place].add((other, 0, place))
        elif token := self.token(alternative.parts[dot], place):
            sets.setdefault(token[1], set()).add((index, dot + 1, origin))


def sentence(random: Random, alternatives: Sequence[Alternative], blank: str) -> str:
    """A text that starts as a random derivation does."""
    stack, texts = ["S"], []
    for _ in range(30):
        if not stack or len(texts) > 5:
            break
        symbol = stack.pop()
        choices = [a for a in alternatives if a.symbol == symbol]
        if choices:
            stack += reversed(random.choice(choices).parts)
        else:
            texts.append({"lp": "(", "as": "aa", "any": random.choice("ab(")}.get(symbol, symbol))
            texts.append(random.choice(["", blank]))
    return "".join(texts)[:6]


def check(alternatives: Sequence[Alternative], blank: str, text: str, exact: bool) -> str:
    """Compares one parse with the oracle; ``exact`` where ties must be broken as documented."""
    oracle = Oracle(alternatives, TERMINALS, blank, text)
    tested = EarleyParser(alternatives, TERMINALS, [re.escape(blank)] if blank else [], "S")
    if oracle.root not in oracle.best:
        with pytest.raises(Unparsed) as caught:
            tested.parse(text)
        assert (caught.value.offset, caught.value.expected, caught.value.may_end) == oracle.failure()
        return "no sentence"
    parse, is_ambiguous = tested.parse_all(text)
    assert is_ambiguous == (oracle.counts[oracle.root] > 1)
    check_derivation(oracle, parse)
    zeros, product = oracle.best[oracle.root]
    weights = [alternatives[node.alternative].weight for node in nodes(parse)]
    assert -weights.count(0) == zeros
    found = Fraction(1)
    for weight in weights:
        found *= Fraction(weight) if weight else 1
    assert float(found) == pytest.approx(float(product), rel=1e-9)
    if exact:
        assert brief(parse) == oracle.preferred(oracle.root)
    return "ambiguous" if is_ambiguous else "unambiguous"


def check_derivation(oracle: Oracle, root: Parse) -> None:
    """The parts are those of the alternatives, and the tokens are those of the text, one after the other."""
    assert oracle.alternatives[root.alternative].symbol == "S"
    place, stack = oracle.first, [("S", root)]
    while stack:
        name, part = stack.pop()
        if isinstance(part, Parse):
            alternative = oracle.alternatives[part.alternative]
            assert alternative.symbol == name
            tokens = [p for node in nodes(part) for p in node.parts if isinstance(p, tuple)]
            assert part.start == (min(tokens)[0] if tokens else part.end)
            assert part.end == (max(tokens)[1] if tokens else part.start)
            stack += reversed(list(zip(alternative.parts, part.parts, strict=True)))
        else:
            token = oracle.token(name, part[0])
            assert token
            assert part == (place, token[0])
            place = token[1]
    assert place == len(oracle.text)


@st.composite
def grammars(draw: st.DrawFn, weights: Sequence[float]) -> list[Alternative]:
    symbols = SYMBOLS[: draw(st.integers(1, 4))]
    part = st.sampled_from(symbols + symbols + list(TERMINALS))
    alternative = st.tuples(st.lists(part, max_size=3), st.sampled_from(weights))
    found = []
    for symbol in symbols:
        for parts, weight in draw(st.lists(alternative, min_size=1, max_size=3)):
            found.append(Alternative(symbol, tuple(parts), weight))
    return found


@settings(max_examples=300, deadline=None)
@given(grammars([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.sampled_from(["", " "]), st.randoms(use_true_random=False))
def test_the_best_derivation_is_found(alternatives: list[Alternative], blank: str, random: Random) -> None:
    text = sentence(random, alternatives, blank)
    event(check(alternatives, blank, text, exact=False))


@settings(max_examples=300, deadline=None)
@given(grammars([0.0, 0.25, 0.5]), st.text("ab( ", max_size=6), st.randoms(use_true_random=False))
def test_ties_are_broken_by_order_and_then_by_length(
    alternatives: list[Alternative], text: str, random: Random
) -> None:
    event(check(alternatives, " ", text, exact=True))
    event(check(alternatives, " ", sentence(random, alternatives, " "), exact=True))


@pytest.mark.parametrize("seed", range(4))
def test_drawn_grammars(seed: int) -> None:
    """Hypothesis shrinks what it finds; plain draws reach more, and denser, grammars in the same time."""
    random = Random(seed)
    for _ in range(1000):
        exact = random.random() < 0.5
        weights = [0.0, 0.25, 0.5] if exact else [0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.0]
        symbols = SYMBOLS[: random.randint(1, 4)]
        alternatives = []
        for symbol in symbols:
            for _ in range(random.randint(1, 3)):
                size = random.choice([0, 1, 1, 2, 2, 3])
                parts = random.choices([*symbols, *symbols, *TERMINALS], k=size)
                alternatives.append(Alternative(symbol, tuple(parts), random.choice(weights)))
        blank = random.choice(["", " "])
        check(alternatives, blank, sentence(random, alternatives, blank), exact)


# --- By hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "text", "tree", "is_ambiguous"),
    [
        ("S: x", "x", "0(0-1)", False),
        ("S: S x | x", "xx", "0(1(0-1) 1-2)", False),
        ("S: x S | ", "xx", "0(0-1 0(1-2 1()))", False),
        ("S: x y", "  x  y ", "0(2-3 5-6)", False),
        # the probability decides, whatever the order
        ("S: A 0.1 | B 0.9\nA: x\nB: x", "x", "1(3(0-1))", True),
        ("S: A 0.9 | B 0.1\nA: x 0.1\nB: x 1", "x", "1(3(0-1))", True),
        ("S: A 1 | B 0.5\nA: x 0 | A x 0.5\nB: x 0.001", "x", "1(4(0-1))", True),
        # ties: the alternative that comes first, then the longest left part
        ("S: B 0.5 | A 0.5\nA: x\nB: x", "x", "0(3(0-1))", True),
        ("S: S S 0.5 | x 0.5", "xxx", "0(0(1(0-1) 1(1-2)) 1(2-3))", True),
        ("S: A A 0.5\nA: x 0.5 | x x 0.5 | 0.5", "xx", "0(2(0-1 1-2) 3())", True),
        # 0.7 * 0.3 * 0.1 and 0.1 * 0.7 * 0.3 differ in floating point
        ("S: A B 0.1 | C D 0.7\nA: x 0.7\nB: y 0.3\nC: x 0.3\nD: y 0.1", "xy", "0(2(0-1) 3(1-2))", True),
        # circles
        ("S: A 1 | x 0.5\nA: S 1", "x", "1(0-1)", True),
        ("S: A 1\nA: S 1 | B 1\nB: x", "x", "0(2(3(0-1)))", True),
        ("S: S S 1 | A 1\nA: S 0.1 | x 0.5 | 0.5", "", "1(4())", True),
        ("S: S S 1 | x 1 | 1", "x", "1(0-1)", True),
        ("S: B 0.9 | A 0.01\nA: B 0.5 | x 0.5\nB: A 0.9 | x 0.001", "x", "0(4(3(0-1)))", True),
        # empty parts
        ("S: A B A\nA: | x\nB: | y", "y", "0(1() 4(0-1) 1())", False),
        ("S: A A x\nA: B\nB:", "x", "0(1(2()) 1(2()) 0-1)", False),
        ("S: A x\nA: B B 0.5 | 0.1\nB: 0.5", "x", "0(1(3() 3()) 0-1)", True),
    ],
)
def test_small_texts(rules: str, text: str, tree: str, is_ambiguous: bool) -> None:
    parse, found = parser(rules).parse_all(text)
    assert (brief(parse), found) == (tree, is_ambiguous)


def test_a_node_runs_from_its_first_token_to_the_end_of_its_last() -> None:
    parse = parser("S: ( A ) B\nA: x E\nE:\nB:").parse(" ( x  ) ")
    assert (parse.start, parse.end) == (1, 7)
    inner, last = parse.parts[1], parse.parts[3]
    assert isinstance(inner, Parse)
    assert isinstance(last, Parse)
    assert (inner.start, inner.end) == (3, 4)
    assert (last.start, last.end) == (8, 8)


def test_terminals_are_read_greedily_and_only_where_the_grammar_has_them() -> None:
    tested = parser("S: name | number unit", name=r"[a-z]\w*", number=r"\d+", unit="[a-z]+")
    assert brief(tested.parse("12 px")) == "1(0-2 3-5)"
    assert brief(tested.parse("px12")) == "0(0-4)"
    assert brief(tested.parse("12px")) == "1(0-2 2-4)"
    with pytest.raises(Unparsed):
        parser("S: as x", ["z*"], **{"as": "[ax]+"}).parse("aax")


def test_a_pattern_that_matches_the_empty_text_matches_nothing_there() -> None:
    tested = parser("S: ds x", [" *", "#*"], ds=r"\d*")
    assert brief(tested.parse(" # 1# # x")) == "0(3-4 8-9)"
    with pytest.raises(Unparsed) as caught:
        tested.parse("x")
    assert (caught.value.offset, caught.value.expected) == (0, {"ds"})


@pytest.mark.parametrize(
    ("text", "offset", "expected", "may_end"),
    [
        ("", 0, "f x", False),
        ("  ", 2, "f x", False),
        (" y", 1, "f x", False),
        ("f(x", 3, ", )", False),
        ("f(x, x)", 5, "f", False),
        ("f( x  x )", 6, ", )", False),
        ("x  ", 3, "+", False),
        ("x + x  ) ", 7, "+", True),
        ("f(x) + f(x)  f", 13, "+", True),
        ("f(x) g", 5, "+", True),
    ],
)
def test_unparsed_says_where_and_what_could_stand_there(text: str, offset: int, expected: str, may_end: bool) -> None:
    tested = parser("S: E | x + S | F + S\nE: F | x + x\nF: f ( A )\nA: x | x , F")
    with pytest.raises(Unparsed) as caught:
        tested.parse(text)
    assert (caught.value.offset, caught.value.may_end) == (offset, may_end)
    assert caught.value.expected == set(expected.split())


def test_a_wrong_grammar_is_refused() -> None:
    with pytest.raises(ValueError, match="the weight of"):
        EarleyParser([Alternative("S", (), 1.5)], {}, [], "S")
    with pytest.raises(ValueError, match="the weight of"):
        EarleyParser([Alternative("S", (), float("nan"))], {}, [], "S")
    with pytest.raises(ValueError, match=r"'x' in .* is neither"):
        EarleyParser([Alternative("S", ("x",), 1.0)], {}, [], "S")
    with pytest.raises(ValueError, match="'S' is both"):
        EarleyParser([Alternative("S", (), 1.0)], {"S": "x"}, [], "S")
    with pytest.raises(ValueError, match="'T' has no alternatives"):
        EarleyParser([Alternative("S", (), 1.0)], {}, [], "T")
    with pytest.raises(re.error):
        EarleyParser([Alternative("S", ("x",), 1.0)], {"x": "("}, [], "S")


# --- Lark -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "parsers"),
    [
        ('s: e\ne: e "+" t | t\nt: "x" | "(" e ")"', ["lalr", "earley"]),
        ('s: "x" s "x" | "+" | "x"', ["earley"]),
        ('s: s s "+" | "x" | "(" s ")"', ["earley"]),
        ('s: "x" t | "+" "x"\nt: | "(" s ")" t', ["lalr", "earley"]),
    ],
)
def test_lark_accepts_the_same_texts(rules: str, parsers: list[str]) -> None:
    ours = parser(rules.replace('"', "").replace("s:", "S:").replace(" s", " S"))
    theirs = [lark.Lark(rules, start="s", parser=name) for name in parsers]
    accepted = 0
    for text in map("".join, itertools.chain(*(itertools.product("x+()", repeat=n) for n in range(6)))):
        found = is_sentence(ours.parse, text, Unparsed)
        accepted += found
        assert [is_sentence(other.parse, text, lark.exceptions.LarkError) for other in theirs] == [found] * len(theirs)
    assert accepted > 3


def is_sentence(parse: object, text: str, error: type[Exception]) -> bool:
    assert callable(parse)
    try:
        parse(text)
    except error:
        return False
    return True


# --- Long, deep and ambiguous texts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "text", "count"),
    [
        ("S: S x | x", "x " * 10_000, 10_000),
        ("S: x S | x", "x " * 10_000, 10_000),
        ("S: x S |", "x " * 10_000, 10_001),
        ("S: ( L )\nL: x , L | x", "(" + "x, " * 9_999 + "x)", 10_001),
        ("S: ( S ) | x", "(" * 10_000 + "x" + ")" * 10_000, 10_001),
        ("S: seq ( S , S ) | relu | norm", "seq(" * 5_000 + "relu" + ", norm)" * 5_000, 10_001),
        ("S: seq ( S , S ) | relu | norm", "seq(norm, " * 5_000 + "relu" + ")" * 5_000, 10_001),
    ],
)
def test_long_and_deep_texts_take_linear_work(
    rules: str, text: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earley, "MOST_ITEMS", 16 * count)
    parse, is_ambiguous = parser(rules).parse_all(text)
    assert sum(1 for _ in nodes(parse)) == count
    assert not is_ambiguous


def test_sixty_words_of_a_net_lean_to_the_left() -> None:
    parse, is_ambiguous = parser("net: net net 0.5 | x 0.5").parse_all("x " * 60)
    assert is_ambiguous
    words, node = 60, parse
    while len(node.parts) == 2:
        left, right = node.parts
        assert isinstance(left, Parse)
        assert isinstance(right, Parse)
        assert right.alternative == 1
        words, node = words - 1, left
    assert words == 1


def test_the_most_probable_of_very_many_is_found() -> None:
    tested = parser("net: net , net 0.1 | net ; net 0.2 | pair 0.5 | x 0.2\npair: x , x 0.9")
    parse = tested.parse("x, x; " * 20 + "x, x, x")
    used = [node.alternative for node in nodes(parse)]
    assert [used.count(n) for n in range(5)] == [1, 20, 21, 1, 21]


def test_too_much_work_is_given_up_early() -> None:
    tested, text = parser("net: net net 0.5 | x 0.5"), "x " * 5_000
    tracemalloc.start()
    try:
        with pytest.raises(TooMuchWork):
            tested.parse(text)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


def test_an_empty_text_with_a_huge_tree_is_too_much_work() -> None:
    rules = [f"A{n}: A{n + 1} A{n + 1} 0.5" for n in range(300)]
    tested = parser("\n".join(["S: x A0 | y A290 0.5 | x 0.5", *rules, "A300: 0.5"]))
    assert sum(1 for _ in nodes(tested.parse("y"))) == 2**11
    assert brief(tested.parse("x")) == "2(0-1)"
    with pytest.raises(TooMuchWork):
        parser("\n".join(["S: x A0", *rules, "A300: 0.5"])).parse("x")


@pytest.mark.parametrize("order", [1, -1])
def test_long_chains_of_rules_are_quick_in_any_order(order: int) -> None:
    rules = [Alternative(f"A{n}", (f"A{n + 1}",), 1.0) for n in range(5_000)]
    rules += [Alternative("A5000", ("x", "S"), 1.0), Alternative("S", ("A0",), 1.0), Alternative("S", (), 1.0)]
    parse = EarleyParser(rules[::order], {"x": "x"}, [], "S").parse("xx")
    assert sum(1 for _ in nodes(parse)) == 2 * 5_002 + 1
