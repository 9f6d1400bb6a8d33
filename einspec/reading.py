"""Files of users and those that come with einspec: finding them, reading them, not too large, and UTF-8."""

from __future__ import annotations

from pathlib import Path

from einspec.errors import EinspecError
from einspec.text import Source

BUNDLED = Path(__file__).resolve().parent / "grammars"
"""The spaces and architectures that come with einspec."""


def bundled(suffix: str) -> list[str]:
    """The names of the bundled files with an ending."""
    return sorted(path.stem for path in BUNDLED.glob(f"*{suffix}"))


def existing(name: str | Path, error: type[EinspecError]) -> tuple[Path | None, bool]:
    """The path of a file that there is, else None; and whether it is a folder.

    Raises ``error`` where it cannot be looked up.
    """
    path = Path(name)
    try:
        return (path, False) if path.is_file() else (None, path.is_dir())
    except OSError as failure:  # a name that is too long, a folder that may not be entered
        text = str(name)
        shown = text if len(text) < 200 else f"{text[:200]}..."
        raise error(f"{shown}: cannot be read: {failure.strerror}") from None


def read_source(path: Path, shown: str, most: int, error: type[EinspecError], advice: str = "") -> Source:
    """The text of a file, which messages call ``shown``.

    Raises ``error`` where it has more than ``most`` bytes (with advice), cannot be read or is not UTF-8.
    """
    try:
        with path.open("rb") as file:  # read to the bound: what a special file says of its size means nothing
            data = file.read(most + 1)
    except OSError as failure:
        raise error(f"{shown}: cannot be read: {failure.strerror}") from None
    if len(data) > most:
        raise error(f"{shown}: larger than {most >> 20} MiB, so it is not read{advice}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as failure:
        line = data.count(b"\n", 0, failure.start) + 1
        raise error(f"{shown}:{line}: byte {failure.start} is not UTF-8; save the file as UTF-8") from None
    return Source(shown, text.removeprefix("\ufeff"))
