"""Macros: what they expand to, places through expansion, bounds, and files. The refusals are in macros.txt."""

from __future__ import annotations

import random
import re
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import einspec
from einspec import EinspecError, ParseError, ShapeError
from einspec.space.text.files import bundled_architectures
from einspec.space.text.macros import expanded
from einspec.text import Source
from tests.baselines import DARTS_V2, NB201_ALL_CONV, block, conv, down, mixer, resnet18, seq, vit, wide_resnet_16_4
from tests.helpers import bundled, golden

REFUSED = golden(Path(__file__).with_name("macros.txt"))


def expand(text: str) -> str:
    return expanded(Source("<text>", text)).text


@pytest.mark.parametrize(("name", "text", "message"), REFUSED, ids=[case[0] for case in REFUSED])
def test_the_message_in_full(name: str, text: str, message: str) -> None:
    start = time.process_time()
    with pytest.raises((ParseError, ShapeError)) as error:
        bundled("einspace").parse(text.removesuffix("\n"))
    assert f"{type(error.value).__name__}: {error.value}" == message
    assert time.process_time() - start < 10


# --- what macros expand to ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def a = x\na", "x"),
        ("def a = x\n  a, a  \n", "x, x"),
        ("a\ndef a = x\n", "x"),
        ("f(\ndef a = x\na)\n", "f(\nx)"),
        ("def a = b\ndef b = x\na", "x"),
        ("\tdef  a  =  x y \r\na", "x y"),
        ("def a = f(\n  x,\n  y\n)\na", "f(\n  x,\n  y\n)"),
        ("def a = x\na1 3a a_ _a a.a ~a", "a1 3a a_ _a x.x ~x"),
        ("def é = x\né", "x"),
        ("def lin = linear\nlin(64)", "linear(64)"),
        ("def f(x) = g(x, xx, x1)\nf(y)", "g(y, xx, x1)"),
        ("def f(x) = g(x)\nf (\n  y z\n)", "g(y z)"),
        ("def f(x, y) = x-y\nf([a, b], {c, (d, e)})", "[a, b]-{c, (d, e)}"),
        ("def f(x) = [x]\nf(f(f(y)))", "[[[y]]]"),
        ("def f(x) = x(1)\ndef g = h\nf(g)", "h(1)"),
        # A parameter shadows a macro in its body; what it stands for is that of the place of the call.
        ("def x = inner\ndef f(x) = g(x)\nf(x), f(y)", "g(inner), g(y)"),
        ("def f(y) = g(x, y)\ndef h(x) = f(x)\nh(1)", "g(x, 1)"),
        ("def f(f) = g(f)\nf(1)", "g(1)"),
        ("def relu = seq(norm, gelu)\nrelu", "seq(norm, gelu)"),
        ("def chain(p...) = seq(p, ...)\nchain(a)", "a"),
        ("def chain(p...) = seq(p, ...)\nchain(a, b)", "seq(a, b)"),
        ("def chain(p...) = seq(p, ...)\nchain(a, f(b, c), d, e)", "seq(a, seq(f(b, c), seq(d, e)))"),
        ("def chain(p...) = seq (p,...)\nchain(a, b)", "seq (a, b)"),
        ("def all(f, p...) = f(p, ...)\nall(g, a, b, c)", "g(a, g(b, c))"),
        ("def s = seq\ndef chain(p...) = s(p, ...)\nchain(a, b, c)", "seq(a, seq(b, c))"),
        ("def two(x, y) = [y x]\ndef chain(p...) = two(p, ...)\nchain(a, b, c)", "[[c b] a]"),
        ("def chain(p...) = seq(p, ...)\ndef net(p...) = chain(stem, p..., head)\nnet(a, b)", "seq(stem, seq(a, seq(b, head)))"),
        ("def list(n, p...) = n[p...]\nlist(k, a, b,c)", "k[a, b, c]"),
        ("def one(x) = x\ndef f(p...) = one(p...)\nf(a)", "a"),
        # Comments
        ("// first\ndef a = x // second\na // third\n// fourth", "x"),
        ("def f(x, y) = g(x, // one\n  y) // two\nf(a, // three\n  b)", "g(a, \n  b)"),
        ("def a = x\na//b", "x//b"),
        ("// def b = y\ndef a = x\na b", "x b"),
        # In a sentence of another grammar
        ("def a = none~0\n|a|+|a|none~1|+|a|none~1|none~2|", "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"),
        ("def a = 'x'\nG(n=[(a, 0), ('y', ...)], a=[))", "G(n=[('x', 0), ('y', ...)], 'x'=[))"),
    ],
)  # fmt: skip
def test_expansions(text: str, expected: str) -> None:
    assert expand(text) == expected


def test_the_example_of_the_manual() -> None:
    text = (
        "// ResNet building blocks\n"
        "def conv(kernel, stride, padding, width) = route(im2col(kernel,stride,padding), linear(width), col2im)\n"
        "def act = seq(norm, relu)\n"
        "def chain(parts...) = seq(parts, ...)\n"
        "chain(conv(3,2,1, 64), act, maxpool(3,2,1))\n"
    )
    arch = bundled("einspace").parse(text)
    assert str(arch) == f"seq({conv(3, 2, 1, 64)}, seq(seq(norm, relu), maxpool(3,2,1)))"


@pytest.mark.parametrize(
    "text", ["seq(relu, norm) // no", "// no\nseq(relu, norm)", "seq(relu, norm) defx", "def", "def="]
)
def test_a_text_without_definitions_is_left_alone(text: str) -> None:
    with pytest.raises(ParseError, match=r"found '(/|def|defx)', which cannot stand here"):
        bundled("einspace").parse(text)


@pytest.mark.parametrize(("name", "text"), [("darts", DARTS_V2), ("nasbench201", NB201_ALL_CONV)])
def test_sentences_of_other_grammars(name: str, text: str, tmp_path: Path) -> None:
    arch = bundled(name).parse(text)
    assert str(arch) == text
    assert bundled(name).parse(f"def unused = x\n{text}\n") == arch
    path = tmp_path / "a.arch"
    path.write_text(f"// one\n{text}  // two\n")
    assert bundled(name).read(path) == arch


class Program:
    """A random program, and what its sentence expands to, found on trees. Every word is written once."""

    def __init__(self, rng: random.Random):
        self.rng, self.words = rng, 0
        self.macros: list[tuple[str, list[str], bool, Any]] = []
        for number in range(rng.randrange(4)):
            parameters = [f"p{i}" for i in range(rng.randrange(3))]
            is_variadic = bool(parameters) and rng.random() < 0.5
            self.macros.append((f"m{number}", parameters, is_variadic, self.tree(parameters, is_variadic, 2)))
        self.sentence = self.tree([], False, 3)

    def tree(self, parameters: list[str], is_variadic: bool, depth: int) -> Any:
        rng, choice = self.rng, self.rng.random()
        spread = [("spread", parameters[-1])] if is_variadic and rng.random() < 0.5 else []
        self.words += 1
        word = f"w{self.words}"
        single = parameters[: len(parameters) - is_variadic]
        if is_variadic and choice < 0.3:
            foldable = [name for name, of, variadic, _ in self.macros if len(of) == 2 or (variadic and len(of) == 1)]
            return ("fold", rng.choice([word, *foldable]), parameters[-1])
        if single and choice < 0.5:
            return ("use", rng.choice(single))
        if self.macros and depth and choice < 0.8:
            name, of, variadic, _ = rng.choice(self.macros)
            inner = self.trees(parameters, is_variadic, depth, len(of) + (rng.randrange(2) if variadic else 0))
            return ("call", name, [*inner, *spread] if variadic else inner)
        inner = self.trees(parameters, is_variadic, depth, rng.randrange(4) if depth else 0)
        return ("group", word, [*inner, *spread])

    def trees(self, parameters: list[str], is_variadic: bool, depth: int, count: int) -> list[Any]:
        return [self.tree(parameters, is_variadic, depth - 1) for _ in range(count)]

    def written(self, tree: Any) -> str:
        match tree:
            case ("use", name):
                return str(name)
            case ("spread", name):
                return f"{name}..."
            case ("fold", name, variadic):
                return f"{name}({variadic}, ...)"
            case (_, name, inner):
                return f"{name}({', '.join(map(self.written, inner))})" if inner else str(name)
        raise AssertionError(tree)

    def text(self) -> str:
        lines = []
        for name, parameters, is_variadic, body in self.macros:
            head = f"({', '.join(parameters)}{'...' if is_variadic else ''})" if parameters else ""
            lines.append(f"def {name}{head} = {self.written(body)}{self.rng.choice(['', '  // note', chr(13)])}")
        lines.insert(self.rng.randrange(len(lines) + 1), self.written(self.sentence))
        return "\n".join(lines)

    def expect(self, tree: Any, given: dict[str, list[str]]) -> str:
        match tree:
            case ("use", name):
                return given[name][0]
            case ("fold", name, variadic):
                *before, text = given[variadic]
                for part in reversed(before):
                    text = self.applied(name, [part, text])
                return text
            case ("group", name, inner):
                texts = self.arguments(inner, given)
                return f"{name}({', '.join(texts)})" if texts else str(name)
            case ("call", name, inner):
                return self.applied(name, self.arguments(inner, given))
        raise AssertionError(tree)

    def arguments(self, inner: list[Any], given: dict[str, list[str]]) -> list[str]:
        texts = []
        for tree in inner:
            texts += given[tree[1]] if tree[0] == "spread" else [self.expect(tree, given)]
        return texts

    def applied(self, name: str, arguments: list[str]) -> str:
        if sum(map(len, arguments)) > 10_000:
            raise OverflowError
        for known, parameters, is_variadic, body in self.macros:
            if known == name:
                given = {parameter: [text] for parameter, text in zip(parameters, arguments, strict=False)}
                if is_variadic:
                    given[parameters[-1]] = arguments[len(parameters) - 1 :]
                return self.expect(body, given)
        return f"{name}({', '.join(arguments)})"


@given(st.integers(0, 10**6))
@settings(max_examples=300, deadline=None)
def test_random_programs(seed: int) -> None:
    program = Program(random.Random(seed))
    text = program.text()
    try:
        expected = program.expect(program.sentence, {})
    except OverflowError:
        return
    source = expanded(Source("a.arch", text))
    assert source.text == expected
    for match in islice(re.finditer(r"w\d+", source.text), 100):  # each stands once in the text, where it must be found
        (written,) = re.finditer(rf"\b{match.group()}\b", text)
        assert source.line_column(match.start()) == Source("", text).line_column(written.start())
        line, carets, *notes = source.excerpt(*match.span()).split("\n")
        if len(line) < 120:
            assert line[carets.index("^") : carets.rindex("^") + 1] == match.group()
        assert len(notes) <= 6


PIECES = [
    "def ",
    "\n",
    "(",
    ")",
    "[",
    "]",
    ",",
    "...",
    "=",
    "//",
    " ",
    "a",
    "b(",
    "xs",
    "seq(",
    "norm",
    "\0",
    "é",
    "\r",
]
PROGRAM = (
    "def a = seq(norm, relu) // c\ndef b(x, y) = seq(x, y)\ndef c(xs...) = b(xs, ...)\nc(a, b(a, norm), seq(a, a))\n"
)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_texts(data: st.DataObject) -> None:
    text = PROGRAM
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        width = data.draw(st.sampled_from([0, 0, 1, 3, 10]))
        text = text[:at] + data.draw(st.sampled_from(["", *PIECES])) + text[at + width :]
    check_only_our_errors(text)


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text(text: str) -> None:
    check_only_our_errors(f"def a = norm\n{text}")


def check_only_our_errors(text: str) -> None:
    try:
        arch = EINSPACE.parse(text)
    except EinspecError as error:
        assert re.match(r"<architecture>:\d+:\d+: ", str(error)), error  # noqa: PT017 - one of two outcomes
    else:
        assert EINSPACE.parse(str(arch)) == arch


EINSPACE = bundled("einspace")


# --- bounds ---


@pytest.mark.parametrize(
    "text",
    [
        "def f(x) = norm\n" + " " * 10**6,
        "def f(x) = norm\n" + "f" * 10**6,
        "def f(x) = norm\n" + "(" * 10**6,
        "def f(x) = norm\n" + "f(" * 10**5,
        "def f(x) = " + "(" * 10**6,
        "def f(" + "x, " * 10**5,
        "def f = " + "x " * 10**5,
        "def f = norm\n" + "f, " * 10**5,
        "def f(xs...) = [xs, ...]\n" + "f(" + "norm, " * 10**5 + "norm)",
        "def f(xs...) = g(xs, ...)\n" + "f(" + "norm, " * 10**5 + "norm)",
        "def g(x, y) = x y\ndef f(xs...) = g(xs, ...)\n" + "f(" + "norm, " * 10**4 + "norm)",
        "".join(f"def a{i} = a{i + 1}\n" for i in range(30_000)) + "a0",
        "".join(f"def a{i} = a{i + 1}\n" for i in range(30_000)) + "def a30000 = a0\na0",
        "def f = norm\n" + "// norm\n" * 10**5,
        "def f = norm\n" + "\n" * 10**6,
        "def \0 = norm\ndef a = b",
    ],
    ids=lambda text: re.sub(r"\s+", " ", text[:30]),
)
def test_large_texts_that_are_none(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ParseError) as error:
        EINSPACE.parse(text)
    assert len(str(error.value)) < 1500
    assert time.process_time() - start < 20


def test_a_text_that_is_too_long() -> None:
    with pytest.raises(ParseError, match=r"^<architecture>: longer than 16 MiB, so it is not read$"):
        EINSPACE.parse("def a = norm\n" + " " * (16 << 20))


def test_macros_may_be_nested_deep() -> None:
    text = "".join(f"def a{i} = seq(a{i + 1}, relu)\n" for i in range(199)) + "def a199 = norm\na0"
    assert expand(text) == "seq(" * 199 + "norm" + ", relu)" * 199
    parts = ", ".join(["relu"] * 3000)
    text = f"def two(x, y) = seq(x, y)\ndef chain(xs...) = two(xs, ...)\nchain({parts})"
    assert expand(text) == "seq(relu, " * 2999 + "relu" + ")" * 2999


# --- files ---


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.arch"
    path.write_bytes(b"\xef\xbb\xbf// mine\r\ndef act = seq(norm, relu)\r\n\r\nact\r\n")
    assert str(EINSPACE.read(path)) == str(EINSPACE.read(str(path))) == "seq(norm, relu)"
    path.write_text("seq(norm,\n    nrom)  // here\n")
    with pytest.raises(ParseError) as error:
        EINSPACE.read(path)
    assert str(error.value).startswith(
        f"{path}:2:5: found 'nrom', which cannot stand here\n    2 |     nrom)  // here\n"
    )
    path.write_text("// nothing\n")
    with pytest.raises(ParseError, match=r"a\.arch:1:11: found the end of the text, which cannot stand here\n"):
        EINSPACE.read(path)


KNOWN = "(mixer, resnet10, resnet18, resnet34, vit, wrn16_4)"


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.arch").mkdir()
    Path("latin.arch").write_bytes(b"// one\nseq(norm, relu) // \xe9\n")
    with Path("large.arch").open("wb") as file:
        file.truncate((16 << 20) + 1)
    expected = f"expected an architecture file (*.arch) or a bundled architecture {KNOWN}"
    for name, message in {
        "resnet81": f"'resnet81': there is no such file; {expected}; did you mean 'resnet18'?",
        "reznet18.arch": f"'reznet18.arch': there is no such file; {expected}; did you mean 'resnet18'?",
        "folder.arch": f"'folder.arch': it is a folder; {expected}",
        "a\0b": f"'a\\x00b': there is no such file; {expected}",
        "latin.arch": "latin.arch:2: byte 26 is not UTF-8; save the file as UTF-8",
        "large.arch": "large.arch: larger than 16 MiB, so it is not read",
        "x" * 5000: f"{'x' * 200}...: cannot be read: File name too long",
    }.items():
        with pytest.raises(ParseError) as error:
            EINSPACE.read(name)
        assert str(error.value) == message
    with pytest.raises(TypeError, match=r"^name: expected the name or the path of an architecture, not NoneType$"):
        EINSPACE.read(None)  # type: ignore[arg-type]


def test_a_file_of_ones_own_comes_before_a_bundled_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert EINSPACE.read("vit.arch") == EINSPACE.read("vit")
    Path("vit.arch").write_text("seq(norm, relu)")
    assert str(EINSPACE.read("vit.arch")) == "seq(norm, relu)"
    assert EINSPACE.read("vit") == EINSPACE.parse(vit())


# --- the baselines ---


def resnet(stem: list[str], plan: list[tuple[int, int]]) -> str:
    parts = stem
    for number, (width, count) in enumerate(plan):
        for index in range(count):
            parts = [*parts, *(down(width) if number and not index else block(width))]
    return seq(*parts)


BASELINES = {
    "mixer": mixer(),
    "resnet10": resnet([conv(3, 1, 1, 64), "norm", "relu", "maxpool(3,2,1)"], [(64, 2), (128, 2)]),
    "resnet18": resnet18(),
    "resnet34": resnet([conv(7, 2, 3, 64), "norm", "relu", conv(3, 2, 1, 64)], [(64, 3), (128, 4), (256, 6), (512, 3)]),
    "vit": vit(),
    "wrn16_4": wide_resnet_16_4(),
}


@pytest.mark.parametrize("name", bundled_architectures())
def test_the_bundled_baselines(name: str) -> None:
    arch = EINSPACE.read(name)
    assert arch == EINSPACE.parse(BASELINES[name])
    model = einspec.compile(arch, head=10)
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_their_parameters() -> None:
    larger = einspec.load("einspace", input=(3, 64, 64))
    assert EINSPACE.read("resnet18").params == 11_173_632
    assert EINSPACE.read("vit").params == 4_269_568
    assert larger.read("vit").params == 4_367_872
