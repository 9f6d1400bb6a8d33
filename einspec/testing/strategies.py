"""A hypothesis strategy of architectures: the one ``derive``, with hypothesis' draw as the chooser.

What shrinks well is what hypothesis can take apart. So one number is drawn for each node; the same number means the
same alternative wherever it stands, whatever the types there; smaller numbers mean smaller subtrees; and each subtree
is drawn in a strategy of its own, named after its nonterminal, so that a smaller one can be put in its place. What
comes to a dead end is drawn again where it happened, and hypothesis forgets the first try.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import accumulate
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from einspec.errors import ShapeError
from einspec.ops.declare import Inputs, Outputs
from einspec.recursion import deep
from einspec.space.deriving.evaluation import Run, TypedChild, evaluate
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Rejected
from einspec.space.deriving.table import Table
from einspec.space.drawing.sampling import check_limits
from einspec.space.members.environment import Environment
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.odometer import Odometer
from einspec.space.members.skeletons import drawn, least_nodes, reachable
from einspec.space.space import Architecture, Space

Draw = Callable[[st.SearchStrategy[Any]], Any]
Path = tuple[Member, ...]
"""Members from a nonterminal to an op: transparent ones, then the one that names the op."""

_FAILURES = 100
"""Dead ends in one example before it is given up."""
_REPAIRS = 30
"""Completions tried, the smallest first, where drawing came to a dead end twice."""
_GROWTH = 2
"""How many times as many numbers mean alternatives with children as mean leaves: trees grow until there is no room."""
_SPANS = 40
"""Subtrees within each other that hypothesis is told of: it refuses strategies nested over 100 deep."""


def architectures(
    space: Space, *, max_depth: int | None = None, max_nodes: int = 40
) -> st.SearchStrategy[Architecture]:
    """A strategy of architectures of a space: all valid, of at most so many nodes, and so deep.

    It covers every architecture within the limits (and within the space's), does not follow the grammar's
    distribution, and shrinks towards few nodes. Raises ``SamplingError`` where no derivation is as small as that.

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
    check_limits(space, limits)
    return _architecture(space, limits)


@st.composite
def _architecture(draw: Draw, space: Space, limits: Limits) -> Architecture:
    depth = min(limits.max_depth or math.inf, limits.max_nodes or math.inf)
    run = _DrawnRun(draw, _alphabet(space.start), limits.max_nodes or math.inf, depth)
    try:
        arch = Architecture(space, *deep(int(depth), partial(evaluate, run, space.start, space.inputs)))
        if run.varied_ties:
            _ = arch.graph
    except (Rejected, ShapeError):
        reject()
    if not _is_within(arch, limits):
        reject()
    return arch


def _is_within(arch: Architecture, limits: Limits) -> bool:
    return (limits.max_params is None or arch.params <= limits.max_params) and (
        limits.max_macs is None or arch.macs <= limits.max_macs
    )


class _Alphabet:
    """Which number means which alternative, for the nonterminals of a space.

    The alternatives of a nonterminal are those that it comes to, through transparent ones too, in the order of their
    depth. Where all of them are alternatives of another nonterminal, its numbers are used. Each production has as many
    numbers as the one with the most values of its terminals; and those with children have so many that trees grow.
    """

    def __init__(self, start: Nonterminal):
        self.least = least_nodes(start)
        nonterminals = [nonterminal for nonterminal in reachable(start) if not nonterminal.is_structural]
        self.paths: dict[Nonterminal, list[Path]] = {n: self.ordered(n) for n in nonterminals}
        ops = {n: {path[-1] for path in paths} for n, paths in self.paths.items()}
        self.family: dict[Nonterminal, Nonterminal] = {
            n: max((m for m in nonterminals if ops[n] <= ops[m]), key=lambda m: (len(ops[m]), m.name, m.depth))
            for n in nonterminals
        }
        self.ends: dict[Nonterminal, list[int]] = {n: self.numbered(n) for n in set(self.family.values())}
        self.range: dict[Nonterminal, tuple[int, int]] = {n: self.ranging(n, ops[n]) for n in nonterminals}
        self.subtrees = {n: _subtree_of(self.family[n].name) for n in nonterminals}

    def ordered(self, start: Nonterminal) -> list[Path]:
        """The alternatives of a nonterminal, those of least depth first."""
        found: list[Path] = []
        frontier: list[tuple[Nonterminal, Path]] = [(start, ())]
        while frontier:
            nonterminal, via = frontier.pop()
            for member in drawn(nonterminal):
                if member.is_transparent:
                    frontier.append((member.children[0], (*via, member)))
                else:
                    found.append((*via, member))
        return sorted(found, key=lambda path: self.order(path[-1]))

    def numbered(self, nonterminal: Nonterminal) -> list[int]:
        """For each alternative the number after its last."""
        members = [path[-1] for path in self.paths[nonterminal]]
        values = Counter(member.production for member in members)
        numbers = [max(values.values()) // values[member.production] for member in members]
        growing = sum(member.has_children for member in members)
        leaves = sum(number for number, member in zip(numbers, members, strict=True) if not member.has_children)
        if growing:
            each = max(1, _GROWTH * leaves // growing)
            numbers = [each if member.has_children else number for number, member in zip(numbers, members, strict=True)]
        return list(accumulate(numbers))

    def size(self, member: Member) -> float:
        """The least size of what begins with a member."""
        return 1 + sum(self.least[symbol] for symbol in member.symbols)

    def order(self, member: Member) -> tuple[float, float, int]:
        """What alternatives are sorted by: the smallest come first."""
        return member.least_depth, self.size(member), member.index

    def ranging(self, nonterminal: Nonterminal, ops: set[Member]) -> tuple[int, int]:
        """The least and the greatest number that mean an alternative of a nonterminal."""
        family = self.family[nonterminal]
        ends = self.ends[family]
        places = [place for place, path in enumerate(self.paths[family]) if path[-1] in ops]
        return (ends[places[0] - 1] if places[0] else 0), ends[places[-1]] - 1

    def meant(self, nonterminal: Nonterminal, number: int) -> int:
        """The index of the alternative that a number means, or of the next one where it means another's."""
        family = self.family[nonterminal]
        place = bisect_right(self.ends[family], number)
        if family is nonterminal:
            return place
        order = self.order(self.paths[family][place][-1])
        return bisect_left(self.paths[nonterminal], order, key=lambda path: self.order(path[-1]))


@lru_cache(maxsize=8)
def _alphabet(start: Nonterminal) -> _Alphabet:
    return _Alphabet(start)


def _subtree_of(name: str) -> Callable[[Callable[[Draw], Outputs | None]], st.SearchStrategy[Outputs | None]]:
    """A strategy of what a function draws. Hypothesis tells strategies apart by their defaults too."""

    @st.composite
    def subtree(draw: Draw, function: Callable[[Draw], Outputs | None], nonterminal: str = name) -> Outputs | None:
        return function(draw)

    return subtree


class _DrawnRun(Run):
    """Draws each subtree in a strategy of its own."""

    __slots__ = ("alphabet", "draw", "entered", "failures", "open", "pending", "repair", "waiting")

    def __init__(self, draw: Draw, alphabet: _Alphabet, max_nodes: float, max_depth: float):
        super().__init__(None, max_nodes, max_depth)
        self.draw = draw
        self.alphabet = alphabet
        self.failures = 0
        self.open = 0
        self.entered: list[TypedChild] = []
        """Children that were drawn, in order: a failure forgets them."""
        self.pending: list[Member] = []
        """Members still to come on the way to an op, the next one last."""
        self.repair: Odometer | None = None
        """Where nothing is drawn any more: which completion is tried."""
        self.waiting = 0.0
        """Nodes that what is still to be drawn has at least."""

    def first(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs:
        if self.repair is not None or self.open >= _SPANS or not _grows(self.alphabet.paths[child.nonterminal]):
            return self.entering(child, inputs, environment)
        tries = 0

        def subtree(draw: Draw) -> Outputs | None:
            nonlocal tries
            tries += 1
            outer, self.draw = self.draw, draw
            self.open += 1
            try:
                return self.tried(child, inputs, environment)
            finally:
                self.draw = outer
                self.open -= 1

        strategy = self.alphabet.subtrees[child.nonterminal](subtree)
        # Hypothesis filters three times, then gives the example up; here a repair takes the third.
        outputs: Outputs | None = self.draw(strategy.filter(lambda found: found is not None or tries == 2))
        if outputs is None:
            outputs = self.repaired(child, inputs, environment)
        if outputs is None:
            raise Rejected(f"nothing was found for {child.nonterminal.name}")
        return outputs

    def entering(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs:
        """Draws a child, and notes that it was drawn."""
        outputs = super().first(child, inputs, environment)
        self.entered.append(child)
        return outputs

    def tried(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs | None:
        """Draws a child; a dead end in it leaves everything as it was, and gives None."""
        nodes, waiting, entered = self.nodes, self.waiting, len(self.entered)
        try:
            return self.entering(child, inputs, environment)
        except (Rejected, ShapeError):
            self.nodes, self.waiting = nodes, waiting
            self.pending.clear()
            for forgotten in self.entered[entered:]:
                forgotten.called = forgotten.node = None
            del self.entered[entered:]
            self.failures += 1
            if self.failures > _FAILURES:
                reject()
            return None

    def repaired(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs | None:
        """The first small derivation that fits; None if there is none among the smallest."""
        self.repair = Odometer()
        try:
            for _ in range(_REPAIRS):
                outputs = self.tried(child, inputs, environment)
                if outputs is not None or not self.repair.advance():
                    return outputs
            return None
        finally:
            self.repair = None

    def chosen(
        self, child: TypedChild, nonterminal: Nonterminal, table: Table, inputs: Inputs, environment: Environment
    ) -> Member | None:
        if nonterminal.is_structural:
            return self.option(child, nonterminal)
        if not self.pending:
            found = self.path(child, inputs, environment)
            if found is None:
                return None
            self.pending = list(reversed(found))
        return self.pending.pop()

    def path(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Path | None:
        """The alternative that a drawn number means, or the next one that applies and has room."""
        nonterminal, alphabet = child.nonterminal, self.alphabet
        paths = alphabet.paths[nonterminal]
        self.waiting = max(0.0, self.waiting - alphabet.least[nonterminal])
        room = self.max_nodes - self.nodes - self.waiting
        depth = self.max_depth - child.depth + 1

        def fits(path: Path) -> bool:
            member = path[-1]
            return (
                alphabet.size(member) <= room
                and member.least_depth <= depth
                and all(m.guard is None or m.guard.holds(inputs, environment.values) for m in path)
                and (not member.is_leaf(environment) or member.outcome(inputs, environment) is not None)
            )

        if self.repair is not None:
            fitting = [path for path in paths if fits(path)]
            found = fitting[self.repair.place(len(fitting))] if fitting else None
        else:
            least, most = alphabet.range[nonterminal]
            first = alphabet.meant(nonterminal, self.draw(st.integers(least, most)) if least < most else least)
            found = next((path for path in (*paths[first:], *paths[:first]) if fits(path)), None)
        if found is not None:
            self.waiting += sum(alphabet.least[symbol] for symbol in found[-1].symbols)
        return found

    def option(self, child: TypedChild, structure: Nonterminal) -> Member | None:
        """The option of a group or a repetition that a drawn number means, among those that there is room for."""
        least = self.alphabet.least
        room = self.max_nodes - self.nodes - self.waiting + least[structure]
        depth = self.max_depth - child.depth
        sizes = {option: sum(least[symbol] for symbol in option.symbols) for option in structure.drawn}
        fitting = sorted(
            (option for option in structure.drawn if sizes[option] <= room and option.least_depth <= depth),
            key=lambda option: (sizes[option], option.index),
        )
        if not fitting:
            return None
        if self.repair is not None:
            found = fitting[self.repair.place(len(fitting))]
        else:
            found = fitting[self.draw(st.integers(0, len(fitting) - 1))] if len(fitting) > 1 else fitting[0]
        self.waiting += sizes[found] - least[structure]
        return found


def _grows(paths: list[Path]) -> bool:
    return any(path[-1].has_children for path in paths)
