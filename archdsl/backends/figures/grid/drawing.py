"""A grid with everything in its place: boxes in rows and columns, lines between them, the legend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise, product

from archdsl.backends.figures.grid.places import Place
from archdsl.backends.figures.grid.routes import Board, Wire
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.bodies import Body, Manner, boxed, shapes
from archdsl.backends.figures.strip.cells import Cell, Net
from archdsl.backends.figures.strip.fit import ROOMS, Paper
from archdsl.backends.figures.strip.legend import placed as keys
from archdsl.backends.figures.strip.plan import Drawing, Solid, Way, WayKind, Words, centred, heading, remark
from archdsl.diagnostics.faults import fault

MARGIN = 6.0, 5.0  # between the outline of a box and its text
TIGHT = 14.0  # between boxes, where they do not fit otherwise
GAPS = (22.0, 30.0, 40.0, 52.0, 66.0, 84.0)  # rooms between boxes to try: more lines need more


@dataclass(frozen=True)
class Wish:
    """What is drawn: cells with their places, arrows to the next ones, lines to others, what colours mean."""

    title: str
    places: Mapping[Cell, Place]
    flows: Sequence[tuple[Cell, Cell]]
    nets: Sequence[Net]
    legend: Mapping[str, str]
    heads: Mapping[int, str] = field(default_factory=dict)  # words above columns
    sides: Mapping[int, str] = field(default_factory=dict)  # words left of rows
    shapes: Shapes = field(default_factory=Shapes)  # how they are written


def drawn(wish: Wish, paper: Paper) -> Drawing:
    """The largest text room with which it fits onto the paper, else what lacks least; raises if lines find no way."""
    found: list[tuple[tuple[float, float], Drawing]] = []
    for gaps, room in product((GAPS, (TIGHT, *GAPS)), ROOMS[False]):
        made = next(filter(None, (attempt(wish, room, gap) for gap in gaps)), None)
        if made is None:
            continue
        made.keys = keys(wish.legend, made.rect, paper.wide)
        found.append((paper.lacking(made), made))
        if not any(found[-1][0]):
            break
    if not found:
        raise fault(
            "bad-call", f"there is no room for the lines of '{wish.title}' on a grid", help="draw it as a strip"
        )
    return min(found, key=lambda one: one[0])[1]


def attempt(wish: Wish, room: float, gap: float) -> Drawing | None:
    """With text of so much room and rooms between boxes; None if a line finds no way."""
    bodies = {cell: body_of(cell, room, wish.shapes) for cell in wish.places}
    columns = spans([(place[1], bodies[cell].solid.width) for cell, place in wish.places.items()], gap)
    rows = spans([(place[0], bodies[cell].solid.height) for cell, place in wish.places.items()], gap)
    solids = []
    for cell, (row, column) in wish.places.items():
        x, y = sum(columns[column]) / 2, -sum(rows[row]) / 2
        solids.append(Solid(cell, bodies[cell].solid.moved(x, y), text=bodies[cell].text))
    ends = [(-high, -low) for low, high in reversed(between(rows, gap))]
    board = Board([solid.rect for solid in solids], between(columns, gap), ends)
    numbers = {solid.cell: number for number, solid in enumerate(solids)}
    ways = []
    for source, target, kind, bundle in wires(wish):
        points = board.route(Wire(numbers[source], numbers[target], bundle))
        if points is None:
            return None
        ways.append(Way(source, target, kind, points))
    return Drawing(wish.title, solids, list(beside(wish, columns, rows, gap)), [*wish.places], ways)


def beside(
    wish: Wish, columns: Sequence[tuple[float, float]], rows: Sequence[tuple[float, float]], gap: float
) -> Iterator[Words]:
    """What stands above columns and left of rows, outside of the room for lines."""
    last_first = [*reversed([*wish.places.items()])]
    in_row = {row: cell for cell, (row, _) in last_first}  # whose words these are: the first ones
    in_column = {column: cell for cell, (_, column) in last_first}
    for column, name in wish.heads.items():
        said = heading(name, columns[column][1] - columns[column][0])
        rect = centred(said.width, said.height).moved(sum(columns[column]) / 2, gap + said.height / 2)
        yield Words(in_column[column], rect, said)
    for row, name in wish.sides.items():
        said = remark(name)
        rect = centred(said.width, said.height).moved(-gap - said.width / 2, -sum(rows[row]) / 2)
        yield Words(in_row[row], rect, said)


def body_of(cell: Cell, room: float, written: Shapes) -> Body:
    """A box with the shape that leaves it as its last line."""
    manner = Manner(shapes=written)
    body = boxed(cell, manner, room)
    if cell.end:
        return body
    inside = body.text + shapes(cell, manner)
    return Body(cell, centred(inside.width + 2 * MARGIN[0], inside.height + 2 * MARGIN[1]), text=inside)


def spans(sizes: Sequence[tuple[int, float]], gap: float) -> list[tuple[float, float]]:
    """From where to where each row or column reaches, as wide as its widest box."""
    count = max(number for number, _ in sizes) + 1
    widths = [max((size for number, size in sizes if number == one), default=0.0) for one in range(count)]
    starts = accumulate([width + gap for width in widths], initial=0.0)
    return [(start, start + width) for start, width in zip(starts, widths, strict=False)]


def between(found: Sequence[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """The rooms before, between and behind rows or columns."""
    low, high = found[0][0], found[-1][1]
    inner = [(one[1], other[0]) for one, other in pairwise(found)]
    return [(low - gap, low), *inner, (high, high + gap)]


def wires(wish: Wish) -> Iterator[tuple[Cell, Cell, WayKind, int]]:
    """All lines, short ones first; those of one tensor, or to the same boxes, are a bundle."""
    found: list[tuple[Cell, Cell, WayKind, int]] = [
        (source, target, "flow", number) for number, (source, target) in enumerate(wish.flows)
    ]
    bundles: dict[tuple[object, ...], int] = {}
    for number, net in enumerate(wish.nets):
        key = (number,) if net.tap or len(net.targets) == 1 else tuple(cell.place for cell in net.targets)
        bundle = bundles.setdefault((net.tap, *key), len(wish.flows) + number)
        kind: WayKind = "tap" if net.tap else "skip"
        found += [(source, target, kind, bundle) for source in net.sources for target in net.targets]

    def far(wire: tuple[Cell, Cell, WayKind, int]) -> tuple[int, int]:
        (row, column), (to_row, to_column) = wish.places[wire[0]], wish.places[wire[1]]
        return abs(row - to_row) + abs(column - to_column), wire[3]

    yield from sorted(found, key=far)
