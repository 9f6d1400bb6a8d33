"""Binding: each production of a grammar to the op that it names, checked at its place in the file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from einspec.errors import GrammarError
from einspec.grammar.model.items import value_kinds
from einspec.grammar.model.ops import OpFile
from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import Choice, Literal, Production, Reference, Rule, RuleSet, leaves
from einspec.ops.declare import Op
from einspec.ops.expressions.files import WrittenOps, written_ops
from einspec.ops.opset import library_ops
from einspec.space.members.expansion import production_members
from einspec.space.members.fed import FedOp, fed_by
from einspec.space.members.guarding import guard_of, set_guard
from einspec.space.members.member import Nonterminal
from einspec.space.members.open_member import OpenMember
from einspec.space.members.plan import Plan
from einspec.text import Source, did_you_mean, listing, plural

_MOST_MEMBERS = 60_000
"""Members at all depths."""


def bind(grammar: RuleSet, ops: WrittenOps) -> list[dict[str, Nonterminal]]:
    """The nonterminals of a grammar with their members, at depth 1, 2, ... of the tree; the last stand for all below.

    There is one depth unless the grammar gives weights per depth. Raises ``GrammarError`` with all unknown ops, wrong
    arities and arguments, each at its place.
    """
    problems = Problems(grammar.source)
    bound: list[dict[str, Nonterminal]] = []
    for depth in range(1, grammar.depths + 1):
        bound.append(_bind_at(grammar, depth, ops, problems))
        problems.raise_errors()
    everything = [nonterminal for nonterminals in bound for nonterminal in nonterminals.values()]
    for at, nonterminals in enumerate(bound):
        everything += _bind_children(nonterminals, bound[min(at + 1, len(bound) - 1)], at + 1)
    set_minimal_depths(everything)
    return bound


def _bind_children(
    nonterminals: Mapping[str, Nonterminal], below: Mapping[str, Nonterminal], depth: int
) -> list[Nonterminal]:
    """Binds what the members at a depth derive; gives the nonterminals that decide on groups and repetitions."""
    plans: dict[tuple[str, int], Plan] = {}
    names: set[str] = set()
    for nonterminal in nonterminals.values():
        for member in nonterminal.members:
            production = member.production
            if isinstance(member, OpenMember):
                place = production.symbol, production.index
                if place not in plans:
                    plans[place] = Plan(production, depth, below.__getitem__, names)
                member.plan_with(plans[place])
            else:
                around = nonterminals if member.is_transparent else below
                member.bind(tuple(around[item.name] for item in member.items if isinstance(item, Reference)))
    return [structure for plan in plans.values() for structure in plan.structure]


def _bind_at(grammar: RuleSet, depth: int, ops: WrittenOps, problems: Problems) -> dict[str, Nonterminal]:
    """The nonterminals at a depth of the tree, their members without children yet."""
    bound: dict[str, Nonterminal] = {}
    total = 0
    for rule in grammar.rules.values():
        members = []
        for production in rule.productions:
            op = None if production.is_transparent else _find_op(production, grammar.rules, ops, problems)
            if op is None and not production.is_transparent:
                continue
            try:
                found = production_members(production, depth, op)
                if production.guard is not None:
                    guard = guard_of(production, op, problems)
                    for member in found:
                        set_guard(member, op, guard)
                members += found
            except ValueError as error:
                name = production.op_name
                where = problems.of(production.source)
                advice = _numerals(production, op) or _usage(op)
                where.error("E402", production.start, production.end, f"{name} {error}", advice)
        bound[rule.name] = Nonterminal(rule.name, depth, members)
        total += len(members)
        if grammar.depths * total > _MOST_MEMBERS:
            depths = f" at {grammar.depths} depths of the tree" if grammar.depths > 1 else ""
            raise GrammarError(
                f"{grammar.source.name}: over {_MOST_MEMBERS:,} members{depths}, which are alternatives with a value "
                "for each of their arguments: give terminals fewer values, or weights for fewer depths"
            )
    return bound


def check_ops(
    own: tuple[Op, ...], rules: Mapping[str, Rule], files: Mapping[Source, OpFile], problems: Problems
) -> None:
    """Notes what is wrong with the ops that files write; and where anything is wrong, aliases that are no ops, in
    alternatives with which nothing else is.
    """
    ops = written_ops(tuple(files.values()), own)
    problems.found += ops.problems
    if not problems.has_errors:
        _check_used(ops, rules, files, problems)
        return
    for rule in rules.values():
        for production in rule.productions:
            span = range(production.start, production.end)
            is_right = not any(p.start in span and p.source == production.source for p in problems.found)
            if is_right and production.alias is not None and production.alias not in ops.of(production.source):
                _find_op(production, rules, ops, problems)


def set_minimal_depths(nonterminals: Sequence[Nonterminal]) -> None:
    """Notes the least depth of a derivation of positive weight of each; infinite where there is none."""
    changed = True
    while changed:
        changed = False
        for nonterminal in nonterminals:
            depth = min((member.least_depth for member in nonterminal.drawn), default=math.inf)
            if depth < nonterminal.minimal_depth:
                nonterminal.minimal_depth, changed = depth, True


def _check_used(ops: WrittenOps, rules: Mapping[str, Rule], files: Mapping[Source, OpFile], problems: Problems) -> None:
    """Warns of defs of the file that no alternative names and no def calls."""
    file = files.get(problems.source)
    if file is None:
        return
    named = {p.op_name for rule in rules.values() for p in rule.productions if not p.is_transparent}
    for text in file.texts:
        if text.name in named or text.name in ops.called.get(file.source, ()):
            continue
        advice = "name it in an alternative, call it, or leave it out"
        if text.name in rules:
            advice = (
                f"an alternative of one rule alone passes that on: write   -> {text.name}   behind it to name the op"
            )
        message = f"no alternative names {text.name}, and no def calls it"
        problems.warning("W514", text.start, text.end, message, advice)


def _find_op(production: Production, rules: Mapping[str, Rule], written: WrittenOps, problems: Problems) -> Op | None:
    """The op that a production names, if it exists and takes as many children."""
    name = production.op_name
    ops = written.of(production.source)
    op = ops.get(name)
    if op is None:
        if written.is_broken(production.source, name):
            return None
        source = "the alias" if production.alias else "the rule's name"
        advice = did_you_mean(name, ops) or "write it as   //% def   in this file, or load it with ops=..."
        if production.alias is None:
            words = [leaf.text for leaf in leaves(production.items) if isinstance(leaf, Literal) and leaf.text in ops]
            advice = f"name the op of this alternative, as in   -> {words[0] if words else 'OP'}"
            if _is_of_numbers(rules[production.symbol]):
                advice = _upper(production.symbol)
                if any(problem.advice == advice for problem in problems.found):
                    return None
        problems.of(production.source).error(
            "E401", production.start, production.end, f"there is no op {name} ({source})", advice
        )
        return None
    kinds = value_kinds(production.items)
    wanted, given = len(op.signature.children), kinds.count("child")
    if wanted != given:
        fed = fed_by(op, kinds)
        is_of_numbers = any(_is_of_numbers(rules[child]) for child in production.children)
        is_left_out = not any(argument.is_required for argument in op.signature.arguments if argument.name in fed)
        is_of_values = is_left_out and any(_is_of_values(rules[child]) for child in production.children)
        if len(fed) == given - wanted > 0 and not is_of_numbers and not is_of_values:
            return FedOp(op, fed, production)
        problems.of(production.source).error(
            "E402",
            production.start,
            production.end,
            f"{name} takes {plural(wanted, 'child')}, and this alternative has {given}",
            next(
                (_upper(child) for child in production.children if _is_of_numbers(rules[child])),
                _arity(op, given, kinds.count("argument")),
            ),
        )
        return None
    return op


def _is_of_numbers(rule: Rule) -> bool:
    """Whether a rule is what others write for an argument: quoted numbers, and nothing else."""
    return all(
        len(production.items) == 1 and isinstance(production.items[0], Choice) and production.alias is None
        for production in rule.productions
    )


def _is_of_values(rule: Rule) -> bool:
    """Whether all alternatives of a rule name ops of the library without children, which give no numbers."""
    names = [production.op_name for production in rule.productions if not production.is_transparent]
    ops = [library_ops().get(name) for name in names]
    return len(names) == len(rule.productions) and all(op is not None and not op.signature.children for op in ops)


def _upper(name: str) -> str:
    """The advice for a rule that is meant as an argument."""
    return f"arguments are terminals, in upper case: call it {name.strip('_').upper()}, here and where it is used"


def _numerals(production: Production, op: Op | None) -> str:
    """The advice for quoted numerals that are more arguments than the op has, and may be meant as words."""
    quoted = [item for item in production.choices if not item.name]
    if op is None or not quoted or value_kinds(production.items).count("argument") <= len(op.signature.arguments):
        return ""
    text = quoted[0].values[0]
    return (
        f'"{text}" is a quoted numeral, which is an argument; if it is meant as a word, give it a name that begins '
        f'with an underscore, as in   _{op.name.strip("_").upper()}: "{text}"'
    )


def _arity(op: Op, given: int, arguments: int) -> str:
    """The advice for another number of children: the declaration, and how arguments or inputs would be declared."""
    missing = len(op.signature.children) - given
    if 0 < missing <= arguments - len(op.signature.arguments):
        return f"{_usage(op)}; an argument has a type, as in   {op.signature.children[0]}: int"
    if missing < 1 or op.signature.inputs != 1 or library_ops().get(op.name) is op:
        return _usage(op)
    first = op.signature.children[:missing]
    return f"{_usage(op)}; for {listing(first, 'and')} as inputs, declare it with @combinator(inputs={1 + missing})"


def _usage(op: Op | None) -> str:
    return f"its declaration is {op.name}{op.signature}" if op else ""
