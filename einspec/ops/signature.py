"""What a declaration's Python signature says: inputs, arguments, attributes and children.

* Parameters annotated ``Type`` are input values; a combinator may leave them bare, then its first
  parameter is its one input. ``*xs`` takes any number of inputs.
* Parameters annotated ``int``, ``float``, ``str`` or ``bool`` are arguments, in text order. One that the grammar makes
  optional is None where it is left out (``int | None``), or its default, or False where it is a ``bool``, for which
  any other text than ``false`` is True there; one that it repeats is a tuple (``tuple[int, ...]``). Trailing arguments
  with defaults may be left out everywhere.
* Keyword-only parameters are attributes, read from what the combinators above have set. After ``*xs``,
  where arguments and children cannot stand before, those without a default are arguments or children.
* What is left are a combinator's children: None where an optional one is left out, a tuple where they repeat.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from einspec.arguments import expect, expect_function
from einspec.text import plural

_TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}


def _read_float(text: str) -> float:
    if not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text)


_CONVERTERS: dict[str, Callable[[str], object]] = {"int": int, "float": _read_float, "str": str}


def _read_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_CONVERTERS["bool"] = _read_bool


REQUIRED: Any = inspect.Parameter.empty
"""Stands for the default of an argument that has none."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its name, the name of its Python type, whether it takes a tuple of these, and its default."""

    name: str
    kind: str
    is_tuple: bool = False
    default: Any = REQUIRED
    may_be_none: bool = False

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is REQUIRED

    @property
    def absent(self) -> object:
        """The value of an argument that the grammar leaves out."""
        if not self.is_required:
            return self.default
        return False if self.kind == "bool" and not self.may_be_none else None

    @property
    def python_type(self) -> type:
        """The type of its values, where it takes one."""
        return tuple if self.is_tuple else _TYPES[self.kind]

    def exact(self, value: Any) -> object:
        """A value that an op is called with, in the argument's own type. Raises ``ValueError`` where it has another.

        A whole number stands for a float; a truth value stands for no number, so that 1 and True are never one.
        """
        if value is None and (self.may_be_none or self.default is None):
            return None
        if isinstance(value, tuple) and (self.is_tuple or isinstance(self.default, tuple)):
            return tuple(map(self._exact, value))
        return self._exact(value)

    def _exact(self, value: Any) -> object:
        wanted = _TYPES[self.kind]
        if type(value) is wanted and not (isinstance(value, float) and not math.isfinite(value)):
            return value
        if wanted is float and type(value) is int:
            return float(value)
        if wanted is int and hasattr(value, "__index__") and not isinstance(value, bool):
            return int(value)  # as numpy has them
        raise ValueError(f"takes {self.name}: {self.kind}, and {value!r} is none")

    def convert(self, text: Any, *, is_presence: bool = False) -> object:
        """The value that a text of a grammar means. Raises ``ValueError`` when it means none.

        ``is_presence`` takes any other text of a truth value for its being there.
        """
        if isinstance(text, tuple):
            return tuple(map(self.convert, text))
        if text is None:
            return self.absent
        if is_presence and self.kind == "bool":
            return text != "false"
        return _CONVERTERS[self.kind](text)

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}" + ("" if self.is_required else f" = {self.default!r}")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute that is read from above; without a default it must be set there."""

    name: str
    required: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """How an op is called. ``inputs`` is None for any number of them (``*xs``)."""

    inputs: int | None
    arguments: tuple[Argument, ...]
    children: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    order: tuple[str, ...]
    """Names of arguments and children in the order of the signature."""

    @property
    def in_text_order(self) -> bool:
        """Whether all arguments stand before all children, so that a call needs no reordering."""
        names = tuple(a.name for a in self.arguments) + self.children
        return self.inputs is not None and self.order == names

    def check_count(self, given: int) -> None:
        """Raises ``ValueError`` where so many arguments are not those of a call."""
        least, most = sum(argument.is_required for argument in self.arguments), len(self.arguments)
        if not least <= given <= most:
            wanted = f" ({', '.join(map(str, self.arguments))})" if self.arguments else ""
            number = plural(most, "argument") if least == most else f"{least} to {plural(most, 'argument')}"
            raise ValueError(f"takes {number}{wanted}, not {given}")

    def convert(self, texts: Sequence[Any], *, are_checked: bool = False) -> tuple[object, ...]:
        """Argument values from their texts; a tuple of texts is converted one by one, and None is left out.

        ``are_checked`` says that truth values which are other texts are meant by their being there. Raises
        ``ValueError`` that says which one is wrong, and why.
        """
        self.check_count(len(texts))
        values = []
        for argument, text in zip(self.arguments, (*texts, *[None] * len(self.arguments)), strict=False):
            try:
                values.append(argument.convert(text, is_presence=are_checked))
            except ValueError:
                raise ValueError(f"takes {argument.name}: {argument.kind}, and {text!r} is none") from None
        return tuple(values)

    def __str__(self) -> str:
        parts = ["*inputs"] if self.inputs is None else [f"input{i or ''}" for i in range(self.inputs)]
        kinds = {argument.name: str(argument) for argument in self.arguments}
        parts += [kinds.get(name, name) for name in self.order]
        return f"({', '.join(parts)})"


def read_signature(function: Callable[..., object], inputs: int | None, *, has_children: bool) -> Signature:
    """Reads the signature of a type rule (``has_children=False``) or of a combinator.

    ``inputs`` overrides how many leading parameters are inputs. Raises ``TypeError`` for a signature
    that cannot be one of an op, with the reason.
    """
    expect_function("rule" if not has_children else "function", function, "a function")
    if inputs is not None:
        expect("inputs", inputs, int, "a whole number")
    name = getattr(function, "__name__", repr(function))
    parameters = list(inspect.signature(function).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        raise TypeError(f"{name}: an op names its attributes one by one; **{parameters[-1].name} is not possible")
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    if variadic:
        if plain:
            raise TypeError(f"{name}: inputs as *{plain[0].name}... take all positions; write the rest after them")
        count: int | None = None
        rest = [p for p in keyword if p.default is p.empty]
        keyword = [p for p in keyword if p.default is not p.empty]
    else:
        count = _count_inputs(name, plain, inputs)
        rest = plain[count:]
    arguments = tuple(_argument(name, p) for p in rest if _kind(p) in _CONVERTERS)
    required = [argument.is_required for argument in arguments]
    if sorted(required, reverse=True) != required:  # keywords after *xs have no order of their own
        raise TypeError(f"{name}: an argument without a default stands after one with a default: write it before")
    children = tuple(p.name for p in rest if _kind(p) not in _CONVERTERS)
    if children and not has_children:
        raise TypeError(
            f"{name}: a primitive has no children; annotate {children[0]!r} as Type (an input) "
            f"or as int, float, str or bool (an argument), or declare a combinator"
        )
    attributes = tuple(Attribute(p.name, p.default is p.empty) for p in keyword)
    return Signature(count, arguments, children, attributes, tuple(p.name for p in rest))


def _argument(op: str, parameter: inspect.Parameter) -> Argument:
    kind, default, words = _kind(parameter), parameter.default, str(parameter.annotation)
    types = {"int": int, "float": (int, float), "str": str, "bool": bool}
    given = default if isinstance(default, tuple) else (default,)
    is_right = all(isinstance(v, types[kind]) and (kind == "bool" or not isinstance(v, bool)) for v in given)  # type: ignore[arg-type]
    if default is not REQUIRED and default is not None and not is_right:
        raise TypeError(f"{op}: {parameter.name}: {kind} = {default!r}: expected a default of that type")
    return Argument(parameter.name, kind, "tuple" in words, default, "None" in words or "Optional" in words)


def _count_inputs(name: str, plain: list[inspect.Parameter], inputs: int | None) -> int:
    typed = [index for index, p in enumerate(plain) if _kind(p) == "Type"]
    count = inputs if inputs is not None else max(1, len(typed))
    if count < 1 or count > len(plain) or typed not in ([], list(range(count))):
        raise TypeError(
            f"{name}: expected its input values first, as in def {name}(x: Type, ...); "
            f"found ({', '.join(p.name for p in plain)})"
        )
    return count


def _kind(parameter: inspect.Parameter) -> str:
    """What a parameter is: an argument by the name of its Python type, also within ``int | None`` and
    ``tuple[int, ...]``; else the last name of its annotation. Annotations may be strings, and must not need their names
    to resolve.
    """
    annotation = parameter.annotation
    if isinstance(annotation, type) and not hasattr(annotation, "__origin__"):
        return annotation.__name__
    text = annotation if isinstance(annotation, str) else str(annotation)
    words = re.findall(r"\w+", text)
    return next((word for word in words if word in _CONVERTERS), words[-1] if len(words) == text.count(".") + 1 else "")
