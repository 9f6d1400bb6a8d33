"""Arguments of wrong kinds are told so by name: never another error, from deep inside."""

from __future__ import annotations

import inspect
import re
from functools import partial

import pytest

import einspec
import einspec.compiler
from einspec import search, testing
from einspec.ops import combinator, each, let, primitive, tie

SPACE = einspec.load("mlp")
ARCH = SPACE.parse("mlp(16, dense; layer)")
WRONG = (None, 5, "relu", object(), [ARCH])

ARCHITECTURES = {
    "isomorphic, a": ("a", lambda value: einspec.isomorphic(value, ARCH)),
    "isomorphic, b": ("b", lambda value: einspec.isomorphic(ARCH, value)),
    "correspondence, a": ("a", lambda value: einspec.correspondence(value, ARCH)),
    "correspondence, b": ("b", lambda value: einspec.correspondence(ARCH, value)),
    "interpret": ("arch", lambda value: einspec.interpret(value, None)),
    "compile": ("arch", einspec.compile),
    "mutate": ("arch", partial(SPACE.mutate, rng=0)),
    "propose": ("arch", partial(SPACE.propose, rng=0)),
    "crossover, first": ("arch", lambda value: SPACE.crossover(value, ARCH, rng=0)),
    "crossover, second": ("arch", lambda value: SPACE.crossover(ARCH, value, rng=0)),
    "neighbours": ("arch", SPACE.neighbours),
    "coverage": ("arch", lambda value: SPACE.coverage([value])),
}


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("call", ARCHITECTURES)
def test_an_architecture_is_expected(call, value):
    name, function = ARCHITECTURES[call]
    with pytest.raises(TypeError) as caught:
        function(value)
    assert str(caught.value) == (
        f"{name}: expected an architecture, as space.parse or space.sample gives, not {type(value).__name__}"
    )


def test_a_module_and_tensors_are_expected():
    with pytest.raises(TypeError, match=r"^model: expected a module that einspec.compile made, not NoneType$"):
        einspec.interpret(ARCH, None)
    with pytest.raises(TypeError, match=r"^input 0: expected a tensor \(batch, \*sizes\), not str$"):
        einspec.interpret(ARCH, einspec.compile(ARCH), "x")


# Every public function, with arguments that are right: each is replaced by all kinds of things in turn.

MODEL = einspec.compile(ARCH)


def evaluate(arch):
    return 1.0


def identity(x: einspec.Type) -> einspec.Type:
    return x


PUBLIC = {
    "load": (einspec.load, {"name": "mlp", "input": (8,), "ops": None, "limits": None}),
    "loads": (einspec.loads, {"text": 's: "r" -> relu', "input": (8,), "ops": None, "limits": None, "name": "t"}),
    "compile": (einspec.compile, {"arch": ARCH, "head": 3, "seed": 0, "passes": (), "max_memory": None}),
    "isomorphic": (einspec.isomorphic, {"a": ARCH, "b": ARCH}),
    "correspondence": (einspec.correspondence, {"a": ARCH, "b": ARCH}),
    "transfer": (einspec.transfer, {"source": MODEL, "destination": MODEL}),
    "export": (einspec.export, {"model": MODEL, "path": "never/there/is.py"}),
    "rewrite": (einspec.rewrite, {"equation": "relu(relu(x)) = relu(x)"}),
    "parse_graph": (einspec.compiler.parse_graph, {"text": str(ARCH.graph)}),
    "Limits": (einspec.Limits, {"max_nodes": 3, "max_depth": 3, "attempts": 3, "max_params": 3, "max_macs": 3}),
    "Type": (einspec.Type, {"axes": (3, 8), "dtype": "float", "layout": None}),
    "primitive": (lambda **kw: primitive(torch=None, **kw)(identity), {"name": "n", "inputs": None}),
    "primitive, rule": (primitive, {"rule": identity}),
    "combinator": (lambda **kw: combinator(**kw)(lambda x, body: x), {"name": "n", "inputs": None}),
    "tie": (tie, {"child": None}),
    "let": (let, {"cell": None, "body": None}),
    "each": (each, {"child": None, "values": []}),
    "architectures": (testing.architectures, {"space": SPACE, "max_depth": None, "max_nodes": 10}),
    "reweighted": (SPACE.grammar.reweighted, {"changes": {}}),
    "Grammar.count": (SPACE.grammar.count, {"symbol": None}),
    "sample": (
        partial(SPACE.sample, attempts=20),
        dict.fromkeys(("where", "nodes", "depth", "params", "macs", "output", "contains", "max_nodes", "max_params"))
        | {"rng": 0},
    ),
    "samples": (
        lambda **kw: list(SPACE.samples(kw.pop("n"), attempts=20, **kw)),
        {"n": 2, "rng": 0, "unique": False, "where": None},
    ),
    "derive": (SPACE.derive, {"choose": lambda at, nonterminal, members: 0}),
    "enumerate": (lambda **kw: next(SPACE.enumerate(**kw)), {"max_depth": 3, "max_nodes": 5}),
    "count": (SPACE.count, {"max_depth": 3, "rng": 0, "draws": 10}),
    "counts_by_output": (SPACE.counts_by_output, {"max_depth": 3}),
    "counts_by_depth": (SPACE.counts_by_depth, {"depths": 2}),
    "success_probability": (SPACE.success_probability, {"max_depth": 3, "rng": 0, "draws": 10}),
    "most_probable": (SPACE.most_probable, {"k": 2}),
    "realised": (SPACE.realised, {"attempts": 20, "rng": 0}),
    "parse": (SPACE.parse, {"text": str(ARCH), "name": "x"}),
    "read": (SPACE.read, {"name": "x.arch"}),
    "from_json": (SPACE.from_json, {"text": ARCH.to_json()}),
    "from_choices": (SPACE.from_choices, {"choices": [1, 2]}),
    "mutate": (partial(SPACE.mutate, attempts=20), {"arch": ARCH, "rng": 0, "kind": None, "where": None}),
    "propose": (SPACE.propose, {"arch": ARCH, "rng": 0}),
    "crossover": (
        partial(SPACE.crossover, attempts=20),
        {"first": ARCH, "second": SPACE.sample(rng=0), "rng": 0, "where": None},
    ),
    "neighbours": (lambda **kw: list(SPACE.neighbours(**kw)), {"arch": ARCH}),
    "coverage": (SPACE.coverage, {"archs": [ARCH]}),
    "RandomSearch": (
        search.RandomSearch,
        {"space": SPACE, "seed": 0, "seeds": (), "where": None, "redraws": 10},
    ),
    "Evolution": (
        search.Evolution,
        {"space": SPACE, "seed": 0, "seeds": (), "where": None, "population": 4, "tournament": 2},
    ),
    "run_search": (
        search.run_search,
        {
            "strategy": search.RandomSearch(SPACE, seed=0),
            "evaluate": evaluate,
            "budget": 1,
            "out": None,
            "progress": None,
        },
    ),
    "random_search": (search.random_search, {"space": SPACE, "evaluate": evaluate, "budget": 1, "seed": 0}),
    "evolution": (search.evolution, {"space": SPACE, "evaluate": evaluate, "budget": 1, "seed": 0}),
    "read_run": (search.read_run, {"out": "never/there"}),
    "load_task": (search.load_task, {"name": "never"}),
    "save_best": (search.save_best, {"out": "never/there", "arch": ARCH, "model": MODEL}),
    "draw_progress": (search.draw_progress, {"path": "never/there.svg", "runs": {}}),
}
THINGS = {
    "none": None,
    "number": 5,
    "negative": -1,
    "fraction": 2.5,
    "nan": float("nan"),
    "true": True,
    "bytes": b"x",
    "object": object(),
    "list": [ARCH],
    "dict": {"a": 1},
    "architecture": ARCH,
    "space": SPACE,
    "module": MODEL,
}
FROM_DEEP_INSIDE = re.compile(
    r"object is not|not supported between|unhashable|unsupported operand|has no len|expected str, bytes"
)


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_function_takes_its_kinds_and_tells_others(name, thing, tmp_path, monkeypatch):
    """What is not taken is one of our errors, or a TypeError or ValueError that says what was expected."""
    monkeypatch.chdir(tmp_path)
    function, arguments = PUBLIC[name]
    for argument in arguments:
        if (argument, thing) in (("choose", "module"), ("evaluate", "module"), ("progress", "module")):
            continue  # a module can be called, with what is up to it
        if argument in ("where", "head", "progress") and thing == "module":
            continue
        said = ""
        try:
            function(**{**arguments, argument: THINGS[thing]})
        except (TypeError, ValueError, einspec.EinspecError) as error:
            said = str(error)
        assert not FROM_DEEP_INSIDE.search(said), argument


def test_every_public_function_is_in_the_table():
    listed = {name.partition(",")[0] for name in PUBLIC} | {name.partition(",")[0] for name in ARCHITECTURES}
    public = {
        name
        for where, names in ((einspec, dir(einspec)), (search, dir(search)), (einspec.Space, dir(einspec.Space)))
        for name in names
        if inspect.isroutine(getattr(where, name)) and not name.startswith("_")
    }
    assert public - listed <= {"made", "remembered", "input_text"}
