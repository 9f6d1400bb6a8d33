"""Skeletons: derivations with their types left out. How many there are by depth, and how large."""

from __future__ import annotations

import math

from einspec.space.member import Member, Nonterminal


def drawn(nonterminal: Nonterminal) -> list[Member]:
    """The members of positive weight."""
    return nonterminal.members[: nonterminal.positive]


def reachable(start: Nonterminal) -> list[Nonterminal]:
    """The nonterminals that derivations can hold; what a transparent alternative names comes before its nonterminal."""
    found = {start}
    frontier = [start]
    while frontier:
        for member in drawn(frontier.pop()):
            new = [child for child in member.children if child not in found]
            found.update(new)
            frontier += new
    order: dict[Nonterminal, None] = {}
    for root in sorted(found, key=lambda nonterminal: (nonterminal.name, nonterminal.depth)):
        stack = [(root, False)]
        while stack:
            nonterminal, is_ready = stack.pop()
            if is_ready:
                order.setdefault(nonterminal)
            elif nonterminal not in order:
                stack.append((nonterminal, True))
                stack += [(member.children[0], False) for member in drawn(nonterminal) if member.is_transparent]
    return list(order)


def log_counts(start: Nonterminal, depth: int) -> dict[tuple[Nonterminal, int], float]:
    """The logarithm of the number of derivations up to each depth, types left out; -inf where there are none."""
    nonterminals = reachable(start)
    found: dict[tuple[Nonterminal, int], float] = {}
    for level in range(depth + 1):
        for nonterminal in nonterminals:
            logs = [_log_count(member, level, found) for member in drawn(nonterminal)]
            found[nonterminal, level] = log_sum(logs)
    return found


def _log_count(member: Member, depth: int, found: dict[tuple[Nonterminal, int], float]) -> float:
    if member.is_transparent:
        return found[member.children[0], depth]
    if depth < 1:
        return -math.inf
    return sum(found[child, depth - 1] for child in member.children)


def log_sum(logs: list[float]) -> float:
    """The logarithm of the sum of numbers whose logarithms are given."""
    top = max(logs, default=-math.inf)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in logs))


def most_nodes(start: Nonterminal, depth: int) -> float:
    """The most nodes that a derivation of at most some depth has; infinite from a trillion on."""
    nonterminals = reachable(start)
    most: dict[Nonterminal, float] = dict.fromkeys(nonterminals, -math.inf)
    for _ in range(depth):
        before, most = most, {}
        for nonterminal in nonterminals:
            sizes = [
                most[member.children[0]] if member.is_transparent else 1 + sum(before[c] for c in member.children)
                for member in drawn(nonterminal)
            ]
            most[nonterminal] = max(sizes, default=-math.inf)
        if most == before:
            break
        if most[start] > 1e12:
            return math.inf
    return most[start]


def least_nodes(start: Nonterminal) -> dict[Nonterminal, float]:
    """The fewest nodes of a derivation of each nonterminal."""
    nonterminals = reachable(start)
    least: dict[Nonterminal, float] = dict.fromkeys(nonterminals, math.inf)
    changed = True
    while changed:
        changed = False
        for nonterminal in nonterminals:
            for member in drawn(nonterminal):
                size = sum(least[child] for child in member.children) + (not member.is_transparent)
                if size < least[nonterminal]:
                    least[nonterminal], changed = size, True
    return least
