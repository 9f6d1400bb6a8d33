"""What a large drawing has several times, apart and at other sizes, is drawn once and named after that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from einspec.compiler.drawing.build import MOST_OPEN, diagram_of
from einspec.compiler.drawing.diagram import Block, Diagram
from tests.baselines import DARTS_V2, NB201_ALL_CONV
from tests.helpers import bundled

DARTS = bundled("darts").parse(DARTS_V2).graph


def blocks(diagram: Diagram) -> Iterator[Block]:
    for block in diagram.blocks:
        yield block
        if block.inner is not None:
            yield from blocks(block.inner)


def titles(diagram: Diagram) -> Counter[str]:
    found = [block.text or block.lines[0].text for block in blocks(diagram) if block.role in ("frame", "summary")]
    return Counter(found)


def test_the_cells_of_darts_are_drawn_once() -> None:
    diagram = diagram_of(DARTS)
    assert titles(diagram) == {
        "part A": 1, "part A again": 2,
        "part B": 1, "part B again": 4,
        "part C": 1, "part C again": 1,
        "\u00d7 4 in a row": 1, "\u00d7 5 in a row": 2,
    }  # fmt: skip
    assert diagram.nodes == len(DARTS.nodes) == 952
    assert diagram.boxes < 90  # before: 136


def test_it_fits_about_a_screen() -> None:
    width, height = map(float, re.findall(r'(?:width|height)="([\d.]+)"', DARTS.to_svg())[:2])
    assert width < 1920
    assert height < 1440  # before: 3662 by 2411


def test_every_edge_is_drawn_or_counted() -> None:
    diagram = diagram_of(DARTS)
    assert diagram.edges == sum(len(node.inputs) for node in DARTS.nodes) + len(DARTS.outputs)


@pytest.mark.parametrize("name", ["resnet18", "vit", "mixer", "wrn16_4"])
def test_small_drawings_stay_as_they_are(name: str) -> None:
    diagram = diagram_of(bundled("einspace").read(name).graph)
    assert diagram.boxes <= MOST_OPEN
    assert not any(title.startswith("part ") for title in titles(diagram))


def test_cells_with_other_windows_are_other_parts() -> None:
    other = DARTS_V2.replace(
        "('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0)",
        "('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0)",
        1,
    )
    assert other != DARTS_V2
    mine = diagram_of(bundled("darts").parse(other).graph)
    assert mine.nodes == len(bundled("darts").parse(other).graph.nodes)
    cell = bundled("nasbench201").parse(NB201_ALL_CONV).graph
    assert diagram_of(cell).edges == sum(len(node.inputs) for node in cell.nodes) + len(cell.outputs)
