"""Reading a grammar file: bytes to text, text to grammar, all problems at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from einspec.errors import GrammarError
from einspec.grammar.analysis import check_structure
from einspec.grammar.build import Builder
from einspec.grammar.model import Grammar, Rule
from einspec.grammar.problems import Problems
from einspec.grammar.syntax import parse_syntax
from einspec.grammar.tokens import Annotation, tokenize
from einspec.grammar.weights import Weights
from einspec.text import Source, did_you_mean, listing

BUNDLED = Path(__file__).resolve().parent.parent / "grammars"
DIRECTIVES = ("start", "input", "reference")
_LARGEST_FILE = 4 << 20


def bundled_names() -> list[str]:
    """The names of the spaces that come with einspec."""
    return sorted(path.stem for path in BUNDLED.glob("*.lark"))


def find_grammar(name: str | Path) -> Path:
    """The file of a bundled name, or the path itself. Raises ``GrammarError`` when there is no such file."""
    text = str(name)
    if text in bundled_names():
        return BUNDLED / f"{text}.lark"
    path = Path(name)
    try:
        if path.is_file():
            return path
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        shown = text if len(text) < 200 else f"{text[:200]}..."
        raise GrammarError(f"{shown}: cannot be read: {error.strerror}") from None
    known = ", ".join(bundled_names())
    if "\0" in text or "/" in text or "\\" in text or path.suffix:
        reason = "it is a folder" if is_folder else "there is no such file"
        raise GrammarError(f"{text!r}: {reason}; expected a grammar file (*.lark) or a bundled space ({known})")
    hint = did_you_mean(text, bundled_names())
    raise GrammarError(
        f"{text!r} is neither a bundled space ({known}) nor the path of a grammar file" + (f"; {hint}" if hint else "")
    )


def read_file(name: str | Path) -> Grammar:
    """Reads a bundled space or a grammar file. Raises ``GrammarError``, with every problem at its place."""
    path = find_grammar(name)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise GrammarError(f"{path}: larger than {_LARGEST_FILE >> 20} MiB, so it is not read; split the grammar")
        data = path.read_bytes()
    except OSError as error:
        raise GrammarError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise GrammarError(f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    return read_text(text.removeprefix("\ufeff"), str(name))


def read_text(text: str, name: str = "<text>") -> Grammar:
    """Reads a grammar from a string; ``name`` is what messages call it.

    Raises ``GrammarError`` with all errors of the text, each with its place, line, caret and advice.
    """
    if len(text) > _LARGEST_FILE:
        raise GrammarError(f"{name}: longer than {_LARGEST_FILE >> 20} MiB, so it is not read; split the grammar")
    source = Source(name, text)
    problems = Problems(source)
    tokens, annotations = tokenize(source, problems)
    tree = parse_syntax(source, tokens, problems)
    weights = Weights(annotations, problems)
    builder = Builder(tree, weights, problems)
    rules = builder.rules()
    weights.check_all_used()
    directives = _directives(annotations, problems)
    start = _start(rules, directives, problems)
    if not problems.has_errors:
        check_structure(rules, start, problems)
    problems.raise_errors()
    return Grammar(source, start, rules, builder.ignored, {k: v[0] for k, v in directives.items()}, problems.in_order())


def _directives(annotations: list[Annotation], problems: Problems) -> dict[str, tuple[str, Annotation]]:
    found: dict[str, tuple[str, Annotation]] = {}
    for annotation in annotations:
        if not annotation.alone or not annotation.text:
            continue
        word, _, value = re.sub(r"\s+", " ", annotation.text).partition(" ")
        end = annotation.start + 3 + len(annotation.text)
        if re.match(r"[\d.?*+-]", word):
            problems.error(
                "E301",
                annotation.start,
                end,
                "a weight alone on a line belongs to nothing",
                "write it at the end of the line of its alternative",
            )
        elif word not in DIRECTIVES:
            hint = did_you_mean(word, DIRECTIVES) or f"known are {listing(DIRECTIVES, 'and')}"
            problems.error("E303", annotation.start, end, f"{word!r} is not a directive", hint)
        elif not value.strip():
            problems.error("E303", annotation.start, end, f"the directive {word} says nothing", f"//% {word} ...")
        elif word in found:
            problems.error("E303", annotation.start, end, f"the directive {word} is given twice", "leave one out")
        else:
            found[word] = (value.strip(), annotation)
    return found


def _start(rules: Mapping[str, Rule], directives: dict[str, tuple[str, Annotation]], problems: Problems) -> str:
    if "start" in directives:
        name, annotation = directives["start"]
        if name not in rules:
            end = annotation.start + 3 + len(annotation.text)
            hint = did_you_mean(name, rules) or "name a rule of this file"
            problems.error("E201", annotation.start, end, f"the start rule {name} is not defined", hint)
        return name
    if not rules and problems.has_errors:
        return ""
    if not rules:
        problems.error("E101", 0, 1, "there are no rules here", 'write one, as in   start: "relu" -> relu')
        return ""
    return "start" if "start" in rules else next(iter(rules))
