"""Combinators that grammar files write: the same kind of object as those of Python, with a place in a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import CodeType, TracebackType
from typing import Any

from einspec.errors import EinspecError, GrammarError, ShapeError
from einspec.grammar.model.ops import OpFile, OpText
from einspec.ops.control import Misuse, Stop, Value, is_value
from einspec.ops.declare import Combinator, Op
from einspec.ops.expressions.bounds import is_counting, within_bounds
from einspec.ops.expressions.passage import Passage
from einspec.ops.expressions.wording import shown
from einspec.ops.opset import library_ops
from einspec.text import Problem

PASSAGES = "texts"
"""The global name, which no text can say in this place, of the passages that code objects are from."""
MARK = "<def "
"""What the files of compiled texts begin with."""


class WrittenOp(Combinator):
    """A ``def`` of a grammar file; called, compiled and pickled as a combinator of Python is."""

    counts_steps = True

    def __init__(self, function: Callable[..., Any], text: OpText, inputs: int | None, recipe: Recipe):
        super().__init__(function, text.name, inputs)
        self.written = text
        self.recipe = recipe
        self.__module__ = text.source.name

    def define(self, function: Callable[..., Any]) -> None:
        """Sets what it computes, once the ops that it calls are known."""
        self.function = function
        self.__doc__ = function.__doc__

    def __call__(self, *values: Value, **keywords: Any) -> Value:
        if is_counting():
            return self.function(*values, **keywords)
        try:
            return within_bounds(lambda: self.function(*values, **keywords))
        except Stop:
            raise
        except Exception as error:
            refusal = self.refusal(error, values, ())
            if refusal is error:
                raise
            raise refusal from None

    def refusal(self, error: Exception, inputs: tuple[Value, ...], args: tuple[Any, ...]) -> Exception:
        if isinstance(error, ShapeError):
            if error.address is not None or error.place is not None:
                return error
            place = _place(error.__traceback__)
            refused = super().refusal(error, inputs, args)
            assert isinstance(refused, ShapeError)
            refused.place = place
            return refused
        if isinstance(error, EinspecError):
            return error
        place = _place(error.__traceback__)
        is_its_own = place is not None and place.is_last
        if is_its_own and isinstance(error, (TypeError, ValueError)) and _cannot_unpack(error):
            refused = super().refusal(ShapeError(_unpacked(str(error))), inputs, args)
            assert isinstance(refused, ShapeError)
            refused.place = place
            return refused
        if place is not None and isinstance(error, (AttributeError, TypeError)):
            error = _given_to_library(error.__traceback__) or error
        if place is None or not (isinstance(error, Misuse) or is_its_own):
            return super().refusal(error, inputs, args)
        return GrammarError(str(place.problem(f"{self.text(args)} at {_types(inputs)}", error)))

    def returned(self, outputs: Any) -> Exception:
        found = self.written
        message = f"{self.name} returned {shown(outputs)}: expected a value, numbers, or a tuple of them"
        return GrammarError(str(Problem(found.source, found.start, found.end, "E405", message)))

    def __reduce__(self) -> Any:
        restore, files, own = self.recipe
        return restore, (files, own, self.written.source, self.written.name)


Recipe = tuple[Callable[..., Op], tuple[OpFile, ...], tuple[Op, ...]]
"""What finds the op again after pickling: in the files that were read together, with the ops of Python beside them."""


def _cannot_unpack(error: Exception) -> bool:
    """Whether a value, or another number of them, stands where several are taken apart."""
    text = str(error)
    return "to unpack" in text if isinstance(error, ValueError) else "unpack" in text and "Type" in text


def _unpacked(message: str) -> str:
    """Python's message of values that are taken apart, in the words of the language."""
    expected, given = re.search(r"expected (\d+)", message), re.search(r"got (\d+)", message)
    if expected is None:
        return "one value stands where several are taken apart"
    return f"{given[1] if given else 'more'} values stand where {expected[1]} are taken apart"


def _given_argument(op: Op, values: Mapping[str, Any]) -> Misuse | None:
    """The mistake of an argument of another type than an op declares."""
    for argument in op.signature.arguments:
        try:
            argument.exact(values.get(argument.name))
        except ValueError:
            given = shown(values.get(argument.name))
            return Misuse(f"{op.name} takes {argument.name}: {argument.kind}, and {given} is none")
    return None


def _given_to_library(trace: TracebackType | None) -> Misuse | None:
    """The mistake of a text that gave an op of the library, made of other ops, what is no value."""
    found: Misuse | None = None
    before = ""
    while trace is not None:
        code, frame = trace.tb_frame.f_code, trace.tb_frame
        is_library = str(frame.f_globals.get("__name__", "")).startswith("einspec.ops.library")
        if is_library and before.startswith(MARK):
            op = library_ops().get(code.co_name)  # None for the way to call one of the ops that are called in their own
            values = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
            wrong = next((value for value in values[:1] if not is_value(value)), None) if op is not None else None
            if wrong is not None:
                message = f"{code.co_name} is given {shown(wrong)} as an input"
                found = Misuse(message, "expected a value that flows between ops")
            elif op is not None:
                found = _given_argument(op, frame.f_locals)
        before = code.co_filename
        trace = trace.tb_next
    return found


def _types(inputs: tuple[Any, ...]) -> str:
    return " and ".join(str(getattr(value, "type", value)) for value in inputs)


class TextPlace:
    """Where in the text of a file an error arose; found out when somebody asks."""

    __slots__ = ("code", "instruction", "is_last", "passage")

    def __init__(self, code: CodeType, instruction: int, passage: Passage, *, is_last: bool):
        self.code = code
        self.instruction = instruction
        self.passage = passage
        self.is_last = is_last
        """Whether the text itself raised, and nothing that it called."""

    def span(self) -> tuple[int, int]:
        """From where to where in the file."""
        positions = list(self.code.co_positions())
        line, end_line, column, end = positions[self.instruction // 2]
        if line is None or column is None or end is None:
            return self.passage.starts[0], self.passage.starts[0] + 1
        start = self.passage.offset(line, column)
        return start, max(start + 1, self.passage.offset(line, end if end_line == line else 1 << 20))

    def problem(self, where: str, error: Exception) -> Problem:
        """The problem that an error at this place is."""
        message, advice = str(error), error.advice if isinstance(error, Misuse) else ""
        if isinstance(error, NameError):  # a name that no way through the def has set yet
            message = f"{getattr(error, 'name', None) or _quoted(message)} is not set here"
            advice = "a name that a def assigns to is its own everywhere in it: set it before, or take another name"
        elif "to unpack" in message or "cannot unpack" in message:
            message = _unpacked(message)
        return Problem(self.passage.source, *self.span(), "E405", f"{where}: {message}", advice)

    def __str__(self) -> str:
        start, end = self.span()
        source = self.passage.source
        return f"{source.place(start)}\n{source.excerpt(start, end)}"

    def __reduce__(self) -> Any:
        return str, (str(self),)


def _quoted(message: str) -> str:
    parts = message.split("'")
    return parts[1] if len(parts) > 2 else "a name"


def _place(trace: TracebackType | None) -> TextPlace | None:
    """The innermost place in a text of a grammar file that a traceback holds."""
    found: TextPlace | None = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(MARK):
            passage = trace.tb_frame.f_globals[PASSAGES][code.co_filename]
            found = TextPlace(code, trace.tb_lasti, passage, is_last=trace.tb_next is None)
        trace = trace.tb_next
    return found
