"""A figure with everything in its place and colour, as every writer but the engine's reads it.

In points of its own text, x to the right and y down from the top left; `page` says how large that comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from archdsl.backends.figures import style
from archdsl.backends.figures.paper import POINTS, Page
from archdsl.backends.figures.picture import ArrowKind, GroupKind
from archdsl.backends.figures.routes import Point, Rect
from archdsl.backends.figures.style import Paint
from archdsl.backends.figures.texts import Text
from archdsl.backends.figures.theme import Look

Form: TypeAlias = Literal["rounded", "square", "ellipse", "dot", "words"]  # words: no outline
PEN, SIDE_PEN = 1.0, 1.4  # points, of lines; of those that pass boxes by
OUTLINE = 1.1


@dataclass(eq=False)
class Words:
    """Text in a place."""

    text: Text
    rect: Rect
    align: Literal["centre", "left"] = "centre"
    turned: bool = False  # read from below


@dataclass(eq=False)
class Shape:
    """A box with the text in its middle, and texts beside it; `depth` is how far its back stands right and up."""

    form: Form
    rect: Rect  # the depth included
    text: Text
    colour: str  # a role's or `#rrggbb`
    paint: Paint
    title: str  # what it is, in full
    depth: Point = (0.0, 0.0)
    beside: list[Words] = field(default_factory=list)


@dataclass(eq=False)
class Frame:
    """A frame and what is in it; that of a case is not drawn."""

    kind: GroupKind
    rect: Rect
    paint: Paint
    label: Words | None
    items: list[Item]


Item: TypeAlias = "Shape | Frame"


@dataclass(eq=False)
class Wire:
    """A line with an arrow head, by its corners: those that are drawn, and all from box to box.

    One that is `curved` has the points of Bézier curves.
    """

    source: Shape
    target: Shape
    kind: ArrowKind
    points: Sequence[Point]
    whole: Sequence[Point]
    label: Words | None = None
    curved: bool = False

    @property
    def head(self) -> bool:
        return self.kind != "entry"

    @property
    def width(self) -> float:
        return SIDE_PEN if self.kind in ("skip", "tap") else PEN

    @property
    def dashed(self) -> bool:
        return self.kind == "tap"

    @property
    def colour(self) -> str:
        """One of `style`."""
        return style.SKIP if self.kind in ("skip", "tap") else style.INK


@dataclass(eq=False)
class Key:
    """A colour of the legend and what it means."""

    colour: str
    paint: Paint
    patch: Rect
    words: Words


@dataclass
class Scene:
    """All of it. The page is so many times as large as the drawing, which begins at `origin` of it."""

    title: str
    look: Look
    size: tuple[float, float]
    items: list[Item]
    wires: list[Wire]
    keys: list[Key] = field(default_factory=list)
    corner: float = 4.0  # the radius at which lines turn
    scale: float = 1.0
    pad: tuple[float, float] = (0.0, 0.0)  # around the drawing, before it is scaled

    @property
    def page(self) -> tuple[float, float]:
        """Points, as it comes out."""
        (across, down), (left, top) = self.size, self.pad
        return (across + 2 * left) * self.scale, (down + 2 * top) * self.scale

    def shapes(self) -> Iterator[Shape]:
        return shapes(self.items)

    def frames(self) -> Iterator[Frame]:
        """Outer ones before those within them."""
        return frames(self.items)

    def words(self) -> Iterator[Words]:
        """All texts that are not inside a box."""
        yield from (words for shape in self.shapes() for words in shape.beside)
        yield from (frame.label for frame in self.frames() if frame.label)
        yield from (wire.label for wire in self.wires if wire.label)
        yield from (key.words for key in self.keys)

    def on(self, page: Page | None, scale: float, margin: float) -> Scene:
        """On a page; without one, at a scale with so many points around it as it comes out."""
        if page is None:
            return replace(self, scale=scale, pad=(margin / scale, margin / scale))
        across = self.size[0] + 2 * page.pad[0]
        return replace(self, scale=page.inches * POINTS / across, pad=page.pad)


def shapes(items: Iterable[Item]) -> Iterator[Shape]:
    for item in items:
        if isinstance(item, Shape):
            yield item
        else:
            yield from shapes(item.items)


def frames(items: Iterable[Item]) -> Iterator[Frame]:
    for item in items:
        if isinstance(item, Frame):
            yield item
            yield from frames(item.items)


def frame_paint(kind: GroupKind, look: Look) -> Paint:
    """Ground and line; no ground is none."""
    drawn = style.GROUPS[kind]
    ground = look.recoloured(drawn["fillcolor"]) if "fillcolor" in drawn else ""
    return Paint(ground, look.recoloured(drawn["color"]))


__all__ = ["Form", "Frame", "Item", "Key", "Point", "Rect", "Scene", "Shape", "Wire", "Words", "frame_paint"]
