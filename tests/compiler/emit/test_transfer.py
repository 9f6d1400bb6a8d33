"""Correspondence of slots, and weights carried from one module to another.

``EINSPEC_SAMPLES`` multiplies the number of pairs: 15 gives 1,000 of them.
"""

from __future__ import annotations

import copy
import pickle
import random
import re

import pytest
import torch
from torch import nn

import einspec
from einspec.compiler.emit.held import held
from einspec.compiler.emit.transfer import architecture_of
from einspec.compiler.graph.graph import Slot
from einspec.compiler.graph.lower import lower
from einspec.compiler.identity.correspondence import common_nodes
from einspec.compiler.identity.form import MOST_NODES
from einspec.ops import combinator, primitive
from tests.baselines import resnet18, vit
from tests.compiler.corpus import LIGHT, is_small, is_wired, wired_space
from tests.compiler.helpers import EINSPACE_INPUTS, as_tuple, assert_close, random_inputs, samples
from tests.compiler.identity.test_key import respelled
from tests.compiler.ops import parse


def assert_carries_over(a: einspec.Architecture, b: einspec.Architecture) -> None:
    """Two isomorphic architectures compute the same after a transfer, in train and in eval mode, and not before."""
    assert einspec.isomorphic(a, b)
    pairs = einspec.correspondence(a, b)
    assert set(pairs.values()) == set(einspec.correspondence(b, a))
    assert set(pairs) == set(einspec.correspondence(b, a).values())
    first, second = einspec.compile(a, seed=1).double(), einspec.compile(b, seed=2).double()
    inputs = random_inputs(a.space)
    with torch.no_grad():
        for parameter in first.parameters():  # norms begin with ones: nothing would show
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
        first.train()(*inputs)  # running statistics
    report = einspec.transfer(first, second)
    assert (report.reshaped, report.new, report.unused) == ((), (), ())
    for training in (False, True):
        found, expected = as_tuple(second.train(training)(*inputs)), as_tuple(first.train(training)(*inputs))
        for tensor, reference in zip(found, expected, strict=True):
            assert_close(tensor, reference)


@pytest.mark.parametrize("sizes", EINSPACE_INPUTS, ids=str)
def test_respelled_samples(sizes):
    rng = random.Random(1)
    space = einspec.load("einspace", input=sizes)
    for arch in space.samples(samples(10), rng=12, where=is_small, max_nodes=80, **LIGHT):
        assert_carries_over(arch, space.parse(respelled(arch.derivation, rng)))


def turned(node: einspec.Derivation, rng: random.Random) -> str:
    """A text of the wired space that says the same: sums in another order, loops instead of copies, transposes pushed."""
    name, args = node.op_name, ",".join(map(str, node.args))
    children = [turned(child, rng) for child in node.children]
    if name == "plus":
        rng.shuffle(children)
        return f"p({', '.join(children)})"
    if name == "branch" and node.children[0].op_name == "clone" and node.children[3].op_name == "add":
        return f"p({', '.join(rng.sample(children[1:3], 2))})"
    if name in ("thrice", "thrice_each"):
        return f"{rng.choice('le')}({children[0]})"
    if name == "seq" and rng.random() < 0.5:
        return f"s({children[0]}, s(i, {children[1]}))"
    if name == "relu" and rng.random() < 0.5:
        return "s(T, s(relu, T))"
    letters = {
        "seq": "s", "branch": "h", "replicate": "r", "thrice_tied": "t", "beside": "b", "nothing": "zero",
        "identity": "i", "transpose": "T", "softmax": "soft", "linear": "lin",
    }  # fmt: skip
    inside = f"({args})" if args else f"({', '.join(children)})" if children else ""
    return letters.get(name, name) + inside


def is_compared_written_out(arch: einspec.Architecture) -> bool:
    """Whether copies and loops of it are compared alike."""
    return is_wired(arch) and lower(arch).written_out <= MOST_NODES


def test_other_spellings_of_the_wired_space():
    rng = random.Random(2)
    space, differing = wired_space(), 0
    for arch in space.samples(samples(25), rng=13, where=is_compared_written_out, max_nodes=60):
        other = space.parse(turned(arch.derivation, rng))
        differing += other != arch
        assert_carries_over(arch, other)
    assert differing > samples(25) // 3


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("branch(clone(2), linear(16), pos, add)", "branch(clone(2), pos, linear(16), add)"),
        ("copies(linear(16))", "branch(clone(2), linear(16), branch(clone(2), linear(16), linear(16), add), add)"),
        ("copies(seq(linear(16), relu))", "bind(seq(linear(16), relu), copies(use))"),
        ("tied_twice(linear(16))", "bind_tied(linear(16), seq(use, use))"),
        ("tied_copies(copies(linear(16)))", "copies(tied_copies(linear(16)))"),
        ("replicate(clone(3), copies(pos), add)", "copies(replicate(clone(3), pos, add))"),
        ("tie_and_not(seq(linear(16), softmax))", "tie_and_not(seq(seq(identity, linear(16)), softmax))"),
    ],
)  # fmt: skip
def test_pairs_by_hand(text, other):
    assert_carries_over(parse(text), parse(other))
    assert_carries_over(parse(other), parse(text))


def test_a_correspondence_by_hand():
    a = parse("seq(linear(8), branch(clone(2), linear(16), seq(linear(16), relu), add))")
    b = parse("seq(seq(identity, linear(8)), branch(clone(2), seq(linear(16), relu), linear(16), add))")
    assert einspec.correspondence(a, b) == {
        Slot(1, "linear_1", ()): Slot(3, "linear_3", ()),
        Slot(4, "linear_4", ()): Slot(9, "linear_9", ()),
        Slot(6, "linear_6", ()): Slot(7, "linear_7", ()),
    }


def test_a_correspondence_of_copies():
    a, b = parse("copies(pos)"), parse("branch(clone(2), pos, branch(clone(2), pos, pos, add), add)")
    pairs = einspec.correspondence(a, b)
    assert set(pairs) == {Slot(1, "pos_1", (("copy3of", 1, index),)) for index in range(3)}
    assert {slot.number for slot in pairs.values()} == {2, 5, 6}


def test_what_is_not_isomorphic():
    a, b = parse("linear(16)"), parse("pos")
    assert not einspec.isomorphic(a, b)
    with pytest.raises(einspec.CompileError) as caught:
        einspec.correspondence(a, b)
    assert str(caught.value) == (
        f"the architectures are not isomorphic: their keys are {a.key} and {b.key}; transfer carries over what two of "
        "them share"
    )


def test_what_is_too_large_to_be_written_out():
    text = "pos"
    for _ in range(5):
        text = f"replicate(clone(8), seq({text}, relu), add)"
    arch = parse(text)
    assert arch.key.startswith("2:")
    with pytest.raises(einspec.CompileError) as caught:
        einspec.correspondence(arch, arch)
    assert str(caught.value) == (
        f"{arch.graph.written_out:,} nodes with every copy written out: slots correspond up to 4,096"
    )


# --- a part of two architectures ---


def mutated_at(a: einspec.Derivation, b: einspec.Derivation) -> tuple[int, int, int]:
    """Where two derivations part: the preorder number, and the sizes of the subtree before and after."""
    number = 0
    while (a.op_name, a.args, len(a.children)) == (b.op_name, b.args, len(b.children)):
        differing = [i for i, (x, y) in enumerate(zip(a.children, b.children, strict=True)) if x.ops() != y.ops()]
        if len(differing) != 1:
            break
        (index,) = differing
        number += 1 + sum(child.size for child in a.children[:index])
        a, b = a.children[index], b.children[index]
    return number, a.size, b.size


@pytest.mark.parametrize("text", [resnet18(), vit(2)], ids=["resnet18", "vit"])
def test_mutants_inherit_what_the_mutation_did_not_touch(text):
    """Outside of the subtree that was replaced, every layer of a shape that is left keeps its weights."""
    arch = einspec.load("einspace", input=(3, 32, 32)).parse(text)
    parent = einspec.compile(arch, head=10, seed=1)
    kept = 0
    for seed in range(samples(8)):
        other = arch.space.mutate(arch, rng=seed)
        if other.params > 30_000_000 or not is_small(other):
            continue
        start, before, after = mutated_at(arch.derivation, other.derivation)
        child = einspec.compile(other, head=10, seed=2)
        fresh = copy.deepcopy(child).state_dict()
        report = einspec.transfer(parent, child)
        ours, theirs = owners(child), owners(parent)
        state = child.state_dict()
        for name in theirs:
            number = int(re.search(r"(?<=_)\d+", name)[0]) if name != "head" else -1
            if start <= number < start + before:
                continue
            moved = name if number < start else name.replace(f"_{number}", f"_{number + after - before}", 1)
            if any(part.startswith("copies") for part in name.split(".")):
                continue  # names of copies hold two numbers: see test_copies_are_inherited
            if moved not in ours:
                continue  # simplified away: nothing reads it any more
            old, new = parent.get_submodule(name).state_dict(), child.get_submodule(moved).state_dict()
            fits = [value.shape for value in old.values()] == [fresh[f"{moved}.{key}"].shape for key in old]
            assert ((name, moved) in report.carried) == fits
            assert ((name, moved) in report.reshaped) == (not fits)
            if fits:
                kept += 1
                assert all(torch.equal(value, new[key]) for key, value in old.items())
        carried = {new for _, new in report.carried}
        for name in set(ours) - carried:
            if "[" in name:
                continue
            assert all(torch.equal(fresh[key], state[key]) for key in state if key.startswith(f"{name}."))
        assert carried | {new for _, new in report.reshaped} | set(report.new) == set(ours)
        assert {old for old, _ in report.carried + report.reshaped} | set(report.unused) == set(theirs)
        child(torch.zeros(2, 3, 32, 32))
    assert kept > samples(8) * 5


def owners(model: nn.Module) -> list[str]:
    """The modules that own weights, by copies where they are stacked; a head is one."""
    places = [str(place) for place in held(architecture_of(model).graph, model).values()]
    return sorted([*places, *(["head"] if hasattr(model, "head") else [])])


def test_copies_are_inherited():
    a, b = parse("seq(relu, copies(seq(linear(16), pos)))"), parse("copies(seq(linear(16), pos))")
    source, target = einspec.compile(a, seed=1), einspec.compile(b, seed=2)
    report = einspec.transfer(source, target)
    assert len(report.carried) == 6
    assert report.new == report.unused == ()
    for left, right in zip(source.parameters(), target.parameters(), strict=True):
        assert torch.equal(left, right)


def test_a_report():
    a = parse("seq(linear(16), seq(pos, seq(linear(8), norm)))")
    b = parse("seq(linear(16), seq(norm, seq(linear(32), seq(pos, norm))))")
    source, target = einspec.compile(a, head=3, seed=1), einspec.compile(b, head=3, seed=2)
    before = copy.deepcopy(target).state_dict()
    report = einspec.transfer(source, target)
    assert ("linear_1", "linear_1") in report.carried
    assert str(report) == (
        f"{len(report.carried)} carried over, {len(report.reshaped)} of another shape, {len(report.new)} new, "
        f"{len(report.unused)} unused"
    )
    assert torch.equal(source.linear_1.weight, target.linear_1.weight)
    assert "head" in {old for old, _ in report.reshaped}
    assert torch.equal(before["head.linear.weight"], target.head.linear.weight)


def test_equal_subtrees_that_have_moved():
    block = "seq(linear(16), seq(pos, softmax))"
    a, b = parse(f"seq({block}, seq(relu, norm))"), parse(f"seq(norm, seq(relu, {block}))")
    numbers = common_nodes(a.derivation, b.derivation)
    left, right = list(a.derivation.walk()), list(b.derivation.walk())
    assert all(left[i].op_name == right[j].op_name for i, j in numbers.items())
    assert len(set(numbers.values())) == len(numbers) == len(left)
    report = einspec.transfer(einspec.compile(a, seed=1), einspec.compile(b, seed=2))
    assert (report.reshaped, report.new, report.unused) == ((), (), ())


def test_a_head_of_another_size_is_left():
    arch = parse("linear(16)")
    source, target = einspec.compile(arch, head=3, seed=1), einspec.compile(arch, head=4, seed=2)
    report = einspec.transfer(source, target)
    assert (report.carried, report.reshaped) == ((("linear_0", "linear_0"),), (("head", "head"),))
    assert (report.new, report.unused) == ((), ())
    report = einspec.transfer(einspec.compile(arch), target)
    assert (report.carried, report.reshaped) == ((("linear_0", "linear_0"),), ())


def test_nothing_is_shared():
    report = einspec.transfer(einspec.compile(parse("pos")), einspec.compile(parse("linear(16)")))
    assert (report.carried, report.reshaped, report.new, report.unused) == ((), (), ("linear_0",), ("pos_0",))
    assert str(report) == "0 carried over, 0 of another shape, 1 new, 1 unused"


def test_training_goes_on_after_a_transfer():
    """The weights are copies: what is trained afterwards is the child alone."""
    arch = parse("seq(linear(16), relu)")
    source, target = einspec.compile(arch, seed=1), einspec.compile(arch, seed=2)
    einspec.transfer(source, target)
    before = source.linear_1.weight.clone()
    target(torch.randn(2, 4, 16)).square().mean().backward()
    torch.optim.SGD(target.parameters(), lr=0.1).step()
    assert torch.equal(source.linear_1.weight, before)
    assert not torch.equal(target.linear_1.weight, before)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_and_pickles_of_models(again):
    arch = einspec.load("einspace", input=(4, 16)).parse("seq(linear(16), replicate(clone(4), seq(pos, norm), add))")
    source, target = einspec.compile(arch, seed=1), again(einspec.compile(arch, seed=2))
    report = einspec.transfer(again(source), again(target))
    assert report.new == ()
    einspec.transfer(again(source), target)
    x = torch.randn(2, 4, 16)
    assert torch.equal(target(x), source(x))


def test_modules_that_compile_has_not_made():
    model = einspec.compile(parse("pos"))
    for pair in [(nn.Linear(2, 2), model), (model, nn.Linear(2, 2))]:
        with pytest.raises(einspec.CompileError) as caught:
            einspec.transfer(*pair)
        assert str(caught.value) == "a Linear that einspec.compile has not made: its architecture is unknown"


def test_other_inputs_are_refused():
    with pytest.raises(einspec.CompileError) as caught:
        einspec.transfer(einspec.compile(parse("pos")), einspec.compile(parse("pos", (4, 8))))
    assert str(caught.value) == "the architectures take (4, 16) and (4, 8): nothing is shared"


def test_more_copies_and_fewer():
    """Copies correspond by their index, as many as both have."""
    space = einspec.load("einspace", input=(4, 16))
    texts = [f"replicate(clone({count}), seq(linear(16), relu), add)" for count in (4, 8)]
    few, many = (space.parse(text) for text in texts)
    source, target = einspec.compile(few, seed=1), einspec.compile(many, seed=2)
    report = einspec.transfer(source, target)
    copies = [f"copies_2.linear_3[{index}]" for index in range(8)]
    assert report.carried == tuple((name, name) for name in copies[:4])
    assert (report.reshaped, report.new, report.unused) == ((), tuple(copies[4:]), ())
    assert torch.equal(source.copies_2.linear_3.weight, target.copies_2.linear_3.weight[:4])
    back = einspec.transfer(einspec.compile(many, seed=3), source)
    assert back.carried == report.carried
    assert (back.reshaped, back.new, back.unused) == ((), (), tuple(copies[4:]))


def test_copies_in_copies():
    space = einspec.load("einspace", input=(4, 16))
    few, many = (
        space.parse(f"replicate(clone({outer}), seq(replicate(clone({inner}), linear(16), add), relu), add)")
        for outer, inner in ((4, 8), (8, 4))
    )
    report = einspec.transfer(einspec.compile(few, seed=1), einspec.compile(many, seed=2))
    name = "copies_2.copies_5.linear_5"
    pairs = ((f"{name}[{8 * i + j}]", f"{name}[{4 * i + j}]") for i in range(4) for j in range(4))
    assert report.carried == tuple(sorted(pairs))
    assert (len(report.new), len(report.unused)) == (16, 16)


@primitive(name="lin_1", torch=lambda x: nn.Linear(x.sizes[-1], x.sizes[-1]), params=lambda x: lin_params(x))
def lin_1(x: einspec.Type) -> einspec.Type:
    """A name that ends as the name of its first node does."""
    return x


def lin_params(x: einspec.Type) -> dict[str, tuple[int, ...]]:
    return {"weight": (x.sizes[-1],) * 2, "bias": (x.sizes[-1],)}


@combinator(name="twice_3")
def twice_3(x):
    """Primitives that a combinator calls itself are named by it, and counted."""
    return lin_1(lin_1(x))


def test_names_that_hold_other_numbers():
    grammar = """
        m: "seq" "(" m "," m ")" -> seq | "lin" -> lin_1 | "both" -> twice_3 | "soft" -> softmax | "relu" -> relu
        %ignore " "
    """
    space = einspec.loads(grammar, input=(4,), ops=[lin_1, twice_3])
    a, b = space.parse("seq(lin, seq(both, soft))"), space.parse("seq(relu, seq(soft, seq(lin, seq(both, soft))))")
    report = einspec.transfer(einspec.compile(a, seed=1), einspec.compile(b, seed=2))
    assert report.carried == (
        ("lin_1_1", "lin_1_5"),
        ("twice_3_3_lin_1", "twice_3_7_lin_1"),
        ("twice_3_3_lin_1_1", "twice_3_7_lin_1_1"),
    )
    assert (report.reshaped, report.new, report.unused) == ((), (), ())
