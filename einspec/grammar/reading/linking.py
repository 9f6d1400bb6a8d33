"""Linking: the definitions of a grammar file and of the files that it imports, under one set of names.

An imported definition has the name that the importing file gives it; what it needs besides comes along as
``file__name``, as in Lark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from einspec.errors import GrammarError
from einspec.grammar.model.ops import OpFile, OpImport
from einspec.grammar.model.problems import Problems
from einspec.grammar.reading.files import Library, NoSuchFile, Place
from einspec.grammar.syntax.blocks import Blocks
from einspec.grammar.syntax.parser import parse_syntax
from einspec.grammar.syntax.tokens import Annotation, tokenize
from einspec.grammar.syntax.tree import Alternative, Definition, Expression, Import, SyntaxTree
from einspec.grammar.syntax.weights import Weights
from einspec.text import Source, did_you_mean

_MOST_FILES = 100
_MOST_EXTENSIONS = 100
_MOST_SHOWN = 12


@dataclass(eq=False)
class File:
    """A grammar file as it was read, and what its names are called in the whole."""

    source: Source
    place: Place
    tree: SyntaxTree
    annotations: list[Annotation]
    weights: Weights
    problems: Problems
    blocks: Blocks
    prefix: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    around: File | None = None
    """The file that imports it."""
    settings: Mapping[str, Annotation] = field(default_factory=dict)
    """The terminals that are no arguments, by the directive that says so."""

    def mangled(self, name: str) -> str:
        """What a name of this file is called in the whole."""
        if self.around is None:
            return name
        alias = self.aliases.get(name)
        if alias is None:
            alias = f"_{self.prefix}__{name[1:]}" if name.startswith("_") else f"{self.prefix}__{name}"
        return self.around.mangled(alias)


@dataclass(eq=False)
class Entry:
    """One definition of the whole: what it is called there, its file, and what ``%extend`` adds to it."""

    name: str
    file: File
    definition: Definition
    extensions: list[tuple[File, Definition]] = field(default_factory=list)

    def parts(self) -> list[tuple[File, Definition]]:
        """The definition and its extensions, each with its file."""
        return [(self.file, self.definition), *self.extensions]


class Linker:
    """Reads a grammar file with all that it imports. Problems are noted at their place."""

    def __init__(self, source: Source, place: Place, library: Library, problems: Problems):
        self.library = library
        self.entries: dict[str, Entry] = {}
        self.names: dict[str, None] = {}
        """What the grammar itself defines or imports, in the order of the file."""
        self.files = 0
        self.op_files: dict[Source, OpFile] = {}
        """The ops of each file that was read."""
        self.brought: dict[Source, list[Source]] = {}
        self.file = self._read(source, place, problems)
        self._link(self.file, ())
        self.entries = {name: self.entries[name] for name in self._needed()}

    def _read(self, source: Source, place: Place, problems: Problems) -> File:
        tokens, annotations = tokenize(source, problems)
        tree = parse_syntax(source, tokens, problems)
        blocks = Blocks(source, annotations, tokens, problems)
        file = File(source, place, tree, blocks.rest, Weights(blocks.rest, problems), problems, blocks)
        file.settings = _settings(blocks.rest)
        return file

    def _link(self, file: File, above: tuple[str, ...]) -> None:
        """Enters the imports of a file, then its own definitions."""
        self._link_imports(file, above)
        self._link_ops(file, above)
        for definition in file.tree.definitions:
            name = file.mangled(definition.name)
            if definition.keyword == "%extend":
                self._extend(file, name, definition)
            elif definition.keyword == "%override":
                self._override(file, name, definition)
            elif name in self.entries:
                self._twice(file, self.entries[name], definition)
            else:
                self._enter(Entry(name, file, definition))

    def _enter(self, entry: Entry) -> None:
        self.entries[entry.name] = entry
        if entry.file is self.file:
            self.names[entry.name] = None

    def _twice(self, file: File, known: Entry, definition: Definition) -> None:
        first = known.file.source.place(known.definition.start)
        advice = "give one of them another name, or join their alternatives with |"
        if known.file is not file:
            advice = "write %extend to add to an imported rule, %override to replace it"
        self._error(file, definition, "E202", f"{definition.name} is defined twice, first at {first}", advice)

    def _extend(self, file: File, name: str, definition: Definition) -> None:
        known = self.entries.get(name)
        if known is None:
            self._unknown(file, definition, "to extend")
        elif known.definition.parameters or definition.parameters:
            message = f"{definition.name} is a template, and cannot be extended"
            self._error(file, definition, "E202", message, "write %override, and all its alternatives")
        else:
            if len(known.extensions) < _MOST_EXTENSIONS:
                known.extensions.append((file, definition))
                return
            message = f"{definition.name} is extended more than {_MOST_EXTENSIONS} times"
            self._error(file, definition, "E105", message, "join the new alternatives with |")

    def _override(self, file: File, name: str, definition: Definition) -> None:
        known = self.entries.get(name)
        if known is None:
            self._unknown(file, definition, "to override")
            return
        self.entries[name] = Entry(name, file, definition)
        if file is self.file:
            self.names[name] = None

    def _unknown(self, file: File, definition: Definition, what: str) -> None:
        if definition.name in file.tree.broken:
            return
        local = {name for name in self.entries if "__" not in name}
        advice = did_you_mean(definition.name, local) or "import it first, as in   %import einspace.computation"
        if any(other.name == definition.name and not other.keyword for other in file.tree.definitions):
            advice = "write this below the definition, or add the alternatives there"
        self._error(file, definition, "E201", f"there is no {definition.name} {what}", advice)

    def _error(self, file: File, definition: Definition, code: str, message: str, advice: str) -> None:
        file.problems.error(code, definition.start, definition.start + len(definition.name), message, advice)

    def _link_imports(self, file: File, above: tuple[str, ...]) -> None:
        """Each file once, under all the names that are imported from it."""
        by_path: dict[tuple[tuple[str, ...], bool], list[Import]] = {}
        for statement in file.tree.imports:
            by_path.setdefault((statement.path, statement.is_relative), []).append(statement)
        for (path, is_relative), statements in by_path.items():
            imported = self._open(file, path, is_relative, statements[0], above)
            if imported is None:
                file.tree.broken.update(alias for s in statements for _, alias in s.names)
                continue
            imported.around, imported.prefix = file, "__".join(path)
            imported.aliases = {token.text: alias for s in statements for token, alias in s.names}
            self._link(imported, (*above, self._key(file, path, is_relative)))
            self.brought.setdefault(file.source, []).append(imported.source)
            for statement in statements:
                self._check_names(file, imported, statement)

    def _link_ops(self, file: File, above: tuple[str, ...]) -> None:
        """Notes the ops of a file, and those that it takes from others."""
        imports = []
        for statement in file.blocks.imported:
            imported = self._open(file, statement.path, statement.is_relative, statement, above)
            if imported is None:
                continue
            self._link_ops(imported, (*above, self._key(file, statement.path, statement.is_relative)))
            known = {text.name for text in imported.blocks.written}
            known |= {op.alias for op in self.op_files[imported.source].imports}
            for token, alias in statement.names:
                if token.text in known:
                    imports.append(OpImport(token.text, alias, imported.source, token.start, token.end))
                    continue
                hint = did_you_mean(token.text, known) or f"it has {', '.join(sorted(known)[:_MOST_SHOWN]) or 'none'}"
                message = f"{imported.source.name} has no op {token.text}"
                file.problems.error("E404", token.start, token.end, message, hint)
        brought = tuple(dict.fromkeys(self.brought.get(file.source, [])))
        if file.source not in self.op_files or brought:
            self.op_files[file.source] = OpFile(file.source, tuple(file.blocks.written), tuple(imports), brought)

    def _check_names(self, file: File, imported: File, statement: Import) -> None:
        for token, alias in statement.names:
            name = file.mangled(alias)
            if name in self.entries:
                if file is self.file:
                    self.names[name] = None
                continue
            known = [d.name for d in imported.tree.definitions] + [a for i in imported.tree.imports for _, a in i.names]
            shown = sorted(set(known))[:_MOST_SHOWN] + (["..."] if len(set(known)) > _MOST_SHOWN else [])
            hint = did_you_mean(token.text, known) or f"it has {', '.join(shown) or 'nothing'}"
            file.tree.broken.add(alias)
            message = f"{imported.source.name} has no {token.text}"
            file.problems.error("E201", token.start, token.end, message, hint)

    @staticmethod
    def _key(file: File, path: tuple[str, ...], is_relative: bool) -> str:
        return f"{file.source.name}/{'.' if is_relative else ''}{'.'.join(path)}"

    def _open(
        self, file: File, path: tuple[str, ...], is_relative: bool, statement: Import, above: tuple[str, ...]
    ) -> File | None:
        def refuse(message: str, advice: str) -> None:
            file.problems.error("E103", statement.start, statement.end, message, advice)

        if self._key(file, path, is_relative) in above:
            refuse(f"{'.'.join(path)} imports itself, through the files that it imports", "break the circle")
            return None
        self.files += 1
        if self.files > _MOST_FILES:
            if self.files == _MOST_FILES + 1:
                refuse(f"more than {_MOST_FILES} files are imported", "join some of them")
            return None
        chain = file.source.name if file.around is not None else ""
        try:
            source, place = self.library.open(path, is_relative, file.place, chain)
        except NoSuchFile as error:
            refuse(f"this cannot be imported: {error}", "name a bundled space, common, or a file in this folder")
            return None
        except GrammarError as error:
            refuse(f"this cannot be imported: {error}", "")
            return None
        return self._read(source, place, file.problems.of(source))

    def _needed(self) -> list[str]:
        """What the grammar defines or imports by name, and what these need, in the order of their files."""
        needed = set(self.names)
        frontier = list(self.names)
        while frontier:
            for file, definition in self.entries[frontier.pop()].parts():
                for name in _mentioned(definition.alternatives):
                    mangled = file.mangled(name)
                    if mangled in self.entries and mangled not in needed:
                        needed.add(mangled)
                        frontier.append(mangled)
        imported = needed.difference(self.names)
        return [*self.names, *(name for name in self.entries if name in imported)]


def _settings(annotations: list[Annotation]) -> dict[str, Annotation]:
    """The names after ``//% settings``."""
    found: dict[str, Annotation] = {}
    for annotation in annotations:
        word, _, names = annotation.text.replace("\t", " ").partition(" ")
        if annotation.alone and word == "settings":
            found.update((name, annotation) for name in re.split(r"[,\s]+", names) if name)
    return found


def _mentioned(alternatives: tuple[Alternative, ...]) -> Iterator[str]:
    for alternative in alternatives:
        for expression in alternative.items:
            yield from _names(expression)


def _names(expression: Expression) -> Iterator[str]:
    if expression.kind in ("rule", "terminal", "template"):
        yield expression.text
    yield from _mentioned(expression.alternatives)
    if expression.inner is not None:
        yield from _names(expression.inner)
    for argument in expression.arguments:
        yield from _names(argument)
