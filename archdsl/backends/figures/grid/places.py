"""Which row and column of the grid a cell stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, log2
from typing import TypeAlias

from archdsl.backends.figures.strip.cells import Cell, Strip
from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph

Place: TypeAlias = "tuple[int, int]"  # row and column
VECTOR = inf  # the power of two that a vector is smaller by


def by_resolution(strip: Strip, rank: int) -> dict[Cell, Place]:
    """Rows by resolution; columns as far left as the cells that a cell reads allow.

    A cell stands right of what it reads in its own row, and below or above what it reads in others. So what goes down
    is a column, what goes up again another one, and maps of one resolution stand side by side. A vector stands right of
    all that it reads.
    """
    sizes = {cell: max(cell.output.shape[1:]) for cell in strip.cells if len(cell.output.shape) == rank}
    rows = {size: row for row, size in enumerate(sorted(set(sizes.values()), reverse=True))}
    sources = read_by(strip)
    places: dict[Cell, Place] = {}
    for cell in strip.cells:
        before = [places[source] for source in sources[cell]]
        if cell in sizes:
            row = rows[sizes[cell]]
            column = max((column + (its == row) for its, column in before), default=0)
            while (row, column) in places.values():
                column += 1
            places[cell] = row, column
        else:
            places[cell] = beside(before, places, len(rows))
    return places


def aligned(strips: Sequence[Strip], graphs: Sequence[Graph]) -> tuple[dict[Cell, Place], dict[int, str]]:
    """A column for each network, rows for each resolution that any of them has; what stands at the side of rows.

    Resolutions are parts of the input's, which need not be the same in all. Raises `SpecError` for a network that goes
    back up to larger maps.
    """
    bands = [[band(cell, graph) for cell in strip.cells] for strip, graph in zip(strips, graphs, strict=True)]
    for found, graph in zip(bands, graphs, strict=True):
        if found != sorted(found):
            message = f"'{graph.called}' goes back up to larger maps, so it does not stand beside others"
            raise fault("bad-call", message, help="draw it alone with --arrange resolution")
    starts, row = {}, 0
    for part in sorted({part for found in bands for part in found}):
        starts[part] = row
        row += max(found.count(part) for found in bands)
    places = {
        cell: (starts[part] + found[:place].count(part), column)
        for column, (strip, found) in enumerate(zip(strips, bands, strict=True))
        for place, (cell, part) in enumerate(zip(strip.cells, found, strict=True))
    }
    return places, {starts[part]: reduced(part) for part in starts if part != VECTOR}


def band(cell: Cell, graph: Graph) -> float:
    """By which power of two the map is smaller than the input (so 13 and 14 are alike); vectors come last."""
    rank = len(next(iter(graph.inputs.values())).shape)
    return round(log2(size_of(graph) / size(cell))) if len(cell.output.shape) == rank else VECTOR


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
