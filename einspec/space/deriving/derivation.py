"""Derivations: trees of productions, and iterative walks over them."""

from __future__ import annotations

from collections.abc import Iterator

from einspec.space.members.member import Member


class Derivation:
    """How a sentence was derived: the member chosen, the transparent members before it, the children.

    Immutable. ``size`` counts nodes that name an op, ``depth`` the longest path of them.
    """

    __slots__ = ("children", "depth", "member", "size", "via")
    size: int
    depth: int

    def __init__(self, member: Member, via: tuple[Member, ...], children: tuple[Derivation, ...]):
        self.member = member
        self.via = via
        self.children = children
        size, depth = 1, 0
        for child in children:
            size += child.size
            if child.depth > depth:
                depth = child.depth
        self.size = size
        self.depth = depth + 1

    @classmethod
    def with_children(cls, node: Derivation, children: tuple[Derivation | None, ...]) -> Derivation:
        """The same choice over other children; None is a hole, which an evaluation fills."""
        new = cls(node.member, node.via, tuple(child for child in children if child is not None))
        new.children = children  # type: ignore[assignment]
        return new

    @property
    def op_name(self) -> str:
        """The name of the op."""
        assert self.member.op is not None
        return self.member.op.name

    @property
    def args(self) -> tuple[object, ...]:
        """The op's arguments, converted."""
        return self.member.args

    def walk(self) -> Iterator[Derivation]:
        """All nodes in preorder."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def addresses(self) -> Iterator[tuple[tuple[int, ...], Derivation]]:
        """All nodes in preorder, each with its address: the child indices from the root."""
        stack: list[tuple[tuple[int, ...], Derivation]] = [((), self)]
        while stack:
            address, node = stack.pop()
            yield address, node
            for index in range(len(node.children) - 1, -1, -1):
                stack.append(((*address, index), node.children[index]))

    @property
    def kind(self) -> tuple[object, ...]:
        """The op, its arguments, how many children it gets how, and settings that are written beside it; two nodes
        without children are equal iff these are.
        """
        found = self.op_name, self.member.args, len(self.children), self.member.arrangement
        settings = [member.settings for member in (*self.via, self.member) if member.production.has_settings]
        return (*found, *settings) if settings else found

    def ops(self) -> list[tuple[object, ...]]:
        """The op tree in flat preorder: the kind of each node. Two are equal iff their trees are."""
        return [node.kind for node in self.walk()]

    def at(self, address: tuple[int, ...]) -> Derivation:
        """The node at an address: the child indices from here."""
        node = self
        for index in address:
            node = node.children[index]
        return node

    def path_to(self, number: int) -> list[tuple[Derivation, int]]:
        """From the root to the node of a preorder number: each ancestor with the index of its child on the way."""
        path: list[tuple[Derivation, int]] = []
        node = self
        while number:
            number -= 1
            for index, child in enumerate(node.children):
                if number < child.size:
                    path.append((node, index))
                    node = child
                    break
                number -= child.size
            else:
                raise IndexError("the derivation has fewer nodes")
        return path

    def __repr__(self) -> str:
        return f"<derivation {self.member.text()}: {self.size} nodes, {self.depth} deep>"


def leaf(member: Member, via: tuple[Member, ...]) -> Derivation:
    """The derivation that is one member without children. One object for each: most nodes are leaves."""
    node = member.leaves.get(via)
    if node is None:
        node = member.leaves[via] = Derivation(member, via, ())
    return node
