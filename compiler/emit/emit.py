"""Emitting: a graph as a ``torch.fx.GraphModule``. This is where torch comes in."""

from __future__ import annotations

import keyword
import operator
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral

import torch
from torch import fx

from einspec.compiler.costs.memory import activations
from einspec.compiler.emit.free import Free, Letters, check_module, free_axes, places
from einspec.compiler.emit.head import Head, Heads, heads_of, heads_params, made_head
from einspec.compiler.emit.modules import Expects
from einspec.compiler.emit.packed import pack
from einspec.compiler.emit.tracing import Tracer
from einspec.compiler.emit.weights import Weights
from einspec.compiler.graph.graph import Graph
from einspec.compiler.graph.lower import lower
from einspec.compiler.pipeline import built
from einspec.compiler.simplify.rewriting import Rule
from einspec.compiler.simplify.rules import FREE_RULES
from einspec.compiler.simplify.simplify import normal_form
from einspec.errors import CompileError
from einspec.space.deriving.typed_derivation import check_architecture
from einspec.space.space import Architecture
from einspec.text import bytes_text

MOST_CALLS = 1_000_000
"""Primitives that one forward pass may run; replicas of replicas soon ask for billions."""

RESERVED = ("self", "torch", "nn", "functional", "device", "inf", "nan", "copy", "math", "operator")
"""Names that the code of a module uses itself."""


def compile(
    arch: Architecture,
    head: Head = None,
    *,
    fuse: bool = True,
    seed: int = 0,
    passes: Sequence[Rule] = (),
    max_memory: int | None = None,
    free: Free = (),
) -> fx.GraphModule:
    """The torch module of an architecture: (batch, *input sizes) -> (batch, *output sizes), or with a head its scores.

    ``head`` is None, a number of classes (the mean over every axis but the channel, then a linear layer), or
    a function that makes a module from the output type; where the grammar names outputs, a dict of such by name.
    Weights are drawn from torch's default of each op, from ``seed`` and the place of each in the derivation, and leave
    torch's own generator as it was.

    With ``fuse`` the module runs larger ops that compute the same (convolutions, attention, all copies of a body at
    once); without it is the graph's own primitives one by one, for reading and for hooks. Either has a state dict of
    the same names and values, and loads the other's; linear layers that run as one have one packed parameter.
    ``passes`` are rules of one's own, see :func:`einspec.rewrite`; they change neither the key nor the costs of the
    architecture.

    ``free`` are letters of axes that shall have any size: ``("h", "w")``, ``("l",)``, or True for all but channels that
    can be. Nothing that the architecture holds may depend on them, no weight, split or merge; that is proved by running
    its type rules at other sizes. Export and source keep them free.

    Raises ``CompileError`` for an op without a torch realisation, for what no machine could run, and for what needs
    more than ``max_memory`` bytes, where given, for its weights and to run one example; a head that a function makes is
    not counted.
    """
    check_architecture("arch", arch)
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        raise TypeError(f"seed={seed!r}: expected a whole number")
    heads = heads_of(head, arch.output, arch.space.output_names)
    if arch.graph.written_out > MOST_CALLS:
        raise CompileError(
            f"one forward pass would run {arch.graph.written_out:,} primitives, and the limit is {MOST_CALLS:,}: "
            "replicas of replicas multiply; sample with max_macs or max_params, or fewer nodes"
        )
    rules = _rules(passes)

    def made(letters: Letters) -> fx.GraphModule:
        normal = normal_form(lower(arch), FREE_RULES) if letters else arch.graph
        graph = built(normal, passes=rules, fuse=fuse, is_free=bool(letters))
        if max_memory is not None:
            _check_memory(arch, graph, heads, max_memory)
        with torch.random.fork_rng(devices=[]):
            model = _written(arch, graph, Weights(int(seed)), heads, letters, packs=fuse)
        if letters:
            check_module(arch, model, letters, has_head=bool(heads))
        return model

    letters = free_axes(arch, free)
    model = _of_all_that_can_be(made, letters) if free is True else made(letters)
    model.meta["architecture"] = arch  # a deep copy keeps meta, a pickle keeps what is in __dict__
    model.__dict__["architecture"] = arch
    return model


def _of_all_that_can_be(made: Callable[[Letters], fx.GraphModule], letters: Letters) -> fx.GraphModule:
    """The module with as many of these axes free as torch computes with, each tried in turn."""
    found: Letters = ()
    model = None
    for letter in letters:
        try:
            model = made((*found, letter))
        except CompileError:
            continue
        found = (*found, letter)
    return model if model is not None else made(())


def _written(
    arch: Architecture, graph: Graph, weights: Weights, heads: Heads, letters: Letters, packs: bool
) -> fx.GraphModule:
    """A graph of an architecture as a module that checks its inputs, and ends in a head if there is one."""
    names = _identifiers(arch.space.input_types)
    tracer = Tracer(graph, names, weights)
    has_weights = arch.params > 0 or bool(heads)
    kinds = arch.space.inputs
    sizes = [
        tuple(None if place in free else size for place, size in enumerate(kind.sizes))
        for kind, free in zip(kinds, places(kinds, letters), strict=True)
    ]
    wanted = [(own, kind.dtype == "float") for own, kind in zip(sizes, kinds, strict=True)]
    expects = Expects(names, wanted, has_weights)
    checked = tracer.call("expects", expects, tracer.inputs)
    if len(names) == 1:
        tracer.inputs = [checked]
    else:
        tracer.inputs = [operator.getitem(checked, place) for place in range(len(names))]
    outputs = tracer.run()
    for place, (name, head) in heads.items():
        weights.draw_from(name)
        outputs[place] = tracer.call(name, made_head(head, graph.output_types[place]), [outputs[place]])
    if packs:
        pack(tracer.trace, tracer.root)
    return tracer.module(outputs, "Architecture", is_tuple=isinstance(arch.output, tuple))


def _rules(passes: Sequence[Rule]) -> Sequence[Rule]:
    if isinstance(passes, Rule):
        raise TypeError(f"passes={passes}: expected a list of rules; did you mean [{passes.name}]?")
    if not isinstance(passes, Sequence) or not all(isinstance(rule, Rule) for rule in passes):
        raise TypeError(f"passes={passes!r}: expected a list of rules, as @einspec.rewrite makes them")
    return passes


def _check_memory(arch: Architecture, graph: Graph, heads: Heads, max_memory: int) -> None:
    if not isinstance(max_memory, Integral) or isinstance(max_memory, bool):
        raise TypeError(f"max_memory={max_memory!r}: expected a whole number of bytes")
    if max_memory < 1:
        raise ValueError(f"max_memory={max_memory}: expected at least one byte")
    weights = (arch.params + heads_params(heads, graph.output_types)) * torch.get_default_dtype().itemsize
    running = activations(graph).peak
    if weights + running > max_memory:
        raise CompileError(
            f"the weights take {bytes_text(weights)} and running one example takes {bytes_text(running)}, together "
            f"{weights + running:,} bytes: more than max_memory, {max_memory:,} bytes; sample with max_params or "
            "max_macs, or allow more"
        )


def _identifiers(names: Iterable[str]) -> list[str]:
    """Parameter names for a space's inputs, as like them as Python allows; a single input has no name."""
    found: list[str] = []
    for name in names:
        clean = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name or "x"))  # as Python reads names
        if not clean.isidentifier() or keyword.iskeyword(clean) or clean in RESERVED:
            clean = f"input_{clean}"
        while clean in found:
            clean += "_"
        found.append(clean)
    return found
