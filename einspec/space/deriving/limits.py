"""Limits: counts that a sample must keep. Never wall-clock, so that a seed means the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from einspec.recursion import MAX_DEPTH

USUAL_ATTEMPTS = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What every drawn architecture keeps; None is no limit. Calls tighten limits, and parsing ignores them.

    ``max_nodes`` and ``max_depth`` count nodes that name an op, ``max_params`` and ``max_macs`` are those of
    the simplified graph, ``attempts`` is how often a draw is started before it is given up.
    Raises ``ValueError`` for limits below 1, or below 0 for parameters and MACs.
    """

    max_nodes: int | None = 2000
    max_depth: int | None = 200
    attempts: int = USUAL_ATTEMPTS
    max_params: int | None = None
    max_macs: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name != "attempts":
                continue
            least = 0 if field.name in ("max_params", "max_macs") else 1
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{field.name}={value!r}: expected a whole number")
            if value < least:
                raise ValueError(f"{field.name}={value}: expected at least {least}")

    def tightened(self, **limits: Any) -> Limits:
        """These limits and the given ones, the smaller of each; ``attempts``, which limits no architecture, as given.

        Raises ``TypeError`` for an unknown limit.
        """
        known = {field.name for field in fields(self)}
        changes: dict[str, Any] = {}
        for name, value in limits.items():
            if name not in known:
                raise TypeError(f"{name} is not a limit: expected one of {', '.join(sorted(known))}")
            current = getattr(self, name)
            if value is not None:
                Limits(**{name: value})  # checks the value itself before it is compared
                changes[name] = value if current is None or name == "attempts" else min(current, value)
        return replace(self, **changes) if changes else self

    @property
    def is_costed(self) -> bool:
        """Whether it takes the graph of an architecture to tell whether it keeps them."""
        return self.max_params is not None or self.max_macs is not None

    @property
    def evaluation_depth(self) -> int:
        """How deep an evaluation can nest: a derivation is no deeper than it is large."""
        return min(self.max_depth or MAX_DEPTH, self.max_nodes or MAX_DEPTH, MAX_DEPTH)

    def text(self) -> str:
        """The limits that are set, as ``max_nodes=2000, ...``."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ", ".join(f"{name}={value}" for name, value in pairs if value is not None)
