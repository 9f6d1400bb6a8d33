"""The baseline networks of einspace as sentences (nested binary seq), built from the reference's macros."""

from __future__ import annotations

from collections.abc import Iterable


def seq(*parts: str) -> str:
    """A right-nested sequence."""
    text = parts[-1]
    for part in reversed(parts[:-1]):
        text = f"seq({part}, {text})"
    return text


def conv(kernel: int, stride: int, padding: int, width: int) -> str:
    return f"route(im2col({kernel},{stride},{padding}), linear({width}), col2im)"


def residual(body: str, skip: str = "identity") -> str:
    return f"branch(clone(2), {body}, {skip}, add)"


def block(width: int) -> tuple[str, ...]:
    return residual(seq(conv(3, 1, 1, width), "norm", "relu", conv(3, 1, 1, width), "norm")), "relu"


def down(width: int) -> tuple[str, ...]:
    body = seq(conv(3, 2, 1, width), "norm", "relu", conv(3, 1, 1, width), "norm")
    return residual(body, seq(conv(1, 2, 0, width), "norm")), "relu"


def _flat(parts: Iterable[tuple[str, ...]]) -> list[str]:
    return [part for group in parts for part in group]


def resnet18() -> str:
    stages = [block(64), block(64), down(128), block(128), down(256), block(256), down(512), block(512)]
    return seq(conv(3, 1, 1, 64), "norm", "relu", "maxpool(3,2,1)", *_flat(stages))


def vit(layers: int = 4) -> str:
    query_key = "branch(clone(2), linear(64), route(identity, linear(64), permute(21)), scaled_dot)"
    head = f"branch(clone(2), {seq(query_key, 'softmax')}, linear(64), dot)"
    attention = seq(f"replicate(clone(4), {head}, cat(2))", "linear(512)")
    layer = (residual(attention), "norm", residual(seq("linear(512)", "relu", "linear(512)")), "norm")
    return seq("route(im2col(4,4,0), linear(512), identity)", "pos", *(layer * layers))


def wide_resnet_16_4() -> str:
    act = seq("norm", "relu")

    def wide(width: int, stride: int, skip: str) -> tuple[str, ...]:
        return residual(seq(conv(3, stride, 1, width), act, conv(3, 1, 1, width)), skip), act

    stages = []
    for width, stride in ((64, 1), (128, 2), (256, 2)):
        stages += [wide(width, stride, conv(1, stride, 0, width)), wide(width, 1, "identity")]
    return seq(conv(3, 1, 1, 16), "norm", "relu", *_flat(stages))


def mixer(layers: int = 8) -> str:
    body = seq(
        "norm",
        "route(permute(21), linear_x(4), identity)",
        "relu",
        "route(identity, linear_div(4), permute(21))",
        "linear(256)",
        "relu",
        "linear(512)",
    )
    return seq("route(im2col(4,4,0), linear(512), identity)", "pos", *([residual(body)] * layers))


DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
    "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=[2, 3, 4, 5])"
)

NB201_ALL_CONV = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
