"""Coverage: which productions a set of architectures uses, and which never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from einspec.space.architecture import Architecture

if TYPE_CHECKING:
    from einspec.space.space import Space


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


def coverage(space: Space, archs: Iterable[Architecture]) -> Coverage:
    """See :meth:`Space.coverage`."""
    counts: Counter[tuple[str, int]] = Counter()
    for arch in archs:
        for node in space.own(arch).derivation.walk():
            for member in (*node.via, node.member):
                counts[member.production.symbol, member.production.index] += 1
    used: dict[str, int] = {}
    never: list[str] = []
    for rule in space.grammar.rules.values():
        for production in rule.productions:
            name = f"{rule.name}: {production.children[0] if production.is_transparent else production.op_name}"
            while name in used or name in never:
                name += "'"  # the same op in another alternative
            count = counts[rule.name, production.index]
            if count:
                used[name] = count
            elif production.weight > 0:
                never.append(name)
    return Coverage(used, tuple(never))
