"""einspec in a search loop that is already there: ask for an architecture, score it, tell."""

import einspec
from einspec.search import Evolution

space = einspec.load("nasbench201")


def score(arch):
    """A stand-in for training: many parameters on few edges."""
    return arch.params / 1e6 - 0.1 * str(arch).count("nor_conv")


strategy = Evolution(space, seed=0, population=10, tournament=3)
best = None
for _ in range(50):
    candidate = strategy.ask()
    value = score(candidate.arch)
    strategy.tell(candidate, value)
    if best is None or value > best[0]:
        best = (value, candidate)
        print(f"{candidate.number:>3}  {value:.3f}  {candidate.arch}")
