"""Reading text files of users: not too large, and UTF-8."""

from __future__ import annotations

from pathlib import Path

from einspec.errors import EinspecError
from einspec.text import Source


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
