"""The library's newer primitives: laws, parameters and MACs against torch's, and what compiled networks do with them."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import einspec
from einspec.compiler.emit.source import source_of
from einspec.errors import ShapeError
from einspec.ops import Primitive, combinator, library_ops
from einspec.testing import check_laws
from einspec.types import Type
from tests.ops.families import EXAMPLES, REFUSED

OPS = {name: op for name, op in library_ops().items() if isinstance(op, Primitive)}
CASES = [(name, *example) for name, examples in EXAMPLES.items() for example in examples]
FIRST = [(name, *examples[0]) for name, examples in EXAMPLES.items()]


def tensor(kind: Type, device: str = "cpu") -> torch.Tensor:
    if kind.dtype == "int":
        return torch.zeros(2, *kind.sizes, dtype=torch.int64, device=device)
    return torch.zeros(2, *kind.sizes, device=device) if device == "meta" else torch.randn(2, *kind.sizes)


def test_every_op_is_at_five_types():
    assert all(len(set(map(repr, examples))) >= 5 for examples in EXAMPLES.values())


@pytest.mark.parametrize(("name", "kinds", "args"), CASES, ids=lambda value: str(value)[:60])
def test_laws(name, kinds, args):
    check_laws(OPS[name], kinds, *args)


@pytest.mark.parametrize(("name", "kinds", "args"), CASES, ids=lambda value: str(value)[:60])
def test_torch_agrees(name, kinds, args):
    op = OPS[name]
    expected = op.infer(kinds, args, {})
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        realised = op.realise(kinds, args, {})
        found = realised(*(tensor(kind, "meta") for kind in kinds))
    several, wanted = (found, expected) if isinstance(expected, tuple) else ((found,), (expected,))
    batch = 1 if op.laws.same_for_all else 2
    assert [tuple(value.shape) for value in several] == [(batch, *kind.sizes) for kind in wanted]
    if name not in ("lstm", "gru"):  # torch's counter sees nothing of their products
        assert counter.get_total_flops() == 2 * 2 * op.macs(kinds, args, {})
    named = realised.named_parameters() if isinstance(realised, torch.nn.Module) else ()
    assert {key: tuple(value.shape) for key, value in named} == dict(op.shapes(kinds, args, {}) or {})


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    kinds, args, message = REFUSED[name]
    with pytest.raises(ShapeError) as caught:
        OPS[name].infer(kinds, args, {})
    assert str(caught.value).endswith(f": {message}")


def network(name: str, kinds: tuple[Type, ...], args: tuple[object, ...]) -> einspec.Architecture:
    """The op between two pointwise ones, so that what compilation does around it is done."""
    op = OPS[name]

    def whole(*xs):
        xs = [OPS["times"](x, 2) for x in xs]
        named = dict(zip([a.name for a in op.signature.arguments], args, strict=True))
        found = op(*xs, **named)
        return tuple(OPS["times"](y, 3) for y in found) if isinstance(found, tuple) else OPS["times"](found, 3)

    made = combinator(name="whole", inputs=len(kinds))(_taking(whole, len(kinds)))
    given = {f"x{i}": kind for i, kind in enumerate(kinds)} if len(kinds) > 1 else kinds[0]
    return einspec.loads('start: "w" -> whole', input=given, ops=[made]).parse("w")


def _taking(function, count):
    if count == 1:
        return lambda a: function(a)
    return {
        2: lambda a, b: function(a, b),
        3: lambda a, b, c: function(a, b, c),
        4: lambda a, b, c, d: function(a, b, c, d),
    }[count]


@pytest.mark.parametrize(("name", "kinds", "args"), FIRST, ids=lambda value: str(value)[:60])
def test_compiled(name, kinds, args, tmp_path):
    """Compiled as interpreted; standalone source, torch.export, torch.compile without breaks, and bfloat16."""
    arch = network(name, kinds, args)
    model = einspec.compile(arch, seed=0).eval()
    xs = [tensor(kind) for kind in kinds]
    with torch.no_grad():
        expected = model(*xs)
        torch.testing.assert_close(expected, einspec.interpret(arch, model, *xs))
        names: dict[str, object] = {}
        exec(compile(source_of(model), "<standalone>", "exec"), names)
        standalone = names["Network"]().eval()  # type: ignore[operator]
        standalone.load_state_dict(model.state_dict())
        torch.testing.assert_close(standalone(*xs), expected)
        einspec.export(model, tmp_path / "m.pt2")
        exported = torch.export.load(tmp_path / "m.pt2").module()
        torch.testing.assert_close(exported(*xs), expected)
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        torch.testing.assert_close(compiled(*xs), expected)
        if name == "avg_pool3d":
            return  # torch has none of them for bfloat16 on a CPU
        half = model.to(torch.bfloat16)
        found = half(*[x.to(torch.bfloat16) if x.is_floating_point() else x for x in xs])
        for one in found if isinstance(found, tuple) else (found,):
            assert one.dtype in (torch.bfloat16, torch.int64)
            assert bool(torch.isfinite(one).all())
