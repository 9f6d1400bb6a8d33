"""A hypothesis strategy of architectures: the one ``derive``, with hypothesis' draw as the chooser.

Each node is drawn in a strategy of its own, so that hypothesis sees where a subtree begins and ends and can put
a smaller one in its place; members come in the order of their least depth, so that what fails shrinks to the
smallest architecture that fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from einspec.errors import ShapeError
from einspec.ops.declare import Outputs
from einspec.recursion import deep
from einspec.space.architecture import Architecture
from einspec.space.choosers import Odometer
from einspec.space.derive import Address, Inputs, Rejected, Run, TypedChild, evaluate
from einspec.space.environment import Environment
from einspec.space.limits import Limits
from einspec.space.member import Member, Nonterminal
from einspec.space.skeletons import least_nodes
from einspec.space.space import Space
from einspec.space.table import Table

Draw = Callable[[st.SearchStrategy[Any]], Any]

_REPAIRS = 60
"""Attempts with other choices at the end of what was drawn, before an example is given up."""


def architectures(
    space: Space, *, max_depth: int | None = None, max_nodes: int = 40
) -> st.SearchStrategy[Architecture]:
    """A strategy of architectures of a space: all valid, of at most so many nodes, and so deep.

    It covers every architecture within the limits (and within the space's), does not follow the grammar's
    distribution, and shrinks towards few nodes. A dead end is repaired by changing the last choices.

    >>> from hypothesis import given
    >>> import einspec
    >>> space = einspec.load("einspace", input=(3, 8, 8))
    >>> @given(architectures(space, max_nodes=20))
    ... def test_sizes(arch):
    ...     assert len(arch) <= 20
    >>> test_sizes()
    """
    if not isinstance(space, Space):
        raise TypeError(f"expected a space, as einspec.load gives, not {type(space).__name__}")
    limits = space.limits.tightened(max_nodes=max_nodes).tightened(max_depth=max_depth)
    return _architecture(space, limits)


@st.composite
def _architecture(draw: Draw, space: Space, limits: Limits) -> Architecture:
    drawn = _Drawn(draw)
    odometer = Odometer()
    least = least_nodes(space.start)
    depth = min(limits.max_depth or math.inf, limits.max_nodes or math.inf)
    for _ in range(_REPAIRS):
        drawn.position = 0
        run = _DrawnRun(
            drawn, _Chooser(drawn, odometer, limits, least, space.start), limits.max_nodes or math.inf, depth
        )
        try:
            arch = Architecture(space, *deep(int(depth), partial(evaluate, run, space.start, space.inputs)))
            if run.varied_ties:
                _ = arch.graph
        except (Rejected, ShapeError):
            drawn.is_new = False
            if not odometer.advance():
                break
            continue
        if _is_within(arch, limits):
            return arch
        break
    reject()
    raise AssertionError("reject always raises")


def _is_within(arch: Architecture, limits: Limits) -> bool:
    return (limits.max_params is None or arch.params <= limits.max_params) and (
        limits.max_macs is None or arch.macs <= limits.max_macs
    )


class _Drawn:
    """The numbers that hypothesis drew, in order; a repair reads them again, and draws where they end."""

    def __init__(self, draw: Draw):
        self.draw = draw
        self.numbers: list[int] = []
        self.position = 0
        self.is_new = True

    def next(self, most: int) -> int:
        """The next number from 0 to ``most``."""
        if self.position == len(self.numbers):
            self.numbers.append(self.draw(st.integers(0, most)) if self.is_new else 0)
        self.position += 1
        return min(self.numbers[self.position - 1], most)


class _DrawnRun(Run):
    """Draws each node in a strategy of its own."""

    __slots__ = ("drawn",)

    def __init__(self, drawn: _Drawn, choose: _Chooser, max_nodes: float, max_depth: float):
        super().__init__(choose, max_nodes, max_depth)
        self.drawn = drawn

    def first(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs:
        drawn = self.drawn
        if not drawn.is_new:
            return super().first(child, inputs, environment)
        outer = drawn.draw
        try:
            outputs: Outputs = outer(_subtree(drawn, super().first, child, inputs, environment))
        finally:
            drawn.draw = outer
        return outputs


@st.composite
def _subtree(
    draw: Draw,
    drawn: _Drawn,
    first: Callable[..., Outputs],
    child: TypedChild,
    inputs: Inputs,
    environment: Environment,
) -> Outputs:
    drawn.draw = draw
    return first(child, inputs, environment)


class _Chooser:
    """Picks by the numbers drawn among the members that apply and still have room, those of least depth first."""

    def __init__(
        self, drawn: _Drawn, odometer: Odometer, limits: Limits, least: dict[Nonterminal, float], start: Nonterminal
    ):
        self.drawn = drawn
        self.odometer = odometer
        self.max_depth = limits.max_depth or math.inf
        self.max_nodes = limits.max_nodes or math.inf
        self.least = least
        self.waiting = least[start]
        """Nodes that what is still to be drawn has at least."""

    def __call__(self, address: Address, nonterminal: Nonterminal, members: Table) -> Member | None:
        assert isinstance(address, TypedChild)
        if nonterminal is address.nonterminal:
            self.waiting -= self.least[nonterminal]
        room = self.max_nodes - address.run.nodes - self.waiting
        depth = self.max_depth - address.depth + 1
        fitting = [m for m in members.members if self.size(m) <= room and _depth(m) <= depth]
        if not fitting:
            return None
        order = sorted(fitting, key=lambda member: (_depth(member), self.size(member), member.index))
        number = self.drawn.next(len(order) - 1)
        member = order[(number + self.odometer.place(len(order))) % len(order)]
        if not member.is_transparent:
            self.waiting += sum(self.least[child] for child in member.children)
        return member

    def size(self, member: Member) -> float:
        """The least size of what begins with a member."""
        return sum(self.least[child] for child in member.children) + (not member.is_transparent)


def _depth(member: Member) -> float:
    below = max((child.minimal_depth for child in member.children), default=0.0)
    return below if member.is_transparent else below + 1
