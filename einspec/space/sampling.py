"""Sampling: attempts from the start until one succeeds, so that samples follow Q(. | success) exactly."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from einspec.errors import SamplingError, ShapeError
from einspec.recursion import MAX_DEPTH, deep
from einspec.space.architecture import Architecture
from einspec.space.choosers import Odometer, script_chooser
from einspec.space.derive import Chooser, Rejected, Run, evaluate
from einspec.space.limits import Limits
from einspec.text import plural

if TYPE_CHECKING:
    from einspec.space.derivation import Derivation
    from einspec.space.space import Space

Where = Callable[[Architecture], bool]
_MOST_REASONS = 5


def attempt(
    space: Space, choose: Chooser, limits: Limits, given: Derivation | None = None, given_nodes: int = 0
) -> Architecture:
    """One attempt. Raises ``Rejected`` when it fails, with the constraint that rejected it."""
    max_nodes = math.inf if limits.max_nodes is None else limits.max_nodes
    run = Run(choose, max_nodes, evaluation_depth(limits))
    run.nodes = given_nodes
    try:
        derivation, output = evaluate(run, space.start, space.inputs, given)
        arch = Architecture(space, derivation, output)
        if run.varied_ties:
            _ = arch.graph  # tied calls at different types: the graph says whether they can share weights
    except ShapeError as error:
        raise Rejected(_reason(error)) from None
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


def draw(space: Space, choose: Chooser, limits: Limits, where: Where | None) -> Architecture:
    """The first attempt that succeeds. Raises ``SamplingError`` when the attempts run out, with what rejected them."""
    rejections: Counter[str] = Counter()
    for _ in range(limits.attempts):
        try:
            arch = attempt(space, choose, limits)
        except Rejected as rejected:
            rejections[rejected.args[0]] += 1
            continue
        if where is None or where(arch):
            return arch
        rejections["where"] += 1
    raise SamplingError(exhausted(f"no architecture of {space.name}", limits, rejections))


def exhausted(what: str, limits: Limits, rejections: Counter[str]) -> str:
    """The message for attempts that ran out: which constraint rejected how often, and what to do."""
    reasons = sorted(rejections.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{reason} {count:,}" for reason, count in reasons[:_MOST_REASONS]]
    if len(reasons) > _MOST_REASONS:
        shown.append(f"others {sum(count for _, count in reasons[_MOST_REASONS:]):,}")
    return (
        f"{what} in {plural(sum(rejections.values()), 'attempt')} within {limits.text()}; "
        f"rejected by {', '.join(shown)}; loosen what rejects most, or allow more attempts"
    )


def check_finite(space: Space, limits: Limits) -> None:
    """Raises ``SamplingError`` for a supercritical grammar without a limit of size: a draw need not end."""
    if limits.max_nodes is None and limits.max_depth is None and math.isinf(space.grammar.expected_size):
        raise SamplingError(
            f"{space.name} is supercritical (branching rate {space.grammar.branching_rate:.5f}): without max_nodes "
            "or max_depth a draw need not end; give one of them"
        )


def evaluation_depth(limits: Limits) -> int:
    """How deep an evaluation under these limits can nest: a derivation is no deeper than it is large."""
    return min(limits.max_depth or MAX_DEPTH, limits.max_nodes or MAX_DEPTH, MAX_DEPTH)


def enumerate_space(space: Space, limits: Limits) -> Iterator[Architecture]:
    """All derivations within the limits, each once, in the order of their choices."""
    odometer = Odometer()
    choose = script_chooser(odometer)
    while True:
        with suppress(Rejected):
            yield deep(evaluation_depth(limits), lambda: attempt(space, choose, limits))
        if not odometer.advance():
            return
