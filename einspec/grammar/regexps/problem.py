"""Which regular expressions can be tokens: those that are right, and matched in time linear in the text.

A grammar file is untrusted, and what it holds is given to Python's backtracking matcher over long texts.
"""

from __future__ import annotations

import re
import warnings
from typing import NamedTuple

from einspec.grammar.regexps.backtracking import check_effort
from einspec.grammar.regexps.expressions import Node, Refused, Slow, read

_MOST_CHARACTERS = 10_000
_MOST_NESTED = 30
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_LARK_CATEGORY = re.compile(r"\\p\{[A-Za-z_]+\}")
_SHORT = {"n": "\n", "f": "\f", "t": "\t", "r": "\r"}
_FLATTEN = "leave parts of it to rules of the grammar"
_AS_PYTHON = "Python's re must read it; write \\ before a character that stands for itself"


class Wrong(NamedTuple):
    """Why a regular expression cannot be a token, and what to do."""

    message: str
    advice: str
    is_slow: bool = False
    """Whether it is right, and matching it can take too long."""


MAY_BE_EMPTY = Wrong("a token must not be empty, and this can match nothing", "write + for *, or make a rule optional")
"""The problem of what is right as a part of a token, and not as one."""


def regexp_problem(pattern: str) -> Wrong | None:
    """Why a regular expression cannot be a token; None if it can.

    The pattern is in Python's syntax, with its flags already inlined as in ``(?i:...)``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _check(pattern)
    except Refused as refused:
        return Wrong(refused.message, refused.advice, isinstance(refused, Slow))
    except (re.error, OverflowError) as error:
        # Places are left out: they would be in the pattern with its flags, not in the file.
        return Wrong(f"this regular expression is wrong: {getattr(error, 'msg', error)}", _AS_PYTHON)
    except Warning as warning:
        text = str(warning).partition(" at position")[0]
        return Wrong(f"this regular expression is wrong: {text[:1].lower()}{text[1:]}", "write \\ before it")
    except RecursionError:
        return Wrong(*_too_deep())
    return None


def _check(pattern: str) -> None:
    if len(pattern) > _MOST_CHARACTERS:
        raise Refused(f"this regular expression has {len(pattern):,} characters, over 10,000", _FLATTEN)
    if _depth(pattern) > _MOST_NESTED:
        raise Refused(*_too_deep())
    tree = read(pattern)
    if _LARK_CATEGORY.search(pattern):
        raise Refused(
            "Lark takes \\p{ in this regular expression for a Unicode category, which Python does not know",
            "write [{] for {",
        )
    _check_escapes(pattern, tree)
    slow: Slow | None = None
    try:
        is_nullable = check_effort(tree).is_nullable
    except Slow as found:
        slow, is_nullable = found, re.fullmatch(pattern, "") is not None
    if is_nullable and slow is not None:
        raise Refused(slow.message, slow.advice)
    if is_nullable:
        raise Refused(MAY_BE_EMPTY.message, MAY_BE_EMPTY.advice)
    # Last, when it is known to be small, for what Python's parser leaves to its compiler. Lark compiles it as a group
    # among others, where no flags can stand.
    re.compile(f"(?P<TOKEN>{pattern})")
    if slow is not None:
        raise slow


def _too_deep() -> tuple[str, str]:
    return f"the groups of this regular expression are nested over {_MOST_NESTED} deep", _FLATTEN


def _depth(pattern: str) -> int:
    """How deep its groups are nested."""
    depth = deepest = position = 0
    set_start = -1
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            position += 1
        elif set_start >= 0:
            is_first = position == set_start + 1 or (position == set_start + 2 and pattern[position - 1] == "^")
            if character == "]" and not is_first:
                set_start = -1
        elif character == "[":
            set_start = position
        elif character in "()":
            depth += 1 if character == "(" else -1
            deepest = max(deepest, depth)
        position += 1
    return deepest


def _check_escapes(pattern: str, tree: Node) -> None:
    """Lark puts the character for ``\\x28`` and the like before Python sees the expression: it must mean the same."""
    replaced = _ESCAPE.sub(_as_lark_does, pattern)
    if replaced == pattern:
        return
    try:
        same = _depth(replaced) <= _MOST_NESTED and read(replaced) == tree
    except (re.error, OverflowError, Warning, Refused):
        same = False
    if not same:
        raise Refused(
            "an escape in this regular expression stands for a character that has a meaning of its own there",
            "write \\ and the character itself",
        )


def _as_lark_does(match: re.Match[str]) -> str:
    escape = match.group()
    if escape[1] in _SHORT:
        return _SHORT[escape[1]]
    return chr(int(escape[2:], 16)) if escape[1] in "xuU" and len(escape) > 2 else escape
