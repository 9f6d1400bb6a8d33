"""A space without tensors: words over an alphabet, whose key forgets the order of the letters."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from types import SimpleNamespace

from einspec.errors import SamplingError


@dataclass(frozen=True)
class Word:
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def key(self) -> str:
        return "1:" + "".join(sorted(self.text))

    @property
    def params(self) -> int:
        return len(self.text)

    @property
    def macs(self) -> int:
        return 10 * len(self.text)

    def to_json(self) -> str:
        return f'"{self.text}"'


@dataclass
class Words:
    """All words of one length. ``calls`` counts draws and mutations."""

    alphabet: str = "abcdefgh"
    length: int = 4
    limits: str = "Limits()"
    mutations_fail: bool = False
    calls: list[str] = field(default_factory=list)
    input: tuple[int, ...] = (3, 8, 8)

    def __str__(self) -> str:
        return f"words of {self.alphabet}"

    @property
    def grammar(self) -> SimpleNamespace:
        return SimpleNamespace(text=f"word: /[{self.alphabet}]{{{self.length}}}/")

    @property
    def ops(self) -> dict[str, None]:
        return {"word": None}

    def letter(self, rng: random.Random) -> str:
        return self.alphabet[int(rng.random() * len(self.alphabet))]

    def sample(self, *, rng: random.Random) -> Word:
        self.calls.append("sample")
        return Word("".join(self.letter(rng) for _ in range(self.length)))

    def mutate(self, word: Word, *, rng: random.Random) -> Word:
        """One letter anew; the key always differs."""
        self.calls.append("mutate")
        if self.mutations_fail:
            raise SamplingError("no mutation")
        while True:
            place = int(rng.random() * self.length)
            child = Word(word.text[:place] + self.letter(rng) + word.text[place + 1 :])
            if child.key != word.key:
                return child


def score(word: Word) -> float:
    """Highest for the last letters of the alphabet."""
    return float(sum(map(ord, word.text)))
