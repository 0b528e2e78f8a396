"""A strip with places, whatever draws it: solids, words, borders, ways, in points, y upwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from archdsl.backends.figures.measure import broken
from archdsl.backends.figures.picture import GroupKind
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.style import FAINT, INK, SKIP, SMALL, TEXT
from archdsl.backends.figures.texts import Line, Text

Point: TypeAlias = "tuple[float, float]"
WayKind: TypeAlias = Literal["flow", "skip", "tap"]
MOST_LINES = 12  # of one text; longer ones end in an ellipsis


@dataclass(frozen=True)
class Rect:
    left: float
    low: float
    right: float
    high: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.high - self.low

    @property
    def centre(self) -> Point:
        return (self.left + self.right) / 2, (self.low + self.high) / 2

    def moved(self, x: float, y: float) -> Rect:
        return Rect(self.left + x, self.low + y, self.right + x, self.high + y)

    def grown(self, by: float) -> Rect:
        return Rect(self.left - by, self.low - by, self.right + by, self.high + by)

    def meets(self, other: Rect) -> bool:
        """Whether they have more in common than an edge."""
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high


def around(rects: Iterable[Rect]) -> Rect:
    """The smallest that holds all; there is at least one."""
    sides = [(r.left, r.low, r.right, r.high) for r in rects]
    lefts, lows, rights, highs = zip(*sides, strict=True)
    return Rect(min(lefts), min(lows), max(rights), max(highs))


def centred(wide: float, high: float) -> Rect:
    """Around the origin."""
    return Rect(-wide / 2, -high / 2, wide / 2, high / 2)


def text(words: str, room: float, size: int = SMALL, colour: str = INK, *, bold: bool = False) -> Text:
    """Words broken to the room that there is."""
    lines = broken(words, size, room, bold=bold)
    lines = [*lines[: MOST_LINES - 1], "…"] if len(lines) > MOST_LINES else lines
    return Text(tuple(Line(line, size, colour, bold) for line in lines))


def heading(words: str, room: float) -> Text:
    return text(words, room, TEXT, bold=True)


def remark(words: str) -> Text:
    """A shape, or the like, that is never broken."""
    return text(words, float("inf"), colour=FAINT)


def tapped(words: str) -> Text:
    """The same in the colour of the line that it belongs to."""
    return text(words, float("inf"), colour=SKIP)


@dataclass(eq=False)
class Solid:
    """The box of a cell; `depth` is how far its back stands to the right and up. An input or output is words alone."""

    cell: Cell
    rect: Rect  # the depth included
    depth: Point = (0, 0)
    text: Text = field(default_factory=Text)  # inside


@dataclass(eq=False)
class Words:
    """Text beside a box."""

    cell: Cell
    rect: Rect
    text: Text
    align: Literal["centre", "left"] = "centre"
    turned: bool = False  # read from below


@dataclass(eq=False)
class Border:
    """A frame, or the part of one that stands in this row."""

    kind: GroupKind
    rect: Rect
    label: Text
    label_rect: Rect
    items: list[Cell | Border]


@dataclass(eq=False)
class Way:
    """An arrow, by the corners of its line; those of a bundle may run together."""

    source: Cell
    target: Cell
    kind: WayKind
    points: Sequence[Point]
    bundle: int


@dataclass(frozen=True, eq=False)
class Key:
    """A colour in the legend and what it means."""

    colour: str
    patch: Rect
    text: Text
    rect: Rect  # of the text


@dataclass
class Drawing:
    """All of it; `items` are cells and borders in order, the cells of a border within it."""

    title: str
    solids: list[Solid]
    words: list[Words]
    items: list[Cell | Border]
    ways: list[Way]
    keys: list[Key] = field(default_factory=list)

    def borders(self) -> list[Border]:
        return inner_borders(self.items)

    @property
    def rect(self) -> Rect:
        """What it covers."""
        points = [Rect(x, y, x, y) for way in self.ways for x, y in way.points]
        shapes = [solid.rect for solid in self.solids] + [words.rect for words in self.words]
        shapes += [rect for key in self.keys for rect in (key.patch, key.rect)]
        return around([*points, *shapes, *(border.rect for border in self.borders())])


def inner_borders(items: Iterable[Cell | Border]) -> list[Border]:
    """Outer ones before those within them."""
    found = [item for item in items if isinstance(item, Border)]
    return [inner for border in found for inner in (border, *inner_borders(border.items))]
