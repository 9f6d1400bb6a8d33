"""The file ``run.sqlite``: a manifest and one row per finished evaluation.

One evaluation is one transaction with SQLite's rollback journal. A process that is killed at any moment
leaves a whole file: what was not committed is rolled back when the file is next opened. (The journal rather
than a write-ahead log: between transactions the run is one file, which can be copied during the search.)

A file is read in distrust, and never written to before all of it has been checked.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from einspec.errors import StoreError
from einspec.search.evaluation import Record

APPLICATION_ID = int.from_bytes(b"espc")
"""Marks the SQLite files that are ours."""
FORMAT = 1
"""The version of the tables, in SQLite's user_version; a newer one is refused."""

Manifest: TypeAlias = "dict[str, Any]"
"""What a run is of: names and JSON values."""

_HEADER = b"SQLite format 3\0"
_HEADER_SIZE = 100
_BUSY_SECONDS = 30.0

_NUMBER = (int, float)
_TEXT = (str,)
_NONE = (type(None),)

# name: (its declaration, the Python types that a value may have)
_COLUMNS: dict[str, tuple[str, tuple[type, ...]]] = {
    "number": ("INTEGER PRIMARY KEY", (int,)),
    "key": ("TEXT NOT NULL UNIQUE", _TEXT),
    "text": ("TEXT NOT NULL", _TEXT),
    "json": ("TEXT NOT NULL", _TEXT),
    "parent": ("INTEGER", (int, *_NONE)),
    "status": ("TEXT NOT NULL", _TEXT),
    "score": ("REAL", (float, *_NONE)),
    "metrics": ("TEXT NOT NULL", _TEXT),
    "error": ("TEXT", _TEXT + _NONE),
    "traceback": ("TEXT", _TEXT + _NONE),
    "seconds": ("REAL NOT NULL", (float,)),
    "params": ("INTEGER NOT NULL", _NUMBER),
    "macs": ("INTEGER NOT NULL", _NUMBER),
}
_TABLES = {
    "manifest": {"name": "TEXT PRIMARY KEY", "value": "TEXT NOT NULL"},
    "evaluations": {name: declaration for name, (declaration, _) in _COLUMNS.items()},
}
_LARGEST_INTEGER = 2**63 - 1


class Database:
    """An open, checked ``run.sqlite``. Raises ``StoreError`` for whatever is wrong with the file."""

    def __init__(self, path: Path) -> None:
        _check_header(path)
        self.path = path
        with _reported(path):
            self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            with _reported(path):
                self._check()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, manifest: Manifest) -> Database:
        """Make the file with its manifest and open it. It appears under its name only when it is whole."""
        draft = path.with_name(path.name + ".new")
        with _reported(path):
            draft.unlink(missing_ok=True)
            connection = sqlite3.connect(draft, isolation_level=None)
            try:
                _write_tables(connection, manifest)
            finally:
                connection.close()
            os.replace(draft, path)
        return cls(path)

    def close(self) -> None:
        self._connection.close()

    def manifest(self) -> Manifest:
        with _reported(self.path):
            rows = self._connection.execute("SELECT name, value FROM manifest").fetchall()
        try:
            return {name: json.loads(value) for name, value in rows}
        except (TypeError, ValueError, RecursionError):
            raise _damaged(self.path, "its manifest is not JSON") from None

    def note(self, name: str, value: Any) -> None:
        """Put one value into the manifest, in place of what stood there."""
        with _reported(self.path):
            self._connection.execute("REPLACE INTO manifest VALUES (?, ?)", (name, json.dumps(value)))

    def records(self) -> list[Record]:
        """All evaluations in the order of their numbers, which count from 0 without a gap."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM evaluations ORDER BY number"
        with _reported(self.path):
            rows = self._connection.execute(query).fetchall()
        return [self._record(index, dict(zip(_COLUMNS, row, strict=True))) for index, row in enumerate(rows)]

    def add(self, record: Record) -> None:
        """Write one evaluation; when this returns, it is kept."""
        row = dataclasses.asdict(record) | {
            "status": record.status,
            "metrics": json.dumps(dict(record.metrics)),
            "params": _sql_int(record.params),
            "macs": _sql_int(record.macs),
        }
        marks = ", ".join(f":{name}" for name in _COLUMNS)
        with _reported(self.path):
            self._connection.execute(f"INSERT INTO evaluations VALUES ({marks})", row)

    def _check(self) -> None:
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found != FORMAT:
            raise StoreError(
                f"{self.path}: a run file of format {found}; this einspec reads format {FORMAT}. Open it "
                f"with the einspec that wrote it, or choose another folder for a new run; nothing was changed"
            )
        problem = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise _damaged(self.path, problem)
        for table, columns in _TABLES.items():
            names = [row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")]
            if names != list(columns):
                raise _damaged(
                    self.path,
                    f"table {table} has the columns {', '.join(names) or '(no such table)'}; "
                    f"expected {', '.join(columns)}",
                )

    def _record(self, index: int, row: dict[str, Any]) -> Record:
        if row["number"] != index:
            raise _damaged(self.path, f"evaluation {index} is missing")
        for name, (_, types) in _COLUMNS.items():
            if not isinstance(row[name], types):
                expected = " or ".join("NULL" if t is type(None) else t.__name__ for t in types)
                raise _damaged(self.path, f"evaluation {index}: {name} is {_brief(row[name])}; expected {expected}")
        if row["score"] is not None and not math.isfinite(row["score"]):
            raise _damaged(self.path, f"evaluation {index}: score is {row['score']}; expected a finite number")
        status = row.pop("status")
        record = Record(**row | {"metrics": self._metrics(index, row["metrics"])})
        if status != record.status or (record.score is None) == (record.error is None):
            raise _damaged(
                self.path,
                f"evaluation {index}: status is {_brief(status)}, score {_brief(record.score)}, error "
                f"{_brief(record.error)}; expected ok with a score, or failed with an error",
            )
        return record

    def _metrics(self, index: int, text: str) -> Mapping[str, float]:
        try:
            return {name: float(value) for name, value in json.loads(text).items()}
        except (TypeError, ValueError, AttributeError, RecursionError):
            raise _damaged(
                self.path, f"evaluation {index}: metrics is {_brief(text)}; expected a JSON object of numbers"
            ) from None


def _check_header(path: Path) -> None:
    """Tell our files from others by their first bytes, before SQLite touches them."""
    with _reported(path), path.open("rb") as file:
        header = file.read(_HEADER_SIZE)
    if len(header) < _HEADER_SIZE and _HEADER.startswith(header[: len(_HEADER)]):
        raise _damaged(path, f"it ends after {len(header)} bytes")
    if not header.startswith(_HEADER):
        raise _foreign(path, f"a file that starts with {header[:16]!r}, not an SQLite database")
    if int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise _foreign(path, "an SQLite database of another application")


def _write_tables(connection: sqlite3.Connection, manifest: Manifest) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("BEGIN")
    for table, columns in _TABLES.items():
        declared = ", ".join(f"{name} {declaration}" for name, declaration in columns.items())
        connection.execute(f"CREATE TABLE {table} ({declared})")
    connection.executemany(
        "INSERT INTO manifest VALUES (?, ?)", [(name, json.dumps(value)) for name, value in manifest.items()]
    )
    connection.execute("COMMIT")


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into one StoreError."""
    try:
        yield
    except sqlite3.OperationalError as error:  # locked, read-only, disk full: the file itself may be fine
        raise StoreError(
            f"{path}: cannot be read or written: {error}. Check the disk, the permissions of the folder, and "
            f"what else has the file open"
        ) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be read or written: {error.strerror}. Check the disk and the permissions of the folder"
        ) from error


def _damaged(path: Path, what: str) -> StoreError:
    return StoreError(
        f"{path}: the run file is damaged: {what}. Restore it from a copy, or choose another folder for a "
        f"new run; nothing was changed"
    )


def _foreign(path: Path, what: str) -> StoreError:
    return StoreError(f"{path}: {what}; expected a run file of einspec. Choose another folder; nothing was changed")


def _sql_int(value: int) -> int | float:
    """SQLite's integers end at 2**63; larger counts are kept as reals, to 15 digits."""
    if value <= _LARGEST_INTEGER:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
