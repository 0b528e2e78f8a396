"""A scene as a diagram of draw.io: boxes that can be moved, lines that stay with them.

Plain mxGraph XML. Lines are attached to their boxes at the places where they leave and enter, and keep their corners.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from math import hypot
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from archdsl.backends.figures import style
from archdsl.backends.figures.scene import OUTLINE, Form, Frame, Item, Key, Point, Rect, Scene, Shape, Wire, Words
from archdsl.backends.figures.strip.as_dot import HEAD, ROUND
from archdsl.backends.figures.texts import Line, Text

# One that every reader has, and the size at which its letters are as wide and high as those that were measured.
FONTS = {"sans": ("Helvetica", 0.92), "serif": ("Times New Roman", 1.0)}
LAYER = "1"
UNIT = 100 / 72  # of a diagram in a point: its pages have 100 to an inch
ROUNDED, ELLIPSE = {"rounded": "1"}, {"shape": "ellipse", "perimeter": "ellipsePerimeter"}
PLAIN = {"fillColor": "none", "strokeColor": "none"}
FORMS: Mapping[Form, Mapping[str, str]] = {
    "rounded": ROUNDED,
    "square": {"rounded": "0"},
    "ellipse": ELLIPSE,
    "dot": ELLIPSE,
    "words": PLAIN,
}


def write(scene: Scene) -> str:
    """The text of the file."""
    return Writer(scene).text()


class Writer:
    """Of one scene, at its size on the page. Cells are `n` and a number: no word of a spec is ever one."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.names: dict[Shape, str] = {}
        self.count = 0
        across, down = scene.page
        size = {"pageWidth": number(across * UNIT), "pageHeight": number(down * UNIT)}
        ground = {"background": scene.look.ground} if scene.look.theme == "dark" else {}
        self.model = Element("mxGraphModel", {"grid": "0", "page": "1", "pageScale": "1", **size, **ground})
        self.root = SubElement(self.model, "root")
        SubElement(self.root, "mxCell", {"id": "0"})
        SubElement(self.root, "mxCell", {"id": LAYER, "parent": "0"})

    def text(self) -> str:
        self.place(self.scene.items, LAYER, (0.0, 0.0))
        for wire in sorted(self.scene.wires, key=lambda wire: wire.kind in ("skip", "tap")):
            self.wire(wire)
        for key in self.scene.keys:
            self.key(key)
        whole = Element("mxfile", {"host": "archdsl"})
        diagram = SubElement(whole, "diagram", {"id": "figure", "name": self.scene.title})
        diagram.append(self.model)
        ElementTree.indent(whole, " ")
        return ElementTree.tostring(whole, encoding="unicode") + "\n"

    # --- boxes
    def place(self, items: Sequence[Item], parent: str, corner: Point) -> None:
        """Frames hold what is in them, so that it moves with them; `corner` is where the one around these begins."""
        for item in items:
            if isinstance(item, Frame):
                inside = self.frame(item, parent, corner)
                self.place(item.items, inside, (item.rect.left, item.rect.top))
            else:
                self.shape(item, parent, corner)
                for words in item.beside:
                    self.words(words, parent, corner)

    def frame(self, frame: Frame, parent: str, corner: Point) -> str:
        drawn = frame.kind != "case"
        look = {
            "rounded": "1",
            "absoluteArcSize": "1",
            "arcSize": self.length(2 * ROUND),
            "fillColor": frame.paint.fill or "none",
            "strokeColor": frame.paint.line if drawn else "none",
            "container": "1",
            "collapsible": "0",
            **({"dashed": "1"} if frame.kind == "repeat" else {}),
        }
        name = self.vertex("", look, frame.rect, parent, corner)
        if frame.label:
            self.words(frame.label, name, (frame.rect.left, frame.rect.top))
        return name

    def shape(self, shape: Shape, parent: str, corner: Point) -> None:
        paint = {"fillColor": shape.paint.fill, "strokeColor": shape.paint.line, "strokeWidth": self.length(OUTLINE)}
        arc = {"absoluteArcSize": "1", "arcSize": self.length(2 * ROUND)}
        look = {**paint, **arc, **FORMS[shape.form]}
        self.names[shape] = self.vertex(self.html(shape.text), look, shape.rect, parent, corner, shape.title)

    def words(self, words: Words, parent: str, corner: Point) -> None:
        rect, look = words.rect, {**PLAIN, "align": "left" if words.align == "left" else "center"}
        if words.turned:  # draw.io turns what it drew level
            look["rotation"] = "-90"
            rect = Rect(rect.x, rect.y, rect.height, rect.width)
        self.vertex(self.html(words.text), look, rect, parent, corner)

    def key(self, key: Key) -> None:
        look = {"fillColor": key.paint.fill, "strokeColor": key.paint.line, **ROUNDED}
        self.vertex("", look, key.patch, LAYER, (0.0, 0.0))
        self.words(key.words, LAYER, (0.0, 0.0))

    def vertex(
        self, value: str, look: Mapping[str, str], rect: Rect, parent: str, corner: Point, title: str = ""
    ) -> str:
        name = self.name()
        cell = {"style": styled({**self.text_look(), **look}), "vertex": "1", "parent": parent}
        if title:  # what a reader sees who points at it
            holder = SubElement(self.root, "UserObject", {"label": value, "tooltip": title, "id": name})
            made = SubElement(holder, "mxCell", cell)
        else:
            made = SubElement(self.root, "mxCell", {"id": name, "value": value, **cell})
        x, y = self.point((rect.left, rect.top))
        left, top = self.point(corner) if parent != LAYER else (0.0, 0.0)
        size = {"width": self.length(rect.width), "height": self.length(rect.height)}
        SubElement(made, "mxGeometry", {"x": number(x - left), "y": number(y - top), **size, "as": "geometry"})
        return name

    def text_look(self) -> dict[str, str]:
        place = {"html": "1", "whiteSpace": "nowrap", "spacing": "0", "align": "center", "verticalAlign": "middle"}
        name, size = FONTS[self.scene.look.font]
        font = {"fontFamily": name, "fontColor": self.scene.look.ink, "fontSize": self.length(size * style.TEXT)}
        return {**place, **font}

    # --- lines
    def wire(self, wire: Wire) -> None:
        points = [wire.whole[0], *wire.whole[3:-1:3], wire.whole[-1]] if wire.curved else wire.whole
        name = self.name()
        ends = {"source": self.names[wire.source], "target": self.names[wire.target]}
        look = styled(self.wire_look(wire))
        cell = SubElement(self.root, "mxCell", {"id": name, "style": look, "edge": "1", "parent": LAYER, **ends})
        geometry = SubElement(cell, "mxGeometry", {"relative": "1", "as": "geometry"})
        if len(points) > 2:
            corners = SubElement(geometry, "Array", {"as": "points"})
            for point in points[1:-1]:
                x, y = self.point(point)
                SubElement(corners, "mxPoint", {"x": number(x), "y": number(y)})
        if wire.label:
            self.label(wire.label, points, name)

    def wire_look(self, wire: Wire) -> dict[str, str]:
        way = {"edgeStyle": "none", "curved": "1"} if wire.curved else {"edgeStyle": "orthogonalEdgeStyle"}
        pen = {"strokeColor": self.scene.look.recoloured(wire.colour), "strokeWidth": self.length(wire.width)}
        head = {"endArrow": "blockThin" if wire.head else "none", "endSize": self.length(HEAD), "endFill": "1"}
        return {
            **way,
            "rounded": "1",
            "arcSize": self.length(2 * self.scene.corner),
            **pen,
            **head,
            **({"dashed": "1"} if wire.dashed else {}),
            **at("exit", wire.source.rect, wire.whole[0]),
            **at("entry", wire.target.rect, wire.whole[-1]),
        }

    def label(self, words: Words, points: Sequence[Point], line: str) -> None:
        """Words that stay with their line: from the nearest point of it, at a distance."""
        middle = words.rect.x, words.rect.y
        share, near = nearest(points, middle)
        look = styled({**self.text_look(), **PLAIN})
        cell = {"id": self.name(), "value": self.html(words.text), "style": look, "vertex": "1", "connectable": "0"}
        made = SubElement(self.root, "mxCell", {**cell, "parent": line})
        geometry = SubElement(made, "mxGeometry", {"x": f"{2 * share - 1:.4g}", "relative": "1", "as": "geometry"})
        apart = {"x": self.length(middle[0] - near[0]), "y": self.length(middle[1] - near[1])}
        SubElement(geometry, "mxPoint", {**apart, "as": "offset"})

    # --- words
    def html(self, text: Text) -> str:
        return "".join(f"<div>{part}</div>" for part in self.lines(text))

    def lines(self, text: Text) -> Iterator[str]:
        for line in text.lines:
            words = escape(line.words)
            words = f"<b>{words}</b>" if line.bold else words
            look = self.look_of(line)
            yield f'<span style="{look}">{words}</span>'

    def look_of(self, line: Line) -> str:
        """Lines stand as close as where they were measured."""
        colour = self.scene.look.recoloured(line.colour)
        size = FONTS[self.scene.look.font][1] * line.size
        return f"font-size:{self.length(size)}px;line-height:{self.length(line.height)}px;color:{colour}"

    # --- numbers
    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    def point(self, point: Point) -> Point:
        """On the page."""
        (left, top), scale = self.scene.pad, self.scene.scale
        return (point[0] + left) * scale * UNIT, (point[1] + top) * scale * UNIT

    def length(self, points: float) -> str:
        return number(points * self.scene.scale * UNIT)


def nearest(points: Sequence[Point], to: Point) -> tuple[float, Point]:
    """The point of a line that is nearest, and how far along the line it is, from 0 to 1."""
    found: list[tuple[float, float, Point]] = []
    gone = 0.0
    for (ax, ay), (bx, by) in pairwise(points):
        long = hypot(bx - ax, by - ay)
        part = ((to[0] - ax) * (bx - ax) + (to[1] - ay) * (by - ay)) / long**2 if long else 0.0
        part = min(1.0, max(0.0, part))
        near = ax + part * (bx - ax), ay + part * (by - ay)
        found.append((hypot(to[0] - near[0], to[1] - near[1]), gone + part * long, near))
        gone += long
    _, far, near = min(found)
    return far / (gone or 1.0), near


def at(end: str, rect: Rect, point: Point) -> dict[str, str]:
    """Where a line touches its box, as a part of that from the top left."""
    x, y = (point[0] - rect.left) / (rect.width or 1), (point[1] - rect.top) / (rect.height or 1)
    return {f"{end}X": f"{x:.5g}", f"{end}Y": f"{y:.5g}", f"{end}Dx": "0", f"{end}Dy": "0", f"{end}Perimeter": "0"}


def number(value: float) -> str:
    return f"{round(value, 2):g}"


def styled(look: Mapping[str, str]) -> str:
    return "".join(f"{name}={value};" for name, value in look.items())
