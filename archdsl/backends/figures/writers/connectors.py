"""Lines along the axes as the connectors of PowerPoint: which preset, how it is turned, where it bends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

from archdsl.backends.figures.scene import Point

MOST = 5  # parts that one connector has
LEAST = 0.1  # points: bends are told in parts of a connector's extent, which must not be nothing
SAME = 0.05
QUARTER = 5400000  # of a turn


@dataclass(frozen=True)
class Connector:
    """A preset in its place before it is turned: lengths in points."""

    preset: str
    left: float
    top: float
    width: float
    height: float
    turned: bool
    mirrored: bool  # left and right
    upended: bool
    bends: tuple[int, ...] = ()  # in 100000ths of its extent


def simplified(points: Sequence[Point]) -> list[Point]:
    """Without points on a straight way."""
    found = [points[0]]
    for n, point in enumerate(points[1:], 1):
        if apart(point, found[-1]) < SAME:
            continue
        after = points[n + 1] if n + 1 < len(points) else None
        if after is None or not straight(found[-1], point, after):
            found.append(point)
    return found if len(found) > 1 else [points[0], points[-1]]


def straight(one: Point, middle: Point, other: Point) -> bool:
    across = (middle[0] - one[0]) * (other[1] - one[1]) - (middle[1] - one[1]) * (other[0] - one[0])
    return abs(across) <= SAME * max(apart(one, other), SAME)


def apart(one: Point, other: Point) -> float:
    return hypot(other[0] - one[0], other[1] - one[1])


def legs(points: Sequence[Point]) -> Iterator[Sequence[Point]]:
    """A way in parts that are a connector each: along the axes as long as can be, else straight."""
    along = all(min(abs(a[0] - b[0]), abs(a[1] - b[1])) < SAME for a, b in pairwise(points))
    most = MOST if along else 1
    for start in range(0, len(points) - 1, most):
        yield points[start : start + most + 1]


def connector(points: Sequence[Point]) -> Connector:
    """Of one leg. A preset begins level; one that begins upright is turned by a quarter."""
    (ax, ay), (bx, by) = points[0], points[-1]
    if len(points) == 2:
        return Connector(
            "straightConnector1", min(ax, bx), min(ay, by), abs(bx - ax), abs(by - ay), False, bx < ax, by < ay
        )
    upright = abs(points[1][0] - ax) < SAME
    along, aside = (by - ay, bx - ax) if upright else (bx - ax, by - ay)
    length, breadth = max(abs(along), LEAST), max(abs(aside), LEAST)
    middle = (ax + bx) / 2, (ay + by) / 2
    bends = tuple(
        share(corner, (ax, ay), (along, aside), (length, breadth), upright=upright, level=n % 2 == 0)
        for n, corner in enumerate(points[1:-2])
    )
    return Connector(
        f"bentConnector{len(points) - 1}",
        middle[0] - length / 2,
        middle[1] - breadth / 2,
        length,
        breadth,
        upright,
        along < 0,
        (aside > 0) if upright else (aside < 0),
        bends,
    )


def share(corner: Point, start: Point, way: Point, extent: Point, *, upright: bool, level: bool) -> int:
    """How far a bend is along the connector, or, every second one, aside of it."""
    gone = corner[0] - start[0], corner[1] - start[1]
    along, aside = (gone[1], gone[0]) if upright else gone
    far, total, size = (along, way[0], extent[0]) if level else (aside, way[1], extent[1])
    backwards = total < 0 or (total == 0 and upright and not level)
    return round(100000 * (-far if backwards else far) / size)
