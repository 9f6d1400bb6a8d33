"""What a declaration's Python signature says: inputs, arguments, attributes and children.

* Parameters annotated ``Type`` are input values; a combinator may leave them bare, then its first
  parameter is its one input. ``*xs`` takes any number of inputs.
* Parameters annotated ``int``, ``float``, ``str`` or ``bool`` are arguments, in text order; one that the grammar
  makes optional is None where it is left out (``int | None``), one that it repeats a tuple (``tuple[int, ...]``).
* Keyword-only parameters are attributes, read from what the combinators above have set. After ``*xs``,
  where arguments and children cannot stand before, those without a default are arguments or children.
* What is left are a combinator's children: None where an optional one is left out, a tuple where they repeat.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from einspec.text import plural

_CONVERTERS: dict[str, Callable[[str], object]] = {"int": int, "float": float, "str": str}


def _read_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_CONVERTERS["bool"] = _read_bool


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: its name, the name of its Python type, and whether it takes a tuple of these."""

    name: str
    kind: str
    is_tuple: bool = False

    def convert(self, text: Any) -> object:
        """The value that a text of a grammar means. Raises ``ValueError`` when it means none."""
        if isinstance(text, tuple):
            return tuple(map(self.convert, text))
        return None if text is None else _CONVERTERS[self.kind](text)


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

    def convert(self, texts: Sequence[Any]) -> tuple[object, ...]:
        """Argument values from their texts; None stays, and a tuple of texts is converted one by one.

        Raises ``ValueError`` that says which one is wrong, and why.
        """
        if len(texts) != len(self.arguments):
            wanted = f" ({', '.join(f'{a.name}: {a.kind}' for a in self.arguments)})" if self.arguments else ""
            raise ValueError(f"takes {plural(len(self.arguments), 'argument')}{wanted}, not {len(texts)}")
        values = []
        for argument, text in zip(self.arguments, texts, strict=True):
            try:
                values.append(argument.convert(text))
            except ValueError:
                raise ValueError(f"takes {argument.name}: {argument.kind}, and {text!r} is none") from None
        return tuple(values)

    def __str__(self) -> str:
        parts = ["*inputs"] if self.inputs is None else [f"input{i or ''}" for i in range(self.inputs)]
        kinds = {argument.name: f"{argument.name}: {argument.kind}" for argument in self.arguments}
        parts += [kinds.get(name, name) for name in self.order]
        return f"({', '.join(parts)})"


def read_signature(function: Callable[..., object], inputs: int | None, *, has_children: bool) -> Signature:
    """Reads the signature of a type rule (``has_children=False``) or of a combinator.

    ``inputs`` overrides how many leading parameters are inputs. Raises ``TypeError`` for a signature
    that cannot be one of an op, with the reason.
    """
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
    arguments = tuple(Argument(p.name, _kind(p), "tuple" in str(p.annotation)) for p in rest if _kind(p) in _CONVERTERS)
    children = tuple(p.name for p in rest if _kind(p) not in _CONVERTERS)
    if children and not has_children:
        raise TypeError(
            f"{name}: a primitive has no children; annotate {children[0]!r} as Type (an input) "
            f"or as int, float, str or bool (an argument), or declare a combinator"
        )
    attributes = tuple(Attribute(p.name, p.default is p.empty) for p in keyword)
    return Signature(count, arguments, children, attributes, tuple(p.name for p in rest))


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
