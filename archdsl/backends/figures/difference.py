"""Two networks beside one another: stages that are the same stage on a level, in the colours of what was done to them.

Places are computed: the old network stands left, the new one right, each with its own arrows, the difference in
parameters and multiply-adds between; the changes in words stand above. `nop2` draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archdsl.analysis.difference import Difference
from archdsl.analysis.difference.stages import Row, Stage, nodes_of
from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.picture import Box
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.cells import Cell
from archdsl.backends.figures.strip.fit import Paper
from archdsl.backends.figures.strip.plan import Drawing, Point, Rect, Solid, Way, Words, centred, remark, text
from archdsl.backends.figures.style import FAINT, INK, SMALL, TEXT
from archdsl.backends.figures.texts import Line, Text
from archdsl.ir.graph import Graph
from archdsl.support.tables import short

COLOURS: Mapping[str, str] = {"added": "#b8e3d6", "removed": "#f1caab", "changed": "#faf6c0", "same": ""}
MARKS: Mapping[str, str] = {"added": "+ ", "removed": "− ", "changed": "", "same": ""}
ROOMS = (190.0, 150.0, 120.0, 100.0, 85.0, 70.0)  # for the text of a box: those to try, and between its outline and
MARGINS = (16.0, 16.0, 12.0, 10.0, 8.0, 6.0)  # the text, which a reader's fallback font makes wider
UNDER = 5.0  # the same above and below
BETWEEN = 104.0, 20.0  # columns, where differences are written: at most, and beside them at least
STEP = 20.0  # from a row to the next one
LANE = 9.0  # between lines beside a column
AIR = 12.0  # between the words above and the columns
MOST = 14  # statements above


@dataclass
class Column:
    """One of the networks: the cells of its stages, and where it stands across."""

    graph: Graph
    stages: list[Stage]
    cells: dict[int, Cell]  # by the place of the row
    middle: float
    outside: int  # -1: lines beside it run left of it; 1: right


def drawing(found: Difference, shapes: Shapes, paper: Paper | None = None, *, told: bool = True) -> Drawing:
    """Both networks with everything in its place, in the widest boxes that fit; `told`: the changes stand above."""
    for room, margin in zip(ROOMS, MARGINS, strict=True):
        made = laid(found, shapes, room, margin, told=told)
        if paper is None or paper.lacking(made.rect.width, made.rect.height)[0] == 0:
            break
    return made


def laid(found: Difference, shapes: Shapes, room: float, margin: float, *, told: bool) -> Drawing:
    """With so much room for the text of a box."""
    columns = [column(found, side) for side in (0, 1)]
    texts = {
        cell: inside(found.rows[place], cell, side, shapes, room)
        for side, one in enumerate(columns)
        for place, cell in one.cells.items()
    }
    wide = max(said.width for said in texts.values()) + 2 * margin
    written = [delta_of(row) for row in found.rows]
    between = min(BETWEEN[0], max(said.width for said in written) + BETWEEN[1]) if room < ROOMS[0] else BETWEEN[0]
    for one in columns:
        one.middle = one.outside * (wide + between) / 2
    solids, levels, top = [], [], 0.0
    for place in range(len(found.rows)):
        there = [one.cells[place] for one in columns if place in one.cells]
        high = max(texts[cell].height for cell in there) + 2 * UNDER
        levels.append(top - high / 2)
        for one in columns:
            if place in one.cells:
                cell = one.cells[place]
                solids.append(Solid(cell, centred(wide, high).moved(one.middle, levels[-1]), text=texts[cell]))
        top -= high + STEP
    rects = {solid.cell: solid.rect for solid in solids}
    ways = [way for one in columns for way in ways_of(one, rects)]
    first = next(iter(rects))
    words = [*differences(written, columns, levels), *heads(found, columns, first, wide)]
    words += above(found, first, words, rects) if told else []
    return Drawing(title(found), solids, words, [*rects], ways)


def title(found: Difference) -> str:
    return printable(f"{found.before.name} → {found.after.name}")


def column(found: Difference, side: int) -> Column:
    graph = (found.before, found.after)[side].graph
    cells, stages = {}, []
    for place, row in enumerate(found.rows):
        stage = (row.before, row.after)[side]
        if stage is not None:
            status = row.status
            box = Box("other", (), heading=stage.cost.name, nodes=tuple(nodes_of(stage.part)), colour=COLOURS[status])
            cells[place] = Cell(box, 2 * place + side)
            stages.append(stage)
    return Column(graph, stages, cells, 0, 2 * side - 1)


# --- words
def inside(row: Row, cell: Cell, side: int, shapes: Shapes, room: float) -> Text:
    """What a box says; what is another in the other network in bold."""
    stage, other = (row.before, row.after)[side], (row.before, row.after)[1 - side]
    assert stage is not None
    heading = text(printable(MARKS[row.status] + cell.name), room, TEXT, bold=True)
    operator = operators(stage)
    strong = other is not None and operators(other) != operator
    shape = shapes.numbers(stage.cost.output)
    changed = other is not None and shapes.numbers(other.cost.output) != shape
    below = Text((Line(shape, SMALL, INK if changed else FAINT, changed),))
    return heading + text(printable(operator), room, bold=strong) + below


def operators(stage: Stage) -> str:
    return f"{stage.cost.operator} ×{stage.cost.repeats}" if stage.cost.repeats > 1 else stage.cost.operator


def differences(written: Sequence[Text], columns: Sequence[Column], levels: Sequence[float]) -> Iterator[Words]:
    """Between the columns: how many more parameters and multiply-adds a stage has."""
    for place, said in enumerate(written):
        if said.lines:
            cell = columns[1].cells.get(place) or columns[0].cells[place]
            yield Words(cell, centred(said.width, said.height).moved(0, levels[place]), said)


def delta_of(row: Row) -> Text:
    lines = [line for name, unit in (("params", "params"), ("macs", "MACs")) if (line := delta(row, name, unit))]
    return Text(tuple(Line(line, SMALL, FAINT) for line in lines))


def delta(row: Row, name: str, unit: str) -> str:
    before, after = (getattr(stage.cost, name) if stage else 0 for stage in (row.before, row.after))
    if before == after:
        return ""
    return f"{'+' if after > before else '−'}{short(abs(after - before))} {unit}"


def heads(found: Difference, columns: Sequence[Column], first: Cell, wide: float) -> Iterator[Words]:
    """Over each column the network that it is, with what that has in all."""
    for one, side in zip(columns, (found.before, found.after), strict=True):
        name = text(printable(side.name), wide, TEXT, bold=True)
        said = name + remark(f"{short(side.cost.params)} params, {short(side.cost.macs)} MACs")
        yield Words(first, centred(said.width, said.height).moved(one.middle, AIR + said.height / 2), said)


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
def ways_of(one: Column, rects: Mapping[Cell, Rect]) -> Iterator[Way]:
    """Arrows from each stage to those that read of it: to the next one straight, to others beside the column."""
    places = sorted(one.cells)
    owner = {node: place for place, stage in zip(places, one.stages, strict=True) for node in nodes_of(stage.part)}
    pairs = {
        (owner[tensor.node], owner[node])
        for node in one.graph.nodes
        for tensor in node.reads
        if tensor.node is not None and node in owner and tensor.node in owner and owner[tensor.node] != owner[node]
    }
    following = dict(pairwise(places))
    beside = sorted(pair for pair in pairs if following.get(pair[0]) != pair[1])
    lanes = lanes_of(beside)
    for number, (source, target) in enumerate(sorted(pairs)):
        cells = one.cells[source], one.cells[target]
        start, goal = (rects[cell] for cell in cells)
        if (source, target) not in lanes:
            points: list[Point] = [(one.middle, start.low), (one.middle, goal.high)]
            yield Way(*cells, "flow", points, number)
            continue
        edge = start.right if one.outside > 0 else start.left
        far = edge + one.outside * LANE * (lanes[source, target] + 1)
        out, into = (start.low + start.centre[1]) / 2, (goal.high + goal.centre[1]) / 2
        yield Way(*cells, "skip", [(edge, out), (far, out), (far, into), (edge, into)], number)


def lanes_of(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane for each line, so that none lies over another; shorter ones nearer."""
    found: dict[tuple[int, int], int] = {}
    for pair in sorted(pairs, key=lambda pair: (pair[1] - pair[0], pair)):
        taken = {lane for other, lane in found.items() if other[0] <= pair[1] and pair[0] <= other[1]}
        found[pair] = next(lane for lane in range(len(found) + 1) if lane not in taken)
    return found
