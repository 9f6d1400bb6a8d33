"""What an op of the user's own raises: shown as theirs, without the frames of einspec around it."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import einspec
import einspec.compiler

_FOLDERS = (Path(einspec.__file__).parent, Path(next(iter(einspec.compiler.__path__))))
_RAISED_BY = "raised by "
"""How the notes begin that say which op it was."""


def is_own(error: BaseException) -> bool:
    """Whether it was raised by an op, or by a predicate, of the user's."""
    return any(note.startswith(_RAISED_BY) for note in getattr(error, "__notes__", ()))


def print_own_error(error: BaseException) -> None:
    """The error and where the grammar calls the op, on standard error; below it the traceback of the user's code."""
    name = next(kind.__name__ for kind in type(error).__mro__ if not kind.__module__.startswith("einspec.ops"))
    print(f"einspec: {name}: {error}", file=sys.stderr)
    for note in error.__notes__:
        print(note, file=sys.stderr)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [any(folder in Path(frame.filename).parents for folder in _FOLDERS) for frame in frames]
    first = ours.index(True) if True in ours else 0
    own = [frame for frame, is_ours in zip(frames[first:], ours[first:], strict=True) if not is_ours]
    if own:
        print("Your code, the latest call last:", file=sys.stderr)
        print("".join(traceback.format_list(own)).rstrip("\n"), file=sys.stderr)
