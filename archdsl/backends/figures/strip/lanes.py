"""Lines beside the strip: which lane each runs in, where it leaves and enters boxes, its corners.

Between two rows the line that goes on with the strip parts what runs below the one from what runs above the other.
Lines above rows pass to others at the end of these, lines below rows at their start, so that a strip has two sides
however many rows it is broken into. Around its own ends a line gets to the other side: above the first row and below
the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from math import inf
from typing import TypeAlias, TypeVar

from archdsl.backends.figures.strip.bodies import Body, Manner
from archdsl.backends.figures.strip.cells import Cell, Net
from archdsl.backends.figures.strip.layout import FAR, Layout, Slot, border_cells, turned
from archdsl.backends.figures.strip.plan import Point, WayKind, inner_borders
from archdsl.backends.figures.strip.sides import Places, sides, would_cross

LANE = 8.0  # from one to the next
CLEAR, HEADROOM = 13.0, 12.0  # from the strip to the first one; at least so far, an arrow head and as much line again
PASSES = 4  # in which lanes change places
PORT = 8.0  # between two lines at a box, where there is room
FEW = 12  # lines of which two change their ways at once
AFTER, BEFORE = 1, -1  # the ends of rows at which lines pass from one to another

Span = tuple[float, float]
Ordered = TypeVar("Ordered", float, "tuple[int, int]")  # a place of a cell, or a row with a height above it
# how often the way of one line to the strip would cross another, were that nearer; pairs that do not cross are left out
Meetings: TypeAlias = "Mapping[tuple[int, int], int]"
Choice: TypeAlias = "Callable[[Sequence[Span], Meetings], list[int]]"


@dataclass(frozen=True)
class Course:
    """Where a line runs: above (1) or below (-1) each row that it touches, and past which end of these."""

    sides: Mapping[int, int]
    end: int = AFTER


Known: TypeAlias = "dict[tuple[int, ...], list[Course]]"  # by the number of cells in each row


@dataclass(eq=False)
class Lane:
    """A net with its lane in each row that it touches, and at an end of the rows if there are several."""

    net: Net
    places: dict[int, Span]  # the first and the last cell in each row
    course: Course
    levels: dict[int, int] = field(default_factory=dict)
    margin: int | None = None

    @property
    def sides(self) -> Mapping[int, int]:
        return self.course.sides

    @property
    def far(self) -> bool:
        """Whether it passes from row to row."""
        return len(self.places) > 1

    def span(self, row: int) -> Span:
        """In places of cells: from the first to the last in a row, or to an end of the row."""
        first, last = self.places[row]
        if not self.far:
            return first, last
        return (first, FAR) if self.course.end == AFTER else (-FAR, last)

    @property
    def kind(self) -> WayKind:
        return "tap" if self.net.tap else "skip"


@dataclass
class Lanes:
    lanes: list[Lane]
    ports: dict[tuple[Cell, Lane], float]  # along the strip
    heights: list[float]  # what lanes take above each row
    depths: list[float]  # and below it
    margins: Mapping[int, int]  # how many run at each end of rows


def lanes(nets: Sequence[Net], made: Layout, known: Known) -> Lanes:
    """Shorter ones nearer to the strip, unless fewer cross otherwise; none shares its place with another.

    `known` keeps the courses for rows that are tried with other sizes too.
    """
    found = [Lane(net, rows, Course(dict.fromkeys(rows, 1))) for net in nets for rows in [places(net, made)]]
    if made.manner.both:
        begins = tuple(len(row) for row in made.rows)
        if begins not in known:
            known[begins] = taken_courses(found, made)
        give(dict(zip(found, known[begins], strict=True)))
    levelled(found, made, untangled)
    set_margins(found)
    rows, clear = range(len(made.rows)), clearance(made.manner)
    used = {(row, side): [lane.levels[row] for lane in at_side(found, row, side)] for row in rows for side in (1, -1)}
    heights, depths = ([tall(used[row, side], clear) for row in rows] for side in (1, -1))
    margins = {end: len({lane.margin for lane in at_end(found, end)}) for end in (AFTER, BEFORE)}
    return Lanes(found, ports(found, made), heights, depths, margins)


def places(net: Net, made: Layout) -> dict[int, Span]:
    """The first and the last cell in each row."""
    by_row: dict[int, list[int]] = {}
    for cell in net.ends:
        by_row.setdefault(made.slots[cell].row, []).append(cell.place)
    return {row: (min(found), max(found)) for row, found in by_row.items()}


def at_side(found: Sequence[Lane], row: int, side: int) -> list[Lane]:
    return [lane for lane in found if lane.sides.get(row) == side]


def at_end(found: Sequence[Lane], end: int) -> list[Lane]:
    return [lane for lane in found if lane.far and lane.course.end == end]


def levelled(found: Sequence[Lane], made: Layout, chosen: Choice) -> int:
    """Gives all lanes their places above and below rows; how many lines cross there."""
    crossed = 0
    for row, side in product(range(len(made.rows)), (1, -1)):
        here = sorted(at_side(found, row, side), key=lambda lane: length(lane.span(row)))
        spurs = [[cell.place for cell in lane.net.ends if made.slots[cell].row == row] for lane in here]
        wanted = [lane.span(row) for lane in here]
        meetings = met(spurs, wanted)
        levels = chosen(wanted, meetings)
        crossed += crossings(levels, meetings)
        for lane, level in zip(here, levels, strict=True):
            lane.levels[row] = level
    return crossed


# --- courses
def taken_courses(found: Sequence[Lane], made: Layout) -> list[Course]:
    """Each lane above or below its rows, so that few cross: as at two sides of one long row, then what changes help."""
    free = {lane: list(courses(lane, made)) for lane in found}
    parted = sides([*map(cells_of, found)])
    begun: list[tuple[int, dict[Lane, Course]]] = []
    for above in (0, 1, -1):  # the value of the side that is above; 0: all
        start = {lane: free[lane][0 if side * above >= 0 else -1] for lane, side in zip(found, parted, strict=True)}
        give(start)
        begun.append((crossed(found, made), start))
    least, best = min(begun, key=lambda one: one[0])
    give(best)
    while least:
        before = least
        for change in changes(free):
            was = {lane: lane.course for lane in change}
            if was == change:
                continue
            give(change)
            tried = crossed(found, made, least)
            if tried < least:
                least = tried
            else:
                give(was)
        if least == before:
            break
    return [lane.course for lane in found]


def changes(free: Mapping[Lane, Sequence[Course]]) -> Iterator[dict[Lane, Course]]:
    """Each lane on each course; two at once that are in each other's way, where there are few."""
    yield from ({lane: course} for lane, known in free.items() for course in known)
    if len(free) <= FEW:
        for one, other in combinations(free, 2):
            if would_cross(cells_of(one), cells_of(other)):
                yield from ({one: a, other: b} for a in free[one] for b in free[other])


def cells_of(lane: Lane) -> Places:
    return tuple(sorted({cell.place for cell in lane.net.ends}))


def give(chosen: Mapping[Lane, Course]) -> None:
    for lane, course in chosen.items():
        lane.course = course


def courses(lane: Lane, made: Layout) -> Iterator[Course]:
    """All that a lane may take, that above all rows first, that below all rows last."""
    above, below = (dict.fromkeys(lane.places, side) for side in (1, -1))
    first, last = min(lane.places), max(lane.places)
    yield Course(above)
    if lane.far and last == len(made.rows) - 1 and goes_below(lane, [last], made):
        yield Course({**above, last: -1})
    if lane.far and first == 0 and goes_below(lane, set(lane.places) - {0}, made):
        yield Course({**below, 0: 1}, BEFORE)
    if goes_below(lane, lane.places, made):
        yield Course(below, BEFORE if lane.far else AFTER)


def goes_below(lane: Lane, rows: Iterable[int], made: Layout) -> bool:
    """Whether a lane may run below rows: there it passes no label of a border."""
    borders = (border for row in rows for border in inner_borders(made.items[row]) if border.label.lines)
    labelled = {cell for border in borders for cell in border_cells(border)}
    return made.manner.portrait or not labelled.intersection(lane.net.ends)


def crossed(found: Sequence[Lane], made: Layout, most: float = inf) -> int:
    """How many lines cross, if shorter ones are nearer to the strip; where they are so many or more, at least these."""
    beside = levelled(found, made, lambda wanted, _: levels(wanted))
    return beside + set_margins(found) if beside < most else beside


def length(span: Span) -> Span:
    """Longer ones later; of those to an end of the row that which begins farther from it."""
    return span[1] - span[0], span[0] if span[1] < FAR else -span[0]


def set_margins(found: Sequence[Lane]) -> int:
    """Where lines run at an end of rows: those of few rows nearer, unless fewer cross otherwise; how many cross."""
    total = 0
    for end in (AFTER, BEFORE):
        far = sorted(at_end(found, end), key=lambda lane: max(lane.places) - min(lane.places))
        wanted = [(min(lane.places), max(lane.places) + 0.5) for lane in far]
        heights = [sorted((row, -lane.sides[row] * (1 + level)) for row, level in lane.levels.items()) for lane in far]
        meetings = met(heights, [(own[0], own[-1]) for own in heights])
        margins = untangled(wanted, meetings)
        for lane, margin in zip(far, margins, strict=True):
            lane.margin = margin
        total += crossings(margins, meetings)
    return total


def untangled(wanted: Sequence[Span], meetings: Meetings) -> list[int]:
    """The lanes of spans in which the fewest lines cross: two change places while that helps."""
    order = list(range(len(wanted)))
    best = given(order, wanted)
    least, bound = (crossings(best, meetings), max(best, default=0)), (unavoidable(meetings), deepest(wanted))
    for _ in range(PASSES if least[0] else 0):
        before = least
        for one, other in combinations(range(len(order)), 2):
            if least == bound:
                return best
            tried = list(order)
            tried[one], tried[other] = order[other], order[one]
            found = given(tried, wanted)
            cost = crossings(found, meetings), max(found)
            if cost < least:
                order, best, least = tried, found, cost
        if least == before:
            break
    return best


def given(order: Sequence[int], wanted: Sequence[Span]) -> list[int]:
    """The lanes of spans that take theirs in this order."""
    found = dict(zip(order, levels([wanted[place] for place in order]), strict=True))
    return [found[place] for place in range(len(wanted))]


def met(spurs: Sequence[Sequence[Ordered]], spans: Sequence[tuple[Ordered, Ordered]]) -> Meetings:
    """For each pair how many of the first's places the second's span holds within."""
    counts = {
        (one, other): sum(low < place < high for place in places)
        for one, places in enumerate(spurs)
        for other, (low, high) in enumerate(spans)
    }
    return {pair: count for pair, count in counts.items() if count}


def crossings(found: Sequence[int], meetings: Meetings) -> int:
    """How often the way of a line crosses another line that runs nearer."""
    return sum(count for (one, other), count in meetings.items() if found[other] < found[one])


def unavoidable(meetings: Meetings) -> int:
    """How often lines cross in any case: of two that meet, one is nearer."""
    return sum(min(count, meetings.get((other, one), 0)) for (one, other), count in meetings.items() if one < other)


def deepest(wanted: Sequence[Span]) -> int:
    """The last lane that is needed in any case."""
    return max((sum(low <= at < high for low, high in wanted) for at, _ in wanted), default=1) - 1


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
    """Where a line stands at a box, from what lies before it to what lies behind it."""
    arriving = lane.course.end == BEFORE if lane.far else cell in lane.net.targets
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
def corners(
    lane: Lane, source: Cell, target: Cell, placed: Lanes, made: Layout, ends: Mapping[int, float]
) -> list[Point]:
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
    edge = ends[lane.course.end] + lane.course.end * (clearance(made.manner) + LANE * lane.margin)
    return [*first, (edge, first[-1][1]), (edge, last[0][1]), *last]


def at(slot: Slot, v: float) -> float:
    return slot.v + v


def clearance(manner: Manner) -> float:
    """From the strip to the first line beside it."""
    return max(HEADROOM, manner.gap(CLEAR))


def height(lane: Lane, row: int, made: Layout) -> float:
    away = clearance(made.manner) + LANE * lane.levels[row]
    return made.extents[row].high + away if lane.sides[row] > 0 else made.extents[row].low - away
