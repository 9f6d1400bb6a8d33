"""How messages of the texts of grammar files name values, and say what was expected."""

from __future__ import annotations

from einspec.ops.control import Child, Misuse, is_value


def shown(value: object) -> str:
    """A value as messages name it."""
    if is_value(value):
        return f"the value {getattr(value, 'type', value)}"
    if isinstance(value, Child):
        return "a child"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return "None" if value is None else f"{value!r}"


def wanted(what: str, where: str, value: object) -> Misuse:
    """The error for a value that is not what something takes."""
    advice = ""
    if is_value(value):
        advice = "what it has is x.c, x.h, x.w of an image, x.s, x.d of a matrix, x.c, x.l of a sequence, x.elements"
    elif value is None:
        advice = "it is None where the grammar leaves it out: ask   if body is None"
    return Misuse(f"{where} takes {what}, and {shown(value)} is none", advice)
