"""A search over words that kills its own process inside one evaluation: ``python killed.py OUT NUMBER``."""

import os
import signal
import sys

from einspec.search import evolution
from tests.search.fake import Word, Words, score


def evaluate(word: Word) -> float:
    evaluate.done += 1
    if evaluate.done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return score(word)


evaluate.done = 0
evaluate.__qualname__ = "score"

if __name__ == "__main__":
    evolution(Words(), evaluate, budget=40, seed=5, population=8, tournament=3, out=sys.argv[1])
