"""Architectures from and to what outlives a process: JSON, lists of choices."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from einspec.errors import ParseError, SamplingError, ShapeError
from einspec.recursion import MAX_DEPTH, deep
from einspec.space.deriving.choosers import recorded_chooser
from einspec.space.deriving.domain import A, Domain
from einspec.space.deriving.evaluation import Run, evaluate
from einspec.space.deriving.rejected import Rejected
from einspec.space.deriving.typed_derivation import TypedDerivation, check_architecture
from einspec.space.members.odometer import Odometer
from einspec.space.text.parsed import parse
from einspec.space.text.printing import sentence
from einspec.text import plural

_TURNS = 50
"""Attempts with other choices after those that are kept."""
_TURNED_NODES = 10_000
"""Nodes after which such attempts end: a list of a million choices must not keep a machine busy."""
_PATIENT_NODES = 20_000
"""Nodes after which half of the choices that are left are given up at a time, and no longer a few more of them."""
_HASTY_NODES = 1000
"""Nodes after which attempts end from there on."""
_LONGEST_CHOICES = 10_000_000


def to_json(arch: TypedDerivation) -> str:
    """An architecture as JSON: its text, its choices, and the digest of the grammar that they belong to."""
    return json.dumps(
        {
            "einspec": 1,
            "grammar": arch.space.grammar.digest,
            "input": arch.space.input_text(),
            "text": sentence(arch.space, arch.derivation),
            "choices": arch.replayable,
        }
    )


def from_json(space: Domain[A], text: str) -> A:
    """See :meth:`Space.from_json`."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError, TypeError) as error:
        raise ParseError(f"this is not JSON: {error}; expected what arch.to_json() writes") from None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ParseError(
            "this JSON is no architecture: expected an object with text and choices, as arch.to_json() writes"
        )
    if record.get("einspec") != 1:
        raise ParseError(
            f"this JSON has format {record.get('einspec')!r}: expected 1; it is of another version of einspec"
        )
    choices = record.get("choices")
    same_grammar = record.get("grammar") == space.grammar.digest and record.get("input") == space.input_text()
    if same_grammar and isinstance(choices, list):
        return replay(space, choices, record["text"])
    return parse(space, record["text"])


def replay(space: Domain[A], choices: list[Any] | None, text: str) -> A:
    """The architecture with exactly these choices; that of the text where there are none.

    Raises ``ParseError`` if its text is another.
    """
    if choices is None:
        return parse(space, text)
    try:
        arch = from_choices(space, choices)
    except SamplingError as error:
        raise ParseError(f"the choices were changed: {error}") from None
    derived = sentence(space, arch.derivation)
    if derived != text:
        raise ParseError(
            f"the choices derive {_shortened(derived)}, and the text says {_shortened(text)}: one was changed"
        )
    return arch


def owned(space: Domain[A], arch: TypedDerivation) -> A:
    """An architecture as one of this very space. Raises ``ValueError`` for one of another grammar or input."""
    if getattr(arch, "space", None) is space:
        return arch  # type: ignore[return-value]
    check_architecture("arch", arch)
    if arch.space.grammar != space.grammar or arch.space.inputs != space.inputs:
        raise ValueError(f"an architecture of {arch.space!r} is none of {space!r}: parse its text here first")
    return replay(space, arch.replayable, sentence(arch.space, arch.derivation))


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def from_choices(space: Domain[A], choices: Iterable[int]) -> A:
    """See :meth:`Space.from_choices`."""
    numbers = list(choices)
    if len(numbers) > _LONGEST_CHOICES:
        raise ParseError(f"{len(numbers):,} choices: expected at most {_LONGEST_CHOICES:,}")
    exact = numbers if set(map(type, numbers)) == {int} else [_whole(*pair) for pair in enumerate(numbers)]
    depth = min(MAX_DEPTH, len(exact) + 64)
    return deep(depth, lambda: _decode(space, exact, depth))


def _whole(position: int, number: Any) -> int:
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise ParseError(f"choice {position} is {number!r}: expected whole numbers")
    return int(number.__index__())


def _decode(space: Domain[A], choices: list[int], depth: int) -> A:
    """The choices as they are; at a dead end with ever more of them, from the last, given up for least depth."""
    last, steps, worked = "", 0, 0
    made, given_up = len(choices), 0
    while True:
        is_patient = worked <= _PATIENT_NODES
        odometer = Odometer()
        nodes = 0
        for _ in range(_TURNS):
            run = Run(recorded_chooser(choices[: made - given_up], odometer), _LONGEST_CHOICES, depth)
            try:
                arch = space.made(*evaluate(run, space.start, space.inputs))
                if run.varied_ties:
                    _ = arch.graph
                return arch
            except Rejected as rejected:
                last = rejected.reason
            except ShapeError as error:
                last = str(error)
            if not steps:
                made = min(made, len(odometer.sizes))
            steps += 1
            nodes += run.nodes
            if nodes > (_TURNED_NODES if is_patient else _HASTY_NODES) or not odometer.advance():
                break
        worked += nodes
        if given_up >= made:
            break
        more = given_up if worked <= _PATIENT_NODES else (made - given_up + 1) // 2
        given_up = min(made, given_up + max(1, more))
    raise SamplingError(
        f"no architecture from these {plural(len(choices), 'choice')}: a dead end ({last}) could not be repaired "
        f"in {plural(steps, 'step')}; use other choices"
    )
