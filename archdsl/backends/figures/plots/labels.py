"""Labels beside the marks of a plot, none over another; one without room near its mark stands off, on a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import hypot

from archdsl.backends.figures.measure import height, width
from archdsl.backends.figures.strip.plan import Point, Rect

RINGS = (4.0, 9.0, 15.0, 22.0)  # points from a mark to its label; beyond the first with a line
SIDES = ((1, 0), (0, 1), (1, 1), (-1, 1), (-1, 0), (0, -1), (1, -1), (-1, -1))  # the best first
CORNER = 0.75  # of that in each direction, where a label stands off a corner
BETWEEN = ((2, 1), (-2, 1), (2, -1), (-2, -1), (1, 2), (-1, 2), (1, -2), (-1, -2))  # further ones for lines
AIR = 0.8  # points between two labels
ALIKE = 2.0  # points by which a label has to be nearer to its mark than to another one
OVER = 15  # places that a line to be avoided costs
NONE = 100  # what it costs to have no place


@dataclass(frozen=True)
class Wanted:
    """A label and the mark that it belongs to, in points; of less `rank` are placed first."""

    words: str
    at: Point
    rank: int = 0


@dataclass(frozen=True)
class Spot:
    """A place for a label: its rectangle, and where the line to it ends if it has one."""

    rect: Rect
    end: Point | None
    cost: float


def spots(label: Wanted, size: float) -> Iterator[Spot]:
    """The places for a label around its mark, near ones first."""
    wide, high = width(label.words, size), height(size) * 0.8  # what letters fill of a line
    x, y = label.at
    for ring, far in enumerate(RINGS):
        for order, (dx, dy) in enumerate((*SIDES, *BETWEEN) if ring else SIDES):
            reach = far * CORNER / max(abs(dx), abs(dy)) if dx and dy else far
            left = x + dx * reach - (wide if dx < 0 else wide / 2 if dx == 0 else 0)
            low = y + dy * reach - (high if dy < 0 else high / 2 if dy == 0 else 0)
            end = (x + dx * reach, y + dy * reach) if ring else None
            yield Spot(Rect(left, low, left + wide, low + high), end, 10 * ring + order)


def placed(
    labels: Sequence[Wanted], size: float, room: Rect, marks: Sequence[Rect], lines: Sequence[Sequence[Point]] = ()
) -> list[Spot | None]:
    """A place for each label within a room, over no mark and no other label; None where there is none.

    Lines are avoided where there is another place. Labels that have the fewest good places come first; afterwards one
    that fared ill may take the place of another, if that one has a further place.
    """
    ways = [way for line in lines for way in pairwise(line)]
    known = [
        [
            replace(spot, cost=spot.cost + OVER * any(through(spot.rect.grown(AIR), *way) for way in ways))
            for spot in spots(label, size)
            if within(spot.rect.grown(AIR), room)
            and not over(spot, label.at, marks)
            and not mistaken(spot, label.at, marks)
        ]
        for label in labels
    ]
    found: list[Spot | None] = [None] * len(labels)
    free = dict(enumerate(known))
    while free:
        number = min(free, key=lambda n: (labels[n].rank, sum(spot.cost < OVER for spot in free[n]), n))
        mine = free.pop(number)
        if not mine:
            continue
        spot = min(mine, key=lambda spot: spot.cost + crowding(spot, free))
        found[number] = spot
        for n, others in free.items():
            free[n] = [other for other in others if apart(spot, labels[number].at, other, labels[n].at)]
    for number in range(len(labels)):
        if cost(found[number]) >= OVER:
            improve(number, labels, known, found)
    return found


def improve(number: int, labels: Sequence[Wanted], known: Sequence[Sequence[Spot]], found: list[Spot | None]) -> None:
    """A better place for a label, at which at most one other has to give way and has a place to go to."""

    def clashes(spot: Spot, own: int, others: Sequence[Spot | None]) -> list[int]:
        return [
            n
            for n, other in enumerate(others)
            if n != own and other is not None and not apart(spot, labels[own].at, other, labels[n].at)
        ]

    best, least = list(found), 0.0
    for spot in known[number]:
        tried = [*found[:number], spot, *found[number + 1 :]]
        met = clashes(spot, number, found)
        if len(met) == 1:
            (other,) = met
            tried[other] = None
            free = [one for one in known[other] if not clashes(one, other, tried)]
            tried[other] = min(free, key=cost, default=None)
        gained = sum(cost(before) - cost(after) for before, after in zip(found, tried, strict=True))
        if len(met) <= 1 and gained > least:
            best, least = tried, gained
    found[:] = best


def cost(spot: Spot | None) -> float:
    """What a place costs, or that there is none."""
    return NONE if spot is None else spot.cost


def over(spot: Spot, at: Point, marks: Sequence[Rect]) -> bool:
    """Whether a label or the line to it lies over a mark; the line begins at one."""
    others = [mark for mark in marks if not holds(mark, at)]
    return any(spot.rect.meets(mark) for mark in marks) or any(crossed(spot, at, mark) for mark in others)


def mistaken(spot: Spot, at: Point, marks: Sequence[Rect]) -> bool:
    """Whether a label could be read as that of another mark: it has no line, and stands as near to that one."""
    if spot.end is not None:
        return False
    own = min((apart_by(spot.rect, mark) for mark in marks if holds(mark, at)), default=0.0)
    return any(apart_by(spot.rect, mark) < own + ALIKE for mark in marks if not holds(mark, at))


def crowding(spot: Spot, free: Mapping[int, Sequence[Spot]]) -> float:
    """How much a place takes of others: their nearest ones count."""
    return sum(1.5 for others in free.values() for other in others[:3] if spot.rect.meets(other.rect))


def apart(one: Spot, at: Point, other: Spot, there: Point) -> bool:
    """Whether neither label covers the other, nor the line to it, and whether the lines do not cross."""
    if one.rect.grown(AIR).meets(other.rect) or crossed(one, at, other.rect) or crossed(other, there, one.rect):
        return False
    return one.end is None or other.end is None or not cross(at, one.end, there, other.end)


def crossed(spot: Spot, at: Point, rect: Rect) -> bool:
    """Whether the line to a label runs through a rectangle."""
    return spot.end is not None and through(rect, at, spot.end)


# --- geometry
def cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the line from a to b crosses the one from c to d."""
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def side(a: Point, b: Point, c: Point) -> float:
    """On which side of the line from a to b a point lies: less or more than zero."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def through(rect: Rect, a: Point, b: Point) -> bool:
    """Whether the line from a to b has a part inside a rectangle: what is left of it between both pairs of sides."""
    first, last = 0.0, 1.0
    for start, end, low, high in ((a[0], b[0], rect.left, rect.right), (a[1], b[1], rect.low, rect.high)):
        if start == end:
            if not low < start < high:
                return False
            continue
        near, far = sorted(((low - start) / (end - start), (high - start) / (end - start)))
        first, last = max(first, near), min(last, far)
    return first < last


def holds(mark: Rect, at: Point) -> bool:
    return mark.left < at[0] < mark.right and mark.low < at[1] < mark.high


def apart_by(one: Rect, other: Rect) -> float:
    """The distance of two rectangles."""
    across = max(other.left - one.right, one.left - other.right, 0.0)
    return hypot(across, max(other.low - one.high, one.low - other.high, 0.0))


def within(rect: Rect, room: Rect) -> bool:
    return room.left <= rect.left and rect.right <= room.right and room.low <= rect.low and rect.high <= room.high
