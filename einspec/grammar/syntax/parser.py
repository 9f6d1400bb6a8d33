"""Reading the tokens of a grammar file as its syntax tree.

The parser recovers at the next definition, so that all syntax errors of a file are found at once.
"""

from __future__ import annotations

from einspec.grammar.model.problems import Problems
from einspec.grammar.syntax.tokens import Token
from einspec.grammar.syntax.tree import Alternative, Definition, Expression, Import, SyntaxTree
from einspec.text import Source

_DEEPEST_GROUP = 50
MOST_ALTERNATIVES = 20_000
"""Of one file."""


class _SyntaxError(Exception):
    def __init__(self, token: Token, message: str, advice: str, code: str = "E101"):
        self.token, self.message, self.advice, self.code = token, message, advice, code


def parse_syntax(source: Source, tokens: list[Token], problems: Problems) -> SyntaxTree:
    """The syntax tree of a file; errors go to ``problems`` and the definitions that have them are left out."""
    return _Parser(source, tokens, problems).file()


class _Parser:
    def __init__(self, source: Source, tokens: list[Token], problems: Problems):
        self.source, self.tokens, self.problems = source, tokens, problems
        self.index = 0
        self.nesting = 0
        self.count = 0

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
                    raise _SyntaxError(self.token, f"{self.shown()} cannot stand here", self.out_of_place())
            except _SyntaxError as error:
                token = error.token
                self.problems.error(
                    error.code, token.start, max(token.end, token.start + 1), error.message, error.advice
                )
                self.recover(begin)
                names = [token.text for token in self.tokens[begin : self.index] if token.kind in ("RULE", "TERMINAL")]
                tree.broken.update(names or [""])
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

    def expect(self, text: str, where: str, advice: str) -> Token:
        if self.token.text != text:
            raise _SyntaxError(self.token, f"expected {text!r} {where}, found {self.shown()}", advice)
        return self.take()

    def out_of_place(self) -> str:
        """What to do about a token that no statement goes on with."""
        if self.token.text in (")", "]", "}"):
            return "no such bracket is open here: leave it out, or open it"
        if self.at("ARROW"):
            return "an alternative has one alias, at its end: leave one out, or write | between two alternatives"
        if self.at("MODIFIERS", "?"):
            return "put a blank after ? where it means that something is optional"
        return "start a new line, or quote it if it is text of a sentence"

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
        if not self.at("KEYWORD"):
            tree.definitions.append(self.definition())
            return
        keyword = self.take()
        if keyword.text == "%ignore":
            tree.ignored += self.ignored(keyword)
        elif keyword.text == "%import":
            tree.imports.append(self.imported(keyword))
        elif keyword.text in ("%extend", "%override"):
            tree.definitions.append(self.definition(keyword.text))
        elif keyword.text == "%declare":
            raise _SyntaxError(keyword, "%declare names terminals without a text", "give the terminal a text")
        else:
            known = "known are %ignore, %import, %extend and %override"
            raise _SyntaxError(keyword, f"{keyword.text} is not a statement of grammar files", known)

    def ignored(self, keyword: Token) -> list[Expression]:
        found = []
        for alternative in self.alternatives():
            if len(alternative.items) != 1 or alternative.alias is not None:
                message, advice = "%ignore takes one token", "write several statements, or give the tokens a name"
                raise _SyntaxError(Token("", "", keyword.start, alternative.end), message, advice)
            found.append(alternative.items[0])
        return found

    def imported(self, keyword: Token) -> Import:
        """``%import path.name -> alias`` or ``%import path (name, name)``; a dot before the path: beside this file."""
        if self.at("DOTS"):
            raise _SyntaxError(
                self.token, "an import cannot leave the folder of its file", "start with one dot, or none"
            )
        is_relative = self.at("PUNCTUATION", ".")
        if is_relative:
            self.take()
        path = [self.name("a file after %import")]
        while self.at("PUNCTUATION", "."):
            self.take()
            path.append(self.name("a name after the dot"))
        names: list[tuple[Token, str]] = []
        if self.at("PUNCTUATION", "("):
            self.take()
            names.append(self.renamed())
            while self.at("PUNCTUATION", ","):
                self.take()
                names.append(self.renamed())
            end = self.expect(")", "after the names", "put commas between the names").end
        else:
            name = path.pop()
            if not path:
                advice = f"as in   %import {name.text}.module   or   %import {name.text} (network, module)"
                raise _SyntaxError(name, "expected what to import from the file", advice)
            alias = name.text
            if self.at("ARROW"):
                self.take()
                alias = self.name("a name after ->").text
            names.append((name, alias))
            end = self.tokens[self.index - 1].end
        for token, alias in names:
            if alias.lstrip("_")[:1].isupper() != token.text.lstrip("_")[:1].isupper():
                message = f"{token.text} cannot be called {alias}: terminals are written in capitals, rules are not"
                raise _SyntaxError(token, message, f"as in   -> {alias.swapcase()}")
        return Import(tuple(token.text for token in path), is_relative, tuple(names), keyword.start, end)

    def name(self, what: str) -> Token:
        if not self.at("RULE") and not self.at("TERMINAL"):
            advice = "as in   %import einspace.module   or   %import .other (block, WIDTH -> W)"
            raise _SyntaxError(self.token, f"expected {what}, found {self.shown()}", advice)
        return self.take()

    def renamed(self) -> tuple[Token, str]:
        name = self.name("a name to import")
        if not self.at("ARROW"):
            return name, name.text
        self.take()
        return name, self.name("a name after ->").text

    def definition(self, keyword: str = "") -> Definition:
        modifier = self.take() if self.at("MODIFIERS") or self.at("OPERATOR", "?") else None
        if not self.at("RULE") and not self.at("TERMINAL"):
            advice = 'as in   block: "relu" -> relu   : it goes on only with lines that begin with |'
            raise _SyntaxError(self.token, f"expected a definition, found {self.shown()}", advice)
        name = self.take()
        is_terminal = name.kind == "TERMINAL"
        if modifier is not None and is_terminal:
            raise _SyntaxError(modifier, f"{modifier.text} belongs to rules, not to terminals", "leave it out")
        if modifier is not None and "!" in modifier.text:
            message = "! would make words of a sentence arguments of its op"
            raise _SyntaxError(modifier, message, "leave it out, and name the words that are arguments as terminals")
        parameters = self.parameters(name) if self.at("PUNCTUATION", "{") else ()
        if self.at("PUNCTUATION", "."):
            self.priority(name)
        advice = f'as in   {name.text}: "text"'
        if self.at("ARROW"):
            advice += "   : what stands after -> is the op of an alternative"
        self.expect(":", f"after the name {name.text}", advice)
        alternatives = self.alternatives()
        return Definition(name.text, is_terminal, alternatives, name.start, alternatives[-1].end, parameters, keyword)

    def parameters(self, name: Token) -> tuple[str, ...]:
        """The names between the braces of a template."""
        if name.kind == "TERMINAL":
            raise _SyntaxError(self.token, "a terminal cannot be a template", "make it a rule")
        found: list[str] = []
        while not found or self.at("PUNCTUATION", ","):
            self.take()
            if not self.at("RULE"):
                message = f"expected a parameter of {name.text}, found {self.shown()}"
                raise _SyntaxError(self.token, message, f'as in   {name.text}{{item}}: item ("," item)*')
            if self.token.text in found:
                message = f"{name.text} has the parameter {self.token.text} twice"
                raise _SyntaxError(self.token, message, "give one of them another name")
            found.append(self.take().text)
        self.expect("}", f"after the parameters of {name.text}", "put commas between them, and close them with }")
        return tuple(found)

    def priority(self, name: Token) -> None:
        """``.2`` after a name. The most probable derivation of a text is taken, so that there is no use for it."""
        dot = self.take()
        if not self.at("NUMBER"):
            message = f"expected a priority after {name.text}., found {self.shown()}"
            raise _SyntaxError(self.token, message, "leave the dot out: priorities have no effect")
        self.problems.warning(
            "W505",
            dot.start,
            self.take().end,
            f"the priority of {name.text} has no effect",
            "the most probable derivation of a text is taken: give weights, and leave the priority out",
        )

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
        self.count += 1
        if self.count > MOST_ALTERNATIVES:
            token, self.index = self.token, len(self.tokens)
            message = f"this file has more than {MOST_ALTERNATIVES:,} alternatives"
            raise _SyntaxError(token, message, "give what differs in a value a terminal", "E105")
        items: list[Expression] = []
        while (item := self.expression()) is not None:
            items.append(item)
            end = item.end
        alias = None
        if self.at("ARROW"):
            self.take()
            if not self.at("RULE"):
                message = f"expected the name of an op after ->, found {self.shown()}"
                raise _SyntaxError(self.token, message, 'as in   "relu" -> relu   : a name in small letters')
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
                message = f"expected a number after ~, found {self.shown()}"
                raise _SyntaxError(self.token, message, "as in   x~3   or   x~2..4")
            last = self.take()
            text = f"~{last.text}"
            if self.at("DOTS"):
                self.take()
                if not self.at("NUMBER"):
                    message = f"expected a number after .., found {self.shown()}"
                    raise _SyntaxError(self.token, message, "as in   x~2..4")
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
                if not self.at("STRING"):
                    raise _SyntaxError(
                        self.token, f"expected a string after .., found {self.shown()}", 'as in   "a".."z"'
                    )
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
        """The use of a template, with its arguments."""
        self.nesting += 1
        if self.nesting > _DEEPEST_GROUP:
            raise _SyntaxError(name, f"brackets nested deeper than {_DEEPEST_GROUP}", "give the inner part a rule")
        arguments: list[Expression] = []
        while not arguments or self.at("PUNCTUATION", ","):
            self.take()
            message, found = f"expected an argument of {name.text}, found {self.shown()}", self.token
            argument = self.atom()
            if argument is None or argument.kind == "optional":
                raise _SyntaxError(found, message, "a rule, a terminal, a string, a group (...) or another template")
            arguments.append(argument)
        last = self.expect("}", f"after the arguments of {name.text}", "put commas between them, and close them with }")
        self.nesting -= 1
        return Expression("template", name.text, name.start, last.end, arguments=tuple(arguments))

    def bracket(self) -> Expression:
        opening = self.take()
        self.nesting += 1
        if self.nesting > _DEEPEST_GROUP:
            raise _SyntaxError(opening, f"brackets nested deeper than {_DEEPEST_GROUP}", "give the inner part a rule")
        alternatives = self.alternatives()
        closing = {"(": ")", "[": "]"}[opening.text]
        where = f"to close the {opening.text!r} at {self.source.place(opening.start)}"
        advice = "close it, or quote it if it is text of a sentence"
        if self.at("NEWLINE"):
            advice = "close it on this line: it goes on only with lines that begin with |"
        last = self.expect(closing, where, advice)
        self.nesting -= 1
        kind = "group" if opening.text == "(" else "optional"
        return Expression(kind, opening.text, opening.start, last.end, alternatives)
