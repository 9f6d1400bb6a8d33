"""What the text of a grammar file computes with: numbers, tuples and truth, each operation within bounds.

Every operator and function of the subset has its guard here. It gives what Python gives, or raises ``Misuse``:
for values that flow, where a number is needed, and for what would grow without end.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

from einspec.ops import control
from einspec.ops.control import Child, Children, Flowing, Misuse, is_value
from einspec.ops.expressions.bounds import (
    LARGEST,
    LARGEST_EXPONENT,
    LONGEST_RANGE,
    MOST_LEAVES,
    spend,
    step,
)
from einspec.ops.expressions.sequences import collected, index, iterated, not_several, sliced, too_long, tupled
from einspec.ops.expressions.wording import shown, wanted
from einspec.types import LETTERS, Type

_NUMBERS = (int, float, bool)


def bounded(value: Any) -> Any:
    """A number that is no larger than it may be. Raises ``Misuse``."""
    if type(value) is float:
        if not math.isfinite(value):
            raise Misuse("a number that is infinite, or none", "divide by no such small number, multiply fewer")
    elif not -LARGEST <= value <= LARGEST:
        raise Misuse("a whole number past 2**62", "no size of a network is that large")
    return value


_OF_TENSORS = {"+": "add(x, y)", "-": "sub(x, y)", "*": "mul(x, y), or scale_by(x, 0.5)", "/": "scale_by(x, 0.5)"}
"""What adds and multiplies tensors, where an operator computes with numbers."""


def _no_number(symbol: str, value: Any) -> Misuse:
    if is_value(value) and symbol in _OF_TENSORS:
        return Misuse(f"{symbol} takes numbers, and {shown(value)} is none", f"for tensors:   {_OF_TENSORS[symbol]}")
    return wanted("numbers", symbol, value)


def _arithmetic(symbol: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def guarded(a: Any, b: Any) -> Any:
        if type(a) is int and type(b) is int:
            found = compute(a, b)
            return found if -LARGEST <= found <= LARGEST else bounded(found)
        for value in (a, b):
            if type(value) not in _NUMBERS:
                raise _no_number(symbol, value)
        try:
            return bounded(compute(a, b))
        except OverflowError:
            return bounded(math.inf)

    return guarded


_subtract = _arithmetic("-", operator.sub)
_add_numbers = _arithmetic("+", operator.add)
_multiply_numbers = _arithmetic("*", operator.mul)


def _add(a: Any, b: Any) -> Any:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return tupled((*a, *b))
    return _add_numbers(a, b)


def _multiply(a: Any, b: Any) -> Any:
    if isinstance(b, tuple):
        a, b = b, a
    if isinstance(a, tuple):
        if type(b) is not int:
            raise wanted("a whole number", "a tuple *", b)
        if len(a) * max(b, 0) > MOST_LEAVES:
            raise too_long()
        return tupled(tuple(a) * b)
    return _multiply_numbers(a, b)


def _divided(symbol: str, compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    plain = _arithmetic(symbol, compute)

    def guarded(a: Any, b: Any) -> Any:
        try:
            return plain(a, b)
        except ZeroDivisionError:
            raise Misuse(f"division by zero: {shown(a)} {symbol} {shown(b)}", "ask for it before") from None

    return guarded


def _power(a: Any, b: Any) -> Any:
    for value in (a, b):
        if type(value) not in _NUMBERS:
            raise wanted("numbers", "**", value)
    if not -LARGEST_EXPONENT <= b <= LARGEST_EXPONENT:
        raise Misuse(f"an exponent of {b}: from -{LARGEST_EXPONENT} to {LARGEST_EXPONENT} is possible")
    try:
        found = a**b
    except ZeroDivisionError:
        raise Misuse(f"division by zero: {a} ** {b}", "ask for it before") from None
    except OverflowError:
        return bounded(math.inf)
    if isinstance(found, complex):
        raise Misuse(f"the root of a negative number: {a} ** {b}", "take abs of it")
    return bounded(found)


def _negative(a: Any) -> Any:
    if type(a) not in _NUMBERS:
        raise wanted("a number", "-", a)
    return -a


def _positive(a: Any) -> Any:
    if type(a) not in _NUMBERS:
        raise wanted("a number", "+", a)
    return +a


def _is_plain(value: Any) -> bool:
    """Whether a value may be compared: a number, a text, None, or a tuple of such; never what flows."""
    kind = type(value)
    if kind in _NUMBERS or kind is str or value is None:
        return True
    return isinstance(value, tuple) and all(map(_is_plain, value))


def _compared(symbol: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def guarded(a: Any, b: Any) -> bool:
        kind = type(a)
        if kind is type(b) and (kind is int or kind is str):
            return compare(a, b)
        for value in (a, b):
            if not _is_plain(value):
                raise wanted("numbers, not what flows", symbol, value)
        return compare(a, b)

    return guarded


def _ordered(symbol: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def guarded(a: Any, b: Any) -> bool:
        if type(a) is int and type(b) is int:
            return compare(a, b)
        if not (isinstance(a, tuple) and isinstance(b, tuple)):
            for value in (a, b):
                if type(value) not in _NUMBERS:
                    raise wanted("numbers", symbol, value)
        elif not _is_plain(a) or not _is_plain(b):
            raise wanted("numbers", symbol, a)
        try:
            return compare(a, b)
        except TypeError:
            raise Misuse(f"{symbol} takes tuples of numbers", "compare the numbers in them") from None

    return guarded


def _contains(a: Any, b: Any) -> bool:
    if not isinstance(b, (tuple, range, str)) or (isinstance(b, str) and not isinstance(a, str)):
        raise wanted("a tuple on its right", "in", b)
    if not _is_plain(a):
        raise wanted("numbers, not what flows", "in", a)
    if isinstance(b, tuple) and not all(map(_is_plain, b)):
        raise Misuse("in looks through tuples of numbers, and what flows is none")
    return a in b


def _contains_not(a: Any, b: Any) -> bool:
    return not _contains(a, b)


def _truth(value: Any) -> Any:
    """A value that a condition asks about: a number, a tuple, None, or a child that may be left out."""
    if is_value(value):
        raise Misuse(
            f"a condition about {shown(value)}: conditions are over numbers, known before anything is computed",
            "ask for its sizes, as in   if x.c == 64",
        )
    return value


def _callee(value: Any, name: str) -> Any:
    """What may be called by a name: a child, or what ``tie`` and ``let`` make of one."""
    if isinstance(value, (Child, Children)) or callable(value):  # Python may pass a function for a child
        return value
    if value is None:
        raise Misuse(
            f"{name} is None where the grammar leaves it out, and is called", f"ask   if {name} is None   before"
        )
    raise Misuse(
        f"{name} is {shown(value)} here, and is called",
        "a parameter is a child only without an annotation" if not isinstance(value, tuple) else "loop over it",
    )


def _range(*ends: Any) -> range:
    if not 1 <= len(ends) <= 3:
        raise Misuse(f"range takes one to three numbers, not {len(ends)}")
    for end in ends:
        if type(end) is not int:
            raise wanted("whole numbers", "range", end)
    if len(ends) == 3 and ends[2] == 0:
        raise Misuse("range in steps of 0")
    found = range(*ends)
    if found[LONGEST_RANGE : LONGEST_RANGE + 1]:
        raise Misuse(f"a range of more than {LONGEST_RANGE:,}", "no network has that many layers in a row")
    return found


def _numbers(name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The numbers that a function gets: its arguments, or the parts of its only one."""
    several = collected(values[0]) if len(values) == 1 else values
    for value in several:
        if type(value) not in _NUMBERS:
            raise wanted("numbers", name, value)
    return several


def _extreme(name: str, choose: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(*values: Any) -> Any:
        several = _numbers(name, values) if values else ()
        if not several:
            raise Misuse(f"{name} of nothing", "ask for its len before")
        return choose(several)

    return guarded


def _sum(values: Any, start: Any = 0) -> Any:
    total = start
    for value in collected(values):
        total = _add(total, value)
    return total


def _length(values: Any) -> int:
    if not isinstance(values, (tuple, range)):
        if is_value(values):
            raise Misuse(f"len of {shown(values)}", "x.rank is how many axes it has, x.shape their sizes")
        raise not_several(values)
    return len(values)


def _of_number(name: str, compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def guarded(value: Any) -> Any:
        if type(value) not in _NUMBERS:
            raise wanted("a number", name, value)
        try:
            return bounded(compute(value))
        except (ValueError, OverflowError):
            raise Misuse(f"{name}({value}) is no number") from None

    return guarded


def _round(value: Any, digits: Any = None) -> Any:
    if type(value) not in _NUMBERS:
        raise wanted("a number", "round", value)
    if digits is not None and (type(digits) is not int or abs(digits) > LARGEST_EXPONENT):
        raise wanted("a small number of digits", "round", digits)
    return bounded(round(value, digits))


def _asked(name: str, decide: Callable[[Iterable[Any]], bool]) -> Callable[[Any], bool]:
    def guarded(values: Any) -> bool:
        return decide(map(_truth, iterated(values)))

    return guarded


def _enumerate(values: Any, start: Any = 0) -> tuple[Any, ...]:
    if type(start) is not int:
        raise wanted("a whole number to start from", "enumerate", start)
    return tuple(enumerate(collected(values), start))


def _zip(*several: Any) -> tuple[Any, ...]:
    return tuple(zip(*map(collected, several), strict=False))


def _reversed(values: Any) -> tuple[Any, ...]:
    return tuple(reversed(collected(values)))


def _sorted(values: Any) -> tuple[Any, ...]:
    return tuple(sorted(_numbers("sorted", (collected(values),))))


def _tuple(values: Any = ()) -> tuple[Any, ...]:
    return collected(values)


def _each(child: Any, values: Any) -> tuple[Any, ...]:
    return tupled(control.each(_child("each", child), collected(values)))


def _scan(cell: Any, values: Any, *state: Any) -> tuple[Any, ...]:
    if not state:
        raise Misuse("scan needs a state to begin with", 'as in   scan(cell, unbind(x, 1), zeros(x, "8"))')
    found = collected(values)
    spend(len(found))
    return tupled(control.scan(_child("scan", cell), found, *state))


def _tie(child: Any) -> Child:
    return control.tie(_child("tie", child))


def _let(cell: Any, body: Any, name: Any = "use") -> Any:
    if name != "use" and (type(name) is not str or not name.isidentifier()):
        raise wanted("a name", "let", name)
    return control.let(_child("let", cell), _child("let", body), name)


def _child(name: str, value: Any) -> Any:
    if isinstance(value, (Child, Children)) or value is None:
        return value
    raise wanted("a child", name, value)


def _axis(letter: str) -> Callable[[Any], Any]:
    indices = {layout: axes[letter] for layout, axes in LETTERS.items() if letter in axes}

    def guarded(value: Any) -> Any:
        if type(value) is not Type:
            if not isinstance(value, Flowing):
                raise Misuse(f".{letter} is of values that flow, and {shown(value)} is none")
            value = value.type
        index = indices.get(value.layout)
        return getattr(value, letter) if index is None else value.sizes[index]

    return guarded


_LETTERS = dict.fromkeys(letter for axes in LETTERS.values() for letter in axes)
ATTRIBUTES = (*_LETTERS, "rank", "elements", "shape", "layout")
"""What the text may ask of a value."""

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divided("/", operator.truediv),
    "//": _divided("//", operator.floordiv),
    "%": _divided("%", operator.mod),
    "**": _power,
    "- of": _negative,
    "+ of": _positive,
    "==": _compared("==", operator.eq),
    "!=": _compared("!=", operator.ne),
    "<": _ordered("<", operator.lt),
    "<=": _ordered("<=", operator.le),
    ">": _ordered(">", operator.gt),
    ">=": _ordered(">=", operator.ge),
    "in": _contains,
    "not in": _contains_not,
    "if": _truth,
    "()": _callee,
    "(,)": tupled,
    "for": iterated,
    "[for]": collected,
    "[]": index,
    "[:]": sliced,
    "def": step,
    **{f".{letter}": _axis(letter) for letter in ATTRIBUTES},
}
"""The guards by the names that compiled texts call them by, which no text can say."""

HELPERS: dict[str, Callable[..., Any]] = {
    "abs": _of_number("abs", abs),
    "all": _asked("all", all),
    "any": _asked("any", any),
    "ceil": _of_number("ceil", math.ceil),
    "each": _each,
    "enumerate": _enumerate,
    "exp": _of_number("exp", math.exp),
    "float": _of_number("float", float),
    "floor": _of_number("floor", math.floor),
    "int": _of_number("int", int),
    "len": _length,
    "let": _let,
    "log": _of_number("log", math.log),
    "max": _extreme("max", max),
    "min": _extreme("min", min),
    "range": _range,
    "refuse": control.refuse,
    "reversed": _reversed,
    "round": _round,
    "scan": _scan,
    "sorted": _sorted,
    "sqrt": _of_number("sqrt", math.sqrt),
    "sum": _sum,
    "tie": _tie,
    "tuple": _tuple,
    "zip": _zip,
}
"""The functions that a text may call besides ops."""
