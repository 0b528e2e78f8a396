"""Which row and column of the grid a cell stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import inf, log2
from typing import TypeAlias

from archdsl.backends.figures.strip.cells import Cell, Strip, is_map, rank_of
from archdsl.ir.graph import Graph

Place: TypeAlias = "tuple[int, int]"  # row and column
Band: TypeAlias = "tuple[int, int]"  # the negative size of maps, and how many of that size stand above
VECTOR = inf  # the power of two that a vector is smaller by


@dataclass(frozen=True)
class Form:
    """How a grid is kept narrow.

    `stacked`: what follows a map of its size stands below it; `below`: vectors stand below; `over`: an output that is a
    map stands above what it comes from.
    """

    stacked: bool = False
    below: bool = False
    over: bool = False


FORMS = (  # the widest first
    Form(),
    Form(over=True),
    Form(below=True, over=True),
    Form(stacked=True, over=True),
    Form(stacked=True, below=True, over=True),
)


def by_resolution(strip: Strip, rank: int, form: Form | None = None) -> dict[Cell, Place]:
    """Rows by resolution; columns as far left as the cells that a cell reads allow.

    A cell stands right of what it reads in its own row, and below or above what it reads in others. So what goes down
    is a column, what goes up again another one, and maps of one resolution stand side by side. A vector stands right of
    all that it reads. A narrow form has rows for what stands below instead.
    """
    form = form or Form()
    sources, previous = read_by(strip), {target: source for source, target in strip.flows}
    bands: dict[Cell, Band] = {}
    columns: dict[Cell, int] = {}
    for cell in strip.cells:
        if not is_map(cell, rank):
            continue
        before = [source for source in sources[cell] if source in bands]
        if form.over and cell.box.role == "output":
            bands[cell], columns[cell] = (-size(cell), -1), columns[before[-1]]
            continue
        level = [source for source in before if size(source) == size(cell)]
        under = form.stacked and level == [previous.get(cell)] == before
        bands[cell] = -size(cell), max((bands[source][1] for source in level), default=0) + under
        column = max((columns[source] + (source in level and not under) for source in before), default=0)
        taken = {columns[other] for other in columns if bands[other] == bands[cell]}
        columns[cell] = next(n for n in count(column) if n not in taken)
    rows = {band: row for row, band in enumerate(sorted(set(bands.values())))}
    places = {cell: (rows[bands[cell]], columns[cell]) for cell in bands}
    for cell in (cell for cell in strip.cells if cell not in places):
        before_it = [places[source] for source in sources[cell]]
        places[cell] = below(before_it, places, len(rows)) if form.below else beside(before_it, places, len(rows))
    return places


@dataclass(frozen=True)
class Aligned:
    """Networks side by side: places in common rows, the first and last column of each, what stands left of rows."""

    places: Mapping[Cell, Place]
    columns: Sequence[tuple[int, int]]
    sides: Mapping[int, str]


def aligned(strips: Sequence[Strip], graphs: Sequence[Graph]) -> Aligned:
    """Columns for each network, rows for each resolution that any of them has.

    Resolutions are parts of the input's, which need not be the same in all. A network that only goes down is one
    column; one that goes up again, or is read at several resolutions, stands as it does alone.
    """
    local = [local_places(strip, graph) for strip, graph in zip(strips, graphs, strict=True)]
    starts, row = {}, 0
    for part in sorted({part for found in local for part, _, _ in found.values()}):
        starts[part] = row
        row += 1 + max(nth for found in local for its, nth, _ in found.values() if its == part)
    places: dict[Cell, Place] = {}
    columns: list[tuple[int, int]] = []
    for found in local:
        first = columns[-1][1] + 1 if columns else 0
        places |= {cell: (starts[part] + nth, first + column) for cell, (part, nth, column) in found.items()}
        columns.append((first, first + max(column for _, _, column in found.values())))
    return Aligned(places, columns, {starts[part]: reduced(part) for part in starts if part != VECTOR})


def local_places(strip: Strip, graph: Graph) -> dict[Cell, tuple[float, int, int]]:
    """The band of each cell, which of the rows of that band it stands in, and its column."""
    bands = [band(cell, graph) for cell in strip.cells]
    if bands == sorted(bands):
        return {
            cell: (one, bands[:n].count(one), 0) for n, (cell, one) in enumerate(zip(strip.cells, bands, strict=True))
        }
    rank = rank_of(graph)
    places = by_resolution(strip, rank)
    of_row = {row: band(cell, graph) for cell, (row, _) in places.items() if is_map(cell, rank)}
    nth = {row: sum(of_row[other] == of_row[row] for other in of_row if other < row) for row in of_row}
    return {cell: (of_row[row], nth[row], column) for cell, (row, column) in places.items()}


def band(cell: Cell, graph: Graph) -> float:
    """By which power of two the map is smaller than the input (so 13 and 14 are alike); vectors come last."""
    return round(log2(size_of(graph) / size(cell))) if is_map(cell, rank_of(graph)) else VECTOR


def reduced(power: float) -> str:
    """`1/16`."""
    return f"1/{2**power:g}" if power > 0 else f"{2**-power:g}"


def size(cell: Cell) -> int:
    return max(cell.output.shape[1:], default=1)


def size_of(graph: Graph) -> int:
    """The longer side of the first input."""
    return max(next(iter(graph.inputs.values())).shape[1:], default=1)


def read_by(strip: Strip) -> dict[Cell, list[Cell]]:
    """What each cell reads, of what is drawn before it."""
    found: dict[Cell, list[Cell]] = {cell: [] for cell in strip.cells}
    for source, target in strip.flows:
        found[target].append(source)
    for net in strip.nets:
        for target in net.targets:
            found[target] += [source for source in net.sources if source.place < target.place]
    return found


def beside(before: list[Place], places: Mapping[Cell, Place], rows: int) -> Place:
    """A free place right of some others, near the middle of their rows."""
    if not before:
        return 0, max((column for _, column in places.values()), default=-1) + 1
    column = max(column for _, column in before) + 1
    middle = sum(row for row, _ in before) / len(before)
    taken = set(places.values())
    while True:
        free = [row for row in range(rows) if (row, column) not in taken]
        if free:
            return min(free, key=lambda row: (abs(row - middle), row)), column
        column += 1


def below(before: list[Place], places: Mapping[Cell, Place], rows: int) -> Place:
    """A free place in rows of their own: under the lowest of some others, near the middle of their columns."""
    row = max([rows - 1, *(row for row, _ in before)]) + 1
    taken = {column for its, column in places.values() if its == row}
    middle = sum(column for _, column in before) / max(1, len(before))
    wide = max(column for _, column in places.values()) + 1 + len(taken)
    return row, min(set(range(wide)) - taken, key=lambda column: (abs(column - middle), column))
