"""The values of settings: texts of the grammar that no op takes."""

from __future__ import annotations

import math

Setting = int | float | str


def value_of(text: str) -> Setting:
    """A number where a text reads as one."""
    for convert in (int, float):
        try:
            value = convert(text)
        except ValueError:
            continue
        if math.isfinite(value):
            return value
    return text
