"""From the syntax tree to the grammar: terminals become finite sets, alternatives become productions."""

from __future__ import annotations

import re
import sys
from fractions import Fraction

from einspec.grammar.model import Choice, Item, Literal, Production, Reference, Rule
from einspec.grammar.problems import Problems
from einspec.grammar.syntax import Alternative, Definition, Expression, SyntaxTree
from einspec.grammar.weights import Weights
from einspec.text import did_you_mean

_NUMERAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?(\s*,\s*[+-]?\d+)*")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "\\": "\\", '"': '"'}
_MOST_VALUES = 100_000
_DEEPEST_TERMINAL = 100

COMMON_TERMINALS = {
    "WS": r"[ \t\f\r\n]+",
    "WS_INLINE": r"[ \t]+",
    "NEWLINE": r"(\r?\n)+",
    "CPP_COMMENT": r"//[^\n]*",
    "SH_COMMENT": r"\#[^\n]*",
    "C_COMMENT": r"/\*(.|\n)*?\*/",
}
"""The terminals of Lark's ``common`` that have a use in grammars of architectures: what to ignore."""

_UNSUPPORTED = {
    "repeat": "the operator {text}",
    "optional": "an optional part [...]",
    "group": "a group (...)",
    "range": "a character range {text}",
    "template": "the template {text}{{...}}",
    "regexp": "a regular expression in a rule",
}


_EXTRAS = {"{": "a template", ".": "a priority", "!": "the mark !", "?": "the mark ?!"}


class Builder:
    """Builds the rules of one file; problems are noted at their place."""

    def __init__(self, tree: SyntaxTree, weights: Weights, problems: Problems):
        self.tree, self.weights, self.problems = tree, weights, problems
        self.definitions: dict[str, Definition] = {}
        self.choices: dict[str, Choice] = {}
        self.patterns: dict[str, str] = {}
        self.ignored: tuple[str, ...] = ()

    def rules(self) -> dict[str, Rule]:
        """All rules by name, in the order of the file."""
        self._collect_definitions()
        self._read_statements()
        for definition in self.definitions.values():
            if definition.is_terminal:
                self._terminal(definition.name, ())
        self._check_ignored()
        return {d.name: self._rule(d) for d in self.definitions.values() if not d.is_terminal}

    def _collect_definitions(self) -> None:
        for definition in self.tree.definitions:
            known = self.definitions.setdefault(definition.name, definition)
            if known is not definition:
                self.problems.error(
                    "E202",
                    definition.start,
                    definition.start + len(definition.name),
                    f"{definition.name} is defined twice, first at {self.problems.source.place(known.start)}",
                    "give one of them another name, or join their alternatives with |",
                )
            for token in definition.extra[:1]:
                self._unsupported(token.start, token.end, _EXTRAS[token.text[0]])

    def _read_statements(self) -> None:
        for statement in self.tree.statements:
            if statement.keyword == "%ignore":
                continue
            text = "".join(token.text for token in statement.tokens if token.kind != "NEWLINE")
            match = re.fullmatch(r"common\.([A-Z_]+)(->([A-Z_]+))?", text)
            if statement.keyword == "%import" and match and match[1] in COMMON_TERMINALS:
                self.patterns[match[3] or match[1]] = COMMON_TERMINALS[match[1]]
            elif statement.keyword != "%import":
                self._unsupported(statement.start, statement.end, statement.keyword)
            else:
                known = ", ".join(f"common.{name}" for name in COMMON_TERMINALS)
                self._unsupported(statement.start, statement.end, f"{statement.keyword} {text}", f"known are: {known}")

    def _unsupported(self, start: int, end: int, what: str, advice: str = "") -> None:
        advice = advice or "write it with plain rules and alternatives"
        self.problems.error("E102", start, end, f"{what} is not supported yet", advice)

    def _check_ignored(self) -> None:
        found: list[str] = []
        for statement in self.tree.statements:
            for alternative in statement.alternatives:
                if len(alternative.items) != 1:
                    self._unsupported(statement.start, statement.end, "more than one token in an %ignore")
                    continue
                pattern = self._pattern(alternative.items[0])
                if pattern is not None:
                    found.append(pattern)
        self.ignored = tuple(found)

    def _pattern(self, item: Expression) -> str | None:
        """The regular expression that an ignored token matches."""
        if item.kind == "string":
            return re.escape(self._unquote(item))
        if item.kind == "regexp":
            return self._checked_regexp(item)
        if item.kind == "terminal" and item.text in self.patterns:
            return self.patterns[item.text]
        if item.kind == "terminal" and item.text in self.definitions:
            values = self._terminal(item.text, ()).values
            return self.patterns.get(item.text) or "|".join(map(re.escape, values))
        if item.kind == "terminal":
            self._undefined(item)
            return None
        self._unsupported(item.start, item.end, _UNSUPPORTED.get(item.kind, item.kind).format(text=item.text))
        return None

    def _checked_regexp(self, item: Expression) -> str | None:
        body, _, flags = item.text[1:].rpartition("/")
        pattern = f"(?{flags}:{body})" if flags else body
        try:
            empty = re.compile(pattern).match("")
        except (re.error, OverflowError, RecursionError) as error:
            self.problems.error("E101", item.start, item.end, f"this regular expression is wrong: {error}", "")
            return None
        if empty is not None:
            self.problems.error("E101", item.start, item.end, "a token must not be empty, and this matches nothing", "")
            return None
        return pattern

    def _terminal(self, name: str, above: tuple[str, ...]) -> Choice:
        """The values of a terminal. Its alternatives are strings, terminals, or sequences of these."""
        if name in self.choices:
            return self.choices[name]
        definition = self.definitions[name]
        weights = self.weights.of(definition)
        values: dict[str, Fraction] = {}
        for alternative, weight in zip(definition.alternatives, weights, strict=True):
            if len(alternative.items) == 1 and alternative.items[0].kind == "regexp":
                self._free_terminal(definition, alternative)
                continue
            texts = self._terminal_texts(alternative, (*above, name))
            self._check_texts(definition, alternative, texts)
            for text, share in texts.items():
                if text in values:
                    self.problems.error(
                        "E202",
                        alternative.start,
                        alternative.end,
                        f"{name} has the value {text!r} twice",
                        "leave one out",
                    )
                values[text] = weight * share
        choice = Choice(name, tuple(values), tuple(values.values()), definition.start, definition.end)
        self.choices[name] = choice
        return choice

    def _free_terminal(self, definition: Definition, alternative: Alternative) -> None:
        item = alternative.items[0]
        pattern = self._checked_regexp(item)
        if len(definition.alternatives) > 1:
            self._unsupported(item.start, item.end, "a regular expression beside other alternatives")
        elif pattern is not None:
            self.patterns[definition.name] = pattern

    def _check_texts(self, definition: Definition, alternative: Alternative, texts: dict[str, Fraction]) -> None:
        if "" in texts:
            self.problems.error(
                "E101",
                alternative.start,
                max(alternative.end, alternative.start + 1),
                f"a value of {definition.name} is empty",
                "give it a text",
            )
        if alternative.alias is not None:
            self.problems.error(
                "E101", alternative.start, alternative.end, "a terminal's alternative has no alias", "leave -> out"
            )

    def _terminal_texts(self, alternative: Alternative, above: tuple[str, ...]) -> dict[str, Fraction]:
        texts = {"": Fraction(1)}
        for item in alternative.items:
            parts = self._item_texts(item, above)
            if len(texts) * len(parts) > _MOST_VALUES:
                self.problems.error(
                    "E203", item.start, item.end, f"{above[-1]} has more than {_MOST_VALUES:,} values", "use fewer"
                )
                return {}
            texts = {head + tail: p * q for head, p in texts.items() for tail, q in parts.items()}
        return texts

    def _item_texts(self, item: Expression, above: tuple[str, ...]) -> dict[str, Fraction]:
        if item.kind == "string":
            return {self._unquote(item): Fraction(1)}
        if item.kind == "terminal" and item.text in self.definitions:
            if len(above) > _DEEPEST_TERMINAL:
                message = f"terminals nested deeper than {_DEEPEST_TERMINAL}"
                self.problems.error("E204", item.start, item.end, message, "write the inner ones out")
                return {}
            if item.text in above:
                self.problems.error("E204", item.start, item.end, f"{item.text} is made of itself", "break the circle")
                return {}
            choice = self._terminal(item.text, above)
            if item.text not in self.patterns:
                return dict(zip(choice.values, choice.weights, strict=True))
            self._unsupported(item.start, item.end, f"the regular expression {item.text} inside a terminal")
        elif item.kind == "terminal":
            self._undefined(item)
        elif item.kind == "rule":
            self.problems.error(
                "E201", item.start, item.end, f"a terminal cannot hold the rule {item.text}", "make the terminal a rule"
            )
        else:
            self._unsupported(item.start, item.end, _UNSUPPORTED.get(item.kind, item.kind).format(text=item.text))
        return {}

    def _undefined(self, item: Expression) -> None:
        what = "rule" if item.kind == "rule" else "terminal"
        advice = did_you_mean(item.text, self.definitions) or f"define it, as in   {item.text}: ..."
        self.problems.error("E201", item.start, item.end, f"the {what} {item.text} is used and not defined", advice)

    def _unquote(self, item: Expression) -> str:
        text = item.text
        if text.endswith("i"):
            self._unsupported(item.start, item.end, "a string of either case")
            text = text[:-1]
        return _ESCAPE.sub(lambda match: self._unescaped(match, item), text[1:-1])

    def _unescaped(self, match: re.Match[str], item: Expression) -> str:
        """What a backslash and its character mean to Lark: a backslash before any other character stays."""
        code, character = match[1] or match[2] or match[3], match[4]
        if code and int(code, 16) <= sys.maxunicode:
            return chr(int(code, 16))
        if code or character in "xuU":
            self.problems.error(
                "E101", item.start, item.end, f"{match.group()} is no character", r"as in \x41, \u0041 or \U00000041"
            )
        return _ESCAPES.get(character, match.group())

    def _rule(self, definition: Definition) -> Rule:
        productions = []
        by_depth = self.weights.by_depth(definition)
        for index, (alternative, weights) in enumerate(zip(definition.alternatives, by_depth, strict=True)):
            items = tuple(item for expression in alternative.items if (item := self._item(expression)) is not None)
            if not alternative.items:
                self.problems.error(
                    "E102",
                    alternative.start,
                    alternative.start + 1,
                    "an empty alternative is not supported yet",
                    "give it a word",
                )
            productions.append(
                Production(
                    definition.name, index, items, alternative.alias, weights, alternative.start, alternative.end
                )
            )
        return Rule(definition.name, tuple(productions), definition.start, definition.end)

    def _item(self, item: Expression) -> Item | None:
        if item.kind == "string":
            text = self._unquote(item)
            if not text:
                self.problems.error("E101", item.start, item.end, "an empty string says nothing", "leave it out")
            if _NUMERAL.fullmatch(text):
                return Choice("", (text,), (Fraction(1),), item.start, item.end)
            return Literal(text)
        if item.kind == "rule":
            if item.text in self.definitions:
                return Reference(item.text, item.start, item.end)
            self._undefined(item)
            return None
        if item.kind == "terminal":
            return self._terminal_item(item)
        self._unsupported(item.start, item.end, _UNSUPPORTED[item.kind].format(text=item.text))
        return None

    def _terminal_item(self, item: Expression) -> Item | None:
        if item.text not in self.definitions and item.text not in self.patterns:
            self._undefined(item)
            return None
        if item.text in self.patterns and item.text not in self.definitions:
            self._unsupported(item.start, item.end, f"the regular expression {item.text} in a rule")
            return None
        choice = self._terminal(item.text, ())
        if item.text in self.patterns:
            advice = 'list its values, as in   WIDTH: "16" | "32"'
            self._unsupported(item.start, item.end, f"the regular expression {item.text} in a rule", advice)
            return None
        if item.text.startswith("_"):
            # Lark drops tokens of such names, so they are punctuation and no argument.
            if len(choice.values) == 1:
                return Literal(choice.values[0])
            self._unsupported(item.start, item.end, f"{item.text}, which Lark drops, with several values")
        return choice
