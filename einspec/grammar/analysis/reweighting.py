"""Reweighting: a grammar file with other weights, everything else in it as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import Rule, RuleSet
from einspec.grammar.syntax.parser import parse_syntax
from einspec.grammar.syntax.tokens import Annotation, tokenize
from einspec.grammar.syntax.tree import Alternative, Definition, Expression
from einspec.grammar.syntax.weights import MARKS, NUMBER, ByDepth, Line, Weights, at_depth, mark_of, shortest
from einspec.text import Source, did_you_mean, listing


def reweighted_text(grammar: RuleSet, changes: Mapping[str, Any]) -> str:
    """The text of a grammar with other weights; see :meth:`Grammar.reweighted`."""
    if not isinstance(changes, Mapping) or not all(isinstance(name, str) for name in changes):
        raise TypeError("expected weights by name, as in {'module: computation': 0.4}")
    file = _File(grammar)
    for name, value in changes.items():
        file.change(name, value)
    return file.text()


@dataclass(slots=True)
class _Places:
    """What can be given a weight in one definition, by the words that name it."""

    definition: Definition
    lines: dict[int, Line]
    alternatives: dict[str, Alternative]
    operators: dict[str, Expression]
    weights: dict[Alternative, ByDepth]
    """As they are, and then as they shall be."""
    written: set[Alternative]
    odds: dict[Expression, Fraction]
    """Of those that are written."""
    named: set[Alternative] = field(default_factory=set)
    is_changed: bool = False


class _File:
    """A grammar file whose weights are changed."""

    def __init__(self, grammar: RuleSet):
        self.grammar = grammar
        problems = Problems(grammar.source)
        tokens, annotations = tokenize(grammar.source, problems)
        tree = parse_syntax(grammar.source, tokens, problems)
        self.weights = Weights(annotations, problems)
        self.annotations = {self._line(a.start): a for a in annotations if not a.alone}
        replaced = {d.name for d in tree.definitions if d.keyword == "%override"}
        own = [d for d in tree.definitions if d.keyword == ("%override" if d.name in replaced else "")]
        self.places = {d.name: self._places(d) for d in own if not d.parameters}
        self.extended = {d.name for d in tree.definitions if d.keyword == "%extend"}

    def _line(self, offset: int) -> int:
        return self.grammar.source.line_column(offset)[0]

    def _places(self, definition: Definition) -> _Places:
        by_depth = self.weights.by_depth(definition)
        rule = self.grammar.rules.get(definition.name)
        lines = self.weights.lines(definition)
        operators = [operator for line in lines.values() for mark in MARKS for operator in line.operators[mark]]
        source = self.grammar.source.text
        return _Places(
            definition,
            lines,
            _labels(definition, rule, source),
            {source[operator.start : operator.end]: operator for operator in operators},
            dict(zip(definition.alternatives, by_depth, strict=True)),
            {alternative for alternative in definition.alternatives if self.weights.is_written(alternative)},
            {operator: self.weights.odds_of(operator) for operator in operators if self.weights.has_odds(operator)},
        )

    def change(self, name: str, value: Any) -> None:
        """Notes one change. Raises ``ValueError`` for a name that means nothing here, or a weight that is none."""
        symbol, _, label = (part.strip() for part in name.partition(":"))
        places = self.places.get(symbol)
        if places is None or symbol in self.extended:
            self._refuse_symbol(name, symbol)
        assert places is not None
        places.is_changed = True
        if not label:
            self._change_all(places, name, value)
        elif label in places.alternatives:
            alternative = places.alternatives[label]
            places.weights[alternative] = _weights(name, value)
            places.named.add(alternative)
        elif label in places.operators:
            operator = places.operators[label]
            (odds,) = _weights(name, [value])
            if mark_of(operator) == "*" and odds == 1:
                raise ValueError(f"{name}: a repetition that goes on with probability 1 has no end")
            places.odds[operator] = odds
        else:
            known = [*places.alternatives, *places.operators]
            hint = did_you_mean(label, known) or f"it has {listing(known, 'and')}"
            raise ValueError(f"{name}: {symbol} has no {label!r}; {hint}")

    def _refuse_symbol(self, name: str, symbol: str) -> None:
        if symbol in self.grammar.rules or symbol in self.extended:
            raise ValueError(
                f"{name}: {symbol} is imported or extended, and has its weights in several files: write %override, or "
                "reweight the grammar that it comes from"
            )
        hint = did_you_mean(symbol, self.places) or f"the file has {listing(self.places, 'and')}"
        raise ValueError(f"{name}: there is no {symbol}; {hint}")

    def _change_all(self, places: _Places, name: str, value: Any) -> None:
        alternatives = places.definition.alternatives
        if isinstance(value, (str, int, float, Fraction)) or len(value) != len(alternatives):
            raise ValueError(f"{name}: expected {len(alternatives)} weights, one for each alternative, not {value!r}")
        for alternative, weight in zip(alternatives, value, strict=True):
            places.weights[alternative] = _weights(name, weight)
            places.named.add(alternative)

    def text(self) -> str:
        """The text with all changes made."""
        edits: list[tuple[int, int, str]] = []
        for places in self.places.values():
            if places.is_changed:
                before = dict(
                    zip(places.definition.alternatives, self.weights.by_depth(places.definition), strict=True)
                )
                self._balance(places, before)
                edits += self._edits(places)
        text = self.grammar.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def _balance(self, places: _Places, before: Mapping[Alternative, ByDepth]) -> None:
        """The others share what is left in their old proportions."""
        if not places.named:
            return
        depths = max(map(len, places.weights.values()))
        others = [alternative for alternative in places.weights if alternative not in places.named]
        columns: dict[Alternative, list[Fraction]] = {alternative: [] for alternative in others}
        for depth in range(depths):
            taken = sum(at_depth(places.weights[alternative], depth) for alternative in places.named)
            kept = sum(at_depth(before[alternative], depth) for alternative in others)
            if taken > 1 or (taken != 1 and not kept):
                raise ValueError(f"the weights of {places.definition.name} come to {float(taken):.12g}: expected 1")
            for alternative in others:
                share = at_depth(before[alternative], depth) * (1 - taken) / kept if kept else Fraction(0)
                columns[alternative].append(share)
        for alternative, weights in columns.items():
            places.weights[alternative] = shortest(weights)

    def _edits(self, places: _Places) -> list[tuple[int, int, str]]:
        """The annotations that change, each as a replacement of a piece of the text."""
        written = self._to_write(places)
        found = []
        for number, line in places.lines.items():
            words = self._words(places, line, written)
            annotation = self.annotations.get(number)
            if words != (annotation.text.split() if annotation is not None else []):
                found.append(self._edit(number, annotation, words))
        return found

    def _to_write(self, places: _Places) -> set[Alternative]:
        """The alternatives that need a weight: those that have one, and the others unless they still share equally."""
        silent = [a for a in places.weights if a not in places.written and a not in places.named]
        is_equal = len({places.weights[alternative] for alternative in silent}) <= 1
        return set(places.weights).difference(silent if is_equal else [])

    def _words(self, places: _Places, line: Line, written: set[Alternative]) -> list[str]:
        words: list[str] = []
        own = [alternative for alternative in line.alternatives if alternative in places.weights]
        if any(alternative in written for alternative in own):
            for alternative in own:
                weights = places.weights[alternative]
                if len(weights) > 1 and len(own) > 1:
                    raise ValueError(
                        f"{places.definition.name}: weights per depth need a line for each alternative: break the line"
                    )
                words += (["depth"] if len(weights) > 1 else []) + list(map(_text, weights))
        elif not own and line.alternatives:
            words += [word for word in self._plain_words(line) if word]
        for mark in MARKS:
            operators = line.operators[mark]
            if any(operator in places.odds for operator in operators):
                words += [mark + _text(places.odds.get(operator, Fraction(1, 2))) for operator in operators]
        return words

    def _plain_words(self, line: Line) -> list[str]:
        """The weights of alternatives of a group, which stay as they are."""
        annotation = self.annotations.get(self._line(line.alternatives[0].end))
        return [word for word in annotation.text.split() if word[0] not in MARKS] if annotation is not None else []

    def _edit(self, number: int, annotation: Annotation | None, words: Sequence[str]) -> tuple[int, int, str]:
        text = self.grammar.text
        new = f"//% {' '.join(words)}"
        if annotation is not None and (words or annotation.guard is not None):
            return annotation.start, annotation.end, new.rstrip()
        start, end = self.grammar.source.line_span(number)
        if annotation is not None:
            kept = len(text[start : annotation.start].rstrip())
            return start + kept, annotation.end, ""
        line = text[start:end].rstrip()
        code = _without_comment(line)
        if code != line:  # a comment and weights cannot share a line
            indent = line[: len(line) - len(line.lstrip())]
            return start, start + len(line), f"{indent}{line[len(code) :].strip()}\n{code.rstrip()}  {new}"
        return start + len(line), start + len(line), f"  {new}"


def _labels(definition: Definition, rule: Rule | None, source: str) -> dict[str, Alternative]:
    """The words that name each alternative: its op or nonterminal, the value of a terminal; its text where that is
    taken."""
    found: dict[str, Alternative] = {}
    for index, alternative in enumerate(definition.alternatives):
        text = source[alternative.start : alternative.end]
        is_known = rule is not None and index < len(rule.productions)
        label = rule.productions[index].label if rule is not None and is_known else text.strip('"')
        found[label if label not in found else text] = alternative
    return found


def _weights(name: str, value: Any) -> ByDepth:
    """A weight, or one for each depth. Raises ``ValueError`` for what is no probability."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    found = []
    for number in values:
        try:
            if isinstance(number, bool) or not isinstance(number, (int, float, str, Fraction)):
                raise ValueError
            if isinstance(number, str) and not NUMBER.fullmatch(number):
                raise ValueError
            weight = Fraction(str(number)) if isinstance(number, float) else Fraction(number)
        except (ValueError, ZeroDivisionError, OverflowError):
            raise ValueError(f"{name}: {number!r} is not a weight: expected a number from 0 to 1") from None
        if not 0 <= weight <= 1:
            raise ValueError(f"{name}: {number} is not a probability: expected a number from 0 to 1")
        found.append(weight)
    if not found:
        raise ValueError(f"{name}: no weights: expected one, or one for each depth")
    return shortest(found)


def _text(weight: Fraction) -> str:
    """A weight as it is written: a decimal where that is exact and short, else a fraction."""
    decimal = f"{float(weight):.12g}"
    if Fraction(decimal) == weight and "e" not in decimal:
        return decimal
    if weight.denominator < 10**15:
        return f"{weight.numerator}/{weight.denominator}"
    return f"{float(weight):.15f}"


def _without_comment(line: str) -> str:
    """A line without the comment at its end: // outside of a string or a regular expression."""
    problems = Problems(Source("", line))
    tokens, _ = tokenize(problems.source, problems)
    last = max((token.end for token in tokens if token.text), default=0)
    return line[:last]
