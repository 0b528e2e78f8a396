"""A strip with everything in its place: rows below each other, the lines between and beside them, the legend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from archdsl.backends.figures.strip.bodies import Body, Manner
from archdsl.backends.figures.strip.cells import Cell, Strip
from archdsl.backends.figures.strip.lanes import AFTER, BEFORE, LANE, Lanes, clearance, corners
from archdsl.backends.figures.strip.layout import Layout, Slot, turned
from archdsl.backends.figures.strip.legend import placed as keys
from archdsl.backends.figures.strip.plan import Border, Drawing, Point, Rect, Solid, Way, Words

BETWEEN = 20.0  # rows
RETURN = 10.0  # from the end of a row to the line that goes on with the next


def placed(chosen: Strip, made: Layout, beside: Lanes, legend: Mapping[str, str], wide: float) -> Drawing:
    """Everything in its place, with the legend below."""
    stack(made, beside)
    ways = [*flows(chosen, made, beside), *side_ways(made, beside, len(chosen.flows))]
    final = Final(made.manner)
    drawn = Drawing(
        chosen.title,
        [final.solid(slot) for slot in made.slots.values()],
        list(final.words(made)),
        [final.item(item, made, row) for row, items in enumerate(made.items) for item in items],
        [replace(way, points=[final.point(point) for point in way.points]) for way in ways],
    )
    drawn.keys = keys(legend, drawn.rect, wide)
    return drawn


def reach(made: Layout, beside: Lanes) -> float:
    """How long the rows are, with the lines at their ends."""
    if len(made.rows) == 1:
        return made.length
    ends = sum(clearance(made.manner) + LANE * (number - 1) for number in beside.margins.values() if number)
    return made.length + 2 * made.manner.gap(RETURN) + ends


# --- rows below each other
def stack(made: Layout, beside: Lanes) -> None:
    """Moves each row to its place, with the lines above and below it."""
    top = 0.0
    for row, cells in enumerate(made.rows):
        extent = made.extents[row]
        middle = top - beside.heights[row] - extent.high
        for cell in cells:
            made.slots[cell].v = middle
        top = middle + extent.low - beside.depths[row] - made.manner.gap(BETWEEN)


def flows(chosen: Strip, made: Layout, beside: Lanes) -> Iterator[Way]:
    """Arrows from each cell to the next."""
    for number, (one, other) in enumerate(chosen.flows):
        start, goal = made.slots[one], made.slots[other]
        out, into = (
            (start.u + leaving(start.body, made.manner), start.v),
            (goal.u - entering(goal.body, made.manner), goal.v),
        )
        if start.row == goal.row:
            points = [out, into]
        else:
            apart = made.manner.gap(RETURN)
            right, left = made.extents[start.row].right + apart, -apart
            below = made.extents[start.row].low - beside.depths[start.row]
            between = start.v + below - made.manner.gap(BETWEEN) / 2
            points = [out, (right, start.v), (right, between), (left, between), (left, goal.v), into]
        yield Way(one, other, "flow", points, number)


def leaving(body: Body, manner: Manner) -> float:
    """From the middle to where an arrow starts: of a solid in perspective the middle of its right face."""
    return body.solid.height / 2 if manner.portrait else (body.solid.width - body.depth[0]) / 2


def entering(body: Body, manner: Manner) -> float:
    return (body.solid.height - body.depth[1]) / 2 if manner.portrait else body.solid.width / 2


def side_ways(made: Layout, beside: Lanes, first: int) -> Iterator[Way]:
    """Lines beside the strip, whose bundles have the numbers from the first on."""
    ends = {AFTER: made.length + made.manner.gap(RETURN), BEFORE: -made.manner.gap(RETURN)}
    for bundle, lane in enumerate(beside.lanes, start=first):
        for source in lane.net.sources:
            for target in lane.net.targets:
                yield Way(source, target, lane.kind, corners(lane, source, target, beside, made, ends), bundle)


# --- turned
class Final:
    """From places along and across the strip to those on the page."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner

    def point(self, point: Point) -> Point:
        return (-point[1], -point[0]) if self.manner.portrait else point

    def rect(self, rect: Rect) -> Rect:
        return turned(rect, self.manner)

    def solid(self, slot: Slot) -> Solid:
        body = slot.body
        x, y = self.point((slot.u, slot.v))
        return Solid(body.cell, body.solid.moved(x, y), body.depth, body.text)

    def words(self, made: Layout) -> Iterator[Words]:
        for cell, slot in made.slots.items():
            x, y = self.point((slot.u, slot.v))
            for note in slot.body.notes:
                yield Words(cell, note.rect.moved(x, y), note.text, turned=note.turned)
            if cell in made.asides:
                rect = self.rect(made.asides[cell].moved(0, slot.v))
                yield Words(cell, rect, slot.body.aside, "left" if self.manner.portrait else "centre")

    def item(self, item: Cell | Border, made: Layout, row: int) -> Cell | Border:
        if isinstance(item, Cell):
            return item
        v = made.slots[made.rows[row][0]].v
        inner = [self.item(one, made, row) for one in item.items]
        rect, label = (self.rect(one.moved(0, v)) for one in (item.rect, item.label_rect))
        return Border(item.kind, rect, item.label, label, inner)
