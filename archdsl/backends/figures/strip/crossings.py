"""How often the lines of a drawing cross."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from archdsl.backends.figures.strip.plan import Point, Way

Piece = tuple[Point, Point]
HAIR = 0.01  # points


def crossings(ways: Sequence[Way]) -> int:
    """In how many places lines of different bundles cross."""
    bundles: dict[int, set[Piece]] = {}
    for way in ways:
        bundles.setdefault(way.bundle, set()).update(map(piece, pairwise(way.points)))
    found = {
        (one, other, place)
        for (one, pieces), (other, others) in combinations(bundles.items(), 2)
        for a in pieces
        for b in others
        for place in [crossing(a, b)]
        if place is not None
    }
    return len(found)


def piece(ends: Piece) -> Piece:
    """The same one whichever way it is drawn."""
    (ax, ay), (bx, by) = ends
    one, other = (round(ax, 2), round(ay, 2)), (round(bx, 2), round(by, 2))
    return min(one, other), max(one, other)


def crossing(one: Piece, other: Piece) -> Point | None:
    """Where an upright and a level piece cross; None if they do not, or are alike."""
    if upright(one) == upright(other):
        return None
    ((x, low), (_, high)), ((left, y), (right, _)) = (one, other) if upright(one) else (other, one)
    inside = left - HAIR <= x <= right + HAIR and low - HAIR <= y <= high + HAIR
    return (x, y) if inside else None


def upright(one: Piece) -> bool:
    return abs(one[0][0] - one[1][0]) < HAIR
