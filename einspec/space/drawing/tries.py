"""What attempts tried: which productions they chose, where their rules were expanded, and why those that failed did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from einspec.errors import ShapeError
from einspec.grammar.model.rules import Production
from einspec.space.deriving.evaluation import Record
from einspec.space.members.environment import Environment
from einspec.space.members.member import Member, Nonterminal
from einspec.text import plural
from einspec.types import Type


class Tries:
    """Counts the choices of attempts, and for each production why attempts with it failed."""

    def __init__(self) -> None:
        self.expansions: Counter[str] = Counter()
        """How often each rule was expanded."""
        self.asked: Counter[Production] = Counter()
        """How often each guard was asked, and each member with its values once."""
        self.held: Counter[Production] = Counter()
        """How often it held."""
        self._chosen: set[Production] = set()
        self._places: dict[str, tuple[Nonterminal, tuple[Type, ...], Environment]] = {}
        self._reasons: dict[Production, Counter[str]] = {}

    def begin(self) -> Record:
        """Begins an attempt; what is given is to be told of each of its choices."""
        self._chosen = set()
        return self._note

    def _note(
        self, nonterminal: Nonterminal, member: Member, inputs: tuple[Type, ...], environment: Environment
    ) -> None:
        if nonterminal.is_structural:
            return
        self._chosen.add(member.production)
        self.expansions[nonterminal.name] += 1
        self._places[nonterminal.name] = nonterminal, inputs, environment
        for other in nonterminal.guarded:
            self.asked[other.production] += 1
            if other.guard is not None and other.guard.holds(inputs, environment.values):
                self.held[other.production] += 1

    def failed(self, reason: str) -> None:
        """Ends an attempt that failed."""
        for production in self._chosen:
            self._reasons.setdefault(production, Counter())[reason] += 1

    def why(self, production: Production, explanations: Mapping[str, str]) -> str:
        """Why no sample has a production; ``explanations`` quote what refused, by the reason."""
        reasons = self._reasons.get(production)
        if reasons:
            reason, _ = reasons.most_common(1)[0]
            explanation = explanations.get(reason)
            more = f" ({_first_line(explanation)})" if explanation else ""
            return f"{plural(sum(reasons.values()), 'attempt')} chose it and failed, most often by {reason}{more}"
        nonterminal, inputs, environment = self._places[production.symbol]
        refusals: Counter[str] = Counter()
        for member in nonterminal.drawn:
            if member.production is production and (member.is_leaf(environment) or member.guard is not None):
                try:
                    member.check_guard(inputs, environment)
                    if member.is_leaf(environment):
                        member.infer(inputs, environment)
                except ShapeError as error:
                    refusals[_first_line(error)] += 1
        return f"it never applied, as in: {refusals.most_common(1)[0][0]}" if refusals else "it was never chosen"


def _first_line(message: object) -> str:
    """What a message says, without the excerpt of the text that it is about."""
    return str(message).partition("\n")[0]
