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

_LATER = {
    "?": "the weight of an optional part",
    "*": "the weight of a repetition",
    "depth": "a weight per depth",
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
        written: list[Fraction | None] = []
        by_line: dict[int, list[Alternative]] = {}
        for alternative in definition.alternatives:
            by_line.setdefault(self._line(alternative.end), []).append(alternative)
        for line, alternatives in by_line.items():
            written += self._line_weights(line, alternatives)
        return self._complete(definition, written)

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

    def _line_weights(self, line: int, alternatives: list[Alternative]) -> list[Fraction | None]:
        annotation = self.unused.get(line)
        nothing: list[Fraction | None] = [None] * len(alternatives)
        if annotation is None:
            return nothing
        self.used.add(line)
        end = annotation.start + 3 + len(annotation.text)
        weights: list[Fraction | None] = []
        for word in annotation.text.split():
            weight = self._number(word, annotation, end)
            if weight is None:
                return nothing
            weights.append(weight)
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
        return weights or nothing

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

    def _complete(self, definition: Definition, written: list[Fraction | None]) -> tuple[Fraction, ...]:
        total = sum((weight for weight in written if weight is not None), Fraction(0))
        missing = written.count(None)
        start, end = definition.start, definition.end
        name = definition.name
        if total > 1 + _SLACK:
            self.problems.error(
                "E302", start, end, f"the weights of {name} add up to {float(total):.12g}", "they must add up to 1"
            )
        elif not missing and abs(total - 1) > _SLACK:
            self.problems.error(
                "E302",
                start,
                end,
                f"the weights of {name} add up to {float(total):.12g}",
                "they must add up to 1; an alternative without a weight takes what is left",
            )
        elif missing and 1 - total <= _SLACK:
            self.problems.warning(
                "W504",
                start,
                end,
                f"the weights of {name} leave nothing for its {plural(missing, 'alternative')} without one",
                "these are parsed and never drawn; write 0 to say so",
            )
        share = max(Fraction(0), 1 - total) / missing if missing else Fraction(0)
        return tuple(share if weight is None else weight for weight in written)
