"""Reading a grammar file: text to rules, all problems at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from einspec.grammar.model.ops import OpFile
from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import Choice, Rule, RuleSet, leaves
from einspec.grammar.model.structure import check_structure
from einspec.grammar.reading.build import Builder
from einspec.grammar.reading.files import Library, Place
from einspec.grammar.reading.linking import Linker
from einspec.grammar.syntax.tokens import Annotation
from einspec.text import Source, did_you_mean, listing

DIRECTIVES = ("start", "input", "output", "reference", "settings")


Check = Callable[[Mapping[str, Rule], Mapping[Source, OpFile], Problems], None]
"""Notes what is wrong with ops that a file holds and that its rules name, so that all of it is said at once."""


def read(source: Source, place: Place, library: Library, check: Check | None) -> RuleSet:
    """Reads the text of a grammar file that lies somewhere, with what it imports from a library.

    Raises ``GrammarError`` with all errors, each with its place, line, caret and advice.
    """
    problems = Problems(source)
    linked = Linker(source, place, library, problems)
    builder = Builder(linked)
    rules = builder.rules()
    ignored = builder.ignored()
    annotations = linked.file.annotations
    directives = _directives(annotations, problems)
    broken = linked.file.tree.broken
    if not broken:
        linked.file.weights.check_all_used()
    start = _start(rules, directives, broken, problems)
    _check_settings(linked, rules, problems)
    _check_outputs(directives, problems)
    if not problems.has_errors:
        check_structure(rules, start, problems)
    if check is not None:
        check(rules, linked.op_files, problems)
    problems.raise_errors()
    texts = {k: v[0] for k, v in directives.items()}
    files = linked.op_files
    return RuleSet(source, library.read, start, rules, ignored, texts, files, problems.in_order(), place.may_be_slow)


def _directives(annotations: list[Annotation], problems: Problems) -> dict[str, tuple[str, Annotation]]:
    found: dict[str, tuple[str, Annotation]] = {}
    for annotation in annotations:
        if not annotation.alone or not annotation.text:
            continue
        word, _, value = re.sub(r"\s+", " ", annotation.text).partition(" ")
        end = annotation.end
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


def _check_settings(linked: Linker, rules: Mapping[str, Rule], problems: Problems) -> None:
    """Notes settings that are no terminals of the file, or that no rule names."""
    file = linked.file
    terminals = {entry.definition.name for entry in linked.entries.values() if entry.definition.is_terminal}
    productions = [production for rule in rules.values() for production in rule.productions]
    used = {leaf.name for p in productions for leaf in leaves(p.items) if isinstance(leaf, Choice)}
    for name, annotation in file.settings.items():
        place = annotation.start, annotation.end
        if name in file.tree.broken:
            continue
        if name not in terminals:
            what = "is a rule, and settings are terminals" if name in rules else "is not defined"
            hint = did_you_mean(name, terminals) or "name terminals, as in   //% settings LR, DROPOUT"
            problems.error("E407", *place, f"the setting {name} {what}", hint)
        elif name not in used and not problems.has_errors:
            problems.warning("W513", *place, f"no rule names the setting {name}", "name it in one, or leave it out")


def _check_outputs(directives: dict[str, tuple[str, Annotation]], problems: Problems) -> None:
    """Notes names of outputs that are none, or that are there twice."""
    if "output" not in directives:
        return
    text, annotation = directives["output"]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if not name.isidentifier() or names.count(name) > 1:
            what = "is no name" if not name.isidentifier() else "is there twice"
            advice = "as in   //% output logits, auxiliary"
            problems.error("E303", annotation.start, annotation.end, f"the output {name!r} {what}", advice)
            return


def _start(
    rules: Mapping[str, Rule], directives: dict[str, tuple[str, Annotation]], broken: set[str], problems: Problems
) -> str:
    if "start" in directives:
        name, annotation = directives["start"]
        if name not in rules and name not in broken:
            end = annotation.end
            hint = did_you_mean(name, rules) or "name a rule of this file"
            problems.error("E201", annotation.start, end, f"the start rule {name} is not defined", hint)
        return name
    if not rules and problems.has_errors:
        return ""
    if not rules:
        problems.error("E101", 0, 1, "there are no rules here", 'write one, as in   start: "relu" -> relu')
        return ""
    return "start" if "start" in rules else next(iter(rules))
