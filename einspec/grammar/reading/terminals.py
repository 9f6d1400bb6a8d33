"""Terminals: the texts that a terminal means, each with its probability; or, where these are not finitely many, a
regular expression.
"""

from __future__ import annotations

import re
from fractions import Fraction

from einspec.grammar.model.rules import Choice, Free
from einspec.grammar.reading.language import NOTHING, Language, either_case, grouped, unquoted
from einspec.grammar.reading.linking import Entry, File
from einspec.grammar.regexps.problem import MAY_BE_EMPTY, regexp_problem
from einspec.grammar.syntax.grids import grid_values
from einspec.grammar.syntax.tree import Alternative, Definition, Expression
from einspec.text import did_you_mean

_MOST_VALUES = 30_000
_MOST_VALUES_IN_ALL = 500_000
_MOST_TIMES = 1000
_MOST_HINTS = 50
"""Names that are compared with all others, to see what was meant."""
_DEEPEST = 100
_LONGEST_VALUE = 10_000
_ONE = Fraction(1)

_TRUST = "; or load a file that you trust with trusted=True"


class Terminals:
    """The terminals of a grammar, each read once. Problems are noted at their place."""

    def __init__(self, entries: dict[str, Entry]):
        self.entries = entries
        self.languages: dict[str, Language] = {}
        self.values = 0
        """Of all terminals together, those that others are made of counted again."""
        self.depth = 0
        self.checked: set[tuple[str, int]] = set()

    def item(self, expression: Expression, file: File) -> Choice | Free | None:
        """A terminal as an item of a production; None for one that is not defined."""
        language = self.of(expression, file)
        if language is None:
            return None
        start, end = expression.start, expression.end
        name = expression.text
        if not self.is_token(language, expression, file):
            return None
        is_setting = name in file.settings
        if language.pattern is not None:
            if is_setting:
                message = f"{name} is a setting, and a regular expression has no values to draw"
                advice = "list its values, or give it a range, as in   //% log 1e-4..1e-1 in 16"
                file.problems.error("E407", start, end, message, advice)
            return Free(name, language.pattern, start, end)
        values = language.values
        patterns = tuple(language.patterns.items())
        return Choice(name, tuple(values), tuple(values.values()), start, end, patterns, is_setting)

    def of(self, expression: Expression, file: File) -> Language | None:
        """What a terminal that is used means; None for one that is not defined, which is noted."""
        name = file.mangled(expression.text)
        if name not in self.entries:
            undefined(expression, file, self.entries)
            return None
        return self.named(self.entries[name], ())

    def is_token(self, language: Language, expression: Expression, file: File) -> bool:
        """Whether it can be a token: it is no empty text, and quick to match. Problems are noted once."""
        if language.is_finite and "" in language.values:
            message = f"a value of {expression.text} is empty"
            advice = f"give each value a text, and write {expression.text}? where it may be absent"
            file, start, end = self._written(expression, file)
            file.problems.error("E101", start, end, message, advice)
        if language.is_finite:
            return bool(language.values)
        pattern = language.regexp()
        problem = None if file.place.is_trusted else regexp_problem(pattern)
        if problem is None:
            return True
        file, start, end = self._written(expression, file)
        if file.place.is_trusted:
            return True
        may_be_slow = problem.is_slow and file.place.may_be_slow
        if (file.source.name, start) not in self.checked:
            self.checked.add((file.source.name, start))
            if may_be_slow:
                file.problems.warning("W510", start, end, problem.message, problem.advice)
            else:
                file.problems.error("E104", start, end, problem.message, problem.advice + _TRUST * problem.is_slow)
        return may_be_slow

    def _written(self, expression: Expression, file: File) -> tuple[File, int, int]:
        """Where a token is written: a terminal in its definition, at its name where that is several pieces."""
        if expression.kind != "terminal":
            return file, expression.start, expression.end
        entry = self.entries[file.mangled(expression.text)]
        definition = entry.definition
        pieces = [
            piece for _, part in entry.parts() for alternative in part.alternatives for piece in alternative.items
        ]
        if len(pieces) == 1:
            return entry.file, pieces[0].start, pieces[0].end
        return entry.file, definition.start, definition.start + len(definition.name)

    def named(self, entry: Entry, above: tuple[str, ...]) -> Language:
        """The language of a definition, read once."""
        known = self.languages.get(entry.name)
        if known is None:
            known = self.languages[entry.name] = self._defined(entry, above)
        return known

    def _defined(self, entry: Entry, above: tuple[str, ...]) -> Language:
        grid = entry.file.weights.grid(entry.definition)
        if grid is not None:
            return self._grid(entry, above)
        parts = [
            (file, definition, alternative)
            for file, definition in entry.parts()
            for alternative in definition.alternatives
        ]
        weights = tuple((weight,) for weight in entry.file.weights.of(entry.definition))
        for file, extension in entry.extensions:
            weights = tuple((by_depth[0],) for by_depth in file.weights.extended(weights, extension))
        languages = [self._alternative(alternative, file, (*above, entry.name)) for file, _, alternative in parts]
        if all(language.is_finite for language in languages):
            return self._joined(entry, parts, languages, [weight for (weight,) in weights])
        return Language(
            pattern="|".join(language.regexp() for language in languages if language.values or language.pattern)
        )

    def _joined(
        self,
        entry: Entry,
        parts: list[tuple[File, Definition, Alternative]],
        languages: list[Language],
        weights: list[Fraction],
    ) -> Language:
        found = Language()
        for (file, definition, alternative), language, weight in zip(parts, languages, weights, strict=True):
            self.values += len(language.values)
            if self.values > _MOST_VALUES_IN_ALL:
                self._too_many(entry.definition.alternatives[0].items[0], entry.file)
                return Language()
            for text, share in language.values.items():
                if text in found.values:
                    message = f"{definition.name} has the value {text!r} twice"
                    file.problems.error("E202", alternative.start, alternative.end, message, "leave one out")
                found.values[text] = weight * share
            found.patterns.update(language.patterns)
        return found

    def _grid(self, entry: Entry, above: tuple[str, ...]) -> Language:
        """A terminal that is one regular expression, with the values of ``range`` or ``log``."""
        definition, file = entry.definition, entry.file
        annotation = file.weights.grid(definition)
        assert annotation is not None
        items = definition.alternatives[0].items
        if len(definition.alternatives) > 1 or entry.extensions or len(items) != 1 or items[0].kind == "string":
            file.problems.error(
                "E301",
                annotation.start,
                annotation.end,
                f"{annotation.text.split()[0]} gives values to a terminal that is one regular expression",
                "as in   N: /[0-9]+/  //% range 1..64",
            )
            return Language({"1": _ONE})
        pattern = self._alternative(definition.alternatives[0], file, (*above, entry.name)).regexp()
        values = grid_values(annotation, file.problems)
        self.values += len(values or ())
        if self.values > _MOST_VALUES_IN_ALL:
            self._too_many(definition.alternatives[0].items[0], file)
            return Language({"1": _ONE})
        if values and regexp_problem(pattern) is None:
            wrong = next((value for value in values if not re.fullmatch(pattern, value)), None)
            if wrong is not None:
                message = f"{definition.name} does not match {wrong}, a value of its {annotation.text.split()[0]}"
                file.problems.error("E301", annotation.start, annotation.end, message, "let the expression match it")
        return Language(dict.fromkeys(values or ["1"], Fraction(1, len(values or [1]))))

    def _alternative(self, alternative: Alternative, file: File, above: tuple[str, ...]) -> Language:
        if alternative.alias is not None:
            message = "a terminal's alternative has no alias"
            file.problems.error("E101", alternative.start, alternative.end, message, "leave -> out")
        return self._sequence(alternative, file, above)

    def _sequence(self, alternative: Alternative, file: File, above: tuple[str, ...]) -> Language:
        found = NOTHING
        for item in alternative.items:
            found = self._times(found, self.expression(item, file, above), item, file)
        return found

    def _times(self, first: Language, second: Language, item: Expression, file: File) -> Language:
        """One after the other."""
        if not first.is_finite or not second.is_finite:
            if not (first.pattern or first.values) or not (second.pattern or second.values):
                return Language()
            return Language(pattern=f"{grouped(first)}{grouped(second)}")
        longest = sum(max(map(len, language.values), default=0) for language in (first, second))
        self.values += len(first.values) * len(second.values)
        is_too_large = len(first.values) * len(second.values) > _MOST_VALUES or self.values > _MOST_VALUES_IN_ALL
        if is_too_large or longest > _LONGEST_VALUE:
            self._too_many(item, file)
            return Language()
        values = {a + b: p * q for a, p in first.values.items() for b, q in second.values.items()}
        patterns = {
            a + b: (first.patterns.get(a) or re.escape(a)) + (second.patterns.get(b) or re.escape(b))
            for a in first.values
            for b in second.values
            if a in first.patterns or b in second.patterns
        }
        return Language(values, patterns)

    def _too_many(self, item: Expression, file: File) -> None:
        message = (
            f"this terminal has more than {_MOST_VALUES:,} values, or values of over {_LONGEST_VALUE:,} characters"
        )
        advice = "use fewer, or a regular expression with //% range"
        file.problems.error("E105", item.start, item.end, message, advice)

    def expression(self, item: Expression, file: File, above: tuple[str, ...]) -> Language:
        """What one piece of a terminal means; ``above`` are the terminals that led here."""
        self.depth += 1
        try:
            if self.depth > _DEEPEST:
                message, advice = f"terminals nested deeper than {_DEEPEST}", "write the inner ones out"
                file.problems.error("E105", item.start, item.end, message, advice)
                return Language()
            return self._bounded(self._read(item, file, above), item, file)
        finally:
            self.depth -= 1

    def _bounded(self, language: Language, item: Expression, file: File) -> Language:
        """The language, unless it or all of them have become too large, which is noted."""
        self.values += len(language.values)
        if self.values > _MOST_VALUES_IN_ALL or len(language.pattern or "") > _LONGEST_VALUE:
            self._too_many(item, file)
            return Language()
        return language

    def _read(self, item: Expression, file: File, above: tuple[str, ...]) -> Language:
        if item.kind == "string":
            text = unquoted(item, file)
            return Language({text: _ONE}, {text: either_case(text)} if item.text.endswith("i") else {})
        if item.kind == "regexp":
            return self.regexp(item, file)
        if item.kind == "range":
            return self.range(item, file)
        if item.kind == "terminal":
            return self._nested(item, file, above)
        if item.kind in ("group", "optional"):
            return self._group(item, file, above)
        if item.kind == "repeat":
            return self._repeat(item, file, above)
        message = f"a terminal cannot hold the {item.kind} {item.text}"
        file.problems.error("E201", item.start, item.end, message, "make the terminal a rule")
        return Language()

    def _nested(self, item: Expression, file: File, above: tuple[str, ...]) -> Language:
        name = file.mangled(item.text)
        if name not in self.entries:
            undefined(item, file, self.entries)
            return Language()
        if name in above:
            file.problems.error("E204", item.start, item.end, f"{item.text} is made of itself", "break the circle")
            return Language()
        if len(above) > _DEEPEST:
            message = f"terminals nested deeper than {_DEEPEST}"
            file.problems.error("E105", item.start, item.end, message, "write the inner ones out")
            return Language()
        return self.named(self.entries[name], above)

    def regexp(self, item: Expression, file: File) -> Language:
        """A regular expression, its flags inside; nothing where it is none."""
        body, _, flags = item.text[1:].rpartition("/")
        body = body.replace(r"\/", "/")
        pattern = f"(?{''.join(dict.fromkeys(flags))}:{body})" if flags else body
        wrong = None if file.place.is_trusted else regexp_problem(pattern)
        if wrong is not None and wrong != MAY_BE_EMPTY and not (wrong.is_slow and file.place.may_be_slow):
            advice = wrong.advice + _TRUST * wrong.is_slow
            file.problems.error("E104", item.start, item.end, wrong.message, advice)
            return Language()
        return Language(pattern=pattern)

    def range(self, item: Expression, file: File) -> Language:
        """The characters from one to another."""
        first, last = (
            unquoted(Expression("string", text, item.start, item.end), file) for text in item.text.split("..", 1)
        )
        if len(first) != 1 or len(last) != 1 or first > last:
            message = f"{item.text} is no range of characters"
            file.problems.error("E101", item.start, item.end, message, 'as in   "a".."z"')
            return Language()
        if ord(last) - ord(first) >= _MOST_VALUES:
            return Language(pattern=f"[{re.escape(first)}-{re.escape(last)}]")
        count = ord(last) - ord(first) + 1
        return Language({chr(ord(first) + i): Fraction(1, count) for i in range(count)})

    def _group(self, item: Expression, file: File, above: tuple[str, ...]) -> Language:
        languages = [self._sequence(alternative, file, above) for alternative in item.alternatives]
        if item.kind == "optional":
            languages.append(NOTHING)
        if not all(language.is_finite for language in languages):
            tail = "?" if item.kind == "optional" else ""
            parts = [language.regexp() for language in languages if language.pattern or any(language.values)]
            return Language(pattern=f"(?:{'|'.join(parts)}){tail}")
        weights: list[Fraction] = list(file.weights.of_group(item))
        if item.kind == "optional":
            odds = file.weights.odds_of(item)
            weights = [*(weight * odds for weight in weights), 1 - odds]
        values: dict[str, Fraction] = {}
        patterns: dict[str, str] = {}
        for language, weight in zip(languages, weights, strict=True):
            for text, share in language.values.items():
                values[text] = values.get(text, Fraction(0)) + weight * share
            patterns |= language.patterns
        return Language(values, patterns)

    def _repeat(self, item: Expression, file: File, above: tuple[str, ...]) -> Language:
        assert item.inner is not None
        inner = self.expression(item.inner, file, above)
        if not inner.values and not inner.pattern:
            return Language()
        if item.text in "*+":
            return Language(pattern=f"{grouped(inner)}{item.text}")
        if item.text == "?":
            if not inner.is_finite:
                return Language(pattern=f"{grouped(inner)}?")
            odds = file.weights.odds_of(item)
            values = {text: odds * share for text, share in inner.values.items()}
            values[""] = values.get("", Fraction(0)) + 1 - odds
            return Language(values, inner.patterns)
        least, most = times(item, file) or (1, 1)
        if not inner.is_finite:
            return Language(pattern=f"{grouped(inner)}{{{least},{most}}}")
        values = {}
        patterns: dict[str, str] = {}
        power = NOTHING
        for number in range(most + 1):
            if number:
                power = self._times(power, inner, item, file)
            if not power.values:
                return Language()
            if number >= least:
                for text, share in power.values.items():
                    values[text] = values.get(text, Fraction(0)) + share / (most - least + 1)
                patterns |= power.patterns
            if len(values) > _MOST_VALUES:
                self._too_many(item, file)
                return Language()
        return Language(values, patterns)


def times(item: Expression, file: File) -> tuple[int, int] | None:
    """How often ``~n`` and ``~n..m`` repeat; None where that is impossible, which is noted."""
    first, _, last = item.text[1:].partition("..")
    bounds = [int(number) if len(number) < 9 else _MOST_TIMES + 1 for number in (first, last or first)]
    if bounds[0] < 0 or bounds[1] < bounds[0]:
        message = f"{item.text} is no number of times"
        file.problems.error("E101", item.start, item.end, message, "as in   x~3   or   x~2..4")
    elif bounds[1] > _MOST_TIMES:
        message = f"{item.text} repeats more than {_MOST_TIMES:,} times"
        file.problems.error("E105", item.start, item.end, message, "repeat it less often, or with *")
    elif bounds[1] == 0:
        message = f"{item.text} leaves nothing of it"
        file.problems.error("E101", item.start, item.end, message, "leave it out")
    else:
        return bounds[0], bounds[1]
    return None


def undefined(item: Expression, file: File, entries: dict[str, Entry]) -> None:
    """Notes that what is used is not defined, unless it is in a statement that could not be read."""
    if item.text in file.tree.broken:
        return
    what = "terminal" if item.kind == "terminal" else item.kind
    known = {name for name in entries if "__" not in name}
    parameters = ", ".join("xyz"[: len(item.arguments)]) or "..."
    usage = f"{item.text}{{{parameters}}}" if item.kind == "template" else item.text
    is_few = len(file.problems.found) < _MOST_HINTS
    hint = did_you_mean(item.text, known) if is_few else ""
    advice = hint or f"define it, as in   {usage}: ..."
    message = f"the {what} {item.text} is used and not defined"
    file.problems.error("E201", item.start, item.end, message, advice)
