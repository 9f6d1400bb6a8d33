"""Size control: what a sample must be besides valid, and within the limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from einspec.errors import SamplingError
from einspec.ops.declare import Outputs
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.drawing.seen import Seen
from einspec.space.members.skeletons import drawn, reachable
from einspec.text import did_you_mean
from einspec.types import Type, TypeLike, as_type

Where = Callable[[Any], bool]
RangeLike = int | tuple[int | None, int | None]


WISHES = ("nodes", "depth", "params", "macs", "output", "contains")
"""What can be asked for by name, besides ``where``."""


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from ``least`` to ``most``, None for no end."""

    least: int
    most: int | None

    def holds(self, number: int) -> bool:
        """Whether a number is in the range."""
        return self.least <= number and (self.most is None or number <= self.most)

    def __str__(self) -> str:
        return str(self.least) if self.least == self.most else f"({self.least}, {self.most})"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What ``space.sample`` is asked for. Made by :func:`wanted`."""

    nodes: Range | None = None
    depth: Range | None = None
    params: Range | None = None
    macs: Range | None = None
    output: Outputs | None = None
    contains: tuple[str, ...] = ()
    where: Where | None = None
    seen: Seen | None = None
    """Architectures whose identities it must not have."""

    @property
    def is_any(self) -> bool:
        """Whether anything is asked for, new keys apart."""
        return (
            self.where is not None
            or self.is_costed
            or any(wish is not None for wish in (self.nodes, self.depth, self.output, self.contains or None))
        )

    @property
    def is_costed(self) -> bool:
        """Whether it takes the graph of an architecture to tell whether it fits."""
        return self.params is not None or self.macs is not None

    def misfit(self, arch: TypedDerivation) -> str | None:
        """The first thing that an architecture does not fit, the cheap ones first; None where it fits."""
        if self.nodes is not None and not self.nodes.holds(len(arch)):
            return "nodes"
        if self.depth is not None and not self.depth.holds(arch.depth):
            return "depth"
        if self.output is not None and arch.output != self.output:
            return "output"
        if self.contains:
            found = {text for node in arch.derivation.walk() for text in (node.op_name, node.member.text())}
            if not found.issuperset(self.contains):
                return "contains"
        if self.params is not None and not self.params.holds(arch.params):
            return "params"
        if self.macs is not None and not self.macs.holds(arch.macs):
            return "macs"
        if self.where is not None and not holds(self.where, arch):
            return "where"
        return "a key that was drawn before" if self.seen is not None and arch in self.seen else None

    def hint(self, arch: TypedDerivation) -> str | None:
        """What would make an architecture fit that comes close: an output of its layout."""
        kinds, wanted = arch.output, self.output
        if not isinstance(wanted, Type) or not isinstance(kinds, Type) or kinds is wanted:
            return None
        if kinds.sizes != wanted.sizes:
            return None
        return f"many have these sizes: ask for output={str(kinds)!r}"

    def within(self, limits: Limits) -> Limits:
        """The limits, tightened by the upper ends. Raises ``SamplingError`` where they contradict each other."""
        for name, given in (("nodes", self.nodes), ("depth", self.depth), ("params", self.params), ("macs", self.macs)):
            limit = getattr(limits, f"max_{name}")
            if given is None:
                continue
            if limit is not None and given.least > limit:
                raise SamplingError(
                    f"{name}={given} contradicts max_{name}={limit}: nothing meets both; raise the limit, or lower "
                    "the range"
                )
            limits = limits.tightened(**{f"max_{name}": given.most})
        return limits

    def text(self) -> str:
        """What is asked for, as ``nodes=(60, 60), contains=linear``."""
        pairs: list[tuple[str, Any]] = [
            (name, getattr(self, name)) for name in ("nodes", "depth", "params", "macs", "output")
        ]
        shown = [f"{name}={value}" for name, value in pairs if value is not None]
        return ", ".join([*shown, *(f"contains={text}" for text in self.contains)])


def wanted(
    space: Ground,
    nodes: RangeLike | None = None,
    depth: RangeLike | None = None,
    params: RangeLike | None = None,
    macs: RangeLike | None = None,
    output: TypeLike | tuple[Type, ...] | None = None,
    contains: Any = None,
    where: Where | None = None,
) -> Wanted:
    """Checks what is asked for. Raises ``TypeError`` or ``ValueError`` with the name and the value."""
    check_where(where)
    return Wanted(
        _range("nodes", nodes, 1),
        _range("depth", depth, 1),
        _range("params", params, 0),
        _range("macs", macs, 0),
        None if output is None else _output(output),
        _ops(space, contains),
        where,
    )


def holds(where: Where, arch: TypedDerivation) -> bool:
    """Whether a predicate of the user's holds. What it raises stays its own, with a note that says for what."""
    try:
        return bool(where(arch))
    except Exception as error:
        error.add_note(f"raised by where= for the architecture {arch}")
        raise


def check_where(where: object) -> None:
    """Raises ``TypeError`` for a predicate that is none."""
    if where is not None and not callable(where):
        raise TypeError(f"where={where!r}: expected a function of an architecture")


def _output(given: Any) -> Outputs:
    """A type, or the tuple of types of several outputs."""
    if isinstance(given, tuple) and given and all(isinstance(kind, Type) for kind in given):
        return given
    return as_type(given)


def _range(name: str, given: RangeLike | None, least: int) -> Range | None:
    if given is None:
        return None
    ends: Any = (given, given) if _is_whole(given) else given
    if not isinstance(ends, (tuple, list)) or len(ends) != 2 or not all(e is None or _is_whole(e) for e in ends):
        raise TypeError(f"{name}={given!r}: expected a whole number, or the two ends of a range, as in {name}=(10, 60)")
    low, high = least if ends[0] is None else ends[0], ends[1]
    if low < least or (high is not None and high < low):
        raise ValueError(f"{name}={given!r}: expected a range from {least} or more up")
    return Range(low, high)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _ops(space: Ground, contains: Any) -> tuple[str, ...]:
    """Names of ops, or ops with arguments as ``linear(64)``, that the grammar has."""
    if contains is None:
        return ()
    given = contains if isinstance(contains, Iterable) and not isinstance(contains, str) else [contains]
    names = tuple(item if isinstance(item, str) else getattr(item, "name", None) for item in given)
    members = [member for nonterminal in reachable(space.start) for member in drawn(nonterminal)]
    known = {text for m in members if m.op is not None for text in (m.op.name, m.text())}
    for name, item in zip(names, given, strict=True):
        if not isinstance(name, str):
            raise TypeError(f"contains={item!r}: expected the name of an op, an op, or several of them")
        if name not in known:
            hint = did_you_mean(name, sorted(known))
            advice = f"; {hint}" if hint else ""
            raise ValueError(f"contains={name!r}: no production of {space.name} that is drawn means that op{advice}")
    return tuple(name for name in names if name is not None)
