"""Rearrangements and reductions that follow one another are one, however they are spelled; products in einops' notation
are matrix products, and attention by hand is attention.
"""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import einspec
from einspec.compiler.graph.lower import lower
from einspec.compiler.graph.text import parse_graph
from einspec.compiler.graph.verify import verify
from einspec.compiler.identity.key import graph_key
from einspec.compiler.pipeline import built
from einspec.compiler.simplify.simplify import simplify
from einspec.types import Type


def arch_of(body: str, kind: str, inputs: int = 1) -> einspec.Architecture:
    names = ", ".join("xyz"[:inputs])
    head = f"//% input {kind}\n" if inputs == 1 else f"//% input {kind}\n//% @combinator(inputs={inputs})\n"
    lines = "".join(f"//%     {line}\n" for line in body.strip().split("\n"))
    return einspec.loads(f'{head}//% def whole({names}):\n{lines}start: "w" -> whole').parse("w")


def agrees(arch: einspec.Architecture, *xs: torch.Tensor) -> torch.Tensor:
    model = einspec.compile(arch, seed=0).eval()
    found = model(*xs)
    torch.testing.assert_close(found, einspec.interpret(arch, model, *xs))
    return found


def names_of(arch: einspec.Architecture) -> list[str]:
    return [node.op.name for node in arch.graph.nodes]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('rearrange(rearrange(x, "(g c) h w -> (c g) h w", g=2), "(c g) h w -> (g c) h w", g=2)', []),
        ('rearrange(rearrange(x, "(g c) h w -> (c g) h w", g=2), "(g c) h w -> (c g) h w", g=2)', []),
        ('rearrange(rearrange(x, "c (h a) (w b) -> (c a b) h w", a=2, b=3), "(c a b) h w -> c (h a) (w b)", a=2, b=3)', []),
        ('rearrange(rearrange(x, "c (y h) (x w) -> (y x) (h w) c", h=3, w=2), "(y x) (h w) c -> c (y h) (x w)", y=2, h=3)', []),
        ('rearrange(x, "c h w -> h c w")', ["permute"]),
        ('rearrange(rearrange(x, "c h w -> (c h) w"), "(c h) w -> w h c", c=4, layout="image")', ["permute"]),
        ('rearrange(permute(x, "231"), "h w c -> c h w")', []),
        ('permute(rearrange(x, "c h w -> h w c"), "312")', []),
        ('rearrange(x, "c h w -> (c h w)")', ["flatten"]),
        ('flatten(rearrange(x, "c h w -> (c h) w"))', ["flatten"]),
        ('rearrange(flatten(x), "(c h w) -> c h w", h=6, w=6)', []),
        ('rearrange(rearrange(x, "c h w -> c 1 h w"), "c 1 h w -> c h w")', []),
        ('rearrange(rearrange(x, "c h w -> c (h w)"), "(a b) n -> a b n", a=2)', ["rearrange"]),
        ('rearrange(flatten(x), "(a b) -> a b", a=9)', ["flatten", "rearrange"]),
        ('flatten(rearrange(flatten(x), "(a b) -> a b", a=9))', ["flatten"]),
        ('rearrange(reduce(x, "c h w -> c h", "max"), "c h -> (h c)")', ["reduce"]),
        ('reduce(permute(reduce(x, "c h w -> c h", "max"), "21"), "h c -> c", "max")', ["reduce"]),
        ('reduce(reduce(x, "c h w -> c h", "sum"), "c h -> c", "sum")', ["reduce"]),
        ('reduce(reduce(x, "c h w -> c h", "sum"), "c h -> c", "max")', ["reduce", "reduce"]),
        ('reduce(x, "c h w -> c h w", "max")', []),
        ('reduce(zeros_like(x), "c h w -> c", "max")', ["zeros"]),
        ('rearrange(gelu(permute(x, "213")), "h c w -> c h w")', ["gelu"]),
        ('rearrange(add(permute(x, "213"), rearrange(x, "c h w -> h c w")), "h c w -> c h w")', ["times"]),
        ('einsum(x, pattern="c h w -> w c h")', ["permute"]),
        ('einsum(x, pattern="c h w -> w")', ["reduce"]),
    ],
    ids=lambda value: None if isinstance(value, list) else value,
)  # fmt: skip
def test_what_becomes_of_them(body, expected):
    arch = arch_of(f"return {body}", "4,6,6")
    assert names_of(arch) == expected
    agrees(arch, torch.randn(2, 4, 6, 6))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('rearrange(x, "(g c) h w -> (c g) h w", g=2)', 'rearrange(x, "(a b) y z -> (b a) y z", b=2)'),
        ('rearrange(x, "c h w -> h w c")', 'permute(x, "231")'),
        ('reduce(x, "c h w -> c", "mean")', 'reduce(reduce(x, "a b c -> b a"), "b a -> a")'),
        ('einsum(x, x, pattern="c h w, c h v -> c w v")', 'einsum(x, x, pattern="a b d, a b e -> a d e")'),
        ('einsum(x, x, pattern="c h w, k h w -> c k")', 'dot(rearrange(x, "c h w -> c (h w)"), rearrange(x, "k h w -> (h w) k"))'),
    ],
)  # fmt: skip
def test_one_key(one, other):
    assert arch_of(f"return {one}", "4,6,6").key == arch_of(f"return {other}", "4,6,6").key


def test_layouts_stay():
    """What reads it may ask for the channels of an image, so that a layout of its own is an op."""
    arch = arch_of('return rearrange(x, "c h w -> c h w", layout="tensor")', "4,6,6")
    assert names_of(arch) == ["rearrange"]
    arch = arch_of('return batch_norm(rearrange(rearrange(x, "c h w -> c h w", layout="tensor"), "c h w -> c h w", layout="image"))', "4,6,6")  # fmt: skip
    assert names_of(arch) == ["batch_norm"]


@st.composite
def chains(draw):
    """A type, and rearrangements of it as texts with their sizes; every axis is split as it can be."""
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 4, 6, 8]), min_size=1, max_size=3))
    kind = Type(sizes)
    steps = []
    current = list(sizes)
    for _ in range(draw(st.integers(1, 4))):
        text, told, current = draw(steps_from(current))
        steps.append((text, told))
    return kind, steps


@st.composite
def steps_from(draw, sizes):
    """A pattern at some sizes, the sizes that it needs, and those that come out."""
    names, left, known = iter("abcdefghijklmnop"), [], {}
    for size in sizes:
        axis = []
        rest = size
        while rest > 1:
            factor = draw(st.sampled_from([n for n in range(2, rest + 1) if rest % n == 0]))
            axis.append(next(names))
            known[axis[-1]] = factor
            rest //= factor
        left.append(axis)
    order = draw(st.permutations(sorted(known)))
    right: list[list[str]] = []
    for name in order:
        if right and draw(st.booleans()):
            right[-1].append(name)
        else:
            right.append([name])
    for _ in range(draw(st.integers(0, 1)) or int(not right)):
        right.insert(draw(st.integers(0, len(right))), [])

    def side(axes):
        return " ".join({0: "1", 1: axis[0] if axis else ""}.get(len(axis), f"({' '.join(axis)})") for axis in axes)

    told = {name: known[name] for axis in left for name in axis if len(axis) > 1}
    return f"{side(left)} -> {side(right)}", told, [math.prod(known[name] for name in axis) for axis in right]


def expression(steps) -> str:
    text = "x"
    for pattern, told in steps:
        sizes = "".join(f", {name}={size}" for name, size in told.items())
        text = f'rearrange({text}, "{pattern}"{sizes}, layout="{ {1: "vector", 2: "matrix"}.get(rank_of(pattern), "tensor") }")'
    return text


def rank_of(pattern: str) -> int:
    import re

    return len(re.findall(r"\([^()]*\)|\w+", pattern.split("->")[1]))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(chain=chains(), seed=st.integers(0, 1000))
def test_chains_compute_the_same_in_any_order_of_rules(chain, seed):
    kind, steps = chain
    arch = arch_of(f"return {expression(steps)}", str(kind).strip("()"))
    x = torch.arange(2.0 * kind.elements).view(2, *kind.sizes)
    found = agrees(arch, x)
    assert tuple(found.shape[1:]) == arch.output.sizes
    assert len(arch.graph.nodes) <= len(steps) + 1
    other = simplify(lower(arch), rng=random.Random(seed))
    verify(other)
    assert graph_key(other) == graph_key(arch.graph)


def test_equal_functions_have_equal_keys():
    """Of chains that come to one op, those that compute the same are one."""
    found: dict[object, set[str]] = {}
    rng = random.Random(0)
    patterns = [
        ("(a b) c -> (b a) c", "b=2"), ("(a b) c -> a (c b)", "b=2"), ("a b -> b a", ""), ("a (b c) -> (a c) b", "c=2"),
        ("a (b c) -> (a b) c", "c=3"), ("(a b) c -> a (b c)", "a=2"), ("(a b) (c d) -> (c a) (b d)", "a=2, d=2"),
    ]  # fmt: skip
    for _ in range(400):
        text = "x"
        for pattern, sizes in rng.choices(patterns, k=rng.randint(1, 4)):
            text = f'rearrange({text}, "{pattern}"{", " + sizes if sizes else ""})'
        try:
            arch = arch_of(f"return {text}", "4,12")
        except einspec.EinspecError:
            continue
        if len(arch.graph.nodes) <= 1:
            x = torch.arange(48.0).view(1, 4, 12)
            made = einspec.compile(arch)(x)
            found.setdefault((tuple(made.shape), tuple(made.flatten().tolist())), set()).add(arch.key)
    assert len(found) > 40
    assert all(len(keys) == 1 for keys in found.values())


ATTENTION = """
q, k, v = [rearrange(linear(x, x.d), "l (h e) -> h l e", h=4) for _ in range(3)]
SCORES
y = einsum(softmax(scores), v, pattern="h l m, h m e -> h l e")
return linear(rearrange(y, "h l e -> l (h e)"), x.d)
"""
SCORES = {
    "scaled after": 'scores = scale_by(einsum(q, k, pattern="h l e, h m e -> h l m"), 0.5)',
    "scaled before": 'scores = einsum(scale_by(q, 4 ** -0.5), k, pattern="h l e, h m e -> h l m")',
    "keys scaled": 'scores = einsum(q, scale_by(k, 0.5), pattern="h l e, h m e -> h l m")',
    "other letters": 'scores = scale_by(einsum(k, q, pattern="a j b, a i b -> a i j"), 0.5)',
    "products": 'scores = scaled_dot(q, permute(k, "132"))',
    "not scaled": 'scores = einsum(q, k, pattern="h l e, h m e -> h l m")',
}


@pytest.mark.parametrize("name", SCORES)
def test_attention_by_hand_is_attention(name):
    arch = arch_of(ATTENTION.replace("SCORES", SCORES[name]), "7,16")
    assert [node.op.name for node in built(arch.graph).nodes].count("attention") == 1
    x = torch.randn(2, 7, 16)
    agrees(arch, x)
    for free in (("s",), True):
        model = einspec.compile(arch, free=free, seed=0).eval()
        at_size = arch_of(ATTENTION.replace("SCORES", SCORES[name]), "11,16")
        y = torch.randn(2, 11, 16)
        torch.testing.assert_close(model(y), einspec.compile(at_size, seed=0).eval()(y))


def test_attention_of_another_scale_is_left():
    scores = 'scores = scale_by(einsum(q, k, pattern="h l e, h m e -> h l m"), 0.25)'
    arch = arch_of(ATTENTION.replace("SCORES", scores), "7,16")
    assert "attention" not in [node.op.name for node in built(arch.graph).nodes]
    agrees(arch, torch.randn(2, 7, 16))


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("l e, m e -> l m", ((5, 4), (6, 4))),
        ("l e, m e -> m l", ((5, 4), (6, 4))),
        ("h l e, h m e -> h l m", ((2, 5, 4), (2, 6, 4))),
        ("b l e, e f g -> b l f g", ((2, 5, 4), (4, 3, 2))),
        ("a b c d, b d e -> a c e", ((2, 3, 4, 5), (3, 5, 2))),
        ("e, e -> e", ((4,), (4,))),
        ("l d, d -> l", ((5, 4), (4,))),
        ("a e, b -> a b", ((5, 4), (3,))),
        ("a, b -> b a", ((5,), (3,))),
        ("a e b, e -> b a", ((5, 1, 2), (1,))),
    ],
)
def test_products(pattern, kinds):
    text = "; ".join(f"{name}={','.join(map(str, sizes))}" for name, sizes in zip("xy", kinds, strict=True))
    arch = arch_of(f'return einsum(x, y, pattern="{pattern}")', text, inputs=2)
    xs = [torch.randn(3, *sizes) for sizes in kinds]
    found = agrees(arch, *xs)
    letters = {name: name for name in pattern if name.isalpha()}
    left, right = pattern.split("->")
    equation = ",".join("z" + "".join(c for c in part if c in letters) for part in left.split(",")) + "->z"
    torch.testing.assert_close(found, torch.einsum(equation + "".join(c for c in right if c in letters), *xs))
    assert arch.macs == sum(node.op.macs(node.input_types, node.args, {}) for node in lower(arch).nodes)


def test_free_axes_keep_the_spelling():
    """The outer parts of an axis are given, so that the windows grow with the image."""
    body = 'return rearrange(gelu(rearrange(x, "c (y h) (x w) -> (y x) c h w", y=2, x=2)), "(y x) c h w -> y x c h w", y=2)'
    arch = arch_of(body, "3,8,8")
    model = einspec.compile(arch, free=("h", "w"), seed=0)
    x = torch.randn(1, 3, 12, 16)
    torch.testing.assert_close(model(x), einspec.compile(arch_of(body, "3,12,16"), seed=0)(x))


def test_what_is_pointwise_may_be_a_long_chain():
    """Of thousands of ops between the moves and what passes them."""
    text = "graph (2, 3, 4) -> %3001\n  %0 = permute('213') %in : (3, 2, 4)\n"
    text += "".join(f"  %{i} = gelu('none') %{i - 1} : (3, 2, 4)\n" for i in range(1, 3001))
    text += "  %3001 = softmax %3000 : (3, 2, 4)"
    found = simplify(parse_graph(text))
    assert found.nodes[-1].op.name == "permute"
    assert found.nodes[0].op.name == "gelu"
