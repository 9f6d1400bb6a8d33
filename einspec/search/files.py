"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from einspec.errors import StoreError


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a draft beside the path, then put it into its place; the path.

    The draft keeps the suffix, from which writers tell the format. Raises ``StoreError`` if the folder cannot
    be written to.
    """
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(draft)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written: {error.strerror}. Check the disk and the permissions of the folder"
        ) from error
    return path
