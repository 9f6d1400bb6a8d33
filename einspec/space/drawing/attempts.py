"""The attempts of one draw: how many there may be, how much work they may be, and why they failed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from einspec.space.deriving.limits import USUAL_ATTEMPTS, Limits
from einspec.space.deriving.rejected import Rejected
from einspec.text import plural

_MOST_REASONS = 5

_MOST_WORK = 200_000
"""What the usual number of attempts may cost, in nodes drawn: a draw that is given up takes a second or two."""


class Attempts:
    """Goes on until there were as many attempts, or as much work, as there may be; each that failed is noted.

    Reasons are counted when somebody asks: while architectures are drawn, seldom does anybody.
    """

    def __init__(self, limits: Limits, is_bounded: bool = True):
        self.limits = limits
        self.most_work = _MOST_WORK * max(1, limits.attempts / USUAL_ATTEMPTS) if is_bounded else math.inf
        self.work = 0
        """What the attempts cost so far, in nodes drawn."""
        self.notes: list[Rejected | str] = []

    def __len__(self) -> int:
        return len(self.notes)

    def __iter__(self) -> Iterator[int]:
        while len(self.notes) < self.limits.attempts and self.work < self.most_work:
            yield len(self.notes)

    def note(self, rejected: Rejected | str, work: int) -> None:
        """Counts one attempt that failed: what ended it, or a reason of which nothing more is known; and its cost."""
        self.notes.append(rejected)
        self.work += work

    @property
    def counts(self) -> dict[str, int]:
        """How often each constraint rejected, the most frequent first."""
        counts = Counter(note if isinstance(note, str) else note.reason for note in self.notes)
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    def text(self) -> str:
        """The reasons with their counts, the most frequent first."""
        reasons = list(self.counts.items())
        shown = [f"{reason} {count:,}" for reason, count in reasons[:_MOST_REASONS]]
        if len(reasons) > _MOST_REASONS:
            shown.append(f"others {sum(count for _, count in reasons[_MOST_REASONS:]):,}")
        return ", ".join(shown)

    def explanation(self) -> str | None:
        """What refused, with the types, in the latest attempt that failed for the most frequent reason."""
        reason = next(iter(self.counts))
        for note in reversed(self.notes):
            if not isinstance(note, str) and note.reason == reason:
                why = note.explanation()
                return None if why == reason else why
        return None

    def exhausted(self, what: str, every: str | None = None) -> str:
        """The message for attempts that ran out: which constraint rejected how often, and what to do.

        ``every`` names what was tried, where that was all there is.
        """
        why = self.explanation()
        tried, more = f"in {plural(len(self), 'attempt')}", ", or allow more attempts"
        if every is not None:
            tried, more = f"among all {plural(len(self), every)}", ""
        elif len(self) < self.limits.attempts:
            tried += f", as much work as {self.most_work:,.0f} nodes,"
            more += f": attempts={10 * max(self.limits.attempts, USUAL_ATTEMPTS)} allows ten times the work"
        return (
            f"{what} {tried} within {self.limits.text()}; rejected by {self.text()}; loosen what rejects most{more}"
            + (f" ({why})" if why else "")
        )
