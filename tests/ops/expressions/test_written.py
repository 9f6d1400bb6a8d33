"""Ops that grammar files write: they are what the same text is in Python, and nothing but what the text may say."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import textwrap

import pytest

import einspec
from einspec.grammar.reading.files import bundled_names
from einspec.ops import combinator, each, let, library_ops, primitive, refuse, scan, tie
from einspec.ops.declare import Combinator
from einspec.ops.expressions.written import WrittenOp
from einspec.types import Type

INPUTS = {"einspace": (3, 8, 8), "nasbench201": (3, 16, 16), "darts": (3, 16, 16), "mlp": (16,)}


def written(text: str) -> str:
    """Python text as grammar files hold it."""
    return "".join(f"//% {line}".rstrip() + "\n" for line in textwrap.dedent(text).strip().split("\n"))


def space_of(defs: str, grammar: str, input=(4,), **options) -> einspec.Space:
    return einspec.loads(written(defs) + grammar, input=input, **options)


def in_python(texts: list[str]) -> list[Combinator]:
    """The ops that the text of defs makes in Python."""
    names = dict(library_ops())
    names |= {"tie": tie, "let": let, "each": each, "scan": scan, "refuse": refuse}
    names |= {"combinator": combinator, "override": lambda function: function, "Type": Type}
    names |= {name: getattr(math, name) for name in ("ceil", "floor", "sqrt", "log", "exp")}
    made = []
    for text in texts:
        source = text if "@combinator" in text else f"@combinator\n{text}"
        exec(source.replace("@combinator\n@override\n", "@override\n@combinator\n"), names)
    for text in texts:
        name = text.split("def ")[1].split("(")[0].strip()
        made.append(names[name])
    return made


@pytest.mark.parametrize("name", bundled_names())
def test_every_def_of_a_bundled_file_is_the_same_in_python(name):
    space = einspec.load(name, input=INPUTS.get(name))
    texts = [text.text for file in space.grammar.op_files.values() for text in file.texts]
    assert texts or name not in INPUTS
    kept = "\n".join(
        line for line in space.grammar.text.split("\n") if not line.startswith(("//% def", "//%  ", "//% @"))
    )
    ops = in_python(texts)
    if name == "einspace":  # Python has no two ops of one name
        ops = [combinator(name="leaky")(op.function) if op.name == "relu" else op for op in ops]
        kept = kept.replace("-> relu", "-> leaky")
    python = einspec.loads(kept, input=INPUTS.get(name), ops=ops)
    for one, other in itertools.islice(
        zip(space.samples(40, rng=1, max_nodes=60), python.samples(40, rng=1, max_nodes=60), strict=True), 40
    ):
        assert str(one) == str(other)
        assert one.output == other.output
        assert one.log_prob == other.log_prob
        assert (one.params, one.macs, one.choices) == (other.params, other.macs, other.choices)
    for one, other in zip(space.samples(5, rng=2, max_nodes=40), python.samples(5, rng=2, max_nodes=40), strict=True):
        assert one.key == other.key


VALUES = {
    "augmented and tuples": ("a, b = 3, 4\n    a += b\n    a, b = b, a\n    return linear(x, a * 10 + b)", 47),
    "floor division and remainder": ("return linear(x, 17 // 5 * 10 + 17 % 5)", 32),
    "division and powers": ("return linear(x, int(2 ** 3 / 4 + 9 ** 0.5))", 5),
    "conditions": ("return linear(x, 7 if 1 < 2 <= 2 != 3 and not (4 in (1, 2)) else 9)", 7),
    "or gives a value": ("return linear(x, 0 or 6)", 6),
    "elif": ("if x.d == 3:\n        n = 1\n    elif x.d == 4:\n        n = 2\n    else:\n        n = 3\n    return linear(x, n)", 2),
    "loops": ("n = 0\n    for i in range(2, 8, 2):\n        n += i\n    return linear(x, n)", 12),
    "enumerate and zip": (
        "n = 0\n    for i, (a, b) in enumerate(zip((1, 2, 3), (4, 5)), 1):\n        n += i * a * b\n    return linear(x, n)", 24,
    ),
    "comprehensions": ("return linear(x, sum([i * j for i in range(4) if i % 2 for j in (1, 2)]))", 12),
    "generators": ("return linear(x, max(i for i in (1, 5, 3)) + len(tuple(i for i in range(3))))", 8),
    "slices": ("return linear(x, sum((1, 2, 3, 4, 5)[1:-1:2]) + (1, 2, 3)[-1])", 9),
    "stars": ("parts = (1, 2)\n    parts = (*parts, 3)\n    return linear(x, max(*parts, 2))", 3),
    "helpers": ("return linear(x, min(9, 4) + abs(-3) + round(2.4) + sorted((3, 1, 2))[0] + ceil(1.2) + floor(1.8))", 13),
    "more helpers": ("return linear(x, int(sqrt(16) + log(1) + exp(0) + float(2)) + (1 if any((0, 1)) and all((1, 1)) else 0))", 8),
    "reversed": ("n = 0\n    for i in reversed((1, 2, 3)):\n        n = 10 * n + i\n    return linear(x, n)", 321),
    "shapes": ("return linear(x, x.shape[0] + x.rank + x.elements + (1 if x.layout == 'vector' else 0))", 10),
    "None": ("n = None\n    return linear(x, 3 if n is None else 4)", 3),
    "unary": ("n = 3\n    return linear(x, -(-n) + +n)", 6),
    "doc and pass": ('"""Says something."""\n    if x.d == 1:\n        pass\n    return linear(x, 5)', 5),
    "named arguments": ("return linear(x, width=8)", 8),
    "several targets": ("a = b = 4\n    return linear(x, a + b)", 8),
    "brackets over lines": ("return linear(\n        x,  # the input\n        3,\n    )", 3),
}  # fmt: skip


@pytest.mark.parametrize("case", VALUES)
def test_a_def_computes_what_python_computes(case):
    body, width = VALUES[case]
    text = f"def f(x):\n    {body}"
    assert space_of(text, 'start: "f" -> f').parse("f").output == Type((width,))
    (op,) = in_python([text])
    assert op(Type((4,))) == Type((width,))


def test_defs_call_one_another_in_any_order_and_pass_numbers_and_children_on():
    space = space_of(
        """
        def twice(x, body):
            return again(x, body, doubled(1))

        def again(x, body, count):
            for _ in range(count):
                x = body(x)
            return x

        def doubled(n):
            return 2 * n
        """.replace("\n\n        def", "\n        \n        def"),
        'start: "t(" start ")" -> twice | "l(" W ")" -> linear\nW: "3" | "5"',
    )
    arch = space.parse("t(t(l(3)))")
    assert arch.output == Type((3,))
    assert arch.params == 4 * 3 + 3 + 3 * (3 * 3 + 3)


def test_a_def_is_an_op_like_others():
    space = space_of(
        '''
        def block(x, width: int, body, *, stage=1):
            """Its documentation."""
            return linear(body(x), width * stage)
        ''',
        'start: "b(" W "," leaf ")" -> block\nleaf: "r" -> relu | "s" -> softmax\nW: "3" | "5"',
    )
    op = space.ops["block"]
    assert isinstance(op, WrittenOp)
    assert repr(op) == "<writtenop block(input, width: int, body)>"
    assert op.__doc__ == "Its documentation."
    assert pickle.loads(pickle.dumps(op)) is op
    assert copy.deepcopy(op) is op
    arch = space.parse("b(5,r)")
    again = pickle.loads(pickle.dumps(arch))
    assert again == arch
    assert again.key == arch.key
    assert einspec.loads(space.grammar.to_lark(), input=(4,)).parse("b(5,r)") == arch
    assert space.count() == 4 == len(list(space.enumerate()))
    assert op(Type((4,)), 7, lambda x: x) == Type((7,))


def test_ops_of_python_can_be_called():
    @primitive(pointwise=True, torch=lambda x: lambda t: 2 * t)
    def double(x: Type) -> Type:
        return x

    @combinator
    def both(x, body):
        return body(double(x))

    space = space_of(
        "def f(x, body):\n    return both(double(x), body)",
        'start: "f" leaf -> f\nleaf: "r" -> relu',
        ops=[double, both],
    )
    assert [node.text() for node in space.parse("fr").graph.nodes] == ["double", "double", "leaky_relu(0.0)"]
    assert pickle.loads(pickle.dumps(space.ops["f"].name)) == "f"


def test_imported_rules_bring_their_ops_and_ops_come_alone(tmp_path):
    (tmp_path / "mobile.lark").write_text(
        written("def halved(n):\n    return n // 2")
        + "\n"
        + written("def narrow_linear(x):\n    return linear(x, halved(x.d))")
        + '\nblock: "n" -> narrow_linear | "r" -> relu\n'
    )
    (tmp_path / "ops.lark").write_text(
        written("def seven(x, by: int = 6):\n    return linear(x, by)") + 'start: "a" -> seven'
    )
    (tmp_path / "main.lark").write_text(
        "//% from .ops import seven as six\n%import .mobile.block\n"
        + written("def pair(x, a, b):\n    return six(b(a(x)))")
        + '\nstart: "p(" block "," block ")" -> pair | "six" -> six | "half" -> narrow_linear\n'
    )
    space = einspec.load(tmp_path / "main.lark", input=(8,))
    assert space.parse("p(n,n)").output == Type((6,))
    assert space.parse("six").output == Type((6,))
    assert space.parse("half").output == Type((4,))
    assert pickle.loads(pickle.dumps(space.parse("p(n,r)"))) == space.parse("p(n,r)")
    space = pickle.loads(pickle.dumps(space))
    assert space.count() == 6


def test_a_def_of_the_same_name_as_an_op_of_another_file_stays_its_own(tmp_path):
    (tmp_path / "a.lark").write_text(written("def f(x):\n    return linear(x, 2)") + '\nblock: "f" -> f\n')
    text = (
        "%import .a.block\n"
        + written("def f(x):\n    return linear(x, 3)")
        + '\nstart: "f" -> f | "b" block -> use_it\n'
    )
    text += written("def use_it(x, body):\n    return body(x)")
    (tmp_path / "main.lark").write_text(text)
    space = einspec.load(tmp_path / "main.lark", input=(8,))
    assert {str(arch): arch.output.d for arch in space.enumerate()} == {"f": 3, "bf": 2}


SHAPE_ERRORS = {
    "of an op": ("return relu(batch_norm(conv2d(x, 8, 3)))", "f: conv2d(8,3,1,0,1,1,True) does not accept (4,): ", 17),
    "of an axis": (
        "return linear(x, x.h)",
        "f: f does not accept (4,): a vector (4,) has no axis h: its axes are d",
        17,
    ),
    "refused": ('refuse("not today")', "f: f does not accept (4,): not today", 0),
    "of several": (
        "a, b = linear(x, 3)\n    return a",
        "f: f does not accept (4,): one value stands where several are taken apart",
        0,
    ),
}


@pytest.mark.parametrize("case", SHAPE_ERRORS)
def test_shape_errors_name_the_line_of_the_op_and_the_call(case):
    body, message, _ = SHAPE_ERRORS[case]
    space = space_of(f"def f(x):\n    {body}", 'start: "f" -> f')
    with pytest.raises(einspec.ShapeError) as caught:
        space.parse("f")
    assert message.removeprefix("f: ") in str(caught.value)
    assert "<text>:2:" in str(caught.value)
    assert "    2 | //%     " in str(caught.value)
    with pytest.raises(einspec.SamplingError):
        space.sample(rng=0)
