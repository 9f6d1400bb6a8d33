"""A space in eight lines of grammar: sample it, read an architecture by hand, compile it."""

import torch

import einspec

GRAMMAR = """
//% start net
//% input 64
net:   layer | layer net              -> seq     //% 0.4 0.6
layer: "linear" "(" WIDTH ")"         -> linear  //% 1/2
     | "relu"                         -> relu
     | "norm"                         -> norm
     | "residual" "(" net ")"         -> residual
WIDTH: "16" | "32" | "64"             //% 0.2 0.3 0.5
%ignore " "
"""

space = einspec.loads(GRAMMAR)
print("branching rate", round(space.grammar.branching_rate, 4), "expected size", round(space.grammar.expected_size, 2))

for arch in space.samples(5, rng=0):
    print(f"{arch.params:>7,} parameters  {arch.output}  {arch}")

arch = space.parse("linear(32) relu residual(linear(64) relu linear(32)) norm")
print(f"by hand: probability {2.718281828**arch.log_prob:.3g}, {arch.macs:,} MACs, key {arch.key}")

try:
    space.parse("linear(32) residual(linear(64))")
except einspec.ShapeError as error:
    print(f"and one that cannot be:\n{error}")

model = einspec.compile(arch, head=10)
print(model.code.strip())
print(model(torch.randn(2, 64)).shape)
