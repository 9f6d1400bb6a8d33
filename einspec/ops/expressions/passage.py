"""Python text within a grammar file: its syntax tree, and the places of its nodes in the file."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from einspec.grammar.model.problems import Problems
from einspec.ops.expressions.bounds import DEEPEST, LONGEST_DEF, MOST_PARTS
from einspec.text import Source

_TOKEN = re.compile(
    r"(?P<text>\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<comment>#[^\n]*)|(?P<word>\w+)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<sign>[^\s\w])",
    re.DOTALL,
)
_PREFIXES = {"-", "+", "~", "not", "await", "lambda", "*"}


@dataclass(frozen=True, slots=True)
class Passage:
    """Some lines of Python in a file; ``starts`` are the places in the file where its lines begin."""

    source: Source
    text: str
    starts: tuple[int, ...]

    def offset(self, line: int, column: int) -> int:
        """The place in the file of a line, from 1, and a column in bytes of UTF-8, as Python counts them."""
        lines = self.text.split("\n")
        line = min(max(line, 1), len(lines))
        before = lines[line - 1].encode("utf-8", "surrogatepass")[: max(column, 0)]
        return self.starts[line - 1] + len(before.decode("utf-8", "ignore"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node stands in the file: to its end, or to that of its first line."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        end_line, end = getattr(node, "end_lineno", line), getattr(node, "end_col_offset", column + 1)
        if end_line != line:
            end = len(self.text.split("\n")[line - 1].encode("utf-8", "surrogatepass"))
        return self.offset(line, column), max(self.offset(line, end), self.offset(line, column) + 1)


def parsed(passage: Passage, mode: str, problems: Problems, code: str) -> ast.AST | None:
    """The syntax tree of a text, ``exec`` or ``eval``; None where it is none, or too large, and a problem is noted.

    What would take Python's parser long, or too deep, is found before it sees the text.
    """
    start, end = passage.starts[0], passage.starts[0] + len(passage.text.split("\n")[0])

    def refuse(message: str, advice: str, at: int | None = None) -> None:
        place = (start, max(end, start + 1)) if at is None else (at, at + 1)
        problems.error(code, *place, message, advice)

    too_large = _too_large(passage.text)
    if too_large:
        refuse(too_large, "write several defs, each small enough to be read")
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python's, about what is an error below, or none of its business
            tree = ast.parse(passage.text, mode=mode)
    except SyntaxError as error:
        at = passage.offset(error.lineno or 1, 0) + max((error.offset or 1) - 1, 0)
        message, advice = _said(error)
        refuse(message, advice, min(at, passage.starts[(min(error.lineno or 1, len(passage.starts))) - 1] + 200))
        return None
    except (ValueError, MemoryError, RecursionError, OverflowError):
        refuse("this is no Python", "write it as Python has it, in small steps")
        return None
    if _is_too_deep(tree):
        refuse(f"nested deeper than {DEEPEST} levels, or of more than {MOST_PARTS:,} parts", "give parts of it names")
        return None
    return tree


def _too_large(text: str) -> str:
    """Why a text is not read; nothing where it may be."""
    if len(text) > LONGEST_DEF:
        return f"longer than {LONGEST_DEF >> 10} KiB"
    count = level = prefixes = 0
    for match in _TOKEN.finditer(text):
        kind, found = match.lastgroup, match.group()
        if kind == "comment":
            continue
        count += 1
        level += (kind == "open") - (kind == "close")
        prefixes = prefixes + 1 if found in _PREFIXES else 0
        if count > MOST_PARTS:
            return f"more than {MOST_PARTS:,} words and signs"
        if level > DEEPEST or prefixes > DEEPEST:
            return f"nested deeper than {DEEPEST} levels"
    return ""


def _is_too_deep(tree: ast.AST) -> bool:
    count = 0
    level = [tree]
    for _ in range(DEEPEST * 2 + 4):  # a node of the grammar, as a slice or an argument, is about every other level
        count += len(level)
        if count > 2 * MOST_PARTS:
            return True
        level = [below for node in level for below in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


_WORDS = {
    "expected an indented block": "indent what belongs to it with blanks, after //%",
    "unexpected indent": "begin each line of a block at one column",
    "unindent does not match": "begin each line of a block at one column",
    "inconsistent use of tabs": "indent with blanks alone",
    "was never closed": "close it, on this line or a //% line below",
    "unmatched": "no such bracket is open here",
}


_HABITS = {"&&": "write   and", "||": "write   or", "!": "write   not"}
"""Signs of other languages, and what they are here."""


def _said(error: SyntaxError) -> tuple[str, str]:
    """Python's message in one line, and what to do."""
    message = str(error.msg).split(" (<")[0]
    message = re.sub(r" after (.*) on line \d+$", r" after \1", message)
    advice = next((said for word, said in _WORDS.items() if word in message), "it is read as Python is")
    if message in ("invalid syntax", "unexpected EOF while parsing"):
        message = "this is no Python"
        text = error.text or ""
        advice = next((said for word, said in _HABITS.items() if word in text), advice)
    return message, advice
