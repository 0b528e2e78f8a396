"""The size of text, the gaps and the line breaks with which a table fits a column or a page of a paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archdsl.diagnostics.faults import fault
from archdsl.support.naming import spaced
from archdsl.support.tables import Table
from archdsl.support.typeset import width_of

# Points: the narrowest column and page of the two-column styles of IEEE, ACM, CVPR and ICML.
ROOM = {"column": 234, "page": 487}
SIZES = {"small": 9, "footnotesize": 8, "scriptsize": 7}  # in a paper of ten points; never smaller
GAPS = (6, 5, 4, 3, 2)  # points on each side of a column
TIGHT = 3  # a smaller gap only in the smallest size
LEAST = 0.4  # of its width: a column is not broken into narrower lines


@dataclass(frozen=True)
class Layout:
    """How a table is set: a size of text and gaps, headings in two lines, a column whose cells are broken."""

    size: str = ""
    gap: int = 6
    stacked: bool = False
    broken: int | None = None


def fits(table: Table, width: str) -> bool:
    """Whether there is a layout in which the table fits."""
    return any(needs(table, layout) <= ROOM[width] for layout in layouts(table))


def fitted(table: Table, width: str) -> Layout:
    """The layout of the largest text that fits; raises `SpecError` if there is none."""
    least = float("inf")
    for layout in layouts(table):
        needed = needs(table, layout)
        if needed <= ROOM[width]:
            return layout
        least = min(least, needed)
    message = f"{table.title}: the table needs {least:.0f} pt, and a {width} has {ROOM[width]} pt"
    ways = ["--width page"] if width == "column" else []
    fewer = fewer_columns(table, width)
    ways += [f"fewer columns: --columns {','.join(fewer)}"] if fewer else []
    raise fault("bad-call", message, help=f"take {', or '.join(ways)}" if ways else "leave out --width")


def fewer_columns(table: Table, width: str) -> list[str]:
    """The names of columns that fit: without the widest ones, last of all those in which networks differ."""
    front, *others = table.keys or [""]
    differing = {column.key for column in table.columns if column.over}
    narrow = Layout(list(SIZES)[-1], GAPS[-1], stacked=True)
    room = {key: needs(table.of([key]), narrow) for key in others}
    order = sorted(others, key=lambda key: (key in differing, -room[key]))
    for count in range(1, len(order)):
        kept = table.of([front, *(key for key in others if key not in order[:count])])
        if fits(kept, width):
            return kept.keys
    return []


def layouts(table: Table) -> Iterator[Layout]:
    """All layouts, the best first: large text, then headings in one line, then wide gaps, then unbroken cells."""
    broken = next((place for place, column in enumerate(table.columns) if column.breaks), None)
    smallest = list(SIZES)[-1]
    for size in SIZES:
        gaps = [gap for gap in GAPS if gap >= TIGHT or size == smallest]
        yield from (Layout(size, gap) for gap in gaps if gap > TIGHT)
        yield from (Layout(size, gap, stacked=True) for gap in gaps)
        if broken is not None:
            yield Layout(size, TIGHT, stacked=True, broken=broken)
    if broken is not None:
        yield Layout(smallest, GAPS[-1], stacked=True, broken=broken)


def needs(table: Table, layout: Layout) -> float:
    """The width of a table in points."""
    size = SIZES[layout.size]
    headers = stacked(table, layout)
    widths = []
    for place, _ in enumerate(table.columns):
        cells = [(row[place], (n, place) in table.strong) for n, row in enumerate(table.rows)]
        cells += [(row[place], False) for row in (*table.totals, *headers)]
        widest = max(width_of(cell, size, bold=bold) for cell, bold in cells)
        if place == layout.broken:
            words = max(width_of(word, size) for cell, _ in cells for word in cell.split(" "))
            widest = max(words, LEAST * widest)
        widths.append(widest)
    return sum(spanned(table, widths, layout)) + 2 * layout.gap * (len(widths) - 1)


def spanned(table: Table, widths: Sequence[float], layout: Layout) -> Iterator[float]:
    """The widths, a group of columns at least as wide as the heading over it."""
    place = 0
    for over, length in table.spans():
        inside = widths[place : place + length]
        heading = width_of(over, SIZES[layout.size]) - 2 * layout.gap * (length - 1) if over else 0.0
        yield max(sum(inside), heading)
        place += length


def stacked(table: Table, layout: Layout) -> list[list[str]]:
    """The lines of headings: one, or two where a heading of several words is wider than what stands below it."""
    if not layout.stacked:
        return [table.header]
    parts = [halves(column.heading) for column in table.columns]
    return [list(line) for line in zip(*parts, strict=True)] if any(upper for upper, _ in parts) else [table.header]


def halves(heading: str) -> tuple[str, str]:
    """A heading in two lines that are about as long; one word stands in the lower line."""
    words = spaced(heading).split()
    ways = [(" ".join(words[:n]), " ".join(words[n:])) for n in range(len(words))]
    return min(ways, key=lambda way: max(map(len, way)), default=("", heading))


__all__ = ["ROOM", "Layout", "fits", "fitted", "stacked"]
