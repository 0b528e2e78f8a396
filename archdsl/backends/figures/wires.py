"""The lines of a case in layers: where they leave and enter boxes, their corners, the places of their words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from archdsl.backends.figures.columns import BAR_FROM, LABEL_GAP
from archdsl.backends.figures.dot import form
from archdsl.backends.figures.layers import Layers, Net, Place, Stop
from archdsl.backends.figures.picture import Arrow, Box
from archdsl.backends.figures.routes import BUS, HEAD, RADIUS, Point, Rect, Route, distance
from archdsl.backends.figures.sheet import clearances, frame_room
from archdsl.backends.figures.tracks import NEAR, Bend, clash, tracks

TRACK = 9.0  # from track to track
INSET = 8.0  # between an arrow and the corner of its box
PORT_STEP = 14.0  # between arrows that enter a box from above
ASIDE = RADIUS + HEAD  # between a box and a line that turns to enter it from the side
SAME = 0.5  # points; what is less apart goes straight
STEPS = (6.0, -6.0, 12.0, -12.0, 18.0, -18.0)  # by which one gives way to another
NUDGE = 16.0  # so far a line is moved to be straight
SWAY = 40.0  # so far all of a line is moved, to be straight below its box
REACH = 110.0  # so far a bar reaches out on a side for arrows to come down straight


@dataclass(frozen=True)
class Entry:
    """Where an arrow enters its box: from above at `x`, or from the side, to which it comes down at `x`."""

    x: float
    aside: bool = False


class Wires:
    """Of one case."""

    def __init__(self, layers: Layers) -> None:
        self.layers, self.flow, self.row, self.x = layers, layers.flow, layers.row, layers.x
        self.clear = clearances(layers.part, layers.sizes)
        self.leaving = {net: x for box in self.flow.boxes for net, x in self.ports(box)}
        for net, x in self.leaving.items():
            self.straighten(net, x)
            self.smooth(net)
        for box in self.flow.boxes:
            self.make_room(box)
        for box in self.flow.boxes:
            self.widen(box)
        self.entering: dict[Arrow, Entry] = {}
        for box in self.flow.boxes:
            self.entering.update(self.entries(box))
        self.last = max(self.row.values())
        self.tracks = [self.tracks_below(row) for row in range(self.last)]
        self.heights()

    # --- across
    def ports(self, box: Box) -> list[tuple[Net, float]]:
        """Where tensors leave a box below: one at its middle, several in the order of what they lead to."""
        found = sorted(self.layers.from_box[box], key=self.leads_to)
        if len(found) == 1:
            return [(found[0], self.x[box])]
        step = self.layers.width[box] / max(len(found), 1)
        left = self.x[box] - self.layers.width[box] / 2
        if self.layers.is_bar(box):  # words stand right of each line
            return [(net, left + n * step + INSET + 2) for n, net in enumerate(found)]
        return [(net, left + (n + 0.5) * step) for n, net in enumerate(found)]

    def straighten(self, net: Net, x: float) -> None:
        """A trunk straight below where it leaves its box, if it comes down near there and the way is free."""
        if net.stops and SAME < abs(x - self.x[next(iter(net.stops.values()))]) < SWAY:
            self.shift(net, x)

    def smooth(self, net: Net) -> None:
        """A trunk without small steps: what comes down near where it came down in the row above goes on below that."""
        for (_, above), (row, stop) in pairwise(sorted(net.stops.items())):
            x, apart = self.x[above], self.layers.gaps.columns / 2
            free = not any(left - apart < x < right + apart for left, right in self.spans(row, stop))
            if free and SAME < abs(x - self.x[stop]) < NUDGE:
                self.x[stop] = x

    def make_room(self, box: Box) -> None:
        """Lines that come down close to a box stand off, so that they can enter it from the side."""
        waiting = sorted(self.flow.entering[box], key=self.comes_from)
        if len(waiting) < 2 or self.layers.is_bar(box):
            return
        half = self.layers.width[box] / 2
        for arrow, side in ((waiting[0], -1), (waiting[-1], 1)):
            beyond = side * (self.comes_from(arrow) - self.x[box]) - half
            if -NUDGE < beyond < ASIDE and isinstance(self.layers.above(arrow), Stop):
                self.shift(self.net(arrow), self.x[box] + side * (half + ASIDE))

    def widen(self, box: Box) -> None:
        """A bar reaches a little further, to where its arrows come down straight, as far as there is room."""
        if not self.layers.is_bar(box) or len(self.flow.entering[box]) < BAR_FROM:
            return
        half = self.layers.width[box] / 2
        low, high = self.x[box] - half, self.x[box] + half
        found = [self.comes_from(arrow) for arrow in self.flow.entering[box]]
        near = [x for x in found if low - REACH < x < high + REACH]
        if not near:
            return
        left = min(near) - INSET - PORT_STEP * sum(x < min(near) for x in found)
        right = max(near) + INSET + PORT_STEP * sum(x > max(near) for x in found)
        apart, beside = self.layers.gaps.columns, self.spans(self.row[box], box)
        left = min(low, max([left, *(end + apart for _, end in beside if end < low)]))
        right = max(high, min([right, *(start - apart for start, _ in beside if start > high)]))
        self.x[box], self.layers.width[box] = (left + right) / 2, right - left

    def shift(self, net: Net, x: float) -> None:
        """Moves a whole trunk, if there is room."""
        apart = self.layers.gaps.columns / 2
        beside = [span for row, stop in net.stops.items() for span in self.spans(row, stop)]
        words = [other for other in self.layers.nets if other is not net and self.row[other.source] in net.stops]
        beside += [(self.leaving[other], self.leaving[other] + self.layers.room(other)) for other in words]
        if not any(left - apart < x < right + apart for left, right in beside):
            self.x.update(dict.fromkeys(net.stops.values(), x))

    def leads_to(self, net: Net) -> float:
        below = self.row[net.source] + 1
        places = [self.x[arrow.target] for arrow in net.arrows if self.row[arrow.target] == below]
        places += [self.x[net.stops[below]]] if below in net.stops else []
        return sum(places) / len(places)

    def comes_from(self, arrow: Arrow) -> float:
        """Across where an arrow comes down to the last row before its end."""
        above = self.layers.above(arrow)
        return self.x[above] if isinstance(above, Stop) else self.leaving[self.net(arrow)]

    def net(self, arrow: Arrow) -> Net:
        return next(net for net in self.layers.from_box[arrow.source] if arrow in net.arrows)

    def entries(self, box: Box) -> dict[Arrow, Entry]:
        """A small box is entered from its sides too, where nothing stands between."""
        waiting = sorted(self.flow.entering[box], key=self.comes_from)
        found: dict[Arrow, Entry] = {}
        if len(waiting) > 1 and not self.layers.is_bar(box):
            for arrow, side in ((waiting[0], -1), (waiting[-1], 1)):
                x = self.comes_from(arrow)
                if side * (x - self.x[box]) > 0 and self.free_way(box, x):
                    found[arrow] = Entry(x, aside=True)
        above = [arrow for arrow in waiting if arrow not in found]
        return found | dict(zip(above, map(Entry, self.from_above(box, above)), strict=True))

    def free_way(self, box: Box, x: float) -> bool:
        """Whether what comes down at `x` gets to the side of a box in a straight line."""
        half = self.layers.width[box] / 2
        if abs(x - self.x[box]) < half + ASIDE - SAME:
            return False
        low, high = min(x, self.x[box]) - NEAR, max(x, self.x[box]) + NEAR
        spans = [*self.spans(self.row[box], box), *self.across(self.row[box])]
        return not any(low < right and left < high for left, right in spans)

    def across(self, row: int) -> Iterator[tuple[float, float]]:
        """From where to where lines that enter the boxes of a row from the side have been laid in it."""
        for arrow, entry in self.entering.items():
            if entry.aside and self.row[arrow.target] == row:
                low, high = sorted((entry.x, self.x[arrow.target]))
                yield low, high

    def spans(self, row: int, *but: Place) -> list[tuple[float, float]]:
        """What is taken of a row, but for some of its places."""
        taken: dict[Place, float] = {box: self.layers.width[box] / 2 for box in self.flow.boxes if self.row[box] == row}
        taken |= {net.stops[row]: 0.0 for net in self.layers.nets if row in net.stops}
        return [(self.x[place] - half, self.x[place] + half) for place, half in taken.items() if place not in but]

    def from_above(self, box: Box, arrows: Sequence[Arrow]) -> list[float]:
        """As straight below where they come from as the box is wide, in their order."""
        middle, half = self.x[box], self.layers.width[box] / 2 - INSET
        if len(arrows) == 1:
            x = self.comes_from(arrows[0])
            return [x if abs(x - middle) < min(half, INSET * 2) else middle]
        if not arrows:
            return []
        step = min(PORT_STEP, 2 * half / (len(arrows) - 1))
        places = [min(max(self.comes_from(arrow), middle - half), middle + half) for arrow in arrows]
        for n in range(1, len(places)):
            places[n] = max(places[n], places[n - 1] + step)
        places[-1] = min(places[-1], middle + half)
        for n in reversed(range(len(places) - 1)):
            places[n] = min(places[n], places[n + 1] - step)
        return places

    # --- down
    def ends(self, net: Net, row: int) -> list[float]:
        """Where a tensor arrives at the row below this one."""
        found = [self.entering[arrow].x for arrow in net.arrows if self.row[arrow.target] == row + 1]
        return found + ([self.x[net.stops[row + 1]]] if row + 1 in net.stops else [])

    def top(self, net: Net, row: int) -> float:
        return self.leaving[net] if self.row[net.source] == row else self.x[net.stops[row]]

    def tracks_below(self, row: int) -> dict[Net, int]:
        """The tracks of the tensors that move across below a row; ends that would lie upon another line give way."""
        for _ in self.layers.nets:
            bends = self.bends(row)
            found = clash([*bends.values()])
            if found is None or not self.give_way(list(bends)[found[0]], row, found[1]):
                break
        return dict(zip(bends, tracks([*bends.values()]), strict=True))

    def bends(self, row: int) -> dict[Net, Bend]:
        passing = {net: Bend(self.top(net, row), tuple(self.ends(net, row))) for net in self.passing(row)}
        return {net: bend for net, bend in passing.items() if any(abs(end - bend.top) > SAME for end in bend.ends)}

    def passing(self, row: int) -> list[Net]:
        """The tensors on their way below a row."""
        return [net for net in self.layers.nets if self.row[net.source] == row or row in net.stops]

    def give_way(self, net: Net, row: int, end: float) -> bool:
        """Moves one end of a tensor a little, to where no other line is; whether there is such a place."""
        lines = [x for other in self.passing(row) for x in (self.top(other, row), *self.ends(other, row)) if x != end]
        for step in STEPS:
            x = end + step
            if all(abs(x - other) >= NEAR for other in lines) and self.move(net, row + 1, end, x):
                return True
        return False

    def move(self, net: Net, row: int, end: float, x: float) -> bool:
        """Moves what arrives at a row from one place to another, if there is room."""
        for arrow in net.arrows:
            entry, box = self.entering[arrow], arrow.target
            if self.row[box] == row and entry.x == end and not entry.aside:
                if abs(x - self.x[box]) > self.layers.width[box] / 2 - NEAR:
                    return False
                self.entering[arrow] = Entry(x)
                return True
        stop = net.stops.get(row)
        if stop is None or self.x[stop] != end:
            return False
        if any(left - NEAR < x < right + NEAR for left, right in self.spans(row, stop)):
            return False
        self.x[stop] = x
        return True

    def heights(self) -> None:
        """The middle of each row, and where its lines begin to go across."""
        tall = [0.0] * (self.last + 1)
        for box, row in self.row.items():
            tall[row] = max(tall[row], self.layers.sizes.boxes[box][1])
        self.middle, self.bus, y = [], [], 0.0
        for row, height in enumerate(tall):
            self.middle.append(y + height / 2)
            y += height
            ending, beginning = frame_room(self.layers.part, self.row, row, self.layers.sizes)
            lead = max(BUS + ending, self.lead(row))
            self.bus.append(y + lead)
            if row < self.last:
                used = max(self.tracks[row].values(), default=-1) + 1
                y += max(self.layers.gaps.rows + ending, lead + used * TRACK + HEAD + RADIUS / 2) + beginning
        self.height = y

    def lead(self, row: int) -> float:
        """The room for words below a row, before its lines go across."""
        said = [net.said for net in self.layers.nets if self.row[net.source] == row]
        return max((self.drop(arrow) + self.layers.sizes.labels[arrow][1] + 3 for arrow in said if arrow), default=0.0)

    def drop(self, arrow: Arrow) -> float:
        """How far below its box an arrow's words begin: below the frames that it leaves."""
        return 1 + self.clear[arrow][0]

    # --- the result
    def rects(self) -> dict[Box, Rect]:
        return {
            box: Rect(self.x[box], self.middle[self.row[box]], self.layers.width[box], self.layers.sizes.boxes[box][1])
            for box in self.flow.boxes
        }

    def routes(self) -> dict[Arrow, Route]:
        rects, found = self.rects(), dict[Arrow, Route]()
        for net in self.layers.nets:
            drawn: list[list[Point]] = []
            for arrow in sorted(net.arrows, key=lambda arrow: arrow.kind == "skip"):
                way = self.way(net, arrow, rects)
                start = max((parted(way, other) for other in drawn), default=0.0)
                drawn.append(way)
                label = self.label(net, rects) if arrow is net.said else None
                found[arrow] = Route(tuple(without(way, start)), label, tuple(way))
        return {arrow: found[arrow] for arrow in self.flow.arrows}

    def way(self, net: Net, arrow: Arrow, rects: dict[Box, Rect]) -> list[Point]:
        """All corners from the box that a tensor leaves to one that reads it."""
        one, other = rects[net.source], rects[arrow.target]
        entry, end = self.entering[arrow], self.row[arrow.target]
        x = self.leaving[net]
        points = [(x, outline(net.source, one, x, below=True, bar=self.layers.is_bar(net.source)))]
        for row in range(self.row[net.source], end):
            after = entry.x if row + 1 == end else self.x[net.stops[row + 1]]
            if abs(after - x) > 0.01:
                y = self.bus[row] + TRACK * self.tracks[row].get(net, 0)
                points += [(x, y), (after, y)]
            x = after
        if entry.aside:
            side = other.left if x < other.x else other.right
            return [*points, (x, other.y), (side, other.y)]
        return [*points, (x, outline(arrow.target, other, x, below=False, bar=self.layers.is_bar(arrow.target)))]

    def label(self, net: Net, rects: dict[Box, Rect]) -> Point:
        """Right of the line, where it leaves the box; in the middle of the gap if nothing goes across there."""
        assert net.said is not None
        width, height = self.layers.sizes.labels[net.said]
        row, bottom = self.row[net.source], rects[net.source].bottom
        y = bottom + self.drop(net.said) + height / 2
        if not self.tracks[row] and self.row[net.said.target] == row + 1:
            below, above = self.clear[net.said]
            y = max(y, (bottom + below + rects[net.said.target].top - above) / 2)
        return self.leaving[net] + LABEL_GAP + width / 2, y


def outline(box: Box, rect: Rect, x: float, *, below: bool, bar: bool) -> float:
    """The height of a box's edge at a place across: round ones curve."""
    half = rect.height / 2
    if not bar and form(box).get("shape") in ("circle", "ellipse"):
        half *= sqrt(max(0.0, 1 - ((x - rect.x) / (rect.width / 2)) ** 2))
    return rect.y + half if below else rect.y - half


def parted(way: Sequence[Point], other: Sequence[Point]) -> float:
    """How far along two ways from one beginning go together."""
    gone = 0.0
    for (a, b), (c, d) in zip(pairwise(way), pairwise(other), strict=False):
        same_way = direction(a, b) == direction(c, d)
        if not same_way:
            return max(0.0, gone - RADIUS) if gone else 0.0
        step = min(distance(a, b), distance(c, d))
        gone += step
        if abs(distance(a, b) - distance(c, d)) > 0.01:
            longer = distance(c, d) > distance(a, b)  # the other goes straight on where this one leaves it
            return gone if longer else max(0.0, gone - RADIUS)
    return gone


def direction(one: Point, other: Point) -> tuple[int, int]:
    return (
        (other[0] > one[0] + 0.01) - (other[0] < one[0] - 0.01),
        (other[1] > one[1] + 0.01) - (other[1] < one[1] - 0.01),
    )


def without(way: Sequence[Point], length: float) -> list[Point]:
    """A way without so much of its beginning."""
    for n, (one, other) in enumerate(pairwise(way)):
        step = distance(one, other)
        if length < step:
            part = length / step
            start = (one[0] + (other[0] - one[0]) * part, one[1] + (other[1] - one[1]) * part)
            return [start, *way[n + 1 :]]
        length -= step
    return list(way[-2:])
