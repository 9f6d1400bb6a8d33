"""Forms of identity compute what was written, in one form whatever the order of rules: ``python -m
tests.compiler.identity.agreement [COUNT] [SEED]``.

Without a count the acceptance size, 30,000 graphs of all kinds. Prints how often each rule fired, and every graph that
does not agree.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count as numbers

import torch

import einspec
from benchmarks.duplicates import WEIGHTLESS
from einspec.compiler.graph.graph import Graph
from einspec.compiler.graph.lower import lower
from einspec.compiler.graph.printing import format_graph
from einspec.compiler.graph.unfold import written_out
from einspec.compiler.identity.form import identity_form
from einspec.compiler.identity.key import canonical_digest
from einspec.compiler.simplify.rewriting import Fired
from einspec.compiler.simplify.simplify import simplify
from tests.compiler.corpus import (
    LIGHT,
    baselines,
    block_graphs,
    is_small,
    is_wired,
    pair_graphs,
    random_graphs,
    rearranged_graphs,
    turned_graphs,
    wired_space,
)
from tests.compiler.helpers import EINSPACE_INPUTS
from tests.compiler.simplify.test_simplify import assert_equal_functions

SMALL = {"max_nodes": 60, **LIGHT}


def architectures(seed: int) -> Iterator[tuple[str, Graph]]:
    """Graphs of architectures of all kinds in turn, without end."""
    rng = random.Random(seed)
    spaces = [(f"einspace {sizes}", einspec.load("einspace", input=sizes), SMALL) for sizes in EINSPACE_INPUTS]
    spaces += [("einspace (3, 8, 8)", einspec.load("einspace", input=(3, 8, 8)), SMALL)]
    spaces += [(f"weightless {s}", einspec.loads(WEIGHTLESS, input=s), {"max_nodes": 30}) for s in ((4, 4), (4, 2, 2))]
    spaces += [("wired", wired_space(), {"max_nodes": 60})]
    spaces += [("mlp", einspec.load("mlp"), {"max_params": 300_000})]
    cells = [(name, einspec.load(name, input=(3, 8, 8)), {}) for name in ("nasbench201", "darts")]
    known = list(baselines())
    at_random = [
        (name, make(10**9, seed=seed))
        for name, make in (
            ("random", random_graphs), ("turned", turned_graphs), ("rearranged", rearranged_graphs),
            ("blocks", block_graphs), ("pairs", pair_graphs),
        )
    ]  # fmt: skip
    for turn in numbers():
        for name, space, limits in spaces if turn % 50 else [*spaces, *cells]:
            where = is_wired if name == "wired" else is_small
            yield name, lower(space.sample(rng=rng, where=where, **limits))
        for name, graphs in at_random:
            yield name, next(graphs)
        if turn % 50 == 0:
            arch = known[turn // 50 % len(known)]
            mutant = arch.space.mutate(arch, rng=rng)
            if is_small(mutant) and mutant.params < 20_000_000 and mutant.macs < 200_000_000:
                yield "mutants", lower(mutant)


def check(graph: Graph, rng: random.Random, trace: list[Fired]) -> list[str]:
    """What does not hold of a graph."""
    flat = written_out(graph)
    form = identity_form(simplify(flat, trace=trace), trace=trace)
    found = []
    try:
        assert_equal_functions(flat, form)
    except AssertionError:
        found.append("computes something else")
    digest = canonical_digest(form)
    for _ in range(2):
        if canonical_digest(identity_form(simplify(flat, rng=rng), rng=rng)) != digest:
            found.append("has another form in another order of the rules")
            break
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    wanted, start = (int(text) for text in (*sys.argv[1:], "30000", "0")[:2]) if len(sys.argv) > 1 else (30_000, 0)
    rng, trace, kinds, wrong = random.Random(start), [], Counter(), Counter()
    fired: Counter[str] = Counter()
    begun = time.monotonic()
    for (kind, graph), _ in zip(architectures(start), range(wanted), strict=False):
        kinds[kind] += 1
        for message in check(graph, rng, trace):
            wrong[kind, message] += 1
            print(f"{kind} {message}:\n{format_graph(graph)}", flush=True)
        fired.update(step.rule for step in trace)
        trace.clear()
    print(f"{wanted:,} graphs in {time.monotonic() - begun:.0f} s: {dict(kinds)}")
    print(f"rules: {dict(fired.most_common())}")
    print(f"not agreeing: {dict(wrong)}")
