"""Coverage: which productions a set of architectures uses, and which never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from einspec.grammar.model.rules import Production
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.members.member import Member


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often each production of positive weight is used, by its place in the grammar: ``"computation: linear"``."""

    used: dict[str, int]
    never: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share of the productions that are used."""
        return len(self.used) / (len(self.used) + len(self.never))

    def __str__(self) -> str:
        total = len(self.used) + len(self.never)
        lines = [f"{len(self.used)} of {total} productions are used"]
        lines += [f"  {count:>8,}  {name}" for name, count in self.used.items()]
        lines += [f"     never  {name}" for name in self.never]
        return "\n".join(lines)


def coverage(space: Ground, archs: Iterable[TypedDerivation]) -> Coverage:
    """See :meth:`Space.coverage`."""
    counts = production_counts(archs)
    used: dict[str, int] = {}
    never: list[str] = []
    for production, name in production_names(space).items():
        if counts[production]:
            used[name] = counts[production]
        elif production.is_drawn:
            never.append(name)
    return Coverage(used, tuple(never))


def production_counts(archs: Iterable[TypedDerivation]) -> Counter[Production]:
    """How often each production is used, transparent ones too."""
    counts: Counter[Production] = Counter()
    for member, count in member_counts(archs).items():
        counts[member.production] += count
    return counts


def member_counts(archs: Iterable[TypedDerivation]) -> Counter[Member]:
    """How often each member is chosen, transparent ones too."""
    return Counter(
        member for arch in archs for node in arch.derivation.walk() for member in (*node.via, node.member.chosen)
    )


def production_names(space: Ground) -> dict[Production, str]:
    """What each production is called in reports: by its rule and its op, ``"computation: linear"``."""
    names: dict[Production, str] = {}
    taken: set[str] = set()
    for rule in space.grammar.rules.values():
        for production in rule.productions:
            name = f"{rule.name}: {production.label}"
            while name in taken:
                name += "'"  # the same op in another alternative
            taken.add(name)
            names[production] = name
    return names
