"""The code of a module as a person would write it: few names, each used again once its value is no longer needed.

``torch.fx`` gives each value a name of its own, and sets it to None after its last use, so that memory is free. The
same is said here by ``x = self.linear(x)``, and by ``del`` where a value ends and no other takes its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from torch import fx

_STATEMENT = re.compile(r"(?P<target>\w+) = (?P<value>.*?)(?:;  (?P<dead>\w+(?: = \w+)*) = None)?")
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
        lines = "".join(body).splitlines()
        self.used.update(name for line in lines for name in _NAME.findall(line))  # functions are called by theirs
        return [renamed for line in lines for renamed in self.lines(line)]

    def lines(self, written: str) -> Iterator[str]:
        """What a line becomes."""
        statement = _STATEMENT.fullmatch(written)
        if written.startswith("#") or not written:
            yield f"{written}\n"
        elif statement is None:
            yield f"{self.renamed(written)}\n"
        else:
            value = self.renamed(statement["value"])
            dead = [] if statement["dead"] is None else statement["dead"].split(" = ")
            ended = sorted((self.variables.pop(name) for name in dead if name != statement["target"]), key=self.order)
            target = ended.pop(0) if ended else self.new()
            if statement["target"] in dead:
                self.free.append(target)
            else:
                self.variables[statement["target"]] = target
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
