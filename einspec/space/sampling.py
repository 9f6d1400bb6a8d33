"""Sampling: attempts from the start until one succeeds, so that samples follow Q(. | success) exactly."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from einspec.errors import SamplingError, ShapeError
from einspec.recursion import deep
from einspec.space.architecture import Architecture
from einspec.space.choosers import Odometer, RandomChooser, script_chooser
from einspec.space.derive import Address, Chooser, Known, Rejected, Run, evaluate
from einspec.space.limits import Limits
from einspec.space.mass import exact_masses, one
from einspec.space.member import Member, Nonterminal
from einspec.space.sizes import SizedChooser, is_separable
from einspec.space.table import Table
from einspec.space.wanted import Wanted
from einspec.text import plural

if TYPE_CHECKING:
    from einspec.space.derivation import Derivation
    from einspec.space.space import Space

_MOST_REASONS = 5
_DOUBTS = 1000
"""Attempts that fail before it is asked whether any can succeed."""
_PROOF_RUNS = 20_000


def attempt(
    space: Space,
    choose: Chooser | None,
    limits: Limits,
    given: Derivation | None = None,
    given_nodes: int = 0,
    known: Known | None = None,
) -> Architecture:
    """One attempt. Raises ``Rejected`` when it fails, with the constraint that rejected it.

    ``given`` holds what is not drawn, ``given_nodes`` of them; ``known`` subtrees are not evaluated again.
    """
    max_nodes = math.inf if limits.max_nodes is None else limits.max_nodes
    run = Run(choose, max_nodes, limits.evaluation_depth, known=known)
    run.nodes = given_nodes
    try:
        derivation, output = evaluate(run, space.start, space.inputs, given)
        arch = Architecture(space, derivation, output)
        if run.varied_ties:
            _ = arch.graph  # tied calls at different types: the graph says whether they can share weights
    except ShapeError as error:
        raise Rejected(_reason(error), str(error)) from None
    if given is not None and (derivation.size > run.max_nodes or derivation.depth > run.max_depth):
        raise Rejected("max_nodes" if derivation.size > run.max_nodes else "max_depth")
    if limits.max_params is not None and arch.params > limits.max_params:
        raise Rejected("max_params")
    if limits.max_macs is not None and arch.macs > limits.max_macs:
        raise Rejected("max_macs")
    return arch


def _reason(error: ShapeError) -> str:
    """Groups shape errors by what refused: the text before the types."""
    return str(error).split(" does not accept ")[0].split(":")[0].split("(")[0]


def draw(space: Space, rng: random.Random, limits: Limits, asked: Wanted) -> Architecture:
    """The first attempt that succeeds and is what was asked for.

    Raises ``SamplingError`` when the attempts run out, with what rejected them.
    """
    choose, begin = _proposals(space, rng, limits, asked)
    rejections = Rejections()
    fitted = 0
    for _ in range(limits.attempts):
        if begin is not None:
            begin()
        try:
            arch = attempt(space, choose, limits)
        except Rejected as rejected:
            rejections.note(rejected)
            if not fitted and sum(rejections.counts.values()) == min(_DOUBTS, limits.attempts):
                check_hope(space, limits, rejections)
            continue
        fitted += 1
        misfit = asked.misfit(arch)
        if misfit is None:
            return arch
        rejections.count(misfit)
    what = f"no architecture of {space.name}" + (f" with {asked.text()}" if asked.text() else "")
    message = exhausted(what, limits, rejections)
    if begin is not None:
        share = f"{100 * fitted / limits.attempts:.2g} %"
        message += f"; of the derivations with {asked.nodes} nodes, {share} fit their types"
    raise SamplingError(message)


def _proposals(
    space: Space, rng: random.Random, limits: Limits, asked: Wanted
) -> tuple[Chooser, Callable[[], object] | None]:
    """The chooser of attempts, and what begins each where sizes are drawn first."""
    if asked.nodes is None:
        return RandomChooser(rng), None
    least, most = asked.nodes.least, limits.max_nodes
    if most is None:
        return RandomChooser(rng), None
    if not is_separable(space.start):
        return RandomChooser(rng), None
    chooser = SizedChooser(space.sizes(most), rng)
    if not chooser.begin(least, most):
        raise SamplingError(
            f"no derivation of {space.name} has {_between(least, most)} nodes, types left out: ask for another size"
        )
    return chooser, lambda: chooser.begin(least, most)


def _between(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least} to {most}"


class Rejections:
    """Which constraint rejected how often, and the latest of each."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.latest: dict[str, Rejected] = {}

    def note(self, rejected: Rejected) -> None:
        """Counts one attempt that failed."""
        reason = rejected.args[0]
        self.count(reason)
        self.latest[reason] = rejected.with_traceback(None)  # which would keep the whole attempt

    def count(self, reason: str) -> None:
        """Counts what nothing more is known of."""
        self.counts[reason] = self.counts.get(reason, 0) + 1

    def text(self) -> str:
        """The reasons with their counts, the most frequent first."""
        reasons = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = [f"{reason} {count:,}" for reason, count in reasons[:_MOST_REASONS]]
        if len(reasons) > _MOST_REASONS:
            shown.append(f"others {sum(count for _, count in reasons[_MOST_REASONS:]):,}")
        return ", ".join(shown)

    def reason(self) -> str:
        """The most frequent reason."""
        return min(self.counts, key=lambda reason: (-self.counts[reason], reason))

    def explanation(self) -> str | None:
        """What refused, with the types, in the latest attempt that failed for the most frequent reason."""
        reason = self.reason()
        return self.latest[reason].explanation() if reason in self.latest else None


def check_hope(space: Space, limits: Limits, rejections: Rejections) -> None:
    """Raises ``SamplingError`` where types prove, in half a second of work, that no derivation succeeds."""
    masses = exact_masses(space, limits, one, most_runs=_PROOF_RUNS)
    if masses is None or any(masses.values()):
        return
    why = rejections.explanation()
    if why is None:  # a limit ended most attempts: the smallest derivation shows what refuses
        try:
            attempt(space, _smallest, limits)
        except Rejected as rejected:
            why = rejected.explanation()
    raise SamplingError(
        f"every derivation of {space.name} within {limits.text()} fails at the input {space.input_text()}: rejected by "
        f"{rejections.text()}{f' ({why})' if why else ''}; change the grammar, the input or the limits"
    )


def _smallest(address: Address, nonterminal: Nonterminal, members: Table) -> Member:
    """Picks the member of least depth, whether it applies or not."""
    return min(nonterminal.members[: nonterminal.positive], key=lambda member: member.least_depth)


def exhausted(what: str, limits: Limits, rejections: Rejections) -> str:
    """The message for attempts that ran out: which constraint rejected how often, and what to do."""
    example = rejections.explanation()
    return (
        f"{what} in {plural(sum(rejections.counts.values()), 'attempt')} within {limits.text()}; "
        f"rejected by {rejections.text()}; loosen what rejects most, or allow more attempts"
        + (f" ({example})" if example and example != rejections.reason() else "")
    )


def check_finite(space: Space, limits: Limits) -> None:
    """Raises ``SamplingError`` for a supercritical grammar without a limit of size: a draw need not end."""
    if limits.max_nodes is None and limits.max_depth is None and math.isinf(space.grammar.expected_size):
        raise SamplingError(
            f"{space.name} is supercritical (branching rate {space.grammar.branching_rate:.5f}): without max_nodes "
            "or max_depth a draw need not end; give one of them"
        )


def check_limits(space: Space, limits: Limits) -> None:
    """Raises ``SamplingError`` for limits under which a draw need not end, or that nothing meets."""
    check_finite(space, limits)
    if limits.max_nodes is not None and space.least_nodes > limits.max_nodes:
        raise SamplingError(
            f"no derivation of {space.name} has at most {plural(limits.max_nodes, 'node')}: the smallest has "
            f"{space.least_nodes:,}; raise max_nodes"
        )
    if limits.max_depth is not None and space.start.minimal_depth > limits.max_depth:
        raise SamplingError(
            f"no derivation of {space.name} is at most {limits.max_depth} deep: the least depth is "
            f"{space.start.minimal_depth:.0f}; raise max_depth"
        )


def enumerate_space(space: Space, limits: Limits) -> Iterator[Architecture]:
    """All derivations within the limits, each once, in the order of their choices."""
    odometer = Odometer()
    choose = script_chooser(odometer)
    while True:
        with suppress(Rejected):
            yield deep(limits.evaluation_depth, lambda: attempt(space, choose, limits))
        if not odometer.advance():
            return
