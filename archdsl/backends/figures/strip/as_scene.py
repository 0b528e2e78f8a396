"""A strip as a scene: from the axes of its layout, y upwards, to those of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.backends.figures import scene
from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.scene import Scene, Shape
from archdsl.backends.figures.strip.as_dot import ROUND, by_cell
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.strip.plan import Border, Drawing, Key, Rect, Solid, Words
from archdsl.backends.figures.theme import Look


def scene_of(drawing: Drawing, look: Look, titles: Mapping[Cell, str]) -> Scene:
    """`titles` say of each box in full what it is."""
    return Placing(drawing, look, titles).made()


class Placing:
    """One drawing on its way."""

    def __init__(self, drawing: Drawing, look: Look, titles: Mapping[Cell, str]) -> None:
        self.drawing, self.look, self.whole = drawing, look, drawing.rect
        beside = by_cell(drawing.words)
        self.shapes = {
            solid.cell: self.shape(solid, titles[solid.cell], beside.get(solid.cell, ())) for solid in drawing.solids
        }

    def made(self) -> Scene:
        drawing = self.drawing
        return Scene(
            printable(drawing.title),
            self.look,
            (self.whole.width, self.whole.height),
            [self.item(item) for item in drawing.items],
            [
                scene.Wire(self.shapes[way.source], self.shapes[way.target], way.kind, points, points)
                for way in drawing.ways
                for points in [[self.point(point) for point in way.points]]
            ],
            [self.key(key) for key in drawing.keys],
            ROUND,
        )

    def point(self, point: scene.Point) -> scene.Point:
        return point[0] - self.whole.left, self.whole.high - point[1]

    def rect(self, rect: Rect) -> scene.Rect:
        return scene.Rect(*self.point(rect.centre), rect.width, rect.height)

    def shape(self, solid: Solid, title: str, beside: Sequence[Words]) -> Shape:
        form: scene.Form = "rounded" if solid.text.lines else "square"
        return Shape(
            "words" if solid.cell.end and solid.text.lines else form,
            self.rect(solid.rect),
            solid.text,
            solid.cell.colour,
            self.look.paint(solid.cell.colour),
            title,
            solid.depth,
            [self.words(words) for words in beside],
        )

    def words(self, words: Words) -> scene.Words:
        return scene.Words(words.text, self.rect(words.rect), words.align, words.turned)

    def item(self, item: Cell | Border) -> scene.Item:
        if isinstance(item, Cell):
            return self.shapes[item]
        label = scene.Words(item.label, self.rect(item.label_rect)) if item.label.lines else None
        inside = [self.item(inner) for inner in item.items]
        return scene.Frame(item.kind, self.rect(item.rect), scene.frame_paint(item.kind, self.look), label, inside)

    def key(self, key: Key) -> scene.Key:
        words = scene.Words(key.text, self.rect(key.rect), "left")
        return scene.Key(key.colour, self.look.paint(key.colour), self.rect(key.patch), words)
