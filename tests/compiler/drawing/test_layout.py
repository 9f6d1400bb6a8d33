"""Layouts: nothing overlaps, all text fits, every wire arrives. All of it is computed from coordinates."""

from __future__ import annotations

from itertools import combinations, pairwise

from einspec.compiler.drawing.layout import Label, Picture, Route
from einspec.compiler.drawing.sizes import COLUMN, LINE, PAD, STACK, label_width, line_widths
from einspec.compiler.drawing.text import SIZE, SMALL, shown, width
from tests.compiler.drawing.pictures import all_levels, block_of, pictures

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def boxes(picture: Picture) -> list[Rect]:
    return [(b.x, b.y, b.x + b.width, b.y + b.height) for b in picture.boxes if b.width]


def label_rect(label: Label) -> Rect:
    return label.x, label.y - SMALL + 1, label.x + label_width(label.text), label.y + 2


def overlap(a: Rect, b: Rect, slack: float = 0.01) -> bool:
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


def route_rects(route: Route) -> list[Rect]:
    """The straight parts of a route, and what its curve stays in."""
    return [(min(x, u), min(y, v), max(x, u), max(y, v)) for (x, y), (u, v) in pairwise(route.points)]


def crosses(part: Rect, box: Rect) -> bool:
    """Whether a part of a route goes through a box; it may touch the rim."""
    left, top, right, bottom = box
    return part[0] < right - 1 and part[2] > left + 1 and part[1] < bottom - 1 and part[3] > top + 1


def test_boxes_do_not_overlap():
    for name, picture in all_levels():
        for a, b in combinations(boxes(picture), 2):
            assert not overlap(a, b), name


def test_labels_overlap_neither_boxes_nor_each_other():
    for name, picture in all_levels():
        labels = [label_rect(label) for label in picture.labels]
        for label in labels:
            assert not any(overlap(label, box) for box in boxes(picture)), name
        for a, b in combinations(labels, 2):
            assert not overlap(a, b), name


def test_wires_go_around_boxes():
    for name, picture in all_levels():
        for route in picture.routes:
            for part in route_rects(route):
                assert not any(crosses(part, box) for box in boxes(picture)), name


def test_wires_keep_off_labels():
    """Labels stand beside their own wire; other wires pass where nothing is written."""
    for name, picture in all_levels():
        for route in picture.routes:
            for part in route_rects(route):
                assert not any(overlap(part, label_rect(label)) for label in picture.labels), name


def test_titles_of_frames_are_free():
    for name, picture in all_levels():
        for box in picture.boxes:
            if box.inner is None:
                continue
            block = block_of(picture, box)
            title = (PAD, 3.0, PAD + width(block.text, SMALL), 16.0)
            for x, y, right, bottom in boxes(box.inner):
                assert not overlap(title, (x + box.shift, y, right + box.shift, bottom)), name
            for dot in box.inner.inputs:
                assert dot + box.shift > title[2], name


def test_every_wire_arrives():
    for name, picture in all_levels():
        drawn = [route.wire for route in picture.routes if route.wire is not None]
        assert sorted(drawn, key=repr) == sorted(picture.diagram.wires, key=repr), name


def test_wires_are_connected():
    """Each route begins at an exit of its block or where another of the same exit ends."""
    for name, picture in all_levels():
        at = {box.block: box for box in picture.boxes}
        ends = {(route.key, round(x, 3), round(y, 3)) for route in picture.routes for x, y in [route.points[-1]]}
        for route in picture.routes:
            x, y = route.points[0]
            box = at[route.key[0]]
            leaves = abs(y - box.y - box.height) < 0.01 and box.x - 0.01 <= x <= box.x + box.width + 0.01
            assert leaves or (route.key, round(x, 3), round(y, 3)) in ends, name
            if route.wire is not None:
                x, y = route.points[-1]
                box = at[route.wire.target]
                assert abs(y - box.y) < 0.01, name
                assert box.x - 0.01 <= x <= box.x + box.width + 0.01, name


def test_wires_go_on_into_frames():
    """A wire to a frame ends where the dot inside is."""
    for name, picture in all_levels():
        at = {box.block: box for box in picture.boxes}
        for route in picture.routes:
            if route.wire is not None and (box := at[route.wire.target]).inner is not None:
                dot = box.x + box.shift + box.inner.inputs[route.wire.entry]
                assert abs(route.points[-1][0] - dot) < 0.01, name


def test_text_fits_its_box():
    for name, picture in all_levels():
        for box in picture.boxes:
            block = block_of(picture, box)
            if block.lines:
                names, types = line_widths(block.lines)
                assert names + (COLUMN + types if types else 0) + 2 * PAD <= box.width + 0.01, name
                assert len(block.lines) * LINE <= box.height, name
            elif block.inner is None and block.text:
                assert width(shown(block.text), SIZE) <= box.width, name


def test_frames_hold_what_is_inside():
    for name, picture in all_levels():
        for box in picture.boxes:
            if box.inner is not None:
                stack = STACK if block_of(picture, box).side_by_side else 0
                assert box.inner.width + box.shift <= box.width - stack + 0.01, name
                assert box.inner.height <= box.height - stack + 0.01, name


def test_all_is_inside_the_picture():
    for name, picture in all_levels():
        rects = boxes(picture) + [label_rect(label) for label in picture.labels]
        rects += [part for route in picture.routes for part in route_rects(route)]
        for left, top, right, bottom in rects:
            assert left >= -0.01, name
            assert top >= -0.01, name
            assert right <= picture.width + 0.01, name
            assert bottom <= picture.height + 0.01, name


def test_the_baselines_have_few_boxes():
    found = {name: picture.diagram.boxes for name, picture in pictures().items() if not name.startswith("sample")}
    assert found == {"resnet18": 23, "wide_resnet_16_4": 18, "vit": 18, "mixer": 8, "nasbench201": 43, "darts": 82}
