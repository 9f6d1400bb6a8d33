"""Fused = unfused = interpreted, over many architectures: ``python -m tests.compiler.agreement [COUNT] [SEED]``.

Without a count the acceptance size, 20,000 of all kinds. Prints how often each rule fired, and every architecture that
does not agree.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import torch

import einspec
from einspec.testing import ModuleError, check_modules
from tests.compiler.corpus import LIGHT, WIRED, baselines, is_small, is_wired, transpose, wired_space
from tests.compiler.helpers import EINSPACE_INPUTS

PICTURES = r"""
//% @override
//% def relu(x): return leaky_relu(x, 0.01)
//% def max_pool_3x3(x): return max_pool2d(x, 3, 1, 1)
//% def avg_pool_3x3(x): return avg_pool2d(x, 3, 1, 1, count_include_pad=False)
start: m
m: "s" "(" m "," m ")"                    -> seq        //% 4/40
 | "h" "(" "clone" "(" TWO ")" "," m "," m "," j ")" -> fork //% 3/40
 | "r" "(" s "," m "," j ")"              -> replicate  //% 9/40
 | "e" "(" m ")"                          -> thrice_each //% 1/40
 | "p" "(" w "," n "," c ")"              -> patches    //% 8/40
 | "conv" "(" C "," K ")"                 -> conv       //% 5/40
 | "norm"                                 -> norm       //% 3/40
 | "relu"                                 -> relu       //% 3/40
 | "i"                                    -> identity   //% 1/40
 | "max"                                  -> max_pool_3x3 //% 1/40
 | "avg"                                  -> avg_pool_3x3 //% 1/40
 | "pos"                                  -> pos        //% 1/40
n: "lin" "(" C ")" -> linear | "s" "(" n "," n ")" -> seq | "relu" -> relu
w: "im2col" "(" W ")" -> im2col
c: "col2im" -> col2im
s: "clone" "(" TWO ")" -> clone | "group" "(" TWO "," ONE ")" -> group
j: "add" -> add | "cat" "(" ONE ")" -> cat
W: "3,1,1" | "1,1,0" | "2,2,0" | "3,2,1"
TWO: "2"
ONE: "1"
C: "4" | "8"
K: "1" | "3"
%ignore " "
"""

HEADS = r"""
start: m
m: "s" "(" m "," m ")"                   -> seq         //% 6/40
 | "h" "(" "clone" "(" TWO ")" "," m "," m "," j ")" -> fork //% 4/40
 | "r" "(" s "," m "," j ")"             -> replicate   //% 8/40
 | "a" "(" d "," m "," m "," m ")"       -> attend      //% 10/40
 | "lin" "(" C ")"                       -> linear      //% 7/40
 | "relu"                                -> relu        //% 1/40
 | "soft"                                -> softmax     //% 1/40
 | "norm"                                -> norm        //% 1/40
 | "pos"                                 -> pos         //% 1/40
 | "i"                                   -> identity    //% 1/40
d: "dot" -> dot | "scaled" -> scaled_dot
s: "clone" "(" TWO ")" -> clone | "group" "(" TWO "," A ")" -> group
j: "add" -> add | "cat" "(" A ")" -> cat
TWO: "2"
A: "1" | "2"
C: "4" | "8"
%ignore " "
"""


@einspec.ops.combinator
def fork(x, n: int, left, right, merge):
    """Two branches."""
    return merge(left(x), right(x))


@einspec.ops.combinator
def patches(x, window, inner, image):
    """A convolution, or more than one in a row, over patches."""
    return image(inner(window(x)))


@einspec.ops.combinator
def conv(x, width: int, kernel: int):
    """A convolution that keeps the size."""
    return einspec.ops.library_ops()["conv2d"](x, width, kernel, 1, kernel // 2, bias=False)


@einspec.ops.combinator
def attend(x, product, q, k, v):
    """softmax(q k^T) v, the product scaled or not."""
    ops = einspec.ops.library_ops()
    weights = ops["softmax"](product(q(x), ops["permute"](k(x), "21")))
    return ops["dot"](weights, v(x))


OWN = [*WIRED, transpose, fork, patches, conv, attend]


def einspace(sizes: tuple[int, ...], seed: int) -> Iterator[einspec.Architecture]:
    """Samples whose tensors cost little."""
    space = einspec.load("einspace", input=sizes)
    yield from space.samples(10**9, rng=seed, where=is_small, **LIGHT)


def own(grammar: str, sizes: tuple[int, ...], seed: int) -> Iterator[einspec.Architecture]:
    """Samples of a small space that is rich in what rules look for."""
    space = einspec.loads(grammar, input=sizes, ops=OWN)
    yield from space.samples(10**9, rng=seed, where=is_small, nodes=(7, 40), max_macs=2_000_000)


def mutants(seed: int) -> Iterator[einspec.Architecture]:
    """The baselines, then mutants of them, the more often mutated the later."""
    known = list(baselines())
    yield from known
    rng = random.Random(seed)
    while True:
        index = rng.randrange(len(known))
        arch = known[index]
        child = arch.space.mutate(arch, rng=rng.randrange(2**32))
        if is_small(child) and child.params < 12_000_000 and child.macs < 120_000_000:
            known[index] = child
            yield child


def cells(name: str, seed: int) -> Iterator[einspec.Architecture]:
    """Samples of a cell space at small images."""
    yield from einspec.load(name, input=(3, 8, 8)).samples(10**9, rng=seed)


def wired(seed: int) -> Iterator[einspec.Architecture]:
    """Random wirings of few ops, with ties, copies and zeros."""
    yield from wired_space().samples(10**9, rng=seed, where=is_wired, max_nodes=60)


SHARES = {
    **{f"einspace {sizes}": (2, lambda seed, sizes=sizes: einspace(sizes, seed)) for sizes in EINSPACE_INPUTS},
    "einspace (8, 16)": (2, lambda seed: einspace((8, 16), seed)),
    "einspace (4, 6, 6)": (2, lambda seed: einspace((4, 6, 6), seed)),
    "mutants": (0.3, mutants),
    "nasbench201": (0.5, lambda seed: cells("nasbench201", seed)),
    "darts": (0.05, lambda seed: cells("darts", seed)),
    "wired": (4, wired),
    "pictures": (5, lambda seed: own(PICTURES, (4, 8, 8), seed)),
    "heads": (4, lambda seed: own(HEADS, (4, 8), seed)),
}
"""How many of each kind, as parts of the whole."""


def corpus(count: int, seed: int) -> Iterator[tuple[str, einspec.Architecture]]:
    """So many architectures or a few more, of all kinds."""
    whole = sum(share for share, _ in SHARES.values())
    for name, (share, drawn) in SHARES.items():
        for arch in islice(drawn(seed), math.ceil(count * share / whole)):
            yield name, arch


def main(count: int, seed: int) -> int:
    """Checks so many, prints what was found, and returns how many do not agree."""
    torch.set_num_threads(1)
    fired: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    failures = 0
    start = time.perf_counter()
    for name, arch in corpus(count, seed):
        kinds[name] += 1
        try:
            fired += check_modules(arch, seed=seed)
        except ModuleError as error:
            failures += 1
            print(f"{name}: {error}", flush=True)
    print(f"{kinds.total():,} architectures, {failures} do not agree, {time.perf_counter() - start:.0f} s")
    for counts in (kinds, fired):
        print(", ".join(f"{name} {number:,}" for name, number in sorted(counts.items())))
    return failures


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    sys.exit(bool(main(*(numbers + [20_000, 0][len(numbers) :]))))
