"""Text in drawings: how wide it is, and how each format quotes it."""

from __future__ import annotations

import math
import unicodedata
from html import escape

FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
"""Of one width, so that text fits its box in any of them."""

TIMES = "\N{MULTIPLICATION SIGN}"

SIZE = 12
"""Of the names of ops."""

SMALL = 11
"""Of types and titles."""

PER_EM = 0.605
"""The widest of the fonts."""

LONGEST = 44
"""Characters shown of a text; the whole is in the tooltip."""


def shown(text: str) -> str:
    """One line of bounded length, of characters that XML can hold."""
    text = printable(text).replace("\n", " ").replace("\t", " ")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def count(number: int) -> str:
    """A number with commas, or its order of magnitude: copies of copies multiply."""
    return f"{number:,}" if number < 10**15 else f"10^{int(math.log10(number))}"


def printable(text: str) -> str:
    """The text with a mark for what XML has no character for, and for what would reorder a line."""
    return "".join("\ufffd" if _is_unfit(c) else c for c in text)


def _is_unfit(character: str) -> bool:
    if character in "\n\t":
        return False
    return unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp")


def width(text: str, size: float) -> float:
    """The width of a text in pixels; East Asian characters are two wide."""
    columns = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return columns * size * PER_EM


def xml(text: str) -> str:
    """Text for an element or a quoted attribute."""
    return escape(printable(text), quote=True)
