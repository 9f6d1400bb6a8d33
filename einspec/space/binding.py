"""Binding: each production of a grammar to the op that it names, checked at its place in the file."""

from __future__ import annotations

from collections.abc import Mapping

from einspec.grammar.analysis import minimal_depths
from einspec.grammar.model import Grammar, Literal, Production
from einspec.grammar.problems import Problems
from einspec.ops.declare import Op
from einspec.space.member import Nonterminal, production_members
from einspec.text import did_you_mean, plural


def bind(grammar: Grammar, ops: Mapping[str, Op]) -> dict[str, Nonterminal]:
    """The nonterminals of a grammar with their members.

    Raises ``GrammarError`` with all unknown ops, wrong arities and arguments, each at its place.
    """
    problems = Problems(grammar.source)
    depths = minimal_depths(grammar.rules, drawn_only=True)
    bound: dict[str, Nonterminal] = {}
    for rule in grammar.rules.values():
        members = []
        for production in rule.productions:
            op = None if production.is_transparent else _find_op(production, ops, problems)
            if op is None and not production.is_transparent:
                continue
            try:
                members += production_members(production, op)
            except ValueError as error:
                name = production.op_name
                problems.error("E402", production.start, production.end, f"{name} {error}", _usage(op))
        bound[rule.name] = Nonterminal(rule.name, members, depths[rule.name])
    problems.raise_errors()
    for nonterminal in bound.values():
        for member in nonterminal.members:
            member.bind(tuple(bound[name] for name in member.production.children))
    return bound


def _find_op(production: Production, ops: Mapping[str, Op], problems: Problems) -> Op | None:
    """The op that a production names, if it exists and takes as many children."""
    name = production.op_name
    op = ops.get(name)
    if op is None:
        source = "the alias" if production.alias else "the rule's name"
        advice = did_you_mean(name, ops) or "declare it in Python and load it with ops=..."
        if production.alias is None:
            words = [item.text for item in production.items if isinstance(item, Literal) and item.text in ops]
            advice = f"name the op of this alternative, as in   -> {words[0] if words else 'OP'}"
        problems.error("E401", production.start, production.end, f"there is no op {name} ({source})", advice)
        return None
    wanted, given = len(op.signature.children), len(production.children)
    if wanted != given:
        problems.error(
            "E402",
            production.start,
            production.end,
            f"{name} takes {plural(wanted, 'child')}, and this alternative has {given}",
            _usage(op),
        )
        return None
    return op


def _usage(op: Op | None) -> str:
    return f"its declaration is {op.name}{op.signature}" if op else ""
