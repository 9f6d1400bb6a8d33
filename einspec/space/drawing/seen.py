"""The architectures that were drawn before, told apart by identities that are computed where they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from einspec.space.deriving.typed_derivation import TypedDerivation


class Seen:
    """A set of identities. Of architectures that differ in outline the key is not needed to tell them apart."""

    def __init__(self) -> None:
        self._first: dict[object, TypedDerivation | None] = {}
        """The only architecture of an outline, or None where there are several."""
        self._identities: set[str] = set()
        self._last: tuple[TypedDerivation, object] | None = None
        """The outline that was asked for last."""

    def __contains__(self, arch: TypedDerivation) -> bool:
        """Whether an architecture of its identity was added."""
        known = self._outline(arch)
        if known not in self._first:
            return False
        only = self._first[known]
        if only is not None:
            self._identities.add(only.identity)
            self._first[known] = None
        return arch.identity in self._identities

    def add(self, arch: TypedDerivation) -> None:
        """Adds an architecture that is not in it."""
        known = self._outline(arch)
        if known not in self._first:
            self._first[known] = arch
        else:
            self._identities.add(arch.identity)

    def _outline(self, arch: TypedDerivation) -> object:
        """What is asked for twice: before an architecture is added, and then."""
        from einspec.compiler.identity.outline import outline

        if self._last is None or self._last[0] is not arch:
            self._last = arch, outline(arch)
        return self._last[1]
