"""Files of architectures: finding them by path or by bundled name, bytes to text."""

from __future__ import annotations

from pathlib import Path

from einspec.errors import ParseError
from einspec.reading import BUNDLED, bundled, existing, read_source
from einspec.text import Source, did_you_mean

SUFFIX = ".arch"
_LARGEST_FILE = 16 << 20


def bundled_architectures() -> list[str]:
    """The names of the architectures that come with einspec."""
    return bundled(SUFFIX)


def find_architecture(name: str | Path) -> Path:
    """The file of a path, or of a bundled name. Raises ``ParseError`` when there is no such file.

    A bare name means what is bundled; with its ending, a file of one's own comes first.
    """
    text = str(name)
    known = bundled_architectures()
    if text in known:
        return BUNDLED / f"{text}{SUFFIX}"
    path, is_folder = existing(name, ParseError)
    if path is not None:
        return path
    if text.removesuffix(SUFFIX) in known and not is_folder:
        return BUNDLED / text
    reason = "it is a folder" if is_folder else "there is no such file"
    hint = "" if is_folder else did_you_mean(text.removesuffix(SUFFIX), known)
    raise ParseError(
        f"{text!r}: {reason}; expected an architecture file (*{SUFFIX}) or a bundled architecture "
        f"({', '.join(known)})" + (f"; {hint}" if hint else "")
    )


def read_architecture_file(name: str | Path) -> Source:
    """The text of an architecture file. Raises ``ParseError`` where it cannot be read."""
    path = find_architecture(name)
    return read_source(path, path.name if path.parent == BUNDLED else str(name), _LARGEST_FILE, ParseError)
