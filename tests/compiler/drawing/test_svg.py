"""SVG: well-formed, self-contained, safe with any name, the same every time, and no larger than a screen."""

from __future__ import annotations

import re
import time
from xml.etree import ElementTree

import pytest

from einspec.compiler.drawing import to_dot, to_mermaid, to_svg
from einspec.compiler.drawing.text import LONGEST, shown
from einspec.compiler.graph.graph import Graph, Node
from einspec.ops.declare import primitive
from tests.compiler.drawing.pictures import ROWS, chain, graphs, plus, unary

SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a & b &amp; ]]> <!--",
    'end"]; x["',
    "back\\slash\\",
    "#quot; #35; `code` **bold** %%{init}%% $$x$$",
    "null\x00 bell\x07 turn\u202e lone\ud800",
    "two\nlines\tand a tab",
    "\u7f51\u7edc" * 30,
]


def hostile(name: str) -> Graph:
    op = primitive(lambda x: x, name="hostile")
    op.name = name  # a declaration refuses such names; drawings must not trust that
    node = Node(op, (name,), (), ((-1, 0),), (ROWS,), (ROWS,))
    return Graph((ROWS,), (node,), ((0, 0),))


def texts(svg: str) -> list[str]:
    """What is written, tooltips aside."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}text")
    return [(text.text or "") + "".join(child.tail or "" for child in text) for text in found]


def test_all_are_well_formed_and_self_contained():
    for name, graph in graphs().items():
        root = ElementTree.fromstring(to_svg(graph))
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert tags <= {"svg", "g", "rect", "path", "text", "title"}, name
        names = {attribute for element in root.iter() for attribute in element.attrib}
        assert not names & {"id", "class", "href", "style"}, name


def test_all_ops_are_written():
    svg = to_svg(graphs()["resnet18"])
    for text in ("im2col(3,2,1)", "linear(512)", "(256, 4, 4)", "((2, 2), 4608)", "\N{MULTIPLICATION SIGN} 2 in a row"):
        assert text in texts(svg)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_escaped(name):
    root = ElementTree.fromstring(to_svg(hostile(name)))
    assert {element.tag for element in root.iter()} <= {
        SVG + tag for tag in ("svg", "g", "rect", "path", "text", "title")
    }
    assert not [key for element in root.iter() for key in element.attrib if key.startswith("on")]
    assert shown(f"{name}({name})") in texts(to_svg(hostile(name)))
    to_svg(hostile(name)).encode()
    to_mermaid(hostile(name)).encode()
    to_dot(hostile(name)).encode()


def test_long_names_are_cut_and_kept_in_the_tooltip():
    svg = to_svg(hostile("long" * 50))
    assert max(len(text) for text in texts(svg)) == LONGEST
    assert "long" * 50 in svg


def test_the_same_every_time():
    for graph in list(graphs().values())[:30]:
        assert to_svg(graph) == to_svg(graph)


def test_resnet18_fits_a_screen_with_legible_text():
    root = ElementTree.fromstring(to_svg(graphs()["resnet18"]))
    wide, tall = float(root.attrib["width"]), float(root.attrib["height"])
    assert wide <= 1600
    assert tall <= 900
    scale = wide / float(root.attrib["viewBox"].split()[2])
    sizes = [float(e.attrib["font-size"]) for e in root.iter() if "font-size" in e.attrib]
    assert min(sizes) * scale >= 10


def test_text_is_legible_everywhere():
    for name, graph in graphs().items():
        root = ElementTree.fromstring(to_svg(graph))
        scale = float(root.attrib["width"]) / float(root.attrib["viewBox"].split()[2])
        assert scale * 11 >= 9.99, name


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_has_contrast():
    from einspec.compiler.drawing.colours import FILLS, INK, QUIET

    for fill in FILLS.values():
        assert contrast(INK, fill) > 7
        assert contrast(QUIET, fill) > 4.5


def test_large_graphs_are_drawn_in_no_time():
    start = time.process_time()
    to_svg(chain(*[unary] * 5000))
    wide = Node(plus, (), (), ((-1, 0),) * 5000, (ROWS,) * 5000, (ROWS,))
    to_svg(Graph((ROWS,), (wide,), ((0, 0),)))
    fan = [Node(unary, (), (), ((-1, 0),), (ROWS,), (ROWS,)) for _ in range(20_000)]
    svg = to_svg(Graph((ROWS,), tuple(fan), tuple((i, 0) for i in range(20_000))))
    assert time.process_time() - start < 20
    assert "too many" in svg
    assert len(svg) < 3_000_000


def test_no_number_is_malformed():
    numbers = r"-?\d+(\.\d)?"
    for graph in list(graphs().values())[:50]:
        for value in re.findall(r' (?:x|y|width|height)="([^"]*)"', to_svg(graph)):
            assert re.fullmatch(numbers, value)
