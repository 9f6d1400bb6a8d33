"""How fast architectures are parsed and type-checked: by Lark's LALR parser, and by the probabilistic one."""

from __future__ import annotations

import einspec
from benchmarks.measure import Row, cpu_seconds
from einspec.grammar.parsing.sentences import SentenceParser
from einspec.text import Source

LEVELS = 11


def sentence(levels: int) -> str:
    """A balanced tree of seq, of 5 * 2 ** levels - 4 tokens."""
    return "relu" if levels == 0 else f"seq({sentence(levels - 1)}, {sentence(levels - 1)})"


def rows(rounds: int = 7) -> list[Row]:
    """Seconds for one sentence of 10,236 tokens."""
    space = einspec.load("einspace", input=(3, 32, 32))
    text = sentence(LEVELS)
    parser = SentenceParser(space.grammar)
    space.parse("seq(relu, norm)")
    parser.earley.parse("seq(relu, norm)")
    whole = [cpu_seconds(space.parse, text) for _ in range(rounds)]
    lalr = [cpu_seconds(parser.parse, Source("text", text)) for _ in range(rounds)]
    earley = [cpu_seconds(parser.earley.parse, text) for _ in range(rounds)]
    return [
        Row("10,236 tokens of einspace, parsed and type-checked", whole, "s", "at most 2"),
        Row("the same by LALR, parsed alone", lalr, "s"),
        Row("the same by probability, parsed alone", earley, "s"),
    ]
