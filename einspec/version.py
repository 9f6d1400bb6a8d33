"""The version of einspec, as in ``pyproject.toml``."""

VERSION = "0.1.0"
