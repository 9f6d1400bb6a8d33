"""How long a process takes to import einspec, and to check a grammar."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.measure import Row

COMMAND = "from einspec.cli import main; main({})"
PROGRAMS = {
    "python that does nothing": ("pass", ""),
    "import einspec": ("import einspec", "at most 0.3"),
    "einspec check einspace": (COMMAND.format(["check", "einspace"]), "at most 0.3"),
    "einspec sample einspace": (COMMAND.format(["sample", "einspace", "--input", "3,32,32", "--seed", "0"]), ""),
}


def rows(rounds: int = 9) -> list[Row]:
    """Wall clock of whole processes, the programs in turn."""
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, (code, _) in PROGRAMS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            times[name].append(time.perf_counter() - start)
    return [Row(name, times[name], "s", bar) for name, (_, bar) in PROGRAMS.items()]
