"""Whether texts of a grammar come back as they were derived: sentences are drawn, written and read again.

That a grammar is unambiguous cannot be decided (Cantor 1962); one that is LALR(1) is. Where sentences do not come
back, there is an example to show.
"""

from __future__ import annotations

import math
import random

from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import RuleSet
from einspec.grammar.parsing.earley.chart import TooMuchWork, Unparsed
from einspec.grammar.parsing.earley.likeliest import Parse
from einspec.grammar.parsing.earley.parser import EarleyParser
from einspec.grammar.parsing.flat import FlatGrammar
from einspec.grammar.parsing.sentences import earley_parser
from einspec.grammar.parsing.spacing import Spacing, Token
from einspec.text import Problem

_SIZES = (3, 6, 12, 25, 50)
"""Tokens from which on a sentence that is drawn ends as soon as it can."""
_SENTENCES = 10
"""Drawn of each size."""
_LONGEST = 400

Preorder = list[int]


def ambiguity_warnings(grammar: RuleSet) -> list[Problem]:
    """Warnings for texts that mean several derivations, and for texts that cannot be read again: the shortest example
    of each that was drawn.
    """
    flat = FlatGrammar(grammar)
    parser = earley_parser(flat)
    spacing = Spacing(grammar)
    drawing = _Drawing(flat, random.Random(0))
    examples: dict[str, list[str]] = {"W503": [], "W507": []}
    for size in _SIZES:
        for _ in range(_SENTENCES):
            sentence = drawing.sentence(size)
            if sentence is not None:
                text = spacing.joined([Token(token, False) for token in sentence[0]])
                code = _problem(parser, text, sentence[1])
                if code is not None:
                    examples[code].append(text)
        if any(examples.values()):
            break
    rule = grammar.rules[grammar.start]
    problems = Problems(rule.source)
    for code, texts in examples.items():
        if texts:
            text = min(texts, key=lambda text: (len(text), text))
            shown = text if len(text) <= 80 else f"{text[:77]}..."
            message, advice = _WORDS[code]
            problems.warning(code, rule.start, rule.start + len(rule.name), message.format(shown), advice)
    return problems.found


_WORDS = {
    "W503": (
        "{!r} can be derived in several ways",
        "the most probable one is taken: give words or brackets that tell them apart",
    ),
    "W507": (
        "tokens run together, or into what is ignored: {!r} is a sentence, and is not read as one",
        "ignore less, or change the tokens that begin with what is ignored",
    ),
}


def _problem(parser: EarleyParser, text: str, derived: Preorder) -> str | None:
    """The code of what is wrong with a text."""
    try:
        parse, is_ambiguous = parser.parse_all(text)
    except Unparsed:
        return "W507"
    except TooMuchWork:
        return "W503"
    return "W503" if is_ambiguous or preorder(parse) != derived else None


def preorder(parse: Parse) -> Preorder:
    """The alternatives of a parse, each before those of its parts."""
    found: Preorder = []
    stack = [parse]
    while stack:
        node = stack.pop()
        found.append(node.alternative)
        stack.extend(part for part in reversed(node.parts) if isinstance(part, Parse))
    return found


class _Drawing:
    """Draws sentences of a flat grammar, of any alternative that is ever drawn, with equal chances."""

    def __init__(self, flat: FlatGrammar, rng: random.Random):
        self.flat = flat
        self.rng = rng
        self.by_symbol: dict[str, list[int]] = {}
        for index, alternative in enumerate(flat.alternatives):
            if alternative.weight > 0 and self._is_writable(index):
                self.by_symbol.setdefault(alternative.symbol, []).append(index)
        self.least = self._least_sizes()

    def _is_writable(self, index: int) -> bool:
        """Whether the texts of its tokens are known."""
        terminals = self.flat.terminals
        return all(
            terminals[part].text is not None for part in self.flat.alternatives[index].parts if part in terminals
        )

    def _least_sizes(self) -> dict[int, float]:
        """The fewest tokens of what begins with each alternative."""
        least: dict[int, float] = {}
        smallest: dict[str, float] = {}
        changed = True
        while changed:
            changed = False
            for symbol, indices in self.by_symbol.items():
                for index in indices:
                    parts = self.flat.alternatives[index].parts
                    size = sum(1 if part in self.flat.terminals else smallest.get(part, math.inf) for part in parts)
                    if size < least.get(index, math.inf):
                        least[index], changed = size, True
                        smallest[symbol] = min(size, smallest.get(symbol, math.inf))
        return least

    def sentence(self, size: int) -> tuple[list[str], Preorder] | None:
        """The tokens of a sentence of about a size, and how it was derived; None where none was found."""
        tokens: list[str] = []
        derived: Preorder = []
        stack = [self.flat.start]
        while stack:
            part = stack.pop()
            terminal = self.flat.terminals.get(part)
            if terminal is not None:
                assert terminal.text is not None
                tokens.append(terminal.text)
                continue
            indices = [index for index in self.by_symbol.get(part, ()) if index in self.least]
            if not indices or len(derived) > _LONGEST:
                return None
            if len(tokens) + len(stack) > size:
                index = min(indices, key=lambda index: self.least[index])
            else:
                index = indices[min(int(self.rng.random() * len(indices)), len(indices) - 1)]
            derived.append(index)
            stack.extend(reversed(self.flat.alternatives[index].parts))
        return tokens, derived
