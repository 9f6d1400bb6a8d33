"""Rebinding: a subtree that comes to another depth, where the grammar may have other weights."""

from __future__ import annotations

from einspec.space.deriving.derivation import Derivation
from einspec.space.deriving.ground import Ground
from einspec.space.deriving.rejected import Rejected
from einspec.space.members.member import Member, Nonterminal


def at_its_depths(space: Ground, derivation: Derivation, *, is_drawn: bool = False) -> Derivation:
    """The derivation with each member that of its depth, where the grammar has weights per depth.

    Raises ``Rejected`` where ``is_drawn`` and something comes to a depth at which it would never be drawn.
    """
    return rebound(derivation, space.start, is_drawn=is_drawn) if space.has_weights_per_depth else derivation


def rebound(root: Derivation, start: Nonterminal, *, is_drawn: bool) -> Derivation:
    """The derivation from ``start`` that is written as this one, each member that of its depth. Holes stay.

    Raises ``Rejected`` where ``is_drawn`` and a subtree comes to a depth at which it would never be drawn.
    """
    done: list[Derivation | None] = []
    stack: list[tuple[Derivation | None, Nonterminal, tuple[Member, ...] | None]] = [(root, start, None)]
    while stack:
        node, nonterminal, chain = stack.pop()
        if node is None:
            done.append(None)
        elif chain is None:
            found: list[Member] = []
            for member in (*node.via, node.member):
                found.append(nonterminal.twin(member))
                if member.weight and not found[-1].weight and is_drawn:
                    raise Rejected("a weight of 0 at the new depth")
                if member is not node.member:
                    nonterminal = found[-1].children[0]
            stack.append((node, nonterminal, tuple(found)))
            children = zip(node.children, found[-1].children, strict=True)
            stack += [(child, below, None) for child, below in reversed(list(children))]
        else:
            cut = len(done) - len(node.children)
            children_done = tuple(done[cut:])
            del done[cut:]
            done.append(_with(node, chain, children_done))
    made = done[0]
    assert made is not None
    return made


def _with(node: Derivation, chain: tuple[Member, ...], children: tuple[Derivation | None, ...]) -> Derivation:
    """The node with another chain of members, and other children; itself where these are its own."""
    is_same = chain[-1] is node.member and chain[:-1] == node.via
    if is_same and all(new is old for new, old in zip(children, node.children, strict=True)):
        return node
    return Derivation.with_children(Derivation(chain[-1], chain[:-1], ()), children)
