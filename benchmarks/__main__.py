"""``python -m benchmarks``, from the root of the repository: all figures as one table, in a few minutes."""

from __future__ import annotations

import platform

from benchmarks import graphs, memory, networks, parsing, sampling, startup, tails
from benchmarks.measure import table

if __name__ == "__main__":
    print(f"Python {platform.python_version()}, one core but for networks against those by hand\n")
    parts = [sampling, tails, parsing, memory, graphs, startup, networks]
    print(table([row for part in parts for row in part.rows()]))
