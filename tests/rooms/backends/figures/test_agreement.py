"""What the engine draws and what the writers are given is one figure: boxes, frames, colours, words, ends of lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from support.figures import KINDS, graph_of, toy

from archdsl.backends import figures
from archdsl.backends.figures.measure import width
from archdsl.backends.figures.scene import Rect, Scene, Words
from archdsl.backends.figures.writers import WRITERS

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
NEAR = 1.5  # points
SPACES = "\N{NO-BREAK SPACE} "
BASELINE = (0.0, 7.0)  # below the middle of its line
SHIPPED = {
    "a strip with lines": ("espnet", {"arrange": "strip"}),
    "by resolution": ("beyond/unet", {}),
    "cases": ("ghostnet", {"block": "GhostBottleneck", "cases": ["all"]}),
    "in layers": ("weightnet", {"block": "DownUnit"}),
    "a bar and a formula": ("micronet", {"block": "ShiftMax"}),
    "slabs": ("mobilenet_v2", {"style": "blocks", "orient": "landscape"}),
    "a column": ("fbnet_v2", {"orient": "portrait"}),
    "stages": ("shufflenet_v2", {"level": "stage"}),
}


class Drawn:
    """An svg of the engine, whose origin is at the bottom; `down` takes its heights to those of a scene."""

    def __init__(self, svg: str) -> None:
        self.groups = list(ElementTree.fromstring(svg).iter(f"{SVG}g"))
        self.down = 0.0

    def of(self, *kinds: str) -> Iterator[ElementTree.Element]:
        return (group for group in self.groups if group.get("class") in kinds)

    def outlines(self, kind: str) -> list[tuple]:
        """Middle, size, fill and words of what has an outline."""
        found = []
        for group in self.of(kind):
            outline = next(
                (shape for tag in ("path", "polygon", "ellipse") for shape in group.iter(f"{SVG}{tag}")), None
            )
            if outline is not None and outline.get("stroke") not in ("none", "transparent"):
                x, y, width, height = extent(outline)
                painted = outline.get("fill"), outline.get("stroke")
                found.append((x, y + self.down, width, height, *painted))
        return found

    def lines(self) -> list[tuple]:
        """The first point, all points of the head or the last point, the colour, whether dashed."""
        found = []
        for group in self.of("edge"):
            path = group.find(f".//{SVG}path")
            points = numbers(path.get("d"))
            tips = [point for head in group.iter(f"{SVG}polygon") for point in numbers(head.get("points"))]
            ends = [(x, y + self.down) for x, y in (points[0], *(tips or points[-1:]))]
            found.append((ends[0], ends[1:], path.get("stroke"), path.get("stroke-dasharray") is not None))
        return found

    def words(self) -> list[tuple]:
        """Each line of text, the point that it is anchored at, and how."""
        found = []
        for text in (text for group in self.of("node", "edge", "cluster") for text in group.iter(f"{SVG}text")):
            whole = "".join(text.itertext())
            said = whole.strip(SPACES)
            if said and not text.get("transform"):
                lead = whole[: len(whole) - len(whole.lstrip(SPACES))] if text.get("text-anchor") == "start" else ""
                x = float(text.get("x")) + width(lead, float(text.get("font-size")))
                found.append((said, x, float(text.get("y")) + self.down, text.get("text-anchor")))
        return found


def numbers(text: str) -> list[tuple[float, float]]:
    found = [float(number) for number in NUMBER.findall(text)]
    return list(zip(found[::2], found[1::2], strict=True))


def extent(shape: ElementTree.Element) -> tuple[float, float, float, float]:
    if shape.tag == f"{SVG}ellipse":
        x, y, across, down = (float(shape.get(name)) for name in ("cx", "cy", "rx", "ry"))
        return x, y, 2 * across, 2 * down
    points = numbers(shape.get("points") or shape.get("d"))
    (left, right), (top, bottom) = ((min(along), max(along)) for along in zip(*points, strict=True))
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def scene_of(graph, monkeypatch, **how) -> Scene:
    """What the writers are given."""
    monkeypatch.setitem(WRITERS, "drawio", SimpleNamespace(written=lambda scene, page: scene))
    return figures.draw(graph, format="drawio", **how)


def in_scene(scene: Scene) -> Iterator[tuple]:
    """Each line of text, its left and middle across, and its middle down."""
    for words in (*(Words(shape.text, shape.rect) for shape in scene.shapes()), *scene.words()):
        if not words.turned:
            yield from lined(words)


def lined(words: Words) -> Iterator[tuple]:
    rect, top = words.rect, words.rect.y - words.text.height / 2
    for line in words.text.lines:
        left = rect.x - (rect.width if words.align == "left" else line.width) / 2
        yield line.words, left, left + line.width / 2, top + line.height / 2
        top += line.height


def paired(ones: list, others: list, near) -> None:
    """Each of the ones is near another of the others, and none is left."""
    left = list(others)
    for one in ones:
        match = next((other for other in left if near(one, other)), None)
        assert match is not None, (one, [o for o in left if str(o[0]) == str(one[0])])
        left.remove(match)
    assert not left


def close(one, other, by: float = NEAR) -> bool:
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def rounded(rect: Rect) -> tuple[float, float, float, float]:
    return rect.x, rect.y, rect.width, rect.height


@pytest.mark.parametrize("kind", [*KINDS, *SHIPPED])
def test_the_engine_and_the_writers_draw_the_same(kind, monkeypatch):
    """But for the legend, which the engine sets as a table."""
    name, how = SHIPPED.get(kind, ("", KINDS.get(kind)))
    graph, look = graph_of(name) if name else toy(), figures.Look(legend=False)
    drawn = Drawn(figures.draw(graph, format="svg", look=look, **how))
    scene = scene_of(graph, monkeypatch, look=look, **how)
    shapes = [(*rounded(one.rect), one.paint.fill, one.paint.line) for one in scene.shapes() if one.form != "words"]
    drawn.down = min(one[1] for one in shapes) - min(one[1] for one in drawn.outlines("node"))
    paired(shapes, drawn.outlines("node"), same_outline)
    paired([frame for frame in scene.frames() if frame.kind != "case"], drawn.outlines("cluster"), same_frame)
    paired(scene.wires, drawn.lines(), same_line)
    paired(list(in_scene(scene)), drawn.words(), same_words)


def same_outline(one, other) -> bool:
    return close(one[:4], other[:4]) and one[4:] == other[4:]


def same_frame(frame, other) -> bool:
    return close(rounded(frame.rect), other[:4]) and frame.paint.line == other[5]


def same_line(wire, other) -> bool:
    start, ends, colour, dashed = other
    near = any(close(wire.points[-1], end, 2 * NEAR) for end in ends)
    return close(wire.points[0], start) and near and (wire.colour, wire.dashed) == (colour, dashed)


def same_words(one, other) -> bool:
    said, left, centre, middle = one
    words, x, y, anchor = other
    across = {"middle": centre, "start": left}[anchor]
    return said == words and abs(x - across) <= 2 * NEAR and BASELINE[0] < y - middle < BASELINE[1]
