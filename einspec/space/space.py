"""Spaces: a grammar, the ops that its productions name, an input type and limits. What one samples from."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einspec.arguments import expect_function, expect_path, expect_several, expect_text
from einspec.errors import SamplingError
from einspec.grammar.grammar import read_file, read_text
from einspec.ops.opset import own_ops
from einspec.recursion import deep
from einspec.space.counting import counting
from einspec.space.counting.counting import Estimate
from einspec.space.counting.probable import most_probable
from einspec.space.deriving.choosers import as_random
from einspec.space.deriving.domain import Domain
from einspec.space.deriving.evaluation import Address, Chooser
from einspec.space.deriving.ground import InputLike
from einspec.space.deriving.limits import Limits
from einspec.space.deriving.rejected import Rejected
from einspec.space.deriving.table import Table
from einspec.space.deriving.typed_derivation import TypedDerivation
from einspec.space.drawing import sampling
from einspec.space.drawing.coverage import Coverage, coverage
from einspec.space.drawing.enumeration import enumerate_space
from einspec.space.drawing.realised import Realised, realised
from einspec.space.drawing.seen import Seen
from einspec.space.drawing.wanted import WISHES, Wanted, Where, check_where, wanted
from einspec.space.members.binding import check_ops
from einspec.space.members.member import Nonterminal
from einspec.space.text import codec
from einspec.space.text.parsed import parse, read
from einspec.space.text.printing import sentence
from einspec.space.variation.crossover import crossover
from einspec.space.variation.kernel import propose
from einspec.space.variation.mutation import KindLike, mutate
from einspec.space.variation.neighbours import neighbours
from einspec.text import Source
from einspec.types import Type

if TYPE_CHECKING:
    from einspec.ops.declare import Outputs
    from einspec.space.deriving.derivation import Derivation


class Architecture(TypedDerivation):
    """One architecture of a space. Immutable; equal to another iff their op trees are: ops, arguments, children.

    Made by a space: ``space.sample``, ``space.parse`` and the like.
    """

    space: Space
    """The space that it type-checks in."""

    @cached_property
    def _text(self) -> str:
        return sentence(self.space, self.derivation)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        text = str(self)
        return f"<architecture {text if len(text) <= 80 else text[:77] + '...'}>"

    def to_json(self) -> str:
        """The architecture as JSON: its text, its choices, and the digest of the grammar that they belong to."""
        return codec.to_json(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.space, self.replayable, str(self))


def _restore(space: Space, choices: list[int] | None, text: str) -> Architecture:
    return codec.replay(space, choices, text)


class Space(Domain[Architecture]):
    """What one samples from; made by :func:`load` and :func:`loads`."""

    def made(self, derivation: Derivation, output: Outputs) -> Architecture:
        """A derivation that type-checks, as an architecture of this space."""
        return Architecture(self, derivation, output)

    def sample(self, *, rng: int | random.Random, where: Where | None = None, **asked: Any) -> Architecture:
        """Draws one architecture from Q(. | success, what is asked for).

        ``rng`` is a seed or a ``random.Random``. Asked for can be

        * ``where``, a predicate;
        * ``nodes``, ``depth``, ``params``, ``macs``: a number, or the two ends of a range, None for an open one;
        * ``output``, a type; ``contains``, an op by name (``"linear"``, ``"linear(64)"``), or several;
        * limits that tighten the space's: ``max_nodes``, ``max_depth``, ``max_params``, ``max_macs``, ``attempts``.

        With ``nodes``, sizes are drawn first where the grammar allows it (each rule has children in all its
        alternatives or in none); everything else is drawn again until it fits. Raises ``SamplingError`` when no
        attempt succeeds, with what rejected how often.

        >>> space = load("einspace", input=(3, 32, 32))
        >>> print(space.sample(rng=5, max_nodes=10))
        replicate(group(8,2), norm, cat(3))
        >>> len(space.sample(rng=0, nodes=60))
        60
        """
        limits, wish = self._asked(where, asked)
        generator = as_random(rng)
        return deep(limits.evaluation_depth, lambda: sampling.draw(self, generator, limits, wish))

    def samples(
        self,
        n: int,
        *,
        rng: int | random.Random,
        unique: bool = False,
        where: Where | None = None,
        **asked: Any,
    ) -> Iterator[Architecture]:
        """Draws n architectures, one at a time; ``unique`` leaves out identities that were drawn before.

        ``samples(1, rng=s)`` gives ``sample(rng=s)``; what can be asked for is the same. Raises ``SamplingError`` as
        :meth:`sample`, also when a draw finds nothing new within the attempts.
        """
        if isinstance(n, bool) or not isinstance(n, int):
            raise TypeError(f"n={n!r}: expected a whole number")
        if n < 0:
            raise ValueError(f"n={n}: expected at least 0")
        generator = as_random(rng)
        limits, wish = self._asked(where, asked)
        seen = Seen()
        wish = replace(wish, seen=seen if unique else None)

        def draw_all() -> Iterator[Architecture]:
            for _ in range(n):
                arch = deep(limits.evaluation_depth, lambda: sampling.draw(self, generator, limits, wish))
                if unique:
                    seen.add(arch)
                yield arch

        return draw_all()

    def _asked(self, where: Where | None, asked: dict[str, Any]) -> tuple[Limits, Wanted]:
        """The limits of a draw, and what it must be besides."""
        wishes = {name: asked.pop(name) for name in WISHES if name in asked}
        wish = wanted(self, where=where, **wishes)
        limits = wish.within(self.limits.tightened(**asked))
        sampling.check_limits(self, limits)
        return limits, wish

    def derive(self, choose: Chooser, **limits: int | None) -> Architecture:
        """One architecture whose choices are made by ``choose(address, nonterminal, members) -> index``.

        ``members`` is the sequence of those that apply; the first ``members.positive`` are those that can be
        drawn, at least one, with running sums of their weights in ``members.cumulative``. ``address.path`` says where
        in the derivation the choice is. None and negative numbers mean that none of them will do: a dead end. This is
        what a search tool plugs in, as in Optuna's define-by-run:
        ``space.derive(lambda at, nonterminal, members: trial.suggest_int(f"{at.path}{nonterminal.name}", 0,
        members.positive - 1))``. There is one attempt: raises ``SamplingError`` at a dead end, where the chooser is
        not asked, or at a limit; ``ValueError`` for an index that there is not.
        """
        expect_function("choose", choose, "a function of an address, a nonterminal and its members")
        exact = self.limits.tightened(**limits)

        def checked(address: Address, nonterminal: Nonterminal, members: Table) -> int:
            index = choose(address, nonterminal, members) if members.positive else None
            if index is None:
                return -1
            if not isinstance(index, int) or index >= len(members):
                raise ValueError(f"the chooser picked {index!r} of {len(members)} members of {nonterminal.name}")
            return index

        try:
            return deep(exact.evaluation_depth, lambda: sampling.attempt(self, checked, exact))
        except Rejected as rejected:
            raise SamplingError(
                f"these choices come to a dead end in {self.name}: {rejected.reason}; choose others"
            ) from None

    def enumerate(self, max_depth: int | None = None, **limits: int | None) -> Iterator[Architecture]:
        """All architectures of positive weight within the limits, one per derivation, the smallest first: those of one
        size, in the order of the grammar, before those of the next, each made when it is asked for.

        >>> [str(arch) for arch in islice(load("mlp").enumerate(), 2)]
        ['mlp(16, dense; layer)', 'mlp(16, norm; layer)']
        """
        exact = self.limits.tightened(max_depth=max_depth, **limits)
        sampling.check_drawable(self)
        return enumerate_space(self, exact)

    def count(
        self, max_depth: int | None = None, *, rng: int | random.Random = 0, draws: int = 2000, **limits: int | None
    ) -> int | Estimate:
        """How many architectures :meth:`enumerate` would give, without going through them.

        Exact where types tell it in some 300,000 runs of combinators: children are counted once for each way in
        which they are called. Past that, and under ``max_params`` or ``max_macs`` in large spaces, an
        :class:`~einspec.Estimate` with its error, from that many ``draws`` with ``rng`` (Knuth 1975). Raises
        ``SamplingError`` where an estimate would say nothing.

        >>> load("einspace", input=(3, 32, 32)).count(max_depth=2)
        2324
        """
        several = _several("draws", draws)
        return counting.count(self, self._counted(limits, max_depth), several, as_random(rng))

    def counts_by_output(self, max_depth: int | None = None, **limits: int | None) -> dict[Outputs, int]:
        """How many architectures there are of each output type. Raises ``SamplingError`` where :meth:`count` estimates.

        >>> load("nasbench201").counts_by_output()
        {Type('(64, 8, 8)'): 15625}
        """
        exact = self._counted(limits, max_depth)
        counts = counting.counts_by_output(self, exact)
        if counts is None:
            raise SamplingError(
                f"{self.name} within {exact.text()} has too many architectures to be counted by their output: "
                "tighten max_depth or max_nodes; count gives an estimate of all of them"
            )
        return dict(counts)

    def counts_by_depth(self, depths: int = 4) -> dict[int, int]:
        """How many architectures there are up to each depth, from the least one on: as many depths as are asked for,
        fewer where a count would take longer than a second, or where nothing is deeper.

        >>> load("einspace", input=(3, 32, 32)).counts_by_depth()
        {2: 2324}
        """
        return counting.counts_by_depth(self, _several("depths", depths, least=1))

    def success_probability(
        self, max_depth: int | None = None, *, rng: int | random.Random = 0, draws: int = 2000, **limits: int | None
    ) -> float | Estimate:
        """Z, the probability that one attempt succeeds within the limits: no dead end, no limit passed.

        Samples have the probability Q / Z, where log Q is their ``log_prob``. Exact up to rounding, or an
        :class:`~einspec.Estimate`, as :meth:`count`.
        """
        exact = self._bounded(limits, max_depth)
        return counting.success_probability(self, exact, _several("draws", draws), as_random(rng))

    def most_probable(self, k: int, **limits: int | None) -> list[Architecture]:
        """The k architectures of largest Q within the limits, the most probable first; fewer if there are fewer.

        Raises ``SamplingError`` when too many are about as probable.
        """
        if isinstance(k, bool) or not isinstance(k, int):
            raise TypeError(f"k={k!r}: expected a whole number")
        return list(islice(most_probable(self, self._bounded(limits)), max(0, k)))

    def _counted(self, limits: Mapping[str, int | None], max_depth: int | None) -> Limits:
        """The limits of a count. The default ones end a draw; up to them there are more than anybody counts."""
        exact = self._bounded(limits, max_depth)
        usual = Limits()
        if (exact.max_depth, exact.max_nodes) == (usual.max_depth, usual.max_nodes):
            self._check_finite()
        return exact

    def _bounded(self, limits: Mapping[str, int | None], max_depth: int | None = None) -> Limits:
        exact = self.limits.tightened(**limits).tightened(max_depth=max_depth)
        if exact.max_depth is None and exact.max_nodes is None:
            self._check_finite()
        return exact

    def _check_finite(self) -> None:
        if self.grammar.count() is None:
            raise SamplingError(
                f"{self.name} has infinitely many architectures: give max_depth or max_nodes, as in max_depth=3"
            )

    def realised(self, attempts: int = 2000, *, rng: int | random.Random = 0, **limits: int | None) -> Realised:
        """What so many attempts come to: how often each production is chosen among samples, beside its weight, how
        many attempts fail and what rejects them, and how large samples are. Fewer attempts where samples are large.

        >>> figures = load("einspace", input=(3, 32, 32)).realised(rng=0)
        >>> branch = figures.root["branch"]
        >>> print(f"{branch.nominal:.0%} of the weight, {branch.realised:.0%} of the samples")
        11% of the weight, 3% of the samples
        """
        exact = self.limits.tightened(**limits)
        sampling.check_limits(self, exact)
        return realised(self, _several("attempts", attempts), as_random(rng), exact)

    def parse(self, text: str, name: str = "<architecture>") -> Architecture:
        """Reads an architecture's text; ``name`` is what messages call it. Limits do not apply.

        Macros are expanded first where a line starts with ``def NAME``. Raises ``ParseError`` for a text that is
        not of the grammar, ``ShapeError`` for one that does not type-check; both show the place.

        >>> space = load("einspace", input=(3, 32, 32))
        >>> print(space.parse("def twice(x) = seq(x, x)\\ntwice(seq(norm, relu))"))
        seq(seq(norm, relu), seq(norm, relu))
        """
        expect_text("text", text, "the text of an architecture")
        expect_text("name", name, "what messages call it")
        return parse(self, text, name)

    def read(self, name: str | Path) -> Architecture:
        """Reads an architecture file with macros and ``//`` comments, or a bundled one by its name.

        Raises ``ParseError`` where there is no such file or it cannot be read, else as :meth:`parse`.

        >>> load("einspace", input=(3, 32, 32)).read("resnet18").params
        11173632
        """
        expect_path("name", name, "the name or the path of an architecture")
        return read(self, name)

    def from_json(self, text: str) -> Architecture:
        """Reads what ``arch.to_json()`` wrote. Raises ``ParseError`` for anything else, else as :meth:`parse`."""
        return codec.from_json(self, text)

    def from_choices(self, choices: Iterable[int]) -> Architecture:
        """An architecture from any list of whole numbers, read as choices; a dead end is repaired, within bounds.

        ``from_choices(arch.choices) == arch``. It does not follow the grammar's distribution, and limits do
        not apply. Raises ``SamplingError`` when the repair does not succeed, ``ParseError`` for other things
        than whole numbers.
        """
        return codec.from_choices(self, expect_several("choices", choices, "whole numbers"))

    def mutate(
        self,
        arch: Architecture,
        *,
        rng: int | random.Random,
        kind: KindLike = None,
        where: Where | None = None,
        **limits: int | None,
    ) -> Architecture:
        """A variant of an architecture: valid, within the limits, of another identity than ``arch``.

        ``kind`` is one of

        * ``"regrow"``: the subtree of a uniformly chosen node is drawn anew;
        * ``"resize"``: an op gets other arguments;
        * ``"insert"``: a new node comes to stand above a node, its other children are drawn;
        * ``"delete"``: a child comes to stand where its parent stands;
        * ``"swap"``: two subtrees change places;

        a dict of weights of these, or None for a mix of all. Raises ``SamplingError`` when no attempt succeeds, with
        what rejected how often, or at once where there is nothing to apply it to.
        """
        check_where(where)
        exact = self.limits.tightened(**limits)
        sampling.check_limits(self, exact)
        return mutate(self, codec.owned(self, arch), as_random(rng), exact, where, kind)

    def propose(
        self, arch: Architecture, *, rng: int | random.Random, **limits: int | None
    ) -> tuple[Architecture, float]:
        """One step of a Metropolis-Hastings walk over the space: ``(child, log_ratio)``.

        A node is chosen once, its subtree drawn anew or its op given other arguments; what fails or changes nothing
        is a step that stays, ``(arch, 0.0)``. Accepting ``child`` with probability ``min(1, exp(log_ratio))`` leaves
        Q(. | success) as it is (Hastings 1970); for a target f Q, add ``log f(child) - log f(arch)``.
        """
        exact = self.limits.tightened(**limits)
        sampling.check_finite(self, exact)
        return propose(self, codec.owned(self, arch), as_random(rng), exact)

    def crossover(
        self,
        first: Architecture,
        second: Architecture,
        *,
        rng: int | random.Random,
        where: Where | None = None,
        **limits: int | None,
    ) -> tuple[Architecture, Architecture]:
        """Exchanges a subtree of one architecture with one of another that can stand in its place.

        Both children are valid, within the limits, and of another key than the parent whose root they have.
        Subtrees with the same input types come first. Raises ``SamplingError`` when no attempt succeeds, or at once
        where no two subtrees could change places.
        """
        check_where(where)
        exact = self.limits.tightened(**limits)
        return crossover(self, codec.owned(self, first), codec.owned(self, second), as_random(rng), exact, where)

    def neighbours(self, arch: Architecture) -> Iterator[Architecture]:
        """The architectures that differ in one member with the same children nonterminals, its children kept.

        One after the other as they are asked for: node by node, in the order of the grammar, within the limits.
        """
        return neighbours(self, codec.owned(self, arch))

    def coverage(self, archs: Iterable[Architecture]) -> Coverage:
        """Which productions a set of architectures uses, and which never."""
        several = expect_several("archs", archs, "architectures")
        return coverage(self, [codec.owned(self, arch) for arch in several])

    def __reduce__(self) -> tuple[Any, ...]:
        return restore_space, (
            self.grammar.text,
            self.name,
            tuple(self.grammar.imported.items()),
            tuple(self.input_types.items()),
            self.own_ops,
            self.limits,
            self.grammar.is_trusted,
        )

    def __repr__(self) -> str:
        return f"<space {self.name}: input {self.input_text()}>"


def _several(name: str, number: int, least: int = 2) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"{name}={number!r}: expected a whole number")
    if number < least:
        raise ValueError(f"{name}={number}: expected at least {least}")
    return number


Imported = tuple[tuple[str, Source], ...]
Inputs = tuple[tuple[str, Type], ...]


@lru_cache(maxsize=16)
def _space(
    text: str, name: str, imported: Imported, inputs: Inputs, ops: Any, limits: Limits, is_trusted: bool
) -> Space:
    given = inputs[0][1] if [key for key, _ in inputs] == [""] else dict(inputs)
    return Space(read_text(text, name, imported=dict(imported), trusted=is_trusted), given, ops, limits)


def restore_space(
    text: str, name: str, imported: Imported, inputs: Inputs, ops: Any, limits: Limits, is_trusted: bool = False
) -> Space:
    """The space that was pickled; architectures that come back one by one share it."""
    try:
        hash(ops)
    except TypeError:
        return _space.__wrapped__(text, name, imported, inputs, ops, limits, is_trusted)
    return _space(text, name, imported, inputs, ops, limits, is_trusted)


def load(
    name: str | Path,
    input: InputLike | None = None,
    ops: Any = None,
    limits: Limits | None = None,
    *,
    trusted: bool = False,
) -> Space:
    """The space of a bundled name (einspace, nasbench201, darts, mlp) or of a grammar file.

    ``input`` is a type without the batch axis, or several by name; the default is the grammar's own.
    ``ops`` are ops of your own: a module, an op, or several. ``trusted`` is for a file of your own: regular expressions
    that can be slow to match, as Lark's own grammars have, are a warning then. Raises ``GrammarError`` for the grammar
    and ``ShapeError`` for the input.
    """
    expect_path("name", name, "the name of a space or the path of a grammar file")
    check = partial(check_ops, own_ops(ops))
    return Space(read_file(name, check=check, trusted=trusted), input, ops, limits)


def loads(
    text: str,
    input: InputLike | None = None,
    ops: Any = None,
    limits: Limits | None = None,
    name: str = "<text>",
    *,
    trusted: bool = False,
) -> Space:
    """The space of a grammar text; as :func:`load`. ``name`` is what messages call the text."""
    expect_text("text", text, "the text of a grammar")
    expect_text("name", name, "what messages call it")
    check = partial(check_ops, own_ops(ops))
    return Space(read_text(text, name, check=check, trusted=trusted), input, ops, limits)
