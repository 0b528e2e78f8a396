"""The two columns of a difference figure: the boxes of a network one below the other, in panels, and their lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

from archdsl.backends.figures.difference.levels import Levels, Slot
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.picture import Box
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.strip.plan import Point, Rect, Way
from archdsl.ir.graph import Graph

COLOURS: Mapping[str, str] = {"added": "#b8e3d6", "removed": "#f1caab", "changed": "#faf6c0", "same": ""}
PASS = 6.0  # between lines on their way to the next panel, and thrice from anything else


@dataclass
class Column:
    """One of the networks: its boxes by their levels, and where it stands across its panel.

    `lane`, `wide` and `middle` are given anew with each way of drawing that is tried.
    """

    slots: Mapping[int, Slot]
    cells: Mapping[int, Cell]
    outside: int  # -1: lines beside it run left of it; 1: right
    pairs: set[tuple[int, int]]  # a level and one that reads of it
    lane: float = 0  # between lines beside it
    wide: float = 0
    middle: float = 0

    @cached_property
    def lanes(self) -> dict[tuple[int, int], int]:
        """The pairs that are not neighbours, whose lines run beside the column, each with its lane."""
        following = dict(pairwise(sorted(self.cells)))
        return lanes_of([pair for pair in self.pairs if following.get(pair[0]) != pair[1]])

    @property
    def beside(self) -> float:
        """How far its lines reach out."""
        return self.lane * (max(self.lanes.values(), default=-1) + 1)

    def far(self, pair: tuple[int, int]) -> float:
        """Where across its panel the line of a pair runs."""
        on_lane = self.outside * (self.wide / 2 + self.lane * (self.lanes[pair] + 1)) if pair in self.lanes else 0
        return self.middle + on_lane


@dataclass(frozen=True)
class Panels:
    """Where levels stand.

    `starts` are the first levels of panels; `edge` how far from the middle of a panel its right edge is, `left` how far
    the left one; `highs` how high levels are, `step` the room below each; `lines` pass from panel to panel, of the
    column on the left and of that on the right, each by its column and pair, from the left to the right.
    """

    starts: Sequence[int]
    edge: float
    left: float
    highs: Sequence[float]
    step: float
    lines: Sequence[Sequence[tuple[int, tuple[int, int]]]]

    @property
    def most(self) -> int:
        """Lines between two panels."""
        return max(map(len, self.lines), default=0)

    @property
    def pitch(self) -> float:
        """From the middle of a panel to that of the next one."""
        return self.edge + (self.most + 5) * PASS + self.left

    def of(self, place: int) -> int:
        """The panel of a level."""
        return sum(start <= place for start in self.starts) - 1

    def x(self, place: int) -> float:
        return self.pitch * self.of(place)

    def y(self, place: int) -> float:
        """The middle of a level; the first of each panel begins at 0."""
        return -self.depth(self.starts[self.of(place)], place) - self.highs[place] / 2

    def low(self, panel: int) -> float:
        """The lower edge of the last level."""
        ends = [*self.starts[1:], len(self.highs)]
        return self.step - self.depth(self.starts[panel], ends[panel])

    def depth(self, first: int, last: int) -> float:
        """How far down levels reach, with the room below each."""
        return sum(high + self.step for high in self.highs[first:last])

    def passing(self, column: Column, side: int, pair: tuple[int, int]) -> Iterator[Point]:
        """The corners of a line on its way through panels: what runs further left runs further down, and so around."""
        for panel in range(self.of(pair[0]), self.of(pair[1])):
            lines = self.lines[panel]
            rank = lines.index((side, pair))
            down, up = self.low(panel) - (len(lines) - rank + 1) * PASS, (rank + 1.5) * PASS
            across = self.pitch * panel + self.edge + (len(lines) - rank + 2) * PASS
            far = column.far(pair)
            yield self.pitch * panel + far, down
            yield across, down
            yield across, up
            yield self.pitch * (panel + 1) + far, up


def column(levels: Levels, graph: Graph, side: int) -> Column:
    slots = {place: slot for place, level in enumerate(levels) if (slot := level.slots[side]) is not None}
    cells = {
        place: Cell(
            Box("other", slot.lines, tuple(slot.nodes), slot.name, colour=COLOURS[slot.status]), 2 * place + side
        )
        for place, slot in slots.items()
    }
    return Column(slots, cells, 2 * side - 1, pairs_of(graph, slots))


def pairs_of(graph: Graph, slots: Mapping[int, Slot]) -> set[tuple[int, int]]:
    """The levels of a network with those that read of them."""
    owner = {node.id: place for place, slot in slots.items() for node in slot.nodes}
    reads = ((tensor.node, node) for node in visible(graph).nodes for tensor in node.reads)
    return {
        (owner[one.id], owner[other.id])
        for one, other in reads
        if one is not None and one.id in owner and other.id in owner and owner[one.id] != owner[other.id]
    }


def parted(highs: Sequence[float], columns: Sequence[Column], number: int, *, freely: bool) -> list[int] | None:
    """The first levels of so many panels, as high as each other as can be; None where they cannot be parted so.

    `freely`: lines beside a column may pass to the next panel.
    """
    crossed = {place for one in columns for a, b in one.lanes for place in range(a + 1, b + 1)}
    free = [place for place in range(1, len(highs)) if freely or place not in crossed]
    ways = (
        (max(sum(highs[a:b]) for a, b in pairwise([0, *starts, len(highs)])), crossings(starts, crossed), [0, *starts])
        for starts in combinations(free, number - 1)
    )
    return min(ways, default=(0.0, 0, None))[2]


def crossings(starts: Sequence[int], crossed: Collection[int]) -> int:
    return sum(start in crossed for start in starts)


def passing_lines(starts: Sequence[int], columns: Sequence[Column]) -> list[list[tuple[int, tuple[int, int]]]]:
    """The lines from each panel to the next one, from the left to the right."""
    return [
        sorted(
            ((side, pair) for side, one in enumerate(columns) for pair in one.pairs if pair[0] < start <= pair[1]),
            key=lambda line: columns[line[0]].far(line[1]),
        )
        for start in starts[1:]
    ]


def ways_of(columns: Sequence[Column], rects: Mapping[Cell, Rect], panels: Panels) -> Iterator[Way]:
    """Arrows from each box to those that read of it: to the next one straight, to others beside the column."""
    for side, one in enumerate(columns):
        for number, pair in enumerate(sorted(one.pairs)):
            cells = one.cells[pair[0]], one.cells[pair[1]]
            start, goal = (rects[cell] for cell in cells)
            between = panels.passing(one, side, pair)
            if pair not in one.lanes:
                yield Way(*cells, "flow", [(start.centre[0], start.low), *between, (goal.centre[0], goal.high)], number)
                continue
            far, there = (panels.x(place) + one.far(pair) for place in pair)
            edge, into = (rect.right if one.outside > 0 else rect.left for rect in (start, goal))
            out, last = (start.low + start.centre[1]) / 2, (goal.high + goal.centre[1]) / 2
            yield Way(*cells, "skip", [(edge, out), (far, out), *between, (there, last), (into, last)], number)


def lanes_of(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane for each line, so that none lies over another; shorter ones nearer."""
    found: dict[tuple[int, int], int] = {}
    for pair in sorted(pairs, key=lambda pair: (pair[1] - pair[0], pair)):
        taken = {lane for other, lane in found.items() if other[0] <= pair[1] and pair[0] <= other[1]}
        found[pair] = next(lane for lane in range(len(found) + 1) if lane not in taken)
    return found
