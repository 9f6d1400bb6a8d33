"""What is checked before anything is expanded: that no macro uses itself, and that it will not take too long."""

from __future__ import annotations

from collections.abc import Mapping

from einspec.errors import ParseError
from einspec.recursion import deep
from einspec.space.text.macros.model import DEEPEST, MOST_STEPS, Call, Fold, Macro, Template
from einspec.space.text.macros.places import mistake
from einspec.text import Source

MULTIPLIED = "do macros use one another several times? each level multiplies what comes out"
_LONGEST_CYCLE = 8


def used_first(source: Source, uses: Mapping[str, list[tuple[Macro, int, int]]]) -> list[str]:
    """The names of macros, each after those that it uses.

    Raises ``ParseError`` for one that uses itself, with the cycle, at the use that begins it.
    """
    done: dict[str, None] = {}
    for root in uses:
        ahead = [(root, iter(uses[root]), 0, 0)] if root not in done else []
        on_path = {root}
        while ahead:
            name, rest, _, _ = ahead[-1]
            step = next(rest, None)
            if step is None:
                ahead.pop()
                on_path.discard(name)
                done[name] = None
                continue
            used, start, end = step
            if used.name in on_path:
                raise _recursion(source, used.name, [(key, first, last) for key, _, first, last in ahead], start, end)
            if used.name not in done:
                ahead.append((used.name, iter(uses[used.name]), start, end))
                on_path.add(used.name)
    return list(done)


def _recursion(source: Source, name: str, path: list[tuple[str, int, int]], start: int, end: int) -> ParseError:
    """``path`` is how the last macro was come to; it uses ``name`` at the place given."""
    names = [key for key, _, _ in path]
    cycle = path[names.index(name) :]
    if len(cycle) > 1:
        _, start, end = cycle[1]
    shown = [key for key, _, _ in cycle[:_LONGEST_CYCLE]] + ["..."] * (len(cycle) > _LONGEST_CYCLE)
    advice = f"{' -> '.join([*shown, name])}: leave one of these uses out"
    return mistake(source, start, end, f"the macro {name} uses itself", advice)


def check_steps(source: Source, macros: list[Macro], sentence: Template) -> None:
    """Notes how many steps the body of each macro takes; macros come after those that they use.

    Raises ``ParseError`` where they come to too many. Variadic parameters count as one argument here.
    """
    deep(DEEPEST, lambda: _count_steps(source, macros, sentence))


def _count_steps(source: Source, macros: list[Macro], sentence: Template) -> None:
    total = 0
    for macro in macros:
        macro.steps = _steps(macro.template)
        total += 0 if macro.parameters else macro.steps  # without parameters it is expanded once
        if total > MOST_STEPS:
            worst = max(macro.template, key=lambda item: _steps((item,)))
            raise too_many_steps(source, worst.start, worst.end)
    for item in sentence:
        total += _steps((item,))
        if total > MOST_STEPS:
            raise too_many_steps(source, item.start, item.end)


def too_many_steps(source: Source, start: int, end: int) -> ParseError:
    """The error of an expansion that does too much."""
    return mistake(source, start, end, f"expanding this takes more than {MOST_STEPS:,} steps", MULTIPLIED)


def _steps(template: Template) -> int:
    """How many parts are made from a template, without those of the parameters in it."""
    steps = len(template)
    for item in template:
        if isinstance(item, Call):
            own = item.macro.steps if item.macro.parameters else 0
            steps += 2 + own + sum(map(_steps, item.arguments))
        elif isinstance(item, Fold):
            steps += _steps(item.opening)
    return min(steps, MOST_STEPS + 1)
