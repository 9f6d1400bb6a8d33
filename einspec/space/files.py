"""Files of architectures: finding them by path or by bundled name, bytes to text."""

from __future__ import annotations

from pathlib import Path

from einspec.errors import ParseError
from einspec.grammar.files import BUNDLED
from einspec.reading import read_source
from einspec.text import Source, did_you_mean

SUFFIX = ".arch"
_LARGEST_FILE = 16 << 20


def bundled_architectures() -> list[str]:
    """The names of the architectures that come with einspec."""
    return sorted(path.stem for path in BUNDLED.glob(f"*{SUFFIX}"))


def find_architecture(name: str | Path) -> Path:
    """The file of a path, or of a bundled name. Raises ``ParseError`` when there is no such file.

    A bare name means what is bundled; with its ending, a file of one's own comes first.
    """
    text = str(name)
    bundled = bundled_architectures()
    if text in bundled:
        return BUNDLED / f"{text}{SUFFIX}"
    path = Path(name)
    try:
        if path.is_file():
            return path
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        shown = text if len(text) < 200 else f"{text[:200]}..."
        raise ParseError(f"{shown}: cannot be read: {error.strerror}") from None
    if text.removesuffix(SUFFIX) in bundled and not is_folder:
        return BUNDLED / text
    reason = "it is a folder" if is_folder else "there is no such file"
    hint = "" if is_folder else did_you_mean(text.removesuffix(SUFFIX), bundled)
    raise ParseError(
        f"{text!r}: {reason}; expected an architecture file (*{SUFFIX}) or a bundled architecture "
        f"({', '.join(bundled)})" + (f"; {hint}" if hint else "")
    )


def read_architecture_file(name: str | Path) -> Source:
    """The text of an architecture file. Raises ``ParseError`` where it cannot be read."""
    path = find_architecture(name)
    return read_source(path, path.name if path.parent == BUNDLED else str(name), _LARGEST_FILE, ParseError)
