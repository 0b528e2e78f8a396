"""Lines between boxes on a grid: of all ways with few corners the one that crosses least; none runs over a box.

Lines of one tensor may run together, and so may those of several tensors that go to the same boxes: they turn where
others of their bundle turn, so most of them are one trunk with branches. All others keep apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise, product
from math import inf
from typing import NamedTuple, TypeAlias

from archdsl.backends.figures.strip.plan import Point, Rect

PORT, LANE = 8.0, 8.0  # between two lines at a box, and in the room between boxes
NEAR = 6.0  # lines that are not nearer are told apart
CLEAR = 3.5  # from a line to a box that it passes
CORNER, CROSSING, LONG, OFF = 20.0, 80.0, 0.1, 0.4  # what ways cost: by corner, crossing, point of length, off centre
SHORT, SHAFT = 30.0, 11.0  # what a way costs whose last piece is so short that it is all arrow head
OVER = 12.0  # by crossing of its own bundle, where lines could run together
OFFSETS = (0.0, PORT, -PORT, 2 * PORT, -2 * PORT)
HAIR = 0.01
Ways: TypeAlias = "Callable[[Rect, Rect], Iterator[list[Point]]]"


@dataclass(frozen=True)
class Wire:
    """A line from a box to another; those of a bundle may run together."""

    source: int
    target: int
    bundle: int
    start: Rect | None = None  # the part of the first box that it leaves, if not all of it


class Met(NamedTuple):
    """What a piece of a line costs for each line that it crosses, and how far it runs on its bundle."""

    crossings: Sequence[float]
    shared: float


class Line(NamedTuple):
    """A piece of a line that is drawn: where it lies across its direction, and from where to where along it."""

    at: float
    low: float
    high: float
    bundle: int


Known: TypeAlias = "dict[tuple[Point, Point], Met | None]"


@dataclass
class Board:
    """The boxes, the rooms between columns and rows that lines run in, and the lines that are drawn."""

    boxes: Sequence[Rect]
    gaps_across: Sequence[tuple[float, float]]  # from where to where nothing stands, left to right
    gaps_down: Sequence[tuple[float, float]]
    drawn: tuple[list[Line], list[Line]] = field(default_factory=lambda: ([], []))  # level ones, upright ones
    turned: dict[int, set[Point]] = field(default_factory=dict)  # the corners of bundles

    def route(self, wire: Wire) -> list[Point] | None:
        """The best way that is free, which is drawn then; None if there is none."""
        one, other = wire.start or self.boxes[wire.source], self.boxes[wire.target]
        best: tuple[float, list[Point]] | None = None
        known: Known = {}
        turned = self.turned.setdefault(wire.bundle, set())
        around = partial(self.around, trunks={x for x, _ in turned})
        kinds: tuple[Ways, ...] = (straight, bent, self.stepped, around, self.roundabout)
        for corners, ways in enumerate(kinds):
            if best is not None and best[0] <= CORNER * (min(1, corners) if turned else corners):
                break
            for points in ways(one, other):
                cost = self.cost(points, wire, best[0] if best is not None else inf, known)
                if cost is not None:
                    best = cost, points
        if best is None:
            return None
        for a, b in pairwise(best[1]):
            n = 0 if level(a, b) else 1
            self.drawn[n].append(Line(a[1 - n], min(a[n], b[n]), max(a[n], b[n]), wire.bundle))
        turned.update(best[1][1:-1])
        return best[1]

    @cached_property
    def held(self) -> list[tuple[Rect, Rect]]:
        """What no line may touch, for each box: of a line that passes, and of one that ends at the box."""
        return [(box.grown(CLEAR), box.grown(-HAIR)) for box in self.boxes]

    # --- ways of more than one corner
    def stepped(self, one: Rect, other: Rect) -> Iterator[list[Point]]:
        """Two corners: along a room between columns or rows."""
        for start, goal, x in product(sideways(one), sideways(other), lanes(self.gaps_across)):
            if leaves(one, start, x) and leaves(other, goal, x):
                yield [start, (x, start[1]), (x, goal[1]), goal]
        for start, goal, y in product(updown(one), updown(other), lanes(self.gaps_down)):
            if passes(one, start, y) and passes(other, goal, y):
                yield [start, (start[0], y), (goal[0], y), goal]

    def around(self, one: Rect, other: Rect, trunks: Collection[float]) -> Iterator[list[Point]]:
        """Three corners: out at a side, and along a room between rows to the other's top or bottom.

        The side is next to the box, or where its bundle turns already.
        """
        for start, goal, y in product(sideways(one), updown(other), lanes(self.gaps_down)):
            if passes(other, goal, y):
                for x in (*self.beside(one, start), *(x for x in trunks if leaves(one, start, x))):
                    yield [start, (x, start[1]), (x, y), (goal[0], y), goal]

    def roundabout(self, one: Rect, other: Rect) -> Iterator[list[Point]]:
        """Four corners: out at a side, along a room between rows, and in at a side."""
        for start, goal, y in product(sideways(one), sideways(other), lanes(self.gaps_down)):
            for x, to in product(self.beside(one, start), self.beside(other, goal)):
                yield [start, (x, start[1]), (x, y), (to, y), (to, goal[1]), goal]

    def beside(self, box: Rect, port: Point) -> list[float]:
        """The places for lines in the room between columns that a port opens to."""
        if port[0] == box.right:
            return lanes([next(gap for gap in self.gaps_across if gap[1] > box.right)])
        return lanes([next(gap for gap in reversed(self.gaps_across) if gap[0] < box.left)])

    # --- what a way costs
    def cost(self, points: Sequence[Point], wire: Wire, most: float, known: Known) -> float | None:
        """None if it is not free, or not below the most that it may be. `known`: what pieces of this wire meet."""
        turned = self.turned.get(wire.bundle, ())
        total = CORNER * sum(point not in turned for point in points[1:-1])  # a bundle turns together
        off = OFF * self.off_centre(points, wire) + SHORT * (distance(*points[-2:]) < SHAFT)
        for a, b in pairwise(points):
            if total + off >= most + HAIR:
                return None
            if (a, b) not in known:
                known[a, b] = self.meets(a, b, wire)
            met = known[a, b]
            if met is None:
                return None
            for crossing in met.crossings:
                total += crossing
            total += LONG * (distance(a, b) - met.shared)
        total += off
        return total if total < most else None

    def off_centre(self, points: Sequence[Point], wire: Wire) -> float:
        centres = ((wire.start or self.boxes[wire.source]).centre, self.boxes[wire.target].centre)
        ends = zip((points[0], points[-1]), centres, strict=True)
        return sum(min(abs(x - cx), abs(y - cy)) for (x, y), (cx, cy) in ends)

    def meets(self, a: Point, b: Point, wire: Wire) -> Met | None:
        """What a piece of a wire crosses and shares; None if it runs over a box, or into a line of another bundle."""
        held = Rect(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
        for number, (near, own) in enumerate(self.held):
            if held.meets(own if number in (wire.source, wire.target) else near):
                return None
        n = 0 if level(a, b) else 1
        at, low, high = a[1 - n], min(a[n], b[n]), max(a[n], b[n])
        shared, crossed = 0.0, []
        for line in self.drawn[n]:
            if abs(at - line.at) < NEAR and low - NEAR < line.high and line.low - NEAR < high:
                if line.bundle != wire.bundle:
                    return None
                if abs(at - line.at) <= HAIR:
                    shared = max(shared, min(high, line.high) - max(low, line.low))
        for line in self.drawn[1 - n]:
            if low <= line.at <= high and line.low <= at <= line.high:
                ends = min(abs(low - line.at), abs(high - line.at), abs(line.low - at), abs(line.high - at))
                joins = ends < HAIR  # as a branch does
                crossed.append(CROSSING if line.bundle != wire.bundle else 0 if joins else OVER)
        return Met(crossed, shared)


# --- ports
def sideways(box: Rect) -> list[Point]:
    """Where lines end on the right and left."""
    y, most = box.centre[1], box.height / 2 - NEAR
    return [(x, y + off) for off in OFFSETS if abs(off) <= most or not off for x in (box.right, box.left)]


def updown(box: Rect) -> list[Point]:
    """Where lines end below and above."""
    x, most = box.centre[0], box.width / 2 - NEAR
    return [(x + off, y) for off in OFFSETS if abs(off) <= most or not off for y in (box.low, box.high)]


def leaves(box: Rect, port: Point, x: float) -> bool:
    """Whether a line from a port at a side to x leaves the box."""
    return x > box.right if port[0] == box.right else x < box.left


def passes(box: Rect, port: Point, y: float) -> bool:
    return y > box.high if port[1] == box.high else y < box.low


def lanes(gaps: Sequence[tuple[float, float]]) -> list[float]:
    """Places for lines in rooms: the middle, and as many beside it as there is room for."""
    found = []
    for low, high in gaps:
        middle, most = (low + high) / 2, (high - low) / 2 - NEAR
        count = int(most / LANE)
        found += [middle + LANE * n for n in sorted(range(-count, count + 1), key=abs)]
    return found


# --- ways with few corners
def straight(one: Rect, other: Rect) -> Iterator[list[Point]]:
    """Without a corner."""
    for x, y in sideways(one):
        goal = other.left if x == one.right else other.right
        if leaves(one, (x, y), goal) and abs(y - other.centre[1]) <= max(0, other.height / 2 - NEAR):
            yield [(x, y), (goal, y)]
    for x, y in updown(one):
        goal = other.low if y == one.high else other.high
        if passes(one, (x, y), goal) and abs(x - other.centre[0]) <= max(0, other.width / 2 - NEAR):
            yield [(x, y), (x, goal)]


def bent(one: Rect, other: Rect) -> Iterator[list[Point]]:
    """With one corner: out at a side and in from above or below, or the other way round."""
    for start, goal in product(sideways(one), updown(other)):
        if leaves(one, start, goal[0]) and passes(other, goal, start[1]):
            yield [start, (goal[0], start[1]), goal]
    for start, goal in product(updown(one), sideways(other)):
        if passes(one, start, goal[1]) and leaves(other, goal, start[0]):
            yield [start, (start[0], goal[1]), goal]


# --- geometry
def distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def level(a: Point, b: Point) -> bool:
    return abs(a[1] - b[1]) < HAIR
