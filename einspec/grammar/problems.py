"""The problems of a grammar file, collected in the order of the file and raised together.

Codes are stable: E1xx reading, E2xx rules, E3xx weights and directives, E4xx ops, W5xx warnings.
"""

from __future__ import annotations

from einspec.errors import GrammarError
from einspec.text import Problem, Source, plural

_MOST_SHOWN = 20


class Problems:
    """Collects problems of one source."""

    def __init__(self, source: Source):
        self.source = source
        self.found: list[Problem] = []

    def error(self, code: str, start: int, end: int, message: str, advice: str = "") -> None:
        """Notes an error at a place."""
        self.found.append(Problem(self.source, start, end, code, message, advice))

    def warning(self, code: str, start: int, end: int, message: str, advice: str = "") -> None:
        """Notes a warning at a place."""
        self.found.append(Problem(self.source, start, end, code, message, advice, "warning"))

    @property
    def has_errors(self) -> bool:
        """Whether anything worse than a warning was found."""
        return any(problem.severity == "error" for problem in self.found)

    def in_order(self) -> tuple[Problem, ...]:
        """All problems in the order of the file."""
        return tuple(sorted(self.found, key=lambda problem: (problem.start, problem.code)))

    def raise_errors(self) -> None:
        """Raises ``GrammarError`` with all errors, if there are any."""
        errors = [problem for problem in self.in_order() if problem.severity == "error"]
        if not errors:
            return
        shown = [str(problem) for problem in errors[:_MOST_SHOWN]]
        if len(errors) > _MOST_SHOWN:
            shown.append(f"... and {plural(len(errors) - _MOST_SHOWN, 'error')} more")
        raise GrammarError("\n".join(shown))
