"""einspace's type rules written directly from the table of its productions: an oracle that shares no code.

A type is a list of axes, an axis a tuple of sizes: ``[(3,), (32,), (32,)]``, ``[(8, 8), (27,)]``. What does not
fit is None. Terms are nested tuples, ``("seq", a, b)``; arguments are read from the text.
"""

from __future__ import annotations

import math
import re
from typing import Any

Axes = list[tuple[int, ...]]


def read(text: str) -> Any:
    """``seq(relu, linear(16))`` as ``("seq", ("relu",), ("linear", 16))``."""
    tokens = re.findall(r"\w+|[(),]", text)
    stack: list[list[Any]] = [[]]
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        if token == ")":
            done = tuple(stack.pop())
            stack[-1].append(done)
        elif token not in "(,":
            if after == "(":
                stack.append([token])
            else:
                stack[-1].append(int(token) if token.isdigit() and len(stack) > 1 else (token,))
    return stack[0][0]


def output(term: Any, x: Axes) -> Axes | None:
    """The type of a term's output."""
    name, *rest = term
    if name == "seq":
        middle = output(rest[0], x)
        return output(rest[1], middle) if middle else None
    if name == "route":
        for part in rest:
            x = output(part, x)  # type: ignore[assignment]
            if x is None:
                return None
        return x
    if name in ("branch", "replicate"):
        parts = split(rest[0], x)
        if parts is None:
            return None
        outs = [output(body, parts[0]) for body in rest[1:-1]]  # the parts have one type
        outs *= 1 if name == "branch" else len(parts)
        return None if None in outs or len(outs) != len(parts) else merge(rest[-1], outs)
    return computation(name, rest, x)


def split(term: Any, x: Axes) -> list[Axes] | None:
    name, n, *axis = term
    if name == "clone":
        return [x] * n
    i = axis[0] - 1
    if i >= len(x) or size(x[i]) % n:
        return None
    return [[*x[:i], (size(x[i]) // n,), *x[i + 1 :]]] * n


def merge(term: Any, xs: list[Any]) -> Axes | None:
    name, *axis = term
    if len({len(x) for x in xs}) > 1 or (name in ("dot", "scaled_dot") and len(xs) != 2):
        return None
    shared = [joint(column) for column in zip(*xs, strict=True)]
    if name == "add":
        return None if None in shared else shared
    if name == "cat":
        i = axis[0] - 1
        if i >= len(shared):
            return None
        shared[i] = (sum(size(x[i]) for x in xs),)
        return None if None in shared else shared
    a, b = xs
    return None if None in shared[:-2] or size(a[-1]) != size(b[-2]) else [*shared[:-2], a[-2], b[-1]]


def joint(axes: tuple[tuple[int, ...], ...]) -> Any:
    """What merged axes become: the composition that all share, the plain size, or nothing."""
    if len(set(axes)) == 1:
        return axes[0]
    sizes = {size(axis) for axis in axes}
    return (sizes.pop(),) if len(sizes) == 1 else None


def computation(name: str, args: list[Any], x: Axes) -> Axes | None:
    if name in ("identity", "norm", "relu", "softmax", "pos"):
        return x
    if name == "linear":
        return [*x[:-1], (args[0],)]
    if name == "permute":
        order = [int(digit) - 1 for digit in str(args[0])]
        return [x[i] for i in order] if len(order) == len(x) else None
    if name == "im2col":
        k, s, p = args
        if len(x) != 3 or min(size(x[1]), size(x[2])) + 2 * p < k:  # the padded image must hold the window
            return None
        h, w = ((size(axis) + 2 * p - k) // s + 1 for axis in x[1:])
        return [(h, w), (size(x[0]) * k * k,)]
    if name == "col2im":
        return [(size(x[1]),), (x[0][0],), (x[0][1],)] if len(x) == 2 and len(x[0]) == 2 else None
    raise KeyError(name)


def size(axis: tuple[int, ...]) -> int:
    return math.prod(axis)
