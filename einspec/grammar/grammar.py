"""Grammars: what users hold of a grammar file. Hands on to what reads, analyses and reweights one.

What only analysis needs is imported when it is asked for: loading a space does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einspec.arguments import expect_text
from einspec.errors import GrammarError
from einspec.grammar.analysis.counts import count_derivations
from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import RuleSet
from einspec.grammar.model.structure import minimal_depths
from einspec.grammar.reading.files import LARGEST_FILE, Library, Place, find_grammar, read_grammar_file
from einspec.grammar.reading.read import Check, read
from einspec.text import Problem, Source

if TYPE_CHECKING:
    from einspec.grammar.analysis.process import Process


class Grammar(RuleSet):
    """A probabilistic context-free grammar, read from a Lark file. Made by :func:`read_file` and :func:`read_text`."""

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """All warnings, in the order of the file: those of reading it, supercritical and ambiguous among them."""
        from einspec.grammar.analysis.ambiguity import ambiguity_warnings
        from einspec.grammar.analysis.process import analysis_warnings

        warnings = [*self.found, *analysis_warnings(self.process), *ambiguity_warnings(self)]
        return Problems(self.source, warnings).in_order()

    @cached_property
    def process(self) -> Process:
        """The branching process that its weights make."""
        from einspec.grammar.analysis.process import Process

        return Process(self)

    @property
    def branching_rate(self) -> float:
        """Spectral radius of the mean matrix: the growth of a derivation per generation of nodes.

        From 1 on the expected size is infinite, and the grammar is called supercritical.
        """
        return self.process.branching_rate

    @cached_property
    def expected_sizes(self) -> dict[str, float]:
        """Expected number of nodes that name an op below each nonterminal, types left out; infinite when
        supercritical.
        """
        return self.process.expected_sizes()

    @property
    def expected_size(self) -> float:
        """Expected number of nodes that name an op, types left out; infinite when supercritical."""
        return self.expected_sizes[self.start]

    @cached_property
    def expected_counts(self) -> dict[str, float]:
        """How often each nonterminal is expected to be expanded in an architecture, types left out."""
        return self.process.expected_counts()

    @cached_property
    def expected_leaves(self) -> float:
        """Expected number of nodes without children, types left out."""
        return self.process.expected_leaves()

    @cached_property
    def critical_weights(self) -> dict[str, float]:
        """For each alternative that alone of its rule has a written weight, the weight from which on (for one with
        children: up to which) the expected size is finite, the others keeping their proportions.

        >>> import einspec
        >>> weights = einspec.load("einspace", input=(3, 32, 32)).grammar.critical_weights
        >>> {name: round(weight, 6) for name, weight in weights.items()}
        {'module: computation': 0.307692}
        """
        from einspec.grammar.analysis.process import critical_weights

        return critical_weights(self)

    @cached_property
    def minimal_depths(self) -> dict[str, float]:
        """The least depth of a derivation of each nonterminal, in nodes that name an op."""
        return minimal_depths(self.rules)

    def to_lark(self) -> str:
        """The grammar file: comments and layout as they were, weights as they are now. Reads back equal."""
        return self.text

    def reweighted(self, changes: Mapping[str, Any]) -> Grammar:
        """The grammar with other weights, in a file that differs in these alone.

        Names are those of rules and terminals, alone for all alternatives, or with an alternative's op, nonterminal,
        value or text, or the text of an operator: ``{"module: computation": 0.4, "WIDTH": [0.1, 0.9], "start: layer*":
        "1/3"}``. A list for one alternative gives weights per depth. Alternatives that are not named keep their
        proportions. Raises ``ValueError`` for names that mean nothing in this file, and weights that are none.
        """
        from einspec.grammar.analysis.reweighting import reweighted_text

        return read_text(
            reweighted_text(self, changes), self.source.name, imported=self.imported, trusted=self.is_trusted
        )

    def count(self, symbol: str | None = None) -> int | None:
        """How many derivations of positive weight a nonterminal has, types left out; None if infinitely many.

        Counts stop at 10**1000, which stands for that many or more. The default is the start symbol. Raises
        ``GrammarError`` for a nonterminal that there is not.
        """
        if symbol is not None:
            expect_text("symbol", symbol, "the name of a nonterminal")
        return count_derivations(self, self.start if symbol is None else symbol)

    def __repr__(self) -> str:
        return f"<grammar {self.source.name}: {len(self.rules)} rules from {self.start!r}>"


def read_file(name: str | Path, *, check: Check | None = None, trusted: bool = False) -> Grammar:
    """Reads a bundled space or a grammar file; ``trusted`` as for :func:`read_text`.

    Raises ``GrammarError``, with every problem at its place.
    """
    path = find_grammar(name)
    place = Place(path.parent, may_be_slow=trusted)
    return _grammar(read(read_grammar_file(path, str(name)), place, Library(), check))


def read_text(
    text: str,
    name: str = "<text>",
    *,
    imported: Mapping[str, Source] | None = None,
    folder: Path | None = None,
    check: Check | None = None,
    trusted: bool = False,
) -> Grammar:
    """Reads a grammar from a string; ``name`` is what messages call it.

    ``folder`` is where files are that it imports; ``imported`` are those that were read before. ``trusted`` lets
    regular expressions be slow to match, with a warning. Raises ``GrammarError`` with all errors of the text, each with
    its place, line, caret and advice.
    """
    if len(text) > LARGEST_FILE:
        raise GrammarError(f"{name}: longer than {LARGEST_FILE >> 20} MiB, so it is not read; split the grammar")
    return _grammar(read(Source(name, text), Place(folder, may_be_slow=trusted), Library(imported), check))


def _grammar(rules: RuleSet) -> Grammar:
    return Grammar(**{field.name: getattr(rules, field.name) for field in fields(RuleSet)})
