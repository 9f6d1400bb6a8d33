"""Choosers: who picks a member at each choice. There is one ``derive``, and this is what it asks."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Sequence

from einspec.space.deriving.evaluation import Address, Chooser
from einspec.space.deriving.table import Table
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.odometer import Odometer


def as_random(rng: int | random.Random) -> random.Random:
    """The generator of a seed, or the generator itself. Only its ``random()`` is ever read.

    Raises ``TypeError`` for anything else: every random choice takes an explicit generator.
    """
    if isinstance(rng, random.Random):
        return rng
    if isinstance(rng, int) and not isinstance(rng, bool):
        return random.Random(rng)
    raise TypeError(f"rng={rng!r}: expected a whole number as seed, or a random.Random")


class RandomChooser:
    """Draws a member with its probability among those that apply, as :meth:`Table.draw` does."""

    __slots__ = ("uniform",)

    def __init__(self, rng: random.Random):
        self.uniform = rng.random

    def __call__(self, address: Address, nonterminal: Nonterminal, members: Table) -> Member | None:
        return members.draw(self.uniform)


def below(rng: random.Random, n: int) -> int:
    """A uniform index below n, read through ``random()`` alone: ``randrange`` may change between versions."""
    return min(int(rng.random() * n), n - 1)


def recorded_chooser(choices: Sequence[int], odometer: Odometer) -> Chooser:
    """Reads any list of whole numbers as choices; the odometer shifts them, to repair a dead end.

    A number that is exactly the index of a member of weight 0 means that member. Any other counts modulo the
    members that are drawn, then goes on to the next one that applies. Past the end of the list, the member
    of least depth comes first.
    """
    position = 0

    def choose(address: Address, nonterminal: Nonterminal, members: Table) -> int:
        nonlocal position
        number = choices[position] if position < len(choices) else None
        position += 1
        exact = _exact(number, nonterminal, members)
        options = members.positive + (exact is not None)
        if not options:
            return -1
        place = odometer.place(options)
        if exact is not None:
            if not place:
                return exact
            place -= 1
        return _drawn(number, place, nonterminal, members)

    return choose


def _exact(number: int | None, nonterminal: Nonterminal, members: Table) -> int | None:
    """The index into the table of the member of weight 0 that a number means; None where it means none."""
    if number is None or not nonterminal.positive <= number < len(nonterminal.members):
        return None
    meant = nonterminal.members[number]
    return next((members.positive + i for i, member in enumerate(members.parse_only) if member is meant), None)


def _drawn(number: int | None, place: int, nonterminal: Nonterminal, members: Table) -> int:
    """The index into the table of the member so many places after the one that a number means."""
    positive = members.positive
    if number is None:
        return sorted(range(positive), key=lambda index: members.members[index].least_depth)[place]
    declared = nonterminal.positive
    meant = number % declared
    if positive < declared:  # those that do not apply are passed over
        meant = bisect_left([member.index for member in members.members], meant)
    return (meant + place) % positive
