"""The structure of a grammar: what derives nothing or itself, what is written twice, what is never reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from einspec.grammar.model.problems import Problems
from einspec.grammar.model.rules import Group, Item, Literal, Production, Reference, Repeat, Rule
from einspec.text import plural

MOST_RULES = 500
MOST_SYMBOLS = 1500
"""Rules, each as often as depths have weights of their own."""


def check_structure(rules: Mapping[str, Rule], start: str, problems: Problems) -> None:
    """Notes rules that derive nothing, that derive themselves, and alternatives that are written twice."""
    if not _check_size(rules, problems):
        return
    depths = minimal_depths(rules)
    for rule in rules.values():
        if math.isinf(depths[rule.name]):
            problems.of(rule.source).error(
                "E203",
                rule.start,
                rule.start + len(rule.name),
                f"the rule {rule.name} derives nothing: each alternative needs it again, or another such rule",
                "add an alternative that ends",
            )
        _check_twins(rule, problems)
    _check_transparent_circles(rules, problems)
    reachable = reachable_rules(rules, start, lambda production: True)
    for rule in rules.values():
        if rule.name not in reachable and rule.source is problems.source:
            problems.warning(
                "W501",
                rule.start,
                rule.start + len(rule.name),
                f"the rule {rule.name} is never reached from {start}",
                "use it, or leave it out",
            )


def _check_size(rules: Mapping[str, Rule], problems: Problems) -> bool:
    """Whether there are not too many rules: analysis takes time that grows with the cube of their number."""
    depths = max((len(p.weights) for rule in rules.values() for p in rule.productions), default=1)
    is_too_large = len(rules) > MOST_RULES or len(rules) * depths > MOST_SYMBOLS
    if is_too_large:
        rule = list(rules.values())[min(MOST_RULES, len(rules) - 1)]
        problems.of(rule.source).error(
            "E105",
            rule.start,
            rule.start + len(rule.name),
            f"{len(rules):,} rules at {plural(depths, 'depth')} of the tree: at most {MOST_RULES:,} rules, and "
            f"{MOST_SYMBOLS:,} with those of all depths, can be analysed",
            "join rules, or give weights for fewer depths",
        )
    return not is_too_large


def _check_twins(rule: Rule, problems: Problems) -> None:
    seen: dict[object, Production] = {}
    for production in rule.productions:
        first = seen.setdefault(_shape(production.items), production)
        if first is not production:
            problems.of(production.source).error(
                "E205",
                production.start,
                production.end,
                f"{rule.name} has this alternative twice, first at {first.source.place(first.start)}",
                "a text of it could mean both: change a word, or leave one out",
            )


def _shape(items: Iterable[Item]) -> tuple[object, ...]:
    """What items are, wherever they are written."""
    shapes: list[object] = []
    for item in items:
        if isinstance(item, Group):
            shapes.append(("group", tuple(map(_shape, item.alternatives))))
        elif isinstance(item, Repeat):
            shapes.append(("repeat", item.least, item.most, _shape(item.items)))
        elif isinstance(item, Literal):
            shapes.append(item)
        else:
            shapes.append((type(item).__name__, item.name or getattr(item, "values", None)))
    return tuple(shapes)


def _check_transparent_circles(rules: Mapping[str, Rule], problems: Problems) -> None:
    """An alternative that is one nonterminal makes no node, so a circle of them has infinitely many derivations."""
    only = {name: [p for p in rule.productions if p.is_transparent] for name, rule in rules.items()}
    for name in rules:
        frontier, seen = list(only[name]), set[str]()
        while frontier:
            child = frontier.pop().children[0]
            if child == name:
                production = next(p for p in only[name])
                problems.of(production.source).error(
                    "E204",
                    production.start,
                    production.end,
                    f"the rule {name} can derive itself alone",
                    "break the circle, or give an alternative of it a word or an alias",
                )
                break
            if child not in seen:
                seen.add(child)
                frontier += only[child]


def minimal_depths(rules: Mapping[str, Rule]) -> dict[str, float]:
    """Least depth of a derivation of each nonterminal, in nodes that name an op; infinite where there is none."""
    depths = dict.fromkeys(rules, math.inf)
    changed = True
    while changed:
        changed = False
        for name, rule in rules.items():
            for production in rule.productions:
                depth = production_depth(production, depths)
                if depth < depths[name]:
                    depths[name], changed = depth, True
    return depths


def production_depth(production: Production, depths: Mapping[str, float]) -> float:
    """Least depth of a derivation that begins with the production."""
    below = _least_depth(production.items, depths)
    return below if production.is_transparent else below + 1


def _least_depth(items: Iterable[Item], depths: Mapping[str, float]) -> float:
    """Least depth of what stands below a node."""
    found = 0.0
    for item in items:
        if isinstance(item, Reference):
            found = max(found, depths[item.name])
        elif isinstance(item, Group):
            found = max(found, min(_least_depth(alternative, depths) for alternative in item.alternatives))
        elif isinstance(item, Repeat) and item.least:
            found = max(found, _least_depth(item.items, depths))
    return found


def reachable_rules(rules: Mapping[str, Rule], start: str, use: Callable[[Production], bool]) -> set[str]:
    """The nonterminals that derivations from ``start`` can hold, over the productions that ``use`` accepts."""
    reachable, frontier = {start}, [start]
    while frontier:
        for production in rules[frontier.pop()].productions:
            if use(production):
                new = set(production.children) - reachable
                reachable |= new
                frontier += sorted(new)
    return reachable
