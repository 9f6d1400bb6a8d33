"""How much memory sampling leaves a process with: memo tables are bounded, so that it does not grow for ever.

``python -m benchmarks.memory N`` draws N architectures instead of the 100,000 of ``make bench``.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import Row, table

_FORGOTTEN = """
import resource, sys, einspec
space = einspec.load("einspace", input=(3, 32, 32))
for _ in space.samples(int(sys.argv[1]), rng=0):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

_KEPT = """
import resource, sys, einspec
space = einspec.load("einspace", input=(3, 32, 32))
kept = {arch.key: str(arch) for arch in space.samples(int(sys.argv[1]), rng=0, unique=True)}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(program: str, count: int) -> float:
    """The most memory that a fresh process took, in MiB."""
    run = subprocess.run([sys.executable, "-c", program, str(count)], capture_output=True, text=True, check=True)
    return float(run.stdout)


def rows(count: int = 100_000) -> list[Row]:
    """Peak memory of processes that draw architectures and forget them, or keep text and key of different ones."""
    kept = count // 5
    return [
        Row(f"memory after {count:,} samples", [peak(_FORGOTTEN, count)], "MiB", "1,000,000: at most 500"),
        Row(f"{kept:,} different ones kept as text and key", [peak(_KEPT, kept)], "MiB", "1,000,000: at most 2,048"),
    ]


if __name__ == "__main__":
    print(table(rows(int(sys.argv[1]))))
