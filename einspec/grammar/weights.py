"""Weights: what ``//%`` at the end of a line says of the alternatives that end on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from einspec.grammar.problems import Problems
from einspec.grammar.syntax import Alternative, Definition
from einspec.grammar.tokens import Annotation
from einspec.text import plural

_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})(/\d{1,30}(\.\d{1,30})?|[eE][+-]?\d{1,2})?")
_SLACK = Fraction(1, 10**9)
_MOST_DEPTHS = 100

ByDepth = tuple[Fraction, ...]
"""Weights at depth 1, 2, ...; the last one holds further down."""

_LATER = {
    "?": "the weight of an optional part",
    "*": "the weight of a repetition",
    "range": "a numeric range",
    "log": "a logarithmic grid",
}


class Weights:
    """The weights of a file, by the line that they stand on."""

    def __init__(self, annotations: Sequence[Annotation], problems: Problems):
        self.problems = problems
        self.unused = {self._line(a.start): a for a in annotations if not a.alone}
        self.used: set[int] = set()

    def of(self, definition: Definition) -> tuple[Fraction, ...]:
        """The probability of each alternative: written, or an equal share of what is left.

        Problems are noted at their place; the answer then stands in for the right one.
        """
        return tuple(weights[0] for weights in self.by_depth(definition))

    def by_depth(self, definition: Definition) -> tuple[ByDepth, ...]:
        """As :meth:`of`, at depth 1, 2, ... of the tree; the last one holds further down."""
        written: list[ByDepth | None] = []
        by_line: dict[int, list[Alternative]] = {}
        for alternative in definition.alternatives:
            by_line.setdefault(self._line(alternative.end), []).append(alternative)
        for line, alternatives in by_line.items():
            written += self._line_weights(definition, line, alternatives)
        depths = max((len(weights) for weights in written if weights is not None), default=1)
        columns = []
        for depth in range(depths):
            column = [None if weights is None else weights[min(depth, len(weights) - 1)] for weights in written]
            columns.append(self._complete(definition, column, depth + 1 if depths > 1 else None))
        return tuple(_shortest(weights) for weights in zip(*columns, strict=True))

    def check_all_used(self) -> None:
        """Notes an error for every annotation that belongs to no alternative."""
        for line, annotation in self.unused.items():
            if line not in self.used:
                self.problems.error(
                    "E301",
                    annotation.start,
                    annotation.start + 3 + len(annotation.text),
                    "no alternative ends on this line, so the weight belongs to none",
                    "write it at the end of the alternative's last line",
                )

    def _line(self, offset: int) -> int:
        return self.problems.source.line_column(offset)[0]

    def _line_weights(self, definition: Definition, line: int, alternatives: list[Alternative]) -> list[ByDepth | None]:
        annotation = self.unused.get(line)
        nothing: list[ByDepth | None] = [None] * len(alternatives)
        if annotation is None:
            return nothing
        self.used.add(line)
        end = annotation.start + 3 + len(annotation.text)
        words = annotation.text.split()
        is_per_depth = words[:1] == ["depth"]
        weights: list[Fraction] = []
        for word in words[is_per_depth:]:
            weight = self._number(word, annotation, end)
            if weight is None:
                return nothing
            weights.append(weight)
        if is_per_depth:
            return (
                [tuple(weights)] if self._may_be_per_depth(definition, alternatives, weights, annotation) else nothing
            )
        if weights and len(weights) != len(alternatives):
            self.problems.error(
                "E301",
                annotation.start,
                end,
                f"{plural(len(weights), 'weight')} for {plural(len(alternatives), 'alternative')} "
                f"that end{'s' if len(alternatives) == 1 else ''} on this line",
                "write one weight per alternative, in order, or none",
            )
            return nothing
        return [(weight,) for weight in weights] or nothing

    def _may_be_per_depth(
        self, definition: Definition, alternatives: list[Alternative], weights: list[Fraction], annotation: Annotation
    ) -> bool:
        """Whether weights per depth can stand where they do; if not, the problem is noted."""
        if definition.is_terminal:
            message = f"{definition.name} is a terminal, and weights per depth belong to rules"
            advice = "give each value one weight"
        elif len(alternatives) > 1:
            message = f"weights per depth belong to one alternative, and {len(alternatives)} end on this line"
            advice = "give each alternative a line of its own"
        elif not weights:
            message, advice = (
                "no weights after depth",
                "write one for each depth of the tree, as in   depth 0.1 0.2 0.32",
            )
        elif len(weights) > _MOST_DEPTHS:
            message, advice = f"{len(weights)} weights per depth", f"write at most {_MOST_DEPTHS}; the last one repeats"
        else:
            return True
        self.problems.error("E301", annotation.start, annotation.start + 3 + len(annotation.text), message, advice)
        return False

    def _number(self, word: str, annotation: Annotation, end: int) -> Fraction | None:
        for mark, meaning in _LATER.items():
            if word.startswith(mark):
                self.problems.error(
                    "E102", annotation.start, end, f"{meaning} ({word}) is not supported yet", "write plain weights"
                )
                return None
        if not _NUMBER.fullmatch(word):
            self.problems.error(
                "E301", annotation.start, end, f"{word!r} is not a weight", "write a decimal or a fraction: 0.25, 1/4"
            )
            return None
        numerator, _, denominator = word.partition("/")
        below = Fraction(denominator) if denominator else Fraction(1)
        if below == 0 or Fraction(numerator) < 0:
            self.problems.error(
                "E301", annotation.start, end, f"{word} is not a probability", "write a number from 0 to 1"
            )
            return None
        return Fraction(numerator) / below

    def _complete(
        self, definition: Definition, written: list[Fraction | None], depth: int | None
    ) -> tuple[Fraction, ...]:
        total = sum((weight for weight in written if weight is not None), Fraction(0))
        missing = written.count(None)
        start, end = definition.start, definition.end
        name = definition.name
        where = "" if depth is None else f" at depth {depth}"
        if total > 1 + _SLACK:
            self.problems.error(
                "E302",
                start,
                end,
                f"the weights of {name} add up to {float(total):.12g}{where}",
                "they must add up to 1",
            )
        elif not missing and abs(total - 1) > _SLACK:
            self.problems.error(
                "E302",
                start,
                end,
                f"the weights of {name} add up to {float(total):.12g}{where}",
                "they must add up to 1; an alternative without a weight takes what is left",
            )
        elif missing and 1 - total <= _SLACK:
            self.problems.warning(
                "W504",
                start,
                end,
                f"the weights of {name} leave nothing for its {plural(missing, 'alternative')} without one{where}",
                "these are parsed and never drawn; write 0 to say so",
            )
        share = max(Fraction(0), 1 - total) / missing if missing else Fraction(0)
        return tuple(share if weight is None else weight for weight in written)


def _shortest(weights: ByDepth) -> ByDepth:
    """The weights without repeats of the last one."""
    count = len(weights)
    while count > 1 and weights[count - 1] == weights[count - 2]:
        count -= 1
    return weights[:count]
