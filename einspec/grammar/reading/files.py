"""Grammar files: where they are, how they are read, and which file an ``%import`` means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from einspec.errors import GrammarError
from einspec.reading import BUNDLED, bundled, existing, read_source
from einspec.text import Source, did_you_mean

LARGEST_FILE = 4 << 20


def bundled_names() -> list[str]:
    """The names of the spaces that come with einspec."""
    return bundled(".lark")


def find_grammar(name: str | Path) -> Path:
    """The file of a bundled name, or the path itself. Raises ``GrammarError`` when there is no such file."""
    text = str(name)
    if text in bundled_names():
        return BUNDLED / f"{text}.lark"
    path, is_folder = existing(name, GrammarError)
    if path is not None:
        return path
    known = ", ".join(bundled_names())
    if "\0" in text or "/" in text or "\\" in text or Path(name).suffix:
        reason = "it is a folder" if is_folder else "there is no such file"
        raise GrammarError(f"{text!r}: {reason}; expected a grammar file (*.lark) or a bundled space ({known})")
    hint = did_you_mean(text, bundled_names())
    raise GrammarError(
        f"{text!r} is neither a bundled space ({known}) nor the path of a grammar file" + (f"; {hint}" if hint else "")
    )


def read_grammar_file(path: Path, name: str) -> Source:
    """The text of a file. Raises ``GrammarError`` where it is too large, cannot be read or is not UTF-8."""
    source = read_source(path, str(path), LARGEST_FILE, GrammarError, "; split the grammar")
    return Source(name, source.text)


class NoSuchFile(GrammarError):
    """An import names no file that it may."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a grammar file is: its folder, None for a text without one; ``is_trusted`` for those of Lark itself.

    ``may_be_slow`` is for files whose user answers for the time that matching their regular expressions takes.
    """

    folder: Path | None
    is_trusted: bool = False
    may_be_slow: bool = False


class Library:
    """Finds the files that imports name: bundled spaces, Lark's own ``common``, and files beside the importing one.

    ``known`` are files that were read before, by the path that imports them: a grammar that was pickled has its own.
    """

    def __init__(self, known: Mapping[str, Source] | None = None):
        self.known = dict(known or {})
        self.read: dict[str, Source] = {}

    def open(self, path: tuple[str, ...], is_relative: bool, importing: Place, chain: str) -> tuple[Source, Place]:
        """The file that an import means, and where it is. ``chain`` tells which importing file asks.

        Raises ``GrammarError`` where there is none, or it is outside of the importing file's folder.
        """
        key = f"{chain}/{'.'.join(path)}" if is_relative or path[0] not in (*bundled_names(), "common") else path[0]
        found = self._find(path, is_relative, importing) if key not in self.known else None
        source = self.known[key] if found is None else read_grammar_file(*found)
        self.read[key] = source
        folder = None if found is None else found[0].parent
        return source, Place(folder, path == ("common",) and not is_relative, importing.may_be_slow)

    def _find(self, path: tuple[str, ...], is_relative: bool, importing: Place) -> tuple[Path, str]:
        """The file, and what messages call it."""
        dotted = ("." if is_relative else "") + ".".join(path)
        if not is_relative and path == ("common",):
            spec = find_spec("lark")
            assert spec is not None
            assert spec.origin is not None
            return Path(spec.origin).parent / "grammars" / "common.lark", "common"
        if not is_relative and len(path) == 1 and path[0] in bundled_names():
            return BUNDLED / f"{path[0]}.lark", path[0]
        if importing.folder is None:
            known = ", ".join(bundled_names())
            raise NoSuchFile(
                f"{dotted} is no bundled space ({known}), and a text has no folder where another file could be"
            )
        try:
            folder = importing.folder.resolve()
            file = (folder / "/".join(path)).with_suffix(".lark").resolve()
        except (OSError, RuntimeError):  # a link to itself
            raise GrammarError(f"{dotted} leads nowhere") from None
        if not file.is_relative_to(folder):
            raise NoSuchFile(f"{dotted} leads to {file}, which is outside of the folder of its file")
        if not file.is_file():
            beside = sorted(other.stem for other in folder.glob("*.lark"))
            hint = did_you_mean(path[-1], [*beside, *bundled_names(), "common"])
            raise NoSuchFile(f"there is no file {'/'.join(path)}.lark beside this one" + (f"; {hint}" if hint else ""))
        return file, str(importing.folder / file.relative_to(folder))
