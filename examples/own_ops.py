"""Ops of one's own: a primitive is a type rule and its torch module, a combinator is a Python function."""

from torch import nn

import einspec
from einspec.ops import combinator, primitive, tie


@primitive(
    torch=lambda x, width: nn.Conv1d(x.channels, width, 3, padding=1),
    params=lambda x, width: {"weight": (width, x.channels, 3), "bias": (width,)},
    macs=lambda x, width: 3 * x.elements * width,
    owns_parameters=True,
)
def smooth(x: einspec.Type, width: int) -> einspec.Type:
    """A convolution over a sequence: (c, l) -> (width, l)."""
    if x.layout != "sequence":
        raise einspec.ShapeError("only a sequence (c, l) has neighbours")
    return x.with_axis(0, width)


@combinator
def twice(x, body):
    """One body, called twice with the same weights."""
    shared = tie(body)
    return shared(shared(x))


GRAMMAR = """
net:   layer | layer "," net        -> seq     //% 0.6 0.4
layer: "conv" "(" WIDTH ")"         -> smooth
     | "twice" "(" net ")"          -> twice   //% 0.3
WIDTH: "8" | "16"
%ignore " "
"""

space = einspec.loads(GRAMMAR, input="8,100 sequence", ops=[smooth, twice])
for arch in space.samples(4, rng=1):
    print(f"{arch.params:>6,} parameters  {arch}")

tied, untied = space.parse("twice(conv(8))"), space.parse("conv(8),conv(8)")
print("tied", tied.params, "untied", untied.params, "the same architecture:", tied.key == untied.key)

try:
    space.parse("twice(conv(16))")
except einspec.ShapeError as error:
    print(error)
