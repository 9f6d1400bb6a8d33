"""Weights: what ``//%`` at the end of a line says of the alternatives that end on it, and of their operators."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from einspec.grammar.model.ops import GuardText
from einspec.grammar.model.problems import Problems
from einspec.grammar.syntax.tokens import Annotation
from einspec.grammar.syntax.tree import Alternative, Definition, Expression
from einspec.text import plural

NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})(/\d{1,30}(\.\d{1,30})?|[eE][+-]?\d{1,2})?")
_SLACK = Fraction(1, 10**9)
_MOST_DEPTHS = 100
_HALF = Fraction(1, 2)

ByDepth = tuple[Fraction, ...]
"""Weights at depth 1, 2, ...; the last one holds further down."""
Span = tuple[int, int]

MARKS = {"?": "an optional part", "*": "a repetition"}
GRIDS = ("range", "log")


@dataclass(slots=True)
class Line:
    """What ends on one line of a definition: alternatives, and the operators that weights can be given to."""

    alternatives: list[Alternative] = field(default_factory=list)
    operators: dict[str, list[Expression]] = field(default_factory=lambda: {mark: [] for mark in MARKS})


class Weights:
    """The weights of a file, by the line that they stand on."""

    def __init__(self, annotations: Sequence[Annotation], problems: Problems):
        self.problems = problems
        self.unused = {self._line(a.start): a for a in annotations if not a.alone}
        self.used: set[int] = set()
        self.read: set[int] = set()
        self.written: dict[Span, ByDepth] = {}
        self.odds: dict[Span, Fraction] = {}
        self.guards: dict[Span, GuardText] = {}

    def by_depth(self, definition: Definition) -> tuple[ByDepth, ...]:
        """The probability of each alternative, written or an equal share of what is left, at depth 1, 2, ... of the
        tree; the last one holds further down.

        Problems are noted at their place; the answer then stands in for the right one.
        """
        self._read(definition)
        return self._shared(definition.alternatives, definition.name, (definition.start, definition.end))

    def of(self, definition: Definition) -> tuple[Fraction, ...]:
        """As :meth:`by_depth`, for what has one depth."""
        return tuple(weights[0] for weights in self.by_depth(definition))

    def extended(self, known: tuple[ByDepth, ...], extension: Definition) -> tuple[ByDepth, ...]:
        """The weights after ``%extend``: new alternatives take theirs, 1/n each of n in all unless it is written, and
        scale the others.
        """
        self._read(extension)
        share = Fraction(1, len(known) + len(extension.alternatives))
        new = [self.written.get(_span(alternative), (share,)) for alternative in extension.alternatives]
        depths = max(map(len, (*known, *new)))
        columns = []
        for depth in range(depths):
            added = [at_depth(weights, depth) for weights in new]
            rest = 1 - sum(added)
            if rest < -_SLACK:
                self.problems.error(
                    "E302",
                    extension.start,
                    extension.end,
                    f"the new alternatives of {extension.name} have the weight {float(sum(added)):.12g}",
                    "they must have at most 1; the others are scaled by what is left",
                )
            columns.append([at_depth(weights, depth) * max(rest, Fraction(0)) for weights in known] + added)
        return tuple(shortest(weights) for weights in zip(*columns, strict=True))

    def is_written(self, alternative: Alternative) -> bool:
        """Whether an alternative has a weight of its own; its definition has been read."""
        return _span(alternative) in self.written

    def guard_of(self, alternative: Alternative) -> GuardText | None:
        """The condition of an alternative; its definition has been read."""
        return self.guards.get(_span(alternative))

    def of_group(self, group: Expression) -> tuple[Fraction, ...]:
        """The probability of each alternative of a group; its definition has been read."""
        weights = self._shared(group.alternatives, "this group", (group.start, group.end))
        return tuple(by_depth[0] for by_depth in weights)

    def odds_of(self, operator: Expression) -> Fraction:
        """The probability that an optional part is there, or that a repetition goes on."""
        return self.odds.get(_span(operator), _HALF)

    def has_odds(self, operator: Expression) -> bool:
        """Whether the probability of an operator is written."""
        return _span(operator) in self.odds

    def grid(self, definition: Definition) -> Annotation | None:
        """The ``range`` or ``log`` that gives a terminal its values."""
        line = self._line(definition.end)
        annotation = self.unused.get(line)
        if annotation is None or annotation.text.split()[:1] not in [[word] for word in GRIDS]:
            return None
        self.used.add(line)
        return annotation

    def check_all_used(self) -> None:
        """Notes an error for every annotation that belongs to no alternative."""
        for line, annotation in self.unused.items():
            if line not in self.used:
                self._error(
                    annotation,
                    "no alternative ends on this line, so the weight belongs to none",
                    "write it at the end of the alternative's last line",
                )

    def _line(self, offset: int) -> int:
        return self.problems.source.line_column(offset)[0]

    def _read(self, definition: Definition) -> None:
        """Notes what is written of a definition's alternatives and operators, once."""
        if definition.start in self.read:
            return
        self.read.add(definition.start)
        for number, line in self.lines(definition).items():
            annotation = self.unused.get(number)
            if annotation is not None and number not in self.used:
                self.used.add(number)
                self._read_line(definition, line, annotation)

    def lines(self, definition: Definition) -> dict[int, Line]:
        """What ends on each line of a definition."""
        lines: dict[int, Line] = {}
        self._collect(definition.alternatives, None, lines)
        return lines

    def _collect(self, alternatives: Sequence[Alternative], around: int | None, lines: dict[int, Line]) -> None:
        """Alternatives and operators by the line that they end on; an alternative within one that ends there too has
        no weight of its own.
        """
        for alternative in alternatives:
            number = self._line(alternative.end)
            line = lines.setdefault(number, Line())
            if number != around:
                line.alternatives.append(alternative)
            for expression in alternative.items:
                for piece in _pieces(expression):
                    mark = mark_of(piece)
                    if mark:
                        line.operators[mark].append(piece)
                    self._collect(piece.alternatives, number, lines)

    def _read_line(self, definition: Definition, line: Line, annotation: Annotation) -> None:
        words = annotation.text.split()
        if annotation.guard is not None:
            self._note_guard(definition, line.alternatives, annotation)
        for mark, meaning in MARKS.items():
            given = [word[1:] for word in words if word.startswith(mark)]
            operators = line.operators[mark]
            if given and len(given) != len(operators):
                self._error(
                    annotation,
                    f"{plural(len(given), 'weight')} with {mark} for {plural(len(operators), 'operator')} of this kind",
                    f"write one for each of them in order, or none; {mark} is for {meaning}",
                )
                continue
            for word, operator in zip(given, operators, strict=False):
                self._note_odds(mark, word, operator, annotation)
        rest = [word for word in words if word[0] not in MARKS]
        if rest:
            self._read_plain(definition, line.alternatives, rest, annotation)

    def _note_guard(self, definition: Definition, alternatives: list[Alternative], annotation: Annotation) -> None:
        """The condition of the alternative that ends on a line; there must be one, and of a rule."""
        if definition.is_terminal:
            message, advice = f"{definition.name} is a terminal, and guards belong to rules", "leave it out"
        elif len(alternatives) != 1:
            message = f"a guard belongs to one alternative, and {len(alternatives)} end on this line"
            advice = "give each alternative a line of its own"
        elif alternatives[0] not in definition.alternatives:
            message = "a guard belongs to an alternative of a rule, and this is one of a group"
            advice = "make the group a rule"
        else:
            source = self.problems.source
            self.guards[_span(alternatives[0])] = GuardText(source, str(annotation.guard), annotation.guard_start)
            return
        start = annotation.guard_start
        self.problems.error("E406", start, start + max(len(str(annotation.guard)), 1), message, advice)

    def _note_odds(self, mark: str, word: str, operator: Expression, annotation: Annotation) -> None:
        odds = self._number(word, annotation, mark + word)
        if odds is None:
            return
        if odds > 1 or (mark == "*" and odds == 1):
            why = "is larger than 1" if odds > 1 else "would go on for ever"
            self._error(annotation, f"{mark}{word} {why}", "write a probability" + (" below 1" if mark == "*" else ""))
            return
        self.odds[_span(operator)] = odds

    def _read_plain(
        self, definition: Definition, alternatives: list[Alternative], words: list[str], annotation: Annotation
    ) -> None:
        is_per_depth = words[0] == "depth"
        if words[0] in GRIDS:
            self._error(
                annotation,
                f"{words[0]} gives values to a terminal that is one regular expression",
                f"as in   N: /[0-9]+/  //% {words[0]} 1..64" + (" in 7" if words[0] == "log" else ""),
            )
            return
        weights = []
        for word in words[is_per_depth:]:
            weight = self._number(word, annotation, word)
            if weight is None:
                return
            weights.append(weight)
        if is_per_depth:
            if self._may_be_per_depth(definition, alternatives, weights, annotation):
                self.written[_span(alternatives[0])] = tuple(weights)
        elif len(weights) != len(alternatives):
            self._error(
                annotation,
                f"{plural(len(weights), 'weight')} for {plural(len(alternatives), 'alternative')} "
                f"that end{'s' if len(alternatives) == 1 else ''} on this line",
                "write one weight per alternative, in order, or none",
            )
        else:
            self.written.update(
                (_span(alternative), (weight,)) for alternative, weight in zip(alternatives, weights, strict=True)
            )

    def _may_be_per_depth(
        self, definition: Definition, alternatives: list[Alternative], weights: list[Fraction], annotation: Annotation
    ) -> bool:
        """Whether weights per depth can stand where they do; if not, the problem is noted."""
        if definition.is_terminal:
            message = f"{definition.name} is a terminal, and weights per depth belong to rules"
            advice = "give each value one weight"
        elif len(alternatives) != 1:
            message = f"weights per depth belong to one alternative, and {len(alternatives)} end on this line"
            advice = "give each alternative a line of its own"
        elif alternatives[0] not in definition.alternatives:
            message = "weights per depth belong to an alternative of a rule, and this is one of a group"
            advice = "make the group a rule"
        elif not weights:
            message = "no weights after depth"
            advice = "write one for each depth of the tree, as in   depth 0.1 0.2 0.32"
        elif len(weights) > _MOST_DEPTHS:
            message, advice = f"{len(weights)} weights per depth", f"write at most {_MOST_DEPTHS}; the last one repeats"
        else:
            return True
        self._error(annotation, message, advice)
        return False

    def _number(self, word: str, annotation: Annotation, shown: str) -> Fraction | None:
        if not NUMBER.fullmatch(word):
            self._error(annotation, f"{shown!r} is not a weight", "write a decimal or a fraction: 0.25, 1/4")
            return None
        numerator, _, denominator = word.partition("/")
        below = Fraction(denominator) if denominator else Fraction(1)
        if below == 0 or Fraction(numerator) < 0:
            self._error(annotation, f"{shown} is not a probability", "write a number from 0 to 1")
            return None
        return Fraction(numerator) / below

    def _error(self, annotation: Annotation, message: str, advice: str) -> None:
        self.problems.error("E301", annotation.start, annotation.end, message, advice)

    def _shared(self, alternatives: Sequence[Alternative], name: str, span: Span) -> tuple[ByDepth, ...]:
        """What is written, and for the others equal shares of what is left, at each depth."""
        written = [self.written.get(_span(alternative)) for alternative in alternatives]
        depths = max((len(weights) for weights in written if weights is not None), default=1)
        columns = []
        for depth in range(depths):
            column = [None if weights is None else at_depth(weights, depth) for weights in written]
            columns.append(self._complete(name, span, column, depth + 1 if depths > 1 else None))
        return tuple(shortest(weights) for weights in zip(*columns, strict=True))

    def _complete(
        self, name: str, span: Span, written: list[Fraction | None], depth: int | None
    ) -> tuple[Fraction, ...]:
        total = sum((weight for weight in written if weight is not None), Fraction(0))
        missing = written.count(None)
        where = "" if depth is None else f" at depth {depth}"
        found = f"the weights of {name} add up to {float(total):.12g}{where}"
        if total > 1 + _SLACK:
            self.problems.error("E302", *span, found, "they must add up to 1")
        elif not missing and abs(total - 1) > _SLACK:
            advice = "they must add up to 1; an alternative without a weight takes what is left"
            self.problems.error("E302", *span, found, advice)
        elif missing and 1 - total <= _SLACK:
            self.problems.warning(
                "W504",
                *span,
                f"the weights of {name} leave nothing for its {plural(missing, 'alternative')} without one{where}",
                "these are parsed and never drawn; write 0 to say so",
            )
        share = max(Fraction(0), 1 - total) / missing if missing else Fraction(0)
        return tuple(share if weight is None else weight for weight in written)


def _span(node: Alternative | Expression) -> Span:
    return node.start, node.end


def _pieces(expression: Expression) -> Iterator[Expression]:
    """An expression and, where it is a repetition, what is repeated."""
    yield expression
    if expression.inner is not None:
        yield from _pieces(expression.inner)


def mark_of(expression: Expression) -> str:
    """What weights of an operator begin with; nothing where it has none."""
    if expression.kind == "optional":
        return "?"
    return {"?": "?", "*": "*", "+": "*"}.get(expression.text, "") if expression.kind == "repeat" else ""


def at_depth(weights: ByDepth, depth: int) -> Fraction:
    return weights[min(depth, len(weights) - 1)]


def shortest(weights: Sequence[Fraction]) -> ByDepth:
    """The weights without repeats of the last one."""
    count = len(weights)
    while count > 1 and weights[count - 1] == weights[count - 2]:
        count -= 1
    return tuple(weights[:count])
