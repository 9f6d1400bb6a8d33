"""Sampling: attempts from the start until one succeeds, so that samples follow Q(. | success) exactly."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from einspec.errors import SamplingError, ShapeError
from einspec.grammar.model.rules import Production
from einspec.ops.declare import Outputs
from einspec.space.counting.mass import exact_masses, one
from einspec.space.deriving.choosers import RandomChooser
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.evaluation import Address, Chooser, Known, Run, evaluate
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Misfit, Rejected
from einspec.space.deriving.table import Table
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.drawing.attempts import Attempts
from einspec.space.drawing.sizes import MOST_SIZES, SizedChooser, mixed, open_rules, size_table
from einspec.space.drawing.wanted import Wanted
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.open_member import OpenMember, undrawable
from einspec.space.members.skeletons import drawn, least_nodes, reachable
from einspec.text import listing, plural

if TYPE_CHECKING:
    from einspec.space.deriving.derivation import Derivation

_DOUBTS = 1000
"""Attempts that fail before it is asked whether any can succeed."""
_PROOF_RUNS = 20_000
_GRAPH, _GRAPH_NODE = 40, 4
"""What it costs to make and to simplify a graph, and each of its nodes, in nodes drawn."""
_SIZED = 3
"""What a node costs whose size is drawn first."""


def attempt(
    space: Domain[A],
    choose: Chooser | None,
    limits: Limits,
    given: Derivation | None = None,
    given_nodes: int = 0,
    known: Known | None = None,
    run: Run | None = None,
) -> A:
    """One attempt. Raises ``Rejected`` when it fails, with the constraint that rejected it.

    ``given`` holds what is not drawn, ``given_nodes`` of them; ``known`` subtrees are not evaluated again.
    """
    if run is None:
        run = new_run(choose, limits, given_nodes, known)
    try:
        derivation, output = evaluate(run, space.start, space.inputs, given)
    except ShapeError as error:
        raise Misfit(error) from None
    return settled(space, derivation, output, run, limits)


def new_run(choose: Chooser | None, limits: Limits, given_nodes: int, known: Known | None) -> Run:
    """What an attempt evaluates with."""
    max_nodes = math.inf if limits.max_nodes is None else limits.max_nodes
    run = Run(choose, max_nodes, limits.evaluation_depth, known=known)
    run.nodes = given_nodes
    return run


def settled(space: Domain[A], derivation: Derivation, output: Outputs, run: Run, limits: Limits) -> A:
    """The architecture of a derivation that type-checks. Raises ``Rejected`` where it does not keep the limits."""
    arch = space.made(derivation, output)
    if run.varied_ties:
        try:
            _ = arch.graph  # tied calls at different types: the graph says whether they can share weights
        except ShapeError as error:
            raise Misfit(error) from None
    if derivation.size > run.max_nodes:
        raise Rejected("max_nodes")
    if derivation.depth > run.max_depth:
        raise Rejected("max_depth")
    if limits.is_costed:
        run.work += _graph_work(arch)
    if limits.max_params is not None and arch.params > limits.max_params:
        raise Rejected("max_params")
    if limits.max_macs is not None and arch.macs > limits.max_macs:
        raise Rejected("max_macs")
    return arch


def _graph_work(arch: TypedDerivation) -> int:
    return _GRAPH + _GRAPH_NODE * arch.written_nodes


def draw(space: Domain[A], rng: random.Random, limits: Limits, asked: Wanted) -> A:
    """The first attempt that succeeds and is what was asked for. Where nothing is, work has no bound but the attempts:
    what can succeed at all is drawn at last, however large it is.

    Raises ``SamplingError`` when the attempts run out, with what rejected them.
    """
    choose, begin = _proposals(space, rng, limits, asked)
    share = 1 if begin is None else _SIZED
    attempts = Attempts(limits, is_bounded=limits.is_costed or asked.is_any)
    fitted, hint = 0, None
    for _ in attempts:
        if begin is not None:
            begin()
        run = new_run(choose, limits, 0, None)
        try:
            arch = attempt(space, choose, limits, run=run)
        except Rejected as rejected:
            attempts.note(rejected.with_traceback(None), share * run.nodes + run.work)
            if not fitted and len(attempts) == min(_DOUBTS, limits.attempts):
                check_hope(space, limits, attempts)
            continue
        fitted += 1
        misfit = asked.misfit(arch)
        if misfit is None:
            return arch
        if asked.is_costed and not limits.is_costed:
            run.work += _graph_work(arch)
        attempts.note(misfit, share * run.nodes + run.work)
        hint = hint or asked.hint(arch)
    what = f"no architecture of {space.name}" + (f" with {asked.text()}" if asked.text() else "")
    message = attempts.exhausted(what) + (f"; {hint}" if hint else "")
    if begin is not None:
        fits = f"{100 * fitted / len(attempts):.3g} %"
        message += f"; of the derivations with {asked.nodes} nodes, {fits} fit their types"
    elif asked.nodes is not None and (rules := open_rules(space.start)):
        message += (
            f"; sizes were left to chance, because {listing(rules, 'and')} {'has' if len(rules) == 1 else 'have'} "
            "optional parts or repetitions: ask for a range of sizes"
        )
    elif asked.nodes is not None and (rules := mixed(space.start)):
        message += (
            f"; sizes were left to chance, because {listing(rules, 'and')} {'has' if len(rules) == 1 else 'have'} "
            "alternatives with children beside others without: give the others a rule of their own, and sizes are "
            "drawn first"
        )
    raise SamplingError(message)


def _proposals(
    space: Domain[A], rng: random.Random, limits: Limits, asked: Wanted
) -> tuple[Chooser, Callable[[], object] | None]:
    """The chooser of attempts, and what begins each where sizes are drawn first."""
    if asked.nodes is None:
        return RandomChooser(rng), None
    least, most = asked.nodes.least, limits.max_nodes
    if most is None:
        return RandomChooser(rng), None
    if mixed(space.start) or open_rules(space.start):
        return RandomChooser(rng), None
    if most > MOST_SIZES:
        raise SamplingError(
            f"nodes={asked.nodes}: sizes beyond {MOST_SIZES:,} nodes are not drawn; give the range a smaller upper end"
        )
    chooser = SizedChooser(size_table(space, most), rng)
    if not chooser.begin(least, most):
        raise SamplingError(
            f"no derivation of {space.name} has {_between(least, most)} nodes, types left out: ask for another size"
        )
    return chooser, lambda: chooser.begin(least, most)


def _between(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least} to {most}"


def check_hope(space: Domain[A], limits: Limits, attempts: Attempts) -> None:
    """Raises ``SamplingError`` where types prove, in half a second of work, that no derivation succeeds."""
    masses = exact_masses(space, limits, one, most_runs=_PROOF_RUNS)
    if masses is None or any(masses.values()):
        return
    why = attempts.explanation()
    if why is None:  # a limit ended most attempts: the smallest derivation shows what refuses
        try:
            attempt(space, _smallest, limits)
        except Rejected as rejected:
            why = rejected.explanation()
    raise SamplingError(
        f"every derivation of {space.name} within {limits.text()} fails at the input {space.input_text()}: rejected by "
        f"{attempts.text()}{f' ({why})' if why else ''}; change the grammar, the input or the limits"
    )


def _smallest(address: Address, nonterminal: Nonterminal, members: Table) -> Member:
    """Picks the member of least depth, whether it applies or not."""
    return min(nonterminal.members[: nonterminal.positive], key=lambda member: member.least_depth)


def check_finite(space: Domain[A], limits: Limits) -> None:
    """Raises ``SamplingError`` for a regular expression that would have to be drawn, and for a supercritical grammar
    without a limit of size: a draw need not end.
    """
    check_drawable(space)
    if limits.max_nodes is None and limits.max_depth is None and math.isinf(space.grammar.expected_size):
        raise SamplingError(
            f"{space.name} is supercritical (branching rate {space.grammar.branching_rate:.5f}): without max_nodes "
            "or max_depth a draw need not end; give one of them"
        )


def check_drawable(space: Domain[A]) -> None:
    """Raises ``SamplingError`` for a regular expression that would have to be drawn."""
    free = space.remembered(_free_production)
    if free is not None:
        raise undrawable(free)


def check_limits(space: Domain[A], limits: Limits) -> None:
    """Raises ``SamplingError`` for limits under which a draw need not end, or that nothing meets."""
    check_finite(space, limits)
    fewest = space.remembered(_fewest_nodes)
    if limits.max_nodes is not None and fewest > limits.max_nodes:
        raise SamplingError(
            f"no derivation of {space.name} has at most {plural(limits.max_nodes, 'node')}: the smallest has "
            f"{fewest:,}; raise max_nodes"
        )
    if limits.max_depth is not None and space.start.minimal_depth > limits.max_depth:
        raise SamplingError(
            f"no derivation of {space.name} is at most {limits.max_depth} deep: the least depth is "
            f"{space.start.minimal_depth:.0f}; raise max_depth"
        )


def _free_production(space: Ground) -> Production | None:
    """A production with a regular expression that derivations of positive weight would hold; None for none."""
    for nonterminal in reachable(space.start):
        for member in drawn(nonterminal):
            if isinstance(member, OpenMember) and member.is_free:
                return member.production
    return None


def _fewest_nodes(space: Ground) -> float:
    """The fewest nodes of a derivation, types left out."""
    return least_nodes(space.start)[space.start]
