"""A grid with everything in its place: boxes in rows and columns, lines between them, the legend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise, product
from typing import TypeAlias

from archdsl.backends.figures.grid.places import Place
from archdsl.backends.figures.grid.routes import Board, Wire
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.bodies import Body, Manner, boxed, shapes
from archdsl.backends.figures.strip.cells import Cell, Net
from archdsl.backends.figures.strip.crossings import crossings
from archdsl.backends.figures.strip.fit import ROOMS, Paper
from archdsl.backends.figures.strip.legend import height as legend_height
from archdsl.backends.figures.strip.legend import placed as keys
from archdsl.backends.figures.strip.plan import Drawing, Rect, Solid, Way, WayKind, Words, centred, heading, remark
from archdsl.backends.figures.texts import Text
from archdsl.diagnostics.faults import fault

Line: TypeAlias = "tuple[Cell, Cell, WayKind, int]"  # with the bundle that it belongs to
MARGIN = 6.0, 5.0  # between the outline of a box and its text
TIGHT = 14.0  # between boxes, where they do not fit otherwise
OUTSIDE = 26.0  # at least, of the rooms before and behind all boxes: lines run in their middle, and arrows keep shafts
GAPS = (22.0, 30.0, 40.0, 52.0, 66.0, 84.0)  # rooms between boxes to try: more lines need more


@dataclass(frozen=True)
class Wish:
    """What is drawn: cells with their places, arrows to the next ones, lines to others, what colours mean."""

    title: str
    places: Mapping[Cell, Place]
    flows: Sequence[tuple[Cell, Cell]]
    nets: Sequence[Net]
    legend: Mapping[str, str]
    heads: Sequence[tuple[int, int, str]] = ()  # the first and last of some columns, and the words above them
    alone: str = "draw it as a strip"  # what to do where lines find no way
    sides: Mapping[int, str] = field(default_factory=dict)  # words left of rows
    shapes: Shapes = field(default_factory=Shapes)  # how they are written


@dataclass(frozen=True)
class Attempt:
    """A wish with text of so much room, and rooms between boxes to try."""

    wish: Wish
    gaps: Sequence[float]
    room: float

    def lacking(self, paper: Paper) -> tuple[float, float]:
        """What the boxes alone are too wide and too high by, with the smallest rooms between them."""
        gap = self.gaps[0]
        spread = Spread.of(self.wish, self.room, gap)
        high = spread.rows[-1][1] + legend_height(self.wish.legend, paper.wide)
        return paper.lacking(spread.columns[-1][1], high)

    def made(self, paper: Paper) -> Drawing | None:
        """With the smallest rooms between boxes in which all lines find a way."""
        found = next(filter(None, (routed(self.wish, Spread.of(self.wish, self.room, gap)) for gap in self.gaps)), None)
        if found is not None:
            found.keys = keys(self.wish.legend, found.rect, paper.wide)
        return found


def drawn(wishes: Sequence[Wish], paper: Paper) -> Drawing:
    """The wish in which the fewest lines cross, of those that fit onto the paper; else what lacks least.

    Raises if lines find no way.
    """
    attempts = [[Attempt(wish, *one) for one in product((GAPS, (TIGHT, *GAPS)), ROOMS[False])] for wish in wishes]
    best: tuple[int, Drawing] | None = None
    for one in attempts:
        made = fitting(one, paper)
        if made is None:
            continue
        crossed = crossings(made.ways)
        if not crossed:
            return made
        best = min(best or (crossed, made), (crossed, made), key=lambda one: one[0])
    if best is not None:
        return best[1]
    for attempt in sorted(chain(*attempts), key=lambda attempt: attempt.lacking(paper)):
        made = attempt.made(paper)
        if made is not None:
            return made
    raise fault("bad-call", f"there is no room for the lines of '{wishes[0].title}' on a grid", help=wishes[0].alone)


def fitting(attempts: Sequence[Attempt], paper: Paper) -> Drawing | None:
    """The first that fits; those are not tried whose boxes alone do not."""
    made = (attempt.made(paper) for attempt in attempts if not any(attempt.lacking(paper)))
    return next((drawing for drawing in made if drawing is not None and paper.holds(drawing)), None)


@dataclass(frozen=True)
class Spread:
    """Boxes, and from where to where each column and row reaches, with so much room between them."""

    bodies: Mapping[Cell, Body]
    columns: Sequence[tuple[float, float]]
    rows: Sequence[tuple[float, float]]
    gap: float

    @classmethod
    def of(cls, wish: Wish, room: float, gap: float) -> Spread:
        bodies = {cell: body_of(cell, room, wish.shapes) for cell in wish.places}
        columns = spans([(place[1], bodies[cell].solid.width) for cell, place in wish.places.items()], gap)
        rows = spans([(place[0], bodies[cell].solid.height) for cell, place in wish.places.items()], gap)
        return cls(bodies, columns, rows, gap)

    def solids(self, places: Mapping[Cell, Place]) -> list[Solid]:
        found = []
        for cell, (row, column) in places.items():
            x, y = sum(self.columns[column]) / 2, -sum(self.rows[row]) / 2
            found.append(Solid(cell, self.bodies[cell].solid.moved(x, y), text=self.bodies[cell].text))
        return found


def routed(wish: Wish, spread: Spread) -> Drawing | None:
    """With all lines, drawn in the order in which the fewest cross; None if one finds no way."""
    solids = spread.solids(wish.places)
    best: tuple[int, list[Way]] | None = None
    for joined in (True, False):
        ways = drawn_ways(wires(wish, joined=joined), solids, spread)
        if ways is not None and (best is None or crossings(ways) < best[0]):
            best = crossings(ways), ways
        if best is not None and not best[0]:
            break
    if best is None:
        return None
    words = list(beside(wish, spread.columns, spread.rows, spread.gap))
    return Drawing(wish.title, solids, words, [*wish.places], best[1])


def drawn_ways(found: Iterable[Line], solids: Sequence[Solid], spread: Spread) -> list[Way] | None:
    """One line after another; None if one finds no way."""
    ends = [(-high, -low) for low, high in reversed(between(spread.rows, spread.gap))]
    board = Board([solid.rect for solid in solids], between(spread.columns, spread.gap), ends)
    numbers = {solid.cell: number for number, solid in enumerate(solids)}
    ways = []
    for source, target, kind, bundle in found:
        start = widest_line(solids[numbers[source]]) if kind != "flow" and source.end else None
        points = board.route(Wire(numbers[source], numbers[target], bundle, start))
        if points is None:
            return None
        ways.append(Way(source, target, kind, points, bundle))
    return ways


def widest_line(words: Solid) -> Rect:
    """Where that line of words without an outline stands which reaches their sides, so that lines begin at a word."""
    whole, lines = words.rect, words.text.lines
    top = whole.high - (whole.height - words.text.height) / 2
    number = max(range(len(lines)), key=lambda n: lines[n].width)
    top -= Text(lines[:number]).height
    return Rect(whole.left, top - Text(lines[number : number + 1]).height, whole.right, top)


def beside(
    wish: Wish, columns: Sequence[tuple[float, float]], rows: Sequence[tuple[float, float]], gap: float
) -> Iterator[Words]:
    """What stands above columns and left of rows, outside of the room for lines."""
    last_first = [*reversed([*wish.places.items()])]
    in_row = {row: cell for cell, (row, _) in last_first}  # whose words these are: the first ones
    in_column = {column: cell for cell, (_, column) in last_first}
    for first, last, name in wish.heads:
        left, right = columns[first][0], columns[last][1]
        said = heading(name, right - left)
        rect = centred(said.width, said.height).moved((left + right) / 2, gap + said.height / 2)
        yield Words(in_column[first], rect, said)
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
    low, high, gap = found[0][0], found[-1][1], max(gap, OUTSIDE)
    inner = [(one[1], other[0]) for one, other in pairwise(found)]
    return [(low - gap, low), *inner, (high, high + gap)]


def wires(wish: Wish, *, joined: bool) -> list[Line]:
    """All lines in the order in which they find their ways, short ones first.

    Those of one tensor, or to the same boxes, are a bundle. `joined`: bundles come last, which have most choice, and of
    these the longest first, which the others may join.
    """
    found: list[Line] = [(source, target, "flow", number) for number, (source, target) in enumerate(wish.flows)]
    bundles: dict[tuple[object, ...], int] = {}
    for number, net in enumerate(wish.nets):
        key = (number,) if net.tap or len(net.targets) == 1 else tuple(cell.place for cell in net.targets)
        bundle = bundles.setdefault((net.tap, *key), len(wish.flows) + number)
        kind: WayKind = "tap" if net.tap else "skip"
        found += [(source, target, kind, bundle) for source in net.sources for target in net.targets]
    sizes = Counter(bundle for *_, bundle in found)

    def order(line: Line) -> tuple[bool, int, int]:
        (row, column), (to_row, to_column) = wish.places[line[0]], wish.places[line[1]]
        far, many = abs(row - to_row) + abs(column - to_column), joined and sizes[line[3]] > 1
        return many, -far if many else far, line[3]

    return sorted(found, key=order)
