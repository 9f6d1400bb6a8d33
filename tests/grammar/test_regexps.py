"""Which regular expressions can be tokens. An own backtracking matcher counts the steps of those that can."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import lark
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import einspec
from einspec.grammar.regexps.letters import LATER, matched
from einspec.grammar.regexps.problem import regexp_problem

AMBIGUOUS = (
    "what is repeated here can match one text in two ways, so that matching can take exponential time",
    "write it so that the next character decides, as in a+ for (a+)+ or (a|b)+ for (a|ab|b)+",
)
NULLABLE = (
    "what is repeated here can match nothing, so that there can be exponentially many ways to repeat it",
    "leave the ? or * inside out: the repeat around it is enough",
)
_DECIDE = "write it so that the next character decides where a repeat ends and which alternative it is"
SQUARE = ("matching this can take time that grows with the square of the text, or faster", _DECIDE)
MANY = ("there can be too many ways to match this", _DECIDE)
DEEP = ("the groups of this regular expression are nested over 30 deep", "leave parts of it to rules of the grammar")
EMPTY = ("a token must not be empty, and this can match nothing", "write + for *, or make a rule optional")
LOOK = (
    "this regular expression looks ahead or behind for something with a repeat or another look in it",
    "look only for characters one after the other, with | where there are several cases",
)
LARGE = ("the repeats of this regular expression come to over 10,000 characters", "repeat less often")
SETS = (
    "this regular expression has too many large sets of characters after U+00FF",
    "leave some sets out, or the flag i",
)
TOO_LARGE = (
    "what is repeated here is too large to tell whether it can match one text in two ways",
    "write it so that the next character decides",
)
ESCAPE = (
    "an escape in this regular expression stands for a character that has a meaning of its own there",
    "write \\ and the character itself",
)
PYTHON = "Python's re must read it; write \\ before a character that stands for itself"
WORDS = "|".join(f"{a}{b}{c}" for a in "abcdefghij" for b in "klmnopqr" for c in "stuvwxyz")

REFUSED = {
    "a" * 10_001: ("this regular expression has 10,001 characters, over 10,000", "leave parts of it to rules of the grammar"),
    "(" * 31 + "a" + ")" * 31: DEEP,
    "(" * 5_000: DEEP,
    "(a": ("this regular expression is wrong: missing ), unterminated subpattern", PYTHON),
    "[a": ("this regular expression is wrong: unterminated character set", PYTHON),
    "a{99999999999}": ("this regular expression is wrong: the repetition number is too large", PYTHON),
    "(?i)a": ("this regular expression is wrong: global flags not at the start of the expression", PYTHON),
    "(?<=a|bc)d": ("this regular expression is wrong: look-behind requires fixed-width pattern", PYTHON),
    "[[a]": ("this regular expression is wrong: possible nested set", "write \\ before it"),
    "[a--b]": ("this regular expression is wrong: possible set difference", "write \\ before it"),
    "a*": EMPTY,
    "": EMPTY,
    "a|b?": EMPTY,
    r"\b": EMPTY,
    "(?=a)": EMPTY,
    "a{0}": EMPTY,
    r"(a)\1": ("this regular expression refers back to a group", "write out what the group can match"),
    "(a)?(?(1)b|c)": ("this regular expression asks whether a group matched", "write the cases out, with |"),
    "(?P<x>a)": ("this regular expression names a group, and names of groups are taken", "write (?:...)"),
    "a(?=b*)": LOOK,
    "a(?!b(?=c))": LOOK,
    "a(?!" + "b" * 1_001 + ")": ("this regular expression looks ahead or behind for too much", "look for less, in fewer ways"),
    "a{1000000}": LARGE,
    "(a{1000}){1000}": LARGE,
    "(a{200}){51,}": LARGE,
    "[āăą]" * 101: SETS,
    "(?i:[Ā-\uffff][Ā-\uffff])": SETS,
    f"({WORDS})+": TOO_LARGE,
    r"a\x2b": ESCAPE,
    r"(a\x2b)\x2b": ESCAPE,
    r"(?x:a\t)": ESCAPE,
    r"a\u005b": ESCAPE,
    r"\\p{Lu}": (
        "Lark takes \\p{ in this regular expression for a Unicode category, which Python does not know",
        "write [{] for {",
    ),
    # Exponential
    "(a+)+": AMBIGUOUS,
    "(a+)+$": AMBIGUOUS,
    "(a|a)*b": AMBIGUOUS,
    "(a|aa)+$": AMBIGUOUS,
    "(a|ab|b)+c": AMBIGUOUS,
    "(ab|a|b)*?c": AMBIGUOUS,
    r"(\w+\s?)*x": AMBIGUOUS,
    r"([a-zA-Z]+)*x": AMBIGUOUS,
    r"(.*a){11}": AMBIGUOUS,
    r"(.*,)+x": AMBIGUOUS,
    "(x+x+)+y": AMBIGUOUS,
    "((a+)b?)+c": AMBIGUOUS,
    r"^(([a-z])+.)+[A-Z]([a-z])+$": AMBIGUOUS,
    r"(\d+\.?)+x": AMBIGUOUS,
    r"([^\"]|\\.)*x": AMBIGUOUS,
    r"\"(\\?.)*\"": AMBIGUOUS,
    "(?i:(a|bA|B)+)x": AMBIGUOUS,
    "(?i:(k|kx|[\u212a]y|x)+)z": AMBIGUOUS,
    r"(?:(?s:.)|\n)*x": AMBIGUOUS,
    r"(?s:/\*(.|\n)*?\*/)": AMBIGUOUS,
    r"(?>(a+)+)b": AMBIGUOUS,
    "(a++)++b": AMBIGUOUS,
    "(a*)*b": NULLABLE,
    "(a?){50}a{50}": NULLABLE,
    "(a|b|)+c": NULLABLE,
    "(a*b?)+c": NULLABLE,
    r"(\s*\w*)*x": NULLABLE,
    "((?=a))*b": NULLABLE,
    # Polynomial, or far too many
    "a*a*a*b": SQUARE,
    r"\w+\d+x": SQUARE,
    ".*.*=.*": SQUARE,
    r"\s*\n\s*x": SQUARE,
    r"<.*?>.*?</x>": SQUARE,
    r"[a-z]+_?[a-z]+x": SQUARE,
    r"(.|\n)*?\*/(.|\n)*?;": SQUARE,
    r"\d{1,200}\d{1,200}x": SQUARE,
    r"x*(?<!y)x*z": SQUARE,
    r".*(?<![āă])[ąą]*z": SQUARE,
    r"/\*([^*]|\*+[^*/])*\*+/": SQUARE,  # it is not, but that takes more than this bound to see
    "a*" * 2 + "$": SQUARE,
    "(a|ab)(bc|c)*(c|cb)*d": SQUARE,
    "a{0,50}a{0,50}a{0,50}b": MANY,
    "a?" * 30 + "a" * 30: MANY,
    "(?:a|a)" * 30: MANY,
    "(?:a|ab)(?:b|bc|)" * 15 + "x": MANY,
    "x" + "(|)" * 14 + "$": MANY,
}  # fmt: skip

ORDINARY = [
    "a",
    ".+",
    r"\s+",
    r"\d+",
    r"[ \t\f\r\n]+",
    r"(,\d+)*x",
    r"\d+(,\d+)*",
    r"(\r?\n)+",
    r"(\r?\n[\t ]*)+",
    r"\/\*(.|\n)*?\*\/",
    r"/\*[^*]*\*+([^/*][^*]*\*+)*/",
    r'"(\\.|[^"\\])*"',
    r'"(\\"|[^"])*"',
    r"'([^'\\]|\\.)*'",
    r"'(''|[^'])*'",
    r'"(\\"|\\x[0-9a-f]{2}|[^"\\])*"',
    r'".*?(?<!\\)(\\\\)*?"',
    r'"""(.|\n)*?"""',
    r"\d+(\.\d+)?([eE][+-]?\d+)?",
    r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?",
    r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|\d+",
    r"0x[\da-f]*|0b[01]*|[1-9]\d*",
    r"[a-zA-Z_]\w*",
    r"[^\W\d]\w*",
    r"[a-z]+(-[a-z]+)*",
    r"\w+(\.\w+)*@\w+",
    r"(?!//)[a-z]+",
    r"(?!if\b|else\b|while\b)[a-z]+",
    r"(?:(?!\*/).)+",
    r"\d{4}-\d{2}-\d{2}",
    r"\d{4}\d{2}",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"(\d{1,3}\.){3}\d{1,3}",
    r"#[^\n]*",
    r"//[^\n]*(\n|$)",
    r"(?i:select|from|where)\b",
    r"(?i:0x[0-9a-f]+)",
    r"(?s:<!--.*?-->)",
    r"(?x: a+ [ ] b )",
    r"<[^<>]+>",
    r"\$\{[^}]*\}",
    r"[A-Z]+(?=\()",
    r"(ab|ac|ad)+",
    r"(?:ab){2,}",
    r"[\u00e4-\u00fc]+|[\u0400-\u04ff]+",
    r"a++b|(?>cd)e",
    r"[\x5d\x21]",
    r"(foo|foobar|for)[0-9]*",
    r"(\s|[ \t])+x",  # Python makes one set of it
    r"([\w.]|\d)+@",
    r"(?i:(a|A)+)x",
    r"->|=>|==|=|<=|<",
    WORDS,
]


@pytest.mark.parametrize("pattern", REFUSED)
def test_refused_in_full(pattern: str) -> None:
    assert regexp_problem(pattern)[:2] == REFUSED[pattern]


@pytest.mark.parametrize("pattern", ORDINARY)
def test_ordinary_ones_are_accepted(pattern: str) -> None:
    assert regexp_problem(pattern) is None
    re.compile(pattern)


def _terminals_of_lark() -> dict[str, str]:
    names = re.findall(
        r"^([A-Z_]+) *:", (Path(lark.__file__).parent / "grammars/common.lark").read_text(), re.MULTILINE
    )
    visible = [name for name in names if not name.startswith("_")]
    text = "".join(f"%import common.{name}\n" for name in visible) + f"start: {' | '.join(visible)}\n"
    return {terminal.name: terminal.pattern.to_regexp() for terminal in lark.Lark(text, lexer="basic").terminals}


@pytest.mark.parametrize(("name", "pattern"), _terminals_of_lark().items())
def test_terminals_of_lark_are_accepted(name: str, pattern: str) -> None:
    assert regexp_problem(pattern) is None, name


def _written_in(path: Path) -> list[str]:
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("//")]
    return [found for line in lines for found in re.findall(r"(?<![/*])/((?:\\.|[^/\\])+)/(?=\s|\+|$)", line)]


def test_expressions_written_in_grammars_are_accepted() -> None:
    paths = [Path(lark.__file__).parent / "grammars/common.lark", *Path("grammars").glob("*.lark")]
    written = {pattern for path in paths for pattern in _written_in(path)}
    assert {r"\s+", r"[ \t\f\r\n]", r"(.|\n)*?", r"#[^\n]*", r"\/\/[^\n]*", r"--[^\n]*"} <= written
    # Two or three are only parts of tokens and match nothing alone.
    assert {pattern for pattern in written if regexp_problem(pattern)} == {".*?", r"(.|\n)*?", r"(?<!\\)(\\\\)*?"}


def test_many_characters_take_a_bounded_effort() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    large = [
        "a?" * 4_999 + "a",
        "(a|bc)" * 1_600,
        "|".join(a + b + c for a in letters for b in letters for c in "xyz"),
        "(?:xa|xb" + "b?" * 4_900 + ")*y",
        "(?:xa|x" + "." * 4_900 + ")*y",
        "(a|ab)*" * 1_400,
        "[āă]" * 2_500,
        "()" * 5_000,
        "(?=a)" * 2_000,
        "[" * 10_000,
        "(?:" * 30 + "(?:ab|ac)" + "{8}x|y)" * 30,
    ]
    for pattern in large:
        effort = _calls(lambda pattern=pattern: regexp_problem(pattern))
        assert effort < 1_000_000, pattern[:40]


def _calls(function: Callable[[], object]) -> int:
    """The calls of Python functions, which do not depend on how busy the machine is."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("flags", ["", "i", "a", "ai", "s"])
@pytest.mark.parametrize(
    "pattern",
    [".", "a", "k", "K", "[^k]", r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", r"[^\W\d_]", "[a-f]", "[^A-F]", "[À-ÿ]", "[^À-þ]",
     "ß", "µ", "ÿ", "Å", "\u0131", "\u212a", "[\u017f-\u0180]", "[^\u017f]", "[\x80-\uffff]", r"[^\x00-\uffff]"],
)  # fmt: skip
def test_sets_hold_what_python_matches(flags: str, pattern: str) -> None:
    from re import _parser

    compiled = re.compile(f"(?{flags}:{pattern})" if flags else pattern)
    value = 0
    for flag in flags:
        value |= {"i": re.IGNORECASE, "a": re.ASCII, "s": re.DOTALL}[flag]
    letters = matched(_parser.parse(pattern, value)[0], value)
    low = sum(1 << code for code in range(256) if compiled.match(chr(code)))
    assert low & ~letters == 0
    if not letters & LATER:
        assert letters == low
        assert not any(compiled.match(chr(code)) for code in range(256, 0x11000))


@given(st.one_of(st.text(max_size=40), st.text(alphabet="ab()[]{}|*+?.\\^$-,:=!<>01iPxud", max_size=40)))
@settings(max_examples=500, deadline=None)
def test_any_text_is_judged_without_errors_or_warnings(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem = regexp_problem(pattern)
        if problem is None:
            assert re.compile(pattern).match("") is None
            re.compile(f"(?P<A>{pattern})|(?P<B>b)")


def test_no_recursion_errors_near_the_limit() -> None:
    def nested(depth: int) -> object:
        return nested(depth - 1) if depth else regexp_problem("(" * 30 + "a" + ")" * 30)

    used = 0
    frame = sys._getframe()
    while frame.f_back:
        used, frame = used + 1, frame.f_back
    assert nested(0) is None
    for room in (60, 100, 200):
        assert nested(sys.getrecursionlimit() - used - room) in (None, (*DEEP, False))


# Trees of small expressions, matched by continuations in the order in which ``re`` tries things.
Tree = tuple[object, ...]


def _trees() -> st.SearchStrategy[Tree]:
    letters = st.sampled_from(["a", "b", "[ab]", "c"]).map(lambda letter: ("letter", letter))
    bounds = st.sampled_from([(0, None), (1, None), (0, 1), (0, 2), (2, 2), (1, 3), (2, None), (3, 3)])
    return st.recursive(
        letters,
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=4).map(lambda parts: ("then", *parts)),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: ("or", *parts)),
            st.tuples(inner, bounds, st.booleans()).map(lambda found: ("repeat", *found)),
        ),
        max_leaves=12,
    )


def _written(tree: Tree) -> str:
    kind, *parts = tree
    if kind == "letter":
        return f"({parts[0]})"  # in a group of its own, so that Python does not make one set of two alternatives
    if kind == "repeat":
        body, (low, high), is_lazy = parts
        return f"(?:{_written(body)}){{{low},{'' if high is None else high}}}{'?' if is_lazy else ''}"
    return f"(?:{('' if kind == 'then' else '|').join(map(_written, parts))})"


class _Stop(Exception):
    pass


class _Matcher:
    """A matcher that goes on by calls; ``steps`` counts the characters it looked at."""

    def __init__(self, text: str, limit: int):
        self.text, self.limit, self.steps = text, limit, 0

    def matches(self, tree: Tree, position: int, then: Callable[[int], bool]) -> bool:
        kind, *parts = tree
        if kind == "letter":
            self.steps += 1
            if self.steps > self.limit:
                raise _Stop
            return position < len(self.text) and self.text[position] in str(parts[0]).strip("[]") and then(position + 1)
        if kind == "or":
            return any(self.matches(part, position, then) for part in parts)
        if kind == "then":
            return self.in_order(parts, position, then)
        return self.rounds(parts, 0, position, then)

    def in_order(self, parts: list[Tree], position: int, then: Callable[[int], bool]) -> bool:
        if not parts:
            return then(position)
        return self.matches(parts[0], position, lambda end: self.in_order(parts[1:], end, then))

    def rounds(self, repeat: list, count: int, position: int, then: Callable[[int], bool]) -> bool:
        body, (low, high), is_lazy = repeat

        def again() -> bool:
            if high is not None and count >= high:
                return False
            return self.matches(
                body, position, lambda end: end > position and self.rounds(repeat, count + 1, end, then)
            )

        if count < low:
            return again()
        return then(position) or again() if is_lazy else again() or then(position)


def _all_steps(tree: Tree, text: str, limit: int) -> int:
    matcher = _Matcher(text, limit)
    matcher.matches(tree, 0, lambda end: False)  # whatever follows fails, so that everything is tried
    return matcher.steps


@given(_trees())
@settings(max_examples=600, deadline=None)
def test_accepted_ones_are_matched_in_linear_time(tree: Tree) -> None:
    pattern = _written(tree)
    if regexp_problem(pattern) is not None:
        return
    re.compile(pattern)
    places = pattern.count("a") + pattern.count("b") + pattern.count("c")
    for piece in ("a", "b", "ab", "ba", "aab", "abb", "c", "ac"):
        texts = [piece * (size // len(piece)) for size in (10, 20, 40)]
        few, some, many = (_all_steps(tree, text, 50 * 50**2 * places) for text in texts)
        assert many <= 50 * (len(texts[2]) + 10) * places**2
        # Steps of a linear matcher no more than double with the text once its bounded parts are exhausted.
        assert many <= 2.5 * some + 40 * places**2, (few, some, many)


def test_the_matcher_tells_slow_expressions() -> None:
    a = ("letter", "a")
    plus: Tree = ("repeat", a, (1, None), False)
    with pytest.raises(_Stop):
        _all_steps(("repeat", plus, (1, None), False), "a" * 30, 100_000)
    assert _all_steps(plus, "a" * 30, 100_000) == 31


@pytest.mark.parametrize("name", ["lark", "python"])
def test_grammars_of_lark_itself_are_read_where_they_are_trusted(name: str) -> None:
    path = Path(lark.__file__).parent / f"grammars/{name}.lark"
    slow = ("square of the text", "match one text in two ways")
    assert name == "python" or any(words in _problems(path, trusted=False) for words in slow)
    assert not any(words in _problems(path, trusted=True) for words in slow)


def _problems(path: Path, trusted: bool) -> str:
    """The errors: its rules name no ops, whatever else is right."""
    with pytest.raises(einspec.GrammarError) as error:
        einspec.load(path, trusted=trusted)
    return str(error.value)
