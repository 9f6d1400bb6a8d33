"""Other weights in a grammar file: everything else in it stays as it was."""

from __future__ import annotations

import difflib
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from einspec.grammar import bundled_names, read_file, read_text

TEXT = """\
// A space of lists.
//% start net

net: "[" part* "]" -> listed   //% *0.25
   | part
part: a | b | "c" -> relu  // why not
    | "(" [part] ")" -> maybe  //% 0.1
a: "a" W -> linear //% depth 0.2 0.5
 | "z" -> norm
b: "b" -> relu
W: "16" | "32"
%ignore / +/
"""


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


CASES = [
    ({"net: part*": 0.5}, ['-net: "[" part* "]" -> listed   //% *0.25', '+net: "[" part* "]" -> listed   //% *0.5']),
    (
        {"net: listed": "1/3"},
        ['-net: "[" part* "]" -> listed   //% *0.25', '+net: "[" part* "]" -> listed   //% 1/3 *0.25'],
    ),
    ({"W: 16": 0.9}, ['-W: "16" | "32"', '+W: "16" | "32"  //% 0.9 0.1']),
    ({"W": [0.9, Fraction(1, 10)]}, ['-W: "16" | "32"', '+W: "16" | "32"  //% 0.9 0.1']),
    (
        {"part: [part]": 1},
        ['-    | "(" [part] ")" -> maybe  //% 0.1', '+    | "(" [part] ")" -> maybe  //% 0.1 ?1'],
    ),
    ({"a: linear": [0.1, 0.4]}, ['-a: "a" W -> linear //% depth 0.2 0.5', '+a: "a" W -> linear //% depth 0.1 0.4']),
    ({"a: linear": 0.3}, ['-a: "a" W -> linear //% depth 0.2 0.5', '+a: "a" W -> linear //% 0.3']),
    ({"b: relu": 1}, ['-b: "b" -> relu', '+b: "b" -> relu  //% 1']),
]


@pytest.mark.parametrize(("changes", "lines"), CASES)
def test_only_what_is_named_changes(changes, lines) -> None:
    grammar = read_text(TEXT)
    new = grammar.reweighted(changes)
    assert changed_lines(TEXT, new.to_lark()) == lines
    assert read_text(new.to_lark()) == new != grammar


def test_the_others_keep_their_proportions() -> None:
    new = read_text(TEXT).reweighted({"part: relu": Fraction(1, 2)})
    weights = [production.weights[0] for production in new.rules["part"].productions]
    assert weights == [Fraction(3, 14), Fraction(3, 14), Fraction(1, 2), Fraction(1, 14)]  # 0.3, 0.3 and 0.1 before
    assert "// why not\n" in new.to_lark()


@pytest.mark.parametrize("name", bundled_names())
def test_nothing_changes_nothing(name: str) -> None:
    grammar = read_file(name)
    assert grammar.to_lark() == grammar.text
    assert read_text(grammar.to_lark(), name) == grammar
    assert grammar.reweighted({}) == grammar


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_weights_become_what_is_asked_for(data: st.DataObject) -> None:
    """Any alternatives of einspace get any weights; the others keep their proportions; all else stays."""
    grammar = read_file("einspace")
    rule = grammar.rules[data.draw(st.sampled_from(sorted(grammar.rules)))]
    count = len(rule.productions)
    labels = [f"{rule.name}: {production.label}" for production in rule.productions]
    if len(set(labels)) < count:
        return
    chosen = data.draw(st.lists(st.sampled_from(range(count)), unique=True, max_size=count - 1))
    parts = data.draw(st.lists(st.integers(0, 1000), min_size=len(chosen), max_size=len(chosen)))
    new = {labels[index]: Fraction(part, 1000 * count) for index, part in zip(chosen, parts, strict=True)}
    old = [production.weights[0] for production in rule.productions]
    rest = sum(old[index] for index in range(count) if index not in chosen)
    if not rest:
        return
    changed = grammar.reweighted(new)
    found = [production.weights[0] for production in changed.rules[rule.name].productions]
    left = 1 - sum(new.values())
    for index in range(count):
        wanted = new[labels[index]] if index in chosen else old[index] * left / rest
        assert float(found[index]) == pytest.approx(float(wanted), abs=1e-12)
    for name, other in grammar.rules.items():
        if name != rule.name:
            mine = changed.rules[name].productions
            assert [p.weights for p in mine] == [p.weights for p in other.productions]
    strip = [line.split("//%")[0].rstrip() for line in grammar.text.splitlines()]
    assert [line.split("//%")[0].rstrip() for line in changed.text.splitlines()] == strip


REFUSED = [
    ({"prat: relu": 1}, "prat: relu: there is no prat; did you mean 'part'?"),
    ({"part: rleu": 1}, "part: rleu: part has no 'rleu'; did you mean 'relu'?"),
    ({"part: relu": 2}, "part: relu: 2 is not a probability: expected a number from 0 to 1"),
    ({"part: relu": "x"}, "part: relu: 'x' is not a weight: expected a number from 0 to 1"),
    ({"part: relu": None}, "part: relu: None is not a weight: expected a number from 0 to 1"),
    ({"part: relu": []}, "part: relu: no weights: expected one, or one for each depth"),
    ({"part": [1, 0]}, "part: expected 4 weights, one for each alternative, not [1, 0]"),
    ({"part": 1}, "part: expected 4 weights, one for each alternative, not 1"),
    ({"part: relu": 0.7, "part: a": 0.7}, "the weights of part come to 1.4: expected 1"),
    ({"W": [0.1, 0.1]}, "the weights of W come to 0.2: expected 1"),
    ({"net: part*": 1}, "net: part*: a repetition that goes on with probability 1 has no end"),
    ({"W: 16": [0.1, 0.2]}, "W: weights per depth need a line for each alternative: break the line"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_what_means_nothing_is_refused(changes, message) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_text(TEXT).reweighted(changes)


def test_imported_rules_are_reweighted_where_they_are() -> None:
    grammar = read_text('%import nasbench201 (cell, edge)\n%extend edge: "relu" -> relu\nstart: edge\n')
    with pytest.raises(ValueError, match="edge is imported or extended, and has its weights in several files"):
        grammar.reweighted({"edge: relu": 1})
