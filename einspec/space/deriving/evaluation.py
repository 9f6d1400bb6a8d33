"""Evaluating combinators over types: one evaluation draws, replays and checks derivations.

A combinator is run over types; its children are handles that draw their derivation when they are first
called, and replay it later, possibly at other types. Who picks is a *chooser*,
``choose(address, nonterminal, members) -> index``; children that are given are followed instead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from einspec.errors import GrammarError, ShapeError
from einspec.ops.control import Child, Misuse, Stop
from einspec.ops.declare import Combinator, Inputs, Op, Outputs
from einspec.ops.expressions.bounds import within_bounds
from einspec.space.deriving.derivation import Derivation, leaf
from einspec.space.deriving.handles import BoundChild, TiedChild
from einspec.space.deriving.rejected import DeadEnd, Rejected
from einspec.space.deriving.table import OPEN, UNKNOWN, Table, legal_members
from einspec.space.members.environment import EMPTY, Environment
from einspec.space.members.layout import Option, Structure, TooLong
from einspec.space.members.member import Member, Nonterminal
from einspec.space.members.open_member import OpenMember
from einspec.text import Problem
from einspec.types import Type


class Address:
    """Where a choice is made, computed when somebody asks."""

    __slots__ = ()

    @property
    def path(self) -> tuple[int, ...]:
        """Child indices from the root."""
        raise NotImplementedError


Chooser = Callable[[Address, Nonterminal, Table], "int | Member | None"]
"""Picks a member, or the index of one in the table; None or a negative index mean that none will do: a dead end."""

Record = Callable[[Nonterminal, Member, Inputs, Environment], None]
"""Is told of each choice at its first call, in the order in which choices are made."""


Known = dict[tuple[int, Inputs, object], Outputs]
"""Outputs of subtrees, by the identity of their root, their inputs and the attributes around them."""


class Run:
    """One attempt. ``nodes`` counts the nodes drawn so far, against ``max_nodes``; ``known`` subtrees are taken as they
    are. ``work`` is what it cost besides, in nodes drawn.
    """

    __slots__ = (
        "choose",
        "known",
        "max_depth",
        "max_nodes",
        "nodes",
        "record",
        "replayed",
        "uniform",
        "varied_ties",
        "work",
    )

    def __init__(
        self,
        choose: Chooser | None,
        max_nodes: float,
        max_depth: float,
        record: Record | None = None,
        replayed: dict[Any, Any] | None = None,
        known: Known | None = None,
    ):
        self.choose = choose
        self.known = known
        # A random chooser's draws among members that all apply need neither a table nor a call.
        self.uniform: Callable[[], float] | None = getattr(choose, "uniform", None)
        self.max_nodes = max_nodes
        self.max_depth = max_depth
        self.record = record
        self.nodes = 0
        self.work = 0
        self.replayed = {} if replayed is None else replayed
        self.varied_ties = False

    def first(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs:
        """Draws the derivation of a child and returns its outputs."""
        nonterminal = child.nonterminal
        uniform = self.uniform
        via: tuple[Member, ...] = ()
        while True:
            if uniform is not None and nonterminal.always_applies:
                last = nonterminal.last
                member = nonterminal.members[
                    bisect_right(nonterminal.cumulative, uniform() * nonterminal.total, 0, last) if last else 0
                ]
            else:
                known = nonterminal.only_table
                if known is None:
                    known = nonterminal.tables.get(inputs if environment.key is None else (inputs, environment.key))
                table = legal_members(nonterminal, inputs, environment) if known is None else known
                if uniform is None:
                    found = self.chosen(child, nonterminal, table, inputs, environment)
                else:
                    found = table.draw(uniform)
                if found is None:
                    raise DeadEnd(nonterminal, inputs, environment, child.within)
                member = found
            if self.record is not None:
                self.record(nonterminal, member, inputs, environment)
            if member.op is not None:
                break
            via = (*via, member) if via else member.alone
            nonterminal = member.children[0]
        self.nodes += 1
        if self.nodes > self.max_nodes:
            raise Rejected("max_nodes")
        if child.depth > self.max_depth:
            raise Rejected("max_depth")
        if not member.has_children:
            outputs = table.outcomes[member.index]
            if outputs is UNKNOWN:
                outputs = table.outcome(member)
            if outputs is not OPEN:
                child.node = member.leaves.get(via) or leaf(member, via)
                return outputs if outputs is not None else member.infer(inputs, environment)
        elif member.is_open:
            member = self.laid_out(child, member, inputs, environment)
            if member.is_leaf(environment):
                child.node = leaf(member, via)
                found_outputs = member.outcome(inputs, environment)
                return found_outputs if found_outputs is not None else member.infer(inputs, environment)
        return self.combine(child, member, via, inputs, environment, None)

    def laid_out(self, child: TypedChild, member: Member, inputs: Inputs, environment: Environment) -> Member:
        """An open member with its groups and repetitions decided, each by a choice."""
        assert isinstance(member, OpenMember)

        def pick(structure: Structure) -> Option:
            if self.uniform is not None:
                place = self.uniform() * structure.total if structure.last else 0.0
                option = structure.members[bisect_right(structure.cumulative, place, 0, structure.last)]
            else:
                table = legal_members(structure, (), EMPTY)
                found = self.chosen(child, structure, table, (), EMPTY)
                if found is None:
                    raise DeadEnd(structure, inputs, environment, child.within)
                option = found
            assert isinstance(option, Option)
            if self.record is not None:
                self.record(structure, option, inputs, environment)
            return option

        try:
            found = member.draw(pick, self.max_nodes - self.nodes)
        except TooLong as error:
            raise Rejected(error.args[0]) from None
        if self.nodes + len(found.children) > self.max_nodes:
            raise Rejected("max_nodes")
        return found

    def chosen(
        self, child: TypedChild, nonterminal: Nonterminal, table: Table, inputs: Inputs, environment: Environment
    ) -> Member | None:
        """The member that the chooser picks; None for a dead end."""
        choose = self.choose
        assert choose is not None, "a derivation to follow has a hole"
        member = choose(child, nonterminal, table)
        if isinstance(member, int):
            return table[member] if member >= 0 else None
        return member

    def follow(self, child: TypedChild, inputs: Inputs, environment: Environment) -> Outputs:
        """Type-checks the derivation that a child was given, drawing what is missing in it."""
        node = child.node
        assert node is not None
        if self.known is not None:
            outputs = self.known.get((id(node), inputs, environment.key))
            if outputs is not None:
                return outputs
        member = node.member
        is_guarded = member.guard is not None
        for passed in node.via:
            is_guarded = is_guarded or passed.guard is not None
        if is_guarded:
            try:
                for passed in node.via:
                    passed.check_guard(inputs, environment)
                if member.has_children:
                    member.check_guard(inputs, environment)
            except ShapeError as error:
                raise _located(error, child, member) from None
        if self.record is not None:
            nonterminal = child.nonterminal
            for passed in node.via:
                self.record(nonterminal, passed, inputs, environment)
                nonterminal = passed.children[0]
            for chosen in member.choices:
                self.record(chosen.home, chosen, inputs, environment)
        if member.is_leaf(environment):
            found = member.outcome(inputs, environment)
            return found if found is not None else self.refuse(child, member, inputs, environment)
        return self.combine(child, member, node.via, inputs, environment, node)

    def refuse(self, child: TypedChild, member: Member, inputs: Inputs, environment: Environment) -> Outputs:
        """Raises the ``ShapeError`` of a leaf that does not apply, with its address."""
        try:
            return member.infer(inputs, environment)
        except ShapeError as error:
            raise _located(error, child, member) from None

    def combine(
        self,
        child: TypedChild,
        member: Member,
        via: tuple[Member, ...],
        inputs: Inputs,
        environment: Environment,
        given: Derivation | None,
    ) -> Outputs:
        """Runs a combinator over types, and makes the node of what its children became."""
        op = member.op
        assert isinstance(op, Combinator)
        child.member = member
        depth = child.depth + 1
        children = [TypedChild(self, child, i, n, environment, depth) for i, n in member.places]
        if given is not None:
            for handle, node in zip(children, given.children, strict=True):
                handle.node = node
        try:
            if not member.is_simple:
                attributes = member.attributes(environment)
                if environment.bindings:
                    for name in member.reads:
                        if name in environment.bindings:
                            attributes[name] = BoundChild(environment.bindings[name], environment)
                outputs = op.call(inputs, member.args, member.arranged(children), attributes)
            elif len(inputs) == member.takes:
                outputs = op.function(*inputs, *children)
            else:
                outputs = op.call(inputs, (), children, {})
        except Stop:
            raise
        except Exception as error:
            refusal = op.refusal(error, inputs, ()) if member.is_simple else error
            if isinstance(refusal, ShapeError):
                raise _located(refusal, child, member) from None
            if refusal is not error:
                raise refusal from None
            member.note_place(error)
            raise
        nodes: list[Any] = []
        for handle in children:
            if handle.called is None:
                if not hasattr(handle, "is_bound"):
                    raise member.never_calls(handle.index, inputs)
                unused = f"nothing calls its child {handle.index + 1}, {handle.nonterminal.name}, by its name"
                raise _located(ShapeError(unused), child, member)
            nodes.append(handle.node)
        if given is None or any(new is not old for new, old in zip(nodes, given.children, strict=True)):
            child.node = Derivation(member, via, tuple(nodes))
        if type(outputs) is Type:
            return outputs
        try:
            return member.checked(outputs)
        except ShapeError as error:
            raise _located(error, child, member) from None


def _located(error: ShapeError, child: TypedChild, member: Member) -> ShapeError:
    """The error with the address where it arose; the innermost wins."""
    if error.address is None:
        message = str(error)
        if not message.startswith(member.text()):
            error = ShapeError(f"{member.text()}: {message}")
        error.address = child.path
    return error


def _shown(value: object) -> str:
    """What is no single value: most often the outputs of an op that has several."""
    return f"{len(value)} outputs, {', '.join(map(str, value))}," if isinstance(value, tuple) else repr(value)


def no_single_value(child: str, value: object) -> Exception:
    """The error for an input of a child: a mistake of the op's author, unless another child gave several values."""
    if isinstance(value, tuple):
        return ShapeError(f"{child} is given {_shown(value)} as one input")
    return Misuse(f"{child} is given {value!r} as an input", "what is no value goes down as an attribute, by name")


class TypedChild(Child, Address):
    """A child in an evaluation over types: draws or follows at the first call, replays after it."""

    __slots__ = (
        "called",
        "called_in",
        "depth",
        "environment",
        "index",
        "is_bound",
        "member",
        "node",
        "nonterminal",
        "outputs",
        "parent",
        "plan",
        "run",
    )
    member: Member
    """Its member, while that is evaluated."""
    is_bound: bool
    """Set where it stands for a name."""
    plan: Any
    """What the chooser that picked its member notes for the choices below."""

    def __init__(
        self,
        run: Run,
        parent: TypedChild | None,
        index: int,
        nonterminal: Nonterminal,
        environment: Environment,
        depth: int,
    ):
        self.run = run
        self.parent = parent
        self.index = index
        self.nonterminal = nonterminal
        self.environment = environment
        self.depth = depth
        self.node: Derivation | None = None
        self.called: Inputs | None = None
        self.called_in: Environment
        self.outputs: Outputs

    def __call__(self, *inputs: Type, **attributes: object) -> Outputs:
        if attributes or self.called is not None or self.node is not None:
            environment = self.environment.extended(attributes) if attributes else self.environment
            return self.enter(inputs, environment)
        for value in inputs:
            if type(value) is not Type:
                raise self.misfit(value)
        environment = self.environment
        outputs = self.run.first(self, inputs, environment)
        self.called, self.called_in, self.outputs = inputs, environment, outputs
        return outputs

    @property
    def within(self) -> Op | None:
        """The op whose child it is; None at the root."""
        return None if self.parent is None else self.parent.member.op

    def misfit(self, value: object) -> Exception:
        """The error for an input that is no single value."""
        return no_single_value(f"its child {self.index + 1}, {self.nonterminal.name},", value)

    def enter(self, inputs: Inputs, environment: Environment) -> Outputs:
        """The outputs at these inputs and attributes."""
        if self.called is not None:
            if self.called == inputs and self.called_in is environment:
                return self.outputs
            return self.replay(inputs, environment)
        run = self.run
        for value in inputs:
            if type(value) is not Type:
                raise self.misfit(value)
        outputs = run.first(self, inputs, environment) if self.node is None else run.follow(self, inputs, environment)
        self.called = inputs
        self.called_in = environment
        self.outputs = outputs
        return outputs

    def replay(self, inputs: Inputs, environment: Environment) -> Outputs:
        """The same derivation again, at other types or under other attributes. It costs no choice.

        Remembered over the attempt: nested replays would otherwise multiply.
        """
        key = (self.node, inputs, environment.identity)
        known = self.run.replayed.get(key)
        if known is None:
            run = Run(None, self.run.max_nodes, self.run.max_depth, None, self.run.replayed, self.run.known)
            again = TypedChild(run, self.parent, self.index, self.nonterminal, environment, self.depth)
            again.node = self.node
            outputs = again.enter(inputs, environment)
            self.run.varied_ties |= run.varied_ties
            self.run.work += run.work + (2 * self.node.size if self.node is not None else 0)
            known = self.run.replayed[key] = (outputs, environment)  # keeps alive what the key's identity names
        replayed: Outputs = known[0]
        return replayed

    def tied(self) -> Child:
        return TiedChild(self)

    def note_bound(self) -> None:
        self.is_bound = True

    def each(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """As the base's; calls at one type have one outcome, so a thousand copies cost one call."""
        parts = tuple(values)
        if parts and parts.count(parts[0]) == len(parts):
            part = parts[0]
            return (self(*part) if isinstance(part, tuple) else self(part),) * len(parts)
        return super().each(parts)

    @property
    def path(self) -> tuple[int, ...]:
        indices: list[int] = []
        child: TypedChild | None = self
        while child is not None and child.parent is not None:
            indices.append(child.index)
            child = child.parent
        return tuple(reversed(indices))


def evaluate(
    run: Run, start: Nonterminal, inputs: Inputs, given: Derivation | None = None
) -> tuple[Derivation, Outputs]:
    """One evaluation from the root: draws what ``given`` does not hold.

    Raises ``Rejected`` at a limit or a dead end, ``ShapeError`` where types do not fit.
    """
    root = TypedChild(run, None, 0, start, EMPTY, 1)
    root.node = given
    outputs = within_bounds(lambda: root.enter(inputs, EMPTY))
    assert root.node is not None
    if type(outputs) is not Type:
        check_root(root.node.member, outputs)
    return root.node, outputs


def check_root(member: Member, outputs: Outputs) -> None:
    """Raises ``GrammarError`` where a whole architecture gives a number."""
    several = outputs if isinstance(outputs, tuple) else (outputs,)
    number = next((value for value in several if not isinstance(value, Type)), None)
    if number is not None:
        production = member.production
        message = f"a network gives values, and {member.text()} gave {number!r}"
        advice = "numbers go up to an op that computes with them"
        problem = Problem(production.source, production.start, production.end, "E405", message, advice)
        raise GrammarError(str(problem))
