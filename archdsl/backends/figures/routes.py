"""Arrows: straight where boxes stand one below another, else with two rounded corners; and where their words stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archdsl.backends.figures.columns import LABEL_GAP, Columns, carried
from archdsl.backends.figures.picture import Arrow, Box

BUS = 9.0  # points below a box at which its arrows part
RADIUS = 8.0  # of a corner
HEAD = 6.0  # an arrow head's length

Point = tuple[float, float]


@dataclass(frozen=True)
class Rect:
    """A box in its place: its middle, x to the right and y down."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height / 2

    def meets(self, other: Rect, apart: float = 0.0) -> bool:
        return (
            self.left < other.right + apart
            and other.left < self.right + apart
            and self.top < other.bottom + apart
            and other.top < self.bottom + apart
        )

    def holds(self, other: Rect) -> bool:
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )

    def crossed(self, one: Point, other: Point) -> bool:
        """Whether a line along an axis passes through."""
        (ax, ay), (bx, by) = one, other
        return (
            min(ax, bx) < self.right - 0.5
            and max(ax, bx) > self.left + 0.5
            and min(ay, by) < self.bottom - 0.5
            and max(ay, by) > self.top + 0.5
        )


@dataclass(frozen=True)
class Route:
    """The corners of an arrow from its beginning to its end, and the middle of its words.

    One that leaves another arrow of its box begins there; `whole` has its corners from the box on.
    """

    points: tuple[Point, ...]
    label: Point | None = None
    whole: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "whole", self.whole or self.points)

    def moved(self, x: float, y: float) -> Route:
        points, whole = (tuple((a + x, b + y) for a, b in ways) for ways in (self.points, self.whole))
        return Route(points, (self.label[0] + x, self.label[1] + y) if self.label else None, whole)


class Router:
    """Finds the ways of one case."""

    def __init__(self, columns: Columns, rects: Mapping[Box, Rect]) -> None:
        self.columns, self.flow, self.rects = columns, columns.flow, rects

    def routes(self) -> dict[Arrow, Route]:
        return {arrow: self.route(arrow) for arrow in self.flow.arrows}

    def route(self, arrow: Arrow) -> Route:
        points = [*self.way(arrow)]
        points = [point for n, point in enumerate(points) if n == 0 or distance(point, points[n - 1]) > 0.01]
        edge = points[0][0], self.rects[arrow.source].bottom  # else it leaves another line, further down
        whole = points if points[0][1] <= edge[1] else [edge, *points]
        return Route(tuple(points), self.label(arrow, points), tuple(whole))

    def way(self, arrow: Arrow) -> Sequence[Point]:
        one, other = self.rects[arrow.source], self.rects[arrow.target]
        start = self.columns.across[arrow.source]
        end = self.column(arrow)
        if arrow.source in self.columns.bars and one.left < end < one.right:
            start = end  # straight down from a bar
        if abs(end - start) < 0.5:
            first = [(start, one.bottom)]
        elif self.own_result(arrow):
            first = [(one.left if end < one.x else one.right, one.y), (end, one.y)]
        else:
            bus = one.bottom + stem(arrow.source, self.columns)
            trunk = [] if self.straight(arrow) else [(start, one.bottom)]  # else another has it: this one leaves that
            first = [*trunk, (start, bus), (end, bus)]
        if other.left < end < other.right:
            return [*first, (end, other.top)]
        return [*first, (end, other.y), (other.left if end < other.x else other.right, other.y)]

    def column(self, arrow: Arrow) -> float:
        """Across where an arrow goes down: a shortcut's own place, else where it begins, or where it ends."""
        across = self.columns.across
        if arrow in across:
            return across[arrow]
        return across[arrow.source if self.sideways(arrow) else arrow.target]

    def own_result(self, arrow: Arrow) -> bool:
        """Whether an arrow carries another of several results than the one that goes straight down."""
        if not self.columns.parts(arrow.source):
            return False
        straight = {t for a in self.straight(arrow) for t in carried(a)}
        return not straight & set(carried(arrow))

    def straight(self, arrow: Arrow) -> list[Arrow]:
        """Other arrows that go straight down from the same box."""
        others = (other for other in self.flow.leaving[arrow.source] if other is not arrow)
        return [other for other in others if abs(self.column(other) - self.columns.across[arrow.source]) < 0.5]

    def sideways(self, arrow: Arrow) -> bool:
        """Whether an arrow goes down first and then to the side: into what others enter too."""
        return len(self.flow.entering[arrow.target]) > 1

    def label(self, arrow: Arrow, points: Sequence[Point]) -> Point | None:
        """Beside the longest part that goes down, right of it; of a shortcut at the far left, on its left."""
        size = self.columns.labels.get(arrow)
        if size is None:
            return None
        width, height = size
        if shared(arrow, self.columns):
            x, y = self.columns.across[arrow.source], self.rects[arrow.source].bottom
            return x + LABEL_GAP + width / 2, y + 1 + self.columns.clear[arrow][0] + height / 2
        down = [pair for pair in pairwise(points) if abs(pair[0][0] - pair[1][0]) < 0.01]
        (x, top), (_, bottom) = max(down, key=lambda pair: pair[1][1] - pair[0][1])
        below, above = self.columns.clear[arrow]
        top += below if top == points[0][1] else 0.0
        bottom -= above if bottom == points[-1][1] else 0.0
        lane = self.columns.across.get(arrow)
        if lane is not None and lane < self.columns.across[arrow.target] - 0.5:
            return x - LABEL_GAP - width / 2, (top + bottom) / 2
        if lane is None and len(points) == 2 and bottom - top > 60:  # a long way: the words stay with what they tell of
            bottom = top + 26
        if lane is None and len(points) > 2 and self.sideways(arrow):
            bottom = min(bottom, top + 26)
        return x + LABEL_GAP + width / 2, (top + bottom) / 2


def shared(arrow: Arrow, columns: Columns) -> bool:
    """Whether other arrows carry the same tensor on: its words stand before they part."""
    others = [other for other in columns.flow.leaving[arrow.source] if other is not arrow]
    return bool(others) and not columns.parts(arrow.source) and arrow.source not in columns.bars


def stem(box: Box, columns: Columns) -> float:
    """How far below a box its arrows part: below their words."""
    said = (arrow for arrow in columns.flow.leaving[box] if arrow in columns.labels and shared(arrow, columns))
    return max((columns.labels[arrow][1] + columns.clear[arrow][0] + 4 for arrow in said), default=BUS)


def distance(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def spline(points: Sequence[Point], head: bool) -> str:
    """The engine's text of a way with rounded corners (y up); an arrow head takes the last few points."""
    end = points[-1]
    if head:
        points = [*points[:-1], toward(end, points[-2], HEAD)]
    pieces: list[Point] = [points[0]]
    for n, corner in enumerate(points[1:-1], 1):
        radius = min(RADIUS, distance(points[n - 1], corner) / 2, distance(corner, points[n + 1]) / 2)
        line(pieces, toward(corner, points[n - 1], radius))
        after = toward(corner, points[n + 1], radius)
        pieces += [toward(corner, pieces[-1], radius * 0.45), toward(corner, after, radius * 0.45), after]
    line(pieces, points[-1])
    text = " ".join(f"{x:.2f},{-y + 0.0:.2f}" for x, y in pieces)
    return f"e,{end[0]:.2f},{-end[1] + 0.0:.2f} {text}" if head else text


def line(pieces: list[Point], end: Point) -> None:
    """A straight piece, as a curve whose handles lie on it."""
    (ax, ay), (bx, by) = pieces[-1], end
    pieces += [(ax + (bx - ax) / 3, ay + (by - ay) / 3), (ax + (bx - ax) * 2 / 3, ay + (by - ay) * 2 / 3), end]


def toward(one: Point, other: Point, length: float) -> Point:
    """The point so far from one to the other, along an axis."""
    whole = distance(one, other) or 1.0
    return one[0] + (other[0] - one[0]) * length / whole, one[1] + (other[1] - one[1]) * length / whole


__all__ = ["Point", "Rect", "Route", "Router", "shared", "spline", "stem"]
