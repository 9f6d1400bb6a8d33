"""``einspec show``: one architecture as a tree, with types on every edge."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einspec.cli.options import (
    Commands,
    add_architecture,
    add_json,
    add_space,
    load_space,
    print_json,
    read_architecture,
)
from einspec.cli.sample import describe
from einspec.errors import EinspecError
from einspec.text import bytes_text

if TYPE_CHECKING:
    from einspec.compiler.costs.table import Costs
    from einspec.ops.declare import Outputs
    from einspec.space import Architecture

_DEEPEST_INDENT = 40


def add_to(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "show",
        help="one architecture: tree, types, cost, key",
        description="Prints the tree of an architecture with the types on every edge, and what it costs, op by op. The "
        "numbers are those in the names of a compiled module's parameters. The table has the ops that run once the "
        "graph is fused: what ends in _stack is all copies of a layer at once, in _wide all of them on one input; what "
        "an op keeps to train is counted where it is kept first.",
    )
    add_space(parser)
    add_architecture(parser)
    parser.add_argument("--svg", metavar="FILE.svg", type=_svg, help="also write a drawing of the graph")
    add_json(parser)
    parser.set_defaults(run=run)


def _svg(text: str) -> Path:
    if not text.endswith(".svg"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a file name that ends in .svg")
    return Path(text)


def run(args: argparse.Namespace) -> int:
    """Prints the tree."""
    arch = read_architecture(load_space(args), args.arch)
    rows = list(_rows(arch))
    if args.svg is not None:
        _draw(arch, args.svg)
    if args.json:
        tree = [dict(zip(("node", "op", "types"), row, strict=True)) for row in rows]
        print_json({**describe(arch), "tree": tree, "costs": asdict(arch.costs)})
        return 0
    width = min(60, max(len(op) for _, op, _ in rows))
    for number, op, types in rows:
        print(f"{number:>4}  {op:<{width}}  {types}")
    print()
    print("\n".join(_cost_table(arch.costs)))
    print()
    for name, value in _figures(arch).items():
        print(f"{name:<12}{value}")
    return 0


def _draw(arch: Architecture, path: Path) -> None:
    """Writes the drawing. Raises ``EinspecError`` where the disk refuses."""
    try:
        path.write_text(arch.graph.to_svg(), encoding="utf-8")
    except OSError as error:
        raise EinspecError(f"{path}: cannot be written: {error.strerror}") from None


def _rows(arch: Architecture) -> Iterator[tuple[int, str, str]]:
    from einspec.space.deriving.edges import edge_types

    edges = edge_types(arch.space.start, arch.inputs, arch.derivation)
    for number, (address, node) in enumerate(arch.derivation.addresses()):
        inputs, outputs = edges[address]
        depth = len(address)
        indent = "  " * depth if depth <= _DEEPEST_INDENT else f"{'  ' * _DEEPEST_INDENT}[{depth}] "
        yield number, indent + node.member.text(), f"{types_text(inputs)} -> {types_text(outputs)}"


def _cost_table(costs: Costs) -> Iterator[str]:
    """A line for each op, and the total."""
    lines = [("op as it runs", "times", "parameters", "MACs", "first kept to train")]
    for row in costs.ops:
        lines.append((row.op, f"{row.count:,}", f"{row.params:,}", f"{row.macs:,}", bytes_text(row.training.of(1))))
    runs = sum(row.count for row in costs.ops)
    kept = bytes_text(costs.training.of(1))
    lines.append(("total", f"{runs:,}", f"{costs.params:,}", f"{costs.macs:,}", kept))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for op, *figures in lines:
        cells = [op.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True))]
        yield "  ".join(cells)


def types_text(types: Outputs | tuple[Any, ...]) -> str:
    """One type, or several; equal ones are counted: ``4 x (3, 8, 8)``."""
    several = types if isinstance(types, tuple) else (types,)
    if len(several) > 1 and all(kind is several[0] for kind in several):
        return f"{len(several)} x {several[0]}"
    return " and ".join(map(str, several))


def _settings_text(arch: Architecture) -> str:
    return ", ".join(f"{name} {value}" for name, value in arch.settings.items())


def _figures(arch: Architecture) -> dict[str, str]:
    probability = "never drawn (log -inf)" if math.isinf(arch.log_prob) else f"log {arch.log_prob:.4f}"
    costs = arch.costs
    return {
        "input": arch.space.input_text(),
        "output": types_text(arch.output),
        "nodes": f"{len(arch):,}, {arch.depth:,} deep; graph {len(arch.graph):,}",
        "parameters": f"{arch.params:,}",
        "MACs": f"{arch.macs:,} per example, {costs.critical_macs:,} on the longest way",
        "activations": f"{bytes_text(costs.inference)} at once to run, "
        f"{bytes_text(costs.training.of(1))} kept to train; one example in float32",
        "longest way": f"{costs.critical_ops:,} of {arch.graph.written_out:,} ops before fusing",
        "probability": probability,
        "key": arch.key,
        **({"settings": _settings_text(arch)} if arch.settings else {}),
    }
