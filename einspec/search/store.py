"""The run folder: one search, one ``run.sqlite``, one process at a time.

run/run.sqlite     the manifest and the evaluations
run/run.lock       held while a search runs; free again when its process ends, however it ends
run/...            what reports add
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from einspec.arguments import expect_path
from einspec.errors import StoreError
from einspec.search.database import Database, Manifest
from einspec.search.evaluation import Record
from einspec.search.manifest import check_same

RUN_FILE = "run.sqlite"
LOCK_FILE = "run.lock"

# What a search that was killed while it made the folder may have left in it.
_OWN_FILES = {LOCK_FILE, f"{LOCK_FILE}-journal", f"{RUN_FILE}.new", f"{RUN_FILE}.new-journal"}


@dataclass(frozen=True)
class Run:
    """What a run folder holds."""

    manifest: Manifest
    records: tuple[Record, ...]


def read_run(out: str | os.PathLike[str]) -> Run:
    """Read a run folder, also while its search goes on.

    Raises ``StoreError`` for a folder that is none and for a file that is damaged or foreign.
    """
    expect_path("out", out, "the path of a folder")
    path = Path(out) / RUN_FILE
    if not path.exists():
        raise StoreError(
            f"{path}: no such file; expected the run file of a search. Give the folder that a search wrote to"
        )
    database = Database(path)
    try:
        return Run(database.manifest(), tuple(database.records()))
    finally:
        database.close()


@contextmanager
def open_store(out: str | os.PathLike[str], manifest: Manifest) -> Iterator[Database]:
    """The store of a search: made where there is none, else checked to be of the same search.

    The folder is locked meanwhile. Raises ``StoreError``, having changed nothing, when the folder holds other
    files, another search, a damaged or foreign run file, or is in use.
    """
    folder = Path(out)
    _check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made: {error.strerror}. Choose another folder") from error
    with _locked(folder):
        database = _database(folder / RUN_FILE, manifest)
        try:
            yield database
        finally:
            database.close()


def _check_folder(folder: Path) -> None:
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise StoreError(f"{folder}: a file; expected a folder to write the run to. Choose another name")
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        shown = str(folder) if len(str(folder)) < 100 else str(folder)[:97] + "..."
        raise StoreError(f"{shown}: cannot be read: {error.strerror}. Choose another folder") from error
    if RUN_FILE not in names and names - _OWN_FILES:
        raise StoreError(
            f"{folder}: the folder holds {_listed(names - _OWN_FILES)} and no {RUN_FILE}; expected an empty "
            f"or new folder, or that of a run. Choose another folder; nothing was changed"
        )


def _database(path: Path, manifest: Manifest) -> Database:
    if not path.exists():
        return Database.create(path, manifest)
    database = Database(path)
    try:
        check_same(path, found=database.manifest(), expected=manifest)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: SQLite's own, which works, and ends with a killed process, on every system."""
    try:
        connection = sqlite3.connect(folder / LOCK_FILE, timeout=0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        raise StoreError(
            f"{folder}: the folder cannot be locked ({error}); expected no other search to write to it. Wait "
            f"until the other one ends, or choose another folder"
        ) from error
    try:
        yield
    finally:
        connection.close()


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:3]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
