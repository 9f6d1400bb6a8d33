"""Grammars that are short to describe and would take too long, or too much memory, without a bound somewhere."""

from __future__ import annotations

from collections.abc import Callable


def _lines(pattern: str, numbers: range) -> str:
    return "".join(pattern.replace("#+", str(i + 1)).replace("#", str(i)) + "\n" for i in numbers)


_X = 'start: "x" -> relu\n'
_A = 'a: "a" -> h\n'
_WORD, _MAYBE = '"a" ', '"a"? '
_GRID = "N: /[0-9]+/  //% range 1..30000\n"

BOMBS: dict[str, Callable[[], str]] = {
    "deep groups in a chain of terminals": lambda: (
        "start: T0 -> linear\n" + _lines(f"T#: {'(' * 45}T#+{')' * 45}", range(90)) + 'T90: "4"\n'
    ),
    "expressions that double": lambda: _X + _lines("T#: T#+ T#+", range(40)) + "T40: /a+/\n",
    "values given twice": lambda: f"start: A -> linear\n{_GRID}A: {'|'.join(['N'] * 2000)}\n",
    "many ranges": lambda: _X + _lines("N#: /[0-9]+/  //% range 1..30000", range(500)),
    "many products of values": lambda: _X + _GRID + _lines('A#: "a" N', range(500)),
    "terminals that repeat": lambda: _X + _lines('A#: ("a"|"")~1000', range(100)),
    "many extensions": lambda: _X + _lines('%extend start: "x#" -> relu', range(5000)),
    "many names that are not defined": lambda: (
        "start: " + " ".join(f"abcdefgh{i}" for i in range(6000)) + "\n" + _lines('abcdefghi#: "x"', range(3000))
    ),
    "a chain of rules, the last first": lambda: _lines(f"r#: r#+ {_WORD * 150}-> f", range(999)) + 'r999: "x" -> g\n',
    "a long production that is written out": lambda: f'start: {_WORD * 1500}["b"] -> f\n',
    "a long sequence up to a thousand times": lambda: f"start: ({'a ' * 290})~0..1000 -> f\n{_A}",
    "many literals a thousand times": lambda: f"start: ({_WORD * 290})~1000 a -> f\n{_A}",
    "many optional words": lambda: f"start: {_MAYBE * 300}a -> f\n{_A}",
    "a range of ranges": lambda: f"start: (a~0..300)~0..900 -> f\n{_A}",
    "a group of many alternatives": lambda: "start: (" + "|".join(f'"x{i}" a' for i in range(15000)) + f") -> f\n{_A}",
    "many transparent alternatives": lambda: "".join(
        f"r{i}: " + " | ".join([*(f"r{j}" for j in range(i + 1, min(i + 20, 1000))), f'"e{i}" -> g']) + "\n"
        for i in range(1000)
    ),
    "a chain of terminals": lambda: "start: T0 -> linear\n" + _lines("T#: T#+", range(95)) + 'T95: "4"\n',
    "many rules that use each other": lambda: "".join(
        f'r{i}: "k{i}" ( ' + " | ".join(f"r{(i * 7 + j * 13) % 900}" for j in range(18)) + f' ) -> f | "e{i}" -> g\n'
        for i in range(900)
    ),
    "groups nested deep": lambda: f"start: {'[' * 49}a{']' * 49} -> f\n{_A}",
}
