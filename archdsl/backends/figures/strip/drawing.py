"""A strip drawn: which text and how many rows fit on a page, then everything in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.backends.figures.strip.bodies import Body, Manner, bodies
from archdsl.backends.figures.strip.cells import Cell, Strip, strip
from archdsl.backends.figures.strip.lanes import CLEAR, LANE, Lanes, corners, lanes
from archdsl.backends.figures.strip.layout import Layout, Slot, lay, turned
from archdsl.backends.figures.strip.plan import PRINT, Border, Drawing, Point, Rect, Solid, Way, Words
from archdsl.ir.graph import Graph

# the width of a page of two columns, and of one
PAGE, COLUMN = 7 * 72 / PRINT, 3.4 * 72 / PRINT
ROOMS = {False: (120, 100, 85, 72, 60, 50), True: (190, 165, 140, 120, 100)}  # by portrait: widths of texts to try
IDEAL = {False: 1, True: 0}  # by portrait: a rating than which none is better
BETWEEN = 20.0  # rows
SLACK = 0.02  # of a page, before another row is begun
TRIES = 4  # a row that is shorter may let more lines run at its end
RETURN = 10.0  # from the end of a row to the line that goes on with the next


def drawing(graph: Graph, manner: Manner, expand: Sequence[str] = ()) -> Drawing:
    """The network as a strip."""
    chosen, made, beside = best(graph, manner, expand)
    stack(made, beside)
    ways = [*flows(chosen, made), *side_ways(made, beside)]
    final = Final(made.manner)
    return Drawing(
        chosen.title,
        [final.solid(slot) for slot in made.slots.values()],
        list(final.words(made)),
        [final.item(item, made, row) for row, items in enumerate(made.items) for item in items],
        [Way(way.source, way.target, way.kind, [final.point(point) for point in way.points]) for way in ways],
    )


def best(graph: Graph, manner: Manner, expand: Sequence[str]) -> tuple[Strip, Layout, Lanes]:
    """The fewest rows, then the longest lines; a column as wide as allowed."""
    found: list[tuple[float, Strip, Layout, Lanes]] = []
    for one in candidates(graph, manner, expand):
        found.append(one)
        if one[0] == IDEAL[manner.portrait]:
            break
    _, tried, made, beside = min(found, key=lambda one: one[0])
    return tried, made, beside


def candidates(graph: Graph, manner: Manner, expand: Sequence[str]) -> Iterator[tuple[float, Strip, Layout, Lanes]]:
    tried = strip(graph, expand)
    for room in ROOMS[manner.portrait]:
        made, beside = fitted(tried, manner, room)
        yield rating(made, beside), tried, made, beside


def fitted(chosen: Strip, manner: Manner, room: float) -> tuple[Layout, Lanes]:
    """On a page, with what runs at the ends of rows."""
    most = PAGE
    for _ in range(TRIES):
        made = lay(chosen, bodies(chosen.cells, manner, room), manner, most)
        beside = lanes(chosen.nets, made)
        surplus = reach(made, beside) - PAGE
        if manner.portrait or surplus <= SLACK * PAGE:
            break
        most -= surplus
    return made, beside


def reach(made: Layout, beside: Lanes) -> float:
    """How wide a landscape strip is, lines included."""
    if len(made.rows) == 1:
        return made.length
    return made.length + 2 * RETURN + (CLEAR + LANE * (beside.margins - 1) if beside.margins else 0)


def rating(made: Layout, beside: Lanes) -> float:
    """What is better is less; of equals the first tried, which has the longest lines."""
    if made.manner.portrait:
        return max(0, made.breadth + max(beside.heights) - COLUMN)
    return len(made.rows)


# --- rows below each other
def stack(made: Layout, beside: Lanes) -> None:
    """Moves each row to its place; lines run above it."""
    top = 0.0
    for row, cells in enumerate(made.rows):
        extent = made.extents[row]
        middle = top - beside.heights[row] - extent.high
        for cell in cells:
            made.slots[cell].v = middle
        top = middle + extent.low - BETWEEN


def flows(chosen: Strip, made: Layout) -> Iterator[Way]:
    """Arrows from each cell to the next."""
    for one, other in chosen.flows:
        start, goal = made.slots[one], made.slots[other]
        out, into = (
            (start.u + leaving(start.body, made.manner), start.v),
            (goal.u - entering(goal.body, made.manner), goal.v),
        )
        if start.row == goal.row:
            points = [out, into]
        else:
            right, left = made.extents[start.row].right + RETURN, -RETURN
            between = start.v + made.extents[start.row].low - BETWEEN / 2
            points = [out, (right, start.v), (right, between), (left, between), (left, goal.v), into]
        yield Way(one, other, "flow", points)


def leaving(body: Body, manner: Manner) -> float:
    """From the middle to where an arrow starts: of a solid in perspective the middle of its right face."""
    return body.solid.height / 2 if manner.portrait else (body.solid.width - body.depth[0]) / 2


def entering(body: Body, manner: Manner) -> float:
    return (body.solid.height - body.depth[1]) / 2 if manner.portrait else body.solid.width / 2


def side_ways(made: Layout, beside: Lanes) -> Iterator[Way]:
    end = made.length + (RETURN if len(made.rows) > 1 else 0)
    for lane in beside.lanes:
        for source in lane.net.sources:
            for target in lane.net.targets:
                yield Way(source, target, lane.kind, corners(lane, source, target, beside, made, end))


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
