"""Writing a compiled module as Python source that needs torch alone."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import fx, nn

from einspec.compiler.emit import modules, packed, stacked
from einspec.compiler.emit.transfer import architecture_of
from einspec.errors import CompileError
from einspec.space.space import Architecture
from einspec.version import VERSION

_HEADING = '''\
"""A network as plain PyTorch, which needs nothing else. Written by einspec {version}.

    model = {name}()
    model.load_state_dict(torch.load("weights.pt"))

Without weights that are loaded it has new ones, drawn as torch draws them.
"""

from __future__ import annotations

{imports}


class ShapeError(ValueError):
    """An input of another shape or dtype than the network takes."""
'''

_IMPORTS = (
    ("collections", ("OrderedDict",)),
    ("collections.abc", ("Callable", "Mapping", "Sequence")),
    ("math", ("inf", "nan")),
    ("typing", ("Any",)),
    ("torch", ("device", "nn")),
    ("torch.nn", ("functional",)),
)
"""What a source may use, by module."""

_OURS: dict[type[nn.Module], Callable[[Any], tuple[object, ...]]] = {
    modules.Expects: lambda m: (m.names, m.kinds, m.like is not None),
    modules.Position: lambda m: (tuple(m.position.shape),),
    modules.PatchConv2d: lambda m: (m.channels, m.out_features, m.kernel, m.stride, m.padding),
    modules.ChannelScale: lambda m: (m.weight.shape[0], *_stretched(m.shape), m.init),
    modules.ChannelBias: lambda m: (m.bias.shape[0], *_stretched(m.shape)),
    modules.DropPath: lambda m: (m.p,),
    modules.Table: lambda m: (tuple(m.weight.shape), m.init),
    modules.RelativePositions: lambda m: (m.weight.shape[1], m.height, m.width),
    modules.WindowMask: lambda m: (m.height, m.width, m.window, m.shift),
    modules.LearnedPositions: lambda m: tuple(m.weight.shape),
    modules.ClassToken: lambda m: tuple(m.token.shape),
    modules.SinusoidalPositions: lambda m: (),
    modules.RotaryPositions: lambda m: (),
    modules.LinearRecurrence: lambda m: (),
    **dict.fromkeys((modules.LSTMRows, modules.GRURows), lambda m: (m.input_size, m.hidden_size)),
    modules.MeanHead: lambda m: (m.axes, m.linear.in_features, m.linear.out_features),
    modules.LineBatchNorm: lambda m: (m.num_features,),
    modules.LinearRelu: lambda m: (m.in_features, m.out_features, m.slope),
    stacked.LinearWideRelu: lambda m: (m.copies, m.weight.shape[2], m.weight.shape[1], m.slope),
    **dict.fromkeys(
        (stacked.LinearStack, stacked.LinearWide), lambda m: (m.copies, m.weight.shape[2], m.weight.shape[1])
    ),
    **dict.fromkeys(
        (stacked.LinearSum, stacked.LinearSumStack),
        lambda m: (m.copies, m.weight.shape[2], m.weight.shape[1], m.terms),
    ),
    **dict.fromkeys(
        (stacked.Conv2dStack, stacked.Conv2dWide),
        lambda m: (
            m.copies, m.weight.shape[2] * m.groups, m.weight.shape[1], m.weight.shape[3], m.stride, m.padding,
            m.dilation, m.groups,
        ),
    ),
    **dict.fromkeys(
        (stacked.PatchConv2dStack, stacked.PatchConv2dWide),
        lambda m: (
            m.copies, m.weight.shape[2] // m.kernel**2, m.weight.shape[1], m.kernel, m.stride, m.padding,
        ),
    ),
    stacked.BatchNormStack: lambda m: (m.copies, m.weight.shape[1]),
    stacked.LayerNormStack: lambda m: (m.copies, m.weight.shape[1]),
    stacked.PositionStack: lambda m: (m.copies, *m.position.shape[1:]),
    packed.Packed: lambda m: (m.in_features, m.sizes),
}  # fmt: skip
"""Our own modules, which are written out with the source: the arguments that make one like another."""


def _stretched(shape: tuple[int, ...]) -> tuple[int, int]:
    """The axis of channels, and the rank."""
    return next((place for place, size in enumerate(shape) if size > 1), 0), len(shape)


_OF_LISTS = (nn.Sequential, nn.ModuleList, stacked.Each)

_LINE = 100

MOST_NUMBERS = 10_000
"""Numbers of a tensor that are written out."""


def source_of(model: nn.Module) -> str:
    """The source of a module that ``compile`` has made: one class ``Network``, which has the same state dict.

    What a user has written (the architecture's text, names) stands in it as quoted strings and checked names only.
    Raises ``CompileError`` for a module that ``compile`` has not made, and for ops whose modules or functions are not
    torch's.
    """
    arch = architecture_of(model)
    if not isinstance(model, fx.GraphModule):
        raise CompileError(f"a {type(model).__name__} that einspec.compile has not made: its code is unknown")
    writer = _Writer(model)
    parts = [*writer.definitions(), *writer.classes]
    heading = _HEADING.format(name="Network", version=VERSION, imports=_imports("\n".join(parts)))
    constants = f"ARCHITECTURE = {_quoted(str(arch))}\n\nSPACE = {_quoted(arch.space.name)}\n"
    return "\n\n".join([heading, *parts, constants])


def _imports(text: str) -> str:
    """The imports of what a text uses, torch's after Python's."""
    lines = []
    for module, names in _IMPORTS:
        used = [name for name in names if re.search(rf"(?<![.\w]){name}\b", text)]
        if module == "torch":
            lines += ["", "import torch"]
        if used:
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join(lines).strip()


def _shapes(arch: Architecture, model: nn.Module) -> str:
    """What goes in and comes out, for a docstring: no text of a user is in it."""
    outputs = arch.output if isinstance(arch.output, tuple) else (arch.output,)
    given, made = (
        " and ".join(f"(batch, {', '.join(map(str, kind.sizes))})" for kind in kinds)
        for kinds in (arch.space.inputs, outputs)
    )
    return f"{given} -> {'the scores of a head over ' if hasattr(model, 'head') else ''}{made}."


class _Writer:
    """Writes the classes of a module and of its bodies."""

    def __init__(self, model: fx.GraphModule) -> None:
        self.classes: list[str] = []
        self.used: set[type[nn.Module]] = set()
        self.packed: dict[int, str] = {}
        first: dict[int, str] = {}
        self.aliases: dict[str, str] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            if first.setdefault(id(module), path) != path:
                self.aliases[path] = first[id(module)]
        shared = [
            f"self.get_submodule({above!r}).add_module({last!r}, self.get_submodule({other!r}))"
            for path, other in self.aliases.items()
            for above, _, last in [path.rpartition(".")]
        ]
        self.graph_module(model, "Network", "", shared, _shapes(architecture_of(model), model))

    def definitions(self) -> Iterator[str]:
        """The classes of ours that are used, each after those that it is made from."""
        needed = {base for used in self.used for base in used.__mro__}
        if needed & {stacked.PatchConvolutions}:
            needed.add(modules.PatchConv2d)
        if needed & {stacked.PositionStack}:
            needed.add(modules.Position)
        for module in (modules, stacked, packed):
            for value in vars(module).values():
                if inspect.isclass(value) and value in needed and value.__module__ == module.__name__:
                    yield _clean(inspect.getsource(value))
        if needed & {modules.LinearRelu, stacked.LinearWideRelu}:
            yield _clean(inspect.getsource(modules.activated))
        if packed.PackedPart in needed:
            yield _clean(inspect.getsource(packed.make_real))
        if needed & {stacked.Conv2dStack, stacked.PatchConv2dStack, stacked.BatchNormStack}:
            yield _clean(inspect.getsource(stacked.parted))

    def graph_module(
        self, module: fx.GraphModule, name: str, path: str, more: Sequence[str] = (), text: str = "A body of copies."
    ) -> None:
        """Writes a class for a module, after those of its bodies; ``path`` is where it stands, with a dot behind."""
        self.packed |= {id(part): f"self.{place}" for place, part in module.named_children()}
        parts = list(self.parts(module, name, path, ""))
        parts.sort(key=lambda part: "PackedPart(" in part[1])  # which need what is packed
        lines = [f"self.{place} = {made}" for place, made in parts]
        body = "\n".join(f"        {line}" for line in ["super().__init__()", *lines, *more])
        forward = "\n".join(f"    {line}".rstrip() for line in _forward(module).splitlines())
        head = f'class {name}(nn.Module):\n    """{text}"""\n\n    def __init__(self):\n'
        self.classes.append(f"{head}{body}\n\n{forward}\n")

    def parts(self, module: nn.Module, name: str, path: str, place: str) -> Iterator[tuple[str, str]]:
        """What a module holds, as expressions by its place in it; what stands elsewhere too comes later."""
        for child, value in module._modules.items():
            if value is None or f"{path}{place}{child}" in self.aliases:
                continue
            yield (
                f"{place}{child}",
                self.made(value, f"{name}_{place}{child}".replace(".", "_"), f"{path}{place}{child}."),
            )
            if type(value) is nn.Module:
                yield from self.parts(value, name, path, f"{place}{child}.")

    def made(self, module: nn.Module, name: str, path: str) -> str:
        """An expression that makes a module like another."""
        if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks:
            raise CompileError(f"{type(module).__name__} has hooks, which no source tells: export to a .pt2 file")
        if isinstance(module, fx.GraphModule):
            self.graph_module(module, name, path)
            return f"{name}()"
        if type(module) is nn.Module:
            return "nn.Module()"
        if isinstance(module, modules.Constant):
            self.used.add(modules.Constant)
            return f"Constant({_literal(module.value)})"
        if isinstance(module, packed.PackedPart):
            self.used.add(packed.PackedPart)
            return f"PackedPart({self.packed[id(module.whole[0])]}, {module.place}, {module.copies})"
        arguments = _OURS.get(type(module))
        if arguments is not None:
            self.used.add(type(module))
            return f"{type(module).__name__}({', '.join(map(repr, arguments(module)))})"
        if type(module) in _OF_LISTS:
            parts = [self.made(part, f"{name}_{child}", f"{path}{child}.") for child, part in module.named_children()]
            names = [child for child, _ in module.named_children()]
            if type(module) is nn.Sequential and names != [str(place) for place in range(len(names))]:
                pairs = ", ".join(f"({child!r}, {part})" for child, part in zip(names, parts, strict=True))
                return f"nn.Sequential(OrderedDict([{pairs}]))"
            if type(module) is nn.Sequential:
                return f"nn.Sequential({', '.join(parts)})"
            if type(module) is stacked.Each:
                self.used.add(stacked.Each)
                return f"Each([{', '.join(parts)}])"
            return f"nn.ModuleList([{', '.join(parts)}])"
        return _of_torch(module)


def _literal(value: torch.Tensor) -> str:
    if value.numel() > MOST_NUMBERS:
        raise CompileError(
            f"a function of an op holds a tensor of {value.numel():,} numbers, and source may hold {MOST_NUMBERS:,}: "
            "export to a .pt2 file"
        )
    return f"torch.tensor({value.tolist()!r}, dtype={value.dtype})"


def _of_torch(module: nn.Module) -> str:
    """A module of torch's by what it prints, as far as that says all there is to it."""
    kind = type(module)
    text = f"nn.{kind.__name__}({_told(module)})"
    if getattr(nn, kind.__name__, None) is kind:
        try:
            with torch.device("meta"):
                other = eval(text, {"nn": nn})  # torch's own text of a class of torch's
        except Exception:
            other = None
        if other is not None and _alike(module, other):
            return text
        raise CompileError(
            f"nn.{kind.__name__} does not print all that makes it, so that no source can be written: let torch= of its "
            "op return a function of tensors, or export to a .pt2 file"
        )
    raise CompileError(
        f"{kind.__module__}.{kind.__qualname__} is not torch's: let torch= of its op return a function of tensors or a "
        "module of torch.nn, or export to a .pt2 file"
    )


def _told(module: nn.Module) -> str:
    """What a module prints of itself, without what is so by default."""
    defaults = {f"{name}={parameter.default}" for name, parameter in inspect.signature(type(module)).parameters.items()}
    parts = re.split(r", (?=\w+=)", module.extra_repr())
    return ", ".join(part for part in parts if part not in defaults)


def _alike(module: nn.Module, other: nn.Module) -> bool:
    shapes, others = ({name: value.shape for name, value in m.state_dict().items()} for m in (module, other))
    plain = (int, float, bool, str, tuple, type(None))
    settings, other_settings = (
        {name: value for name, value in vars(m).items() if isinstance(value, plain) and name != "training"}
        for m in (module, other)
    )
    has_parts = any(True for _ in module.children())
    return shapes == others and settings == other_settings and not has_parts


def _forward(module: fx.GraphModule) -> str:
    """The code of a graph, which must call torch's functions only."""
    code = module.graph.python_code("self")
    for name, value in code.globals.items():
        place = getattr(value, "__module__", None) or getattr(value, "__name__", "")
        if name in ("getattr", "fx_pytree", "pytree", "NoneType"):
            continue  # for inputs and outputs of other forms, which there are none of
        if name not in ("inf", "nan", "torch", "device") and not str(place).startswith(("torch", "math", "_operator")):
            raise CompileError(f"the function {name} is not torch's: export to a .pt2 file")
    return code.src.strip().replace("torch._C._nn.", "functional.").replace("torch.nn.functional.", "functional.")


def _clean(text: str) -> str:
    """Source without notes to a type checker."""
    return re.sub(r"  # type: ignore\[[\w, -]+\]", "", text)


def _quoted(text: str) -> str:
    """A text as a Python string, in pieces where it is long."""
    if len(text) <= _LINE:
        return ascii(text)
    pieces = re.findall(rf".{{1,{_LINE}}}(?:(?<=[,(]) ?|$)|.{{1,{_LINE}}}", text, re.DOTALL)
    return "\n".join(["(", *(f"    {piece!a}" for piece in pieces), ")"])
