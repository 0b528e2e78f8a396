"""Two networks beside one another: stages that are the same stage on a level, in the colours of what was done to them.

Places are computed: the old network stands left, the new one right, each with its own arrows, the difference in
parameters and multiply-adds between; the changes in words stand above. Where that is higher than the page, it goes on
beside itself, in further panels, to which each network has a line of its own. `nop2` draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product

from archdsl.analysis.difference import Difference
from archdsl.analysis.difference.stages import Row, Stage, nodes_of
from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.picture import Box
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.strip.fit import PAGE, Paper
from archdsl.backends.figures.strip.plan import Drawing, Point, Rect, Solid, Way, Words, centred, remark, text
from archdsl.backends.figures.strip.said import cells_of
from archdsl.backends.figures.style import FAINT, INK, SMALL, TEXT
from archdsl.backends.figures.texts import Line, Text
from archdsl.ir.graph import Graph
from archdsl.support.tables import short

COLOURS: Mapping[str, str] = {"added": "#b8e3d6", "removed": "#f1caab", "changed": "#faf6c0", "same": ""}
MARKS: Mapping[str, str] = {"added": "+ ", "removed": "− ", "changed": "", "same": ""}
ROOMS = (190.0, 150.0, 120.0, 100.0, 85.0, 70.0)  # for the text of a box: those to try, and between its outline and
MARGINS = (16.0, 16.0, 12.0, 10.0, 8.0, 6.0)  # the text, which a reader's fallback font makes wider
BETWEEN = 104.0, 20.0  # columns, where differences are written: at most, and beside them at least
GAPS = (20.0, 5.0), (11.0, 5.0), (9.0, 3.0)  # from a row to the next one, and above and below text: those to try
LANE = 9.0  # between lines beside a column
AIR = 12.0  # between the words above and the columns
MOST = 14  # statements above
PANELS = 3  # at most
PASS = 6.0  # between the lines of the two networks on their way to the next panel, and thrice from anything else


@dataclass
class Column:
    """One of the networks: the cells of its stages, and where it stands across its panel."""

    graph: Graph
    stages: list[Stage]
    cells: dict[int, Cell]  # by the place of the row
    middle: float
    outside: int  # -1: lines beside it run left of it; 1: right
    pairs: set[tuple[int, int]]  # a row and one that reads of it

    @property
    def beside(self) -> list[tuple[int, int]]:
        """The pairs that are not neighbours, whose lines run beside the column."""
        following = dict(pairwise(sorted(self.cells)))
        return sorted(pair for pair in self.pairs if following.get(pair[0]) != pair[1])


@dataclass(frozen=True)
class Panels:
    """Where rows stand.

    `starts` are the first rows of panels; `edge` and `pitch` how far from the middle of a panel its right edge is and
    the middle of the next panel; `highs` how high rows are, `step` the room below each.
    """

    starts: Sequence[int]
    edge: float
    pitch: float
    highs: Sequence[float]
    step: float

    def of(self, place: int) -> int:
        """The panel of a row."""
        return sum(start <= place for start in self.starts) - 1

    def x(self, place: int) -> float:
        return self.pitch * self.of(place)

    def y(self, place: int) -> float:
        """The middle of a row; the first of each panel begins at 0."""
        return -self.depth(self.starts[self.of(place)], place) - self.highs[place] / 2

    def low(self, panel: int) -> float:
        """The lower edge of the last row."""
        ends = [*self.starts[1:], len(self.highs)]
        return self.step - self.depth(self.starts[panel], ends[panel])

    def depth(self, first: int, last: int) -> float:
        """How far down rows reach, with the room below each."""
        return sum(high + self.step for high in self.highs[first:last])


def drawing(found: Difference, shapes: Shapes, paper: Paper | None = None, *, told: bool = True) -> Drawing:
    """Both networks in the fewest panels, with the widest gaps and boxes, that fit onto the paper.

    Without a paper it is a page. `told`: the changes stand above. If nothing fits, that which lacks the least.
    """
    allowed = paper or Paper.of(PAGE)
    best: tuple[tuple[float, float], Drawing] | None = None
    for panels, gaps in product(range(1, PANELS + 1), GAPS):
        for room, margin in zip(ROOMS, MARGINS, strict=True):
            made = laid(found, shapes, room, margin, panels, gaps, told=told)
            if made is None:
                break
            lacking = allowed.lacking(made.rect.width, made.rect.height)
            if not any(lacking):
                return made
            best = min(best or (lacking, made), (lacking, made), key=lambda one: one[0])
    assert best is not None
    return best[1]


def laid(
    found: Difference, shapes: Shapes, room: float, margin: float, number: int, gaps: tuple[float, float], *, told: bool
) -> Drawing | None:
    """In so many panels, with so much room for the text of a box; None where rows cannot be parted so."""
    columns = [column(found, side) for side in (0, 1)]
    texts = {
        cell: inside(found.rows[place], cell, columns[1 - side].cells.get(place), side, shapes, room)
        for side, one in enumerate(columns)
        for place, cell in one.cells.items()
    }
    wide = max(said.width for said in texts.values()) + 2 * margin
    written = [delta_of(row) for row in found.rows]
    between = min(BETWEEN[0], max(said.width for said in written) + BETWEEN[1]) if room < ROOMS[0] else BETWEEN[0]
    for one in columns:
        one.middle = one.outside * (wide + between) / 2
    cells = [[one.cells[place] for one in columns if place in one.cells] for place in range(len(found.rows))]
    step, under = gaps
    highs = [max(texts[cell].height for cell in there) + 2 * under for there in cells]
    starts = parted([high + step for high in highs], columns, number)
    if starts is None:
        return None
    left, right = (wide + between / 2 + LANE * (max(lanes_of(one.beside).values(), default=-1) + 1) for one in columns)
    panels = Panels(starts, right, right + 7 * PASS + left, highs, step)
    solids = [
        Solid(cell, centred(wide, highs[place]).moved(panels.x(place) + one.middle, panels.y(place)), text=texts[cell])
        for place in range(len(found.rows))
        for one in columns
        if place in one.cells
        for cell in [one.cells[place]]
    ]
    rects = {solid.cell: solid.rect for solid in solids}
    ways = [way for one in columns for way in ways_of(one, rects, panels)]
    first = next(iter(rects))
    words = [*differences(written, columns, panels), *heads(found, columns, panels, cells, wide)]
    words += above(found, first, words, rects) if told else []
    return Drawing(title(found), solids, words, [*rects], ways)


def parted(highs: Sequence[float], columns: Sequence[Column], number: int) -> list[int] | None:
    """The first rows of so many panels, as high as each other as can be; no line beside a column is parted."""
    crossed = {place for one in columns for a, b in one.beside for place in range(a + 1, b + 1)}
    free = [place for place in range(1, len(highs)) if place not in crossed]
    ways = (
        (max(sum(highs[a:b]) for a, b in pairwise([0, *starts, len(highs)])), [0, *starts])
        for starts in combinations(free, number - 1)
    )
    return min(ways, default=(0.0, None))[1]


def title(found: Difference) -> str:
    return printable(f"{found.before.name} → {found.after.name}")


def column(found: Difference, side: int) -> Column:
    graph = (found.before, found.after)[side].graph
    there = {place: stage for place, row in enumerate(found.rows) if (stage := (row.before, row.after)[side])}
    stages = [*there.values()]
    said = cells_of(graph, [[*nodes_of(stage.part)] for stage in stages])
    cells = {
        place: Cell(box_of(stage, cell, COLOURS[found.rows[place].status]), 2 * place + side)
        for (place, stage), cell in zip(there.items(), said, strict=True)
    }
    return Column(graph, stages, cells, 0, 2 * side - 1, pairs_of(graph, dict(zip(cells, stages, strict=True))))


def box_of(stage: Stage, said: Cell | None, colour: str) -> Box:
    """In the words of a strip, or of the table for what is no part of a strip."""
    heading, lines = (said.name, tuple(said.lines)) if said else (stage.cost.name, (operators(stage),))
    return Box("other", lines, tuple(nodes_of(stage.part)), heading or stage.cost.name, colour=colour)


def pairs_of(graph: Graph, stages: Mapping[int, Stage]) -> set[tuple[int, int]]:
    """The rows of stages with those of the stages that read of them."""
    owner = {node: place for place, stage in stages.items() for node in nodes_of(stage.part)}
    return {
        (owner[tensor.node], owner[node])
        for node in graph.nodes
        for tensor in node.reads
        if tensor.node is not None and node in owner and tensor.node in owner and owner[tensor.node] != owner[node]
    }


# --- words
def inside(row: Row, cell: Cell, partner: Cell | None, side: int, shapes: Shapes, room: float) -> Text:
    """What a box says; what is another in the other network in bold."""
    stage, other = (row.before, row.after)[side], (row.before, row.after)[1 - side]
    assert stage is not None
    heading = text(printable(MARKS[row.status] + cell.name), room, TEXT, bold=True)
    strong = partner is not None and partner.lines != cell.lines
    shape = shapes.numbers(stage.cost.output)
    changed = other is not None and shapes.numbers(other.cost.output) != shape
    below = Text((Line(shape, SMALL, INK if changed else FAINT, changed),))
    return heading + text("; ".join(cell.lines), room, bold=strong) + below


def operators(stage: Stage) -> str:
    return f"{stage.cost.operator} ×{stage.cost.repeats}" if stage.cost.repeats > 1 else stage.cost.operator


def differences(written: Sequence[Text], columns: Sequence[Column], panels: Panels) -> Iterator[Words]:
    """Between the columns: how many more parameters and multiply-adds a stage has."""
    for place, said in enumerate(written):
        if said.lines:
            cell = columns[1].cells.get(place) or columns[0].cells[place]
            yield Words(cell, centred(said.width, said.height).moved(panels.x(place), panels.y(place)), said)


def delta_of(row: Row) -> Text:
    lines = [line for name, unit in (("params", "params"), ("macs", "MACs")) if (line := delta(row, name, unit))]
    return Text(tuple(Line(line, SMALL, FAINT) for line in lines))


def delta(row: Row, name: str, unit: str) -> str:
    before, after = (getattr(stage.cost, name) if stage else 0 for stage in (row.before, row.after))
    if before == after:
        return ""
    return f"{'+' if after > before else '−'}{short(abs(after - before))} {unit}"


def heads(
    found: Difference, columns: Sequence[Column], panels: Panels, cells: Sequence[Sequence[Cell]], wide: float
) -> Iterator[Words]:
    """Over each column the network that it is, over the first with what that has in all."""
    for one, side in zip(columns, (found.before, found.after), strict=True):
        name = text(printable(side.name), wide, TEXT, bold=True)
        sums = remark(f"{short(side.cost.params)} params, {short(side.cost.macs)} MACs")
        for start in panels.starts:
            said = name if start else name + sums  # on one line with the first
            low = AIR + (sums.height if start else 0)
            rect = centred(said.width, said.height).moved(panels.x(start) + one.middle, low + said.height / 2)
            yield Words(cells[start][0], rect, said)


def above(found: Difference, first: Cell, words: Sequence[Words], rects: Mapping[Cell, Rect]) -> Iterator[Words]:
    """The changes in words, from the left edge on."""
    low = max(one.rect.high for one in words) + AIR
    left, right = min(rect.left for rect in rects.values()), max(rect.right for rect in rects.values())
    statements = [str(statement) for statement in found.changes]
    more = [f"… {len(statements) - MOST} more"] if len(statements) > MOST else []
    said = Text()
    for statement in [*statements[:MOST], *more]:
        said += text(printable(statement), right - left)
    if said.lines:
        yield Words(first, Rect(left, low, left + said.width, low + said.height), said, "left")


# --- lines
def ways_of(one: Column, rects: Mapping[Cell, Rect], panels: Panels) -> Iterator[Way]:
    """Arrows from each stage to those that read of it: to the next one straight, to others beside the column."""
    lanes = lanes_of(one.beside)
    for number, (source, target) in enumerate(sorted(one.pairs)):
        cells = one.cells[source], one.cells[target]
        start, goal = (rects[cell] for cell in cells)
        if (source, target) not in lanes:
            points: list[Point] = [(start.centre[0], start.low)]
            for panel in range(panels.of(source), panels.of(target)):
                points += passing(one, panels, panel)
            yield Way(*cells, "flow", [*points, (goal.centre[0], goal.high)], number)
            continue
        edge = start.right if one.outside > 0 else start.left
        far = edge + one.outside * LANE * (lanes[source, target] + 1)
        out, into = (start.low + start.centre[1]) / 2, (goal.high + goal.centre[1]) / 2
        yield Way(*cells, "skip", [(edge, out), (far, out), (far, into), (edge, into)], number)


def passing(one: Column, panels: Panels, panel: int) -> Iterator[Point]:
    """From the foot of a column to its head in the next panel: the line of the old network around that of the new."""
    outer = one.outside < 0
    down = panels.low(panel) - (3 if outer else 2) * PASS
    up = (1.5 if outer else 2.5) * PASS
    across = panels.pitch * panel + panels.edge + (4 if outer else 3) * PASS
    yield panels.pitch * panel + one.middle, down
    yield across, down
    yield across, up
    yield panels.pitch * (panel + 1) + one.middle, up


def lanes_of(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane for each line, so that none lies over another; shorter ones nearer."""
    found: dict[tuple[int, int], int] = {}
    for pair in sorted(pairs, key=lambda pair: (pair[1] - pair[0], pair)):
        taken = {lane for other, lane in found.items() if other[0] <= pair[1] and pair[0] <= other[1]}
        found[pair] = next(lane for lane in range(len(found) + 1) if lane not in taken)
    return found
