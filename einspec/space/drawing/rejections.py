"""Why attempts failed, counted when somebody asks: while architectures are drawn, seldom does anybody."""

from __future__ import annotations

from collections import Counter

from einspec.space.deriving.derive import Rejected
from einspec.space.deriving.limits import Limits
from einspec.text import plural

_MOST_REASONS = 5


class Rejections:
    """Which constraint rejected how often, and the latest of each."""

    def __init__(self) -> None:
        self.notes: list[Rejected | str] = []

    def __len__(self) -> int:
        return len(self.notes)

    def note(self, rejected: Rejected | str) -> None:
        """Counts one attempt that failed: what ended it, or a reason of which nothing more is known."""
        self.notes.append(rejected)

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


def exhausted(what: str, limits: Limits, rejections: Rejections) -> str:
    """The message for attempts that ran out: which constraint rejected how often, and what to do."""
    why = rejections.explanation()
    return (
        f"{what} in {plural(len(rejections), 'attempt')} within {limits.text()}; "
        f"rejected by {rejections.text()}; loosen what rejects most, or allow more attempts"
        + (f" ({why})" if why else "")
    )
