"""Keys: equal for texts that differ in nothing but spelling, different for everything else, stable everywhere.

``EINSPEC_SAMPLES`` multiplies the number of samples: see ``tests/compiler/helpers.py``.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys

import pytest

import einspec
from einspec.compiler.identity.form import identity_form
from tests.compiler.helpers import samples
from tests.compiler.ops import parse

MODULES = {"seq": (0, 1), "branch": (1, 2), "replicate": (1,), "route": (1,)}
"""Which children of einspace's combinators may be any module."""


INNER = "replicate(clone(%d), pos, add)"
PAIR = f"branch(clone(2), {INNER % 8}, {INNER % 8}, add)"
BENT = "seq(replicate(clone(%d), pos, add), softmax)"


def einspace(text: str, sizes=(16, 16)) -> einspec.Architecture:
    return einspec.load("einspace", input=sizes).parse(text)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("seq(relu, seq(norm, softmax))", "seq(seq(relu, norm), softmax)"),
        ("seq(relu, norm)", "seq(identity, seq(relu, seq(identity, norm)))"),
        ("seq(relu, norm)", "seq(route(identity, relu, identity), norm)"),
        ("seq(identity, identity)", "route(identity, seq(identity, identity), identity)"),
        ("seq(seq(relu, norm), softmax)", "seq(relu, route(identity, seq(norm, softmax), identity))"),
        (
            "branch(clone(2), identity, relu, add)",
            "branch(clone(2), seq(identity, identity), seq(relu, identity), add)",
        ),
        ("replicate(clone(4), seq(relu, identity), add)", "replicate(clone(4), relu, add)"),
        ("replicate(clone(4), seq(identity, identity), add)", "replicate(clone(4), identity, add)"),
        ("seq(linear_x(4), relu)", "seq(linear(64), relu)"),
        ("seq(linear(64), linear_div(4))", "seq(linear_x(4), linear(16))"),
        ("route(permute(21), relu, identity)", "route(identity, relu, permute(21))"),
        ("route(permute(21), seq(relu, relu), permute(21))", "seq(relu, relu)"),
        (f"replicate(clone(4), {INNER % 8}, add)", f"replicate(clone(8), {INNER % 4}, add)"),
        (f"replicate(clone(4), {INNER % 8}, add)", f"branch(clone(2), {PAIR}, {PAIR}, add)"),
        ("branch(clone(2), relu, softmax, add)", "branch(clone(2), softmax, relu, add)"),
        ("branch(group(2,1), identity, identity, cat(1))", "seq(identity, identity)"),
        ("branch(clone(2), softmax, softmax, add)", "seq(softmax, branch(clone(2), identity, identity, add))"),
    ],
)
def test_spelling_does_not_matter(text, other):
    assert einspace(text) != einspace(other)
    assert einspace(text).key == einspace(other).key


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("seq(relu, norm)", "seq(norm, relu)"),
        ("seq(linear(16), relu)", "seq(linear(32), relu)"),
        ("seq(relu, relu)", "seq(relu, identity)"),
        ("branch(clone(2), relu, softmax, dot)", "branch(clone(2), softmax, relu, dot)"),
        ("branch(clone(2), relu, softmax, dot)", "branch(clone(2), relu, softmax, scaled_dot)"),
        ("branch(clone(2), relu, softmax, cat(1))", "branch(clone(2), softmax, relu, cat(1))"),
        ("branch(clone(2), relu, softmax, cat(1))", "branch(clone(2), relu, softmax, cat(2))"),
        ("branch(group(2,1), relu, softmax, cat(1))", "branch(group(2,1), softmax, relu, cat(1))"),
        ("branch(group(2,1), relu, norm, cat(1))", "branch(group(2,2), relu, norm, cat(1))"),
        ("branch(clone(2), linear(16), linear(16), add)", "branch(clone(2), linear(16), identity, add)"),
        ("replicate(clone(4), linear(16), add)", "replicate(clone(8), linear(16), add)"),
        ("replicate(clone(4), linear(16), add)", "replicate(group(4,1), linear(16), add)"),
        (f"replicate(clone(4), {BENT % 8}, add)", f"replicate(clone(8), {BENT % 4}, add)"),
        (f"replicate(clone(4), {INNER % 8}, cat(1))", f"replicate(clone(8), {INNER % 4}, cat(1))"),
        ("route(permute(21), softmax, identity)", "route(identity, softmax, permute(21))"),
        ("route(permute(21), pos, identity)", "route(identity, pos, permute(21))"),
        ("route(permute(21), relu, identity)", "route(permute(21), relu, permute(21))"),
    ],
)
def test_what_differs(text, other):
    assert einspace(text).key != einspace(other).key


def test_input_types_are_part_of_it():
    text = "seq(linear(16), relu)"
    assert len({einspace(text, sizes).key for sizes in [(16, 16), (16, 8), (8, 16), (3, 16, 16), ((4, 4), 16)]}) == 5


def test_one_weight_or_two():
    """f(x) + g(x) is not 2 f(x)."""
    two = parse("branch(clone(2), linear(16), linear(16), add)")
    shared = parse("bind_tied(linear(16), branch(clone(2), use, use, add))")
    own = parse("bind(linear(16), branch(clone(2), use, use, add))")
    assert two.key == own.key != shared.key


def test_where_the_sharing_is():
    """Three calls, two of them tied: which two matters."""
    texts = [
        f"bind_tied(linear(16), seq({a}, seq({b}, {c})))"
        for a, b, c in [("use", "use", "linear(16)"), ("use", "linear(16)", "use"), ("linear(16)", "use", "use")]
    ]
    assert len({parse(text).key for text in texts}) == 3


def respelled(node: einspec.Derivation, rng: random.Random) -> str:
    """The text of a derivation of einspace with identities strewn in, and sequences nested the other way."""
    name, args = node.op_name, ",".join(map(str, node.args))
    children = [respelled(child, rng) for child in node.children]
    for index in MODULES.get(name, ()):
        kind = rng.randrange(4)
        if kind == 0:
            children[index] = f"seq(identity, {children[index]})"
        elif kind == 1:
            children[index] = f"seq({children[index]}, identity)"
        elif kind == 2:
            children[index] = f"route(identity, {children[index]}, identity)"
        elif name == "seq" and index == 1 and node.children[1].op_name == "seq":
            _, middle, last = (children[0], *split_seq(children[1]))
            children = [f"seq({children[0]}, {middle})", last]
    inside = f"({args})" if args else f"({', '.join(children)})" if children else ""
    return name + inside


def split_seq(text: str) -> tuple[str, str]:
    """The two parts of ``seq(a, b)``."""
    depth = 0
    for index, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 1:
            return text[4:index], text[index + 2 : -1]
    raise AssertionError(text)


def test_respelled_samples_have_equal_keys():
    rng = random.Random(1)
    space = einspec.load("einspace", input=(3, 32, 32))
    for arch in space.samples(samples(100), rng=1, max_nodes=200, max_depth=40):
        other = space.parse(respelled(arch.derivation, rng))
        assert other.key == arch.key
        assert (other.params, other.macs, other.output) == (arch.params, arch.macs, arch.output)


def test_equal_keys_mean_equal_graphs():
    """Samples of one key compute one family: same output, same costs, same form of identity."""
    space = einspec.load("einspace", input=(8, 16))
    by_key: dict[str, einspec.Architecture] = {}
    merged = 0
    for arch in space.samples(samples(3000), rng=2, max_nodes=30):
        other = by_key.setdefault(arch.key, arch)
        merged += other != arch
        assert (arch.output, arch.params, arch.macs) == (other.output, other.params, other.macs)
        assert sorted(ops(arch)) == sorted(ops(other))
    assert merged > 10, "the test says nothing where no two samples have one key"


def ops(arch: einspec.Architecture) -> list[str]:
    return [node.text() for node in identity_form(arch.graph, most=None).nodes]


def test_form():
    assert re.fullmatch(r"2:[0-9a-f]{32}", einspace("seq(relu, norm)").key)


SCRIPT = """
import hashlib, sys, einspec
for name, sizes in [("einspace", (3, 32, 32)), ("nasbench201", None), ("darts", (3, 8, 8)), ("mlp", None)]:
    space = einspec.load(name, input=sizes)
    for arch in space.samples(3, rng=11, max_nodes=100):
        print(arch.key, arch.params, arch.macs, str(arch)[:60])
assert "torch" not in sys.modules, "a key needs no torch"
arch = einspec.load("einspace", input=(8, 16)).parse("seq(pos, replicate(clone(4), linear(16), add))")
for name, value in einspec.compile(arch, head=2, seed=5).state_dict().items():
    print(name, hashlib.sha256(value.numpy().tobytes()).hexdigest())
"""


def test_processes_agree():
    """Keys, names and weights depend on neither the process nor its hash seed."""
    outputs = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        outputs.append(run.stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") == 4 * 3 + 5
