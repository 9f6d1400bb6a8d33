"""The problems of a grammar file, collected in the order of the file and raised together.

Codes are stable: E1xx reading, E2xx rules, E3xx weights and directives, E4xx ops, W5xx warnings. Each has a page in the
folder codes, which ``einspec explain`` prints.
"""

from __future__ import annotations

from einspec.errors import GrammarError
from einspec.text import Problem, Source, plural

_MOST_SHOWN = 20


class Problems:
    """Collects problems of a file, and of those that it imports."""

    def __init__(self, source: Source, found: list[Problem] | None = None):
        self.source = source
        self.found: list[Problem] = [] if found is None else found
        """What was found, in all files."""

    def of(self, source: Source) -> Problems:
        """The same problems, for noting those of another file."""
        return Problems(source, self.found)

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
        """All problems, each once, file by file and each in its order; those of this file come first."""
        sources = list(dict.fromkeys([self.source.name, *(problem.source.name for problem in self.found)]))
        unique = dict.fromkeys(self.found)
        return tuple(sorted(unique, key=lambda p: (sources.index(p.source.name), p.start, p.code)))

    def raise_errors(self) -> None:
        """Raises ``GrammarError`` with all errors, if there are any."""
        errors = [problem for problem in self.in_order() if problem.severity == "error"]
        if not errors:
            return
        shown = [str(problem) for problem in errors[:_MOST_SHOWN]]
        if len(errors) > _MOST_SHOWN:
            shown.append(f"... and {plural(len(errors) - _MOST_SHOWN, 'error')} more")
        raise GrammarError("\n".join(shown))
