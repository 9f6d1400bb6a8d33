"""Diagrams as SVG. It has no ids, style sheets or scripts, so that many can stand in one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from einspec.compiler.drawing.build import diagram_of
from einspec.compiler.drawing.colours import FILLS, INK, QUIET, RIM, WIRE
from einspec.compiler.drawing.diagram import KINDS, Block, Diagram, Kind
from einspec.compiler.drawing.layout import Box, Label, Picture, Route, lay_out
from einspec.compiler.drawing.sizes import LINE, PAD, PAD_Y, STACK
from einspec.compiler.drawing.text import FONT, SIZE, SMALL, count, shown, width, xml
from einspec.compiler.graph.graph import Graph

MARGIN = 14.0
LEGEND = 26.0
SCREEN = (1600.0, 900.0)
LEAST_SCALE = 10 / SMALL
"""No text becomes smaller than 10 pixels."""


def to_svg(graph: Graph) -> str:
    """A drawing of the graph that stands alone; it is scaled to a screen where text stays legible."""
    diagram = diagram_of(graph)
    picture = lay_out(diagram)
    wide = max(picture.width + 2 * MARGIN, _legend_width(_kinds(diagram)) + 2 * MARGIN)
    tall = picture.height + 2 * MARGIN + (LEGEND if _kinds(diagram) else 0.0)
    scale = max(LEAST_SCALE, min(1.0, SCREEN[0] / wide, SCREEN[1] / tall))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(wide * scale)}" height="{_n(tall * scale)}" '
        f'viewBox="0 0 {_n(wide)} {_n(tall)}" role="img" font-family="{xml(FONT)}" font-size="{SIZE}" fill="{INK}">'
    )
    title = f"<title>architecture of {count(diagram.nodes)} nodes</title>"
    page = f'<rect width="{_n(wide)}" height="{_n(tall)}" fill="#ffffff"/>'
    start = (wide - picture.width) / 2
    body = _picture(picture, start, MARGIN)
    legend = _legend(_kinds(diagram), MARGIN, picture.height + 2 * MARGIN)
    return "\n".join([head, title, page, *body, *legend, "</svg>"]) + "\n"


def _picture(picture: Picture, x: float, y: float) -> Iterator[str]:
    yield f'<g transform="translate({_n(x)} {_n(y)})">'
    frames = [box for box in picture.boxes if box.inner is not None]
    for box in frames:
        yield from _frame(box, picture.diagram.blocks[box.block])
    if picture.routes:
        yield f'<g fill="none" stroke="{WIRE}" stroke-width="1.3">'
        yield from dict.fromkeys(_route(route) for route in picture.routes)
        yield "</g>"
        yield f'<g fill="{WIRE}">'
        yield from dict.fromkeys(_arrow(route) for route in picture.routes if route.arrow)
        yield "</g>"
    for box in frames:
        if box.inner is not None:
            yield from _picture(box.inner, box.x + box.shift, box.y)
    for box in picture.boxes:
        if box.inner is None:
            yield from _box(box, picture.diagram.blocks[box.block])
    if picture.labels:
        yield f'<g font-size="{SMALL}" fill="{QUIET}">'
        yield from (_label(label) for label in picture.labels)
        yield "</g>"
    yield "</g>"


def _box(box: Box, block: Block) -> Iterator[str]:
    if block.role == "ops":
        yield from _ops(box, block)
    elif block.role == "summary":
        yield _rect(box.x, box.y, box.width, box.height, "#ffffff", f'stroke="{RIM}" stroke-dasharray="2 3" rx="4"')
        for i, line in enumerate(block.lines):
            yield _text(line.text, box.x + PAD, box.y + PAD_Y + LINE * i + 12.0, note=line.text)
    elif block.text:
        radius = _n(box.height / 2)
        yield _rect(box.x, box.y, box.width, box.height, "#ffffff", f'stroke="{INK}" rx="{radius}"')
        middle = box.x + box.width / 2
        yield _text(block.text, middle, box.y + PAD_Y + 12.0, 'text-anchor="middle"')


def _ops(box: Box, block: Block) -> Iterator[str]:
    """One band for each line, coloured by its kind."""
    yield "<g>"
    yield _rect(box.x, box.y, box.width, box.height, FILLS[block.lines[0].kind], 'rx="4"')
    for start, end in _stretches(block):
        top = box.y + (PAD_Y + LINE * start if start else 0.0)
        bottom = box.y + (PAD_Y + LINE * end if end < len(block.lines) else box.height)
        if start or end < len(block.lines):
            shape = 'rx="4"' if end == len(block.lines) else ""
            yield _rect(box.x, top, box.width, bottom - top, FILLS[block.lines[start].kind], shape)
    yield _rect(box.x, box.y, box.width, box.height, "none", f'stroke="{RIM}" rx="4"')
    for i, line in enumerate(block.lines):
        y = box.y + PAD_Y + LINE * i + 12.0
        bold = 'font-weight="600"' if line.kind == "weights" else ""
        alone = len(block.lines) == 1
        x = box.x + box.width / 2 if alone else box.x + PAD
        yield _text(line.text, x, y, bold + (' text-anchor="middle"' if alone else ""), note=line.note)
        if line.type and i + 1 < len(block.lines):
            style = f'text-anchor="end" font-size="{SMALL}" fill="{QUIET}"'
            yield _text(line.type, box.x + box.width - PAD, y, style)
    yield "</g>"


def _stretches(block: Block) -> list[tuple[int, int]]:
    """Lines of one kind that follow each other."""
    starts = [i for i, line in enumerate(block.lines) if not i or line.kind != block.lines[i - 1].kind]
    return list(zip(starts, [*starts[1:], len(block.lines)], strict=True))


def _frame(box: Box, block: Block) -> Iterator[str]:
    wide, tall = box.width, box.height
    if block.side_by_side:
        wide, tall = wide - STACK, tall - STACK
        for back in (STACK, STACK / 2):
            yield _rect(box.x + back, box.y + back, wide, tall, "#ffffff", f'stroke="{RIM}" rx="8"')
        yield _rect(box.x, box.y, wide, tall, "#ffffff", f'stroke="{RIM}" rx="8"')
    else:
        yield _rect(box.x, box.y, wide, tall, "#ffffff", f'stroke="{RIM}" stroke-dasharray="5 3" rx="8"')
    yield _text(block.text, box.x + PAD, box.y + 14, f'font-size="{SMALL}" font-weight="600"')


def _route(route: Route) -> str:
    if route.shape == "corners":
        return f'<path d="{_rounded(route.points)}"/>'
    (x, y), (_, turn), (end, bottom) = route.points
    if route.arrow:
        bottom -= 5
    if abs(end - x) < 0.75:
        return f'<path d="M{_n(x)} {_n(y)}V{_n(bottom)}"/>'
    middle = (turn + bottom) / 2
    start = f"M{_n(x)} {_n(y)}" + (f"V{_n(turn)}" if turn > y else "")
    return f'<path d="{start}C{_n(x)} {_n(middle)} {_n(end)} {_n(middle)} {_n(end)} {_n(bottom)}"/>'


def _arrow(route: Route) -> str:
    x, y = route.points[-1]
    if abs(x - route.points[0][0]) < 0.75:
        x = route.points[0][0]
    return f'<path d="M{_n(x)} {_n(y)}l-3.5 -7h7z"/>'


def _rounded(points: Sequence[tuple[float, float]], radius: float = 5.0) -> str:
    """A path of horizontal and vertical lines with round corners."""
    text = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for before, (x, y), after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards((x, y), before, radius), _towards((x, y), after, radius)
        text += f"L{_n(start[0])} {_n(start[1])}Q{_n(x)} {_n(y)} {_n(end[0])} {_n(end[1])}"
    return text + f"L{_n(points[-1][0])} {_n(points[-1][1])}"


def _towards(corner: tuple[float, float], other: tuple[float, float], radius: float) -> tuple[float, float]:
    """The point so far from a corner, at most half way."""
    across, down = other[0] - corner[0], other[1] - corner[1]
    length = abs(across) + abs(down)
    share = min(radius, length / 2) / length if length else 0.0
    return corner[0] + across * share, corner[1] + down * share


def _label(label: Label) -> str:
    return _text(label.text, label.x, label.y)


def _text(text: str, x: float, y: float, style: str = "", note: str = "") -> str:
    """Text that is cut where it is long; the whole is then its tooltip."""
    note = note or (text if shown(text) != text else "")
    tooltip = f"<title>{xml(note)}</title>" if note else ""
    space = " " if style else ""
    return f'<text x="{_n(x)}" y="{_n(y)}"{space}{style.strip()}>{tooltip}{xml(shown(text))}</text>'


def _rect(x: float, y: float, wide: float, tall: float, fill: str, style: str = "") -> str:
    space = " " if style else ""
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(tall)}" fill="{fill}"{space}{style}/>'


def _kinds(diagram: Diagram) -> list[Kind]:
    """The kinds of ops that are drawn, in the order of the legend."""
    found: set[Kind] = set()
    stack = [diagram]
    while stack:
        for block in stack.pop().blocks:
            if block.role == "ops":
                found.update(line.kind for line in block.lines)
            if block.inner is not None:
                stack.append(block.inner)
    return [kind for kind in KINDS if kind in found]


def _legend(kinds: Sequence[Kind], x: float, y: float) -> Iterator[str]:
    for kind in kinds:
        yield _rect(x, y, 12, 12, FILLS[kind], f'stroke="{RIM}" rx="3"')
        bold = ' font-weight="600"' if kind == "weights" else ""
        yield _text(KINDS[kind], x + 17, y + 10, f'font-size="{SMALL}" fill="{QUIET}"{bold}')
        x += 17 + width(KINDS[kind], SMALL) + 16


def _legend_width(kinds: Sequence[Kind]) -> float:
    return sum(33 + width(KINDS[kind], SMALL) for kind in kinds)


def _n(value: float) -> str:
    """A short number: tenths."""
    return (
        f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")
    )
