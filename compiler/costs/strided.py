"""Strides of tensors, as torch has them: which views there are without moving a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Strided:
    """Sizes and strides of a tensor, its batch axis first."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def contiguous(cls, sizes: tuple[int, ...]) -> Strided:
        """A tensor in one piece, in the order of its axes."""
        return cls(sizes, tuple(math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))))

    @classmethod
    def like(cls, sizes: tuple[int, ...], other: Strided) -> Strided:
        """A tensor in one piece, its axes in memory in the order of another's: what pointwise ops make."""
        if len(other.sizes) != len(sizes) or 0 in other.strides:
            return cls.contiguous(sizes)
        order = sorted(range(len(sizes)), key=lambda axis: (-other.strides[axis], axis))
        inner = cls.contiguous(tuple(sizes[axis] for axis in order))
        return cls(sizes, tuple(inner.strides[order.index(axis)] for axis in range(len(sizes))))

    def permuted(self, axes: tuple[int, ...]) -> Strided:
        """Its axes in another order."""
        return Strided(tuple(self.sizes[a] for a in axes), tuple(self.strides[a] for a in axes))

    def moved(self, source: int, to: int) -> Strided:
        """One axis at another place."""
        axes = [axis for axis in range(len(self.sizes)) if axis != source]
        axes.insert(to, source)
        return self.permuted(tuple(axes))

    def unflattened(self, axis: int, parts: int) -> Strided:
        """An axis as ``parts`` parts of equal size."""
        rest = self.sizes[axis] // parts
        sizes = (*self.sizes[:axis], parts, rest, *self.sizes[axis + 1 :])
        strides = (*self.strides[:axis], rest * self.strides[axis], *self.strides[axis:])
        return Strided(sizes, strides)

    def flattened(self, start: int, stop: int) -> Strided | None:
        """The axes from ``start`` to before ``stop`` as one; None where that would move numbers."""
        parts = [(n, s) for n, s in zip(self.sizes[start:stop], self.strides[start:stop], strict=True) if n != 1]
        if any(outer != inner * size for (_, outer), (size, inner) in pairwise(parts)):
            return None
        stride = parts[-1][1] if parts else 1
        size = math.prod(self.sizes[start:stop])
        return Strided(
            (*self.sizes[:start], size, *self.sizes[stop:]), (*self.strides[:start], stride, *self.strides[stop:])
        )

    def resized(self, axis: int, size: int) -> Strided:
        """A range of an axis."""
        return Strided((*self.sizes[:axis], size, *self.sizes[axis + 1 :]), self.strides)

    def without(self, axis: int) -> Strided:
        """One place of an axis."""
        return Strided((*self.sizes[:axis], *self.sizes[axis + 1 :]), (*self.strides[:axis], *self.strides[axis + 1 :]))

    def spread(self, axis: int, size: int) -> Strided:
        """A new axis along which it repeats."""
        return Strided((*self.sizes[:axis], size, *self.sizes[axis:]), (*self.strides[:axis], 0, *self.strides[axis:]))
