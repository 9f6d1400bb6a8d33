"""The code of a module as a person would write it: few names, each used again once its value is no longer needed.

``torch.fx`` gives each value a name of its own, and sets it to None after its last use, so that memory is free. The
same is said here by ``x = self.linear(x)``, and by ``del`` where a value ends and no other takes its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from torch import fx

_TARGET = re.compile(r"(\w+) = ")
_DEAD = re.compile(r";  (\w+(?: = \w+)*) = None")
_GIVEN = re.compile(r"(?<![\w.])[x-zu-w]\d*(?!\w)")
_NAME = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|(?<![\w.])[A-Za-z_]\w*(?! *=(?!=))")
_NAMES = ("x", "y", "z", "u", "v", "w")


def make_readable(graph: fx.Graph) -> None:
    """Lets the graph's module have such code."""
    taken = {node.target for node in graph.nodes if node.op == "placeholder"}
    graph.on_generate_code(lambda _: lambda body: _Renamer({str(name) for name in taken}).body(body))


class _Renamer:
    """Renames the values of one function."""

    def __init__(self, arguments: set[str]):
        self.variables = {name: name for name in arguments}
        self.free: list[str] = []
        self.used = set(arguments)

    def body(self, body: Sequence[str]) -> list[str]:
        """The lines of a body, renamed."""
        text = "".join(body)
        self.used.update(_GIVEN.findall(text))  # functions are called by theirs
        return [renamed for line in text.splitlines() for renamed in self.lines(line)]

    def lines(self, written: str) -> Iterator[str]:
        """What a line becomes."""
        statement = _TARGET.match(written)
        if not written or written[0] == "#":
            yield f"{written}\n"
            return
        if statement is None:
            yield f"{self.renamed(written)}\n"
            return
        value, mark, rest = written[statement.end() :].rpartition(";  ")
        ends = _DEAD.fullmatch(mark + rest)
        dead = ends[1].split(" = ") if ends else []
        value = self.renamed(value if ends else f"{value}{mark}{rest}")
        ended = [self.variables.pop(name) for name in dead if name != statement[1]]
        if len(ended) > 1:
            ended.sort(key=self.order)
        target = ended.pop(0) if ended else self.new()
        if statement[1] in dead:
            self.free.append(target)
        else:
            self.variables[statement[1]] = target
        yield f"{target} = {value}\n"
        if ended:
            yield f"del {', '.join(ended)}\n"
            self.free += ended

    def renamed(self, text: str) -> str:
        """An expression in the names of now."""
        return _NAME.sub(lambda match: self.variables.get(match[0], match[0]), text)

    def new(self) -> str:
        """A name that stands for nothing now."""
        if self.free:
            self.free.sort(key=self.order, reverse=True)
            return self.free.pop()
        number = 0
        while True:
            for name in _NAMES:
                found = f"{name}{number or ''}"
                if found not in self.used:
                    self.used.add(found)
                    return found
            number += 1

    def order(self, name: str) -> tuple[int, str]:
        """Short names first."""
        return len(name), name if name not in _NAMES else str(_NAMES.index(name))
