"""A picture as a scene: from the sheet of a block figure, or from the places that the engine finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from archdsl.backends.figures.dot import explained, form, node_names
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.labels import arrow_text, box_text, group_text, printable, styled
from archdsl.backends.figures.picture import Arrow, ArrowKind, Box, Group, Item, Picture
from archdsl.backends.figures.routes import RADIUS, Route
from archdsl.backends.figures.scene import Form, Frame, Key, Point, Rect, Scene, Shape, Wire, Words, frame_paint
from archdsl.backends.figures.sheet import Sheet, enclosing
from archdsl.backends.figures.style import LEGEND, SMALL, Paint
from archdsl.backends.figures.texts import Text
from archdsl.backends.figures.theme import Look

PATCH = (16.0, 10.0)
APART, LEAD, AFTER = 5.0, 3.0, 12.0  # from a patch to its words, between rows, after an entry


class Places(Protocol):
    """Where everything of a picture stands."""

    size: tuple[float, float]
    legend: tuple[int, Rect] | None  # its columns

    def box(self, box: Box) -> tuple[Rect, bool]:
        """Its place, and whether it is a bar: a join that is drawn as wide as what enters it."""

    def frame(self, group: Group) -> tuple[Rect, Point]:
        """Its place, and the middle of its words."""

    def route(self, arrow: Arrow) -> tuple[Route, bool]:
        """Its way, and whether that is curved."""


def scene_of(picture: Picture, places: Places, look: Look, title: Callable[[Box], str]) -> Scene:
    """`title` says of a box in full what it is."""
    shapes = {box: shape(box, places, look, title(box)) for box in picture.boxes()}
    return Scene(
        printable(picture.title),
        look,
        places.size,
        [item(one, shapes, places, look) for one in picture.items],
        [wire(arrow, shapes, places) for arrow in picture.arrows],
        list(keys(picture, places.legend, look)) if places.legend else [],
        RADIUS,
    )


def shape(box: Box, places: Places, look: Look, title: str) -> Shape:
    rect, bar = places.box(box)
    said = Text() if box.role == "fork" else box_text(box)
    colour = box.colour or box.role
    paint = Paint(look.ink, look.ink) if box.role == "fork" else look.paint(colour)
    return Shape(outline(box, bar=bar), rect, said, colour, paint, title)


def outline(box: Box, *, bar: bool) -> Form:
    if box.role == "fork":
        return "dot"
    if box.role in ("input", "output"):
        return "words"
    return "ellipse" if form(box) and not bar else "rounded"


def item(one: Item, shapes: Mapping[Box, Shape], places: Places, look: Look) -> Shape | Frame:
    if isinstance(one, Box):
        return shapes[one]
    rect, middle = places.frame(one)
    inside = [item(inner, shapes, places, look) for inner in one.items]
    return Frame(one.kind, rect, frame_paint(one.kind, look), words(group_text(one), middle), inside)


def words(said: Text, middle: Point | None) -> Words | None:
    return Words(said, Rect(*middle, said.width, said.height)) if said.lines and middle else None


def wire(arrow: Arrow, shapes: Mapping[Box, Shape], places: Places) -> Wire:
    route, curved = places.route(arrow)
    kind: ArrowKind = "flow" if arrow.kind == "skip" and len(route.points) == 2 else arrow.kind
    label = words(arrow_text(arrow), route.label)
    return Wire(shapes[arrow.source], shapes[arrow.target], kind, route.points, route.whole, label, curved)


def keys(picture: Picture, legend: tuple[int, Rect], look: Look) -> Iterator[Key]:
    """The legend, row by row, in the middle of its place."""
    columns, place = legend
    entries = [(word, paint, styled(word, SMALL)) for word, paint in explained(picture, look).items()]
    roles = {word: role for role, word in LEGEND.items()}
    wide = [max(said.width for _, _, said in entries[n::columns]) for n in range(min(columns, len(entries)))]
    starts = [sum(wide[:n]) + n * (PATCH[0] + APART + AFTER) for n in range(len(wide))]
    left = place.x - (starts[-1] + PATCH[0] + APART + wide[-1]) / 2
    high = max(PATCH[1], *(said.height for _, _, said in entries))
    rows = -(-len(entries) // columns)
    top = place.y - (rows * high + (rows - 1) * LEAD) / 2
    for n, (word, paint, said) in enumerate(entries):
        x, y = left + starts[n % columns], top + (n // columns) * (high + LEAD) + high / 2
        patch = Rect(x + PATCH[0] / 2, y, *PATCH)
        start = x + PATCH[0] + APART
        place_of = Rect(start + said.width / 2, y, said.width, said.height)
        yield Key(roles.get(word, paint.fill), paint, patch, Words(said, place_of, "left"))


# --- block figures
class SheetPlaces:
    """Those that were computed."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.size, self.legend = sheet, (sheet.width, sheet.height), sheet.legend

    def box(self, box: Box) -> tuple[Rect, bool]:
        return self.sheet.boxes[box], box in self.sheet.bars

    def frame(self, group: Group) -> tuple[Rect, Point]:
        caption = self.sheet.captions[group]
        around = [*(self.sheet.boxes[box] for box in group.boxes()), caption]
        return self.sheet.frames.get(group) or enclosing(around), (caption.x, caption.y)

    def route(self, arrow: Arrow) -> tuple[Route, bool]:
        return self.sheet.routes[arrow], False


# --- figures that the engine lays out
@dataclass
class EnginePlaces:
    """Those that the engine found, from its answer; y upwards there."""

    size: tuple[float, float]
    legend: tuple[int, Rect] | None
    rects: Mapping[Box, Rect]
    frames: Mapping[Group, tuple[Rect, Point]]
    routes: Mapping[Arrow, Route]

    def box(self, box: Box) -> tuple[Rect, bool]:
        return self.rects[box], False

    def frame(self, group: Group) -> tuple[Rect, Point]:
        return self.frames[group]

    def route(self, arrow: Arrow) -> tuple[Route, bool]:
        return self.routes[arrow], True


def engine_places(picture: Picture, text: str, columns: int) -> EnginePlaces:
    """`text` is what `dot` makes of the picture, with so many columns in its legend."""
    answer = json.loads(render(text, "json"))
    _, _, across, down = numbers(answer["bb"])
    found = {thing["name"]: thing for thing in answer["objects"]}

    def point(text: str) -> Point:
        x, y = numbers(text)
        return x, down - y

    names = node_names(picture)
    boxes = {
        box: Rect(*point(found[name]["pos"]), 72 * float(found[name]["width"]), 72 * float(found[name]["height"]))
        for box, name in names.items()
    }
    frames = {}
    for n, group in enumerate(outer_first(picture.items)):
        thing = found[f"cluster{n}"]
        left, low, right, high = numbers(thing["bb"])
        rect = Rect((left + right) / 2, down - (low + high) / 2, right - left, high - low)
        frames[group] = rect, said_right(thing, group_text(group).width, point)
    between = by_ends(answer)
    routes = {arrow: curve(between[names[arrow.source], names[arrow.target]].pop(0), point) for arrow in picture.arrows}
    legend = None
    if "lp" in answer:
        legend = columns, Rect(*point(answer["lp"]), 72 * float(answer["lwidth"]), 72 * float(answer["lheight"]))
    return EnginePlaces((across, down), legend, boxes, frames, routes)


def by_ends(answer: Mapping[str, Any]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Lines by the boxes between which they are."""
    names = {thing["_gvid"]: thing["name"] for thing in answer["objects"]}
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for edge in answer.get("edges", ()):
        found.setdefault((names[edge["tail"]], names[edge["head"]]), []).append(edge)
    return found


def outer_first(items: Sequence[Item]) -> Iterator[Group]:
    """As `dot` counts its clusters."""
    for one in items:
        if isinstance(one, Group):
            yield one
            yield from outer_first(one.items)


def said_right(thing: Mapping[str, Any], wide: float, point: Callable[[str], Point]) -> Point:
    """The middle of a frame's words, at the right of its label, whose left is kept free."""
    x, y = point(thing.get("lp", "0,0"))
    return x + (72 * float(thing.get("lwidth", 0)) - wide) / 2, y


def curve(edge: Mapping[str, Any], point: Callable[[str], Point]) -> Route:
    """The points of its curves, the last of them at the tip of the head."""
    parts = edge["pos"].split()
    tip = [point(part[2:]) for part in parts if part.startswith("e,")]
    points = [point(part) for part in parts if part[:2] not in ("e,", "s,")]
    if tip:
        points[-1] = tip[0]
    return Route(tuple(points), point(edge["lp"]) if "lp" in edge else None)


def numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]
