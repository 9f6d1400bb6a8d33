"""What a def may not say: an error with its place, what was found and a way out, and nothing of it is run."""

from __future__ import annotations

import textwrap

import pytest

import einspec
from einspec.errors import GrammarError


def written(text: str) -> str:
    return "".join(f"//% {line}".rstrip() + "\n" for line in textwrap.dedent(text).strip().split("\n"))


def problems(text: str) -> str:
    with pytest.raises(GrammarError) as caught:
        einspec.loads(text, input=(4,))
    assert "Traceback" not in str(caught.value)
    return str(caught.value)


BODIES = [
    # what is not of the subset
    ("while True:\n    x = relu(x)\nreturn x", "2:9", "E403", "while is not of the Python that grammar files hold"),
    ("import os\nreturn x", "2:9", "E403", "import is not of the Python"),
    ("f = lambda y: y\nreturn x", "2:13", "E403", "lambda is not of the Python"),
    ("def g(y):\n    return y\nreturn x", "2:9", "E403", "a def within a def"),
    ("class A:\n    pass\nreturn x", "2:9", "E403", "class is not of the Python"),
    ("global y\nreturn x", "2:9", "E403", "global is not"),
    ("try:\n    return x\nexcept E:\n    return x", "2:9", "E403", "try is not"),
    ("with x:\n    return x", "2:9", "E403", "with is not"),
    ("raise E", "2:9", "E403", "raise is not"),
    ("assert x\nreturn x", "2:9", "E403", "assert is not"),
    ("del x\nreturn x", "2:9", "E403", "del is not"),
    ("return linear(x, f'{x}')", "2:26", "E403", "an f-string is not"),
    ("y = [x]\nreturn x", "2:13", "E403", "a list is not"),
    ("y = {1: 2}\nreturn x", "2:13", "E403", "a dict is not"),
    ("y = {1}\nreturn x", "2:13", "E403", "a set is not"),
    ("y = {a: a for a in (1,)}\nreturn x", "2:13", "E403", "a dict is not"),
    ("return (y := x)", "2:17", "E403", ":= is not"),
    ("return (yield x)", "2:17", "E403", "yield is not"),
    ("y: int = 3\nreturn x", "2:9", "E403", "an annotation here is not"),
    ("for i in range(3):\n    break\nreturn x", "3:13", "E403", "break is not"),
    ("for i in range(3):\n    pass\nelse:\n    pass\nreturn x", "5:13", "E403", "for has no else here"),
    ("return x.__class__", "2:16", "E403", "there is no .__class__ here"),
    ("return x.axes", "2:16", "E403", "there is no .axes here"),
    ("y = ()\ny.append(x)\nreturn x", "3:9", "E403", "only names are called"),
    ("return (relu)(x)(x)", "2:16", "E403", "only names are called"),
    ("return relu", "2:16", "E403", "relu is called here, and is no value by itself"),
    ("return tuple", "2:16", "E403", "tuple is called here, and is no value by itself"),
    ("return linear(x, **y)", "2:28", "E403", "** is not of the Python"),
    ("return linear(x, 'a' + 'b')", "2:26", "E403", "+ takes numbers, and this is a text"),
    ("return linear(x, '%9999999d' % 1)", "2:26", "E403", "% takes numbers, and this is a text"),
    ("return linear(x, 3 < 'b')", "2:30", "E403", "< takes numbers, and this is a text"),
    ("return linear(x, 1 | 2)", "2:26", "E403", "there is no such operator here"),
    ("return linear(x, ~1)", "2:26", "E403", "there is no ~ here"),
    ("return linear(x, 3j)", "2:26", "E403", "3j is no number"),
    ("return linear(x, b'a')", "2:26", "E403", "b'a' is no number"),
    ("return linear(x, ...)", "2:26", "E403", "... is no number"),
    ("return linear(x, 9223372036854775808)", "2:26", "E403", "a whole number past 2**62"),
    ("return linear(x, 1e999)", "2:26", "E403", "this number is infinite"),
    ("return linear(x, x is 3)", "2:26", "E403", "is asks for None alone"),
    ("return linear(x, 1 < int(2) < 3)", "2:30", "E403", "the middle of a chain"),
    ("x.c = 3\nreturn x", "2:9", "E403", "only names can be assigned to"),
    ("x[0] = 3\nreturn x", "2:9", "E403", "only names can be assigned to"),
    ("relu(x)\nreturn x", "2:9", "E403", "what this gives is dropped"),
    ("y = relu(x)", "1:5", "E403", "there is a way through this def that returns nothing"),
    ("if x.d == 3:\n    return x", "1:5", "E403", "there is a way through this def that returns nothing"),
    ("return", "2:9", "E403", "this returns nothing"),
    ("len = 3\nreturn linear(x, len)", "2:9", "E403", "len is a function here"),
    ("for tie in (1, 2):\n    pass\nreturn x", "2:13", "E403", "tie is a function here"),
    ("__a = 3\nreturn linear(x, __a)", "2:9", "E403", "__a is no name here"),
    ("refuse(x)\nreturn x", "2:9", "E403", "refuse takes a text"),
    ("return linear(x, len(1, 2))", "2:26", "E403", "len takes 1 argument, not 2"),
    ("return linear(x, max(1, key=2))", "2:37", "E403", "max takes no arguments by name here"),
    ("return linear(x, (i for i in (1,)))", "2:26", "E403", "a comprehension stands alone in brackets"),
    # names
    ("return lineer(x, 3)", "2:16", "E404", "there is no op lineer"),
    ("return linear(x, width)", "2:26", "E404", "there is no width here"),
    ("return print(x)", "2:16", "E404", "there is no op print"),
    ("return eval('x')", "2:16", "E404", "there is no op eval"),
    ("return __import__('os')", "2:16", "E404", "there is no op __import__"),
    ("return f(x)", "2:16", "E404", "f calls itself"),
    # arity
    ("return linear(x)", "2:16", "E403", "linear is called without width"),
    ("return times(x, 3, 4)", "2:16", "E403", "times takes 1 input and 1 argument, and is given 3 values"),
    ("return linear(x, widht=4)", "2:16", "E403", "linear has no argument widht; did you mean 'width'?"),
    ("return linear(x, 4, width=4)", "2:16", "E403", "linear is given width twice"),
    ("return seq(x)", "2:16", "E403", "seq is called wrongly: missing a required argument: 'first'"),
    ("return dot(x)", "2:16", "E403", "dot takes 2 inputs, and is given 1"),
    ("return cat(x, x)", "2:16", "E403", "cat is called without axis"),
    # Python
    ("return (x", "2:16", "E403", "'(' was never closed"),
    ("return x)", "2:17", "E403", "unmatched ')'"),
    ("y = = x\nreturn x", "2:13", "E403", "this is no Python"),
    ("  y = 3\n    return x", "3:12", "E403", "unexpected indent"),
    ("return " + "-" * 60 + "1", "1:5", "E403", "nested deeper than 50 levels"),
    ("return " + "(" * 60 + "1" + ")" * 60, "1:5", "E403", "nested deeper than 50 levels"),
    ("return linear(x, " + "+".join(["1"] * 400) + ")", "1:5", "E403", "nested deeper than 50 levels"),
    ("return x  # " + "a" * 9000, "1:5", "E403", "longer than 8 KiB"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "place", "code", "message"), BODIES, ids=[body[0][:40] for body in BODIES])
def test_bodies_that_are_refused(body, place, code, message):
    text = "\n".join("    " + line for line in body.split("\n"))
    found = problems(written("def f(x):\n" + text) + 'start: "f" -> f')
    assert f"<text>:{place}: error[{code}]: {message}" in found, found


TEXTS = [
    ("//% def f(x):\nstart: \"f\" -> f", "E403", "expected an indented block after function definition"),
    ("//% def f(x):\n//%     return x\n//%\nstart: \"f\" -> f\n//%     return x\n", "E403", "this line is indented, and belongs to no def"),
    ("//% def f(x):\n//% \treturn x\nstart: \"f\" -> f", "E403", "there is a tab in a def"),
    ("start: \"f\" -> f\n//% def f(x):\n//%     return x\n  | \"r\" -> relu", "E403", "a def stands between the alternatives of a rule"),
    ("//% def f(x):\n//%     return x\n//% def f(x):\n//%     return x\nstart: \"f\" -> f", "E404", "f is written twice, first at <text>:1:9"),
    ("//% def relu(x):\n//%     return x\nstart: \"f\" -> relu", "E404", "relu is an op of the library"),
    ("//% @override\n//% def rely(x):\n//%     return x\nstart: \"f\" -> rely", "E404", "there is no op rely to override"),
    ("//% @cached\n//% def f(x):\n//%     return x\nstart: \"f\" -> f", "E403", "there is no @cached here"),
    ("//% @combinator(inputs=0)\n//% def f(x):\n//%     return x\nstart: \"f\" -> f", "E403", "@combinator takes the number of inputs"),
    ("//% def tie(x):\n//%     return x\nstart: \"f\" -> tie", "E404", "tie is a function here"),
    ("//% def f():\n//%     return 3\nstart: \"f\" -> f", "E403", "expected its input values first"),
    ("//% def f(x, **y):\n//%     return x\nstart: \"f\" -> f", "E403", "an op names its attributes one by one"),
    ("//% def f(x, w: list):\n//%     return x\nstart: \"f\" -> f", "E403", "list is no annotation here"),
    ("//% def f(x, w: int = y):\n//%     return x\nstart: \"f\" -> f", "E403", "a default is a number"),
    ("//% def f(x, w: int = 'a'):\n//%     return x\nstart: \"f\" -> f", "E403", "w: int = 'a': expected a default of that type"),
    ("//% def f(x, /):\n//%     return x\nstart: \"f\" -> f", "E403", "/ is not of the Python"),
    ("//% async def f(x):\n//%     return x\nstart: \"f\" -> f", "E403", "expected a def here"),
    ("//% class F:\n//%     pass\nstart: \"f\" -> f", "E403", "expected a def here"),
    ("//% def f(x): return g(x)\n//% def g(x): return h(x)\n//% def h(x): return f(x)\nstart: \"f\" -> f", "E404", "f calls itself, through g and h"),
    ("//% import os\nstart: \"r\" -> relu", "E404", "import alone brings nothing"),
    ("//% from os import *\nstart: \"r\" -> relu", "E404", "this imports no ops"),
    ("//% from darts import nothing\nstart: \"r\" -> relu", "E404", "darts has no op nothing"),
    ("//% from einspace import relu\nstart: \"r\" -> relu", "E404", "relu is an op of the library"),
    ("//% from .nowhere import f\nstart: \"f\" -> f", "E103", "this cannot be imported"),
    ("//% def f(x, body):\n//%     return body(x)\nstart: \"f\" -> f", "E402", "f takes 1 child, and this alternative has 0"),
    ("//% def f(x, w: int):\n//%     return linear(x, w)\nstart: \"f\" -> f", "E402", "f takes 1 argument (w: int), not 0"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "message"), TEXTS, ids=[text[2] for text in TEXTS])
def test_texts_that_are_refused(text, code, message):
    found = problems(text)
    assert f"error[{code}]: {message}" in found, found


RUNS = [
    ("return linear(x, 3 // (x.d - 4))", "division by zero: 3 // 0"),
    ("return linear(x, 3 % (x.d - 4))", "division by zero: 3 % 0"),
    ("return linear(x, int(3 / (x.d - 4)))", "division by zero: 3 / 0"),
    ("n = 10\n    for _ in range(9):\n        n = n * n\n    return linear(x, n)", "a whole number past 2**62"),
    ("return linear(x, 10 ** 10 ** 10)", "an exponent of 10000000000"),
    ("return linear(x, int(1e300 * 1e300))", "a number that is infinite, or none"),
    ("return linear(x, int((0 - 1) ** 0.5))", "the root of a negative number"),
    ("for i in range(10 ** 9):\n        x = relu(x)\n    return x", "a range of more than 4,096"),
    ("t = (1, 1)\n    for _ in range(20):\n        t = t + t\n    return linear(x, len(t))", "a tuple of more than 4,096"),
    ("t = (1, 1)\n    for _ in range(20):\n        t = (t, t)\n    return linear(x, len(t))", "tuples nested deeper than 4"),
    ("t = (1,) * 10 ** 9\n    return linear(x, len(t))", "a tuple of more than 4,096"),
    ("for i in range(4000):\n        for j in range(4000):\n            pass\n    return x", "more than 100,000 rounds"),
    ("return linear(x, (1, 2)[x.d])", "the index 4 of a tuple of 2"),
    ("return linear(x, x)", "linear takes width: int, and Type('(4,)') is none"),
    ("return linear(3, 3)", "linear is given 3 as an input"),
    ("return linear(x, 1 < 2)", "linear takes width: int, and True is none"),
    ("return linear(x, x + 1)", "+ takes numbers, and the value (4,) is none"),
    ("if x:\n        return x\n    return relu(x)", "a condition about the value (4,)"),
    ("return linear(x, 3 if x == 3 else 4)", "== takes numbers, not what flows, and the value (4,) is none"),
    ("y = 3\n    return linear(x, y.c)", ".c is of values that flow, and 3 is none"),
    ("y = 3\n    return y(x)", "y is 3 here, and is called"),
    ("for i in 3:\n        pass\n    return x", "a loop takes a tuple or a range, and 3 is none"),
    ("return linear(x, len(x))", "len of the value (4,)"),
    ("return linear(x, max(()))", "max of nothing"),
    ("return linear(x, log(0))", "log(0) is no number"),
    ("a, b = 3\n    return linear(x, a + b)", "one value stands where several are taken apart"),
    ("if x.d == 3:\n        y = 3\n    return linear(x, y)", "y is not set here"),
    ("relu = relu(x)\n    return relu", "relu is not set here"),
    ("return None", "f returned None: expected a value, numbers, or a tuple of them"),
    ("return 'a'", "f returned 'a': expected a value, numbers, or a tuple of them"),
    ("return 3", "a network gives values, and f gave 3"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), RUNS, ids=[run[0][:40] for run in RUNS])
def test_mistakes_that_show_when_a_def_runs(body, message):
    space = einspec.loads(written(f"def f(x):\n    {body}") + 'start: "f" -> f', input=(4,))
    for run in (lambda: space.parse("f"), lambda: space.sample(rng=0), space.count):
        with pytest.raises(GrammarError) as caught:
            run()
        assert "error[E405]" in str(caught.value)
        assert message in str(caught.value)
        assert str(caught.value).startswith("<text>:")


def test_mistakes_within_another_def_have_their_own_place():
    text = (
        written("def part(n, by):\n    return n // by\n")
        + "\n"
        + written("def f(x):\n    return linear(x, part(x.d, 0))")
    )
    with pytest.raises(GrammarError) as caught:
        einspec.loads(text + 'start: "f" -> f', input=(4,)).parse("f")
    assert str(caught.value).startswith("<text>:2:16: error[E405]: f at (4,): division by zero: 4 // 0\n")
    assert "\n    2 | //%     return n // by\n      |                ^^^^^^^\n" in str(caught.value)


def test_calls_that_multiply_end():
    defs = ["def f0(x):\n    return 1"] + [f"def f{i}(x):\n    return f{i - 1}(x) + f{i - 1}(x)" for i in range(1, 24)]
    text = "\n".join(written(part) for part in [*defs, "def f(x):\n    return linear(x, f23(1))"])
    space = einspec.loads(text + '\nstart: "f" -> f', input=(4,))
    with pytest.raises(GrammarError, match="more than 100,000 rounds of loops and calls of defs in one architecture"):
        space.parse("f")
    with pytest.raises(GrammarError, match="more than 100,000 rounds"):
        space.ops["f"](einspec.Type((4,)))


def test_children_that_are_misused():
    grammar = 'start: "f" leaf -> f\nleaf: "r" -> relu'
    for body, message in [
        ("return body(3)", "its child 1, leaf, is given 3 as an input"),
        ("return body(x, by=x)", "the attribute by is a value that flows between ops"),
        ("return linear(x, body)", "linear takes width: int, and "),
        ("return linear(body(x), body(x) + 1)", "+ takes numbers, and the value (4,) is none"),
        ("return linear(body, 3)", "linear is given "),
        ("return body.c", ".c is of values that flow, and a child is none"),
        ("n = len(body)\n    return linear(x, n)", "one child of the grammar stands where the op takes a tuple"),
    ]:
        space = einspec.loads(written(f"def f(x, body):\n    {body}") + grammar, input=(4,))
        with pytest.raises((GrammarError, einspec.ShapeError)) as caught:
            space.parse("fr")
        assert message in str(caught.value)


def test_parameters_that_nothing_uses_are_warned_about():
    space = einspec.loads(
        written("def f(x, w: int, _v: int, *, stage=1):\n    return linear(x, 3)")
        + 'start: "f" A A -> f\nA: "1" | "2"',
        input=(4,),
    )
    warnings = [problem for problem in space.grammar.problems if problem.code == "W511"]
    assert [problem.message for problem in warnings] == [
        "f never uses its parameter w",
        "f never uses its parameter stage",
    ]


def test_nothing_of_python_is_in_reach():
    space = einspec.loads(written("def f(x):\n    return relu(x)") + 'start: "f" -> f', input=(4,))
    function = space.ops["f"].function
    assert function.__globals__["__builtins__"] == {}
    assert not {"open", "eval", "exec", "getattr", "__import__", "type", "print"} & set(function.__globals__)
