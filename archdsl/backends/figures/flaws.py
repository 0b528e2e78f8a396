"""What is wrong with a layout: something covers something else, or a line could be taken for another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

from archdsl.backends.figures.picture import Arrow
from archdsl.backends.figures.routes import HEAD, Point, Rect, distance
from archdsl.backends.figures.sheet import Sheet, Sizes

Line = tuple[Point, Point]
BARB = 3.0  # points from the middle of an arrow head to its corners
LEVEL = 0.01  # points; lines that are less apart are one


def flaws(sheet: Sheet, sizes: Sizes) -> Iterator[str]:
    """All of them, in words."""
    yield from covered(sheet, sizes)
    yield from struck(sheet, sizes)
    yield from confused(sheet)


def covered(sheet: Sheet, sizes: Sizes) -> Iterator[str]:
    """No box or words may cover others, and no frame what it does not hold."""
    things = [*sheet.boxes.values(), *words(sheet, sizes).values(), *sheet.captions.values()]
    if any(one.meets(other, -0.5) for one, other in combinations(things, 2)):
        yield "boxes or words cover each other"
    for frame, rect in sheet.frames.items():
        held = set(frame.boxes())
        if any(rect.meets(other) for box, other in sheet.boxes.items() if box not in held):
            yield f"the frame {frame.label} covers a box"
        if any(rect.meets(other, -0.5) and not rect.holds(other) for other in words(sheet, sizes).values()):
            yield f"the frame {frame.label} runs through words"


def struck(sheet: Sheet, sizes: Sizes) -> Iterator[str]:
    """No line may run through a box, words, or the head of another arrow."""
    written = [*words(sheet, sizes).values(), *sheet.captions.values()]
    tips = {arrow: tip(route.points) for arrow, route in sheet.routes.items() if arrow.kind != "entry"}
    for arrow, route in sheet.routes.items():
        boxes = [rect for box, rect in sheet.boxes.items() if box not in (arrow.source, arrow.target)]
        heads = [rect for other, rect in tips.items() if other is not arrow]
        for rect in (*boxes, *written, *heads):
            if any(rect.crossed(one, other) for one, other in pairwise(route.points)):
                yield f"the arrow to {name(arrow)} runs through something"


def confused(sheet: Sheet) -> Iterator[str]:
    """Lines go along an axis, and those of different tensors do not lie upon each other."""
    lines = {arrow: list(pairwise(route.points)) for arrow, route in sheet.routes.items()}
    for arrow, found in lines.items():
        if any(abs(ax - bx) > LEVEL and abs(ay - by) > LEVEL for (ax, ay), (bx, by) in found):
            yield f"the arrow to {name(arrow)} is no line along an axis"
        if arrow.kind != "entry" and distance(*found[-1]) < HEAD + 1:
            yield f"the arrow to {name(arrow)} has no room for its head"
    for (arrow, found), (other, others) in combinations(lines.items(), 2):
        if carry_the_same(arrow, other):
            continue
        if any(overlap(one, two) > 1.0 for one in found for two in others):
            yield f"the arrows to {name(arrow)} and {name(other)} lie upon each other"


def carry_the_same(one: Arrow, other: Arrow) -> bool:
    return one.source is other.source and one.tensor is other.tensor


def overlap(one: Line, other: Line) -> float:
    """The length that two lines along one axis share."""
    for axis in (0, 1):
        across = {round(point[axis], 1) for line in (one, other) for point in line}
        if len(across) == 1:
            low = max(min(line[0][1 - axis], line[1][1 - axis]) for line in (one, other))
            return min(max(line[0][1 - axis], line[1][1 - axis]) for line in (one, other)) - low
    return 0.0


def tip(points: tuple[Point, ...]) -> Rect:
    """The rectangle of an arrow head."""
    (ax, ay), (bx, by) = points[-2:]
    upright = abs(ax - bx) < LEVEL
    back = (bx, by + HEAD * ((ay > by) - (ay < by))) if upright else (bx + HEAD * ((ax > bx) - (ax < bx)), by)
    wide, high = (2 * BARB, HEAD) if upright else (HEAD, 2 * BARB)
    return Rect((bx + back[0]) / 2, (by + back[1]) / 2, wide, high)


def words(sheet: Sheet, sizes: Sizes) -> dict[Arrow, Rect]:
    """Where the words at arrows stand."""
    return {
        arrow: Rect(*route.label, *sizes.labels[arrow])
        for arrow, route in sheet.routes.items()
        if route.label is not None
    }


def name(arrow: Arrow) -> str:
    return arrow.target.heading or " ".join(arrow.target.lines)
