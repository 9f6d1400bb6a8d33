"""A parser for any context-free grammar that finds the most probable derivation of a text.

It serves grammars that are not LALR(1). Lark's Earley parser keeps every derivation of an ambiguous text (2.8 GB for
400 words of ``net: net net``) and chooses by rule order; this one keeps what n words can share, up to a bound, and
chooses by probability. The recogniser is in :mod:`einspec.grammar.parsing.earley.chart`, the choice in
:mod:`einspec.grammar.parsing.earley.likeliest`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from einspec.grammar.parsing.earley.chart import Recogniser, TooMuchWork, Unparsed
from einspec.grammar.parsing.earley.dotted import Alternative, Dotted
from einspec.grammar.parsing.earley.likeliest import Likeliest, Parse
from einspec.grammar.parsing.earley.scanning import Scanner

__all__ = ["MOST_ITEMS", "Alternative", "EarleyParser", "Parse", "TooMuchWork", "Unparsed"]

MOST_ITEMS = 2_000_000
"""The most items of a chart, and ways to them, together.

So many take up to 4 seconds and 150 MB; a text without ambiguity needs 3 to 10 for each token.
"""


class EarleyParser:
    """Parses texts with one grammar; ``terminals`` and ``ignored`` are regular expressions.

    A terminal matches as its regular expression does, greedily, at the places where the grammar can use it, and
    never the empty text. Ignored text may stand between tokens, before the first and after the last.

    Raises ``ValueError`` for a weight outside 0 to 1, for a part that is neither a terminal nor a nonterminal or is
    both, and for a start symbol without alternatives, and :class:`re.error` for a wrong regular expression.
    """

    def __init__(
        self, alternatives: Sequence[Alternative], terminals: Mapping[str, str], ignored: Sequence[str], start: str
    ):
        self._dotted = Dotted(alternatives, terminals, start)
        self._scanner = Scanner(terminals.values(), ignored)

    def parse(self, text: str) -> Parse:
        """The derivation with the fewest alternatives of weight 0, and of those the most probable.

        Where several are equally probable, the alternative that comes first wins, from the root down, and then the
        split with the longest left part. Raises :class:`Unparsed` for what is no sentence, and :class:`TooMuchWork`
        for what can be read in too many ways.
        """
        return self.parse_all(text)[0]

    def parse_all(self, text: str) -> tuple[Parse, bool]:
        """As :meth:`parse`, and whether the text has more than one derivation, of whatever weight."""
        chart = Recogniser(self._dotted, self._scanner, text, MOST_ITEMS).run()
        likeliest = Likeliest(self._dotted, self._scanner, text, chart, MOST_ITEMS)
        parse = likeliest.parse()
        return parse, likeliest.is_ambiguous
