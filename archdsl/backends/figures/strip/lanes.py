"""Lines beside the strip: which lane each runs in, where it leaves and enters boxes, its corners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations

from archdsl.backends.figures.strip.bodies import Body, Manner
from archdsl.backends.figures.strip.cells import Cell, Net
from archdsl.backends.figures.strip.layout import FAR, Layout, Slot, turned
from archdsl.backends.figures.strip.plan import Point, WayKind

LANE = 8.0  # from one to the next
CLEAR = 13.0  # from the strip to the first one
PASSES = 4  # in which lanes change places
PORT = 8.0  # between two lines at a box, where there is room

Span = tuple[float, float]


@dataclass(eq=False)
class Lane:
    """A net with its lane in each row that it touches, and at the end of the rows if there are several."""

    net: Net
    spans: dict[int, Span]  # in places of cells
    levels: dict[int, int] = field(default_factory=dict)
    margin: int | None = None

    @property
    def kind(self) -> WayKind:
        return "tap" if self.net.tap else "skip"


@dataclass
class Lanes:
    lanes: list[Lane]
    ports: dict[tuple[Cell, Lane], float]  # along the strip
    heights: list[float]  # what lanes take above each row
    margins: int  # how many run at the end of rows


def lanes(nets: Sequence[Net], made: Layout) -> Lanes:
    """Shorter ones nearer to the strip, unless fewer cross otherwise; none shares its place with another."""
    found = [Lane(net, spans(net, made)) for net in nets]
    for row in range(len(made.rows)):
        here = sorted((lane for lane in found if row in lane.spans), key=lambda lane: length(lane.spans[row]))
        spurs = [[cell.place for cell in lane.net.ends if made.slots[cell].row == row] for lane in here]
        wanted = [lane.spans[row] for lane in here]
        crossed = partial(crossings, wanted=wanted, spurs=spurs)
        for lane, level in zip(here, untangled(wanted, crossed), strict=True):
            lane.levels[row] = level
    set_margins([lane for lane in found if len(lane.spans) > 1])
    clear = made.manner.gap(CLEAR)
    heights = [tall((lane.levels[row] for lane in found if row in lane.levels), clear) for row in range(len(made.rows))]
    margins = max((lane.margin + 1 for lane in found if lane.margin is not None), default=0)
    return Lanes(found, ports(found, made), heights, margins)


def spans(net: Net, made: Layout) -> dict[int, Span]:
    """From the first to the last cell in each row, or to the end of the row if there are several."""
    by_row: dict[int, list[int]] = {}
    for cell in net.ends:
        by_row.setdefault(made.slots[cell].row, []).append(cell.place)
    return {row: (min(places), max(places) if len(by_row) == 1 else FAR) for row, places in by_row.items()}


def length(span: Span) -> Span:
    return span[1] - span[0], span[0]


def set_margins(far: list[Lane]) -> None:
    """Where lines of several rows run at the end of these: shorter ones nearer, unless fewer cross otherwise."""
    far.sort(key=lambda lane: max(lane.spans) - min(lane.spans))
    wanted = [(min(lane.spans), max(lane.spans) + 0.5) for lane in far]
    for lane, level in zip(far, untangled(wanted, lambda found: crossings_at_end(found, far)), strict=True):
        lane.margin = level


def untangled(wanted: Sequence[Span], crossings: Callable[[Sequence[int]], int]) -> list[int]:
    """The lanes of spans in which the fewest lines cross: two change places while that helps."""
    order = list(range(len(wanted)))
    best = given(order, wanted)
    least = crossings(best), max(best, default=0)
    for _ in range(PASSES if least[0] else 0):
        before = least
        for one, other in combinations(range(len(order)), 2):
            tried = list(order)
            tried[one], tried[other] = order[other], order[one]
            found = given(tried, wanted)
            cost = crossings(found), max(found)
            if cost < least:
                order, best, least = tried, found, cost
        if least == before:
            break
    return best


def given(order: Sequence[int], wanted: Sequence[Span]) -> list[int]:
    """The lanes of spans that take theirs in this order."""
    found = dict(zip(order, levels([wanted[place] for place in order]), strict=True))
    return [found[place] for place in range(len(wanted))]


def crossings(found: Sequence[int], wanted: Sequence[Span], spurs: Sequence[Sequence[int]]) -> int:
    """How often the way of a lane to the strip crosses another lane."""
    lanes = list(zip(found, wanted, strict=True))
    return sum(
        below < level and span[0] < place < span[1]
        for level, places in zip(found, spurs, strict=True)
        for place in places
        for below, span in lanes
    )


def crossings_at_end(margins: Sequence[int], far: Sequence[Lane]) -> int:
    """How often a line on its way to the end of a row crosses one that runs there, nearer to the rows."""
    heights = [[(row, -level) for row, level in sorted(lane.levels.items())] for lane in far]
    return sum(
        nearer < margin and ends[0] < height < ends[-1]
        for margin, own in zip(margins, heights, strict=True)
        for height in own
        for nearer, ends in zip(margins, heights, strict=True)
    )


def levels(wanted: Sequence[Span]) -> list[int]:
    """For each span the lowest lane in which it meets no other."""
    taken: list[list[Span]] = []
    found: list[int] = []
    for span in wanted:
        free = (n for n, others in enumerate(taken) if all(span[1] <= a or b <= span[0] for a, b in others))
        level = next(free, len(taken))
        if level == len(taken):
            taken.append([])
        taken[level].append(span)
        found.append(level)
    return found


def tall(used: Iterable[int], clear: float) -> float:
    most = max(used, default=-1)
    return clear + LANE * most if most >= 0 else 0


# --- ports
def ports(found: Sequence[Lane], made: Layout) -> dict[tuple[Cell, Lane], float]:
    """Lines that come from before stand before those that go on, so that none crosses another."""
    meeting: dict[Cell, list[Lane]] = {}
    for lane in found:
        for cell in lane.net.ends:
            meeting.setdefault(cell, []).append(lane)
    places: dict[tuple[Cell, Lane], float] = {}
    for cell, here in meeting.items():
        slot = made.slots[cell]
        here.sort(key=lambda lane: order(lane, cell, slot.row))
        middle, half = port_range(slot.body, made.manner)
        gap = min(PORT, 2 * half / len(here))
        for number, lane in enumerate(here):
            places[cell, lane] = slot.u + middle + gap * (number - (len(here) - 1) / 2)
    return places


def order(lane: Lane, cell: Cell, row: int) -> tuple[int, int]:
    arriving = len(lane.spans) == 1 and cell in lane.net.targets
    return (0, lane.levels[row]) if arriving else (1, -lane.levels[row])


def port_range(body: Body, manner: Manner) -> Span:
    """The middle of the edge where lines end, and half its length; in perspective, that of the middle of the face."""
    dx, dy = body.depth
    return (dy / 2, (body.solid.height - dy) / 2) if manner.portrait else (0, (body.solid.width - dx) / 2)


def port_height(body: Body, manner: Manner) -> float:
    """How far from the middle of the strip a line ends."""
    return turned(body.solid, manner).high - (0 if manner.portrait else body.depth[1] / 2)


# --- corners
def corners(lane: Lane, source: Cell, target: Cell, placed: Lanes, made: Layout, end: float) -> list[Point]:
    """From box to box in (u, v), where v is 0 in the middle of each row until rows get their places."""
    start, goal = made.slots[source], made.slots[target]
    out, into = placed.ports[source, lane], placed.ports[target, lane]
    first = [(out, at(start, port_height(start.body, made.manner))), (out, at(start, height(lane, start.row, made)))]
    last = [(into, at(goal, height(lane, goal.row, made))), (into, at(goal, port_height(goal.body, made.manner)))]
    if lane.margin is None:
        return [*first, *last]
    edge = end + made.manner.gap(CLEAR) + LANE * lane.margin
    return [*first, (edge, first[-1][1]), (edge, last[0][1]), *last]


def at(slot: Slot, v: float) -> float:
    return slot.v + v


def height(lane: Lane, row: int, made: Layout) -> float:
    return made.extents[row].high + made.manner.gap(CLEAR) + LANE * lane.levels[row]
