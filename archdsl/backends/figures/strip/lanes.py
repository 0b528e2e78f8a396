"""Lines beside the strip: which lane each runs in, where it leaves and enters boxes, its corners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, product
from typing import TypeAlias

from archdsl.backends.figures.strip.bodies import Body, Manner
from archdsl.backends.figures.strip.cells import Cell, Net
from archdsl.backends.figures.strip.layout import FAR, Layout, Slot, border_cells, turned
from archdsl.backends.figures.strip.plan import Point, WayKind, inner_borders
from archdsl.backends.figures.strip.sides import sides

LANE = 8.0  # from one to the next
CLEAR = 13.0  # from the strip to the first one
PASSES = 4  # in which lanes change places
PORT = 8.0  # between two lines at a box, where there is room

Span = tuple[float, float]
Choice: TypeAlias = "Callable[[Sequence[Span], Callable[[Sequence[int]], int]], list[int]]"


@dataclass(eq=False)
class Lane:
    """A net with its lane in each row that it touches, and at the end of the rows if there are several."""

    net: Net
    spans: dict[int, Span]  # in places of cells
    levels: dict[int, int] = field(default_factory=dict)
    margin: int | None = None
    sides: dict[int, int] = field(default_factory=dict)  # of each row: 1 above, -1 below

    @property
    def kind(self) -> WayKind:
        return "tap" if self.net.tap else "skip"


@dataclass
class Lanes:
    lanes: list[Lane]
    ports: dict[tuple[Cell, Lane], float]  # along the strip
    heights: list[float]  # what lanes take above each row
    depths: list[float]  # and below it
    margins: int  # how many run at the end of rows


def lanes(nets: Sequence[Net], made: Layout) -> Lanes:
    """Shorter ones nearer to the strip, unless fewer cross otherwise; none shares its place with another."""
    found = [Lane(net, spans(net, made)) for net in nets]
    for lane in found:
        lane.sides = dict.fromkeys(lane.spans, 1)
    if made.manner.both:
        take_sides(found, made)
    levelled(found, made, untangled)
    set_margins([lane for lane in found if len(lane.spans) > 1])
    rows, clear = range(len(made.rows)), made.manner.gap(CLEAR)
    used = {(row, side): [lane.levels[row] for lane in at_side(found, row, side)] for row in rows for side in (1, -1)}
    heights, depths = ([tall(used[row, side], clear) for row in rows] for side in (1, -1))
    margins = max((lane.margin + 1 for lane in found if lane.margin is not None), default=0)
    return Lanes(found, ports(found, made), heights, depths, margins)


def at_side(found: Sequence[Lane], row: int, side: int) -> list[Lane]:
    return [lane for lane in found if lane.sides.get(row) == side]


def levelled(found: Sequence[Lane], made: Layout, chosen: Choice) -> int:
    """Gives all lanes their places above and below rows; how many lines cross there."""
    crossed = 0
    for row, side in product(range(len(made.rows)), (1, -1)):
        here = sorted(at_side(found, row, side), key=lambda lane: length(lane.spans[row]))
        spurs = [[cell.place for cell in lane.net.ends if made.slots[cell].row == row] for lane in here]
        wanted = [lane.spans[row] for lane in here]
        crossing = partial(crossings, wanted=wanted, spurs=spurs)
        levels = chosen(wanted, crossing)
        crossed += crossing(levels)
        for lane, level in zip(here, levels, strict=True):
            lane.levels[row] = level
    return crossed


def take_sides(found: Sequence[Lane], made: Layout) -> None:
    """Each lane above or below its row, so that few cross; what goes to another row is below in the last one alone."""
    free = [(lane, row) for lane in found for row in lane.spans if goes_below(lane, row, made)]
    if len(made.rows) == 1:
        places = [tuple(sorted({cell.place for cell in lane.net.ends})) for lane, _ in free]
        for (lane, row), side in zip(free, sides(places), strict=True):
            lane.sides[row] = side
    least = crossed(found, made)
    for _ in range(PASSES if least else 0):
        before = least
        for lane, row in free:
            lane.sides[row] *= -1
            tried = crossed(found, made)
            if tried < least:
                least = tried
            else:
                lane.sides[row] *= -1
        if least == before:
            break


def goes_below(lane: Lane, row: int, made: Layout) -> bool:
    """Whether a lane may run below a row: there it passes no label of a border, nor the arrow to the next row."""
    labelled = {
        cell for border in inner_borders(made.items[row]) if border.label.lines for cell in border_cells(border)
    }
    passes = not made.manner.portrait and labelled.intersection(lane.net.ends)
    return not passes and (len(lane.spans) == 1 or row == len(made.rows) - 1)


def crossed(found: Sequence[Lane], made: Layout) -> int:
    """How many lines cross, if shorter ones are nearer to the strip."""
    beside = levelled(found, made, lambda wanted, _: levels(wanted))
    far = [lane for lane in found if len(lane.spans) > 1]
    set_margins(far)
    return beside + crossings_at_end([lane.margin or 0 for lane in far], far)


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
    heights = [
        sorted((row, -lane.sides[row] * (1 + level)) for row, level in lane.levels.items() if row in lane.spans)
        for lane in far
    ]
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
    meeting: dict[tuple[Cell, int], list[Lane]] = {}
    for lane in found:
        for cell in lane.net.ends:
            meeting.setdefault((cell, lane.sides[made.slots[cell].row]), []).append(lane)
    places: dict[tuple[Cell, Lane], float] = {}
    for (cell, _), here in meeting.items():
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


def port_height(body: Body, manner: Manner, side: int) -> float:
    """How far from the middle of the strip a line ends."""
    if side < 0:
        return turned(body.solid, manner).low
    return turned(body.solid, manner).high - (0 if manner.portrait else body.depth[1] / 2)


# --- corners
def corners(lane: Lane, source: Cell, target: Cell, placed: Lanes, made: Layout, end: float) -> list[Point]:
    """From box to box in (u, v), where v is 0 in the middle of each row until rows get their places."""
    start, goal = made.slots[source], made.slots[target]
    out, into = placed.ports[source, lane], placed.ports[target, lane]
    first, last = (
        [
            (u, at(slot, port_height(slot.body, made.manner, lane.sides[slot.row]))),
            (u, at(slot, height(lane, slot.row, made))),
        ]
        for u, slot in ((out, start), (into, goal))
    )
    last.reverse()
    if lane.margin is None:
        return [*first, *last]
    edge = end + made.manner.gap(CLEAR) + LANE * lane.margin
    return [*first, (edge, first[-1][1]), (edge, last[0][1]), *last]


def at(slot: Slot, v: float) -> float:
    return slot.v + v


def height(lane: Lane, row: int, made: Layout) -> float:
    away = made.manner.gap(CLEAR) + LANE * lane.levels[row]
    return made.extents[row].high + away if lane.sides[row] > 0 else made.extents[row].low - away
