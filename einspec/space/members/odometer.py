"""An odometer: all lists of choices, one after the other, when how many there are shows only on the way."""

from __future__ import annotations


class Odometer:
    """Choices as the digits of an odometer: the n-th choice of an attempt is digit n.

    ``place(n, order)`` gives the member of digit n among ``order``; ``advance`` turns to the next attempt.
    """

    def __init__(self) -> None:
        self.digits: list[int] = []
        self.sizes: list[int] = []

    def place(self, size: int) -> int:
        """The next digit, below ``size``."""
        position = len(self.sizes)
        self.sizes.append(size)
        if position == len(self.digits):
            self.digits.append(0)
        return self.digits[position]

    def advance(self) -> bool:
        """Turns the last digit that can turn, forgetting those after it. False when all have come round."""
        del self.digits[len(self.sizes) :]
        while self.digits and self.digits[-1] + 1 >= self.sizes[len(self.digits) - 1]:
            self.digits.pop()
        self.sizes.clear()
        if not self.digits:
            return False
        self.digits[-1] += 1
        return True
