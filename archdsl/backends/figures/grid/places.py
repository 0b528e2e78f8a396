"""Which row and column of the grid a cell stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from archdsl.backends.figures.strip.cells import Cell, Strip

Place: TypeAlias = "tuple[int, int]"  # row and column


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
