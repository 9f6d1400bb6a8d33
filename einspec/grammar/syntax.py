"""Lark's grammar language as a syntax tree: what was written, and where.

The parser recovers at the next definition, so that all syntax errors of a file are found at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from einspec.grammar.problems import Problems
from einspec.grammar.tokens import Token
from einspec.text import Source

_DEEPEST_GROUP = 50


@dataclass(frozen=True, slots=True)
class Expression:
    """One piece of an alternative.

    ``kind`` is rule, terminal, string, regexp, group (``parts`` are its alternatives), optional (``[...]``),
    repeat (``inner`` and its ``operator``), range or template.
    """

    kind: str
    text: str
    start: int
    end: int
    alternatives: tuple[Alternative, ...] = ()
    inner: Expression | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """What stands between two ``|``, with its alias."""

    items: tuple[Expression, ...]
    alias: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Definition:
    """A rule or terminal with its alternatives. ``extra`` is what Lark allows there and we do not yet read."""

    name: str
    is_terminal: bool
    alternatives: tuple[Alternative, ...]
    start: int
    end: int
    extra: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """``%ignore`` with its alternatives, or another ``%`` statement with its tokens."""

    keyword: str
    alternatives: tuple[Alternative, ...]
    tokens: tuple[Token, ...]
    start: int
    end: int


@dataclass(slots=True)
class SyntaxTree:
    """A grammar file as it was written."""

    definitions: list[Definition] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)


class _SyntaxError(Exception):
    def __init__(self, token: Token, message: str, advice: str = ""):
        self.token, self.message, self.advice = token, message, advice


def parse_syntax(source: Source, tokens: list[Token], problems: Problems) -> SyntaxTree:
    """The syntax tree of a file; errors go to ``problems`` and the definitions that have them are left out."""
    return _Parser(source, tokens, problems).file()


class _Parser:
    def __init__(self, source: Source, tokens: list[Token], problems: Problems):
        self.source, self.tokens, self.problems = source, tokens, problems
        self.index = 0
        self.nesting = 0

    def file(self) -> SyntaxTree:
        tree = SyntaxTree()
        while self.index < len(self.tokens):
            if self.at("NEWLINE"):
                self.index += 1
                continue
            begin = self.index
            try:
                self.statement(tree)
                if not self.at("NEWLINE"):
                    raise _SyntaxError(self.token, f"{self.shown()} cannot stand here", "start a new line")
            except _SyntaxError as error:
                token = error.token
                self.problems.error("E101", token.start, max(token.end, token.start + 1), error.message, error.advice)
                self.recover(begin)
        return tree

    @property
    def token(self) -> Token:
        return self.tokens[min(self.index, len(self.tokens) - 1)]

    def at(self, kind: str, text: str | None = None) -> bool:
        token = self.token
        return token.kind == kind and (text is None or token.text == text)

    def take(self) -> Token:
        token = self.token
        self.index += 1
        return token

    def expect(self, text: str, where: str) -> Token:
        if self.token.text != text:
            raise _SyntaxError(self.token, f"expected {text!r} {where}, found {self.shown()}")
        return self.take()

    def shown(self) -> str:
        return "the end of the line" if self.at("NEWLINE") else repr(self.token.text)

    def recover(self, begin: int) -> None:
        """Goes on at the next line that looks like a definition or a statement."""
        self.nesting = 0
        self.index = max(self.index, begin + 1)
        while self.index < len(self.tokens):
            if self.tokens[self.index - 1].kind == "NEWLINE" and self.starts_statement():
                return
            self.index += 1

    def starts_statement(self) -> bool:
        if self.at("KEYWORD"):
            return True
        ahead = self.index + (1 if self.at("MODIFIERS") else 0)
        if ahead + 1 >= len(self.tokens) or self.tokens[ahead].kind not in ("RULE", "TERMINAL"):
            return False
        return self.tokens[ahead + 1].text in (":", "{", ".")

    def statement(self, tree: SyntaxTree) -> None:
        if self.at("KEYWORD"):
            tree.statements.append(self.keyword_statement())
        else:
            tree.definitions.append(self.definition())

    def keyword_statement(self) -> Statement:
        keyword = self.take()
        if keyword.text == "%ignore":
            alternatives = self.alternatives()
            return Statement("%ignore", alternatives, (), keyword.start, alternatives[-1].end)
        if keyword.text not in ("%import", "%extend", "%override", "%declare"):
            raise _SyntaxError(keyword, f"{keyword.text} is not a statement of grammar files", "expected %ignore")
        taken: list[Token] = []
        while not (self.at("NEWLINE") and not self.continues()):
            taken.append(self.take())
        return Statement(keyword.text, (), tuple(taken), keyword.start, (taken or [keyword])[-1].end)

    def definition(self) -> Definition:
        extra: list[Token] = []
        start = self.token.start
        modifier = self.take() if self.at("MODIFIERS") else None
        if not self.at("RULE") and not self.at("TERMINAL"):
            raise _SyntaxError(
                self.token, f"expected a definition, found {self.shown()}", 'as in   block: "relu" -> relu'
            )
        name = self.take()
        if modifier is not None and name.kind == "TERMINAL":
            raise _SyntaxError(modifier, f"{modifier.text} belongs to rules, not to terminals")
        if modifier is not None and "!" in modifier.text:
            extra.append(modifier)
        if self.at("PUNCTUATION", "{") or self.at("PUNCTUATION", "."):
            extra.append(self.token)
            while not self.at("PUNCTUATION", ":") and not self.at("NEWLINE"):
                self.take()
        self.expect(":", f"after the name {name.text}")
        alternatives = self.alternatives()
        return Definition(name.text, name.kind == "TERMINAL", alternatives, start, alternatives[-1].end, tuple(extra))

    def continues(self) -> bool:
        """Whether the newline here is followed by a line that starts with ``|``."""
        ahead = self.index
        while ahead < len(self.tokens) and self.tokens[ahead].kind == "NEWLINE":
            ahead += 1
        return ahead < len(self.tokens) and self.tokens[ahead].text == "|" and ahead > self.index

    def alternatives(self) -> tuple[Alternative, ...]:
        found = [self.alternative()]
        while True:
            if self.at("NEWLINE") and self.continues():
                while self.at("NEWLINE"):
                    self.index += 1
            if not self.at("PUNCTUATION", "|"):
                return tuple(found)
            self.take()
            found.append(self.alternative())

    def alternative(self) -> Alternative:
        start = self.token.start
        end = self.tokens[self.index - 1].end
        items: list[Expression] = []
        while (item := self.expression()) is not None:
            items.append(item)
            end = item.end
        alias = None
        if self.at("ARROW"):
            self.take()
            if not self.at("RULE"):
                raise _SyntaxError(self.token, f"expected the name of an op after ->, found {self.shown()}")
            token = self.take()
            alias, end = token.text, token.end
        return Alternative(tuple(items), alias, items[0].start if items else min(start, end), end)

    def expression(self) -> Expression | None:
        atom = self.atom()
        if atom is None:
            return None
        if self.at("OPERATOR"):
            operator = self.take()
            return Expression("repeat", operator.text, atom.start, operator.end, inner=atom)
        if self.at("PUNCTUATION", "~"):
            self.take()
            if not self.at("NUMBER"):
                raise _SyntaxError(self.token, f"expected a number after ~, found {self.shown()}")
            last = self.take()
            text = f"~{last.text}"
            if self.at("DOTS"):
                self.take()
                if not self.at("NUMBER"):
                    raise _SyntaxError(self.token, f"expected a number after .., found {self.shown()}")
                last = self.take()
                text += f"..{last.text}"
            return Expression("repeat", text, atom.start, last.end, inner=atom)
        return atom

    def atom(self) -> Expression | None:
        token = self.token
        if token.kind == "RULE":
            self.take()
            if self.at("PUNCTUATION", "{"):
                return self.template(token)
            return Expression("rule", token.text, token.start, token.end)
        if token.kind == "TERMINAL":
            self.take()
            return Expression("terminal", token.text, token.start, token.end)
        if token.kind == "STRING":
            self.take()
            if self.at("DOTS"):
                self.take()
                last = self.take()
                return Expression("range", f"{token.text}..{last.text}", token.start, last.end)
            return Expression("string", token.text, token.start, token.end)
        if token.kind == "REGEXP":
            self.take()
            return Expression("regexp", token.text, token.start, token.end)
        if token.text in ("(", "["):
            return self.bracket()
        return None

    def template(self, name: Token) -> Expression:
        while not self.at("PUNCTUATION", "}"):
            if self.at("NEWLINE"):
                raise _SyntaxError(self.token, f"expected '}}' after the arguments of {name.text}")
            self.take()
        last = self.take()
        return Expression("template", name.text, name.start, last.end)

    def bracket(self) -> Expression:
        opening = self.take()
        self.nesting += 1
        if self.nesting > _DEEPEST_GROUP:
            raise _SyntaxError(opening, f"brackets nested deeper than {_DEEPEST_GROUP}", "give the inner part a rule")
        alternatives = self.alternatives()
        closing = {"(": ")", "[": "]"}[opening.text]
        last = self.expect(closing, f"to close the {opening.text!r} at {self.source.place(opening.start)}")
        self.nesting -= 1
        kind = "group" if opening.text == "(" else "optional"
        return Expression(kind, opening.text, opening.start, last.end, alternatives)
