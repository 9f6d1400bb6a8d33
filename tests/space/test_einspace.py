"""einspace against an implementation of its type rules that shares no code with ours."""

from __future__ import annotations

import itertools
import math
import random
import re

import pytest

import einspec
from einspec import ShapeError
from tests.baselines import resnet18
from tests.helpers import bundled, frequencies
from tests.space import reference_einspace as reference

INPUTS = [(3, 32, 32), (1, 28, 28), (3, 64, 64), (64, 48)]


def reference_output(text: str, axes: tuple[int, ...]) -> list[tuple[int, ...]] | None:
    return reference.output(reference.read(text), [(axis,) for axis in axes])


@pytest.mark.parametrize("axes", INPUTS)
def test_outputs_agree_on_samples(axes: tuple[int, ...]) -> None:
    space = einspec.load("einspace", input=axes)
    for arch in space.samples(2_000, rng=11):
        assert [axis.parts for axis in arch.output.axes] == reference_output(str(arch), axes)


def leaves(axes: tuple[int, ...]) -> dict[str, list[str]]:
    """All words of the sampled productions, whether they apply or not."""
    splits = [f"group({n},{a})" for n in (2, 4, 8) for a in (1, 2, 3)] + [f"clone({n})" for n in (2, 4, 8)]
    windows = ("1,1,0", "1,2,0", "3,1,1", "3,2,1", "4,4,0", "8,8,0", "16,16,0")
    permutes = [f"permute({order})" for order in ("21", "132", "213", "231", "312", "321")]
    return {
        "M": ["identity", *(f"linear({2**i})" for i in range(4, 12)), "norm", "relu", "softmax", "pos"],
        "P": ["identity", *permutes, *(f"im2col({window})" for window in windows)],
        "R": ["identity", *permutes, "col2im"],
        "2": [word for word in splits if "(2" in word],
        "n": [word for word in splits if "(2" not in word],
        "A": ["dot", "scaled_dot", "add", "cat(1)", "cat(2)", "cat(3)"],
    }


def test_depth_2_is_enumerated_whole() -> None:
    words = leaves((3, 32, 32))
    candidates = [
        *(f"seq({a}, {b})" for a, b in itertools.product(words["M"], repeat=2)),
        *(f"route({p}, {m}, {r})" for p, m, r in itertools.product(words["P"], words["M"], words["R"])),
        *(
            f"branch({s}, {a}, {b}, {m})"
            for s, a, b, m in itertools.product(words["2"], words["M"], words["M"], words["A"])
        ),
        *(f"replicate({s}, {m}, {a})" for s, m, a in itertools.product(words["n"], words["M"], words["A"])),
    ]
    valid = {text for text in candidates if reference_output(text, (3, 32, 32)) is not None}
    found = [str(arch) for arch in bundled("einspace").enumerate(max_depth=2)]
    assert len(found) == len(set(found)) == 2_324
    assert set(found) == valid
    by_root = frequencies(text.split("(")[0] for text in found)
    assert by_root == {"seq": 169, "route": 741, "branch": 1_102, "replicate": 312}


@pytest.mark.parametrize("axes", [(1, 6, 6), (4, 3), (2, 2, 8)])
def test_random_terms_are_accepted_by_both_or_neither(axes: tuple[int, ...]) -> None:
    """Terms drawn without looking at types, so that most of them are wrong somewhere."""
    space = einspec.load("einspace", input=axes)
    words = leaves(axes)
    rng = random.Random(5)

    def module(depth: int) -> str:
        kind = rng.randrange(7) if depth else 6
        if kind < 2:
            return f"seq({module(depth - 1)}, {module(depth - 1)})"
        if kind == 2:
            return f"route({rng.choice(words['P'])}, {module(depth - 1)}, {rng.choice(words['R'])})"
        if kind == 3:
            inner = f"{module(depth - 1)}, {module(depth - 1)}"
            return f"branch({rng.choice(words['2'])}, {inner}, {rng.choice(words['A'])})"
        if kind == 4:
            return f"replicate({rng.choice(words['n'])}, {module(depth - 1)}, {rng.choice(words['A'])})"
        return rng.choice(words["M"])

    accepted = 0
    for _ in range(1_500):
        text = f"seq({module(2)}, {module(2)})"
        expected = reference_output(text, axes)
        try:
            arch = space.parse(text)
        except ShapeError:
            assert expected is None, text
            continue
        accepted += 1
        assert [axis.parts for axis in arch.output.axes] == expected
    assert 150 < accepted < 1_350


def test_probabilities_of_depth_2_by_hand() -> None:
    space = bundled("einspace")
    third, p = 1 / 3, 0.32
    by_hand = {
        "seq(relu, norm)": third * (p / 13) ** 2,
        # At an image all windows apply, and of the permutations the five of three axes: 1 + 5 + 7 members.
        "route(permute(213), relu, permute(213))": third * (1 / 13) * (p / 13) * (1 / 6),
        # Of R at patches, identity, one permutation and col2im apply.
        "route(im2col(4,4,0), relu, col2im)": third * (1 / 13) * (p / 13) * (1 / 3),
        # clone or group along 2 or 3, as 2 does not divide 3 channels; dot, scaled_dot, add and three cats apply.
        "branch(clone(2), relu, norm, add)": third * third * (1 / 3) * (p / 13) ** 2 * (1 / 6),
        # 4 or 8 copies: two clones, groups along 2 and 3; of merges only add and the cats.
        "replicate(clone(4), relu, add)": third * (2 / 3) * (1 / 6) * (p / 13) * (1 / 4),
    }
    for text, probability in by_hand.items():
        assert math.exp(space.parse(text).log_prob) == pytest.approx(probability, rel=1e-12), text


def test_parse_only_words_have_no_probability() -> None:
    space = bundled("einspace")
    for text in ("seq(maxpool(3,2,1), relu)", "seq(relu, linear_x(4))", "route(im2col(7,2,3), relu, col2im)"):
        arch = space.parse(text)
        assert arch.log_prob == -math.inf
        assert space.from_choices(arch.choices) == arch
        assert space.from_json(arch.to_json()) == arch


WRONG = {"col2im": "permute(213)", "im2col": "permute(21)"}


def test_replacing_an_op_of_resnet18_names_op_place_and_types() -> None:
    space = bundled("einspace")
    text = resnet18()
    rng = random.Random(3)
    words = [match.span() for match in re.finditer(r"linear\(\d+\)|norm|relu|col2im|im2col\([^)]*\)", text)]
    wrong = 0
    for start, end in rng.sample(words, 40):
        kind = text[start:end]
        other = WRONG.get(kind.split("(")[0], "linear(7)")
        changed = text[:start] + other + text[end:]
        message = refusal(space, changed)
        if other == "linear(7)":
            assert message.startswith(f"<architecture>:1:{start + 8}: found '7'")
        else:
            place = f"<architecture>:1:{start + 1}: {re.escape(other)}"
            assert re.match(place + r" does not accept \([\d(), and]*\): \S", message), message
            wrong += 1
    assert wrong > 5


def refusal(space: einspec.Space, text: str) -> str:
    with pytest.raises((ShapeError, einspec.ParseError)) as error:
        space.parse(text)
    return str(error.value)
