"""Grids: the values that ``range 1..64`` and ``log 1e-4..1e-1 in 16`` give to a terminal."""

from __future__ import annotations

import re
from decimal import Context, Decimal

from einspec.grammar.model.problems import Problems
from einspec.grammar.syntax.tokens import Annotation

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_GRID = re.compile(rf"(range|log)\s+({_NUMBER})\s*\.\.\s*({_NUMBER})(?:\s+in\s+(\d+))?")
_MOST_VALUES = 30_000
_DIGITS = 4
_LARGEST = 10**9
_EXACT = Context(prec=30)
"""Decimal arithmetic, so that the values are the same on every machine."""


def grid_values(annotation: Annotation, problems: Problems) -> list[str] | None:
    """The texts of a grid's values, ascending; None where it is no grid, which is noted."""

    def refuse(message: str, advice: str) -> None:
        problems.error("E301", annotation.start, annotation.end, message, advice)

    match = _GRID.fullmatch(annotation.text)
    if match is None or len(annotation.text) > 200:
        refuse("this is no range", "as in   range 1..64   or   range 0..1 in 11   or   log 1e-4..1e-1 in 16")
        return None
    kind, low, high, count = match[1], Decimal(match[2]), Decimal(match[3]), match[4]
    if low >= high:
        refuse(f"the range {match[2]}..{match[3]} is empty", "the first number is the smaller one")
    elif count is None and (kind == "log" or low != low.to_integral_value() or high != high.to_integral_value()):
        refuse("how many values are meant is not said", f"as in   {kind} {match[2]}..{match[3]} in 16")
    elif kind == "log" and low <= 0:
        refuse(f"a logarithmic range cannot begin at {match[2]}", "begin above 0")
    else:
        number = int(count) if count is not None and len(count) < 9 else None
        number = int(high - low) + 1 if count is None else number
        if number is None or number > _MOST_VALUES or number < 2:
            refuse("a range has from 2 to 30,000 values", "write it shorter, or with   in 16")
            return None
        values = _values(kind, low, high, number, is_whole=count is None)
        if len(set(values)) == len(values):
            return values
        refuse(f"some of {number:,} values from {match[2]} to {match[3]} are equal in {_DIGITS} digits", "write fewer")
    return None


def _values(kind: str, low: Decimal, high: Decimal, number: int, *, is_whole: bool) -> list[str]:
    if is_whole:
        return [str(value) for value in range(int(low), int(high) + 1)]
    found = []
    for step in range(number):
        share = _EXACT.divide(Decimal(step), Decimal(number - 1))
        if kind == "log":
            ratio = _EXACT.ln(_EXACT.divide(high, low))
            value = _EXACT.multiply(low, _EXACT.exp(_EXACT.multiply(ratio, share)))
        else:
            value = _EXACT.add(low, _EXACT.multiply(high - low, share))
        is_integer = value == value.to_integral_value() and abs(value) < _LARGEST
        found.append(str(int(value)) if is_integer else f"{float(value):.{_DIGITS}g}")
    return found
