"""Skeletons: derivations with their types left out. How many there are by depth, and how large."""

from __future__ import annotations

import math

from einspec.space.members.member import Member, Nonterminal


def drawn(nonterminal: Nonterminal) -> list[Member]:
    """The members of positive weight."""
    return nonterminal.members[: nonterminal.positive]


def reachable(start: Nonterminal) -> list[Nonterminal]:
    """The nonterminals that derivations can hold; what a transparent alternative names comes before its nonterminal."""
    found = {start}
    frontier = [start]
    while frontier:
        for member in drawn(frontier.pop()):
            new = [symbol for symbol in member.symbols if symbol not in found]
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
                for member in drawn(nonterminal):
                    if member.is_transparent:
                        stack += [(symbol, False) for symbol in member.symbols if symbol is not nonterminal]
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
    below = depth if member.is_transparent else depth - 1
    if below < 0:
        return -math.inf
    # What goes on as itself at the same depth has no end of derivations, if it has any.
    logs = [math.inf if _goes_on(member, symbol) else found[symbol, below] for symbol in member.symbols]
    return -math.inf if -math.inf in logs else sum(logs)


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
            sizes = [_most_nodes(member, most if member.is_transparent else before) for member in drawn(nonterminal)]
            most[nonterminal] = max(sizes, default=-math.inf)
        if most == before:
            break
        if most[start] > 1e12:
            return math.inf
    return most[start]


def _most_nodes(member: Member, most: dict[Nonterminal, float]) -> float:
    """The most nodes of what begins with a member, where those of its symbols are known."""
    sizes = [most[symbol] for symbol in member.symbols if not _goes_on(member, symbol)]
    if -math.inf in sizes:
        return -math.inf
    size = sum(sizes) + (not member.is_transparent)
    return math.inf if size and len(sizes) < len(member.symbols) else size


def _goes_on(member: Member, symbol: Nonterminal) -> bool:
    """Whether it is a repetition that is asked again, at the same depth."""
    return member.is_transparent and symbol is member.home


def least_nodes(start: Nonterminal) -> dict[Nonterminal, float]:
    """The fewest nodes of a derivation of each nonterminal."""
    nonterminals = reachable(start)
    least: dict[Nonterminal, float] = dict.fromkeys(nonterminals, math.inf)
    changed = True
    while changed:
        changed = False
        for nonterminal in nonterminals:
            for member in drawn(nonterminal):
                size = sum(least[symbol] for symbol in member.symbols) + (not member.is_transparent)
                if size < least[nonterminal]:
                    least[nonterminal], changed = size, True
    return least
