"""A space without tensors: words over an alphabet, whose key forgets the order of the letters."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from einspec.errors import SamplingError
from einspec.grammar.grammar import Grammar, read_text
from einspec.space import Limits
from einspec.types import Type

Where = Callable[["Word"], bool] | None


@dataclass(frozen=True)
class Word:
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def space(self) -> Words:
        return Words()

    @property
    def key(self) -> str:
        return "1:" + "".join(sorted(self.text))

    @property
    def identity(self) -> str:
        return self.key

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
    limits: Limits = field(default_factory=Limits)
    mutations_fail: bool = False
    calls: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"words of {self.alphabet}"

    @cached_property
    def grammar(self) -> Grammar:
        letters = " | ".join(f'"{letter}"' for letter in self.alphabet)
        return read_text(f"start: {'letter ' * self.length}-> word\nletter: {letters}\n", "words")

    @property
    def inputs(self) -> tuple[Type, ...]:
        return (Type((1, 8, 8)),)

    def input_text(self) -> str:
        return "(3, 8, 8)"

    def letter(self, rng: random.Random) -> str:
        return self.alphabet[int(rng.random() * len(self.alphabet))]

    def sample(self, *, rng: random.Random, where: Where = None) -> Word:
        self.calls.append("sample")
        while True:
            word = Word("".join(self.letter(rng) for _ in range(self.length)))
            if where is None or where(word):
                return word

    def mutate(self, word: Word, *, rng: random.Random, where: Where = None) -> Word:
        """One letter anew; the key always differs."""
        self.calls.append("mutate")
        if self.mutations_fail:
            raise SamplingError("no mutation")
        while True:
            place = int(rng.random() * self.length)
            child = Word(word.text[:place] + self.letter(rng) + word.text[place + 1 :])
            if child.key != word.key and (where is None or where(child)):
                return child


def score(word: Word) -> float:
    """Highest for the last letters of the alphabet."""
    return float(sum(map(ord, word.text)))
